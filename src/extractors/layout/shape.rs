//! How the wide layout of each curve type looks: data, so that one piece of code lays out them all.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::{
    db::data::VersionHeader,
    domain::{Labels, Place},
    extractors::{cell::Cell, printed::PrintedSeries, words::Curve},
};

/// The geometry of a wide file.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// One column per series below its label records, one record per place of the axis.
    Columns(&'static Columns),
    /// One record per series below a record of captions.
    Records(&'static [Field]),
}

/// A geometry of columns.
#[derive(Debug)]
pub struct Columns {
    /// The label records.
    pub labels: &'static [Label],
    /// The cells before the values of a record.
    pub index: &'static [Index],
    /// Whether the index has a record of captions above it.
    pub captions: bool,
    /// How values print.
    pub number: Number,
}

/// A label record: its name, and a series' cell in it.
#[derive(Debug, Clone, Copy)]
pub struct Label(pub &'static str, pub fn(&PrintedSeries) -> Cell<'_>);

/// An index column: its caption, and its cell in the record of a place.
#[derive(Debug)]
pub struct Index(pub &'static str, pub for<'a> fn(&VersionHeader, Place<'a>) -> Cell<'a>);

/// A field of a record: its caption and its cell.
#[derive(Debug)]
pub struct Field(pub &'static str, pub for<'a> fn(&Record<'a>) -> Cell<'a>);

/// What a record is made of: a series of a version and its values.
#[derive(Debug)]
pub struct Record<'a> {
    /// The version.
    pub version: &'a VersionHeader,
    /// The series.
    pub series: &'a PrintedSeries,
    /// Its values in axis order.
    pub values: &'a [Option<Decimal>],
}

/// How a value prints in a wide file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// With five decimals, rounded half away from zero.
    Price,
    /// The shortest exact decimal with at least one decimal.
    Shortest,
}

impl Number {
    /// The cell of a value.
    #[must_use]
    pub const fn cell(self, value: Decimal) -> Cell<'static> {
        match self {
            Self::Price => Cell::Price(value),
            Self::Shortest => Cell::Shortest(value),
        }
    }
}

/// The shape of a curve type.
#[must_use]
pub const fn shape(curve: Curve) -> Shape {
    match curve {
        Curve::Energy | Curve::All => Shape::Columns(&ENERGY),
        Curve::NonEnergy | Curve::Rec => Shape::Columns(&MONTHLY),
        Curve::Ptc => Shape::Columns(&PTC),
        Curve::Matrix => Shape::Columns(&MATRIX),
        Curve::LoadProfile => Shape::Columns(&LOAD_PROFILE),
        Curve::Shaping => Shape::Columns(&SHAPING),
        Curve::Vlr => Shape::Columns(&VLR),
        Curve::LineLoss => Shape::Records(LINE_LOSS),
        Curve::Headroom => Shape::Records(HEADROOM),
    }
}

macro_rules! label {
    ($place:literal) => {
        Label(Labels::NAMES[$place], |series| Cell::Text(&series.labels[$place]))
    };
    ($name:literal, $place:literal) => {
        Label($name, |series| Cell::Text(&series.labels[$place]))
    };
}

const UOM: Label = Label("UOM", |series| Cell::Text(&series.uom));
const LOAD: fn(&PrintedSeries) -> Cell<'_> =
    |series| Cell::text(series.more.load_profile.as_deref());

const UPDATED: Index =
    Index("Curve Update Date", |version, _| Cell::Timestamp(version.curve_timestamp));
const START: Index = Index("Curve Start Month", |_, place| midnight(place));
const COB: Index = Index("COB", |version, _| Cell::Flag(version.cob));
const HE: Index = Index("HE", |_, place| hour_ending(place));
const MONTH: Index = Index("Month", |_, place| month_number(place));

const ENERGY: Columns =
    Columns { index: &[UPDATED, START, COB], ..monthly(&WITH_UOM, Number::Price) };
const MONTHLY: Columns = monthly(&WITH_UOM, Number::Price);
const PTC: Columns = monthly(&WITH_PROFILE, Number::Shortest);
const LOAD_PROFILE: Columns = hourly(&WITH_CUSTOMER, &[UPDATED, START, HE]);
const SHAPING: Columns = hourly(&EIGHT, &[UPDATED, START, HE]);
const VLR: Columns = hourly(&EIGHT, &[UPDATED, MONTH, HE]);
const MATRIX: Columns = Columns {
    labels: &OFFER,
    index: &[Index("", |_, place| component(place))],
    captions: false,
    number: Number::Shortest,
};

const fn monthly(labels: &'static [Label], number: Number) -> Columns {
    Columns { labels, index: &[UPDATED, START], captions: true, number }
}

const fn hourly(labels: &'static [Label], index: &'static [Index]) -> Columns {
    Columns { labels, index, captions: true, number: Number::Shortest }
}

const EIGHT: [Label; 8] =
    [label!(0), label!(1), label!(2), label!(3), label!(4), label!(5), label!(6), label!(7)];
