//! The long layout of feeds: one record for each slot and metric.

use std::io;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::{
    stamp::{LocalClock, put_utc},
    zone,
};
use crate::{
    db::feeds::regions::{MixSeries, Series},
    domain::feed::Window,
    extractors::{
        cell::{Cell, Sink},
        number,
        writers::csv::put_cell,
    },
};

/// The columns; what a kind has besides comes after them.
pub const COLUMNS: [&str; 12] = [
    "region",
    "feed",
    "factor_set",
    "metric",
    "start_utc",
    "start_local",
    "seconds",
    "value",
    "unit",
    "quality",
    "rev",
    "known_at",
];

/// Whose records follow.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Where; which feed brought it; under which set of factors, empty for what has none.
    names: [String; 3],
    /// The same as they begin a line.
    front: Vec<u8>,
    /// The clock of the place.
    clock: LocalClock,
}

impl Subject {
    /// A region with a feed and a set of factors, where there are any, and the clock of the place.
    #[must_use]
    pub fn new(region: &str, feed: Option<&str>, factor_set: Option<&str>, zone: Tz) -> Self {
        let names = [region, feed.unwrap_or_default(), factor_set.unwrap_or_default()];
        let mut front = Vec::new();
        for name in names {
            put_cell(&mut front, &Cell::Text(name));
            front.push(b',');
        }
        Self { names: names.map(str::to_owned), front, clock: LocalClock::new(zone) }
    }

    /// A region with the clock of the place, and a series where there is one.
    #[must_use]
    pub fn of(region: &str, zone: Tz, series: Option<&Series>) -> Self {
        let feed = series.map(|one| &*one.feed_id);
        Self::new(region, feed, series.map(|one| &*one.factor_set_id), zone)
    }

    /// Where.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.names[0]
    }
}

impl From<&Series> for Subject {
    fn from(one: &Series) -> Self {
        Self::new(&one.region_id, Some(&one.feed_id), Some(&one.factor_set_id), zone(&one.zone))
    }
}

impl From<&MixSeries> for Subject {
    fn from(one: &MixSeries) -> Self {
        Self::new(&one.region_id, Some(&one.feed_id), None, zone(&one.zone))
    }
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Which metric, or which fuel.
    pub metric: &'a str,
    /// Start of the slot or span.
    pub start: DateTime<Utc>,
    /// Its length.
    pub seconds: i64,
    /// What is told; none: not known.
    pub value: Option<Decimal>,
    /// In which unit.
    pub unit: &'a str,
    /// How it came about; none where the feed does not say.
    pub quality: Option<&'a str>,
    /// Which content of the row; none for what is computed as it is asked.
    pub rev: Option<i32>,
    /// When it became known.
    pub known_at: DateTime<Utc>,
    /// What its kind has besides.
    pub more: More,
}

/// What some kinds have besides.
#[derive(Debug, Clone, Copy)]
pub enum More {
    /// Slots as they are.
    Nothing,
    /// Spans of the calendar.
    Coverage {
        /// Mean weighted by generation.
        weighted: Option<Decimal>,
        /// Slots that it has.
        expected: i32,
        /// Slots that count.
        present: i32,
        /// Whether every slot counts and the span is over.
        complete: bool,
    },
    /// A forecast.
    Issued(DateTime<Utc>),
    /// A mean over any range: how much of it is known.
    Known(Decimal),
    /// The newest slot.
    Age {
        /// Since it ended.
        seconds: i64,
        /// Whether there should be a newer one.
        late: bool,
    },
}

/// A record that is made before the file is begun: of answers that are a few records long.
#[derive(Debug, Clone)]
pub struct Made {
    /// Which metric.
    pub metric: &'static str,
    /// Of when.
    pub window: Window,
    /// What is told.
    pub value: Option<Decimal>,
    /// In which unit.
    pub unit: String,
    /// How it came about.
    pub quality: Option<&'static str>,
    /// Which content.
    pub rev: Option<i32>,
    /// When it became known.
    pub known_at: DateTime<Utc>,
    /// What its kind has besides.
    pub more: More,
}

impl Made {
    /// What tells its state: all that it says but until when that is known.
    #[must_use]
    pub fn said(&self) -> impl std::fmt::Debug + use<'_> {
        (self.metric, self.window, self.value, &self.unit, self.quality, self.rev, self.more)
    }

    /// As it is written.
    #[must_use]
    pub fn row(&self) -> Row<'_> {
        Row {
            metric: self.metric,
            start: self.window.from(),
            seconds: self.window.length().num_seconds(),
            value: self.value,
            unit: &self.unit,
            quality: self.quality,
            rev: self.rev,
            known_at: self.known_at,
            more: self.more,
        }
    }
}

/// Which kind the records of a file are of: it decides about the last columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Slots.
    Slots,
    /// Spans of the calendar.
    Spans,
    /// Forecasts.
    Forecasts,
    /// Means over any range.
    Means,
    /// The newest slots.
    Newest,
}

impl Kind {
    /// The last columns.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Slots => &[],
            Self::Spans => &["mean_weighted", "n_expected", "n_present", "complete"],
            Self::Forecasts => &["issued_at"],
            Self::Means => &["coverage"],
            Self::Newest => &["age_seconds", "late"],
        }
    }
}

