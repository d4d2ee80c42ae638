//! Curves with one row per contract month: energy, nonenergy, rec.

use std::collections::{BTreeMap, HashMap};

use crate::{
    domain::{Axis, Code, ContractMonth, Finding, MoreLabels, Notation, SeriesKey, ValueBand},
    grid::{Grid, Row},
};

use super::{
    Context, Reading, cell,
    curve::{Curve, CurveSeries},
    date::{self, DateFormat, ReadDate},
    layout::{LabelledColumn, Layout, LayoutRules},
    report::{Findings, Tally},
    unit,
};

/// Months of an energy file, from the file's own month on.
const ENERGY_WINDOW: usize = 61;

/// What the three families differ in.
#[derive(Debug, Clone, Copy)]
pub struct MonthlyRules {
    /// Whether the row above the header row repeats the states.
    pub has_state_row: bool,
    /// Whether the months should be 61 in a row from the file's own month.
    pub has_window: bool,
}

/// Reads a monthly curve.
pub fn read(
    grid: &Grid,
    context: &Context<'_>,
    rules: MonthlyRules,
    mut findings: Findings,
) -> Reading {
    let iso = context.name.dataset.iso;
    let layout = LayoutRules { iso, has_state_row: rules.has_state_row };
    let Some(layout) = Layout::find(grid, layout, &mut findings) else {
        return Reading::refused(findings);
    };
    let months = read_months(grid, &layout, &mut findings);
    if rules.has_window {
        let first = ContractMonth::containing(context.name.timestamp.operating_day());
        check_window(&months, first, &layout, &mut findings);
    }
    let readable: Option<Vec<ContractMonth>> = months.iter().copied().collect();
    let axis: Vec<ContractMonth> = months.iter().copied().flatten().collect();
    let mut columns: Vec<ValueColumn<'_>> = layout
        .columns
        .iter()
        .map(|column| ValueColumn::new(column, layout.data_rows.len()))
        .collect();
    let mut tally = Tally::default();
    for (place, &index) in layout.data_rows.iter().enumerate() {
        read_row(&grid.row(index), index, months[place], &mut columns, (&mut tally, &mut findings));
    }
    let series = finish_columns(columns, context, &layout, &months, &mut findings);
    check_duplicates(&series, &layout, &mut findings);
    let stats = tally.finish(layout.data_rows.len(), layout.columns.len(), &axis);
    let curve = readable
        .filter(|_| !findings.has_errors())
        .map(|months| Curve { axis: Axis::Months(months), rows: layout.data_rows, series })
        .map(Curve::in_order);
    Reading { curve, stats: Some(stats), findings }
}

/// The month of each data row; `None` where it could not be read.
fn read_months(
    grid: &Grid,
    layout: &Layout,
    findings: &mut Findings,
) -> Vec<Option<ContractMonth>> {
    let mut dates: Vec<Option<ReadDate>> = Vec::with_capacity(layout.data_rows.len());
    let mut format = None;
    for &index in &layout.data_rows {
        let text = grid.row(index).cell(0);
        let read = date::read(grid, text).map_err(|code| wrong_date(code, text.trimmed()));
        let checked = read.and_then(|read| check_format(read, &mut format));
        dates
            .push(checked.map_err(|f| findings.push(f.row(index).column(0).value(text.text))).ok());
    }
    if let Some(place) = days_of_january(&dates) {
        let index = layout.data_rows[place];
        let message = "the first number of every date is 1 and the second ones differ: days and months seem exchanged";
        let finding = Finding::new(Code::DateOrder, message)
            .row(index)
            .column(0)
            .value(grid.row(index).cell(0).text);
        findings.push(finding.hint("write dates as M/D/YYYY or YYYY-MM-DD"));
        return vec![None; dates.len()];
    }
    let months: Vec<Option<ContractMonth>> = dates
        .iter()
        .zip(&layout.data_rows)
        .map(|(read, &index)| first_of_month(grid, (*read)?, index, findings))
        .collect();
    check_sequence(&months, layout, findings);
    months
}

