//! Two versions of a dataset side by side.

use std::collections::{BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;

use super::{View, grid};
use crate::{
    app::App,
    db::{
        data, numeric,
        pages::{self, SeriesLabels, ValuesPair, VersionHeader},
        sight::{Cells, Sight},
        snapshot::Snapshot,
    },
    domain::{Axis, Dataset, Notation, Place},
    error::{Problem, Result},
    web::pages::format::{Cell, count, decimals, instant, percent, signed},
};

/// What differs between two versions.
pub(super) struct Comparison {
    /// What a chart has along its axis: `month`, or nothing to draw.
    pub(super) kind: &'static str,
    pub(super) old: Side,
    pub(super) new: Side,
    pub(super) changed: String,
    pub(super) unchanged: String,
    pub(super) only_old: usize,
    pub(super) only_new: usize,
    pub(super) series: Vec<ChangedSeries>,
    pub(super) shown: Option<ComparedSeries>,
}

/// One of the two.
pub(super) struct Side {
    pub(super) id: i64,
    pub(super) time: String,
    pub(super) cob: bool,
}

/// A series that differs.
pub(super) struct ChangedSeries {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) unit: String,
    pub(super) url: String,
    pub(super) id: i64,
    /// Whether both versions have it, or which one has.
    pub(super) only: Option<&'static str>,
    pub(super) changed: usize,
    pub(super) largest: Option<Difference>,
}

/// One series month by month.
pub(super) struct ComparedSeries {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) rows: Vec<Difference>,
}

/// A place of the axis in both versions.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) place: String,
    pub(super) old: Cell,
    pub(super) new: Cell,
    /// New less old, with its sign; empty where either is missing.
    pub(super) change: String,
    pub(super) percent: String,
    pub(super) changed: bool,
    size: Decimal,
}

type Values<'a> = HashMap<Place<'a>, Option<Decimal>>;

/// Rows that are shown of one series; of more only those that changed.
const ROWS: usize = 400;

/// The two versions with their axes, the earlier first.
struct Pair<'a> {
    old: (&'a VersionHeader, &'a Axis),
    new: (&'a VersionHeader, &'a Axis),
    sight: Sight,
}

impl Comparison {
    /// Compares the version of the view with `other`; the earlier one is the old one.
    pub(super) async fn load(
        app: &App,
        snapshot: &mut Snapshot,
        dataset: Dataset,
        view: &View,
        (version, axis): (&VersionHeader, &Axis),
        other: i64,
    ) -> Result<Self> {
        let missing =
            || Problem::not_found(format!("There is no version {other} of {dataset} curves."));
        let other = pages::version(snapshot, dataset, other).await?.ok_or_else(missing)?;
        let other_axis = data::axis(snapshot.connection(), other.id).await?;
        let (this, that) = ((version, axis), (&other, &other_axis));
        let sight = snapshot.view.sight.clone();
        let pair = match other.curve_timestamp <= version.curve_timestamp {
            true => Pair { old: that, new: this, sight },
            false => Pair { old: this, new: that, sight },
        };
        let (old, new) = (pair.old.0.id, pair.new.0.id);
        let axes_differ = axis != &other_axis;
        let pairs = pages::differing_series(snapshot, dataset, (old, new), axes_differ).await?;
        let mut labels = pages::series_of(snapshot, dataset, new).await?;
        let former = pages::series_of(snapshot, dataset, old).await?;
        let known: HashSet<i64> = labels.iter().map(|label| label.id).collect();
        labels.extend(former.into_iter().filter(|former| !known.contains(&former.id)));
        let mut comparison = Self::of(app, view, &pair, &labels, &pairs);
        comparison.shown =
            shown_series(snapshot, dataset, view, &pair, &labels, &comparison).await?;
        Ok(comparison)
    }

    fn of(
        app: &App,
        view: &View,
        pair: &Pair<'_>,
        labels: &[SeriesLabels],
        pairs: &[ValuesPair],
    ) -> Self {
        let mut series: Vec<_> = labels
            .iter()
            .filter_map(|label| {
                Some((label, pairs.iter().find(|pair| pair.series_id == label.id)?))
            })
            .map(|(label, values)| changed_series(view, pair, label, values))
            .filter(|series| series.changed > 0 || series.only.is_some())
            .collect();
        series.sort_by_key(|s| std::cmp::Reverse(s.largest.as_ref().map(|largest| largest.size)));
        let changed: usize = series.iter().filter(|s| s.only.is_none()).map(|s| s.changed).sum();
        let only = |side: &str| series.iter().filter(|s| s.only == Some(side)).count();
        let (only_old, only_new) = (only("old"), only("new"));
        let is_only = |label: &&SeriesLabels| {
            series.iter().any(|series| series.id == label.id && series.only.is_some())
        };
        let common = labels.iter().filter(|label| !is_only(label));
        let places: usize = common.map(|label| pair.places(label).len()).sum();
        Self {
            kind: if matches!(pair.new.1, Axis::Months(_)) { "month" } else { "" },
            old: Side::new(app, pair.old.0),
            new: Side::new(app, pair.new.0),
            changed: count_of(changed),
            unchanged: count_of(places.saturating_sub(changed)),
            only_old,
            only_new,
            series,
            shown: None,
        }
    }
}

impl Comparison {
    /// Whether this series is the one that is shown month by month.
    pub(super) fn is_shown(&self, series: i64) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.id == series)
    }
}

fn count_of(n: usize) -> String {
    count(i64::try_from(n).unwrap_or(i64::MAX))
}

impl Side {
    fn new(app: &App, version: &VersionHeader) -> Self {
        let time = instant(version.curve_timestamp, app.config.curve_timezone);
        Self { id: version.id, time, cob: version.cob }
    }
}

