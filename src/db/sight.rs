//! What a caller may see: the grants in force, resolved once per request inside its snapshot.
//!
//! The rule is SQL (migration 0010): `entitlements` resolves a user's grants, `admits_version`,
//! `admits_labels`, `admits_block` and `admits_derived` apply one of them to headers. A [`Sight`]
//! carries what the first gave to the statements that use the others, which unpack it by
//! `jsonb_populate_recordset(null::entitlement, ...)`.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{ContractMonth, Place, Sha256, Source};

/// Whose sight, and when: windows such as "three months from now" are those of this instant, never
/// of a cut-off.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// A grant in force, as far as it is needed beside SQL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Entitlement {
    dataset_id: Option<i16>,
    first_month: Option<NaiveDate>,
    last_month: Option<NaiveDate>,
    sub_components: Option<Vec<String>>,
    derived: bool,
    /// Every other label set; none is any.
    #[serde(flatten)]
    labels: Labels,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Labels {
    control_areas: Option<Vec<String>>,
    states: Option<Vec<String>>,
    load_zones: Option<Vec<String>>,
    capacity_zones: Option<Vec<String>>,
    utilities: Option<Vec<String>>,
    block_types: Option<Vec<String>>,
    cost_groups: Option<Vec<String>>,
    cost_components: Option<Vec<String>>,
}

impl Entitlement {
    fn is_for(&self, source: i16) -> bool {
        self.dataset_id.is_none_or(|of| of == source)
    }

    /// Whether it shows every series, derived ones too.
    fn shows_every_series(&self) -> bool {
        self.derived && self.sub_components.is_none() && self.labels == Labels::default()
    }

    fn window(&self) -> Window {
        let components = self.sub_components.clone();
        Window { first: self.first_month, last: self.last_month, components }
    }
}

/// The grants that let a version or a series through, counted from 1 in their order; a cell is
/// visible where one of them lets both through, and the cell's place.
pub type Admitted = Vec<i32>;

/// Contract months, and components of a matrix, that one grant shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
    components: Option<Vec<String>>,
}

impl Window {
    const fn is_whole(&self) -> bool {
        self.first.is_none() && self.last.is_none() && self.components.is_none()
    }

    fn shows(&self, place: Place<'_>) -> bool {
        let month = match place {
            Place::Month(month) => month,
            Place::Hour(day, _) => ContractMonth::containing(day),
            Place::Component(name, _) => {
                return self
                    .components
                    .as_ref()
                    .is_none_or(|shown| shown.iter().any(|s| s == name));
            }
            Place::MonthHour(..) | Place::Single => return true,
        };
        let day = month.first_day();
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }
}

/// Which cells of a series of a version a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cells {
    /// Those of any of these windows; of none of them where there is none.
    Within(Vec<Window>),
    /// All of them.
    All,
}

impl Cells {
    /// The cells that these rows of `entitlement` show.
    pub fn of_rows(rows: Value) -> sqlx::Result<Self> {
        let sight = Sight::from_rows(rows)?;
        let all = sight.all();
        Ok(sight.cells(&all, &all))
    }

    /// Whether the cell at a place is visible.
    #[must_use]
    pub fn shows(&self, place: Place<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Within(windows) => windows.iter().any(|window| window.shows(place)),
        }
    }

    /// Whether the cells of the contract month that begins on this day are visible.
    #[must_use]
    pub fn shows_month(&self, first_day: NaiveDate) -> bool {
        self.shows(Place::Month(ContractMonth::containing(first_day)))
    }

    /// Whether no cell at all is visible.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Within(windows) if windows.is_empty())
    }
}

/// The sources that somebody has a grant for.
#[derive(Debug, Clone)]
pub struct Granted(pub Vec<Source>);

impl Granted {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one is of this curve type.
    #[must_use]
    pub fn has_curve(&self, curve: &str) -> bool {
        self.0.iter().any(|source| source.curve() == curve)
    }

    /// Whether one is of this ISO.
    #[must_use]
    pub fn has_iso(&self, iso: &str) -> bool {
        self.0.iter().any(|source| source.iso().as_str() == iso)
    }
}

/// What a caller may see of some sources.
#[derive(Debug, Clone)]
pub struct Sight(Arc<Resolved>);

