//! Two versions of a dataset side by side.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{View, grid};
use crate::{
    app::App,
    db::{
        numeric,
        pages::{self, SeriesLabels, ValuesPair, VersionHeader},
        snapshot::Snapshot,
    },
    domain::{Dataset, Notation},
    error::{Problem, Result},
    web::pages::format::{Cell, count, decimals, instant, percent, signed},
};

/// What differs between two versions.
pub(super) struct Comparison {
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

/// A month in both versions.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) month: String,
    pub(super) old: Cell,
    pub(super) new: Cell,
    /// New less old, with its sign; empty where either is missing.
    pub(super) change: String,
    pub(super) percent: String,
    pub(super) changed: bool,
    size: Decimal,
}

type Values = HashMap<NaiveDate, Option<Decimal>>;

impl Comparison {
    /// Compares the version of the view with `other`; the earlier one is the old one.
    pub(super) async fn load(
        app: &App,
        snapshot: &mut Snapshot,
        dataset: Dataset,
        view: &View,
        version: &VersionHeader,
        other: i64,
    ) -> Result<Self> {
        let missing =
            || Problem::not_found(format!("There is no version {other} of {dataset} curves."));
        let other = pages::version(snapshot, dataset, other).await?.ok_or_else(missing)?;
        let (old, new) = if other.curve_timestamp <= version.curve_timestamp {
            (&other, version)
        } else {
            (version, &other)
        };
        let ids = (old.id, new.id);
        let pairs =
            pages::differing_series(snapshot, dataset, ids, old.months != new.months).await?;
        let mut labels = pages::series_of(snapshot, dataset, new.id).await?;
        let former = pages::series_of(snapshot, dataset, old.id).await?;
        labels.extend(
            former
                .into_iter()
                .filter(|f| pairs.iter().any(|p| p.series_id == f.id && p.new.is_none())),
        );
        let mut comparison = Self::of(app, view, old, new, &labels, &pairs);
        comparison.shown =
            shown_series(snapshot, dataset, view, old, new, &labels, &comparison).await?;
        Ok(comparison)
    }

    fn of(
        app: &App,
        view: &View,
        old: &VersionHeader,
        new: &VersionHeader,
        labels: &[SeriesLabels],
        pairs: &[ValuesPair],
    ) -> Self {
        let mut series: Vec<_> = labels
            .iter()
            .filter_map(|label| {
                Some((label, pairs.iter().find(|pair| pair.series_id == label.id)?))
            })
            .map(|(label, pair)| changed_series(view, old, new, label, pair))
            .filter(|series| series.changed > 0 || series.only.is_some())
            .collect();
        series.sort_by_key(|s| std::cmp::Reverse(s.largest.as_ref().map(|largest| largest.size)));
        let changed: usize = series.iter().filter(|s| s.only.is_none()).map(|s| s.changed).sum();
        let only = |side: &str| series.iter().filter(|s| s.only == Some(side)).count();
        let (only_old, only_new) = (only("old"), only("new"));
        let common = usize::try_from(new.series_count).unwrap_or_default() - only_new;
        let months = months_of(old, new).len();
        Self {
            old: Side::new(app, old),
            new: Side::new(app, new),
            changed: count_of(changed),
            unchanged: count_of((common * months).saturating_sub(changed)),
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
    old: &VersionHeader,
    new: &VersionHeader,
    labels: &[SeriesLabels],
    comparison: &Comparison,
) -> Result<Option<ComparedSeries>> {
    let most = || {
        let first = comparison.series.first()?;
        labels.iter().find(|label| label.id == first.id)
    };
    let named = labels.iter().find(|label| view.series.first() == Some(&label.id));
    let Some(label) = named.or_else(most).or(labels.first()) else { return Ok(None) };
    let former = pages::values(snapshot, dataset, old.id, &[label.id]).await?;
    let latter = pages::values(snapshot, dataset, new.id, &[label.id]).await?;
    let by_month = |values: &[pages::SeriesValues], version: &VersionHeader| {
        values.first().map(|series| by_month(version, &series.values.0)).unwrap_or_default()
    };
    let (former, latter) = (by_month(&former, old), by_month(&latter, new));
    let rows = differences(&label.unit, &months_of(old, new), &former, &latter);
    let (name, unit) = (grid::series_name(label), grid::unit(&label.unit).to_owned());
    Ok(Some(ComparedSeries { id: label.id, name, unit, rows }))
}

fn changed_series(
    view: &View,
    old: &VersionHeader,
    new: &VersionHeader,
    label: &SeriesLabels,
    pair: &ValuesPair,
) -> ChangedSeries {
    let values = |version, values: &Option<numeric::Values>| {
        values.as_ref().map(|values| by_month(version, &values.0)).unwrap_or_default()
    };
    let (former, latter) = (values(old, &pair.old), values(new, &pair.new));
    let rows = differences(&label.unit, &months_of(old, new), &former, &latter);
    let changed = rows.iter().filter(|row| row.changed).count();
    ChangedSeries {
        name: grid::series_name(label),
        title: grid::series_title(label),
        unit: grid::unit(&label.unit).to_owned(),
        url: View { series: vec![label.id], ..view.clone() }.url(),
        id: label.id,
        only: match (&pair.old, &pair.new) {
            (None, _) => Some("new"),
            (_, None) => Some("old"),
            _ => None,
        },
        changed,
        largest: rows.into_iter().filter(|row| !row.size.is_zero()).max_by_key(|row| row.size),
    }
}

/// The months of either version, ascending.
fn months_of(old: &VersionHeader, new: &VersionHeader) -> Vec<NaiveDate> {
    old.months.iter().chain(&new.months).copied().collect::<BTreeSet<_>>().into_iter().collect()
}

fn by_month(version: &VersionHeader, values: &[Option<Decimal>]) -> Values {
    version.months.iter().copied().zip(values.iter().copied()).collect()
}

fn differences(unit: &str, months: &[NaiveDate], old: &Values, new: &Values) -> Vec<Difference> {
    let places = decimals(unit, old.values().chain(new.values()));
    let row = |month: &NaiveDate| {
        let value = |side: &Values| side.get(month).copied().flatten();
        Difference::new(*month, value(old), value(new), places)
    };
    months.iter().map(row).collect()
}

impl Difference {
    fn new(month: NaiveDate, old: Option<Decimal>, new: Option<Decimal>, places: u32) -> Self {
        let cell = |value| Cell::new(value, Notation::Plain, places);
        let difference = old.zip(new).map(|(old, new)| (new - old, old));
        Self {
            month: month.format("%Y-%m").to_string(),
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
        let month = NaiveDate::from_ymd_opt(2023, 5, 1).unwrap_or_default();
        let value = |text: &str| text.parse::<Decimal>().ok();
        let changed = Difference::new(month, value("19.76"), value("111.11"), 2);
        assert_eq!((changed.change.as_str(), changed.percent.as_str()), ("+91.35", "+462.30%"));
        let gap = Difference::new(month, value("1"), None, 2);
        assert!(gap.changed && gap.change.is_empty() && gap.size.is_zero());
        assert!(!Difference::new(month, value("1.0"), value("1.00"), 2).changed);
    }
}
