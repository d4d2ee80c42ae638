//! Slots of carbon intensity.

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::{
    db::{
        feeds::{regions::Series, snapshot::FeedSnapshot},
        numeric::Number,
    },
    domain::feed::{IntensityUnit, Metric, Quality, Window},
};

/// One slot as the upstream wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its start.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// By [`Metric`], in `unit`.
    pub values: [Option<Decimal>; 3],
    /// The upstream's unit.
    pub unit: IntensityUnit,
    /// How the values came about.
    pub quality: Quality,
    /// Which content of the row.
    pub rev: i32,
    /// When it became known.
    pub known_at: DateTime<Utc>,
}

impl Slot {
    /// Its end.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.start + chrono::TimeDelta::seconds(self.secs.into())
    }

    /// A value in another unit, exact from what the upstream wrote.
    #[must_use]
    pub fn value(&self, metric: Metric, unit: IntensityUnit) -> Option<Decimal> {
        self.values[metric as usize].and_then(|value| self.unit.convert(value, unit))
    }

    /// The same where it counts in means: what is not plausible does not.
    #[must_use]
    pub fn plausible(&self, metric: Metric, unit: IntensityUnit) -> Option<Decimal> {
        self.value(metric, unit).filter(|_| self.quality != Quality::Suspect)
    }
}

/// Units and qualities by the first letter of their words.
fn unit_of(letter: i32) -> sqlx::Result<IntensityUnit> {
    by_letter(IntensityUnit::ALL, letter, IntensityUnit::as_str)
}

fn quality_of(letter: i32) -> sqlx::Result<Quality> {
    by_letter(Quality::ALL, letter, Quality::as_str)
}

fn by_letter<T: Copy>(all: &[T], letter: i32, word: fn(T) -> &'static str) -> sqlx::Result<T> {
    let found = all.iter().find(|one| word(**one).bytes().next().map(i32::from) == Some(letter));
    found.copied().ok_or_else(|| {
        sqlx::Error::Decode(format!("no word begins with the character {letter}").into())
    })
}

/// Builds a [`Slot`] of a row that both statements give.
macro_rules! slot {
    ($row:expr) => {{
        let row = $row;
        Ok(Slot {
            start: row.start_at,
            secs: row.secs,
            values: [row.generated, row.consumed, row.marginal].map(|n| n.map(|n| n.0)),
            unit: unit_of(row.unit)?,
            quality: quality_of(row.quality)?,
            rev: row.rev,
            known_at: row.known_at,
        })
    }};
}

/// The slots of a series that begin in a window, in their order, read as they are asked for.
pub fn slots<'a>(
    snapshot: &'a mut FeedSnapshot,
    series: &'a Series,
    window: Window,
) -> BoxStream<'a, sqlx::Result<Slot>> {
    let as_of = snapshot.as_of;
    let connection = snapshot.connection();
    let (feed, region, set) = (&series.feed_id, &series.region_id, &series.factor_set_id);
    match as_of {
        None => sqlx::query_file!(
            "sql/queries/intensity_slots.sql",
            feed,
            region,
            set,
            window.from(),
            window.to()
        )
        .fetch(connection)
        .map(|row| slot!(row?))
        .boxed(),
        Some(as_of) => sqlx::query_file!(
            "sql/queries/intensity_slots_known.sql",
            feed,
            region,
            set,
            window.from(),
            window.to(),
            as_of
        )
        .fetch(connection)
        .map(|row| slot!(row?))
        .boxed(),
    }
}

/// From the first slot of a series to the end of its last one; none where there is none.
pub async fn extent(
    connection: &mut PgConnection,
    series: &Series,
) -> sqlx::Result<Option<Window>> {
    let row = sqlx::query!(
        r#"select min(start_at) as first, max(start_at) + interval '1 second' as past from carbon_intensity
           where feed_id = $1 and region_id = $2 and factor_set_id = $3"#,
        series.feed_id,
        series.region_id,
        series.factor_set_id
    )
    .fetch_one(connection)
    .await?;
    Ok(row.first.zip(row.past).and_then(|(first, past)| Window::new(first, past).ok()))
}

/// How far back from its last slot the newest slot of a series that counts is looked for.
const FAR: chrono::TimeDelta = chrono::TimeDelta::days(400);

/// The newest slot of a series that counts; none where it is over a year older than the last one.
pub async fn newest(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    counts: impl Fn(&Slot) -> bool + Send,
) -> sqlx::Result<Option<Slot>> {
    let Some(extent) = extent(snapshot.connection(), series).await? else { return Ok(None) };
    let far = extent.to().checked_sub_signed(FAR).unwrap_or(extent.from());
    let Some(extent) = Window::new(far, extent.to()).ok().and_then(|near| near.meet(extent)) else {
        return Ok(None);
    };
    // Backwards in growing windows: the newest is nearly always in the first.
    let mut length = chrono::TimeDelta::seconds(i64::from(series.step_secs) * 256);
    let mut to = extent.to();
    while to > extent.from() {
        let from =
            to.checked_sub_signed(length).map_or(extent.from(), |from| from.max(extent.from()));
        let Ok(window) = Window::new(from, to) else { break };
        let known = slots(snapshot, series, window)
            .try_filter(|slot| std::future::ready(counts(slot)))
            .try_fold(None, |_, slot| std::future::ready(Ok(Some(slot))))
            .await?;
        if known.is_some() {
            return Ok(known);
        }
        (to, length) = (from, length * 4);
    }
    Ok(None)
}

/// How many slots of a series there are, and of how many each metric is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Slots.
    pub slots: i64,
    /// By [`Metric`]: those of which it is known.
    pub known: [i64; 3],
}

/// Builds [`Counts`] of a row that both statements give.
macro_rules! counts {
    ($row:expr) => {{
        let row = $row;
        Ok(Counts { slots: row.slots, known: [row.generated, row.consumed, row.marginal] })
    }};
}

/// How many slots of a series begin in a window.
pub async fn counts(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    window: Window,
) -> sqlx::Result<Counts> {
    let (feed, region, set) = (&series.feed_id, &series.region_id, &series.factor_set_id);
    let (from, to) = (window.from(), window.to());
    let Some(as_of) = snapshot.as_of else {
        return counts!(
            sqlx::query!(
                r#"select count(*) as "slots!", count(coalesce(raw_generated, generated)) as "generated!",
                          count(coalesce(raw_consumed, consumed)) as "consumed!",
                          count(coalesce(raw_marginal, marginal)) as "marginal!"
                   from carbon_intensity
                   where feed_id = $1 and region_id = $2 and factor_set_id = $3 and start_at >= $4 and start_at < $5"#,
                feed,
                region,
                set,
                from,
                to
            )
            .fetch_one(snapshot.connection())
            .await?
        );
    };
    counts!(
        sqlx::query!(
            r#"select count(*) as "slots!", count(coalesce(raw_generated, generated)) as "generated!",
                      count(coalesce(raw_consumed, consumed)) as "consumed!",
                      count(coalesce(raw_marginal, marginal)) as "marginal!"
               from carbon_intensity_at($1, $2, array[$3::text], $4, $5, $6)"#,
            feed,
            region,
            set,
            from,
            to,
            as_of
        )
        .fetch_one(snapshot.connection())
        .await?
    )
}
