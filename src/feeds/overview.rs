//! How the feeds fare: one account of it for REST, pages and commands.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Settings, find, runner};
use crate::{
    app::App,
    db::feeds::{
        backfills::BackfillRow,
        status::{self, FeedInfo, Reader, ScopeInfo},
    },
};

/// How long a backfill is shown after its end.
const ENDED_SHOWN: TimeDelta = TimeDelta::days(7);

/// A feed: what it is, its settings without secrets, and how its scopes fare.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedStatus {
    /// Its id, `provider.product`.
    #[schema(example = "carbonara.intensity")]
    pub feed: String,
    /// In words.
    #[schema(example = "Carbonara grid carbon intensity")]
    pub name: &'static str,
    /// By which regions are known.
    #[schema(example = "singularity")]
    pub provider: String,
    /// Whether it is polled.
    pub enabled: bool,
    /// The worst state of its scopes; `off` where none is polled.
    #[schema(example = "ok")]
    pub state: &'static str,
    /// What must stand beside its figures.
    pub attribution: String,
    /// What its figures mean and leave out.
    pub assumptions: &'static [&'static str],
    /// The settings in force.
    pub config: FeedSettings,
    /// How its scopes fare. Meters are shown to those who may read them.
    pub scopes: Vec<ScopeStatus>,
}

/// The settings of a feed that are in force, without secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedSettings {
    /// Length of a slot; null where rows are spans.
    #[schema(example = 300)]
    pub step_seconds: Option<i32>,
    /// How its stamps are read: `interval_start`, `interval_end`, `instant`, `explicit` or `span`.
    #[schema(example = "interval_start")]
    pub time_semantics: String,
    /// The value that tells whether a slot is there; null: the feed has neither watermark nor gaps.
    #[schema(example = "generated")]
    pub primary_metric: Option<String>,
    /// History before this is not asked for.
    pub not_before: DateTime<Utc>,
    /// How far back each run asks again.
    #[schema(example = 172_800)]
    pub look_back_seconds: i64,
    /// How often it is asked.
    #[schema(example = 300)]
    pub poll_every_seconds: i64,
    /// How old the newest slot may be.
    #[schema(example = 3600)]
    pub expected_lag_seconds: i64,
    /// The set of factors of queries that name none.
    #[schema(example = "EGRID_u2019")]
    pub default_factor_set: Option<String>,
    /// The others, by their names.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub others: Value,
}

/// How a scope of a feed fares.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScopeStatus {
    /// Its name: the provider's code of a region, a tariff, the id of a meter.
    #[schema(example = "CAISO")]
    pub scope: String,
    /// The region that its rows are of.
    #[schema(example = "US-CA-CAISO")]
    pub region: Option<String>,
    /// The region's name.
    #[serde(skip)]
    pub region_name: Option<String>,
    /// The meter that its rows are of.
    pub meter: Option<String>,
    /// The tariff that its rows are of.
    pub tariff: Option<String>,
    /// Whether it is polled.
    pub enabled: bool,
    /// `waiting` (nothing good came yet, and it has not failed five times in a row), `ok`, `late`,
    /// `failing` (five times in a row, or in a way that waiting does not mend), `auth` (key missing or
    /// refused), `paused`, or `off` (not polled).
    #[schema(example = "ok")]
    pub state: &'static str,
    /// How old the end of the newest slot is.
    #[schema(example = 720)]
    pub lag_seconds: Option<i64>,
    /// End of the newest slot.
    pub high_water: Option<DateTime<Utc>>,
    /// End of the unbroken run of slots from the start of history.
    pub contiguous_to: Option<DateTime<Utc>>,
    /// The start of history: the later of the first instant there is and the first that is wanted.
    pub history_start: DateTime<Utc>,
    /// Open gaps.
    #[schema(example = 2)]
    pub open_gaps: i64,
    /// Slots that are missing in them; null where there are no slots.
    #[schema(example = 5)]
    pub open_gap_slots: Option<i64>,
    /// When it is asked next; null: nothing is due.
    pub next_due: Option<DateTime<Utc>>,
    /// When a run last went well: a poll, or one that was asked for by hand.
    pub last_ok: Option<DateTime<Utc>>,
    /// When a run last ended.
    pub last_try: Option<DateTime<Utc>>,
    /// What went wrong in it; null after one that went well.
    #[schema(example = json!(null))]
    pub last_error: Option<String>,
    /// When that was.
    #[schema(example = json!(null))]
    pub last_error_at: Option<DateTime<Utc>>,
    /// Runs in a row that failed.
    #[schema(example = 0)]
    pub failures: i32,
    /// Backfills that are not at their end, and those that ended in the last seven days.
    pub backfills: Vec<BackfillStatus>,
}

