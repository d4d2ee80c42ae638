//! The fuel mix of slots out of readings of generation, and the intensity of a mix.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};

use super::factors::Factors;
use crate::domain::headroom::Long;

/// Decimals of what is computed.
pub const PLACES: u32 = 9;

/// How long after its end a slot is computed even where no later reading is known.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Generation of one fuel at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// When it was read.
    pub at: DateTime<Utc>,
    /// As the upstream names it.
    pub fuel: &'a str,
    /// MW; none: unknown.
    pub mw: Option<Decimal>,
}

/// Start of the slot that a reading belongs to: the one that ends at the reading rounded up to a
/// whole step.
#[must_use]
pub fn slot_of(at: DateTime<Utc>, step: TimeDelta) -> DateTime<Utc> {
    let step = step.num_seconds().max(1);
    let seconds = at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0);
    let over = seconds.rem_euclid(step);
    let end = if over == 0 { seconds } else { seconds - over + step };
    DateTime::from_timestamp(end - step, 0).unwrap_or(at)
}

/// Whether a slot that ends at `end` can be computed: a reading at or after its end is known, or it
/// is long enough ago.
#[must_use]
pub fn is_ripe(end: DateTime<Utc>, newest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    newest.is_some_and(|newest| newest >= end) || now - end >= PATIENCE
}

/// The known readings of a fuel in a slot. Readings without a value do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mean {
    sum: Long,
    n: u32,
}

impl Mean {
    fn add(&mut self, mw: Decimal) {
        self.sum = self.sum.plus(&mw.into());
        self.n += 1;
    }

    /// MW, rounded to nine decimals; none where no reading has a value.
    #[must_use]
    pub fn mw(&self) -> Option<Decimal> {
        round(self.sum.cut_quotient(&self.n.into())?)
    }

    /// How many readings it is the mean of.
    #[must_use]
    pub const fn n_samples(&self) -> u32 {
        self.n
    }
}

/// What was generated in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotMix<'a> {
    /// Its first instant.
    pub start: DateTime<Utc>,
    /// By fuel.
    pub fuels: BTreeMap<&'a str, Mean>,
}

/// The mixes of the slots that the readings belong to, oldest first. The order of the readings is
/// free; there is one for each instant and fuel.
#[must_use]
pub fn resample<'a>(samples: &[Sample<'a>], step: TimeDelta) -> Vec<SlotMix<'a>> {
    let mut slots: BTreeMap<DateTime<Utc>, BTreeMap<&str, Mean>> = BTreeMap::new();
    for sample in samples {
        let slot = slots.entry(slot_of(sample.at, step)).or_default();
        let mean = slot.entry(sample.fuel).or_default();
        if let Some(mw) = sample.mw {
            mean.add(mw);
        }
    }
    slots.into_iter().map(|(start, fuels)| SlotMix { start, fuels }).collect()
}

/// Why a slot has no intensity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoIntensity {
    /// Not yet, or never: the upstream does not say.
    #[error("the generation of {0} is not known")]
    Missing(String),
    /// More than noise of a meter.
    #[error("{fuel} generates {mw} MW, which is less than can be taken for nothing")]
    Negative {
        /// Which fuel.
        fuel: String,
        /// Its mean.
        mw: Decimal,
    },
    /// The set says nothing of it on that day.
    #[error("the set of factors has none for {0} on that day")]
    NoFactor(String),
    /// Nothing to divide by.
    #[error("nothing is generated")]
    NothingGenerated,
    /// 10^19 or more.
    #[error("the intensity is too large to be stored")]
    TooLarge,
}

impl NoIntensity {
    /// The word of the finding; none where nothing is odd: a value is just not there.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) | Self::NothingGenerated => None,
            Self::Negative { .. } => Some("negative_mw"),
            Self::NoFactor(_) => Some("no_factor"),
            Self::TooLarge => Some("too_large"),
        }
    }
}

