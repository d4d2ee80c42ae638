//! What can be seen: by a user, or by whoever has some grants; now, or at another time.
//!
//! Everything is resolved and counted by the functions of SQL that every reader goes by.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    auth::Principal,
    db::{
        packages::{self as store, Seen},
        sight::{Sight, Viewer},
        snapshot::Snapshot,
    },
    domain::Source,
    error::{Problem, Result},
};

/// The times that an overview is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct When {
    /// The cut-off: only what was known then; none for now.
    pub as_of: Option<DateTime<Utc>>,
    /// The clock on the wall, by which windows and the dates of packages are resolved; none for now.
    pub at: Option<DateTime<Utc>>,
}

/// What can be seen of everything.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "known_at": "2026-11-20T15:00:00Z", "at": "2026-11-20T15:00:00Z",
    "totals": {
        "datasets": 1, "series": 1, "versions": 5, "operating_days": 2,
        "first_month": "2026-11-01", "last_month": "2027-01-01", "months": 3, "cells": 15
    },
    "datasets": [{
        "curve": "energy", "iso": "ercot", "series": 1, "versions": 5, "operating_days": 2,
        "first_day": "2026-11-19", "last_day": "2026-11-20", "first_month": "2026-11-01",
        "last_month": "2027-01-01", "months": 3, "cells": 15, "derived": false
    }]
}))]
pub struct Overview {
    /// The cut-off.
    pub known_at: DateTime<Utc>,
    /// The clock on the wall.
    pub at: DateTime<Utc>,
    /// Of all datasets together.
    pub totals: Totals,
    /// Datasets of which there is at least one cell.
    pub datasets: Vec<SeenDataset>,
}

/// Counts over all datasets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    /// Datasets, headroom of an ISO among them.
    pub datasets: usize,
    /// Series.
    pub series: usize,
    /// Versions with a visible cell.
    pub versions: usize,
    /// Distinct operating days.
    pub operating_days: usize,
    /// First contract month.
    pub first_month: Option<NaiveDate>,
    /// Last contract month.
    pub last_month: Option<NaiveDate>,
    /// Distinct contract months.
    pub months: usize,
    /// Cells, each once, empty ones among them.
    pub cells: i64,
}

/// Counts of one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeenDataset {
    /// Curve type.
    pub curve: &'static str,
    /// ISO.
    pub iso: &'static str,
    /// Series; of headroom the offers.
    pub series: usize,
    /// Versions with a visible cell.
    pub versions: usize,
    /// Their operating days.
    pub operating_days: usize,
    /// First operating day.
    pub first_day: Option<NaiveDate>,
    /// Last operating day.
    pub last_day: Option<NaiveDate>,
    /// First contract month; null where the axis has none.
    pub first_month: Option<NaiveDate>,
    /// Last contract month; null where the axis has none.
    pub last_month: Option<NaiveDate>,
    /// Distinct contract months.
    pub months: usize,
    /// Cells, each once, empty ones among them. A record of headroom has four.
    pub cells: i64,
    /// Whether 7x24 prices that are derived from blocks are seen.
    pub derived: bool,
}

impl SeenDataset {
    fn of(seen: &Seen, source: Source) -> Self {
        Self {
            curve: source.curve(),
            iso: source.iso().as_str(),
            series: seen.series.len(),
            versions: seen.versions.len(),
            operating_days: seen.days.len(),
            first_day: seen.days.first().copied(),
            last_day: seen.days.last().copied(),
            first_month: seen.months.first().copied(),
            last_month: seen.months.last().copied(),
            months: seen.months.len(),
            cells: seen.cells,
            derived: seen.derived,
        }
    }
}

impl Totals {
    fn of(seen: &[Seen]) -> Self {
        let days: BTreeSet<NaiveDate> = seen.iter().flat_map(|one| &one.days).copied().collect();
        let months: BTreeSet<NaiveDate> =
            seen.iter().flat_map(|one| &one.months).copied().collect();
        Self {
            datasets: seen.len(),
            series: seen.iter().map(|one| one.series.len()).sum(),
            versions: seen.iter().map(|one| one.versions.len()).sum(),
            operating_days: days.len(),
            first_month: months.first().copied(),
            last_month: months.last().copied(),
            months: months.len(),
            cells: seen.iter().map(|one| one.cells).sum(),
        }
    }
}

/// A consistent view of everything, and the clock that windows are resolved by.
pub(super) struct Look {
    pub snapshot: Snapshot,
    pub sources: Vec<i16>,
    pub at: DateTime<Utc>,
}

impl Look {
    /// For an administrator. 400 where `as_of` lies in the future.
    pub async fn begin(app: &App, principal: &Principal, when: When) -> Result<Self> {
        let all: Vec<Source> = Source::all().collect();
        let snapshot = app.snapshot(principal, &all, when.as_of).await?;
        let sources = all.into_iter().map(Source::id).collect();
        Ok(Self { snapshot, sources, at: when.at.unwrap_or_else(|| app.clock.now()) })
    }

    /// The grants of a package, resolved.
    pub async fn resolve(&mut self, grants: &Value) -> sqlx::Result<Value> {
        store::resolve(self.snapshot.connection(), grants, &self.sources, self.at).await
    }

    /// What resolved grants show.
    pub async fn seen(&mut self, entitlements: &Value) -> sqlx::Result<Vec<Seen>> {
        let known_at = self.snapshot.view.known_at;
        store::seen(self.snapshot.connection(), entitlements, &self.sources, known_at).await
    }

    async fn overview(mut self, entitlements: &Value) -> Result<Overview> {
        let seen = self.seen(entitlements).await?;
        let (known_at, at) = (self.snapshot.view.known_at, self.at);
        self.snapshot.finish().await?;
        let mut datasets = Vec::with_capacity(seen.len());
        for one in &seen {
            let source = Source::from_id(one.source_id);
            let source = source.ok_or_else(|| Problem::internal(&one.source_id))?;
            datasets.push(SeenDataset::of(one, source));
        }
        Ok(Overview { known_at, at, totals: Totals::of(&seen), datasets })
    }
}

/// What a user can see, for `principal`, an administrator.
pub async fn of_user(
    app: &App,
    principal: &Principal,
    user_id: Uuid,
    when: When,
) -> Result<Overview> {
    let mut look = Look::begin(app, principal, when).await?;
    let viewer = Viewer { user_id, now: look.at };
    let sight = Sight::of(look.snapshot.connection(), viewer, &look.sources).await?;
    look.overview(sight.rows()).await
}

/// What whoever has these grants (rows of `package_grant`, in an array) can see.
pub async fn of_grants(
    app: &App,
    principal: &Principal,
    grants: &Value,
    when: When,
) -> Result<Overview> {
    let mut look = Look::begin(app, principal, when).await?;
    let entitlements = look.resolve(grants).await?;
    look.overview(&entitlements).await
}