/// How far a backfill came.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackfillStatus {
    /// Its number.
    #[schema(example = 7)]
    pub backfill_id: i64,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// `queued`, `running`, `paused`, `done`, `failed` or `cancelled`.
    #[schema(example = "running")]
    pub state: String,
    /// Whether each slot has an event of its own, however old it is.
    #[schema(example = false)]
    pub every_slot: bool,
    /// Windows in all.
    #[schema(example = 262)]
    pub windows_total: i32,
    /// Windows that are done.
    #[schema(example = 131)]
    pub windows_done: i32,
    /// Of these, those that the upstream refused: their slots are gaps.
    #[schema(example = 1)]
    pub windows_failed: i32,
    /// Of a hundred, rounded down.
    #[schema(example = 50)]
    pub percent: i32,
    /// Rows that were not known before.
    #[schema(example = 264_096)]
    pub rows_new: i64,
    /// Rows with another content.
    #[schema(example = 0)]
    pub rows_changed: i64,
    /// Rows as they were.
    #[schema(example = 0)]
    pub rows_same: i64,
    /// Rows that were read in a second.
    #[schema(example = 1500)]
    pub rows_per_second: Option<i64>,
    /// Seconds until its end at this rate.
    #[schema(example = 176)]
    pub eta_seconds: Option<i64>,
    /// Start of the window that is asked for.
    pub window_start: Option<DateTime<Utc>>,
    /// What went wrong last.
    #[schema(example = json!(null))]
    pub last_error: Option<String>,
}

/// Which feeds.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// One.
    pub feed_id: Option<&'a str>,
    /// One scope of it.
    pub scope: Option<&'a str>,
    /// Those after this one, by id.
    pub after: Option<&'a str>,
    /// At most.
    pub limit: i64,
    /// Who asks.
    pub reader: Reader,
}

impl Wanted<'_> {
    /// Every feed that there is.
    #[must_use]
    pub const fn all(reader: Reader) -> Self {
        Self { feed_id: None, scope: None, after: None, limit: i64::MAX, reader }
    }
}

/// How the feeds fare now. Those that this program no longer has are left out.
pub async fn feeds(
    app: &App,
    conn: &mut PgConnection,
    wanted: &Wanted<'_>,
) -> sqlx::Result<Vec<FeedStatus>> {
    let now = app.clock.now();
    let feeds = status::feeds(conn, wanted.feed_id, wanted.after, wanted.limit).await?;
    let ids: Vec<String> = feeds.iter().map(|feed| feed.feed_id.clone()).collect();
    let mut scopes = status::scopes(conn, &ids, wanted.scope, wanted.reader).await?;
    let mut backfills = status::backfills(conn, &ids, wanted.scope, now - ENDED_SHOWN).await?;
    let known = feeds.into_iter().filter_map(|info| {
        let (feed, settings) = (find(&info.feed_id)?, app.config.feeds.of(&info.feed_id)?);
        let own = scopes.extract_if(.., |scope| scope.feed_id == info.feed_id);
        let own: Vec<ScopeStatus> = own
            .map(|scope| {
                let is_its = |row: &mut BackfillRow| {
                    row.feed_id == scope.feed_id && row.scope == scope.scope
                };
                let backfills = backfills.extract_if(.., is_its).map(BackfillStatus::of).collect();
                ScopeStatus::of(scope, backfills, &info, settings, now)
            })
            .collect();
        Some(FeedStatus::of(info, feed.about(), own))
    });
    Ok(known.collect())
}

