//! Loads what a page says, in one transaction: rows, their revisions, what is to be told of them, and
//! the rollups that they change. Progress (watermark, gaps, tasks, fetches) is the runner's business.
//!
//! What is the same for all kinds of rows is in [`crate::db::feeds::rows`] and, pure, in
//! [`crate::domain::feed::upsert`]; a file here says for one kind which rows are admitted and what is
//! told of a change.

mod account;
mod event;
mod factors;
mod forecast;
mod intensity;
mod mix;
mod prices;
mod samples;
pub mod summary;
mod touched;
mod usage;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

pub use account::meter_id;
pub(crate) use summary::Affected;
pub(crate) use touched::Touched;

use super::{Feed, Finding, Records, Scope, Settings};
use crate::{
    db::feeds::{
        outbox::{self, NewEvent},
        rows::{self, Change, Row, Table},
    },
    domain::feed::{TaskKind, Window, upsert::Manner},
};

/// How far ahead of now a measured value may end: the clocks of upstreams differ.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// From which age on a backfill tells of changed days instead of slots.
const OLD: TimeDelta = TimeDelta::days(7);

/// One page that is about to be loaded.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The feed that parsed it.
    pub feed: &'static dyn Feed,
    /// Its settings.
    pub settings: &'a Settings,
    /// Whose rows.
    pub scope: &'a Scope,
    /// Of when it was asked for; rows may lie outside.
    pub window: Window,
    /// The fetch that brought it.
    pub fetch_id: i64,
    /// When that was.
    pub fetched_at: DateTime<Utc>,
    /// The instant at which all of its changes are known: of [`crate::db::feeds::turn::take`].
    pub known_at: DateTime<Utc>,
    /// Now, by the injected clock.
    pub now: DateTime<Utc>,
    /// Why it was asked for.
    pub task_kind: TaskKind,
    /// One event a slot even for old slots of a backfill.
    pub every_slot: bool,
}

/// What became of a page's rows.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Rows that were not there.
    pub new: u64,
    /// Rows that say something else now.
    pub changed: u64,
    /// Rows that say what is there, or are from before it.
    pub same: u64,
    /// Rows that were left out; a finding says why.
    pub rejected: u64,
    /// What is odd about them.
    pub findings: Vec<Finding>,
}

/// Why a page cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A statement failed.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The scope lacks what rows of this kind belong to.
    #[error("the scope {scope} of {feed} has no {lacks}")]
    Scope {
        /// The feed.
        feed: &'static str,
        /// The scope.
        scope: String,
        /// What it lacks.
        lacks: &'static str,
    },
    /// An event cannot be written down.
    #[error("an event has no JSON: {0}")]
    Event(#[from] serde_json::Error),
}

/// Loads the rows of a page. The caller holds the turn of the scope and commits.
pub async fn load(
    conn: &mut PgConnection,
    page: &Page<'_>,
    records: Records,
) -> Result<Loaded, LoadError> {
    let mut work = Work {
        conn,
        page,
        loaded: Loaded::default(),
        touched: Touched::default(),
        summaries: Affected::default(),
    };
    // On the heap: it is long, and part of every future that loads.
    Box::pin(store(&mut work, records)).await?;
    let Work { conn, page, loaded, touched, summaries } = work;
    Box::pin(summaries.settle(conn, page, &touched)).await?;
    Box::pin(touched.settle(conn, page)).await?;
    Ok(loaded)
}

/// Stores rows by their kind.
async fn store(work: &mut Work<'_>, records: Records) -> Result<(), LoadError> {
    match records {
        Records::Intensity(rows) => intensity::store(work, Manner::Told, rows).await?,
        Records::Forecast(rows) => forecast::store(work, rows).await?,
        Records::Samples(rows) => samples::store(work, rows).await?,
        Records::Mix(rows) => {
            mix::store(work, Manner::Told, rows.into_iter().map(mix::Part::from)).await?;
        }
        Records::Usage(rows) => usage::store(work, rows).await?,
        Records::Prices(rows) => prices::store(work, rows).await?,
        Records::Account(meters) => account::store(work, meters).await?,
        Records::Factors(rows) => factors::store(work, rows).await?,
    }
    Ok(())
}

