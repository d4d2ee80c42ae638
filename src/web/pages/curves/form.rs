//! The lines of the form, one per series: each field offers what there is, given those before it.

use chrono_tz::Tz;

use super::{
    chart::Key,
    view::{SUFFIXES, View},
};
use crate::{
    domain::{Family, Iso},
    extractors::analysis::{Block, DayWish, Line, Series, VersionWish},
    web::pages::{
        form::Choice,
        format::{family_name, iso_name},
    },
};

/// Families with contract months: the others have no curve to draw.
pub(super) const MONTHLY: [Family; 4] =
    [Family::Energy, Family::NonEnergy, Family::Rec, Family::Ptc];

/// Zones that a select offers; more are a field with suggestions.
const LISTED: usize = 60;

/// Days that the first line offers, and each other.
const DAYS: (usize, usize) = (400, 60);

/// A line of the form.
pub(super) struct Row {
    pub(super) key: Key,
    /// From 1.
    pub(super) number: usize,
    pub(super) suffix: &'static str,
    pub(super) label: String,
    pub(super) curves: Vec<Choice>,
    pub(super) isos: Vec<Choice>,
    pub(super) zones: Vec<Choice>,
    /// In place of the zones, where they are many.
    pub(super) zone_field: Option<ZoneField>,
    pub(super) blocks: Vec<Choice>,
    pub(super) days: Vec<Choice>,
    pub(super) versions: Vec<Choice>,
    pub(super) as_of: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) fault: Option<String>,
    pub(super) warnings: Vec<String>,
    /// The view without this series, and with it in front.
    pub(super) without: Option<String>,
    pub(super) in_front: Option<String>,
}

/// A field with suggestions.
pub(super) struct ZoneField {
    pub(super) value: String,
    pub(super) placeholder: String,
    /// The id of its suggestions.
    pub(super) list: String,
}

/// Suggestions for a field: the version's id and its lines.
pub(super) struct Suggestions {
    pub(super) list: String,
    pub(super) names: Vec<String>,
}

impl Row {
    pub(super) fn all(view: &View, series: &[Series], zone: Tz) -> Vec<Self> {
        (0..series.len()).map(|place| Self::new(view, series, place, zone)).collect()
    }

    fn new(view: &View, all: &[Series], place: usize, zone: Tz) -> Self {
        let (series, wish) = (&all[place], &all[place].wish);
        let first = place == 0;
        let month = |month: Option<crate::domain::ContractMonth>| {
            month.map(|month| month.to_string()).unwrap_or_default()
        };
        let instant = wish.as_of.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
        Self {
            key: Key::of(place),
            number: place + 1,
            suffix: SUFFIXES[place],
            label: series.label(zone),
            curves: curves(series, first),
            isos: isos(series, first),
            zones: zones(series, first),
            zone_field: zone_field(series, first),
            blocks: blocks(series, first),
            days: days(series, first),
            versions: versions(series, first, zone),
            as_of: instant.unwrap_or_default(),
            start: month(wish.start),
            end: month(wish.end),
            fault: series.trouble.clone(),
            warnings: series.warnings.clone(),
            without: (all.len() > 1).then(|| view.without(place, all).url()),
            in_front: (!first).then(|| view.led_by(place, all).url()),
        }
    }
}

/// Of a line after the first: leave it as it is there.
fn same(first: bool, words: impl std::fmt::Display) -> Option<Choice> {
    (!first).then(|| Choice { value: String::new(), name: format!("= {words}"), chosen: false })
}

fn curves(series: &Series, first: bool) -> Vec<Choice> {
    let family = series.dataset.family;
    let chosen = series.wish.curve.or(first.then_some(family));
    let chosen = chosen.map(|family| family.to_string()).unwrap_or_default();
    // The first line leads to the families without contract months, too.
    let offered = if first { Family::ALL } else { &MONTHLY[..] };
    let curves = offered.iter().map(|f| Choice::new(f, family_name(*f), &chosen));
    same(first, family_name(family)).into_iter().chain(curves).collect()
}

fn isos(series: &Series, first: bool) -> Vec<Choice> {
    let iso = series.dataset.iso;
    let chosen = series.wish.iso.or(first.then_some(iso));
    let chosen = chosen.map(|iso| iso.to_string()).unwrap_or_default();
    let isos = Iso::ALL.iter().map(|i| Choice::new(i, iso_name(*i), &chosen));
    same(first, iso_name(iso)).into_iter().chain(isos).collect()
}

fn zones(series: &Series, first: bool) -> Vec<Choice> {
    let (chosen, shown) = zone(series, first);
    let known = series.lines.iter().any(|line| line.name == chosen);
    // What was asked for stays, so that the others can be changed first.
    let lost = (!known && !chosen.is_empty()).then(|| Choice::new(&chosen, &chosen, &chosen));
    let lines = series.lines.iter().take(LISTED);
    let lines = lines.map(|line| Choice::new(&line.name, &line.name, &chosen));
    same(first, &shown).into_iter().chain(lost).chain(lines).collect()
}

