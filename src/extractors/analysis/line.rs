//! The output series of a version, grouped into what a person chooses first: a zone or a component,
//! then one of its blocks.
//!
//! They are those of a download, by the same plan: standardized ones are the prices of every hour in
//! $/MWh, the others are as they are stored.

use std::collections::{HashMap, HashSet};

use super::block::{Block, blocks};
use crate::{
    db::data::SeriesHeader,
    domain::{Dataset, Family, MoreLabels},
    extractors::{
        printed::PrintedSeries,
        standardise::{self, Plan, Recipe, Wish},
        words,
    },
};

/// The places of labels, in the order of [`crate::domain::Labels::NAMES`].
const LOAD_ZONE: usize = 2;
const BLOCK_TYPE: usize = 5;
const COST_COMPONENT: usize = 7;

/// A zone or a component: series that differ by their block and unit alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The name by which it is chosen; no two lines of a version share one.
    pub name: String,
    /// What it has to choose from, the default first; never empty.
    pub blocks: Vec<Block>,
    /// What is odd about the names and units of its series.
    pub warnings: Vec<String>,
}

/// Whether stored and standardized series differ.
pub(super) fn has_modes(family: Family) -> bool {
    matches!(family, Family::Energy | Family::NonEnergy)
}

/// The output series of stored ones: the standardized, or those in native units.
pub(super) fn outputs(dataset: Dataset, standard: bool, headers: &[SeriesHeader]) -> Plan {
    if has_modes(dataset.family) {
        let stored = if standard { Vec::new() } else { vec![words::Block::All] };
        return standardise::plan(dataset, &Wish { standardized: standard, stored }, headers);
    }
    let native = |header: &SeriesHeader| PrintedSeries::native(dataset.family, header.clone());
    let visible = headers.iter().filter(|header| !standard && !header.admitted.is_empty());
    let series = visible.map(native).collect();
    Plan { series, warnings: Vec::new() }
}

/// The series of a line while it is put together.
#[derive(Default)]
struct Group {
    stored: Vec<PrintedSeries>,
    standard: Vec<PrintedSeries>,
}

impl Line {
    /// The lines of a version, of its series in the order of the file.
    #[must_use]
    pub fn all(dataset: Dataset, headers: &[SeriesHeader]) -> Vec<Self> {
        let stored = outputs(dataset, false, headers);
        let (mut groups, place_of) = group(stored.series);
        let present: HashSet<i64> = headers.iter().map(|header| header.id).collect();
        let standard = outputs(dataset, true, headers).series.into_iter();
        for series in standard.filter(|series| has_column(series, &present)) {
            // A computed series has the id of its first member.
            if let Some(place) = place_of.get(&series.id) {
                groups[*place].standard.push(series);
            }
        }
        let names = names(dataset.family, &groups);
        let line = |(name, group): (String, Group)| {
            let own = |warning: &&crate::extractors::warnings::Warning| {
                let place = warning.place.as_ref().map(|place| &*place.series);
                group.stored.iter().any(|series| Some(&*series.labels.join(", ")) == place)
            };
            let warnings = stored.warnings.iter().filter(own);
            let warnings = warnings.map(|warning| warning.detail.clone()).collect();
            Self { name, warnings, blocks: blocks(group.stored, group.standard) }
        };
        names.into_iter().zip(groups).map(line).collect()
    }

    /// The block of this word, or the default; `None` where the line has it not.
    #[must_use]
    pub fn block(&self, wanted: Option<&str>) -> Option<&Block> {
        let Some(wanted) = wanted else { return self.blocks.first() };
        let mut blocks = self.blocks.iter();
        blocks.find(|block| block.is_called(wanted))
    }

    /// Whether its series have several units.
    #[must_use]
    pub fn has_units(&self) -> bool {
        let first = self.blocks.first().map(Block::unit);
        self.blocks.iter().any(|block| Some(block.unit()) != first)
    }
}

/// Whether the version with the series `present` has a column for an output series.
fn has_column(series: &PrintedSeries, present: &HashSet<i64>) -> bool {
    match &series.recipe {
        Recipe::Stored => true,
        Recipe::Computed(computed) => computed.attendance(|id| present.contains(&id)).is_some(),
    }
}

