//! Means over time, exact until they are printed.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::Window;

/// Decimals that a value has in a sum. Upstream numbers have few, and a pound adds eight.
const SCALE: u32 = 15;
/// Decimals that a mean is printed with.
const PLACES: u32 = 9;

/// A value as a whole number of 10^-15; digits beyond are rounded half away from zero. `None` where it is
/// too large for a century of it to be summed up.
pub(super) fn scaled(value: Decimal) -> Option<i128> {
    use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let value = value.round_dp_with_strategy(SCALE, MidpointAwayFromZero);
    let up = 10_i128.pow(SCALE - value.scale());
    value.mantissa().checked_mul(up).filter(|scaled| scaled.unsigned_abs() < 10_u128.pow(22))
}

/// Microseconds; zero where there are too many to count.
pub(super) fn micros(length: TimeDelta) -> i64 {
    length.num_microseconds().unwrap_or_default()
}

/// A mean weighted by time: Σ(value × µs) over Σ µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mean {
    pub(super) sum: i128,
    pub(super) covered: i64,
}

impl Mean {
    /// Adds what a value that holds in `[from, to)` gives to the mean over `window`.
    pub fn add(
        &mut self,
        window: Window,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        value: Option<Decimal>,
    ) {
        let inside = Window::new(from, to).ok().and_then(|slot| slot.meet(window));
        if let (Some(inside), Some(value)) = (inside, value.and_then(scaled)) {
            let length = micros(inside.length());
            self.sum += value * i128::from(length);
            self.covered += length;
        }
    }

    /// The mean with nine decimals, half away from zero; none where nothing is covered.
    #[must_use]
    pub fn value(&self) -> Option<Decimal> {
        if self.covered <= 0 {
            return None;
        }
        let unit = u128::from(self.covered.unsigned_abs()) * 10_u128.pow(SCALE - PLACES);
        let size = self.sum.unsigned_abs();
        let rounded = size / unit + u128::from(size % unit >= unit.div_ceil(2));
        let rounded = i128::try_from(rounded).ok()?;
        let signed = if self.sum < 0 { -rounded } else { rounded };
        Decimal::try_from_i128_with_scale(signed, PLACES).ok()
    }

    /// How much of `whole` is covered, 0 to 1.
    #[must_use]
    pub fn coverage(&self, whole: TimeDelta) -> Decimal {
        let whole = micros(whole).max(1);
        (Decimal::from(self.covered) / Decimal::from(whole)).round_dp(PLACES)
    }

    /// Which of two means is the lower, exactly. Both cover something.
    pub(super) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let (a, b) = (i128::from(self.covered.max(1)), i128::from(other.covered.max(1)));
        let whole = self.sum.div_euclid(a).cmp(&other.sum.div_euclid(b));
        // What is left over is below 2^63: the products have room.
        whole.then_with(|| (self.sum.rem_euclid(a) * b).cmp(&(other.sum.rem_euclid(b) * a)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn edges_count_by_what_lies_inside() {
        let window = Window::new(at(900), at(4800)).unwrap();
        let mut mean = Mean::default();
        mean.add(window, (at(0), at(1800)), Some(Decimal::from(10)));
        mean.add(window, (at(1800), at(3600)), Some("20.5".parse().unwrap()));
        mean.add(window, (at(3600), at(5400)), None);
        // (900 × 10 + 1800 × 20.5) / 2700
        assert_eq!(mean.value().unwrap().to_string(), "17.000000000");
        assert_eq!(mean.coverage(window.length()).normalize().to_string(), "0.692307692");
        assert_eq!(Mean::default().value(), None);
    }

    #[test]
    fn halves_go_away_from_zero() {
        let mean = |sum| Mean { sum, covered: 2 }.value().unwrap().to_string();
        assert_eq!(mean(1_000_000), "0.000000001");
        assert_eq!(mean(-1_000_000), "-0.000000001");
        assert_eq!(mean(999_999), "0.000000000");
    }
}
