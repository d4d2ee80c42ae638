//! What rows come to in a period: exact sums, divided and rounded once.

use num_bigint::BigInt;
use rust_decimal::Decimal;

use super::Window;

/// Decimals of stored values and of what is computed from them.
pub const PLACES: u32 = 9;

/// A value of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The value; none: unknown, or left out.
    pub value: Option<Decimal>,
    /// Length of the slot in seconds.
    pub secs: i32,
    /// What weighs it.
    pub weight: Option<Decimal>,
    /// What kind of weight that is.
    pub weigh: Weigh,
    /// Whether the value is not measured.
    pub estimated: bool,
}

/// What kind of weight values have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weigh {
    /// Power, MW: it counts for as long as the slot is.
    #[default]
    Power,
    /// Energy, kWh: the length of the slot is in it.
    Energy,
}

/// Slots of one measure as columns of one length, in the order of their starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strand {
    /// Their first instants, in seconds of Unix.
    pub starts: Vec<i64>,
    /// Their lengths in seconds.
    pub secs: Vec<i32>,
    /// Their values; none: unknown, or left out.
    pub values: Vec<Option<Decimal>>,
    /// What weighs them; none where nothing does.
    pub weights: Option<Vec<Option<Decimal>>>,
    /// What kind of weights these are.
    pub weigh: Weigh,
    /// Which are not measured; none where all are.
    pub estimated: Option<Vec<bool>>,
}

impl Strand {
    /// Folds the slots that begin in each of some periods, which are in order and do not overlap. No
    /// fold where none does.
    #[must_use]
    pub fn fold(&self, periods: &[Window]) -> Vec<Option<Fold>> {
        let mut place = 0;
        let fold = |period: &Window| {
            let (from, to) = (period.from().timestamp(), period.to().timestamp());
            place += self.starts[place..].partition_point(|start| *start < from);
            let end = place + self.starts[place..].partition_point(|start| *start < to);
            let slots = std::mem::replace(&mut place, end)..end;
            let mut fold = (!slots.is_empty()).then(Fold::default)?;
            slots.for_each(|slot| fold.add(&self.slot(slot)));
            Some(fold)
        };
        periods.iter().map(fold).collect()
    }

    fn slot(&self, place: usize) -> Slot {
        Slot {
            value: self.values[place],
            secs: self.secs[place],
            weight: self.weights.as_ref().and_then(|weights| weights[place]),
            weigh: self.weigh,
            estimated: self.estimated.as_ref().is_some_and(|estimated| estimated[place]),
        }
    }
}

/// Sums over the slots of a period, added in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fold {
    /// Σ value × secs, of 10⁻⁹.
    by_time: Sum,
    /// Σ value, of 10⁻⁹.
    plain: Sum,
    /// Σ secs of slots with a value.
    secs: i64,
    /// Σ value × weight × secs, of 10⁻¹⁸.
    weighted: Sum,
    /// Σ weight × secs, of 10⁻⁹.
    weights: Sum,
    least: Option<Decimal>,
    most: Option<Decimal>,
    present: i32,
    estimated: i32,
}

/// What the slots of a period come to. Means have nine decimals, rounded half away from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The mean of the values, weighted by the length of their slots.
    pub mean_time: Option<Decimal>,
    /// The mean weighted by weight, over the slots that have both value and weight.
    pub mean_weighted: Option<Decimal>,
    /// The sum of the values.
    pub sum: Option<Decimal>,
    /// The sum of value × hours.
    pub sum_by_hours: Option<Decimal>,
    /// The least value.
    pub min: Option<Decimal>,
    /// The greatest value.
    pub max: Option<Decimal>,
    /// How many slots have a value.
    pub present: i32,
    /// How many of them are not measured.
    pub estimated: i32,
}

/// A sum of integers: in 128 bits as long as they suffice.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sum {
    Short(i128),
    Long(BigInt),
}

impl Default for Sum {
    fn default() -> Self {
        Self::Short(0)
    }
}

impl Sum {
    /// Adds the product of `factors`.
    fn add(&mut self, factors: [i128; 3]) {
        if let Self::Short(sum) = self {
            let product = factors[0].checked_mul(factors[1]);
            let product = product.and_then(|product| product.checked_mul(factors[2]));
            if let Some(more) = product.and_then(|product| sum.checked_add(product)) {
                *sum = more;
                return;
            }
            *self = Self::Long(BigInt::from(*sum));
        }
        if let Self::Long(sum) = self {
            *sum += factors.into_iter().map(BigInt::from).product::<BigInt>();
        }
    }

    fn is_zero(&self) -> bool {
        self.big() == BigInt::ZERO
    }

    fn big(&self) -> BigInt {
        match self {
            Self::Short(sum) => BigInt::from(*sum),
            Self::Long(sum) => sum.clone(),
        }
    }

    /// The sum / `divisor`, rounded half away from zero. The divisor is not zero.
    fn over(&self, divisor: &Self) -> Option<i128> {
        if let (Self::Short(sum), Self::Short(divisor)) = (self, divisor)
            && let Some(rounded) = divide(*sum, *divisor)
        {
            return Some(rounded);
        }
        let (sum, divisor) = (self.big(), divisor.big());
        let half_up =
            (sum.magnitude() * 2_u32 + divisor.magnitude()) / (divisor.magnitude() * 2_u32);
        let size = i128::try_from(half_up).ok()?;
        Some(if sum.sign() == divisor.sign() { size } else { -size })
    }
}

/// None where it does not fit.
fn divide(sum: i128, divisor: i128) -> Option<i128> {
    let (size, unit) = (sum.unsigned_abs(), divisor.unsigned_abs());
    let half_up = size / unit + u128::from(size % unit >= unit - size % unit);
    let half_up = i128::try_from(half_up).ok()?;
    Some(if (sum < 0) == (divisor < 0) { half_up } else { -half_up })
}