/// A load while it is done.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    /// The transaction.
    pub conn: &'a mut PgConnection,
    /// The page.
    pub page: &'a Page<'a>,
    /// What became of its rows so far.
    pub loaded: Loaded,
    /// The rollups that they change.
    pub touched: Touched,
    /// What they change of daily summaries besides.
    pub summaries: Affected,
}

impl Work<'_> {
    /// Stores rows of a table and counts what became of them.
    pub(crate) async fn upsert(
        &mut self,
        table: &Table,
        manner: Manner,
        rows: Vec<Row>,
    ) -> sqlx::Result<Vec<Change>> {
        let stored = rows::upsert(self.conn, table, manner, rows, &self.page.source()).await?;
        self.loaded.count(&stored);
        Ok(stored.changes)
    }

    /// Writes events down.
    pub(crate) async fn tell(&mut self, events: &[NewEvent<'_>]) -> sqlx::Result<()> {
        outbox::write(self.conn, events, self.page.known_at).await
    }
}

impl Page<'_> {
    /// The id of its feed.
    pub(crate) fn feed_id(&self) -> &'static str {
        self.feed.about().id
    }

    /// The region that its rows are of.
    pub(crate) fn region(&self) -> Result<&str, LoadError> {
        self.scope.region_id.as_deref().ok_or_else(|| self.lacks("region"))
    }

    pub(crate) fn lacks(&self, lacks: &'static str) -> LoadError {
        LoadError::Scope { feed: self.feed_id(), scope: self.scope.scope.clone(), lacks }
    }

    /// Where its rows are from.
    pub(crate) const fn source(&self) -> rows::Source {
        rows::Source {
            fetch_id: Some(self.fetch_id),
            fetched_at: Some(self.fetched_at),
            known_at: self.known_at,
        }
    }

    /// Whether an event tells of a slot; else one tells of its day.
    pub(crate) fn tells_of(&self, start: DateTime<Utc>) -> bool {
        self.task_kind != TaskKind::Backfill || self.every_slot || start > self.now - OLD
    }

    /// Whether a measured value that ends then lies in the future.
    pub(crate) fn is_ahead(&self, start: DateTime<Utc>, secs: i32) -> bool {
        start + TimeDelta::seconds(secs.into()) > self.now + AHEAD
    }
}

impl Loaded {
    /// Leaves a row out.
    pub(crate) fn reject(&mut self, code: &str, message: String, at: DateTime<Utc>) {
        self.rejected += 1;
        self.note(code, message, at, true);
    }

    /// Leaves a measured value out that ends too far ahead.
    pub(crate) fn reject_ahead(&mut self, start: DateTime<Utc>) {
        let message = "a measured value that ends more than 10 minutes ahead was left out";
        self.reject("future_row", message.to_owned(), start);
    }

    /// Notes something odd about a row.
    pub(crate) fn note(
        &mut self,
        code: &str,
        message: String,
        at: DateTime<Utc>,
        rejects_row: bool,
    ) {
        let at = Some(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        self.findings.push(Finding { code: code.to_owned(), message, at, rejects_row });
    }

    /// Counts what became of stored rows.
    pub(crate) fn count(&mut self, stored: &rows::Stored) {
        let new = stored.changes.iter().filter(|change| change.before.is_none()).count() as u64;
        self.new += new;
        self.changed += stored.changes.len() as u64 - new;
        self.same += stored.same;
        for at in &stored.repeated {
            let message =
                "a key comes more than once; the one touched last, else the last, is taken";
            self.note("duplicate_in_body", message.to_owned(), *at, false);
        }
    }
}
