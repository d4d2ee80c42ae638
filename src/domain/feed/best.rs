//! The best window: when to run something that takes so long, so that it costs least.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{
    Window,
    mean::{Mean, micros, scaled},
};

/// How many windows besides the best are told.
pub const ALTERNATIVES: usize = 5;

/// A value while it holds; none: it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// From then on.
    pub from: DateTime<Utc>,
    /// Until then.
    pub to: DateTime<Utc>,
    /// What holds.
    pub value: Option<Decimal>,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// The window lies wholly inside.
    pub range: Window,
    /// How long it is; more than nothing.
    pub length: TimeDelta,
    /// Whether it may touch what is not known.
    pub allow_gaps: bool,
}

/// A window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its start.
    pub start: DateTime<Utc>,
    /// Its end.
    pub end: DateTime<Utc>,
    /// Mean of what is known in it, weighted by time, with nine decimals.
    pub average: Decimal,
    /// How much of it is known, 0 to 1.
    pub coverage: Decimal,
}

/// What was found: the best window and, after it, those that come next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Best {
    /// Lowest first, the earlier of equals first.
    pub windows: Vec<Found>,
    /// How many windows lie in the range and begin or end where a step does.
    pub considered: usize,
}

/// Steps with the sums up to each, so that any window is two look-ups.
struct Sums {
    starts: Vec<i64>,
    /// End, value and what all before it come to.
    steps: Vec<(i64, Option<i128>, Mean)>,
}

impl Sums {
    /// Of steps in their order. One that reaches into the next ends there.
    fn of(steps: &[Step]) -> Self {
        let mut sums = Self { starts: Vec::new(), steps: Vec::new() };
        let mut before = Mean::default();
        for (place, step) in steps.iter().enumerate() {
            let next = steps.get(place + 1).map_or(step.to, |next| next.from);
            let (from, to) = (step.from.timestamp_micros(), step.to.min(next).timestamp_micros());
            let value = step.value.and_then(scaled);
            sums.starts.push(from);
            sums.steps.push((to, value, before));
            before = plus(before, value, to - from);
        }
        sums
    }

    /// What all before an instant comes to.
    fn until(&self, instant: i64) -> Mean {
        let after = self.starts.partition_point(|start| *start <= instant);
        let Some(place) = after.checked_sub(1) else { return Mean::default() };
        let (end, value, before) = self.steps[place];
        plus(before, value, instant.min(end) - self.starts[place])
    }

    fn between(&self, from: i64, to: i64) -> Mean {
        let (from, to) = (self.until(from), self.until(to));
        Mean { sum: to.sum - from.sum, covered: to.covered - from.covered }
    }
}

fn plus(mean: Mean, value: Option<i128>, length: i64) -> Mean {
    match value {
        Some(value) if length > 0 => {
            Mean { sum: mean.sum + value * i128::from(length), covered: mean.covered + length }
        }
        _ => mean,
    }
}

/// The lowest windows. Candidates begin where a step begins or ends, or end there, and lie wholly in the
/// range. `steps` are in their order.
#[must_use]
pub fn best(steps: &[Step], wish: &Wish) -> Best {
    let (sums, length) = (Sums::of(steps), micros(wish.length));
    let starts = candidates(steps, wish);
    let mut lowest: Vec<(i64, Mean)> = Vec::with_capacity(ALTERNATIVES + 2);
    for &start in &starts {
        let mean = sums.between(start, start + length);
        if mean.covered == 0 || (mean.covered < length && !wish.allow_gaps) {
            continue;
        }
        // Behind its equals, which begin earlier.
        let place = lowest.partition_point(|(_, other)| other.compare(&mean).is_le());
        if place <= ALTERNATIVES {
            lowest.insert(place, (start, mean));
            lowest.truncate(ALTERNATIVES + 1);
        }
    }
    let windows = lowest.into_iter().filter_map(|(start, mean)| found(start, mean, wish.length));
    Best { windows: windows.collect(), considered: starts.len() }
}