/// As an integer of 10⁻⁹; stored values have no more decimals.
fn nano(value: Decimal) -> i128 {
    let value = if value.scale() > PLACES { value.round_dp(PLACES) } else { value };
    value.mantissa() * 10_i128.pow(PLACES - value.scale())
}

fn decimal(nano: i128) -> Option<Decimal> {
    Decimal::try_from_i128_with_scale(nano, PLACES).ok()
}

impl Fold {
    /// Adds a slot.
    pub fn add(&mut self, slot: &Slot) {
        let Some(value) = slot.value else { return };
        let (number, secs) = (nano(value), i128::from(slot.secs));
        self.by_time.add([number, secs, 1]);
        self.plain.add([number, 1, 1]);
        self.secs += i64::from(slot.secs);
        self.least = Some(self.least.map_or(value, |least| least.min(value)));
        self.most = Some(self.most.map_or(value, |most| most.max(value)));
        self.present += 1;
        self.estimated += i32::from(slot.estimated);
        if let Some(weight) = slot.weight {
            let length = if slot.weigh == Weigh::Power { secs } else { 1 };
            self.weighted.add([number, nano(weight), length]);
            self.weights.add([nano(weight), length, 1]);
        }
    }

    /// What it comes to.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let seconds = Sum::Short(self.secs.into());
        let known = self.secs > 0;
        let hour = Sum::Short(3600);
        let of = |sum: &Sum, divisor: &Sum| sum.over(divisor).and_then(decimal);
        let is_weighted = known && !self.weights.is_zero();
        Figures {
            mean_time: known.then(|| of(&self.by_time, &seconds)).flatten(),
            mean_weighted: is_weighted.then(|| of(&self.weighted, &self.weights)).flatten(),
            sum: known.then(|| of(&self.plain, &Sum::Short(1))).flatten(),
            sum_by_hours: known.then(|| of(&self.by_time, &hour)).flatten(),
            min: self.least,
            max: self.most,
            present: self.present,
            estimated: self.estimated,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn slot(value: &str, secs: i32, weight: Option<&str>) -> Slot {
        Slot {
            value: Some(d(value)),
            secs,
            weight: weight.map(d),
            weigh: Weigh::Power,
            estimated: false,
        }
    }

    fn fold(slots: &[Slot]) -> Figures {
        let mut fold = Fold::default();
        for slot in slots {
            fold.add(slot);
        }
        fold.figures()
    }

    #[test]
    fn means_weigh_by_length_and_by_generation() {
        let figures = fold(&[slot("100", 300, Some("1")), slot("200", 600, Some("3"))]);
        assert_eq!(figures.mean_time, Some(d("166.666666667")));
        assert_eq!(figures.mean_weighted, Some(d("185.714285714")));
        assert_eq!((figures.min, figures.max), (Some(d("100")), Some(d("200"))));
        assert_eq!(figures.sum_by_hours, Some(d("41.666666667")));
        assert_eq!(figures.present, 2);
    }

    #[test]
    fn energy_has_the_length_of_its_slot_in_it() {
        let energy =
            |value, secs, kwh| Slot { weigh: Weigh::Energy, ..slot(value, secs, Some(kwh)) };
        let figures = fold(&[energy("100", 300, "1"), energy("200", 600, "3")]);
        assert_eq!(figures.mean_weighted, Some(d("175")));
    }

    #[test]
    fn unknown_is_not_zero_and_nothing_has_no_mean() {
        let unknown = Slot { value: None, ..slot("1", 300, None) };
        let figures = fold(&[unknown]);
        assert_eq!((figures.mean_time, figures.sum, figures.present), (None, None, 0));
        assert_eq!(fold(&[unknown, slot("0", 300, None)]).mean_time, Some(Decimal::ZERO));
    }

    #[test]
    fn halves_go_away_from_zero_and_no_sum_is_too_long() {
        let (up, down) = (slot("0.000000001", 1, None), slot("0", 1, None));
        assert_eq!(fold(&[up, down]).mean_time, Some(d("0.000000001")));
        let negative = Slot { value: Some(d("-0.000000001")), ..up };
        assert_eq!(fold(&[negative, down]).mean_time, Some(d("-0.000000001")));
        let huge = slot("999999999.999999999", i32::MAX, Some("999999999.999999999"));
        assert_eq!(fold(&[huge; 9]).mean_weighted, huge.value);
    }

    proptest! {
        #[test]
        fn the_mean_is_that_of_whole_numbers_in_any_order(
            slots in prop::collection::vec((-9_000_i64..9_000, 1_i32..4_000, -50_i64..900), 1..40)
        ) {
            let all: Vec<Slot> = slots
                .iter()
                .map(|(value, secs, weight)| Slot {
                    value: Some(Decimal::new(*value, 1)),
                    secs: *secs,
                    weight: Some(Decimal::from(*weight)),
                    weigh: Weigh::Power,
                    estimated: false,
                })
                .collect();
            let figures = fold(&all);
            let turned: Vec<Slot> = all.iter().rev().copied().collect();
            prop_assert_eq!(figures, fold(&turned));
            let sum: i64 = slots.iter().map(|(value, secs, _)| value * i64::from(*secs)).sum();
            let secs: i64 = slots.iter().map(|(_, secs, _)| i64::from(*secs)).sum();
            let mean = figures.mean_time.unwrap();
            let exact = Decimal::new(sum, 1) / Decimal::from(secs);
            prop_assert!((mean - exact).abs() <= d("0.0000000005"), "{mean} {exact}");
        }
    }
}
