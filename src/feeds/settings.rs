//! The settings of feeds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{About, Secrecy};
use crate::auth::Secret;
#[cfg(not(fuzzing))]
use crate::{domain::feed::Metric, feeds::http::Manners};

/// The settings of one feed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which.
    pub feed: &'static About,
    /// Whether it is polled.
    pub enabled: bool,
    /// Scheme and host, maybe a path, without a slash at the end.
    pub base_url: String,
    /// Hosts that links may name besides that of `base_url`; they are followed on `base_url`.
    pub allowed_hosts: Vec<String>,
    /// How often it is asked.
    pub poll_every: Duration,
    /// How far back each run asks again.
    pub look_back: TimeDelta,
    /// Length of a window.
    pub window: TimeDelta,
    /// Rows asked for in a page.
    pub page_size: u32,
    /// History before this is not asked for.
    pub not_before: DateTime<Utc>,
    /// How old the newest slot may be.
    pub expected_lag: TimeDelta,
    /// The scopes to load; none: those that the feed has.
    pub scopes: Option<Vec<String>>,
    /// The sets of factors to load; the first is the default of queries.
    pub factor_sets: Vec<String>,
    /// The key. Never written anywhere.
    pub api_key: Option<Secret>,
    /// Asks the upstream to leave out what is not wanted, where it can.
    pub filter_upstream: bool,
    /// The account whose meters and tariffs are loaded.
    pub account: Option<String>,
    /// The e-mail of the user who owns the meters of the account.
    pub owner: Option<String>,
    /// Whose prices count where they differ by the way of payment.
    pub payment_method: String,
    /// Whether gas is metered in cubic metres rather than kWh: no document tells. None: it is not known.
    pub gas_in_m3: Option<bool>,
}

impl Settings {
    /// What is so where nobody set anything.
    #[must_use]
    pub fn unset(feed: &'static About) -> Self {
        let default = &feed.default;
        let delta = |span| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        Self {
            feed,
            enabled: feed.secrecy == Secrecy::Open,
            base_url: default.base_url.to_owned(),
            allowed_hosts: Vec::new(),
            poll_every: default.poll_every,
            look_back: delta(default.look_back),
            window: delta(default.window),
            page_size: default.page_size,
            not_before: default.not_before.parse().unwrap_or(DateTime::UNIX_EPOCH),
            expected_lag: delta(default.expected_lag),
            scopes: None,
            factor_sets: default.factor_sets.iter().map(|&set| set.to_owned()).collect(),
            api_key: None,
            filter_upstream: false,
            account: None,
            owner: None,
            payment_method: "DIRECT_DEBIT".to_owned(),
            gas_in_m3: None,
        }
    }

    /// The set of factors that queries take where they name none.
    #[must_use]
    pub fn default_factor_set(&self) -> Option<&str> {
        self.factor_sets.first().map(String::as_str)
    }

    /// Whether rows under a set of factors are loaded.
    #[must_use]
    pub fn wants(&self, factor_set: &str) -> bool {
        self.factor_sets.iter().any(|wanted| wanted == factor_set)
    }
}

/// The settings of all feeds.
#[cfg(not(fuzzing))]
#[derive(Debug, Clone)]
pub struct FeedsConfig {
    /// Whether this server polls at all; others on the same database may.
    pub poll: bool,
    /// Which intensity the interface of the Carbon Aware SDK gives.
    pub facade_metric: Metric,
    /// How many scopes it works at at once.
    pub concurrency: usize,
    /// One for each feed there is, in the order of [`super::FEEDS`].
    pub each: Vec<Settings>,
    /// How upstreams are treated; no setting changes it.
    pub manners: Manners,
}

#[cfg(not(fuzzing))]
impl FeedsConfig {
    /// The settings of a feed.
    #[must_use]
    pub fn of(&self, feed_id: &str) -> Option<&Settings> {
        self.each.iter().find(|settings| settings.feed.id == feed_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::FEEDS;

    #[test]
    fn what_feeds_say_of_themselves_can_be_read() {
        for feed in FEEDS {
            let (about, unset) = (feed.about(), Settings::unset(feed.about()));
            assert_eq!(
                unset.not_before.to_rfc3339(),
                about.default.not_before.replace('Z', "+00:00")
            );
            for (read, written) in [
                (unset.window, about.default.window),
                (unset.look_back, about.default.look_back),
                (unset.expected_lag, about.default.expected_lag),
            ] {
                assert_eq!(read.to_std(), Ok(written), "{}", about.id);
            }
        }
    }
}
