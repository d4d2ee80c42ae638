//! Rollups: what the rows of a series come to by hour, day, week and month, in UTC and in the zone of
//! the region or meter. Always from base rows, which are read once for all grains and zones.
//!
//! A load computes few periods itself; of many it marks the days whose rows it changed, and the worker
//! here computes them right after, whichever server it runs in.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::value::to_raw_value;
use sqlx::{PgConnection, postgres::PgListener};

use crate::{
    app::App,
    db::feeds::{
        outbox::{self, NewEvent},
        rollups::{self as store, Carbon, Computed, Dirty, Measure, Series, Setting},
    },
    domain::feed::{
        Grain, Topic, Window, period,
        rollup::{Figures, Strand},
    },
    feeds::load::summary::SOURCES,
};

/// How many dirty days of a series are computed in one transaction.
const BATCH: i64 = 62;

/// How long the worker sleeps when it hears nothing: a word can be lost, and periods end.
const LOOK_AROUND: Duration = Duration::from_secs(30);

/// How long it waits for more to come before it begins.
const GATHER: Duration = Duration::from_millis(300);

/// The name of the zone that all series have rollups in.
const UTC: &str = "UTC";

/// A series and what decides its rollups.
#[derive(Debug)]
pub(crate) struct Rolling {
    /// The series.
    pub series: Series,
    setting: Setting,
    /// UTC, and the local zone where it is another.
    zones: Vec<(String, Tz)>,
}

/// The periods of one grain and zone that are to be computed, in order.
pub(crate) struct Track<'a> {
    grain: Grain,
    zone: &'a str,
    /// Which.
    pub periods: Vec<Window>,
}

impl Rolling {
    /// Nothing where the series has no rollups: its feed has no slots.
    pub async fn of(conn: &mut PgConnection, series: Series) -> sqlx::Result<Option<Self>> {
        let Some(setting) = store::setting(conn, &series).await? else { return Ok(None) };
        let broken = |error: chrono_tz::ParseError| sqlx::Error::Decode(error.into());
        let local: Tz = setting.zone.parse().map_err(broken)?;
        let mut zones = vec![(UTC.to_owned(), Tz::UTC)];
        if setting.zone != UTC {
            zones.push((setting.zone.clone(), local));
        }
        Ok(Some(Self { series, setting, zones }))
    }

    /// Whose intensities weigh the usage of a meter.
    fn carbon(&self) -> Option<Carbon<'_>> {
        let region_id = self.setting.region_id.as_deref()?;
        let sources = SOURCES.iter().find(|sources| sources.region_id == region_id)?;
        let (feed_id, factor_set) = (sources.carbon_feed, sources.factor_set);
        Some(Carbon { feed_id, region_id, factor_set })
    }

    /// The periods that meet some stretches of time, which are in order.
    pub fn tracks(&self, stretches: &[Window]) -> Vec<Track<'_>> {
        let mut tracks = Vec::with_capacity(self.zones.len() * Grain::ALL.len());
        for (name, zone) in &self.zones {
            for grain in Grain::ALL {
                let mut periods: Vec<Window> = Vec::new();
                for stretch in stretches {
                    let done = periods.last().map(|period| period.to());
                    let rest = done.map_or(Ok(*stretch), |done| {
                        Window::new(stretch.from().max(done), stretch.to())
                    });
                    if let Ok(rest) = rest {
                        periods.extend(period::meeting(*grain, *zone, rest));
                    }
                }
                tracks.push(Track { grain: *grain, zone: name, periods });
            }
        }
        tracks
    }
}

/// Periods joined where they touch or overlap, in order.
fn joined(tracks: &[Track<'_>]) -> Vec<Window> {
    let mut all: Vec<Window> = tracks.iter().flat_map(|track| track.periods.clone()).collect();
    all.sort_unstable();
    let mut joined: Vec<Window> = Vec::new();
    for period in all {
        match joined.last_mut() {
            Some(last) if period.from() <= last.to() => *last = last.hull(period),
            _ => joined.push(period),
        }
    }
    joined
}

/// Computes every period that meets one of some stretches, which are in order. The caller holds the
/// lock of the series.
pub(crate) async fn compute(
    conn: &mut PgConnection,
    rolling: &Rolling,
    stretches: &[Window],
    now: DateTime<Utc>,
    computed_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let tracks = rolling.tracks(stretches);
    for range in joined(&tracks) {
        let measures =
            store::base(conn, &rolling.series, &rolling.setting, rolling.carbon(), range).await?;
        let rows = fold(rolling, &tracks, range, &measures, now);
        store::store(conn, &rolling.series, &rows, computed_at).await?;
        look_again(conn, &rolling.series, &rows, now).await?;
    }
    Ok(())
}

/// The rows of all periods in a range.
fn fold<'a>(
    rolling: &Rolling,
    tracks: &[Track<'a>],
    range: Window,
    measures: &'a [Measure],
    now: DateTime<Utc>,
) -> Vec<Computed<'a>> {
    let mut rows = Vec::new();
    for track in tracks {
        let inside = |period: &&Window| period.meet(range).is_some();
        let periods: Vec<Window> = track.periods.iter().filter(inside).copied().collect();
        for measure in measures {
            for (period, figures) in periods.iter().zip(figures(measure, &periods)) {
                let Some(figures) = figures else { continue };
                if figures.present == 0 && !measure.always {
                    continue;
                }
                let slots = period.length().num_seconds() / i64::from(rolling.setting.step);
                let expected = i32::try_from(slots).unwrap_or(i32::MAX);
                let complete = figures.present == expected && period.to() <= now;
                rows.push(Computed {
                    measure,
                    grain: track.grain,
                    zone: track.zone,
                    period: *period,
                    figures,
                    sum: measure.sum.among(&figures),
                    expected,
                    complete,
                });
            }
        }
    }
    rows
}

