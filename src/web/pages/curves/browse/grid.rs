//! What a version holds, by chosen series: contract months, components, or the hours of one day.

use crate::{
    db::{
        analysis,
        pages::{SeriesLabels, SeriesValues, VersionHeader},
        sight::Cells,
        snapshot::Snapshot,
    },
    domain::{Axis, Dataset, Notation, Place},
    error::{Problem, Result},
    web::pages::{
        form::Choice,
        format::{Cell, decimals},
    },
};

/// Colours of the charts' series.
const COLOURS: usize = 8;

/// A table of one version.
pub(super) struct Grid {
    /// What its rows are.
    pub(super) head: &'static str,
    /// What a chart has along its axis: `month`, `hour`, or nothing to draw.
    pub(super) kind: &'static str,
    /// The parts of which one is shown: days, or months of any year.
    pub(super) parts: Vec<Choice>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) unit: String,
    /// 1 to 8: the colour in the chart.
    pub(super) colour: usize,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// The places that are shown at once: they lie beside each other.
struct Shown {
    head: &'static str,
    kind: &'static str,
    parts: Vec<Choice>,
    first: usize,
    names: Vec<String>,
}

impl Shown {
    /// Of an axis of hours only one part: a year of hours is no table. Only parts that `is_shown` are
    /// offered.
    fn of(axis: &Axis, part: Option<&str>, is_shown: impl Fn(Place<'_>) -> bool) -> Result<Self> {
        let (head, kind) = match axis {
            Axis::Months(_) => ("Month", "month"),
            Axis::Hours(_) | Axis::MonthHours(_) => ("Hour ending", "hour"),
            Axis::Components(_) => ("Component", ""),
            Axis::Single => ("Series", ""),
        };
        let parts: Vec<String> = axis.places().map(part_of).collect();
        let shown = axis.places().zip(&parts).filter(|(place, _)| is_shown(*place));
        let mut offered: Vec<String> = shown.map(|(_, part)| part.clone()).collect();
        offered.dedup();
        let first_part = offered.first().cloned().unwrap_or_default();
        let chosen = part.unwrap_or(&first_part);
        let first = parts.iter().position(|part| part == chosen && offered.contains(part));
        let Some(first) = first else {
            let why = "the version has no such day or month: choose one that it has";
            return Err(Problem::bad_parameter("part", chosen, why));
        };
        let places = axis.places().zip(&parts).skip(first).take_while(|(_, part)| *part == chosen);
        let names = places.map(|(place, _)| row_name(place)).collect();
        offered.retain(|part| !part.is_empty());
        let parts = offered.iter().map(|part| Choice::new(part, part, chosen)).collect();
        Ok(Self { head, kind, parts, first, names })
    }
}

/// The part of an axis that a place lies in; all of one axis without parts.
fn part_of(place: Place<'_>) -> String {
    match place {
        Place::Hour(day, _) => day.to_string(),
        Place::MonthHour(month, _) => month.to_string(),
        _ => String::new(),
    }
}

fn row_name(place: Place<'_>) -> String {
    match place {
        Place::Hour(_, hour) | Place::MonthHour(_, hour) => format!("HE {hour}"),
        Place::Component(name, unit) if !unit.is_empty() && !name.contains(unit) => {
            format!("{name}, {unit}")
        }
        place => place.to_string(),
    }
}

impl Grid {
    pub(super) async fn load(
        snapshot: &mut Snapshot,
        dataset: Dataset,
        (version, axis): (&VersionHeader, &Axis),
        labels: &[SeriesLabels],
        chosen: &[i64],
        part: Option<&str>,
    ) -> Result<Self> {
        let sight = snapshot.view.sight.clone();
        let visible: Vec<Cells> =
            labels.iter().map(|series| sight.cells(&version.admitted, &series.admitted)).collect();
        let shown = Shown::of(axis, part, |place| visible.iter().any(|cells| cells.shows(place)))?;
        let range = (shown.first, shown.names.len());
        let connection = snapshot.connection();
        let values = analysis::slice(connection, dataset, version.id, chosen, range).await?;
        // In the order of the file, whatever the order of the address.
        let found: Vec<_> = labels
            .iter()
            .filter_map(|series| Some((series, values.iter().find(|v| v.series_id == series.id)?)))
            .collect();
        if *axis == Axis::Single {
            return Ok(Self::one_value_each(shown, &found));
        }
        let columns = found.iter().enumerate().map(|(i, (s, _))| Column::new(s, i)).collect();
        let places = |series: &SeriesLabels, values: &SeriesValues| match axis {
            // Each line has a unit and decimals of its own.
            Axis::Components(_) => 0,
            _ => decimals(&series.unit, &values.values.0),
        };
        let mut cells: Vec<Vec<Cell>> =
            found.iter().map(|(s, values)| cells(places(s, values), values)).collect();
        let Shown { head, kind, parts, names, first } = shown;
        let mut keep = vec![false; names.len()];
        for ((series, _), column) in found.iter().zip(&mut cells) {
            let visible = sight.cells(&version.admitted, &series.admitted);
            for (row, (cell, keep)) in column.iter_mut().zip(&mut keep).enumerate() {
                match visible.shows(axis.place(first + row)) {
                    true => *keep = true,
                    false => *cell = Cell::Missing(""),
                }
            }
        }
        let mut rows = rows(names, &cells);
        let mut keep = keep.into_iter();
        rows.retain(|_| keep.next().unwrap_or_default());
        Ok(Self { head, kind, parts, columns, rows })
    }