fn wrong_date(code: Code, text: &str) -> Finding {
    let (message, hint) = match (code, text) {
        (Code::DateOrder, _) => (
            "the first number is above 12: dates are read month first".to_owned(),
            "write dates as M/D/YYYY or YYYY-MM-DD",
        ),
        (_, "") => {
            ("the row has values but no date".to_owned(), "fill in the month or empty the row")
        }
        _ => (
            format!("{:?} is not a date", text.chars().take(40).collect::<String>()),
            "write the month as M/1/YYYY, YYYY-MM-01 or Mon-YY; totals and footnotes do not belong here",
        ),
    };
    Finding::new(code, message).hint(hint)
}

fn check_format(read: ReadDate, format: &mut Option<DateFormat>) -> Result<ReadDate, Finding> {
    let first = *format.get_or_insert(read.format);
    if first == read.format {
        return Ok(read);
    }
    let message = format!("the date is written as {}, those above as {first}", read.format);
    Err(Finding::new(Code::MixedDateFormats, message).hint("write all dates of a file alike"))
}

/// Whether every date lies in January though the days differ, as when D/M is read as M/D: the first
/// place that gives it away.
fn days_of_january(dates: &[Option<ReadDate>]) -> Option<usize> {
    use chrono::Datelike;
    let slashes =
        |read: &ReadDate| matches!(read.format, DateFormat::SlashLong | DateFormat::SlashShort);
    let all_january =
        dates.iter().all(|read| read.is_some_and(|read| slashes(&read) && read.day.month() == 1));
    all_january
        .then(|| dates.iter().position(|read| read.is_some_and(|read| read.day.day() != 1)))
        .flatten()
}

fn first_of_month(
    grid: &Grid,
    read: ReadDate,
    index: usize,
    findings: &mut Findings,
) -> Option<ContractMonth> {
    let month = ContractMonth::from_first_day(read.day);
    if month.is_none() {
        let message = format!("{} is not the first of a month", read.day);
        findings.push(
            Finding::new(Code::NotFirstOfMonth, message)
                .row(index)
                .column(0)
                .value(grid.row(index).cell(0).text)
                .hint("monthly curves name each month by its first day"),
        );
    }
    month
}

/// Each month once; gaps and disorder are warned of.
fn check_sequence(months: &[Option<ContractMonth>], layout: &Layout, findings: &mut Findings) {
    let mut places: BTreeMap<ContractMonth, Vec<usize>> = BTreeMap::new();
    for (month, &row) in months.iter().zip(&layout.data_rows) {
        if let Some(month) = month {
            places.entry(*month).or_default().push(row);
        }
    }
    for (month, rows) in places.iter().filter(|(_, rows)| rows.len() > 1) {
        let named: Vec<String> = rows.iter().map(|row| (row + 1).to_string()).collect();
        for &row in rows {
            let message = format!("the month {month} stands in rows {}", named.join(" and "));
            findings.push(
                Finding::new(Code::DuplicateMonth, message)
                    .row(row)
                    .column(0)
                    .hint("keep one row for each month"),
            );
        }
    }
    warn_of_gaps(&places, findings);
    let disorder = months.windows(2).position(|pair| matches!(pair, [Some(a), Some(b)] if b < a));
    if let Some(place) = disorder {
        let row = layout.data_rows[place + 1];
        let message = "the months do not ascend; they are stored in order";
        findings.push(Finding::new(Code::MonthOrder, message).row(row).column(0));
    }
}

fn warn_of_gaps(places: &BTreeMap<ContractMonth, Vec<usize>>, findings: &mut Findings) {
    let months: Vec<ContractMonth> = places.keys().copied().collect();
    let gaps: Vec<ContractMonth> = months
        .windows(2)
        .flat_map(|pair| (1..pair[1].months_since(pair[0])).map(|step| pair[0].plus(step)))
        .collect();
    if gaps.is_empty() {
        return;
    }
    let listed: Vec<String> = gaps.iter().take(24).map(ToString::to_string).collect();
    let more = if gaps.len() > listed.len() { ", …" } else { "" };
    let message = format!("{} months are missing: {}{more}", gaps.len(), listed.join(", "));
    findings.push(Finding::new(Code::MonthGap, message));
}

