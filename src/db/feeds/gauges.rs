//! How feeds are, for Prometheus: read from the tables when it is asked for, so that what is over is
//! not told any more. Each part is one query whose answer is bounded.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// Scopes of which it is told.
const MOST_SCOPES: i64 = 1000;
/// Hosts of which it is told.
const MOST_HOSTS: i64 = 200;
/// How far waiting things are counted.
const COUNTED_TO: i64 = 100_000;

/// A gauge: its name, and what it is.
type Gauge = (&'static str, &'static str);

const LAG: Gauge = ("trueprice_feed_lag_seconds", "Age of the newest slot.");
const LAST_OK: Gauge =
    ("trueprice_feed_last_success_timestamp_seconds", "When a run last ended well.");
const GAP_SLOTS: Gauge = ("trueprice_feed_open_gap_slots", "Slots that are missing.");
const GAP_AGE: Gauge = ("trueprice_feed_oldest_gap_seconds", "Age of the oldest open gap.");
const FAILURES: Gauge = ("trueprice_feed_consecutive_failures", "Runs in a row that failed.");
const REJECTED: Gauge =
    ("trueprice_feed_rejected_in_a_row", "Answers in a row that were no pages.");
const REFUSED: Gauge = ("trueprice_feed_auth_refused", "Whether the key was refused at last.");
const EXPECTED: Gauge = ("trueprice_feed_expected_lag_seconds", "How old the newest slot may be.");
const POLL: Gauge = ("trueprice_feed_poll_seconds", "How often the upstream is asked.");
const BREAKER: Gauge = ("trueprice_feed_breaker_open", "Whether the host is left alone.");
const PROGRESS: Gauge = ("trueprice_feed_backfill_progress_ratio", "How far a backfill came.");
const IDLE: Gauge =
    ("trueprice_feed_backfill_idle_seconds", "Since when a running backfill made no progress.");
const INTENSITY: Gauge =
    ("trueprice_carbon_intensity_g_per_kwh", "The newest intensity of a region.");
const UNSENT: Gauge = ("trueprice_outbox_unsent", "Events without a place in the stream.");
const UNSENT_AGE: Gauge = ("trueprice_outbox_oldest_seconds", "Age of the oldest of them.");
const DIRTY: Gauge = ("trueprice_rollup_dirty_periods", "Periods that are to be summed up.");

/// Names of all that is told here.
pub const NAMES: [&str; 16] = [
    LAG.0,
    LAST_OK.0,
    GAP_SLOTS.0,
    GAP_AGE.0,
    FAILURES.0,
    REJECTED.0,
    REFUSED.0,
    EXPECTED.0,
    POLL.0,
    BREAKER.0,
    PROGRESS.0,
    IDLE.0,
    INTENSITY.0,
    UNSENT.0,
    UNSENT_AGE.0,
    DIRTY.0,
];

/// Gauges in Prometheus' text format.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    /// A gauge with its values; one without a value is left out.
    fn gauge<'a, const N: usize>(
        &mut self,
        (name, help): Gauge,
        labels: [&str; N],
        values: impl IntoIterator<Item = ([&'a str; N], Option<f64>)>,
    ) {
        // Writing to a String does not fail.
        _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for (words, value) in values {
            let Some(value) = value else { continue };
            let pairs = labels.iter().zip(words);
            let pairs = pairs.map(|(label, word)| format!("{label}=\"{}\"", escaped(word)));
            let pairs = pairs.collect::<Vec<_>>().join(",");
            let pairs = if N == 0 { pairs } else { format!("{{{pairs}}}") };
            _ = writeln!(self.0, "{name}{pairs} {value}");
        }
    }
}

fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// How feeds are at `now`, in Prometheus' text format. Intensities are told of `open` feeds alone:
/// those that anybody may see, for who reads numbers has no grant.
pub async fn read(pool: &PgPool, now: DateTime<Utc>, open: &[String]) -> sqlx::Result<String> {
    let mut conn = pool.acquire().await?;
    let mut text = Text::default();
    scopes(&mut conn, now, &mut text).await?;
    feeds(&mut conn, &mut text).await?;
    hosts(&mut conn, &mut text).await?;
    backfills(&mut conn, now, &mut text).await?;
    intensities(&mut conn, (now, open), &mut text).await?;
    waiting(&mut conn, now, &mut text).await?;
    Ok(text.0)
}

