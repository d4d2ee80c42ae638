//! The feed of updates: what was published, superseded, reopened and computed, in commit order.
//!
//! Whoever writes an update holds the feed from [`take_turn`] until the commit. That makes the
//! order of the rows that of the commits, and a position in the feed safe to go on from: nothing
//! ever appears below one that was told.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgListener, PgPoolOptions},
};

use super::sight::Viewer;
use crate::domain::{Dataset, words};

/// Advisory lock: who writes updates.
const FEED_LOCK: i32 = 7423;

/// Notified by the database when an update is committed.
const CHANNEL: &str = "update_feed";

words! {
    /// What an update tells.
    UpdateKind("a kind of update") {
        /// A version can be read.
        VersionPublished = "version_published",
        /// Another version took its place, or now begins before its former end.
        VersionSuperseded = "version_superseded",
        /// The close by this version was lifted.
        DayReopened = "day_reopened",
        /// The headroom of this Matrix version was computed.
        HeadroomRecomputed = "headroom_recomputed",
    }
}

/// Waits until nobody else writes updates; then nobody else does until the transaction ends. To be
/// taken before what makes readers wait.
pub async fn take_turn(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1, 0)", FEED_LOCK).execute(conn).await?;
    Ok(())
}

/// Tells that a version was published, and which it took the place of.
pub async fn tell_published(
    conn: &mut PgConnection,
    dataset: Dataset,
    version_id: i64,
    superseded: Option<i64>,
    known_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let published = NewUpdate {
        kind: UpdateKind::VersionPublished,
        dataset,
        version_id,
        other_version_id: None,
        known_at,
        note: None,
    };
    insert(conn, &published).await?;
    let Some(older) = superseded else { return Ok(()) };
    let superseded = NewUpdate {
        kind: UpdateKind::VersionSuperseded,
        version_id: older,
        other_version_id: Some(version_id),
        ..published
    };
    insert(conn, &superseded).await
}

/// Tells that the close of a day by a version was lifted, and why.
pub async fn tell_reopened(
    conn: &mut PgConnection,
    dataset: Dataset,
    version_id: i64,
    reason: &str,
    reopened_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let reopened = NewUpdate {
        kind: UpdateKind::DayReopened,
        dataset,
        version_id,
        other_version_id: None,
        known_at: reopened_at,
        note: Some(reason),
    };
    insert(conn, &reopened).await
}

/// Tells that the headroom of a Matrix version (of the dataset `matrix`) against a PTC version was
/// computed, to be read from `known_at` on. To be called in the transaction that stores it.
pub async fn tell_headroom(
    conn: &mut PgConnection,
    matrix: Dataset,
    (matrix_version, ptc_version): (i64, i64),
    known_at: DateTime<Utc>,
    note: Option<&str>,
) -> sqlx::Result<()> {
    let recomputed = NewUpdate {
        kind: UpdateKind::HeadroomRecomputed,
        dataset: matrix,
        version_id: matrix_version,
        other_version_id: Some(ptc_version),
        known_at,
        note,
    };
    insert(conn, &recomputed).await
}

struct NewUpdate<'a> {
    kind: UpdateKind,
    dataset: Dataset,
    version_id: i64,
    other_version_id: Option<i64>,
    known_at: DateTime<Utc>,
    note: Option<&'a str>,
}

/// The row gets its number, and the listeners their word, in `number_update` of the schema.
async fn insert(conn: &mut PgConnection, update: &NewUpdate<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into update_feed (kind, dataset_id, version_id, other_version_id, known_at, note)
         values ($1, $2, $3, $4, $5, $6)",
        update.kind.as_str(),
        update.dataset.id(),
        update.version_id,
        update.other_version_id,
        update.known_at,
        update.note
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What of the feed to read.
#[derive(Debug, Clone, Default)]
pub struct UpdateFilter {
    /// Versions of these datasets.
    pub datasets: Vec<i16>,
    /// Headroom of these Matrix datasets.
    pub headroom: Vec<i16>,
}

/// An update with the header of its version.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of update_feed and curve_version, described there")]
pub struct UpdateRow {
    pub id: i64,
    pub kind: UpdateKind,
    pub dataset: Dataset,
    pub version_id: i64,
    pub other_version_id: Option<i64>,
    pub curve_timestamp: DateTime<Utc>,
    pub operating_day: NaiveDate,
    pub cob: bool,
    pub known_at: DateTime<Utc>,
    pub note: Option<String>,
}

/// A part of the feed, and how far the whole reached at that moment.
#[derive(Debug, Clone)]
pub struct UpdatePage {
    /// Updates up to this id may be gone.
    pub forgotten: i64,
    /// The last id of the feed.
    pub newest: i64,
    /// What the filter lets through, in order.
    pub updates: Vec<UpdateRow>,
}

/// At most `limit` updates after `after` (from the oldest kept on where that is below) that the viewer
/// may see.
pub async fn page(
    pool: &PgPool,
    viewer: Viewer,
    after: i64,
    filter: &UpdateFilter,
    limit: i64,
) -> sqlx::Result<UpdatePage> {
    let (datasets, headroom) = (&*filter.datasets, &*filter.headroom);
    let rows = sqlx::query_file!(
        "sql/queries/list_updates.sql",
        after,
        datasets,
        headroom,
        limit,
        viewer.user_id,
        viewer.now
    )
    .fetch_all(pool)
    .await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let mut page =
        UpdatePage { forgotten: first.forgotten, newest: first.newest, updates: Vec::new() };
    for row in rows {
        // A feed with nothing to tell is one row without an update.
        let Some(id) = row.id else { continue };
        let read = || {
            Some(UpdateRow {
                id,
                kind: row.kind?.parse().ok()?,
                dataset: Dataset::from_id(row.dataset_id?)?,
                version_id: row.version_id?,
                other_version_id: row.other_version_id,
                curve_timestamp: row.curve_timestamp?,
                operating_day: row.operating_day?,
                cob: row.cob?,
                known_at: row.known_at?,
                note: row.note,
            })
        };
        // One that cannot be read must not be left out.
        let broken = || sqlx::Error::Decode(format!("update {id} cannot be read").into());
        page.updates.push(read().ok_or_else(broken)?);
    }
    Ok(page)
}

/// A connection of its own that hears of new updates.
pub async fn listener(pool: &PgPool) -> sqlx::Result<PgListener> {
    let options = pool.connect_options().as_ref().clone();
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
