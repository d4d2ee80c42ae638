//! What a task is about, and how it ended.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    gaps::Grid,
    walk::{self, Place, Walk},
};
use crate::{
    app::App,
    db::feeds::{
        progress::Slots,
        registry::{self, ScopeRow},
        runs,
        tasks::Task,
    },
    domain::feed::{FetchClass, RunState, TaskKind, Window},
    feeds::{Feed, MeterPoint, PageRef, Scope, Settings, http::Fetched, load::LoadError},
};

/// Why a run broke off: nothing that an upstream did.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database failed, or the document store.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// What a page says cannot be loaded.
    #[error("the rows of a page cannot be loaded: {0}")]
    Load(LoadError),
    /// Somebody else has the lease.
    #[error("somebody else has the lease")]
    Lost,
}

impl From<LoadError> for RunError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Sql(error) if !is_of_the_data(&error) => Self::Database(error),
            error => Self::Load(error),
        }
    }
}

/// Whether a statement failed for what was given to it: trying again changes nothing.
fn is_of_the_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// How work at a task ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// All was asked for.
    Done(FetchClass),
    /// The upstream, or what it said, stood in the way.
    Failed {
        /// How.
        class: FetchClass,
        /// In words.
        message: String,
        /// Nothing is to be asked before then.
        not_before: Option<DateTime<Utc>>,
    },
    /// The server ends, or somebody paused or ended it.
    Stopped,
    /// Something of our own stood in the way.
    Broken(String),
    /// There was nothing to do.
    Idle,
}

impl Ended {
    /// That of a run which went no further than an answer that is no success.
    pub fn of(fetched: &Fetched) -> Self {
        let message = fetched.message.clone().unwrap_or_else(|| fetched.class.to_string());
        Self::Failed { class: fetched.class, message, not_before: fetched.not_before }
    }

    /// That of a run, also of one that broke off.
    pub fn also_broken(ended: Result<Self, RunError>) -> Result<Self, RunError> {
        match ended {
            Err(RunError::Load(error)) => Ok(Self::unloadable(&error)),
            Err(RunError::Database(error)) => Ok(Self::Broken(error.to_string())),
            other => other,
        }
    }

    /// That of a run which met a page whose rows the database refuses.
    pub fn unloadable(error: &LoadError) -> Self {
        let message = format!("the rows of a page cannot be loaded: {error}");
        Self::Failed { class: FetchClass::BadBody, message, not_before: None }
    }

    /// How it ended. What stood in the way on our side may be gone the next time, as it may upstream.
    pub const fn class(&self) -> Option<FetchClass> {
        match self {
            Self::Done(class) | Self::Failed { class, .. } => Some(*class),
            Self::Broken(_) => Some(FetchClass::Transient),
            Self::Stopped | Self::Idle => None,
        }
    }

    /// Whether the upstream answers: with pages, or by refusing some.
    pub const fn is_answered(&self) -> bool {
        match self {
            Self::Done(_) => true,
            Self::Failed { class, .. } => class.is_refusal(),
            Self::Stopped | Self::Broken(_) | Self::Idle => false,
        }
    }

    /// Until when the upstream wants nothing.
    pub const fn not_before(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Failed { not_before, .. } => *not_before,
            _ => None,
        }
    }

    /// What went wrong.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { message, .. } | Self::Broken(message) => Some(message),
            Self::Stopped => Some("it was stopped before its end"),
            Self::Done(_) | Self::Idle => None,
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Windows that were asked for.
    pub windows: u64,
    /// Of these, those of which a page was refused or could not be loaded.
    pub failed: u64,
    /// Pages that came.
    pub pages: u64,
    /// Rows that were not known before.
    pub new: u64,
    /// Rows with another content.
    pub changed: u64,
    /// Rows as they were.
    pub same: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// What was odd.
    pub findings: u64,
}

impl Totals {
    /// As they were kept.
    #[must_use]
    pub fn of(kept: &serde_json::Value) -> Self {
        Self::deserialize(kept).unwrap_or_default()
    }

    /// As they are kept, with what went wrong.
    #[must_use]
    pub fn to_json(self, error: Option<&str>) -> serde_json::Value {
        let mut totals = serde_json::json!(self);
        if let Some(error) = error {
            totals["error"] = error.into();
        }
        totals
    }
}

/// A task and all that it is about.
#[derive(Debug)]
pub struct Work<'a> {
    /// The server.
    pub app: &'a App,
    /// Becomes true when the server ends.
    pub halt: &'a CancellationToken,
    /// The lease.
    pub task: &'a Task,
    /// Its kind.
    pub kind: TaskKind,
    /// Its feed.
    pub feed: &'static dyn Feed,
    /// The settings of the feed.
    pub settings: &'a Settings,
    /// Its scope.
    pub scope: Scope,
    /// Under which its loads are put in order.
    pub scope_no: i32,
}

