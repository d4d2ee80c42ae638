//! How upstreams are treated.

use std::time::Duration;

/// How much is asked of an upstream, and how long it is waited for. The defaults are those of
/// production; tests are in more of a hurry.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Until a connection stands.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// For a whole answer.
    pub total: Duration,
    /// For an archive.
    pub archive: Duration,
    /// Bytes of an answer, after decoding.
    pub longest_body: usize,
    /// Bytes that are kept of the answer to a request that failed.
    pub kept_of_failure: usize,
    /// Requests for one page in one run.
    pub tries: u16,
    /// The longest first wait before a retry; it doubles.
    pub base: Duration,
    /// The longest wait before any retry.
    pub cap: Duration,
    /// The longest wait in a run for a turn with a host, or for the end of a pause: a run that would wait
    /// longer leaves its place to others, and its task is due again then.
    pub patience: Duration,
    /// The pause after a 429 that names none.
    pub pause: Duration,
    /// The longest pause that an upstream may ask for.
    pub longest_pause: Duration,
    /// Failures in a row after which a host is left alone.
    pub failures: u16,
    /// For how long, at first; it doubles.
    pub rest: Duration,
    /// For how long at most.
    pub longest_rest: Duration,
    /// The pace with a host that is not in [`PACES`].
    pub pace: Pace,
    /// Gives a number in `[0, 1)`: what part of a wait is waited.
    pub dice: fn() -> f64,
}

/// How quickly a host is asked: a bucket of `burst` tokens, `rate` of which come back each second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Requests a second in the long run.
    pub rate: f64,
    /// Requests at once.
    pub burst: f64,
}

impl Pace {
    const fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst }
    }
}

/// The paces with hosts that are known. They are written into `upstream_host` when a host is first
/// asked; what stands there rules.
pub const PACES: [(&str, Pace); 6] = [
    ("api.singularity.energy", Pace::new(2.0, 4.0)),
    ("mis.nyiso.com", Pace::new(1.0, 2.0)),
    ("api.carbonintensity.org.uk", Pace::new(1.0, 4.0)),
    ("api.octopus.energy", Pace::new(1.0, 4.0)),
    ("api.eia.gov", Pace::new(2.0, 4.0)),
    ("api.watttime.org", Pace::new(5.0, 10.0)),
];

impl Default for Manners {
    fn default() -> Self {
        let (seconds, minutes) = (Duration::from_secs, |n: u64| Duration::from_secs(60 * n));
        Self {
            connect: seconds(5),
            idle: seconds(20),
            total: seconds(60),
            archive: seconds(300),
            longest_body: 64 << 20,
            kept_of_failure: 64 << 10,
            tries: 4,
            base: seconds(1),
            cap: seconds(30),
            patience: seconds(10),
            pause: seconds(60),
            longest_pause: minutes(60),
            failures: 5,
            rest: seconds(60),
            longest_rest: minutes(15),
            pace: Pace::new(1.0, 4.0),
            dice: rand::random::<f64>,
        }
    }
}

impl Manners {
    /// The pace with a host.
    #[must_use]
    pub fn pace_with(&self, host: &str) -> Pace {
        let known = PACES.iter().find(|(known, _)| *known == host);
        known.map_or(self.pace, |(_, pace)| *pace)
    }

    /// How long to wait before the try after `tries` of them: any part of a span that doubles from
    /// `base` to `cap`.
    #[must_use]
    pub fn wait_after(&self, tries: u16) -> Duration {
        let doubled = 2_u32.saturating_pow(u32::from(tries.saturating_sub(1)));
        self.base.saturating_mul(doubled).min(self.cap).mul_f64((self.dice)().clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_any_part_of_a_span_that_doubles_up_to_the_cap() {
        let manners = Manners { dice: || 1.0, ..Manners::default() };
        let longest: Vec<u64> = (1..9).map(|tries| manners.wait_after(tries).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(manners.wait_after(u16::MAX).as_secs(), 30);
        let half = Manners { dice: || 0.5, ..Manners::default() };
        assert_eq!(half.wait_after(2).as_millis(), 1000);
        let none = Manners { dice: || 0.0, ..Manners::default() };
        assert_eq!(none.wait_after(5), Duration::ZERO);
    }

    #[test]
    fn known_hosts_have_paces_of_their_own() {
        let manners = Manners::default();
        assert_eq!(manners.pace_with("mis.nyiso.com"), Pace::new(1.0, 2.0));
        assert_eq!(manners.pace_with("127.0.0.1:8080"), Pace::new(1.0, 4.0));
    }

    #[test]
    fn the_dice_of_production_differ() {
        let dice = Manners::default().dice;
        assert!((0..10).any(|_| (dice() - dice()).abs() > 1e-9));
    }
}