    /// A row per series.
    fn one_value_each(shown: Shown, found: &[(&SeriesLabels, &SeriesValues)]) -> Self {
        let unit = found.first().map(|(series, _)| unit(&series.unit).to_owned());
        let column = Column {
            name: "Value".to_owned(),
            title: String::new(),
            unit: unit.unwrap_or_default(),
            colour: 1,
        };
        let row = |(series, values): &(&SeriesLabels, &SeriesValues)| Row {
            name: series_name(series),
            cells: cells(decimals(&series.unit, &values.values.0), values),
        };
        let Shown { head, kind, parts, .. } = shown;
        Self { head, kind, parts, columns: vec![column], rows: found.iter().map(row).collect() }
    }
}

impl Column {
    fn new(series: &SeriesLabels, place: usize) -> Self {
        Self {
            name: series_name(series),
            title: series_title(series),
            unit: unit(&series.unit).to_owned(),
            colour: place % COLOURS + 1,
        }
    }
}

fn cells(places: u32, series: &SeriesValues) -> Vec<Cell> {
    let notation = |i: usize| {
        let code = series.notation.as_deref().and_then(|text| text.as_bytes().get(i).copied());
        code.and_then(Notation::from_code).unwrap_or(Notation::Plain)
    };
    let shape = |(i, value): (usize, &Option<_>)| Cell::new(*value, notation(i), places);
    series.values.0.iter().enumerate().map(shape).collect()
}

fn rows(names: Vec<String>, columns: &[Vec<Cell>]) -> Vec<Row> {
    let row = |(i, name): (usize, String)| Row {
        name,
        cells: columns.iter().filter_map(|column| column.get(i).cloned()).collect(),
    };
    names.into_iter().enumerate().map(row).collect()
}

/// As a person names it: zone, block, and the component where it says more.
pub(super) fn series_name(series: &SeriesLabels) -> String {
    let mut name = format!("{} {}", series.load_zone, series.block_type);
    for more in [&series.cost_component, &series.sub_component] {
        let is_said = *more == series.cost_group || *more == series.load_zone;
        if !is_said && !name.ends_with(more.as_str()) {
            name = format!("{name} {more}");
        }
    }
    if series.more.is_empty() { name } else { format!("{name} / {}", series.more) }
}

/// Every label, for those who need to tell two alike apart.
pub(super) fn series_title(series: &SeriesLabels) -> String {
    let labels = [
        ("State", &series.state),
        ("load zone", &series.load_zone),
        ("capacity zone", &series.capacity_zone),
        ("utility", &series.utility),
        ("block type", &series.block_type),
        ("cost group", &series.cost_group),
        ("cost component", &series.cost_component),
        ("caption", &series.sub_component),
        ("more", &series.more),
    ];
    let told = labels.iter().filter(|(_, value)| !value.is_empty());
    told.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// The unit as a heading has it: percentages are stored as fractions.
pub(super) fn unit(unit: &str) -> &str {
    if unit == "%" { "%, as a fraction" } else { unit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::numeric::Values;

    #[test]
    fn of_hours_one_day_is_shown_and_of_other_axes_everything() {
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        let (first, second) = (day("2031-11-01"), day("2031-11-02"));
        let axis = Axis::Hours(vec![(first, 24), (second, 1), (second, 2), (second, 25)]);
        let shown = Shown::of(&axis, Some("2031-11-02"), |_| true).unwrap();
        assert_eq!((shown.first, shown.names.join(" ")), (1, "HE 1 HE 2 HE 25".to_owned()));
        assert_eq!(shown.parts.len(), 2);
        assert_eq!(Shown::of(&axis, None, |_| true).unwrap().names, ["HE 24"]);
        assert!(Shown::of(&axis, Some("2031-11-03"), |_| true).is_err());
        let months = Axis::MonthHours(vec![(1, 1), (1, 2), (2, 1)]);
        assert_eq!(Shown::of(&months, Some("2"), |_| true).unwrap().first, 2);
        assert_eq!(Shown::of(&Axis::Single, None, |_| true).unwrap().names.len(), 1);
    }

    #[test]
    fn columns_line_up_and_gaps_tell_why() {
        let series = SeriesValues {
            series_id: 1,
            values: Values(vec!["19.7".parse().ok(), None, "20.25".parse().ok()]),
            notation: Some("n#n".into()),
        };
        let value = |text: &str| Cell::Value(text.into());
        assert_eq!(cells(2, &series), [value("19.70"), Cell::Missing("#N/A"), value("20.25")]);
    }
}