/// The series that the address names, else the one that changed most.
async fn shown_series(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    view: &View,
    pair: &Pair<'_>,
    labels: &[SeriesLabels],
    comparison: &Comparison,
) -> Result<Option<ComparedSeries>> {
    let most = || {
        let first = comparison.series.first()?;
        labels.iter().find(|label| label.id == first.id)
    };
    let named = labels.iter().find(|label| view.series.first() == Some(&label.id));
    let Some(label) = named.or_else(most).or(labels.first()) else { return Ok(None) };
    let former = pages::values(snapshot, dataset, pair.old.0.id, &[label.id]).await?;
    let latter = pages::values(snapshot, dataset, pair.new.0.id, &[label.id]).await?;
    let values = |values: &[pages::SeriesValues], version| {
        let first = values.first();
        first.map(|series| pair.by_place(version, label, &series.values.0)).unwrap_or_default()
    };
    let (former, latter) = (values(&former, pair.old), values(&latter, pair.new));
    let mut rows = differences(&label.unit, &pair.places(label), &former, &latter);
    if rows.len() > ROWS {
        rows.retain(|row| row.changed);
        rows.truncate(ROWS);
    }
    let (name, unit) = (grid::series_name(label), grid::unit(&label.unit).to_owned());
    Ok(Some(ComparedSeries { id: label.id, name, unit, rows }))
}

fn changed_series(
    view: &View,
    pair: &Pair<'_>,
    label: &SeriesLabels,
    both: &ValuesPair,
) -> ChangedSeries {
    let values = |version: (&'_ VersionHeader, &'_ Axis), values: &Option<numeric::Values>| {
        let shown = values.as_ref().filter(|_| !pair.cells(version.0, label).is_none());
        shown.map(|values| values.0.clone())
    };
    let (old, new) = (values(pair.old, &both.old), values(pair.new, &both.new));
    let places = |version, values: &Option<Vec<_>>| {
        values.as_ref().map(|values| pair.by_place(version, label, values)).unwrap_or_default()
    };
    let (former, latter) = (places(pair.old, &old), places(pair.new, &new));
    let rows = differences(&label.unit, &pair.places(label), &former, &latter);
    let changed = rows.iter().filter(|row| row.changed).count();
    ChangedSeries {
        name: grid::series_name(label),
        title: grid::series_title(label),
        unit: grid::unit(&label.unit).to_owned(),
        url: View { series: vec![label.id], ..view.clone() }.url(),
        id: label.id,
        only: match (&old, &new) {
            (None, _) => Some("new"),
            (_, None) => Some("old"),
            _ => None,
        },
        changed,
        largest: rows.into_iter().filter(|row| !row.size.is_zero()).max_by_key(|row| row.size),
    }
}

impl<'a> Pair<'a> {
    /// The cells of a series in one of the versions that the caller may see.
    fn cells(&self, version: &VersionHeader, label: &SeriesLabels) -> Cells {
        self.sight.cells(&version.admitted, &label.admitted)
    }

    /// The places of either version where the series is visible, ascending.
    fn places(&self, label: &SeriesLabels) -> Vec<Place<'a>> {
        let of = |(version, axis): (&'a VersionHeader, &'a Axis)| {
            let cells = self.cells(version, label);
            axis.places().filter(move |place| cells.shows(*place))
        };
        let places: BTreeSet<_> = of(self.old).chain(of(self.new)).collect();
        places.into_iter().collect()
    }

    fn by_place(
        &self,
        (version, axis): (&'a VersionHeader, &'a Axis),
        label: &SeriesLabels,
        values: &[Option<Decimal>],
    ) -> Values<'a> {
        let cells = self.cells(version, label);
        axis.places().zip(values.iter().copied()).filter(|(p, _)| cells.shows(*p)).collect()
    }
}

fn differences(
    unit: &str,
    places: &[Place<'_>],
    old: &Values<'_>,
    new: &Values<'_>,
) -> Vec<Difference> {
    let decimals = decimals(unit, old.values().chain(new.values()));
    let row = |place: &Place<'_>| {
        let value = |side: &Values<'_>| side.get(place).copied().flatten();
        Difference::new(place.to_string(), value(old), value(new), decimals)
    };
    places.iter().map(row).collect()
}

impl Difference {
    fn new(place: String, old: Option<Decimal>, new: Option<Decimal>, places: u32) -> Self {
        let cell = |value| Cell::new(value, Notation::Plain, places);
        let difference = old.zip(new).map(|(old, new)| (new - old, old));
        Self {
            place,
            old: cell(old),
            new: cell(new),
            change: difference.map(|(change, _)| signed(change, places)).unwrap_or_default(),
            percent: difference.and_then(|(change, old)| percent(change, old)).unwrap_or_default(),
            changed: old != new,
            size: difference.map(|(change, _)| change.abs()).unwrap_or_default(),
        }
    }

    /// Whether the later value is higher.
    pub(super) fn rose(&self) -> bool {
        self.changed && self.change.starts_with('+')
    }

    /// Whether the later value is lower.
    pub(super) fn fell(&self) -> bool {
        self.change.starts_with('-')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_exact_and_a_gap_is_a_change_without_a_size() {
        let month = || "2023-05".to_owned();
        let value = |text: &str| text.parse::<Decimal>().ok();
        let changed = Difference::new(month(), value("19.76"), value("111.11"), 2);
        assert_eq!((changed.change.as_str(), changed.percent.as_str()), ("+91.35", "+462.30%"));
        let gap = Difference::new(month(), value("1"), None, 2);
        assert!(gap.changed && gap.change.is_empty() && gap.size.is_zero());
        assert!(!Difference::new(month(), value("1.0"), value("1.00"), 2).changed);
    }
}
