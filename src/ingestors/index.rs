//! What each data row stands for: the cells of its index columns become the places of an axis.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::{
    domain::{
        Axis, ClockChange, Code, Component, ContractMonth, Finding, Iso, Place, clock_change,
    },
    grid::Grid,
};

use super::{
    Context,
    cell::{is_error_marker, is_missing_marker},
    date::{Dates, ReadDate, days_of_january},
    labels::check_text,
    layout::Layout,
    report::Findings,
    rules::Index,
};

/// The header word under which the days of an hourly file are firsts of months.
const MONTH: &str = "month";
/// The hours of a day, and the one more on the day when clocks go back.
const HOURS: u8 = 24;

/// Reads the place of each data row; `None` where it could not be read. Components have no unit yet.
pub fn read<'g>(
    index: Index,
    grid: &'g Grid,
    layout: &Layout,
    context: &Context<'_>,
    findings: &mut Findings,
) -> Vec<Option<Place<'g>>> {
    let iso = context.name.dataset.iso;
    let mut reader = IndexReader { grid, layout, findings };
    let places: Vec<Option<Place<'g>>> = match index {
        Index::Series => return layout.data_rows.iter().map(|_| Some(Place::Single)).collect(),
        Index::Month { .. } => {
            let months = reader.months().into_iter();
            months.map(|month| month.map(Place::Month)).collect()
        }
        Index::DayHour => {
            let days = reader.days();
            let hour = |(row, day): (usize, Option<NaiveDate>)| {
                let hour = reader.hour(row, hours_of(day, iso, layout));
                Some(Place::Hour(day?, hour?))
            };
            layout.data_rows.iter().copied().zip(days).map(hour).collect()
        }
        Index::MonthHour => {
            let place = |&row: &usize| {
                let (month, hour) = (reader.month_number(row), reader.hour(row, HOURS));
                Some(Place::MonthHour(month?, hour?))
            };
            layout.data_rows.iter().map(place).collect()
        }
        Index::Component => {
            let place = |row: &usize| Some(Place::Component(reader.component(*row)?, ""));
            layout.data_rows.iter().map(place).collect()
        }
    };
    reader.refuse_doubles(&places, index);
    if index != Index::Component {
        reader.warn_of_gaps(&places);
        reader.warn_of_disorder(&places);
    }
    if let Index::Month { window: Some(length) } = index {
        let first = ContractMonth::containing(context.name.timestamp.operating_day());
        reader.check_window(&places, first, length);
    }
    places
}

/// The axis of places that could all be read; `units` are those of components.
pub fn axis(index: Index, places: &[Place<'_>], units: &[&'static str]) -> Axis {
    let places = places.iter().copied();
    match index {
        Index::Series => Axis::Single,
        Index::Month { .. } => Axis::Months(
            places
                .filter_map(|p| if let Place::Month(month) = p { Some(month) } else { None })
                .collect(),
        ),
        Index::DayHour => Axis::Hours(
            places
                .filter_map(|p| if let Place::Hour(day, he) = p { Some((day, he)) } else { None })
                .collect(),
        ),
        Index::MonthHour => Axis::MonthHours(
            places
                .filter_map(|p| if let Place::MonthHour(n, he) = p { Some((n, he)) } else { None })
                .collect(),
        ),
        Index::Component => {
            let names = places
                .filter_map(|p| if let Place::Component(name, _) = p { Some(name) } else { None });
            let component = |(name, unit): (&str, &&str)| Component {
                name: name.to_owned(),
                unit: (*unit).to_owned(),
            };
            Axis::Components(names.zip(units).map(component).collect())
        }
    }
}

/// The last hour ending of a day: 25 only where the file names days and the clocks of the ISO go
/// back on it. MISO keeps Eastern Standard Time all year.
fn hours_of(day: Option<NaiveDate>, iso: Iso, layout: &Layout) -> u8 {
    let is_long = layout.header_word != MONTH
        && iso != Iso::Miso
        && day.and_then(clock_change) == Some(ClockChange::Autumn);
    HOURS + u8::from(is_long)
}