const WITH_UOM: [Label; 9] = with(UOM);
const WITH_PROFILE: [Label; 9] = with(Label("Profile_load", LOAD));
const WITH_CUSTOMER: [Label; 9] =
    with(Label("Customer Type", |series| Cell::text(series.more.customer_type.as_deref())));

const fn with(ninth: Label) -> [Label; 9] {
    let l = EIGHT;
    [l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7], ninth]
}

const OFFER: [Label; 11] = [
    label!("control_area", 0),
    label!("state", 1),
    label!("load_zone", 2),
    label!("capacity_zone", 3),
    label!("utility", 4),
    label!("strip", 5),
    label!("cost_group", 6),
    label!("cost_component", 7),
    Label("term", |series| match series.more.term {
        Some(months) => Cell::Shortest(months.into()),
        None => Cell::Blank,
    }),
    Label("beginning_date", |series| {
        series.more.beginning_date.map_or(Cell::Blank, Cell::Midnight)
    }),
    Label("load_profile", LOAD),
];

const LINE_LOSS: &[Field] = &[
    Field("Curve Update Date", |record| Cell::Timestamp(record.version.curve_timestamp)),
    field_of(0),
    field_of(1),
    field_of(2),
    field_of(3),
    field_of(4),
    field_of(5),
    field_of(6),
    field_of(7),
    Field("Line Loss Factor", |record| value(record, 0, Number::Shortest)),
];

/// The eight labels as fields, by their place.
const fn field_of(place: usize) -> Field {
    const FIELDS: [for<'a> fn(&Record<'a>) -> Cell<'a>; 8] = [
        |record| Cell::Text(&record.series.labels[0]),
        |record| Cell::Text(&record.series.labels[1]),
        |record| Cell::Text(&record.series.labels[2]),
        |record| Cell::Text(&record.series.labels[3]),
        |record| Cell::Text(&record.series.labels[4]),
        |record| Cell::Text(&record.series.labels[5]),
        |record| Cell::Text(&record.series.labels[6]),
        |record| Cell::Text(&record.series.labels[7]),
    ];
    Field(Labels::NAMES[place], FIELDS[place])
}

/// The measures of headroom in the order of its axis: price to compare, offer, both in $/MWh, what
/// is between them, and that in percent of the price to compare.
const HEADROOM: &[Field] = &[
    Field("ISO", |record| Cell::Text(&record.series.labels[0])),
    Field("State", |record| Cell::Text(&record.series.labels[1])),
    Field("Utility", |record| Cell::Text(&record.series.labels[4])),
    Field("Load Zone", |record| Cell::Text(&record.series.labels[2])),
    Field("Load Profile", |record| Cell::text(record.series.more.load_profile.as_deref())),
    Field("Headroom Effective Date", |record| {
        us_day(Some(record.version.curve_timestamp.date_naive()))
    }),
    Field("PTC Effective Date", |record| {
        us_day(record.version.ptc_timestamp.map(|at| at.date_naive()))
    }),
    Field("Utility PTC ($/MWh)", |record| value(record, 0, Number::Price)),
    Field("TLE Price Term (months)", |record| {
        record.series.more.term.map_or(Cell::Blank, |months| Cell::Whole(months.into()))
    }),
    Field("TLE Price Start Date", |record| us_day(record.series.more.beginning_date)),
    Field("Truelight Price ($/MWh)", |record| value(record, 1, Number::Price)),
    Field("Headroom ($/MWh)", |record| value(record, 2, Number::Price)),
    Field("Headroom (%)", |record| match record.values.get(3).copied().flatten() {
        Some(percent) => Cell::Percent(percent),
        None => Cell::Blank,
    }),
];

fn value<'a>(record: &Record<'a>, place: usize, number: Number) -> Cell<'a> {
    record.values.get(place).copied().flatten().map_or(Cell::Blank, |value| number.cell(value))
}

fn us_day(day: Option<NaiveDate>) -> Cell<'static> {
    day.map_or(Cell::Blank, Cell::UsDay)
}

fn midnight(place: Place<'_>) -> Cell<'static> {
    match place {
        Place::Month(month) => Cell::Midnight(month.first_day()),
        Place::Hour(day, _) => Cell::Midnight(day),
        _ => Cell::Blank,
    }
}

fn hour_ending(place: Place<'_>) -> Cell<'static> {
    match place {
        Place::Hour(_, hour) | Place::MonthHour(_, hour) => Cell::Whole(hour.into()),
        _ => Cell::Blank,
    }
}

fn month_number(place: Place<'_>) -> Cell<'static> {
    match place {
        Place::MonthHour(month, _) => Cell::Whole(month.into()),
        _ => Cell::Blank,
    }
}

fn component(place: Place<'_>) -> Cell<'_> {
    match place {
        Place::Component(name, _) => Cell::Text(name),
        _ => Cell::Blank,
    }
}
