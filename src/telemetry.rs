//! Logs and metrics.

pub mod lines;

use std::{io::IsTerminal as _, sync::OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    clock::Clock,
    config::{LogConfig, LogFormat},
    feeds::numbers,
};

/// Upper ends of the histogram of request durations, in seconds.
const DURATIONS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Name of the histogram of request durations, in seconds, with the labels `method`, `route` (the
/// template, never the path) and `status`.
pub const REQUEST_DURATION: &str = "http_request_duration_seconds";

/// Sends log lines to standard error, and keeps the last of them in [`lines`]. Standard output belongs
/// to the commands.
pub fn start_logging(config: &LogConfig) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // "already exists, skipping" is no news, nor is a cookie whose session has ended; a filter that
    // names them still shows them.
    let quiet = "sqlx::postgres::notice=warn,tower_sessions_core=error,tower_sessions=error";
    let filter = EnvFilter::new(format!("{quiet},{}", config.filter));
    let keeper = lines::Keeper::new(Clock::system());
    let subscriber = tracing_subscriber::registry().with(filter).with(keeper);
    // Only tests start it twice in one process.
    _ = match config.format {
        LogFormat::Text => {
            subscriber.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init()
        }
        LogFormat::Json => subscriber.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// The numbers counted so far. The first call begins to count; `None` if somebody else does.
pub fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE.get_or_init(start_recorder).as_ref()
}

fn start_recorder() -> Option<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new();
    let feeds = numbers::HISTOGRAMS.into_iter();
    for (name, ends) in feeds.chain([(REQUEST_DURATION, DURATIONS.as_slice())]) {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), ends).ok()?;
    }
    let handle = builder.install_recorder().ok()?;
    metrics::describe_histogram!(
        REQUEST_DURATION,
        metrics::Unit::Seconds,
        "Time from a request's head to its answer's head."
    );
    metrics::describe_gauge!("database_connections", "Open connections to PostgreSQL.");
    metrics::describe_gauge!("database_connections_idle", "Open connections that nobody uses.");
    numbers::describe();
    metrics::gauge!("trueprice_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Some(handle)
}
