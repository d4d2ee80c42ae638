//! What a meter used on one day, and what that came to: grams, pence, and of which fuels.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};

use super::tariff::Pence;
use crate::domain::headroom::Long;

/// Decimals that are kept of a figure.
const PLACES: u32 = 9;

/// What a figure is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// kWh of the meter.
    Usage,
    /// g/kWh of the region.
    Carbon,
    /// Pence per kWh of the meter's tariff.
    Price,
    /// Shares of the fuels in the region.
    Mix,
}

impl Part {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Usage, Self::Carbon, Self::Price, Self::Mix];
}

/// The intensity of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carbon {
    /// g/kWh.
    pub g_per_kwh: Decimal,
    /// A forecast, or what else was not measured.
    pub is_estimated: bool,
}

/// What is known of one slot of the day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slot {
    /// Its first instant.
    pub start: DateTime<Utc>,
    /// u: kWh.
    pub usage: Option<Decimal>,
    /// c.
    pub carbon: Option<Carbon>,
    /// p: pence per kWh.
    pub price: Option<Pence>,
    /// m: percent by fuel; none of a fuel: unknown.
    pub mix: BTreeMap<String, Option<Decimal>>,
}

impl Slot {
    fn has(&self, part: Part) -> bool {
        match part {
            Part::Usage => self.usage.is_some(),
            Part::Carbon => self.carbon.is_some(),
            Part::Price => self.price.is_some(),
            Part::Mix => !self.mix.is_empty() && self.mix.values().all(Option::is_some),
        }
    }
}

/// What the slots of a day come to. A figure counts the slots that have both of its parts, and is
/// none where no slot has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many slots the day has.
    pub slots_expected: u32,
    /// How many of them have usage.
    pub slots_used: u32,
    /// How many of those are weighed with an intensity that was not measured.
    pub slots_estimated: u32,
    /// The slots that lack a part.
    pub missing: BTreeMap<Part, Vec<DateTime<Utc>>>,
    /// Σu.
    pub kwh: Option<Decimal>,
    /// Σu·c.
    pub grams: Option<Decimal>,
    /// Σu·c / Σu in g/kWh; none where Σu is 0.
    pub average: Option<Decimal>,
    /// Σu·p in pence.
    pub cost: Option<Pence>,
    /// Pence for the day, used or not.
    pub standing: Option<Pence>,
    /// Σu·m / Σu in percent by fuel; none where Σu is 0.
    pub mix: Option<BTreeMap<String, Decimal>>,
    /// Whether every slot has every part.
    pub is_complete: bool,
}

/// Σu and Σu·x over the slots that have both.
#[derive(Debug, Default)]
struct Weighed {
    usage: Long,
    product: Long,
    n: u32,
}

impl Weighed {
    fn of(pairs: impl Iterator<Item = (Decimal, Decimal)>) -> Self {
        pairs.fold(Self::default(), |sum, (usage, x)| {
            let usage = Long::from(usage);
            let product = sum.product.plus(&usage.times(&x.into()));
            Self { usage: sum.usage.plus(&usage), product, n: sum.n + 1 }
        })
    }

    /// Σu·x.
    fn total(&self) -> Option<Decimal> {
        if self.n == 0 { None } else { quotient(&self.product, &1.into()) }
    }

    /// Σu·x / Σu.
    fn mean(&self) -> Option<Decimal> {
        quotient(&self.product, &self.usage)
    }
}

/// Rounded once; without zeros at its end.
fn quotient(over: &Long, under: &Long) -> Option<Decimal> {
    let cut = over.cut_quotient(under)?;
    Some(cut.round_dp_with_strategy(PLACES, MidpointAwayFromZero).normalize())
}