/// Whether a fuel takes power as well as it gives some.
#[must_use]
pub fn is_storage(fuel: &str) -> bool {
    let fuel = fuel.to_ascii_lowercase();
    ["storage", "battery", "batteries", "pumped"].iter().any(|word| fuel.contains(word))
}

/// How far below zero a fuel counts as zero, in MW: the own use of plants that stand still.
fn least(fuel: &str) -> Decimal {
    const LIMITS: [(&str, i64); 4] = [("gas", -20), ("coal", -50), ("wind", -20), ("solar", -100)];
    let fuel = fuel.to_ascii_lowercase();
    let known = LIMITS.iter().find(|(word, _)| fuel.contains(word));
    known.map_or(-10, |(_, limit)| *limit).into()
}

/// g/kWh of a mix: Σ(MW × factor) / ΣMW, exact and rounded once to nine decimals, half away from zero.
///
/// It needs every fuel of `required`; others count where they are positive, with the factor that the
/// set has for what it does not know. Storage that takes power is in neither sum. `day` is the day of
/// the region, by which factors are dated.
pub fn intensity(
    slot: &SlotMix<'_>,
    required: &[&str],
    factors: &Factors,
    day: NaiveDate,
) -> Result<Decimal, NoIntensity> {
    let is_known = |fuel: &&&str| slot.fuels.get(**fuel).is_some_and(|mean| mean.n > 0);
    if let Some(missing) = required.iter().find(|fuel| !is_known(fuel)) {
        return Err(NoIntensity::Missing((*missing).to_owned()));
    }
    let (mut grams, mut generated, mut common) = (Long::default(), Long::default(), Long::from(1));
    for (fuel, mean) in slot.fuels.iter().filter(|(_, mean)| mean.n > 0) {
        if !counts(fuel, mean)? {
            continue;
        }
        let factor = match required.contains(fuel) {
            true => factors.of(fuel, day),
            false => factors.of_or_unknown(fuel, day),
        };
        let factor = factor.ok_or_else(|| NoIntensity::NoFactor((*fuel).to_owned()))?;
        // a/b + s/n = (a n + s b) / (b n), where b n is the same in both sums.
        let (n, of_fuel) = (Long::from(mean.n), mean.sum.times(&common));
        grams = grams.times(&n).plus(&of_fuel.times(&factor.into()));
        generated = generated.times(&n).plus(&of_fuel);
        common = common.times(&n);
    }
    if generated.is_zero() {
        return Err(NoIntensity::NothingGenerated);
    }
    grams.cut_quotient(&generated).and_then(round).ok_or(NoIntensity::TooLarge)
}

/// Whether a fuel is in the sums: it is positive. Below its limit there is no telling.
fn counts(fuel: &str, mean: &Mean) -> Result<bool, NoIntensity> {
    let mw = mean.mw().ok_or(NoIntensity::TooLarge)?;
    if mw >= Decimal::ZERO || is_storage(fuel) || mw >= least(fuel) {
        return Ok(mw > Decimal::ZERO);
    }
    Err(NoIntensity::Negative { fuel: fuel.to_owned(), mw })
}

