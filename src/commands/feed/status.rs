//! `trueprice feed status`.

use std::{io::Write as _, process::ExitCode};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use trueprice::{
    app::App,
    db::feeds::status::Reader,
    feeds::overview::{self, BackfillStatus, ScopeStatus, Wanted},
};

use super::FeedCommandError;

/// A scope as JSON tells of it: as REST does, with its feed.
#[derive(Serialize)]
struct Scope<'a> {
    feed: &'a str,
    #[serde(flatten)]
    status: &'a ScopeStatus,
}

/// A line for each scope, and one for each of its backfills that is not done.
pub async fn print(
    app: &App,
    feed: Option<&str>,
    as_json: bool,
) -> Result<ExitCode, FeedCommandError> {
    let mut conn = app.pool.acquire().await?;
    let wanted = Wanted { feed_id: feed, ..Wanted::all(Reader::ADMIN) };
    let feeds = overview::feeds(app, &mut conn, &wanted).await?;
    let scopes = feeds
        .iter()
        .flat_map(|feed| feed.scopes.iter().map(|status| Scope { feed: &feed.feed, status }));
    let mut out = std::io::stdout().lock();
    if as_json {
        let scopes: Vec<Scope<'_>> = scopes.collect();
        writeln!(out, "{:#}", serde_json::json!(scopes))?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = app.clock.now();
    for scope in scopes {
        writeln!(out, "{}", line(&scope, now))?;
        let open = scope.status.backfills.iter();
        for backfill in open.filter(|one| !matches!(&*one.state, "done" | "cancelled")) {
            writeln!(out, "    {}", backfill_line(backfill))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(Scope { feed, status }: &Scope<'_>, now: DateTime<Utc>) -> String {
    let ScopeStatus { scope, state, open_gaps, .. } = status;
    let lag = status.lag_seconds.map_or("-".to_owned(), |lag| words(TimeDelta::seconds(lag)));
    let (to, due) = (stamp(status.contiguous_to), stamp(status.next_due));
    format!(
        "{feed:<22} {scope:<14} {state:<8} lag {lag:<8} contiguous to {to} gaps {open_gaps:<5} due {due}{}",
        error(status, now)
    )
}

/// What went wrong last, when, and how often in a row.
fn error(status: &ScopeStatus, now: DateTime<Utc>) -> String {
    let Some((error, at)) = status.last_error.as_deref().zip(status.last_error_at) else {
        return String::new();
    };
    let (failures, ago) = (status.failures, words(now - at));
    let in_a_row = if failures > 1 { format!(" {failures} times") } else { String::new() };
    format!(" failed{in_a_row}, {ago} ago: {error}")
}

fn backfill_line(one: &BackfillStatus) -> String {
    let BackfillStatus { backfill_id, state, percent, .. } = one;
    let (from, to) = (stamp(Some(one.from)), stamp(Some(one.to)));
    let rate = one.rows_per_second.map(|rate| format!(" {rate} rows/s")).unwrap_or_default();
    let eta = one.eta_seconds.map(|eta| format!(" {} left", words(TimeDelta::seconds(eta))));
    let error = one.last_error.as_deref().map(|error| format!(": {error}"));
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