fn check_window(
    months: &[Option<ContractMonth>],
    first: ContractMonth,
    layout: &Layout,
    findings: &mut Findings,
) {
    let expected = (0_i32..).map(|step| Some(first.plus(step)));
    if months.len() == ENERGY_WINDOW && months.iter().copied().eq(expected.take(ENERGY_WINDOW)) {
        return;
    }
    if months.iter().all(Option::is_some) {
        let message = format!(
            "the months are not the {ENERGY_WINDOW} from {first} on that an energy file usually has"
        );
        findings.push(
            Finding::new(Code::UnexpectedWindow, message)
                .row(layout.data_rows[0])
                .column(0)
                .hint("check that the file is the one that its name tells"),
        );
    }
}

/// A value column while it is read.
struct ValueColumn<'a> {
    labelled: &'a LabelledColumn,
    numbers: Vec<rust_decimal::Decimal>,
    notations: Vec<Notation>,
}

impl<'a> ValueColumn<'a> {
    fn new(labelled: &'a LabelledColumn, rows: usize) -> Self {
        Self { labelled, numbers: Vec::with_capacity(rows), notations: Vec::with_capacity(rows) }
    }

    /// The notations other than the neutral ones (zeros, dashes, missing cells) with the first
    /// place of the second one.
    fn mixed(&self) -> Option<(Notation, Notation, usize)> {
        let mut first = None;
        for (place, (number, &notation)) in self.numbers.iter().zip(&self.notations).enumerate() {
            if number.is_zero() || matches!(notation, Notation::Missing(_) | Notation::Dash) {
                continue;
            }
            match first {
                None => first = Some(notation),
                Some(first) if first != notation => return Some((first, notation, place)),
                Some(_) => {}
            }
        }
        None
    }

    fn has(&self, notation: Notation) -> bool {
        self.notations.contains(&notation)
    }
}

fn read_row(
    row: &Row<'_>,
    index: usize,
    month: Option<ContractMonth>,
    columns: &mut [ValueColumn<'_>],
    (tally, findings): (&mut Tally, &mut Findings),
) {
    let mut cells = row.cells().peekable();
    for column in columns {
        while cells.next_if(|(at, _)| *at < column.labelled.index).is_some() {}
        let found = cells.next_if(|(at, _)| *at == column.labelled.index);
        let cell = found.map_or(crate::grid::Cell::EMPTY, |(_, cell)| cell);
        let (number, notation) = match cell::read(cell) {
            Ok(value) => {
                if value.rounded {
                    let message = "more than 15 decimals; rounded half-even to 15";
                    let finding = Finding::new(Code::PrecisionReduced, message);
                    findings.push(place(finding, column.labelled, index, month).value(cell.text));
                }
                tally.add(value.number, value.notation);
                (value.number, value.notation)
            }
            Err(code) => {
                tally.add_unreadable();
                let finding = wrong_cell(code, cell.trimmed());
                findings.push(place(finding, column.labelled, index, month).value(cell.text));
                (rust_decimal::Decimal::ZERO, Notation::Missing(crate::domain::Missing::Blank))
            }
        };
        column.numbers.push(number);
        column.notations.push(notation);
    }
}

fn place(
    finding: Finding,
    column: &LabelledColumn,
    row: usize,
    month: Option<ContractMonth>,
) -> Finding {
    let finding = finding.row(row).column(column.index);
    match month {
        Some(month) => finding.label(format!("{}, {month}", column.labels)),
        None => finding.label(column.labels.to_string()),
    }
}

fn wrong_cell(code: Code, text: &str) -> Finding {
    let (message, hint) = match code {
        Code::NotFinite => {
            ("the value is infinite".to_owned(), "write #N/A where there is no price")
        }
        Code::OutOfRange => {
            ("the value is not below 1e12".to_owned(), "check the unit and the decimal point")
        }
        _ if text.is_empty() => (
            "a formula without a stored value".to_owned(),
            "open the workbook in Excel and save it, so that it holds its values",
        ),
        _ => (
            format!("{:?} is not a number", text.chars().take(60).collect::<String>()),
            "write a number, or #N/A or nothing where there is no price",
        ),
    };
    Finding::new(code, message).hint(hint)
}

fn finish_columns(
    columns: Vec<ValueColumn<'_>>,
    context: &Context<'_>,
    layout: &Layout,
    months: &[Option<ContractMonth>],
    findings: &mut Findings,
) -> Vec<CurveSeries> {
    columns
        .into_iter()
        .map(|column| {
            let decision = decide_unit(&column, context, layout, findings);
            check_notations(&column, layout, months, findings);
            let band = context
                .bands
                .iter()
                .find(|band| band.family == context.name.dataset.family && band.unit == decision);
            if let Some(band) = band {
                check_band(&column, band, layout, months, findings);
            }
            let LabelledColumn { index, labels, caption, lookup_id } = column.labelled.clone();
            let sub_component = match caption.is_empty() {
                true => labels.cost_component.clone(),
                false => caption,
            };
            CurveSeries {
                key: SeriesKey {
                    labels,
                    sub_component,
                    unit: decision.to_owned(),
                    more: MoreLabels::default(),
                },
                column: index,
                row: None,
                lookup_id,
                numbers: column.numbers,
                notations: column.notations,
            }
        })
        .collect()
}

fn decide_unit(
    column: &ValueColumn<'_>,
    context: &Context<'_>,
    layout: &Layout,
    findings: &mut Findings,
) -> &'static str {
    let labels = &column.labelled.labels;
    let decision = unit::decide(unit::Evidence {
        dataset: context.name.dataset,
        caption: &column.labelled.caption,
        cost_group: &labels.cost_group,
        cost_component: &labels.cost_component,
        has_percent: column.has(Notation::Percent),
        has_money: column.has(Notation::Money),
    });
    let mut warn = |code, message: String| {
        let finding = Finding::new(code, message).row(layout.header).column(column.labelled.index);
        findings.push(
            finding.label(column.labelled.labels.to_string()).value(&column.labelled.caption),
        );
    };
    if let Some(conflict) = decision.conflict {
        warn(Code::UnitConflict, format!("{conflict}; stored as {}", decision.unit));
    }
    if let Some(text) = decision.unknown {
        warn(
            Code::UnknownUnit,
            format!("the unit {text:?} is not known; stored as {}", decision.unit),
        );
    }
    decision.unit
}

