//! The reading of a file by the declaration of its family: layout, places, values, series.

use std::collections::{BTreeSet, HashMap};

use crate::{
    domain::{Code, ContractMonth, Finding, Place, SeriesKey, column_letters},
    grid::Grid,
};

use super::{
    Context, Reading,
    curve::{Curve, CurveSeries},
    index,
    labels::SeriesLabels,
    layout::{Layout, ValueColumn},
    report::{Findings, Tally},
    rules::{Index, Rules},
    totals,
    values::{Cells, Table},
};

/// Turns the cells of a file into a curve. `findings` holds what the grid warned of.
pub fn read(rules: &Rules, grid: &Grid, context: &Context<'_>, mut findings: Findings) -> Reading {
    let iso = context.name.dataset.iso;
    let Some(layout) = Layout::find(rules, grid, iso, &mut findings) else {
        return Reading::refused(findings);
    };
    let places = index::read(rules.index, grid, &layout, context, &mut findings);
    let mut tally = Tally::default();
    let table = Table::read(rules, grid, &layout, &places, (&mut tally, &mut findings));
    let units = table.units(context, &mut findings);
    let columns = table.columns;
    let series = if rules.has_series_in_rows() {
        series_of_rows(rules, &layout, &units, &columns)
    } else {
        series_of_columns(rules, &layout, &units, columns)
    };
    check_duplicates(&series, &layout, &mut findings);
    let months = months_of(rules.index, &places);
    let stats = tally.finish(layout.data_rows.len(), layout.columns.len(), months.as_ref());
    let readable: Option<Vec<Place<'_>>> = places.iter().copied().collect();
    let curve = readable.filter(|_| !findings.has_errors()).map(|places| {
        let axis = index::axis(rules.index, &places, &units);
        Curve { axis, rows: layout.data_rows, series }.in_order()
    });
    if let Some(curve) = curve.as_ref().filter(|_| rules.has_units_by_row()) {
        totals::check(curve, &mut findings);
    }
    Reading { curve, stats: Some(stats), findings }
}

/// The contract months of the rows; `None` where rows are none.
fn months_of(index: Index, places: &[Option<Place<'_>>]) -> Option<BTreeSet<ContractMonth>> {
    let month = |place: &Place<'_>| match *place {
        Place::Month(month) => Some(month),
        Place::Hour(day, _) => Some(ContractMonth::containing(day)),
        _ => None,
    };
    matches!(index, Index::Month { .. } | Index::DayHour)
        .then(|| places.iter().flatten().filter_map(month).collect())
}

fn key(rules: &Rules, series: &SeriesLabels, caption: &str, unit: &str) -> SeriesKey {
    let sub_component = match caption {
        _ if rules.has_units_by_row() => "",
        caption if rules.has_sub_component && !caption.is_empty() => caption,
        _ => &series.labels.cost_component,
    };
    SeriesKey {
        sub_component: sub_component.to_owned(),
        unit: unit.to_owned(),
        labels: series.labels.clone(),
        more: series.more.clone(),
    }
}

/// A series for each column of values.
fn series_of_columns(
    rules: &Rules,
    layout: &Layout,
    units: &[&'static str],
    columns: Vec<Cells>,
) -> Vec<CurveSeries> {
    let units = units.iter().copied().take_while(|_| !rules.has_units_by_row());
    let labelled = layout.columns.iter().zip(&layout.series);
    let all = labelled.zip(columns).zip(units.chain(std::iter::repeat("")));
    all.map(|(((ValueColumn { index, caption }, series), cells), unit)| CurveSeries {
        key: key(rules, series, caption, unit),
        column: *index,
        row: None,
        lookup_id: series.lookup_id.clone(),
        numbers: cells.numbers,
        notations: cells.notations,
    })
    .collect()
}

/// A series for each row of the only column of values.
fn series_of_rows(
    rules: &Rules,
    layout: &Layout,
    units: &[&'static str],
    columns: &[Cells],
) -> Vec<CurveSeries> {
    let ([column], [unit], [cells]) = (&*layout.columns, units, columns) else { return Vec::new() };
    let values = cells.numbers.iter().zip(&cells.notations);
    let all = layout.series.iter().zip(&layout.data_rows).zip(values);
    all.map(|((series, row), (number, notation))| CurveSeries {
        key: key(rules, series, &column.caption, unit),
        column: column.index,
        row: Some(*row),
        lookup_id: series.lookup_id.clone(),
        numbers: vec![*number],
        notations: vec![*notation],
    })
    .collect()
}

fn check_duplicates(series: &[CurveSeries], layout: &Layout, findings: &mut Findings) {
    let mut known: HashMap<&SeriesKey, &CurveSeries> = HashMap::new();
    for one in series {
        let Some(first) = known.insert(&one.key, one) else { continue };
        let letters = |one: &CurveSeries| column_letters(one.column + 1);
        let (what, row) = match first.row.zip(one.row) {
            Some((first, row)) => (format!("rows {} and {}", first + 1, row + 1), row),
            None => (format!("columns {} and {}", letters(first), letters(one)), layout.header),
        };
        let message = format!("{what} have the same labels and unit");
        let finding = Finding::new(Code::DuplicateSeries, message).row(row).column(one.column);
        let hint = "drop one of them or tell them apart by a label or caption";
        findings.push(finding.label(one.key.to_string()).hint(hint));
    }
}
