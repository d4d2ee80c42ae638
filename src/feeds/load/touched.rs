//! Which rollups a load changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Page, summary::SOURCES};
use crate::{
    db::feeds::rollups::{self as store, Dirty, NO_SET, Series},
    domain::feed::{Grain, SeriesKind, TaskKind, Window, period},
    feeds::rollups::{self, Rolling},
};

/// How many periods a load computes itself; more are left to the worker.
const AT_ONCE: usize = 500;

/// The slots that a load has changed, by series.
#[derive(Debug, Default)]
pub(crate) struct Touched(BTreeMap<Series, BTreeSet<DateTime<Utc>>>);

impl Touched {
    /// Notes a slot of a series.
    pub(crate) fn add(
        &mut self,
        page: &Page<'_>,
        kind: SeriesKind,
        (subject, factor_set): (&str, Option<&str>),
        slots: impl IntoIterator<Item = DateTime<Utc>>,
    ) {
        let series = Series {
            kind,
            feed_id: page.feed_id().to_owned(),
            subject: subject.to_owned(),
            factor_set: factor_set.unwrap_or(NO_SET).to_owned(),
        };
        self.0.entry(series).or_default().extend(slots);
    }

    /// The slots by series.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Series, &BTreeSet<DateTime<Utc>>)> {
        self.0.iter()
    }

    /// Computes the rollups of what was changed, or leaves them to the worker where they are many or
    /// more is to come.
    pub(super) async fn settle(
        mut self,
        conn: &mut PgConnection,
        page: &Page<'_>,
    ) -> sqlx::Result<()> {
        self.0.retain(|_, slots| !slots.is_empty());
        self.weigh(conn).await?;
        let mut all = Vec::with_capacity(self.0.len());
        for (series, slots) in self.0 {
            if let Some(rolling) = Rolling::of(conn, series).await? {
                all.push((rolling, slots));
            }
        }
        let periods = || all.iter().map(|(rolling, slots)| count(rolling, slots)).sum::<usize>();
        if page.task_kind == TaskKind::Backfill || periods() > AT_ONCE {
            for (rolling, slots) in &all {
                store::mark(conn, &rolling.series, &days(page, slots), None).await?;
            }
            return Ok(());
        }
        for (rolling, slots) in &all {
            let stretches: Vec<Window> = slots.iter().map(|slot| Window::point(*slot)).collect();
            store::lock(conn, &rolling.series).await?;
            rollups::compute(conn, rolling, &stretches, page.now, page.known_at).await?;
        }
        Ok(())
    }

    /// What generates weighs the intensities of the same slots, and these have their mean over what is
    /// used.
    async fn weigh(&mut self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let mixes: Vec<Series> =
            self.0.keys().filter(|series| series.kind == SeriesKind::Mix).cloned().collect();
        for mix in mixes {
            let slots = self.0.get(&mix).cloned().unwrap_or_default();
            for factor_set in store::sets_of(conn, &mix.feed_id, &mix.subject).await? {
                let weighed = Series { kind: SeriesKind::Intensity, factor_set, ..mix.clone() };
                self.0.entry(weighed).or_default().extend(slots.iter().copied());
            }
        }
        for sources in SOURCES {
            let carbon = Series {
                kind: SeriesKind::Intensity,
                feed_id: sources.carbon_feed.to_owned(),
                subject: sources.region_id.to_owned(),
                factor_set: sources.factor_set.to_owned(),
            };
            let Some(slots) = self.0.get(&carbon).cloned() else { continue };
            for meter_id in store::meters_of(conn, sources.region_id).await? {
                let used = Series {
                    kind: SeriesKind::Usage,
                    feed_id: sources.usage_feed.to_owned(),
                    subject: meter_id,
                    factor_set: NO_SET.to_owned(),
                };
                self.0.entry(used).or_default().extend(slots.iter().copied());
            }
        }
        Ok(())
    }
}

/// How many periods some slots lie in.
fn count(rolling: &Rolling, slots: &BTreeSet<DateTime<Utc>>) -> usize {
    let stretches: Vec<Window> = slots.iter().map(|slot| Window::point(*slot)).collect();
    rolling.tracks(&stretches).iter().map(|track| track.periods.len()).sum()
}

/// The UTC days of some slots. An event tells of a day when one of its slots is not told by itself.
fn days(page: &Page<'_>, slots: &BTreeSet<DateTime<Utc>>) -> Vec<Dirty> {
    let mut days: BTreeMap<DateTime<Utc>, bool> = BTreeMap::new();
    for slot in slots {
        let day = period::holding(Grain::Day, chrono_tz::Tz::UTC, *slot).from();
        *days.entry(day).or_default() |= !page.tells_of(*slot);
    }
    days.into_iter().map(|(day, tell)| Dirty { day, tell }).collect()
}
