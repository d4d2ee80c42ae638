//! What is counted of feeds, for Prometheus. What the tables know is read from them when it is asked
//! for (`db::feeds::gauges`); the rest is counted here as it happens.
//!
//! Labels are few: a feed, a class, a topic, a host of the settings. None names a key or a meter.

use std::time::Duration;

use crate::domain::feed::FetchClass;

/// Requests to upstreams by `feed` and `class` of what became of them.
pub const FETCHES: &str = "trueprice_feed_fetch_total";
/// Rows of pages by `feed` and `outcome`: `new`, `changed`, `same`, `rejected`.
pub const ROWS: &str = "trueprice_feed_rows_total";
/// Findings in pages by `feed` and `code`.
pub const FINDINGS: &str = "trueprice_feed_findings_total";
/// Answers that asked to wait, by `host`.
pub const THROTTLED: &str = "trueprice_feed_throttled_total";
/// Events that got their place in the stream, by `topic`.
pub const EVENTS: &str = "trueprice_outbox_events_total";
/// Messages given to the MQTT broker.
pub const MQTT_PUBLISHED: &str = "trueprice_mqtt_published_total";
/// Browsers and programs that read the stream just now.
pub const SSE_CLIENTS: &str = "trueprice_sse_clients";
/// Whether the publisher is connected to the MQTT broker; of a broker in the process, how many clients.
pub const MQTT_CONNECTED: &str = "trueprice_mqtt_connected";
/// Seconds until an answer was read, by `feed`.
pub const FETCH_SECONDS: &str = "trueprice_feed_fetch_seconds";
/// Seconds that the transaction of a page took, by `feed`.
pub const LOAD_SECONDS: &str = "trueprice_feed_load_seconds";
/// Seconds from the commit of an event to its delivery.
pub const EVENT_DELAY: &str = "trueprice_event_delay_seconds";

/// Names of all that is counted here.
pub const NAMES: [&str; 11] = [
    FETCHES,
    ROWS,
    FINDINGS,
    THROTTLED,
    EVENTS,
    MQTT_PUBLISHED,
    SSE_CLIENTS,
    MQTT_CONNECTED,
    FETCH_SECONDS,
    LOAD_SECONDS,
    EVENT_DELAY,
];

/// Upper ends of the histograms.
pub const HISTOGRAMS: [(&str, &[f64]); 3] = [
    (FETCH_SECONDS, &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]),
    (LOAD_SECONDS, &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]),
    (EVENT_DELAY, &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0]),
];

/// Says what the numbers are.
pub fn describe() {
    use metrics::{Unit::Seconds, describe_counter, describe_gauge, describe_histogram};
    describe_counter!(FETCHES, "Requests to upstreams of feeds.");
    describe_counter!(ROWS, "Rows in pages of feeds.");
    describe_counter!(FINDINGS, "What is odd in pages of feeds.");
    describe_counter!(THROTTLED, "Answers of upstreams that asked to wait.");
    describe_counter!(EVENTS, "Events that got their place in the stream.");
    describe_counter!(MQTT_PUBLISHED, "Messages given to the MQTT broker.");
    describe_gauge!(SSE_CLIENTS, "Readers of the stream.");
    describe_gauge!(MQTT_CONNECTED, "Connections with the MQTT broker.");
    describe_histogram!(FETCH_SECONDS, Seconds, "Time until an answer was read.");
    describe_histogram!(LOAD_SECONDS, Seconds, "Time of the transaction of a page.");
    describe_histogram!(EVENT_DELAY, Seconds, "Time from commit to delivery of an event.");
}

/// Counts an answer, or one that did not come; `took` until it was read.
pub fn fetched(feed: &'static str, class: FetchClass, took: Option<Duration>) {
    metrics::counter!(FETCHES, "feed" => feed, "class" => class.as_str()).increment(1);
    if let Some(took) = took {
        metrics::histogram!(FETCH_SECONDS, "feed" => feed).record(took);
    }
}

/// Counts an answer that asked to wait.
pub fn throttled(host: &str) {
    metrics::counter!(THROTTLED, "host" => host.to_owned()).increment(1);
}

/// What a page brought: rows new, changed, the same, rejected.
pub type Rows = [u64; 4];

/// Counts a page whose transaction is committed; `codes` are those of its findings.
pub fn loaded<'a>(
    feed: &'static str,
    rows: Rows,
    codes: impl IntoIterator<Item = &'a str>,
    took: Duration,
) {
    for (outcome, count) in ["new", "changed", "same", "rejected"].into_iter().zip(rows) {
        metrics::counter!(ROWS, "feed" => feed, "outcome" => outcome).increment(count);
    }
    for code in codes {
        metrics::counter!(FINDINGS, "feed" => feed, "code" => code.to_owned()).increment(1);
    }
    metrics::histogram!(LOAD_SECONDS, "feed" => feed).record(took);
}