/// Sums up a day of all its slots, in order.
#[must_use]
pub fn summarize(slots: &[Slot], standing: Option<Pence>) -> Summary {
    let by = |x: fn(&Slot) -> Option<Decimal>| {
        Weighed::of(slots.iter().filter_map(|slot| Some((slot.usage?, x(slot)?))))
    };
    let carbon = by(|slot| slot.carbon.map(|carbon| carbon.g_per_kwh));
    let cost = by(|slot| slot.price.map(|price| price.exc_vat)).total();
    let cost_with_vat = by(|slot| slot.price.map(|price| price.inc_vat)).total();
    let missing = missing(slots);
    let is_estimated = |slot: &&Slot| {
        slot.usage.is_some() && slot.carbon.is_some_and(|carbon| carbon.is_estimated)
    };
    Summary {
        slots_expected: count(slots.len()),
        slots_used: count(slots.iter().filter(|slot| slot.usage.is_some()).count()),
        slots_estimated: count(slots.iter().filter(is_estimated).count()),
        is_complete: !slots.is_empty() && missing.is_empty(),
        missing,
        kwh: by(|_| Some(Decimal::ONE)).total(),
        grams: carbon.total(),
        average: carbon.mean(),
        cost: cost.zip(cost_with_vat).map(|(exc_vat, inc_vat)| Pence { exc_vat, inc_vat }),
        standing,
        mix: mix(slots),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Which parts lack, and where.
fn missing(slots: &[Slot]) -> BTreeMap<Part, Vec<DateTime<Utc>>> {
    let of = |part| {
        let starts = slots.iter().filter(|slot| !slot.has(part)).map(|slot| slot.start);
        (part, starts.collect::<Vec<_>>())
    };
    Part::ALL.into_iter().map(of).filter(|(_, starts)| !starts.is_empty()).collect()
}

/// Σu·m / Σu of every fuel, over the slots whose mix is known.
fn mix(slots: &[Slot]) -> Option<BTreeMap<String, Decimal>> {
    let known: Vec<&Slot> =
        slots.iter().filter(|slot| slot.has(Part::Usage) && slot.has(Part::Mix)).collect();
    let fuels = known.iter().flat_map(|slot| slot.mix.keys());
    let mean = |fuel: &String| {
        let pairs = known.iter().filter_map(|slot| Some((slot.usage?, (*slot.mix.get(fuel)?)?)));
        Some((fuel.clone(), Weighed::of(pairs).mean()?))
    };
    let mix: BTreeMap<String, Decimal> =
        fuels.collect::<std::collections::BTreeSet<_>>().into_iter().filter_map(mean).collect();
    if mix.is_empty() { None } else { Some(mix) }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn pence(text: &str) -> Pence {
        Pence { exc_vat: decimal(text), inc_vat: decimal(text) * decimal("1.05") }
    }

    fn slot(n: i32, usage: &str, carbon: &str, price: &str, gas: &str) -> Slot {
        let known = |text: &str| text.parse::<Decimal>().ok();
        Slot {
            start: DateTime::UNIX_EPOCH + TimeDelta::minutes(30) * n,
            usage: known(usage),
            carbon: known(carbon).map(|g_per_kwh| Carbon { g_per_kwh, is_estimated: false }),
            price: known(price).map(|_| pence(price)),
            mix: [("gas".to_owned(), known(gas))].into(),
        }
    }

    #[test]
    fn a_figure_counts_the_slots_that_have_both_parts() {
        let slots = [
            slot(0, "1.5", "100", "10", "40"),
            slot(1, "0.5", "", "-2", "20"),
            slot(2, "", "300", "10", "99"),
            slot(3, "2", "200", "", ""),
        ];
        let day = summarize(&slots, Some(pence("44.2")));
        assert_eq!((day.slots_expected, day.slots_used, day.is_complete), (4, 3, false));
        assert_eq!((day.kwh, day.grams), (Some(decimal("4")), Some(decimal("550"))));
        // 550 / 3.5
        assert_eq!(day.average, Some(decimal("157.142857143")));
        assert_eq!(day.cost.unwrap().exc_vat, decimal("14"));
        assert_eq!(day.cost.unwrap().inc_vat, decimal("14.7"));
        assert_eq!(day.mix.unwrap()["gas"], decimal("35"));
        assert_eq!(day.missing[&Part::Usage], [slots[2].start]);
        assert_eq!(day.missing[&Part::Carbon], [slots[1].start]);
        assert_eq!(day.missing[&Part::Price], [slots[3].start]);
        assert_eq!(day.missing[&Part::Mix], [slots[3].start]);
        assert_eq!(day.standing.unwrap().exc_vat, decimal("44.2"));
    }

    #[test]
    fn without_usage_there_is_no_average_and_without_slots_no_figure() {
        let nothing = summarize(&[slot(0, "0", "100", "10", "40")], None);
        assert_eq!((nothing.kwh, nothing.grams), (Some(Decimal::ZERO), Some(Decimal::ZERO)));
        assert_eq!((nothing.average, nothing.mix), (None, None));
        assert!(nothing.is_complete);
        let empty = summarize(&[slot(0, "", "100", "10", "40")], None);
        assert_eq!((empty.kwh, empty.grams, empty.cost), (None, None, None));
        assert!(!summarize(&[], None).is_complete);
    }

    #[test]
    fn what_was_not_measured_is_counted() {
        let mut day = [slot(0, "1", "100", "1", "1"), slot(1, "1", "100", "1", "1")];
        day[1].carbon = Some(Carbon { g_per_kwh: decimal("90"), is_estimated: true });
        let summary = summarize(&day, None);
        assert_eq!((summary.slots_estimated, summary.is_complete), (1, true));
        assert_eq!(summary.grams, Some(decimal("190")));
    }

    proptest! {
        #[test]
        fn grams_are_the_sum_of_the_products_and_negative_prices_reduce_cost(
            rows in prop::collection::vec((0_i64..100_000, 0_i64..500, -4_000_i64..4_000), 1..50)
        ) {
            let slots: Vec<Slot> = (0..).zip(&rows).map(|(n, (usage, carbon, price))| {
                let usage = Decimal::new(*usage, 4).to_string();
                slot(n, &usage, &carbon.to_string(), &Decimal::new(*price, 2).to_string(), "1")
            }).collect();
            let day = summarize(&slots, None);
            let grams: i64 = rows.iter().map(|(usage, carbon, _)| usage * carbon).sum();
            prop_assert_eq!(day.grams, Some(Decimal::new(grams, 4).normalize()));
            let cost: i64 = rows.iter().map(|(usage, _, price)| usage * price).sum();
            prop_assert_eq!(day.cost.unwrap().exc_vat, Decimal::new(cost, 6).normalize());
        }
    }
}
