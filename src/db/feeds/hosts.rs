//! The patience of all servers with one upstream: tokens, pauses, and whether it is taken to be down.
//!
//! Spans here go by the clock of the database: it is the one that all servers share.

use std::time::Duration;

use sqlx::PgPool;

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    /// Now. The token is taken.
    Go,
    /// Not before this has passed.
    Wait(Duration, Why),
}

/// Why a request may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The host asked for a pause.
    Paused,
    /// It failed too often in a row.
    Down,
    /// Others asked it just now.
    Busy,
}

/// How a host is met that was never asked before.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Tokens that come back each second.
    pub rate: f64,
    /// Tokens at most.
    pub burst: f64,
    /// The share of the bucket that must be there for a turn, 0 to 1.
    pub share: f64,
    /// How long nobody else asks while one looks whether a host is up again.
    pub probe: Duration,
}

/// Takes a turn with a host, or tells how far it is away.
pub async fn take(pool: &PgPool, host: &str, terms: &Terms) -> sqlx::Result<Turn> {
    if let Some(turn) = try_take(pool, host, terms).await? {
        return Ok(turn);
    }
    sqlx::query!(
        "insert into upstream_host (host, tokens, refilled_at, rate, burst)
         values ($1, $2, clock_timestamp(), $3, $2) on conflict (host) do nothing",
        host,
        terms.burst,
        terms.rate
    )
    .execute(pool)
    .await?;
    try_take(pool, host, terms).await?.ok_or(sqlx::Error::RowNotFound)
}

/// The same; none: the host was never asked.
async fn try_take(pool: &PgPool, host: &str, terms: &Terms) -> sqlx::Result<Option<Turn>> {
    let probe = terms.probe.as_secs_f64();
    let row = sqlx::query_file!("sql/queries/host_take.sql", host, terms.share, probe)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| {
        let (why, seconds) = match row {
            _ if row.goes => return Turn::Go,
            _ if row.paused > 0.0 => (Why::Paused, row.paused),
            _ if row.resting > 0.0 => (Why::Down, row.resting),
            _ => (Why::Busy, row.short),
        };
        // A pace of nothing: never.
        Turn::Wait(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX), why)
    }))
}

/// Nobody asks a host before this has passed. A longer pause stays.
pub async fn pause(pool: &PgPool, host: &str, span: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "update upstream_host
         set not_before = greatest(not_before, clock_timestamp() + make_interval(secs => $2))
         where host = $1",
        host,
        span.as_secs_f64()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A host answered: it is up.
pub async fn answered(pool: &PgPool, host: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update upstream_host set failures = 0, breaker_state = 'closed', breaker_until = null
         where host = $1 and (failures <> 0 or breaker_state <> 'closed')",
        host
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// When a host is left alone, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Rest {
    /// After so many failures in a row.
    pub after: u16,
    /// At first; it doubles with each probe that fails.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

/// A host did not answer, or only that it cannot.
pub async fn failed(pool: &PgPool, host: &str, rest: &Rest) -> sqlx::Result<()> {
    let (first, longest) = (rest.first.as_secs_f64(), rest.longest.as_secs_f64());
    let after = i32::from(rest.after);
    sqlx::query_file!("sql/queries/host_failed.sql", host, after, first, longest)
        .execute(pool)
        .await?;
    Ok(())
}