impl<'a> Work<'a> {
    /// What a task is about; none where this program does not know its feed or scope.
    pub async fn of(
        app: &'a App,
        halt: &'a CancellationToken,
        task: &'a Task,
    ) -> sqlx::Result<Option<Self>> {
        let feed = super::super::find(&task.feed_id);
        let settings = app.config.feeds.of(&task.feed_id);
        let kind = task.task_kind.parse().ok();
        let (Some(feed), Some(settings), Some(kind)) = (feed, settings, kind) else {
            return Ok(None);
        };
        let mut conn = app.pool.acquire().await?;
        let Some(row) = registry::scope(&mut conn, &task.feed_id, &task.scope).await? else {
            return Ok(None);
        };
        let scope_no = row.scope_no;
        Ok(Some(Self { app, halt, task, kind, feed, settings, scope: scope_of(row), scope_no }))
    }

    /// Feed and scope, as statements take them.
    pub fn place(&self) -> (&str, &str) {
        (&self.task.feed_id, &self.task.scope)
    }

    /// The later of the first instant that the upstream has and the one that is wanted.
    pub fn history_start(&self) -> DateTime<Utc> {
        history_start(self.settings, &self.scope)
    }

    /// Its slots and their length; none where it has no watermark.
    pub fn slots(&self) -> Option<(Slots<'_>, Grid)> {
        let about = self.feed.about();
        let grid = Grid::new(about.step_secs)?;
        let region_id = || self.scope.region_id.as_deref();
        let slots = match about.primary_metric? {
            "generated" => Slots::Intensity {
                region_id: region_id()?,
                factor_set_id: self.settings.default_factor_set()?,
            },
            "mw" | "percent" => Slots::Mix { region_id: region_id()? },
            "kwh" => Slots::Usage { meter_id: &self.scope.meter.as_ref()?.meter_id },
            _ => return None,
        };
        Some((slots, grid))
    }

    /// Begins a run by plan, after ending what somebody who is gone left behind.
    pub async fn begin(&self) -> sqlx::Result<i64> {
        let mut tx = self.app.pool.begin().await?;
        let now = self.app.clock.now();
        runs::close_left(&mut tx, self.place(), self.kind, now).await?;
        let run_id = runs::begin(&mut tx, self.place(), self.kind, now).await?;
        tx.commit().await?;
        Ok(run_id)
    }

    /// Ends a run, with what came of it.
    pub async fn finish(&self, run_id: i64, totals: Totals, ended: &Ended) -> sqlx::Result<()> {
        let mut conn = self.app.pool.acquire().await?;
        let now = self.app.clock.now();
        let is_done = matches!(ended, Ended::Done(_) | Ended::Idle);
        let state = if is_done { RunState::Done } else { RunState::Failed };
        runs::finish(&mut conn, run_id, state.as_str(), totals.to_json(ended.error()), now).await
    }

    /// One run through some windows.
    pub async fn pass(&self, run_id: i64, windows: Vec<Window>) -> Result<Ended, RunError> {
        let mut walk = Walk::new(self, run_id);
        let ended = walk.through(&mut VecDeque::from(windows), PageRef::FIRST).await;
        self.end(run_id, &walk, ended).await
    }

    /// Writes down how a run ended, also one that broke off.
    pub async fn end(
        &self,
        run_id: i64,
        walk: &Walk<'_>,
        ended: Result<Ended, RunError>,
    ) -> Result<Ended, RunError> {
        let ended = Ended::also_broken(ended)?;
        self.finish(run_id, walk.totals, &ended).await?;
        Ok(ended)
    }

    /// Fetches a page; none: the server ends.
    pub async fn fetch(&self, run_id: i64, place: Place) -> sqlx::Result<Option<(Place, Fetched)>> {
        walk::fetch(self, run_id, place).await
    }
}

/// The later of the first instant that the upstream has of a scope and the one that is wanted.
#[must_use]
pub fn history_start(settings: &Settings, scope: &Scope) -> DateTime<Utc> {
    scope.first_available.max(settings.not_before)
}

/// A scope as feeds know it.
#[must_use]
pub fn scope_of(row: ScopeRow) -> Scope {
    let meter = match (row.meter_id, row.mpan, row.serial) {
        (Some(meter_id), Some(mpan), Some(serial)) => Some(MeterPoint { meter_id, mpan, serial }),
        _ => None,
    };
    Scope {
        scope: row.scope,
        region_id: row.region_id,
        meter,
        tariff_code: row.tariff_code,
        first_available: row.first_available,
    }
}