/// What a measure comes to in each period; nothing where no slot begins in one.
fn figures(measure: &Measure, periods: &[Window]) -> Vec<Option<Figures>> {
    let of = |strand: &Strand| -> Vec<Option<Figures>> {
        strand.fold(periods).into_iter().map(|fold| fold.map(|fold| fold.figures())).collect()
    };
    let mut all = of(&measure.strand);
    for (own, weighted) in all.iter_mut().zip(measure.weighted.iter().flat_map(of)) {
        if let Some(own) = own {
            own.mean_weighted = weighted.and_then(|weighted| weighted.mean_weighted);
        }
    }
    all
}

/// A period that is full but has not ended is looked at again at its end.
async fn look_again(
    conn: &mut PgConnection,
    series: &Series,
    rows: &[Computed<'_>],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let full = |row: &&Computed<'_>| row.figures.present == row.expected && row.period.to() > now;
    let ends = rows.iter().filter(full).map(|row| row.period.to());
    let Some(end) = ends.min() else { return Ok(()) };
    let last = end - TimeDelta::seconds(1);
    let day = period::holding(Grain::Day, Tz::UTC, last).from();
    store::mark(conn, series, &[Dirty { day, tell: false }], Some(end)).await
}

/// Computes everything that is dirty now; tells how many days that were.
pub async fn drain(app: &App) -> sqlx::Result<u64> {
    let mut conn = app.pool.acquire().await?;
    let mut days = 0;
    for series in store::dirty(&mut conn, app.clock.now()).await? {
        loop {
            match batch(&mut conn, &series, app.clock.now()).await? {
                0 => break,
                done => days += done,
            }
        }
    }
    Ok(days)
}

/// Computes some dirty days of a series.
async fn batch(conn: &mut PgConnection, series: &Series, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let mut transaction = sqlx::Connection::begin(conn).await?;
    store::lock(&mut transaction, series).await?;
    let dirty = store::claim(&mut transaction, series, now, BATCH).await?;
    let computed_at = store::now(&mut transaction).await?;
    if let Some(rolling) = Rolling::of(&mut transaction, series.clone()).await? {
        let day = |dirty: &Dirty| period::holding(Grain::Day, Tz::UTC, dirty.day);
        let stretches: Vec<Window> = dirty.iter().map(day).collect();
        compute(&mut transaction, &rolling, &stretches, now, computed_at).await?;
        tell(&mut transaction, series, &dirty, computed_at).await?;
    }
    transaction.commit().await?;
    Ok(dirty.len() as u64)
}

/// What an event says of a day.
#[derive(serde::Serialize)]
struct Told {
    grain: Grain,
    period_start: DateTime<Utc>,
    period_end: DateTime<Utc>,
    zone: &'static str,
    series_kind: crate::domain::feed::SeriesKind,
}

/// Tells of days whose slots were not told one by one.
async fn tell(
    conn: &mut PgConnection,
    series: &Series,
    dirty: &[Dirty],
    known_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let days: Vec<DateTime<Utc>> = dirty.iter().filter(|d| d.tell).map(|d| d.day).collect();
    if days.is_empty() {
        return Ok(());
    }
    let key = series.key();
    let mut events = Vec::with_capacity(days.len());
    for (day, rev) in store::day_revisions(conn, series, &days).await? {
        let told = Told {
            grain: Grain::Day,
            period_start: day.from(),
            period_end: day.to(),
            zone: UTC,
            series_kind: series.kind,
        };
        events.push(NewEvent {
            topic: Topic::Rollup,
            subject: &series.subject,
            series_key: &key,
            feed_id: &series.feed_id,
            time: day.from(),
            rev,
            data: to_raw_value(&told).map_err(|error| sqlx::Error::Encode(error.into()))?,
        });
    }
    outbox::write(conn, &events, known_at).await
}

/// Works until `stop`. What is unfinished then was not begun: its transaction is given up.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = work(&app) => {}
        () = stop => {}
    }
}

async fn work(app: &App) {
    let mut ears = None;
    loop {
        // Ears first: what is not found by this look is heard.
        if let Err(error) = look(app, &mut ears).await {
            tracing::warn!(%error, "rollups wait to be computed");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        wait(&mut ears).await;
        tokio::time::sleep(GATHER).await;
    }
}

async fn look(app: &App, ears: &mut Option<PgListener>) -> sqlx::Result<()> {
    if ears.is_none() {
        *ears = Some(store::listener(&app.pool).await?);
    }
    drain(app).await?;
    Ok(())
}

async fn wait(ears: &mut Option<PgListener>) {
    let Some(listener) = ears else { return };
    match tokio::time::timeout(LOOK_AROUND, listener.try_recv()).await {
        // One look answers all that was said meanwhile.
        Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
        Ok(Err(_)) => *ears = None,
        // The connection was lost and is made again, or nothing was said.
        Ok(Ok(None)) | Err(_) => {}
    }
}