#[derive(Debug)]
struct Resolved {
    rows: Value,
    entitlements: Vec<Entitlement>,
}

impl Sight {
    /// What `viewer` may see of `sources` in the transaction of `connection`.
    pub async fn of(
        connection: &mut PgConnection,
        viewer: Viewer,
        sources: &[i16],
    ) -> sqlx::Result<Self> {
        let rows = sqlx::query_scalar!(
            r#"select coalesce(jsonb_agg(distinct jsonb_strip_nulls(to_jsonb(e))), '[]') as "rows!"
               from entitlements($1, $2, $3) e"#,
            viewer.user_id,
            sources,
            viewer.now
        )
        .fetch_one(connection)
        .await?;
        Self::from_rows(rows)
    }

    /// Everything: for the server's own work, which nobody sees.
    #[must_use]
    pub fn everything() -> Self {
        let rows = json!([{ "cob_only": false, "current_only": false, "derived": true }]);
        let entitlement = Entitlement {
            dataset_id: None,
            first_month: None,
            last_month: None,
            sub_components: None,
            derived: true,
            labels: Labels::default(),
        };
        Self(Arc::new(Resolved { rows, entitlements: vec![entitlement] }))
    }

    fn from_rows(rows: Value) -> sqlx::Result<Self> {
        let entitlements = Vec::<Entitlement>::deserialize(&rows)
            .map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self(Arc::new(Resolved { rows, entitlements })))
    }

    /// The grants as the statements take them: an array of `entitlement`.
    #[must_use]
    pub fn rows(&self) -> &Value {
        &self.0.rows
    }

    fn of_source(&self, source: impl Into<Source>) -> impl Iterator<Item = &Entitlement> {
        let id = source.into().id();
        self.0.entitlements.iter().filter(move |grant| grant.is_for(id))
    }

    /// Whether there is any grant for a source. Without one it is not there at all.
    #[must_use]
    pub fn has(&self, source: impl Into<Source>) -> bool {
        self.of_source(source).next().is_some()
    }

    /// Whether every grant for a source shows every series, so that labels need not be looked at.
    #[must_use]
    pub fn shows_every_series(&self, source: impl Into<Source>) -> bool {
        self.of_source(source).all(Entitlement::shows_every_series)
    }

    /// Whether a grant for a source shows some places of an axis only.
    #[must_use]
    pub fn has_windows(&self, source: impl Into<Source>) -> bool {
        self.of_source(source).any(|grant| !grant.window().is_whole())
    }

    /// Every grant.
    #[must_use]
    pub fn all(&self) -> Admitted {
        (1..).take(self.0.entitlements.len()).collect()
    }

    /// The cells of a series in a version that some grant lets both through.
    #[must_use]
    pub fn cells(&self, version: &[i32], series: &[i32]) -> Cells {
        let both = version.iter().filter(|grant| series.contains(grant));
        let grants = both.filter_map(|n| self.0.entitlements.get(usize::try_from(n - 1).ok()?));
        let mut windows: Vec<Window> = grants.map(Entitlement::window).collect();
        if windows.iter().any(Window::is_whole) {
            return Cells::All;
        }
        windows.dedup();
        Cells::Within(windows)
    }

    /// A digest of the grants and their windows: part of each `ETag`.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(self.rows().to_string().as_bytes())
    }
}

/// Whether a user's grants show the same for ever: none rolls, lags or runs out.
pub async fn lasts(connection: &mut PgConnection, viewer: Viewer) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce(bool_and(p.ends_at is null and coalesce(p.starts_at <= $2, true)
                                    and g.months <> 'rolling' and g.delay_days is null
                                    and g.history_days is null and not g.current_only), true) as "lasts!"
           from user_package p
           join package_grant g on g.package_id = p.package_id
           where p.user_id = $1 and (p.ends_at is null or p.ends_at > $2)"#,
        viewer.user_id,
        viewer.now
    )
    .fetch_one(connection)
    .await
}

/// Whether `viewer` may see every cell of a source.
pub async fn sees_whole(
    connection: &mut PgConnection,
    viewer: Viewer,
    source: impl Into<Source>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from entitlements($1, array[$2::smallint], $3) e
                          where is_unlimited(e)) as "whole!""#,
        viewer.user_id,
        source.into().id(),
        viewer.now
    )
    .fetch_one(connection)
    .await
}
