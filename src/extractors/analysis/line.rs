//! The series of a version, grouped into what a person chooses first: a zone or a component, then
//! one of its blocks.

use crate::{db::pages::SeriesLabels, domain::Family};

/// The blocks that make up every hour, in the order of [`Block::Derived`].
const PARTS: [&str; 3] = ["2x16", "5x16", "7x8"];

/// What stands for every hour, stored or derived.
const ALL_HOURS: &str = "7x24";

/// A stored 7x24 where the word alone means the derived one.
const STORED_ALL_HOURS: &str = "7x24-stored";

/// A zone or a component: series that differ by their block alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The name by which it is chosen; no two lines of a version share one.
    pub name: String,
    /// The unit that its series share.
    pub unit: String,
    /// Block type and series id, in the order of the file.
    blocks: Vec<(String, i64)>,
}

/// The prices of a line that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The hour-weighted 7x24 of the series of 2x16, 5x16 and 7x8.
    Derived([i64; 3]),
    /// A stored block: its type and series.
    Stored(String, i64),
}

impl Block {
    /// The series that are read.
    #[must_use]
    pub fn series(&self) -> Vec<i64> {
        match self {
            Self::Derived(parts) => parts.to_vec(),
            Self::Stored(_, series) => vec![*series],
        }
    }
}

impl Line {
    /// The lines of a version, in the order of their first columns.
    #[must_use]
    pub fn all(family: Family, series: &[SeriesLabels]) -> Vec<Self> {
        let mut groups: Vec<(&SeriesLabels, Self)> = Vec::new();
        for one in series {
            let block = (one.block_type.clone(), one.id);
            let same = |(first, _): &&mut (&SeriesLabels, Self)| parts(first) == parts(one);
            if let Some((_, line)) = groups.iter_mut().find(same) {
                line.blocks.push(block);
            } else {
                let (name, unit) = (short_name(family, one), one.unit.clone());
                groups.push((one, Self { name, unit, blocks: vec![block] }));
            }
        }
        let full = full_names(&groups);
        let name = |((_, line), name)| Self { name, ..line };
        groups.into_iter().zip(full).map(name).collect()
    }

    /// The blocks to choose from: what is sent and what is shown, the default first.
    #[must_use]
    pub fn choices(&self, family: Family) -> Vec<(String, String)> {
        let derives = self.derives(family);
        let whole = derives.then(|| (ALL_HOURS.to_owned(), "7x24".to_owned()));
        let stored = self.blocks.iter().map(|(block, _)| match &**block {
            ALL_HOURS if derives => (STORED_ALL_HOURS.to_owned(), "7x24 as stored".to_owned()),
            block => (block.to_owned(), block.to_owned()),
        });
        let mut choices: Vec<_> = whole.into_iter().chain(stored).collect();
        // A stored 7x24 is the default where nothing is derived.
        choices.sort_by_key(|(value, _)| value != ALL_HOURS);
        choices
    }

    /// The block of this word, or the default; `None` where the line has it not.
    #[must_use]
    pub fn block(&self, family: Family, wanted: Option<&str>) -> Option<Block> {
        let default;
        let wanted = if let Some(wanted) = wanted {
            wanted
        } else {
            default = self.choices(family).into_iter().next()?.0;
            &default
        };
        if wanted.eq_ignore_ascii_case(ALL_HOURS) && self.derives(family) {
            // A block that is not there has no series, and the price of every month is missing.
            return Some(Block::Derived(PARTS.map(|part| self.stored(part).unwrap_or_default())));
        }
        let stored = if wanted == STORED_ALL_HOURS { ALL_HOURS } else { wanted };
        Some(Block::Stored(stored.to_owned(), self.stored(stored)?))
    }