fn candidates(steps: &[Step], wish: &Wish) -> Vec<i64> {
    let length = micros(wish.length);
    let (first, last) = (wish.range.from().timestamp_micros(), wish.range.to().timestamp_micros());
    let mut starts: Vec<i64> = steps
        .iter()
        .flat_map(|step| [step.from, step.to])
        .map(|bound| bound.timestamp_micros())
        .flat_map(|bound| [bound, bound - length])
        .filter(|start| *start >= first && start.checked_add(length).is_some_and(|end| end <= last))
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn found(start: i64, mean: Mean, length: TimeDelta) -> Option<Found> {
    let start = DateTime::from_timestamp_micros(start)?;
    Some(Found {
        start,
        end: start + length,
        average: mean.value()?,
        coverage: mean.coverage(length),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use rust_decimal::RoundingStrategy;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minutes * 60, 0).unwrap()
    }

    /// Steps of a few minutes with holes between them, with and without a value.
    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = (0_i64..4, 1_i64..5, prop::option::weighted(0.85, -6_i32..6));
        prop::collection::vec(step, 0..14).prop_map(|parts| {
            let mut now = 0;
            let mut steps = Vec::new();
            for (hole, length, value) in parts {
                // Holes are rare.
                let from = now + i64::from(hole == 3);
                now = from + length;
                steps.push(Step { from: at(from), to: at(now), value: value.map(Decimal::from) });
            }
            steps
        })
    }

    /// Minute by minute.
    fn minute(steps: &[Step], minute: i64) -> Option<Decimal> {
        let step = steps.iter().find(|step| step.from <= at(minute) && at(minute) < step.to)?;
        step.value
    }

    fn brute(
        steps: &[Step],
        from: i64,
        to: i64,
        length: i64,
        gaps: bool,
    ) -> (Vec<(i64, Decimal, usize)>, usize) {
        let is_bound =
            |minute: i64| steps.iter().any(|s| s.from == at(minute) || s.to == at(minute));
        let starts: Vec<i64> =
            (from..=to - length).filter(|m| is_bound(*m) || is_bound(*m + length)).collect();
        let mut windows: Vec<(i64, Decimal, usize)> = starts
            .iter()
            .filter_map(|&start| {
                let known: Vec<Decimal> =
                    (start..start + length).filter_map(|m| minute(steps, m)).collect();
                let whole = known.len() == usize::try_from(length).unwrap();
                if known.is_empty() || !(whole || gaps) {
                    return None;
                }
                let sum: Decimal = known.iter().sum();
                Some((start, sum / Decimal::from(known.len()), known.len()))
            })
            .collect();
        // Twelfths, twentieths and so on of small numbers: 20 decimals tell them apart.
        windows.sort_by_key(|(start, mean, _)| (mean.round_dp(20), *start));
        windows.truncate(ALTERNATIVES + 1);
        (windows, starts.len())
    }

    proptest! {
        #[test]
        fn it_is_what_trying_every_minute_finds(
            steps in steps(), from in 0_i64..10, span in 1_i64..40, length in 1_i64..12, gaps: bool,
        ) {
            let range = Window::new(at(from), at(from + span)).unwrap();
            let wish = Wish { range, length: TimeDelta::minutes(length), allow_gaps: gaps };
            let found = best(&steps, &wish);
            let (wanted, considered) = brute(&steps, from, from + span, length, gaps);
            prop_assert_eq!(found.considered, considered);
            let got: Vec<(DateTime<Utc>, Decimal)> =
                found.windows.iter().map(|w| (w.start, w.average)).collect();
            let wanted: Vec<(DateTime<Utc>, Decimal)> = wanted
                .iter()
                .map(|(start, mean, _)| (at(*start), mean.round_dp_with_strategy(9, RoundingStrategy::MidpointAwayFromZero)))
                .collect();
            prop_assert_eq!(got, wanted);
        }
    }

    #[test]
    fn a_window_may_end_on_a_bound_and_lies_inside() {
        let step = |from, to, value| Step {
            from: at(from),
            to: at(to),
            value: Some(Decimal::from(value)),
        };
        let steps = [step(0, 30, 5), step(30, 60, 9), step(60, 90, 1)];
        let range = Window::new(at(0), at(90)).unwrap();
        let wish = Wish { range, length: TimeDelta::minutes(45), allow_gaps: false };
        let found = best(&steps, &wish);
        // (15 × 9 + 30 × 1) / 45
        assert_eq!((found.windows[0].start, found.windows[0].end), (at(45), at(90)));
        assert_eq!(found.windows[0].average.to_string(), "3.666666667");
        let late = Wish { range: Window::new(at(0), at(89)).unwrap(), ..wish };
        // (30 × 5 + 15 × 9) and (30 × 9 + 15 × 1) are the same: the earlier one.
        assert_eq!(best(&steps, &late).windows[0].start, at(0));
    }
}