fn check_notations(
    column: &ValueColumn<'_>,
    layout: &Layout,
    months: &[Option<ContractMonth>],
    findings: &mut Findings,
) {
    let Some((first, second, at)) = column.mixed() else { return };
    let message = format!(
        "{} cells, then {} from here on; all are stored in the column's unit",
        words(first),
        words(second)
    );
    let finding = Finding::new(Code::MixedUnits, message);
    findings.push(
        place(finding, column.labelled, layout.data_rows[at], months[at])
            .hint("check that percent cells and fractions mean the same"),
    );
}

const fn words(notation: Notation) -> &'static str {
    match notation {
        Notation::Money => "money",
        Notation::Percent => "percent",
        _ => "plain",
    }
}

fn check_band(
    column: &ValueColumn<'_>,
    band: &ValueBand,
    layout: &Layout,
    months: &[Option<ContractMonth>],
    findings: &mut Findings,
) {
    for (at, (number, notation)) in column.numbers.iter().zip(&column.notations).enumerate() {
        if matches!(notation, Notation::Missing(_)) || band.contains(*number) {
            continue;
        }
        let side = if band.low.is_some_and(|low| *number < low) { "below" } else { "above" };
        let message = format!("{number} {} is {side} the band {band}", band.unit);
        let code = if band.hard { Code::OutsideBand } else { Code::OutOfBand };
        let finding = Finding::new(code, message);
        findings.push(
            place(finding, column.labelled, layout.data_rows[at], months[at])
                .value(&number.to_string())
                .hint("check the decimal point"),
        );
    }
}

fn check_duplicates(series: &[CurveSeries], layout: &Layout, findings: &mut Findings) {
    let mut known: HashMap<&SeriesKey, usize> = HashMap::new();
    for one in series {
        if let Some(first) = known.insert(&one.key, one.column) {
            let (first, second) = (
                crate::domain::column_letters(first + 1),
                crate::domain::column_letters(one.column + 1),
            );
            let message = format!("columns {first} and {second} have the same labels and unit");
            findings.push(
                Finding::new(Code::DuplicateSeries, message)
                    .row(layout.header)
                    .column(one.column)
                    .label(one.key.to_string())
                    .hint("drop one of the columns or tell them apart by a label or caption"),
            );
        }
    }
}