    /// The parts of the derived 7x24 that the line lacks.
    #[must_use]
    pub fn lacks(&self) -> Vec<&'static str> {
        PARTS.into_iter().filter(|part| self.stored(part).is_none()).collect()
    }

    fn stored(&self, block: &str) -> Option<i64> {
        let same = |(stored, _): &&(String, i64)| stored.eq_ignore_ascii_case(block);
        self.blocks.iter().find(same).map(|(_, series)| *series)
    }

    /// Whether 7x24 means the derived price: always for energy, elsewhere where all three blocks
    /// are there and no 7x24 is.
    fn derives(&self, family: Family) -> bool {
        let whole = self.stored(ALL_HOURS).is_none() && self.lacks().is_empty();
        family == Family::Energy || whole
    }
}

/// Everything but the block.
fn parts(series: &SeriesLabels) -> [&str; 9] {
    [
        &series.load_zone,
        &series.cost_component,
        &series.sub_component,
        &series.state,
        &series.capacity_zone,
        &series.utility,
        &series.cost_group,
        &series.unit,
        &series.more,
    ]
}

/// The zone of energy; elsewhere zone and component, with the caption where it says more.
fn short_name(family: Family, series: &SeriesLabels) -> String {
    let mut name = series.load_zone.clone();
    if family == Family::Energy {
        return name;
    }
    for more in [&series.cost_component, &series.sub_component] {
        if !more.is_empty() && *more != series.load_zone && !name.ends_with(more.as_str()) {
            name = format!("{name} / {more}");
        }
    }
    name
}

/// Names that are shared get the labels by which their lines differ.
fn full_names(groups: &[(&SeriesLabels, Line)]) -> Vec<String> {
    let full = |(series, line): &(&SeriesLabels, Line)| {
        let alike: Vec<_> = groups.iter().filter(|(_, other)| other.name == line.name).collect();
        let own = parts(series);
        let tells = |place: &usize| alike.iter().any(|(one, _)| parts(one)[*place] != own[*place]);
        let more = (0..own.len()).filter(tells).map(|place| format!(" / {}", own[place]));
        std::iter::once(line.name.clone()).chain(more).collect()
    };
    groups.iter().map(full).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(id: i64, zone: &str, block: &str, component: &str, utility: &str) -> SeriesLabels {
        SeriesLabels {
            id,
            state: "TX".into(),
            load_zone: zone.into(),
            capacity_zone: zone.into(),
            utility: utility.into(),
            block_type: block.into(),
            cost_group: "Energy".into(),
            cost_component: component.into(),
            sub_component: zone.into(),
            unit: "$/MWh".into(),
            more: String::new(),
        }
    }

    #[test]
    fn blocks_of_a_zone_are_one_line_and_7x24_is_its_default() {
        let all: Vec<_> = (1..)
            .zip(["7x8", "2x16", "5x16", "7x24"])
            .map(|(id, block)| series(id, "NORTH", block, "Energy", "-"))
            .collect();
        let lines = Line::all(Family::Energy, &all);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line.name, "NORTH");
        assert_eq!(line.block(Family::Energy, None), Some(Block::Derived([2, 3, 1])));
        assert_eq!(line.block(Family::Energy, Some("7X8")), Some(Block::Stored("7X8".into(), 1)));
        let stored = line.block(Family::Energy, Some("7x24-stored"));
        assert_eq!(stored, Some(Block::Stored("7x24".into(), 4)));
        assert_eq!(line.block(Family::Rec, None), Some(Block::Stored("7x24".into(), 4)));
        assert_eq!(line.block(Family::Energy, Some("WD")), None);
        let values: Vec<_> = line.choices(Family::Energy).into_iter().map(|c| c.0).collect();
        assert_eq!(values, ["7x24", "7x8", "2x16", "5x16", "7x24-stored"]);
    }

    #[test]
    fn lines_that_would_share_a_name_say_how_they_differ() {
        let all = [
            series(1, "WEST", "7x24", "Reserve", "A"),
            series(2, "WEST", "7x24", "Reserve", "B"),
            series(3, "WEST", "7x24", "Ancillary", "A"),
        ];
        let names: Vec<_> =
            Line::all(Family::NonEnergy, &all).into_iter().map(|line| line.name).collect();
        assert_eq!(names, ["WEST / Reserve / A", "WEST / Reserve / B", "WEST / Ancillary"]);
    }
}
