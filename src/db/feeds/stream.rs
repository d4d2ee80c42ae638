//! The stream of events, read in the order of their numbers; and who may still hear it.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::db::sessions::Since;

/// An event that has its place in the stream.
#[derive(Debug)]
pub struct EventRow {
    /// The place.
    pub seq: i64,
    /// The word of its topic.
    pub topic: String,
    /// What topics are chosen by: a region, a meter, a tariff, a feed.
    pub subject: String,
    /// The meter that it tells of: then it is for those only who may read it.
    pub meter: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// As it is told: JSON on one line, numbers with their digits.
    pub envelope: String,
}

/// The events after a place, at most `limit`, in order.
pub async fn after(pool: &PgPool, seq: i64, limit: i64) -> sqlx::Result<Vec<EventRow>> {
    sqlx::query_as!(
        EventRow,
        r#"select stream_seq as "seq!", topic, subject, created_at, payload::text as "envelope!",
                  case when topic in ('retail.usage', 'retail.usage.restated', 'usage.day')
                            or topic = 'rollup' and payload #>> '{data,series_kind}' = 'usage' then subject
                       when topic in ('feed.status', 'feed.gap')
                            then (select s.meter_id from feed_scope s
                                  where s.feed_id = subject and s.scope = payload #>> '{data,scope}')
                  end as meter
           from event_outbox where stream_seq > $1 order by stream_seq limit $2"#,
        seq,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// How far the stream reaches.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// The place of the newest event; 0 before the first.
    pub newest: i64,
    /// Events up to this place are not kept any more.
    pub forgotten: i64,
}

impl Reach {
    /// Whether all events after `seq` are there.
    #[must_use]
    pub fn holds(self, seq: i64) -> bool {
        (self.forgotten..=self.newest).contains(&seq)
    }
}

/// How far the stream reaches now.
pub async fn reach(pool: &PgPool) -> sqlx::Result<Reach> {
    sqlx::query_as!(Reach, "select newest, forgotten from event_stream").fetch_one(pool).await
}

/// A region's id, if there is one.
pub async fn is_region(pool: &PgPool, region: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select 1 from region where region_id = $1", region);
    Ok(found.fetch_optional(pool).await?.is_some())
}

/// The meters that a user owns or was let read.
pub async fn meters(pool: &PgPool, user: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select meter_id as "meter_id!" from meter where owner_user_id = $1
           union select meter_id from meter_reader where user_id = $1"#,
        user
    )
    .fetch_all(pool)
    .await
}

/// Whose connections are open: three lists of the same length.
#[derive(Debug, Default)]
pub struct GuestList {
    /// Our numbers of them.
    pub guests: Vec<i64>,
    /// Rows of `app_user`; none: a stranger.
    pub users: Vec<Option<Uuid>>,
    /// Rows of `user_token` or `user_session`.
    pub credentials: Vec<Option<Uuid>>,
}

/// Somebody who may still listen.
#[derive(Debug)]
pub struct GuestRow {
    /// Our number.
    pub guest: i64,
    /// The meters that they may read.
    pub meters: Vec<String>,
}

/// Those of `list` whom the next request would let in: the user is not shut out and has a password of
/// their own, the credential is in force, and the site is open to it.
pub async fn standing(
    pool: &PgPool,
    list: &GuestList,
    now: DateTime<Utc>,
    since: Since,
) -> sqlx::Result<Vec<GuestRow>> {
    sqlx::query_file_as!(
        GuestRow,
        "sql/queries/guests.sql",
        &list.guests,
        &list.users as &[Option<Uuid>],
        &list.credentials as &[Option<Uuid>],
        now,
        since.seen,
        since.created,
    )
    .fetch_all(pool)
    .await
}
