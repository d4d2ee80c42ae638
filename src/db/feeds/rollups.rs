//! Rollups: the base rows that they are made of, their own rows, and which days of base rows have
//! changed since they were computed.
//!
//! Whoever computes the rollups of a series holds its lock from before it reads base rows until its
//! commit: nothing that was computed from older rows overwrites what was computed from newer ones.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool, postgres::PgListener};

use crate::{
    db::numeric::Values,
    domain::feed::{
        Grain, SeriesKind, Window,
        rollup::{Figures, Strand, Weigh},
    },
};

/// Advisory lock: who computes the rollups of a series.
const ROLLUP_LOCK: i32 = 7429;

/// The set of factors of a series whose kind has none.
pub const NO_SET: &str = "-";

/// What rollups are of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    /// What its rows are.
    pub kind: SeriesKind,
    /// The feed that loads them.
    pub feed_id: String,
    /// The region or meter.
    pub subject: String,
    /// The set of factors; [`NO_SET`] where there is none.
    pub factor_set: String,
}

/// What else decides the rollups of a series.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The local zone of its region or meter.
    pub zone: String,
    /// Length of a slot in seconds.
    pub step: i32,
    /// The feed's primary metric.
    pub primary: Option<String>,
    /// The unit of a meter; none: it is not known.
    pub unit: Option<String>,
    /// The region of a meter of electricity.
    pub region_id: Option<String>,
}

/// Whose intensities the usage of a meter has.
#[derive(Debug, Clone, Copy)]
pub struct Carbon<'a> {
    /// The feed.
    pub feed_id: &'a str,
    /// The region.
    pub region_id: &'a str,
    /// The set of factors.
    pub factor_set: &'a str,
}

impl Series {
    /// Its name: the columns of its key, joined.
    #[must_use]
    pub fn key(&self) -> String {
        match self.kind {
            SeriesKind::Intensity => [&*self.feed_id, &self.subject, &self.factor_set].join("/"),
            SeriesKind::Mix => [&*self.feed_id, &self.subject].join("/"),
            SeriesKind::Usage => self.subject.clone(),
        }
    }
}

/// One measure of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Its name in the rows.
    pub name: String,
    /// Which of the sums is its `sum_value`.
    pub sum: SumOf,
    /// Whether periods without a value have a row.
    pub always: bool,
    /// Its slots.
    pub strand: Strand,
    /// The slots whose weighted mean goes with it, where these are others.
    pub weighted: Option<Strand>,
    /// What weighs them.
    pub weight_kind: &'static str,
}

/// What the sum of a measure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumOf {
    /// There is none.
    Nothing,
    /// Of its values.
    Values,
    /// Of its values times hours.
    Hours,
}

impl SumOf {
    /// Which of the figures it is.
    #[must_use]
    pub const fn among(self, figures: &Figures) -> Option<Decimal> {
        match self {
            Self::Nothing => None,
            Self::Values => figures.sum,
            Self::Hours => figures.sum_by_hours,
        }
    }
}

/// One row that is about to be stored.
#[derive(Debug, Clone)]
pub struct Computed<'a> {
    /// Of what.
    pub measure: &'a Measure,
    /// Of how long.
    pub grain: Grain,
    /// By whose clocks.
    pub zone: &'a str,
    /// Of when.
    pub period: Window,
    /// What its slots come to.
    pub figures: Figures,
    /// The sum that the measure has.
    pub sum: Option<Decimal>,
    /// How many slots it has room for.
    pub expected: i32,
    /// Whether all are there, and it has ended.
    pub complete: bool,
}

/// Waits until nobody else computes the rollups of a series; then nobody does until the transaction ends.
pub async fn lock(conn: &mut PgConnection, series: &Series) -> sqlx::Result<()> {
    let key = format!("{}/{}", series.kind, series.key());
    sqlx::query!("select pg_advisory_xact_lock($1, hashtext($2))", ROLLUP_LOCK, key)
        .execute(conn)
        .await?;
    Ok(())
}

