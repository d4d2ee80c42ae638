//! What is counted of fetching.

use std::time::Duration;

use crate::domain::feed::FetchClass;

/// Requests to upstreams by `feed` and `class` of what became of them.
pub const FETCHES: &str = "trueprice_feed_fetch_total";
/// Seconds until an answer was read, by `feed`.
pub const SECONDS: &str = "trueprice_feed_fetch_seconds";
/// Answers that asked to wait, by `host`.
pub const THROTTLED: &str = "trueprice_feed_throttled_total";

/// Upper ends of the histogram of [`SECONDS`].
pub const DURATIONS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Says what the numbers are.
pub fn describe() {
    metrics::describe_counter!(FETCHES, "Requests to upstreams of feeds.");
    metrics::describe_counter!(THROTTLED, "Answers of upstreams that asked to wait.");
    metrics::describe_histogram!(
        SECONDS,
        metrics::Unit::Seconds,
        "Time until an answer of an upstream was read."
    );
}

pub(super) fn fetched(feed: &'static str, class: FetchClass, took: Option<Duration>) {
    metrics::counter!(FETCHES, "feed" => feed, "class" => class.as_str()).increment(1);
    if let Some(took) = took {
        metrics::histogram!(SECONDS, "feed" => feed).record(took);
    }
}

pub(super) fn throttled(host: &str) {
    metrics::counter!(THROTTLED, "host" => host.to_owned()).increment(1);
}
