//! What can be chosen besides the lines of the form, and what is one step away.

use std::collections::BTreeMap;

use super::view::{SUFFIXES, Shape, View};
use crate::{
    domain::{ContractMonth, Dataset, Family},
    extractors::analysis::{DayWish, Period, Series, VersionWish, Wish, strips},
    web::pages::form::{Choice, url},
};

/// What else can be chosen.
pub(super) struct Picks {
    pub(super) periods: Vec<Group>,
    /// What a spread is made of: the one, less the other.
    pub(super) one: Vec<Choice>,
    pub(super) other: Vec<Choice>,
    /// Calendar strips.
    pub(super) years: Vec<Choice>,
}

/// Entries of a select under a name.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) choices: Vec<Choice>,
}

impl Picks {
    pub(super) fn new(
        view: &View,
        series: &[Series],
        labels: &[String],
        years: Vec<Choice>,
    ) -> Self {
        let [one, other] = legs(view, labels);
        Self { periods: periods(view, series), one, other, years }
    }
}

/// What an analyst puts beside a curve most often, one step away.
pub(super) fn additions(view: &View, series: &[Series]) -> Vec<(&'static str, String)> {
    let first = &series[0];
    let mut offered = Vec::new();
    let alike = series.iter().filter(|one| one.dataset == first.dataset);
    let used: Vec<_> = alike.filter_map(|one| Some(&*one.line.as_ref()?.name)).collect();
    let next = first.lines.iter().find(|line| !used.contains(&&*line.name));
    if let Some(line) = next {
        let what = if first.dataset.family == Family::Energy { "zone" } else { "component" };
        let wish = Wish { zone: Some(line.name.clone()), ..Wish::default() };
        offered.push((what, wish));
    }
    if view.shape() == Shape::Evolution {
        return addresses(view, offered);
    }
    offered.extend(
        DayWish::RELATIVE
            .map(|(day, name)| (name, day))
            .map(|(name, day)| (name, Wish { day: Some(day), ..Wish::default() })),
    );
    let has = |cob: bool| first.versions.iter().any(|version| version.cob == cob);
    for (name, version) in [("COB", VersionWish::Cob), ("intraday", VersionWish::Intraday)] {
        let shown = first.version.as_ref().is_none_or(|one| Some(one.cob) == version.cob());
        if has(true) && has(false) && !shown {
            offered.push((name, Wish { version: Some(version), ..Wish::default() }));
        }
    }
    addresses(view, offered)
}

fn addresses(view: &View, offered: Vec<(&'static str, Wish)>) -> Vec<(&'static str, String)> {
    let fits = view.wishes.len() < SUFFIXES.len();
    let fresh = |(_, wish): &(&str, Wish)| fits && !view.wishes.contains(wish);
    let offered = offered.into_iter().filter(fresh);
    offered.map(|(name, wish)| (name, view.with(wish).url())).collect()
}

pub(super) fn shapes(view: &View) -> Vec<(&'static str, String, bool)> {
    let named = [
        (Shape::Curves, "Forward curves"),
        (Shape::Evolution, "Evolution"),
        (Shape::Spread, "Spread"),
    ];
    named.map(|(shape, name)| (name, view.shaped(shape).url(), view.shape() == shape)).into()
}

fn periods(view: &View, series: &[Series]) -> Vec<Group> {
    let chosen = view.period().to_string();
    let choice = |period: Period| Choice::new(period, period.name(), &chosen);
    let shown = series.iter().find(|series| series.version.is_some());
    let months = shown.map(|series| series.all_months.clone()).unwrap_or_default();
    let years = strips::complete_years(&months).into_iter().map(Period::Calendar);
    let months = months.into_iter().map(ContractMonth::containing);
    let group = |name, choices| Group { name, choices };
    let mut groups = vec![
        group("Moving with the day", Period::MOVING.map(choice).to_vec()),
        group("Calendar years", years.map(choice).collect()),
        group("Contract months", months.map(Period::Month).map(choice).collect()),
    ];
    if !groups.iter().flat_map(|group| &group.choices).any(|choice| choice.chosen) {
        groups.push(group("Chosen", vec![choice(view.period())]));
    }
    groups.retain(|group| !group.choices.is_empty());
    groups
}

fn legs(view: &View, labels: &[String]) -> [Vec<Choice>; 2] {
    let (b, a) = view.legs().unwrap_or((0, 1));
    let choices = |chosen: usize| {
        let chosen = (chosen + 1).to_string();
        let numbered = labels.iter().enumerate();
        numbered.map(|(place, label)| Choice::new(place + 1, label, &chosen)).collect()
    };
    [choices(a), choices(b)]
}

/// Every series of the first series' version.
pub(super) fn versions_of(first: &Series) -> String {
    let version = first.version.as_ref().map(|version| version.id.to_string());
    let Dataset { family, iso } = first.dataset;
    let pairs: BTreeMap<_, _> = BTreeMap::from([
        ("curve", family.to_string()),
        ("iso", iso.to_string()),
        ("version", version.unwrap_or_default()),
    ]);
    url("/curves/versions", pairs)
}