/// Takes records of some subject.
pub trait Records {
    /// Writes one.
    fn record(&mut self, subject: &mut Subject, row: &Row<'_>) -> io::Result<()>;
}

/// The header record.
pub fn header(sink: &mut impl Sink, kind: Kind) -> io::Result<()> {
    let names = COLUMNS.iter().chain(kind.columns());
    names.into_iter().try_for_each(|name| sink.cell(Cell::Text(name)))?;
    sink.end_record()
}

/// Records as prepared bytes: there are hundreds of thousands of them, so nothing is made for a single one.
pub struct Lines<'a, S> {
    sink: &'a mut S,
    line: Vec<u8>,
    stamps: Stamps,
}

/// The stamps of the record before: metrics of a slot share them, and rows of a load share the last.
#[derive(Debug, Default)]
struct Stamps {
    /// With the offset of the place: that of another may be another.
    start: Option<(DateTime<Utc>, i32)>,
    start_text: Vec<u8>,
    known: Option<DateTime<Utc>>,
    known_text: Vec<u8>,
}

impl<'a, S> Lines<'a, S> {
    /// Writes to a sink whose prepared cells are bytes: CSV.
    pub fn new(sink: &'a mut S) -> Self {
        Self { sink, line: Vec::with_capacity(256), stamps: Stamps::default() }
    }
}

impl Stamps {
    fn read(&mut self, subject: &mut Subject, row: &Row<'_>) {
        let start = (row.start, subject.clock.offset(row.start));
        if self.start != Some(start) {
            self.start = Some(start);
            self.start_text.clear();
            put_utc(&mut self.start_text, row.start);
            self.start_text.push(b',');
            subject.clock.put(&mut self.start_text, row.start);
        }
        if self.known != Some(row.known_at) {
            self.known = Some(row.known_at);
            self.known_text.clear();
            put_utc(&mut self.known_text, row.known_at);
        }
    }
}

impl<S: Sink<Prepared = Vec<u8>>> Records for Lines<'_, S> {
    fn record(&mut self, subject: &mut Subject, row: &Row<'_>) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(&subject.front);
        put_cell(line, &Cell::Text(row.metric));
        line.push(b',');
        self.stamps.read(subject, row);
        line.extend_from_slice(&self.stamps.start_text);
        line.push(b',');
        number::put_exact(line, &row.seconds.into());
        line.push(b',');
        if let Some(value) = &row.value {
            number::put_exact(line, value);
        }
        for text in [row.unit, row.quality.unwrap_or_default()] {
            line.push(b',');
            line.extend_from_slice(text.as_bytes());
        }
        line.push(b',');
        if let Some(rev) = row.rev {
            number::put_exact(line, &rev.into());
        }
        line.push(b',');
        line.extend_from_slice(&self.stamps.known_text);
        for cell in more(row) {
            line.push(b',');
            put_cell(line, &cell);
        }
        self.sink.put(line)?;
        self.sink.end_record()
    }
}

/// Records cell by cell: workbooks.
pub struct Cells<'a, S>(pub &'a mut S);

impl<S: Sink> Records for Cells<'_, S> {
    fn record(&mut self, subject: &mut Subject, row: &Row<'_>) -> io::Result<()> {
        let sink = &mut *self.0;
        let value = |value: Option<Decimal>| value.map_or(Cell::Blank, Cell::Exact);
        // A sheet knows no zones: the time on the clock there.
        let ahead = TimeDelta::seconds(subject.clock.offset(row.start).into());
        for name in &subject.names {
            sink.cell(if name.is_empty() { Cell::Blank } else { Cell::Text(name) })?;
        }
        for cell in [
            Cell::Text(row.metric),
            Cell::Instant(row.start),
            Cell::Plain(row.start + ahead),
            Cell::Exact(row.seconds.into()),
            value(row.value),
            Cell::Text(row.unit),
            Cell::text(row.quality),
            value(row.rev.map(Decimal::from)),
            Cell::Microseconds(row.known_at),
        ] {
            sink.cell(cell)?;
        }
        more(row).into_iter().try_for_each(|cell| sink.cell(cell))?;
        sink.end_record()
    }
}

/// The last cells; an empty array where there are none would want its own type.
fn more(row: &Row<'_>) -> impl IntoIterator<Item = Cell<'static>> + use<> {
    let cells: [Option<Cell<'static>>; 4] = match row.more {
        More::Nothing => [None; 4],
        More::Coverage { weighted, expected, present, complete } => [
            Some(weighted.map_or(Cell::Blank, Cell::Exact)),
            Some(Cell::Exact(expected.into())),
            Some(Cell::Exact(present.into())),
            Some(Cell::Flag(complete)),
        ],
        More::Issued(at) => [Some(Cell::Instant(at)), None, None, None],
        More::Known(part) => [Some(Cell::Exact(part)), None, None, None],
        More::Age { seconds, late } => {
            [Some(Cell::Exact(seconds.into())), Some(Cell::Flag(late)), None, None]
        }
    };
    cells.into_iter().flatten()
}
