//! `trueprice feed status`.

use std::{io::Write as _, process::ExitCode};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use trueprice::{
    app::App,
    db::feeds::{
        backfills::BackfillRow,
        overview::{self, Overview},
        tasks,
    },
    feeds::runner::backfill::Progress,
};

use super::FeedCommandError;

/// A line for each scope, and one for each backfill.
pub async fn print(
    app: &App,
    feed: Option<&str>,
    as_json: bool,
) -> Result<ExitCode, FeedCommandError> {
    let mut conn = app.pool.acquire().await?;
    let scopes = overview::scopes(&mut conn, feed, tasks::never()).await?;
    let backfills = overview::backfills(&mut conn, feed).await?;
    let now = app.clock.now();
    let mut out = std::io::stdout().lock();
    if as_json {
        let items: Vec<Value> = scopes.iter().map(|row| to_json(row, &backfills, now)).collect();
        writeln!(out, "{:#}", json!(items))?;
        return Ok(ExitCode::SUCCESS);
    }
    for row in &scopes {
        writeln!(out, "{}", line(row, now))?;
        for backfill in backfills.iter().filter(|backfill| is_of(backfill, row)) {
            writeln!(out, "    {}", backfill_line(backfill))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn is_of(backfill: &BackfillRow, row: &Overview) -> bool {
    (&backfill.feed_id, &backfill.scope) == (&row.feed_id, &row.scope)
}

fn lag(row: &Overview, now: DateTime<Utc>) -> Option<TimeDelta> {
    row.high_water.map(|high_water| now - high_water)
}

fn to_json(row: &Overview, backfills: &[BackfillRow], now: DateTime<Utc>) -> Value {
    let backfills = backfills.iter().filter(|backfill| is_of(backfill, row));
    let backfills: Vec<Value> = backfills
        .map(|backfill| {
            let mut item = json!(Progress::of(backfill));
            item["from"] = json!(backfill.from_at);
            item["to"] = json!(backfill.to_at);
            item["error"] = json!(backfill.last_error);
            item
        })
        .collect();
    json!({
        "feed": row.feed_id, "scope": row.scope, "enabled": row.enabled, "state": row.state,
        "lag_seconds": lag(row, now).map(|lag| lag.num_seconds()), "high_water": row.high_water,
        "contiguous_to": row.contiguous_to, "open_gaps": row.open_gaps, "next_due": row.next_due,
        "last_ok": row.last_ok, "failed_runs": row.fail_count, "last_error": row.last_error,
        "backfills": backfills,
    })
}

fn line(row: &Overview, now: DateTime<Utc>) -> String {
    let Overview { feed_id, scope, state, open_gaps, .. } = row;
    let lag = lag(row, now).map_or("-".to_owned(), words);
    let (to, due) = (stamp(row.contiguous_to), stamp(row.next_due));
    let state = if row.enabled { state } else { "off" };
    let error = row.last_error.as_deref().unwrap_or_default();
    format!("{feed_id:<22} {scope:<14} {state:<8} lag {lag:<8} contiguous to {to} gaps {open_gaps:<5} due {due} {error}")
        .trim_end()
        .to_owned()
}

fn backfill_line(row: &BackfillRow) -> String {
    let Progress { backfill_id, state, percent, rows_per_second, eta_seconds, .. } =
        Progress::of(row);
    let (from, to) = (stamp(Some(row.from_at)), stamp(Some(row.to_at)));
    let rate = rows_per_second.map(|rate| format!(" {rate} rows/s")).unwrap_or_default();
    let eta = eta_seconds.map(|eta| format!(" {} left", words(TimeDelta::seconds(eta))));
    let error = row.last_error.as_deref().map(|error| format!(": {error}"));
    format!(
        "backfill {backfill_id} {state} {percent} % of {from} to {to}{rate}{}{}",
        eta.unwrap_or_default(),
        error.unwrap_or_default()
    )
}

fn stamp(at: Option<DateTime<Utc>>) -> String {
    at.map_or("-".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The two largest units of a length of time.
fn words(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    match (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h{minutes:02}m"),
        (days, hours, _) => format!("{days}d{hours:02}h"),
    }
}
