//! When and what next: pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::feed::{FetchClass, Window};

/// What a live run asks for by itself; what is longer ago waits as a backfill.
pub const LIVE_AT_MOST: TimeDelta = TimeDelta::days(14);

/// The longest wait after failures.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The wait of a scope whose key was refused, and between its probes.
const AUTH_WAIT: Duration = Duration::from_hours(1);

/// Where an upstream that asks for patience does not say for how long.
const THROTTLE_WAIT: Duration = Duration::from_mins(1);

/// So many failed runs in a row mean that a scope fails.
pub const FAILS: i32 = 5;

/// How often sweeps are.
pub const SWEEP_EVERY: Duration = Duration::from_hours(7 * 24);

/// What a live run asks for now, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Asked for now.
    pub live: Window,
    /// To be asked for as a backfill.
    pub backfill: Option<Window>,
}

/// Parts what is due into what is asked for now and what waits.
#[must_use]
pub fn split(due: Window, now: DateTime<Utc>) -> Split {
    let whole = Split { live: due, backfill: None };
    let Some(limit) = now.checked_sub_signed(LIVE_AT_MOST) else { return whole };
    match (Window::new(due.from(), limit), Window::new(limit, due.to())) {
        (Ok(backfill), Ok(live)) => Split { live, backfill: Some(backfill) },
        _ => whole,
    }
}

/// A wait with up to a tenth more: `luck` from 0 to 1.
#[must_use]
pub fn jittered(wait: Duration, luck: f64) -> Duration {
    wait + wait.mul_f64(0.1 * luck.clamp(0.0, 1.0))
}

/// The wait after so many failed runs in a row: from the cadence, doubled each time, to an hour.
#[must_use]
pub fn backoff(poll_every: Duration, fail_count: i32) -> Duration {
    let doublings = u32::try_from(fail_count.saturating_sub(1)).unwrap_or(0).min(20);
    poll_every.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

/// How a run ended, as far as planning goes.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The class of its last answer.
    pub class: FetchClass,
    /// How many runs had failed in a row before it.
    pub failed_before: i32,
    /// Until when the upstream wants nothing.
    pub not_before: Option<DateTime<Utc>>,
}

/// When a task is due again, and how many runs have failed in a row by then.
#[must_use]
pub fn next(
    ended: Ended,
    now: DateTime<Utc>,
    poll_after: Duration,
    poll_every: Duration,
    luck: f64,
) -> (DateTime<Utc>, i32) {
    let later = |wait| after(now, jittered(wait, luck));
    let failed = ended.failed_before.saturating_add(1);
    match ended.class {
        class if class.is_success() => (later(poll_after), 0),
        // Patience is no failure.
        FetchClass::Throttled => {
            let due = ended.not_before.filter(|due| *due > now);
            (due.unwrap_or_else(|| after(now, THROTTLE_WAIT)), ended.failed_before)
        }
        FetchClass::Auth => (later(AUTH_WAIT), failed),
        _ => {
            let due = later(backoff(poll_every, failed));
            (ended.not_before.map_or(due, |not_before| due.max(not_before)), failed)
        }
    }
}

/// `now` and a while.
#[must_use]
pub fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    const POLL: Duration = Duration::from_mins(5);

    fn ended(class: FetchClass, failed_before: i32) -> Ended {
        Ended { class, failed_before, not_before: None }
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing_and_what_is_live_is_short(
            from in 0_i64..100_000_000, length in 1_i64..100_000_000, now in 0_i64..200_000_000
        ) {
            let due = Window::new(at(from), at(from + length)).unwrap();
            let split = split(due, at(now));
            prop_assert_eq!(split.live.to(), due.to());
            prop_assert_eq!(split.backfill.map_or(split.live.from(), Window::from), due.from());
            if let Some(backfill) = split.backfill {
                prop_assert_eq!(backfill.to(), split.live.from());
                prop_assert_eq!(split.live.from(), at(now) - LIVE_AT_MOST);
            } else if due.to() > at(now) - LIVE_AT_MOST {
                prop_assert!(split.live.from() >= at(now) - LIVE_AT_MOST);
            }
        }

        #[test]
        fn waits_have_a_tenth_of_luck_and_end_at_an_hour(
            fails in 0_i32..100, luck in 0.0_f64..=1.0, poll in 60_u64..3600
        ) {
            let poll = Duration::from_secs(poll);
            let (due, failed) = next(ended(FetchClass::Ok, fails), at(0), poll, poll, luck);
            prop_assert_eq!(failed, 0);
            prop_assert!(due >= after(at(0), poll) && due <= after(at(0), poll.mul_f64(1.1)));
            let (due, failed) = next(ended(FetchClass::Transient, fails), at(0), poll, poll, luck);
            prop_assert_eq!(failed, fails + 1);
            prop_assert!(due >= after(at(0), poll) && due <= after(at(0), LONGEST_WAIT.mul_f64(1.1)));
            prop_assert!(backoff(poll, fails + 1) >= backoff(poll, fails));
        }
    }

    #[test]
    fn each_class_waits_in_its_way() {
        let due = |ended| next(ended, at(0), POLL, POLL, 0.0);
        assert_eq!(due(ended(FetchClass::NoData, 4)), (at(300), 0));
        assert_eq!(due(ended(FetchClass::NotYet, 1)), (at(300), 0));
        for (before, wait) in [(0, 300), (1, 600), (2, 1200), (3, 2400), (4, 3600), (40, 3600)] {
            assert_eq!(due(ended(FetchClass::BadBody, before)), (at(wait), before + 1));
        }
        assert_eq!(due(ended(FetchClass::Auth, 0)), (at(3600), 1));
        assert_eq!(due(ended(FetchClass::Throttled, 2)), (at(60), 2));
        let asked = Ended { not_before: Some(at(7)), ..ended(FetchClass::Throttled, 2) };
        assert_eq!(due(asked), (at(7), 2));
        let open = Ended { not_before: Some(at(900)), ..ended(FetchClass::Transient, 0) };
        assert_eq!(due(open), (at(900), 1));
    }
}
