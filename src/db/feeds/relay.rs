//! The places of events in the stream, given after their commit by one server at a time.
//!
//! An event whose transaction commits late gets the next number: a reader that goes on after the last
//! number that it has seen misses nothing.

use chrono::{DateTime, Utc};
use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgListener, PgPoolOptions},
};

/// Advisory lock: who gives events their numbers. It is held by the connection that does it, so that
/// who has lost the one cannot do the other.
pub const LEADER_LOCK: i32 = 7428;

/// Notified by the database when events are committed.
pub const OUTBOX: &str = "event_outbox";
/// Notified by the database when events have got their numbers.
pub const STREAM: &str = "event_stream";

/// A connection of its own that hears of one of the two.
pub async fn listener(pool: &PgPool, channel: &str) -> sqlx::Result<PgListener> {
    let options = pool.connect_options().as_ref().clone();
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(channel).await?;
    Ok(listener)
}

/// A connection to lead by. It is none of the pool's: a lock must not outlive whoever holds it.
pub async fn connect(pool: &PgPool) -> sqlx::Result<PgConnection> {
    PgConnection::connect_with(&pool.connect_options()).await
}

/// Whether this connection leads now, until it ends.
pub async fn try_lead(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1, 0) as "leads!""#, LEADER_LOCK)
        .fetch_one(conn)
        .await
}

/// Keeps which program numbers events. Whether another one did so before it.
pub async fn takes_over(conn: &mut PgConnection, program: &str) -> sqlx::Result<bool> {
    let former = sqlx::query_scalar!(
        r#"update event_stream s set program = $1
           from (select program from event_stream for update) former
           where former.program is distinct from $1
           returning former.program is not null as "is_other!""#,
        program
    );
    Ok(former.fetch_optional(conn).await?.unwrap_or(false))
}

/// Numbers of one topic.
#[derive(Debug)]
pub struct Numbered {
    /// The topic.
    pub topic: String,
    /// How many of its events got a number.
    pub events: i64,
}

/// Gives the oldest `most` committed events without a number the next ones, in one statement: all
/// get theirs or none does.
pub async fn number(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<Numbered>> {
    sqlx::query_file_as!(Numbered, "sql/queries/number_events.sql", most).fetch_all(conn).await
}

/// Forgets events that were written before an instant, at most `most` of the oldest. Tells how many.
pub async fn forget(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<i64> {
    sqlx::query_file_scalar!("sql/queries/forget_events.sql", before, most).fetch_one(conn).await
}