/// Groups stored series, and says in which group each is. Two of one block never share a group;
/// those of one unit rather do.
fn group(stored: Vec<PrintedSeries>) -> (Vec<Group>, HashMap<i64, usize>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut alike: HashMap<Vec<String>, Vec<usize>> = HashMap::new();
    let mut place_of = HashMap::new();
    for series in stored {
        let known = alike.entry(key(&series)).or_default();
        let has_room = |place: &&usize| {
            let of_group = &groups[**place].stored;
            !of_group.iter().any(|other| other.labels[BLOCK_TYPE] == series.labels[BLOCK_TYPE])
        };
        let rooms = || known.iter().filter(has_room).copied();
        let of_unit = |place: &usize| groups[*place].stored[0].uom == series.uom;
        let place = rooms().find(of_unit).or_else(|| rooms().next()).unwrap_or(groups.len());
        if place == groups.len() {
            groups.push(Group::default());
            known.push(place);
        }
        place_of.insert(series.id, place);
        groups[place].stored.push(series);
    }
    (groups, place_of)
}

/// Everything but block and unit.
fn key(series: &PrintedSeries) -> Vec<String> {
    let labels = series.labels.iter().enumerate().filter(|(place, _)| *place != BLOCK_TYPE);
    let mut key: Vec<String> = labels.map(|(_, label)| label.clone()).collect();
    key.extend([series.sub_component.clone(), more(&series.more)]);
    key
}

/// The labels that only some families have, joined.
fn more(more: &MoreLabels) -> String {
    let texts = more.texts().into_iter().flatten().map(str::to_owned);
    let term = more.term.map(|term| term.to_string());
    let date = more.beginning_date.map(|date| date.to_string());
    texts.chain(term).chain(date).collect::<Vec<_>>().join(" / ")
}

/// What a line can be told from others by, most telling first.
fn parts(series: &PrintedSeries) -> [String; 10] {
    let [control_area, state, zone, capacity_zone, utility, _, group, component] =
        series.labels.clone();
    let (sub, unit) = (series.sub_component.clone(), series.uom.clone());
    let more = more(&series.more);
    [zone, component, sub, state, capacity_zone, utility, group, unit, more, control_area]
}

/// The zone of energy; elsewhere zone and component, with the caption where it says more.
fn short_name(family: Family, series: &PrintedSeries) -> String {
    let zone = &series.labels[LOAD_ZONE];
    let mut name = zone.clone();
    if family == Family::Energy {
        return name;
    }
    for more in [&series.labels[COST_COMPONENT], &series.sub_component] {
        if !more.is_empty() && more != zone && !name.ends_with(more.as_str()) {
            name = format!("{name} / {more}");
        }
    }
    name
}