struct IndexReader<'g, 'a> {
    grid: &'g Grid,
    layout: &'a Layout,
    findings: &'a mut Findings,
}

impl<'g> IndexReader<'g, '_> {
    fn text(&self, row: usize, column: usize) -> &'g str {
        self.grid.row(row).cell(column).trimmed()
    }

    /// Tells of a cell of an index column.
    fn refuse(&mut self, finding: Finding, row: usize, column: usize) {
        let text = self.grid.row(row).cell(column).text;
        self.findings.push(finding.row(row).column(column).value(text));
    }

    /// The date of each row.
    fn dates(&mut self) -> Vec<Option<ReadDate>> {
        let mut dates = Dates::of(self.grid);
        let layout = self.layout;
        let mut read = |&row: &usize| {
            let read = dates.read(self.grid.row(row).cell(0));
            read.map_err(|finding| self.refuse(finding, row, 0)).ok()
        };
        layout.data_rows.iter().map(&mut read).collect()
    }

    /// The day of each row: any under `Date`, a first of month under `Month`.
    fn days(&mut self) -> Vec<Option<NaiveDate>> {
        if self.layout.header_word == MONTH {
            let months = self.months().into_iter();
            return months.map(|month| month.map(ContractMonth::first_day)).collect();
        }
        self.dates().into_iter().map(|read| read.map(|read| read.day)).collect()
    }

    /// The month of each row, which is named by its first day.
    fn months(&mut self) -> Vec<Option<ContractMonth>> {
        let dates = self.dates();
        if let Some(place) = days_of_january(&dates) {
            let message = "the first number of every date is 1 and the second ones differ: days and months seem exchanged";
            let finding = Finding::new(Code::DateOrder, message);
            let finding = finding.hint("write dates as M/D/YYYY or YYYY-MM-DD");
            self.refuse(finding, self.layout.data_rows[place], 0);
            return vec![None; dates.len()];
        }
        let rows = self.layout.data_rows.iter();
        rows.zip(dates).map(|(&row, read)| self.first_of_month(row, read?)).collect()
    }

    fn first_of_month(&mut self, row: usize, read: ReadDate) -> Option<ContractMonth> {
        let month = ContractMonth::from_first_day(read.day);
        if month.is_none() {
            let message = format!("{} is not the first of a month", read.day);
            let finding = Finding::new(Code::NotFirstOfMonth, message);
            self.refuse(finding.hint("curves by month name each month by its first day"), row, 0);
        }
        month
    }

    fn month_number(&mut self, row: usize) -> Option<u8> {
        let month = integer(self.text(row, 0), 12);
        if month.is_none() {
            let finding = Finding::new(Code::BadMonth, "the month is not an integer of 1 to 12");
            self.refuse(finding.hint("write the number of the month"), row, 0);
        }
        month
    }

    fn hour(&mut self, row: usize, last: u8) -> Option<u8> {
        let hour = integer(self.text(row, 1), last);
        if hour.is_none() {
            let message = format!("the hour ending is not an integer of 1 to {last}");
            let hint = "25 is the hour that comes twice on the day when clocks go back";
            self.refuse(Finding::new(Code::BadHour, message).hint(hint), row, 1);
        }
        hour
    }

    fn component(&mut self, row: usize) -> Option<&'g str> {
        let name = self.text(row, 0);
        let checked = if name.is_empty() || is_missing_marker(name) || is_error_marker(name) {
            let message = "the row has values but no name of a component";
            Err(Finding::new(Code::LabelBlank, message).hint("name the component or empty the row"))
        } else {
            check_text("the component's name", name)
        };
        checked.map(|()| name).map_err(|finding| self.refuse(finding, row, 0)).ok()
    }

    /// Refuses places that come twice, in each of their rows.
    fn refuse_doubles(&mut self, places: &[Option<Place<'g>>], index: Index) {
        let (code, what) = match index {
            Index::DayHour | Index::MonthHour => (Code::DuplicateHour, "hour"),
            Index::Component => (Code::DuplicateSeries, "component"),
            Index::Month { .. } | Index::Series => (Code::DuplicateMonth, "month"),
        };
        let mut rows: BTreeMap<Place<'_>, Vec<usize>> = BTreeMap::new();
        for (place, &row) in places.iter().zip(&self.layout.data_rows) {
            if let Some(place) = place {
                rows.entry(*place).or_default().push(row);
            }
        }
        for (place, rows) in rows.iter().filter(|(_, rows)| rows.len() > 1) {
            let named: Vec<String> = rows.iter().map(|row| (row + 1).to_string()).collect();
            for &row in rows {
                let message = format!("the {what} {place} stands in rows {}", named.join(" and "));
                let finding = Finding::new(code, message).row(row).column(0);
                self.findings.push(finding.hint(format!("keep one row for each {what}")));
            }
        }
    }

    /// Warns of months between the first and the last that no row has. The days of a file that names
    /// days are samples; they have no gaps.
    fn warn_of_gaps(&mut self, places: &[Option<Place<'g>>]) {
        let has_days = self.layout.header_word != MONTH;
        let mut months: Vec<Month> =
            places.iter().flatten().filter_map(|p| Month::of(*p, has_days)).collect();
        months.sort_unstable();
        months.dedup();
        let gaps: Vec<Month> =
            months.windows(2).flat_map(|pair| pair[0].between(pair[1])).collect();
        if gaps.is_empty() {
            return;
        }
        let listed: Vec<String> = gaps.iter().take(24).map(ToString::to_string).collect();
        let more = if gaps.len() > listed.len() { ", …" } else { "" };
        let message = format!("{} months are missing: {}{more}", gaps.len(), listed.join(", "));
        self.findings.push(Finding::new(Code::MonthGap, message));
    }

    fn warn_of_disorder(&mut self, places: &[Option<Place<'g>>]) {
        let falls = |pair: &[Option<Place<'_>>]| matches!(pair, [Some(a), Some(b)] if b < a);
        if let Some(place) = places.windows(2).position(falls) {
            let row = self.layout.data_rows[place + 1];
            let message = "the rows do not ascend; they are stored in order";
            self.findings.push(Finding::new(Code::MonthOrder, message).row(row).column(0));
        }
    }

    fn check_window(&mut self, places: &[Option<Place<'g>>], first: ContractMonth, length: usize) {
        let expected = (0_i32..).map(|step| Some(Place::Month(first.plus(step))));
        if places.iter().copied().eq(expected.take(length)) || places.contains(&None) {
            return;
        }
        let message =
            format!("the months are not the {length} from {first} on that such a file usually has");
        let finding = Finding::new(Code::UnexpectedWindow, message).row(self.layout.data_rows[0]);
        self.findings
            .push(finding.column(0).hint("check that the file is the one that its name tells"));
    }
}

/// An integer of 1 to `last` without a sign.
fn integer(text: &str, last: u8) -> Option<u8> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_digits && (1..=last).contains(number))
}

/// A month of a year, or of any year.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Month {
    Contract(ContractMonth),
    Number(u8),
}

impl Month {
    fn of(place: Place<'_>, has_days: bool) -> Option<Self> {
        match place {
            Place::Month(month) => Some(Self::Contract(month)),
            Place::Hour(day, _) if !has_days => {
                Some(Self::Contract(ContractMonth::containing(day)))
            }
            Place::MonthHour(month, _) => Some(Self::Number(month)),
            _ => None,
        }
    }

    /// The months after this one and before `other`.
    fn between(self, other: Self) -> Vec<Self> {
        match (self, other) {
            (Self::Contract(first), Self::Contract(last)) => {
                (1..last.months_since(first)).map(|step| Self::Contract(first.plus(step))).collect()
            }
            (Self::Number(first), Self::Number(last)) => {
                (first + 1..last).map(Self::Number).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Contract(month) => month.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}
