//! Counters of failed sign-ins, shared by all nodes.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// The counter of an account or of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Attempts that have not succeeded.
    pub failures: i32,
    /// The first of them.
    pub first_at: DateTime<Utc>,
    /// The last of them.
    pub last_at: DateTime<Utc>,
}

/// Reads a counter, making it where there is none, and holds its row until the transaction ends.
pub async fn lock(
    connection: &mut PgConnection,
    subject: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Counter> {
    sqlx::query_as!(
        Counter,
        "insert into login_failure as f (subject, failures, first_at, last_at)
         values ($1, 0, $2, $2)
         on conflict (subject) do update set failures = f.failures
         returning failures, first_at, last_at",
        subject,
        now,
    )
    .fetch_one(connection)
    .await
}

/// Writes a counter.
pub async fn set(
    connection: &mut PgConnection,
    subject: &[u8],
    counter: Counter,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update login_failure set failures = $2, first_at = $3, last_at = $4 where subject = $1",
        subject,
        counter.failures,
        counter.first_at,
        counter.last_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a counter.
pub async fn clear(connection: &mut PgConnection, subject: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from login_failure where subject = $1", subject)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes one attempt off a counter.
pub async fn take_back(connection: &mut PgConnection, subject: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "update login_failure set failures = failures - 1 where subject = $1 and failures > 0",
        subject,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets counters that were last touched before `before`.
pub async fn sweep(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from login_failure where last_at < $1", before).execute(pool).await?;
    Ok(done.rows_affected())
}
