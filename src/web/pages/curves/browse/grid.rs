//! Contract months by chosen series.

use chrono::NaiveDate;

use crate::{
    db::{
        pages::{self, SeriesLabels, SeriesValues, VersionHeader},
        snapshot::Snapshot,
    },
    domain::{Dataset, Notation},
    error::Result,
    web::pages::format::{Cell, decimals},
};

/// Colours of the charts' series.
const COLOURS: usize = 8;

/// A table of one version.
pub(super) struct Grid {
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
    pub(super) month: String,
    pub(super) cells: Vec<Cell>,
}

impl Grid {
    pub(super) async fn load(
        snapshot: &mut Snapshot,
        dataset: Dataset,
        version: &VersionHeader,
        labels: &[SeriesLabels],
        chosen: &[i64],
    ) -> Result<Self> {
        let values = pages::values(snapshot, dataset, version.id, chosen).await?;
        // In the order of the file, whatever the order of the address.
        let shown: Vec<_> = labels
            .iter()
            .filter_map(|series| Some((series, values.iter().find(|v| v.series_id == series.id)?)))
            .collect();
        let columns = shown.iter().enumerate().map(|(i, (s, _))| Column::new(s, i)).collect();
        let cells: Vec<Vec<Cell>> =
            shown.iter().map(|(s, values)| cells(&s.unit, values)).collect();
        Ok(Self { columns, rows: rows(&version.months, &cells) })
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

fn cells(unit: &str, series: &SeriesValues) -> Vec<Cell> {
    let places = decimals(unit, &series.values.0);
    let notation = |i: usize| {
        let code = series.notation.as_deref().and_then(|text| text.as_bytes().get(i).copied());
        code.and_then(Notation::from_code).unwrap_or(Notation::Plain)
    };
    let shape = |(i, value): (usize, &Option<_>)| Cell::new(*value, notation(i), places);
    series.values.0.iter().enumerate().map(shape).collect()
}

fn rows(months: &[NaiveDate], columns: &[Vec<Cell>]) -> Vec<Row> {
    let row = |(i, month): (usize, &NaiveDate)| Row {
        month: month.format("%Y-%m").to_string(),
        cells: columns.iter().filter_map(|column| column.get(i).cloned()).collect(),
    };
    months.iter().enumerate().map(row).collect()
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
    name
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
    ];
    labels.map(|(name, value)| format!("{name} {value}")).join(", ")
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
    fn columns_line_up_and_gaps_tell_why() {
        let series = SeriesValues {
            series_id: 1,
            values: Values(vec!["19.7".parse().ok(), None, "20.25".parse().ok()]),
            notation: Some("n#n".into()),
        };
        let value = |text: &str| Cell::Value(text.into());
        assert_eq!(
            cells("$/MWh", &series),
            [value("19.70"), Cell::Missing("#N/A"), value("20.25")]
        );
    }
}
