//! What a wish means beside the first one, and what to say where there is nothing.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    hours::Hours,
    read::Series,
    wish::{DayWish, VersionWish, Wish},
};
use crate::{
    db::snapshot::SnapshotError,
    domain::{Calendar, Dataset, Family, Iso},
    error::Result,
};

/// Which operating day a version may be of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    Any,
    On(NaiveDate),
    NotAfter(NaiveDate),
}

impl Bound {
    pub(super) const fn window(self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        match self {
            Self::Any => (None, None),
            Self::On(day) => (Some(day), Some(day)),
            Self::NotAfter(day) => (None, Some(day)),
        }
    }
}

/// Fills what the wish leaves out, as far as that needs no reading.
pub(super) fn settle(
    wish: &Wish,
    base: Option<&Series>,
    now: DateTime<Utc>,
    calendar: Calendar,
) -> Result<Series> {
    if let Some(as_of) = wish.as_of.filter(|as_of| *as_of > now) {
        return Err(SnapshotError::Future { as_of, now }.into());
    }
    let family = wish.curve.or(base.map(|base| base.dataset.family)).unwrap_or(Family::Energy);
    let iso = wish.iso.or(base.map(|base| base.dataset.iso)).unwrap_or(Iso::Ercot);
    let selector = wish.version.unwrap_or_else(|| inherited_version(wish, base, family, iso));
    let mut series = Series {
        wish: wish.clone(),
        dataset: Dataset { family, iso },
        known_at: wish.as_of.or(base.map(|base| base.known_at)).unwrap_or(now),
        selector,
        hours: Hours { iso, calendar },
        bounds: (
            wish.start.or(base.and_then(|base| base.bounds.0)),
            wish.end.or(base.and_then(|base| base.bounds.1)),
        ),
        days: Arc::default(),
        versions: Vec::new(),
        version: None,
        lines: Arc::default(),
        line: None,
        block: None,
        points: BTreeMap::new(),
        all_months: Vec::new(),
        trouble: None,
        warnings: Vec::new(),
    };
    if Dataset::new(family, iso).is_none() {
        series.trouble = Some(format!("There are no {} curves.", series.dataset_name()));
    } else if selector.cob().is_some() && !family.has_cob() {
        series.trouble = Some(format!("{family} curves have no close of business: choose latest."));
    }
    Ok(series)
}

/// A version by its number stands for its own day and dataset only.
fn inherited_version(wish: &Wish, base: Option<&Series>, family: Family, iso: Iso) -> VersionWish {
    let Some(base) = base else { return VersionWish::Latest };
    let same = base.dataset == Dataset { family, iso } && wish.day.is_none();
    match base.selector {
        VersionWish::Id(_) if !same => VersionWish::Latest,
        VersionWish::Cob | VersionWish::Intraday if !family.has_cob() => VersionWish::Latest,
        selector => selector,
    }
}

/// The day that is meant. Another family, published on other days, has its newest up to the day of
/// the first series.
pub(super) fn bound(wish: &Wish, base: Option<&Series>, series: &Series) -> Bound {
    let base =
        base.filter(|_| !matches!((wish.version, wish.day), (Some(VersionWish::Id(_)), None)));
    let base_day = base.and_then(|base| {
        let wanted = match base.wish.day {
            Some(DayWish::On(day)) => Some(day),
            _ => None,
        };
        base.version.as_ref().map(|version| version.operating_day).or(wanted)
    });
    match (wish.day, base_day) {
        (None, None) => Bound::Any,
        (None, Some(day)) if base.is_some_and(|b| b.dataset.family != series.dataset.family) => {
            Bound::NotAfter(day)
        }
        (None, Some(day)) => Bound::On(day),
        (Some(wanted), base) => {
            let newest = series.days.first().map(|day| day.day);
            match wanted.bound(base.or(newest).unwrap_or_default()) {
                (day, true) => Bound::NotAfter(day),
                (day, false) => Bound::On(day),
            }
        }
    }
}

pub(super) fn choose_line(series: &mut Series, base: Option<&Series>) {
    let of_base = base.and_then(|base| base.line.as_ref().map(|line| (base.dataset, &*line.name)));
    let inherited = of_base.filter(|(dataset, _)| dataset.family == series.dataset.family);
    let find = |name: &str| series.lines.iter().find(|line| line.name == name).cloned();
    series.line = match (&series.wish.zone, inherited) {
        (Some(zone), _) => find(zone),
        // The same zone of the same market, else the first of another.
        (None, Some((dataset, name))) if dataset == series.dataset => find(name),
        (None, Some((_, name))) => find(name).or_else(|| series.lines.first().cloned()),
        (None, None) => series.lines.first().cloned(),
    };
    if series.line.is_none() {
        let name = series.wish.zone.as_deref().or(inherited.map(|(_, name)| name));
        series.trouble = Some(format!(
            "{} of this version has no {:?}: choose one of its {}.",
            series.dataset_name(),
            name.unwrap_or_default(),
            series.lines.len()
        ));
    }
}

/// Why there is no version, and what there is.
pub(super) fn no_version(series: &Series, bound: Bound) -> String {
    let (name, selector) = (series.dataset_name(), series.selector);
    let kind = match selector {
        VersionWish::Id(id) => return format!("There is no version {id} of {name}."),
        VersionWish::Cob => "COB version",
        VersionWish::Intraday => "intraday version",
        VersionWish::Latest => "curve",
    };
    if series.days.is_empty() {
        return format!("There is no {name} curve yet.");
    }
    let (day, how) = match bound {
        Bound::Any => return format!("{name} has no {kind} yet."),
        Bound::On(day) => (day, "of"),
        Bound::NotAfter(day) => (day, "up to"),
    };
    let has =
        series.days.iter().find(|has| has.day == day).map(|has| match (has.cob, has.intraday) {
            (true, true) => "the day has others",
            (true, false) => "the day has only its COB",
            _ => "the day has only intraday versions",
        });
    let nearest = series.days.iter().min_by_key(|has| (has.day - day).num_days().abs());
    let nearest = nearest.map(|has| format!("the nearest day with data is {}", has.day));
    let more = has.map(str::to_owned).or(nearest).unwrap_or_default();
    format!("There is no {name} {kind} {how} {day}; {more}.")
}