fn zone_field(series: &Series, first: bool) -> Option<ZoneField> {
    let version = series.version.as_ref().filter(|_| series.lines.len() > LISTED)?;
    let (value, placeholder) = zone(series, first);
    Some(ZoneField { value, placeholder, list: list_of(version.id) })
}

/// The zone that is chosen, and the one that is shown.
fn zone(series: &Series, first: bool) -> (String, String) {
    let shown = series.line.as_ref().map(|line| line.name.clone()).unwrap_or_default();
    let own = series.wish.zone.clone();
    (own.or(first.then(|| shown.clone())).unwrap_or_default(), shown)
}

fn list_of(version: i64) -> String {
    format!("lines-{version}")
}

/// The suggestions that the lines' fields need, each once.
pub(super) fn suggestions(series: &[Series]) -> Vec<Suggestions> {
    let mut all: Vec<Suggestions> = Vec::new();
    for one in series.iter().filter(|series| series.lines.len() > LISTED) {
        let Some(version) = &one.version else { continue };
        let list = list_of(version.id);
        if !all.iter().any(|known| known.list == list) {
            let names = one.lines.iter().map(|line| line.name.clone()).collect();
            all.push(Suggestions { list, names });
        }
    }
    all
}

fn blocks(series: &Series, first: bool) -> Vec<Choice> {
    let chosen = series.wish.block.clone().unwrap_or_default();
    let line = series.line.as_ref();
    let has_units = line.is_some_and(Line::has_units);
    let name = |block: &Block| match has_units {
        true => format!("{}, {}", block.name, block.unit()),
        false => block.name.clone(),
    };
    let inherited = series.block.as_ref().map(|block| block.name.clone()).unwrap_or_default();
    let mut choices: Vec<_> = same(first, inherited).into_iter().collect();
    let offered = line.map(|line| &*line.blocks).unwrap_or_default();
    // Addresses write blocks in any case.
    let known = |block: &Block| block.word.eq_ignore_ascii_case(&chosen);
    if !chosen.is_empty() && !offered.iter().any(known) {
        choices.push(Choice::new(&chosen, &chosen, &chosen));
    }
    let choice = |block: &Block| Choice {
        value: block.word.clone(),
        name: name(block),
        chosen: known(block),
    };
    choices.extend(offered.iter().map(choice));
    choices
}

fn days(series: &Series, first: bool) -> Vec<Choice> {
    let chosen = series.wish.day.map(|day| day.to_string()).unwrap_or_default();
    let newest = series.days.first().map(|day| day.day.to_string()).unwrap_or_default();
    let shown = series.version.as_ref().map(|version| version.operating_day.to_string());
    let usual = match first {
        true => Choice::new("", format!("newest: {newest}"), &chosen),
        false => Choice::new("", format!("= {}", shown.unwrap_or_default()), &chosen),
    };
    let relative = DayWish::RELATIVE.iter().filter(|_| !first);
    let relative = relative.map(|(day, name)| Choice::new(day, name, &chosen));
    let most = if first { DAYS.0 } else { DAYS.1 };
    let (offered, older) = series.days.split_at(series.days.len().min(most));
    let older = older.iter().filter(|day| day.day.to_string() == chosen);
    let name = |day: &crate::db::pages::OperatingDay| {
        if day.cob { format!("{}, COB", day.day) } else { day.day.to_string() }
    };
    let offered = offered.iter().chain(older).map(|day| Choice::new(day.day, name(day), &chosen));
    let mut choices: Vec<_> = std::iter::once(usual).chain(relative).chain(offered).collect();
    if !choices.iter().any(|choice| choice.chosen) {
        choices.push(Choice::new(&chosen, format!("{chosen}: none"), &chosen));
    }
    choices
}

fn versions(series: &Series, first: bool, zone: Tz) -> Vec<Choice> {
    let wanted = series.wish.version;
    // In the first line the latest is what an empty field means.
    let usual = |version: &VersionWish| first && *version == VersionWish::Latest;
    let value = |version: VersionWish| match usual(&version) {
        true => String::new(),
        false => version.to_string(),
    };
    let chosen = wanted.map(value).unwrap_or_default();
    let any = |cob: bool| series.versions.iter().any(|version| version.cob == cob);
    let selectors = [
        (VersionWish::Latest, "latest", true),
        (VersionWish::Intraday, "intraday", any(false) && any(true)),
        (VersionWish::Cob, "COB", any(true)),
    ];
    let same = same(first, series.selector);
    let selectors = selectors
        .into_iter()
        .filter(|(selector, _, offered)| *offered || wanted == Some(*selector))
        .map(|(selector, name, _)| Choice::new(value(selector), name, &chosen));
    let pinned = series.versions.iter().map(|version| {
        let cob = if version.cob { " COB" } else { "" };
        let at = version.curve_timestamp.with_timezone(&zone).format("%H:%M:%S");
        Choice::new(version.id, format!("{at}{cob} (version {})", version.id), &chosen)
    });
    let mut choices: Vec<_> = same.into_iter().chain(selectors).chain(pinned).collect();
    if let Some(VersionWish::Id(id)) = wanted
        && !choices.iter().any(|choice| choice.chosen)
    {
        choices.push(Choice::new(id, format!("version {id}"), &chosen));
    }
    choices
}