impl FeedStatus {
    fn of(info: FeedInfo, about: &'static super::About, scopes: Vec<ScopeStatus>) -> Self {
        Self {
            feed: info.feed_id,
            name: about.name,
            provider: info.provider,
            enabled: info.enabled,
            state: worst(&scopes),
            attribution: info.attribution,
            assumptions: about.assumptions,
            config: FeedSettings {
                step_seconds: info.step_secs,
                time_semantics: info.time_semantics,
                primary_metric: info.primary_metric,
                not_before: info.not_before,
                look_back_seconds: info.look_back_secs,
                poll_every_seconds: info.poll_every_secs,
                expected_lag_seconds: info.expected_lag_secs,
                default_factor_set: info.default_factor_set,
                others: info.config,
            },
            scopes,
        }
    }
}

/// What is worst comes first.
const BY_BADNESS: [&str; 7] = ["auth", "failing", "late", "paused", "waiting", "ok", OFF];

/// Of what is not polled.
const OFF: &str = "off";

fn worst(scopes: &[ScopeStatus]) -> &'static str {
    let has = |state: &&str| scopes.iter().any(|scope| scope.state == *state);
    BY_BADNESS.into_iter().find(has).unwrap_or(OFF)
}

impl ScopeStatus {
    fn of(
        row: ScopeInfo,
        backfills: Vec<BackfillStatus>,
        feed: &FeedInfo,
        settings: &Settings,
        now: DateTime<Utc>,
    ) -> Self {
        let slots = |step: i32| row.open_gap_secs / i64::from(step.max(1));
        Self {
            state: if row.enabled {
                runner::status::state(&row, settings, now).as_str()
            } else {
                OFF
            },
            last_error_at: row.error_at(),
            lag_seconds: row.lag(now).map(|lag| lag.num_seconds()),
            open_gap_slots: feed.step_secs.filter(|_| feed.primary_metric.is_some()).map(slots),
            history_start: row.first_available.max(feed.not_before),
            scope: row.scope,
            region: row.region_id,
            region_name: row.region_name,
            meter: row.meter_id,
            tariff: row.tariff_code,
            enabled: row.enabled,
            high_water: row.high_water,
            contiguous_to: row.contiguous_to,
            open_gaps: row.open_gaps,
            next_due: row.next_due,
            last_ok: row.last_ok,
            last_try: row.last_try,
            last_error: row.last_error,
            failures: row.fail_count,
            backfills,
        }
    }

    /// The backfill that works or waits to.
    #[must_use]
    pub fn open_backfill(&self) -> Option<&BackfillStatus> {
        self.backfills.iter().find(|one| matches!(&*one.state, "running" | "queued" | "paused"))
    }
}

impl BackfillStatus {
    fn of(row: BackfillRow) -> Self {
        let progress = runner::backfill::Progress::of(&row);
        Self {
            backfill_id: row.backfill_id,
            from: row.from_at,
            to: row.to_at,
            state: row.state,
            every_slot: row.every_slot,
            windows_total: row.windows_total,
            windows_done: row.windows_done,
            windows_failed: row.windows_failed,
            percent: progress.percent,
            rows_new: row.rows_new,
            rows_changed: row.rows_changed,
            rows_same: row.rows_same,
            rows_per_second: progress.rows_per_second,
            eta_seconds: progress.eta_seconds,
            window_start: progress.window_start,
            last_error: row.last_error,
        }
    }
}