/// Rounded once, as it is stored: 18 digits, nine of them decimals.
fn round(value: Decimal) -> Option<Decimal> {
    const LIMIT: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
    let rounded = value.round_dp_with_strategy(PLACES, MidpointAwayFromZero);
    (rounded.abs() < LIMIT).then_some(rounded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::feed::factors::{DatedFactor, UNKNOWN};

    const STEP: TimeDelta = TimeDelta::minutes(5);
    const FUELS: [&str; 3] = ["Hydro", "Natural Gas", "Oil"];

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn factors(of: &[(&str, &str)]) -> Factors {
        let row = |&(fuel, g): &(&str, &str)| DatedFactor {
            fuel: fuel.to_owned(),
            is_regional: false,
            valid_from: NaiveDate::MIN,
            valid_to: None,
            g_per_kwh: decimal(g),
        };
        Factors::new(of.iter().map(row).collect())
    }

    fn sample<'a>(stamp: &str, fuel: &'a str, mw: &str) -> Sample<'a> {
        Sample { at: at(stamp), fuel, mw: mw.parse().ok() }
    }

    /// The intensity of the only slot of some readings at the same instant.
    fn of(readings: &[(&str, &str)], factors: &Factors) -> Result<String, NoIntensity> {
        let read = |&(fuel, mw)| sample("2025-02-01T05:05:00Z", fuel, mw);
        let samples: Vec<Sample<'_>> = readings.iter().map(read).collect();
        let slots = resample(&samples, STEP);
        intensity(&slots[0], &FUELS, factors, "2025-02-01".parse().unwrap()).map(|g| g.to_string())
    }

    const PLAIN: [(&str, &str); 3] = [("Hydro", "100"), ("Natural Gas", "200"), ("Oil", "100")];

    fn plain() -> Factors {
        factors(&[("Hydro", "0"), ("Natural Gas", "400"), ("Oil", "800"), (UNKNOWN, "600")])
    }

    #[test]
    fn a_stamp_closes_the_slot_that_it_lies_in() {
        let start = |stamp| slot_of(at(stamp), STEP).to_rfc3339();
        assert_eq!(start("2025-02-01T05:05:00Z"), "2025-02-01T05:00:00+00:00");
        assert_eq!(start("2025-02-01T05:05:00.001Z"), "2025-02-01T05:05:00+00:00");
        assert_eq!(start("2025-02-01T05:16:34Z"), "2025-02-01T05:15:00+00:00");
        assert_eq!(start("2025-02-02T05:00:00Z"), "2025-02-02T04:55:00+00:00");
    }

    #[test]
    fn a_slot_is_ripe_with_a_later_reading_or_with_time() {
        let (end, soon) = (at("2025-02-01T05:05:00Z"), at("2025-02-01T05:14:59Z"));
        assert!(!is_ripe(end, Some(at("2025-02-01T05:04:59Z")), soon));
        assert!(is_ripe(end, Some(end), soon));
        assert!(is_ripe(end, None, end + PATIENCE));
    }

    #[test]
    fn storage_that_takes_power_is_left_out_and_noise_is_nothing() {
        let with = |fuel, mw| [&PLAIN[..], &[(fuel, mw)]].concat();
        let plain = plain();
        let whole = of(&PLAIN, &plain);
        assert_eq!(whole.as_deref(), Ok("400"));
        assert_eq!(of(&with("Energy Storage", "-350"), &plain), whole);
        assert_eq!(of(&with("Sun", "-10"), &plain), whole);
        assert_eq!(of(&with("Sun", ""), &plain), whole);
        // (160000 + 60000) / 500: what gives power counts, known or not.
        assert_eq!(of(&with("Energy Storage", "100"), &plain).as_deref(), Ok("440"));
        let error = of(&with("Sun", "-10.1"), &plain).unwrap_err();
        assert_eq!(error.code(), Some("negative_mw"));
        let limits = [("Natural Gas", -20), ("Coal", -50), ("Wind", -20), ("Solar", -100)];
        assert!(limits.iter().all(|(fuel, limit)| least(fuel) == Decimal::from(*limit)));
    }

    #[test]
    fn an_intensity_needs_every_fuel_its_factor_and_something_generated() {
        let plain = plain();
        let missing = of(&PLAIN[..2], &plain).unwrap_err();
        assert_eq!((missing.code(), missing), (None, NoIntensity::Missing("Oil".to_owned())));
        let null = [PLAIN[0], PLAIN[1], ("Oil", "")];
        assert_eq!(of(&null, &plain), Err(NoIntensity::Missing("Oil".to_owned())));
        let nothing = FUELS.map(|fuel| (fuel, "0"));
        assert_eq!(of(&nothing, &plain), Err(NoIntensity::NothingGenerated));
        let no_oil = factors(&[("Hydro", "0"), ("Natural Gas", "400"), (UNKNOWN, "600")]);
        assert_eq!(of(&PLAIN, &no_oil), Err(NoIntensity::NoFactor("Oil".to_owned())));
        let no_unknown = factors(&[("Hydro", "0"), ("Natural Gas", "400"), ("Oil", "800")]);
        let sun = [&PLAIN[..], &[("Sun", "1")]].concat();
        assert_eq!(of(&sun, &no_unknown).unwrap_err().code(), Some("no_factor"));
    }

    #[test]
    fn means_of_different_numbers_of_readings_are_weighed_exactly() {
        let samples = [
            sample("2025-02-01T05:01:00Z", "Hydro", "1"),
            sample("2025-02-01T05:02:00Z", "Hydro", "1"),
            sample("2025-02-01T05:05:00Z", "Hydro", "2"),
            sample("2025-02-01T05:01:00Z", "Natural Gas", "3"),
            sample("2025-02-01T05:02:00Z", "Natural Gas", "4"),
            sample("2025-02-01T05:05:00Z", "Natural Gas", ""),
            sample("2025-02-01T05:05:00Z", "Oil", "0"),
        ];
        let slot = &resample(&samples, STEP)[0];
        assert_eq!(slot.fuels["Hydro"].mw(), Some(decimal("1.333333333")));
        assert_eq!(slot.fuels["Natural Gas"].n_samples(), 2);
        // 3.5 * 400 / (4/3 + 3.5) = 8400 / 29; of the rounded means it would be another.
        let day = "2025-02-01".parse().unwrap();
        let exact = intensity(slot, &FUELS, &plain(), day).unwrap();
        assert_eq!(exact.to_string(), "289.655172414");
    }

    /// The mean of each slot by counting, in thousandths of a MW.
    fn naive(samples: &[(i64, usize, Option<i64>)]) -> BTreeMap<(i64, usize), (i64, i64)> {
        let mut means = BTreeMap::new();
        for (second, fuel, mw) in samples {
            let slot = (0..=*second / 300).find(|slot| (slot + 1) * 300 >= *second).unwrap();
            let mean: &mut (i64, i64) = means.entry((slot, *fuel)).or_default();
            if let Some(mw) = mw {
                *mean = (mean.0 + mw, mean.1 + 1);
            }
        }
        means
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_gives_the_naive_means(
            readings in prop::collection::btree_map(
                (1_i64..2_000, 0_usize..3), prop::option::of(-50_000_i64..5_000_000), 1..60),
            seed in any::<u64>(),
        ) {
            let mut readings: Vec<_> =
                readings.into_iter().map(|((second, fuel), mw)| (second, fuel, mw)).collect();
            readings.sort_by_key(|(second, fuel, _)| {
                (seed ^ (second.unsigned_abs() * 31 + *fuel as u64)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            });
            let samples: Vec<Sample<'_>> = readings.iter().map(|(second, fuel, mw)| Sample {
                at: DateTime::from_timestamp(*second, 0).unwrap(),
                fuel: FUELS[*fuel],
                mw: mw.map(|mw| Decimal::new(mw, 3)),
            }).collect();
            let slots = resample(&samples, STEP);
            let expected = naive(&readings);
            prop_assert_eq!(slots.iter().map(|slot| slot.fuels.len()).sum::<usize>(), expected.len());
            prop_assert!(slots.windows(2).all(|two| two[0].start < two[1].start));
            for ((slot, fuel), (sum, n)) in expected {
                let start = DateTime::from_timestamp(slot * 300, 0).unwrap();
                let found = slots.iter().find(|slot| slot.start == start).unwrap();
                let mean = &found.fuels[FUELS[fuel]];
                prop_assert_eq!(i64::from(mean.n_samples()), n);
                // Within half a unit of the ninth decimal.
                match mean.mw() {
                    None => prop_assert_eq!(n, 0),
                    Some(mw) => {
                        let off = mw * Decimal::from(n) - Decimal::new(sum, 3);
                        prop_assert!(off.abs() * Decimal::from(2) <= Decimal::new(n, 9));
                    }
                }
            }
        }
    }
}