/// What else decides the rollups of a series; nothing where it has none.
pub async fn setting(conn: &mut PgConnection, series: &Series) -> sqlx::Result<Option<Setting>> {
    sqlx::query_as!(
        Setting,
        r#"select coalesce(m.zone, r.zone) as "zone!", f.step_secs as "step!", f.primary_metric as "primary",
                  m.unit as "unit?",
                  case when m.fuel_kind = 'electricity' then m.region_id end as "region_id?"
           from feed f
           left join region r on r.region_id = $2 and $3 <> 'usage'
           left join meter m on m.meter_id = $2 and $3 = 'usage'
           where f.feed_id = $1 and f.step_secs > 0 and coalesce(m.zone, r.zone) is not null"#,
        series.feed_id,
        series.subject,
        series.kind.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// The base rows of a series in a range.
pub async fn base(
    conn: &mut PgConnection,
    series: &Series,
    setting: &Setting,
    carbon: Option<Carbon<'_>>,
    range: Window,
) -> sqlx::Result<Vec<Measure>> {
    match series.kind {
        SeriesKind::Intensity => intensity(conn, series, range).await,
        SeriesKind::Mix => mix(conn, series, setting, range).await,
        SeriesKind::Usage => usage(conn, series, setting, carbon, range).await,
    }
}

async fn intensity(
    conn: &mut PgConnection,
    series: &Series,
    range: Window,
) -> sqlx::Result<Vec<Measure>> {
    let row = sqlx::query_file!(
        "sql/queries/feed_rollup_intensity.sql",
        series.feed_id,
        series.subject,
        series.factor_set,
        range.from(),
        range.to()
    )
    .fetch_one(conn)
    .await?;
    let weights = Some(row.mw.0).filter(|weights| weights.iter().any(Option::is_some));
    let measure = |name: &str, values: Values| Measure {
        name: name.to_owned(),
        sum: SumOf::Nothing,
        always: true,
        strand: Strand {
            starts: row.starts.clone(),
            secs: row.secs.clone(),
            values: values.0,
            weights: weights.clone(),
            weigh: Weigh::Power,
            estimated: Some(row.estimated.clone()),
        },
        weighted: None,
        weight_kind: "generation",
    };
    Ok(vec![
        measure("generated", row.generated),
        measure("consumed", row.consumed),
        measure("marginal", row.marginal),
    ])
}

async fn mix(
    conn: &mut PgConnection,
    series: &Series,
    setting: &Setting,
    range: Window,
) -> sqlx::Result<Vec<Measure>> {
    let rows = sqlx::query_file!(
        "sql/queries/feed_rollup_mix.sql",
        series.feed_id,
        series.subject,
        range.from(),
        range.to()
    )
    .fetch_all(conn)
    .await?;
    let mut measures = Vec::with_capacity(rows.len() * 2);
    for row in rows {
        let columns = [("mw", SumOf::Hours, row.mw), ("percent", SumOf::Nothing, row.percent)];
        for (what, sum, values) in columns {
            let name = format!("{}:{what}", row.fuel);
            let always = setting.primary.as_deref() == Some(what);
            let (starts, secs) = (row.starts.clone(), row.secs.clone());
            let strand = Strand { starts, secs, values: values.0, ..Strand::default() };
            let (weighted, weight_kind) = (None, "generation");
            measures.push(Measure { name, sum, always, strand, weighted, weight_kind });
        }
    }
    Ok(measures)
}

/// What is used, and with it the mean intensity of what is used.
async fn usage(
    conn: &mut PgConnection,
    series: &Series,
    setting: &Setting,
    carbon: Option<Carbon<'_>>,
    range: Window,
) -> sqlx::Result<Vec<Measure>> {
    let row = sqlx::query_file!(
        "sql/queries/feed_rollup_usage.sql",
        series.subject,
        range.from(),
        range.to(),
        carbon.map(|carbon| carbon.feed_id),
        carbon.map(|carbon| carbon.region_id),
        carbon.map(|carbon| carbon.factor_set)
    )
    .fetch_one(conn)
    .await?;
    let strand = Strand {
        starts: row.starts,
        secs: row.secs,
        values: row.quantity.0,
        estimated: Some(row.estimated),
        ..Strand::default()
    };
    let weighted = Strand {
        values: row.grams.0,
        weights: Some(strand.values.clone()),
        weigh: Weigh::Energy,
        ..strand.clone()
    };
    Ok(vec![Measure {
        name: setting.unit.as_deref().unwrap_or("unknown").to_lowercase(),
        sum: SumOf::Values,
        always: true,
        strand,
        weighted: Some(weighted),
        weight_kind: "usage",
    }])
}

/// Stores rollups; one whose figures are another gets its next revision.
pub async fn store(
    conn: &mut PgConnection,
    series: &Series,
    rows: &[Computed<'_>],
    computed_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    /// Rows in a statement: an array each column.
    const PART: usize = 5000;
    for part in rows.chunks(PART) {
        store_part(conn, series, part, computed_at).await?;
    }
    Ok(())
}

async fn store_part(
    conn: &mut PgConnection,
    series: &Series,
    rows: &[Computed<'_>],
    computed_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    fn each<'a, 'b, T>(rows: &'b [Computed<'a>], of: impl FnMut(&'b Computed<'a>) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    let weight =
        |row: &Computed<'_>| row.figures.mean_weighted.map(|_| row.measure.weight_kind.to_owned());
    sqlx::query_file!(
        "sql/queries/feed_rollup_store.sql",
        series.kind.as_str(),
        series.feed_id,
        series.subject,
        series.factor_set,
        computed_at,
        &each(rows, |row| row.measure.name.clone()),
        &each(rows, |row| row.grain.as_str().to_owned()),
        &each(rows, |row| row.zone.to_owned()),
        &each(rows, |row| row.period.from()),
        &each(rows, |row| row.period.to()),
        &each(rows, |row| row.figures.mean_time) as &[Option<Decimal>],
        &each(rows, |row| row.figures.mean_weighted) as &[Option<Decimal>],
        &each(rows, weight) as &[Option<String>],
        &each(rows, |row| row.sum) as &[Option<Decimal>],
        &each(rows, |row| row.figures.min) as &[Option<Decimal>],
        &each(rows, |row| row.figures.max) as &[Option<Decimal>],
        &each(rows, |row| row.expected),
        &each(rows, |row| row.figures.present),
        &each(rows, |row| row.figures.estimated),
        &each(rows, |row| row.complete)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A dirty day: its first instant in UTC, and whether an event tells of it once it is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dirty {
    /// Midnight.
    pub day: DateTime<Utc>,
    /// Whether its slots were not told one by one.
    pub tell: bool,
}

/// Marks days of a series, sorted, to be computed at `due` or, where nothing is said, at once.
pub async fn mark(
    conn: &mut PgConnection,
    series: &Series,
    days: &[Dirty],
    due: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    if days.is_empty() {
        return Ok(());
    }
    let (starts, tell): (Vec<_>, Vec<_>) = days.iter().map(|dirty| (dirty.day, dirty.tell)).unzip();
    sqlx::query!(
        "insert into rollup_dirty as d (series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start,
                                        tell, due_at)
         select $1, $2, $3, $4, 'day', 'UTC', u.*, coalesce($7, '-infinity'::timestamptz)
         from unnest($5::timestamptz[], $6::boolean[]) u
         on conflict (series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start)
         do update set tell = d.tell or excluded.tell, due_at = least(d.due_at, excluded.due_at)",
        series.kind.as_str(),
        series.feed_id,
        series.subject,
        series.factor_set,
        &starts,
        &tell,
        due
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes at most `limit` dirty days of a series; the caller holds its lock.
pub async fn claim(
    conn: &mut PgConnection,
    series: &Series,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Dirty>> {
    let rows = sqlx::query_file!(
        "sql/queries/feed_rollup_claim.sql",
        series.kind.as_str(),
        series.feed_id,
        series.subject,
        series.factor_set,
        now,
        limit
    )
    .fetch_all(conn)
    .await?;
    let dirty = rows.into_iter().map(|row| Dirty { day: row.period_start, tell: row.tell });
    let mut dirty: Vec<Dirty> = dirty.collect();
    dirty.sort_unstable();
    Ok(dirty)
}

/// The series with dirty days that are due.
pub async fn dirty(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<Series>> {
    let rows = sqlx::query!(
        "select distinct series_kind, feed_id, subject_id, factor_set_id from rollup_dirty
         where due_at <= $1 order by 1, 2, 3, 4",
        now
    )
    .fetch_all(conn)
    .await?;
    let series = rows.into_iter().map(|row| {
        Ok(Series {
            kind: row.series_kind.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            feed_id: row.feed_id,
            subject: row.subject_id,
            factor_set: row.factor_set_id,
        })
    });
    series.collect()
}

/// The sets of factors under which a feed has intensities of a region.
pub async fn sets_of(
    conn: &mut PgConnection,
    feed_id: &str,
    region_id: &str,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select factor_set_id from intensity_series where feed_id = $1 and region_id = $2 order by 1",
        feed_id,
        region_id
    )
    .fetch_all(conn)
    .await
}

/// The meters of electricity in a region.
pub async fn meters_of(conn: &mut PgConnection, region_id: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select meter_id from meter where region_id = $1 and fuel_kind = 'electricity' order by 1",
        region_id
    )
    .fetch_all(conn)
    .await
}

/// How often the UTC days of a series were computed to something else: a number that rises with each
/// change. With their ends.
pub async fn day_revisions(
    conn: &mut PgConnection,
    series: &Series,
    days: &[DateTime<Utc>],
) -> sqlx::Result<Vec<(Window, i64)>> {
    let rows = sqlx::query!(
        r#"select period_start, period_end, sum(rev) as "rev!" from rollup
           where series_kind = $1 and feed_id = $2 and subject_id = $3 and factor_set_id = $4
             and grain = 'day' and zone = 'UTC' and period_start = any($5)
           group by 1, 2 order by 1"#,
        series.kind.as_str(),
        series.feed_id,
        series.subject,
        series.factor_set,
        days
    )
    .fetch_all(conn)
    .await?;
    let window =
        |from, to| Window::new(from, to).map_err(|error| sqlx::Error::Decode(error.into()));
    rows.into_iter().map(|row| Ok((window(row.period_start, row.period_end)?, row.rev))).collect()
}

/// Hears when days become dirty.
pub async fn listener(pool: &PgPool) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("rollup_dirty").await?;
    Ok(listener)
}

/// Now, by the clock of the database.
pub async fn now(conn: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await
}