/// A name for each group. Names that would be shared get the labels by which their lines differ,
/// and a number where there are none.
fn names(family: Family, groups: &[Group]) -> Vec<String> {
    let firsts: Vec<&PrintedSeries> = groups.iter().map(|group| &group.stored[0]).collect();
    let short: Vec<String> = firsts.iter().map(|series| short_name(family, series)).collect();
    let mut sharing: HashMap<&str, Vec<[String; 10]>> = HashMap::new();
    for (name, series) in short.iter().zip(&firsts) {
        sharing.entry(name).or_default().push(parts(series));
    }
    let mut taken: HashMap<String, usize> = HashMap::new();
    let name = |(short, series): (&String, &&PrintedSeries)| {
        let (own, alike) = (parts(series), &sharing[&**short]);
        let tells = |place: &usize| alike.iter().any(|other| other[*place] != own[*place]);
        let more = (0..own.len()).filter(tells).map(|place| format!(" / {}", own[place]));
        let name: String = std::iter::once(short.clone()).chain(more).collect();
        let times = taken.entry(name.clone()).or_default();
        *times += 1;
        if *times > 1 { format!("{name} ({times})") } else { name }
    };
    short.iter().zip(&firsts).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Iso, Labels, SeriesKey};

    fn header(id: i64, block: &str, component: &str, utility: &str, unit: &str) -> SeriesHeader {
        let labels = Labels {
            control_area: "ERCOT".into(),
            state: "TX".into(),
            load_zone: "WEST".into(),
            capacity_zone: "WEST".into(),
            utility: utility.into(),
            block_type: block.into(),
            cost_group: "Group".into(),
            cost_component: component.into(),
        };
        let (sub_component, unit) = (component.to_owned(), unit.to_owned());
        let more = MoreLabels::default();
        let key = SeriesKey { labels, sub_component, unit, more };
        SeriesHeader { id, key, admitted: vec![1], derived: vec![1] }
    }

    fn dataset(family: Family) -> Dataset {
        Dataset { family, iso: Iso::Ercot }
    }

    fn words(line: &Line) -> Vec<(&str, &str)> {
        line.blocks.iter().map(|block| (&*block.word, block.unit())).collect()
    }

    #[test]
    fn blocks_of_a_zone_are_one_line_and_the_derived_7x24_is_its_default() {
        let all: Vec<_> = (1..)
            .zip(["7x8", "2X16", "5x16", "7x24"])
            .map(|(id, block)| header(id, block, "Energy", "-", "$/MWh"))
            .collect();
        let lines = Line::all(dataset(Family::Energy), &all);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line.name, "WEST");
        assert_eq!(line.block(None).unwrap().series.sources(), [2, 3, 1]);
        assert_eq!(line.block(Some("7X8")).unwrap().series.sources(), [1]);
        assert_eq!(line.block(Some("7x24-stored")).unwrap().series.sources(), [4]);
        assert_eq!(line.block(Some("WD")), None);
        let blocks: Vec<_> = line.blocks.iter().map(|block| &*block.word).collect();
        assert_eq!(blocks, ["7x24", "7x8", "2x16", "5x16", "7x24-stored"]);
    }

    #[test]
    fn charges_are_standardized_and_stay_selectable_as_they_are_stored() {
        let lines = Line::all(
            dataset(Family::NonEnergy),
            &[
                header(1, "7x24", "Reserve on-peak", "A", "$/MWh"),
                header(2, "7x24", "Reserve off-peak", "A", "$/MWh"),
                header(3, "7x24", "Demand ($/kW-mo)", "A", "$/kW-mo"),
                header(4, "7x24", "Uplift", "A", "$/MWh"),
                header(5, "WD", "Meter", "A", "$/MWh"),
                header(6, "WE", "Meter", "A", "$/kW-mo"),
            ],
        );
        let named: Vec<_> = lines.iter().map(|line| (&*line.name, words(line))).collect();
        let energy = "$/MWh";
        assert_eq!(
            named,
            [
                (
                    "WEST / Reserve",
                    vec![("7x24", energy), ("on-peak", energy), ("off-peak", energy)]
                ),
                ("WEST / Demand", vec![("7x24", energy), ("7x24-stored", "$/kW-mo")]),
                ("WEST / Uplift", vec![("7x24", energy)]),
                ("WEST / Meter", vec![("7x24", energy), ("wd", energy), ("we", "$/kW-mo")]),
            ]
        );
        assert!(lines[1].has_units() && !lines[0].has_units());
        // What has no other stored form is meant by the word, too.
        assert_eq!(lines[2].block(Some("7x24-stored")).unwrap().series.sources(), [4]);
    }

    #[test]
    fn rules_never_mix_and_each_is_selectable() {
        let blocks = ["7x24", "WD", "WE", "2x16", "5x16", "7x8"];
        let all: Vec<_> = (1..)
            .zip(blocks)
            .map(|(id, block)| header(id, block, "Demand ($/kW-mo)", "A", "$/kW-mo"))
            .collect();
        let lines = Line::all(dataset(Family::NonEnergy), &all);
        assert_eq!(lines.len(), 1);
        let of = |word| lines[0].block(Some(word)).unwrap().series.sources();
        assert_eq!((of("7x24"), of("7x24-wd")), (vec![4, 5, 6], vec![2, 3]));
        assert_eq!((of("7x24-converted"), of("7x24-stored")), (vec![1], vec![1]));
    }

    #[test]
    fn lines_that_would_share_a_name_say_how_they_differ() {
        let all = [
            header(1, "7x24", "Reserve", "A", "$/MWh"),
            header(2, "7x24", "Reserve", "B", "$/MWh"),
            header(3, "7x24", "Ancillary", "A", "$/MWh"),
            header(4, "7x24", "Fee ($/MWh)", "A", "$/MWh"),
            header(5, "7x24", "Fee ($/kW-mo)", "A", "$/kW-mo"),
            header(6, "7x24", "Fee", "A", "$/MWh"),
        ];
        let lines = Line::all(dataset(Family::NonEnergy), &all);
        let names: Vec<_> = lines.iter().map(|line| &*line.name).collect();
        assert_eq!(
            names,
            [
                "WEST / Reserve / A",
                "WEST / Reserve / B",
                "WEST / Ancillary",
                "WEST / Fee / $/MWh",
                "WEST / Fee / $/kW-mo",
                "WEST / Fee / $/MWh (2)",
            ]
        );
    }

    #[test]
    fn what_is_odd_about_a_name_is_said_beside_its_line() {
        let all = [
            header(1, "7x24", "Swap on-peak to off-peak", "A", "$/MWh"),
            header(2, "7x24", "Reserve", "A", "$/MWh"),
        ];
        let lines = Line::all(dataset(Family::NonEnergy), &all);
        assert!(lines[0].warnings[0].contains("names on-peak and off-peak"));
        assert!(lines[1].warnings.is_empty());
    }
}