async fn scopes(conn: &mut PgConnection, now: DateTime<Utc>, text: &mut Text) -> sqlx::Result<()> {
    let rows = sqlx::query_file!("sql/queries/gauges_scopes.sql", now, MOST_SCOPES);
    let rows = rows.fetch_all(conn).await?;
    macro_rules! gauge {
        ($gauge:expr, $row:ident => $value:expr) => {
            text.gauge(
                $gauge,
                ["feed", "scope"],
                rows.iter().map(|$row| ([$row.feed_id.as_str(), $row.scope.as_str()], $value)),
            );
        };
    }
    gauge!(LAG, row => row.lag);
    gauge!(LAST_OK, row => row.last_ok);
    gauge!(GAP_SLOTS, row => Some(row.gap_slots));
    gauge!(GAP_AGE, row => Some(row.gap_age));
    gauge!(FAILURES, row => row.failures);
    gauge!(REJECTED, row => Some(row.rejected));
    gauge!(REFUSED, row => Some(f64::from(u8::from(row.refused))));
    Ok(())
}

async fn feeds(conn: &mut PgConnection, text: &mut Text) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select feed_id, extract(epoch from expected_lag)::float8 as "expected!",
               extract(epoch from poll_every)::float8 as "poll!"
           from feed where enabled order by feed_id"#
    );
    let rows = rows.fetch_all(conn).await?;
    let values = rows.iter().map(|row| ([row.feed_id.as_str()], Some(row.expected)));
    text.gauge(EXPECTED, ["feed"], values);
    let values = rows.iter().map(|row| ([row.feed_id.as_str()], Some(row.poll)));
    text.gauge(POLL, ["feed"], values);
    Ok(())
}

async fn hosts(conn: &mut PgConnection, text: &mut Text) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select host, breaker_state <> 'closed' as "is_open!" from upstream_host order by host limit $1"#,
        MOST_HOSTS
    );
    let rows = rows.fetch_all(conn).await?;
    let values =
        rows.iter().map(|row| ([row.host.as_str()], Some(f64::from(u8::from(row.is_open)))));
    text.gauge(BREAKER, ["host"], values);
    Ok(())
}

async fn backfills(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    text: &mut Text,
) -> sqlx::Result<()> {
    let rows = sqlx::query_file!("sql/queries/gauges_backfills.sql", now, MOST_SCOPES);
    let rows = rows.fetch_all(conn).await?;
    let progress = rows.iter().map(|row| ([row.feed_id.as_str(), &row.scope], Some(row.progress)));
    text.gauge(PROGRESS, ["feed", "scope"], progress);
    let idle = rows.iter().map(|row| ([row.feed_id.as_str(), &row.scope], row.idle));
    text.gauge(IDLE, ["feed", "scope"], idle);
    Ok(())
}

async fn intensities(
    conn: &mut PgConnection,
    (now, open): (DateTime<Utc>, &[String]),
    text: &mut Text,
) -> sqlx::Result<()> {
    let rows = sqlx::query_file!("sql/queries/gauges_intensity.sql", now, open);
    let rows = rows.fetch_all(conn).await?;
    let values = rows.iter().map(|row| ([row.region_id.as_str(), &row.metric], Some(row.value)));
    text.gauge(INTENSITY, ["region", "metric"], values);
    Ok(())
}

async fn waiting(conn: &mut PgConnection, now: DateTime<Utc>, text: &mut Text) -> sqlx::Result<()> {
    let row = sqlx::query!(
        r#"select
            (select count(*) from (select from event_outbox where stream_seq is null limit $1) u)::float8
                as "unsent!",
            (select extract(epoch from $2 - created_at)::float8 from event_outbox
             where stream_seq is null order by outbox_id limit 1) as oldest,
            (select count(*) from (select from rollup_dirty where due_at <= $2 limit $1) d)::float8 as "dirty!""#,
        COUNTED_TO,
        now
    );
    let row = row.fetch_one(conn).await?;
    text.gauge(UNSENT, [], [([], Some(row.unsent))]);
    text.gauge(UNSENT_AGE, [], [([], Some(row.oldest.unwrap_or(0.0)))]);
    text.gauge(DIRTY, [], [([], Some(row.dirty))]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_written_as_prometheus_reads_them() {
        let mut text = Text::default();
        let gauge = ("a", "What it is.");
        let values =
            [(["x\"y\\z\n", "2"], Some(1.5)), (["left", "out"], None), (["z", ""], Some(3.0))];
        text.gauge(gauge, ["one", "two"], values);
        text.gauge(("b", "B."), [], [([], Some(0.0))]);
        assert_eq!(
            text.0,
            "# HELP a What it is.\n# TYPE a gauge\na{one=\"x\\\"y\\\\z\\n\",two=\"2\"} 1.5\n\
             a{one=\"z\",two=\"\"} 3\n# HELP b B.\n# TYPE b gauge\nb 0\n"
        );
    }
}
