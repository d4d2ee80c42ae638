//! `GET /api/v1/reference-hours`: the hours of months and the hours themselves, by formula.

use std::io::{self, Write};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, Datelike as _, Months, NaiveDate};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{self, Record};
use crate::{
    app::App,
    audit::download::{Asker, Wanted},
    auth::{Principal, SignedIn},
    domain::{Calendar, ContractMonth, Hour, Iso, MonthHours, Season, hours_of_day, words},
    error::{Problem, Result},
    extractors::{
        cell::{Cell, Sink},
        negotiate, query, stream,
        words::{Area, BadForm, MonthBound},
        writers::{
            csv::Csv,
            json::{Framing, Json},
            xlsx::{self, MAX_ROWS},
        },
    },
    web::parameters::{self, FromParameters, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(months)).routes(routes!(hourly))
}

/// The first day of the reference hours.
const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
/// The last day of the reference hours.
const LAST: NaiveDate = NaiveDate::from_ymd_opt(2100, 12, 31).unwrap();

words! {
    /// How the hours are written.
    TableFormat("a format") {
        /// A header record, then one record an item.
        Csv = "csv",
        /// `{"items": [...]}`.
        Json = "json",
        /// A workbook.
        Xlsx = "xlsx",
    }
}

impl TableFormat {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// The parameters as the documentation shows them; [`Query`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct HoursParams {
    /// ercot, isone, nyiso, miso, pjm or all.
    #[param(example = "ercot")]
    iso: String,
    /// First month, `YYYY-MM`, or first day, `YYYY-MM-DD`; without it January 2000.
    #[param(example = "2031-04")]
    start: Option<String>,
    /// Last month or day, inclusive; without it December 2100.
    #[param(example = "2031-05")]
    end: Option<String>,
    /// flat (without holidays and clock changes) or nerc.
    calendar: Option<String>,
    /// csv, json or xlsx; without it `Accept` decides.
    format: Option<String>,
}

/// A month or a day as the days from its first to its last.
struct Span(NaiveDate, NaiveDate);

impl std::str::FromStr for Span {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        let MonthBound(first) = text
            .parse()
            .map_err(|_| BadForm { what: "a month or a day", form: "YYYY-MM or YYYY-MM-DD" })?;
        let next = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
        let month = next.filter(|_| text.len() == 7);
        Ok(Self(first, month.unwrap_or(first)))
    }
}

struct Query {
    iso: Area,
    first: NaiveDate,
    last: NaiveDate,
    calendar: Calendar,
    format: Option<TableFormat>,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["iso", "start", "end", "calendar", "format"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let iso = p.value("iso")?.ok_or_else(|| query::missing("iso", Area::ALL))?;
        let Span(first, _) = bound(p, "start")?.unwrap_or(Span(FIRST, FIRST));
        let Span(_, last) = bound(p, "end")?.unwrap_or(Span(LAST, LAST));
        if first > last {
            return Err(query::contradiction("start", first, &format!("comes after end={last}")));
        }
        let calendar = p.value("calendar")?.unwrap_or(Calendar::Flat);
        Ok(Self { iso, first, last, calendar, format: p.value("format")? })
    }
}

/// One end of the range; 400 outside of the years that have reference hours.
fn bound(p: &mut Parameters, name: &str) -> Result<Option<Span>> {
    let Some(text) = p.text(name)? else { return Ok(None) };
    let span: Span = parameters::read(name, &text)?;
    if span.0 < FIRST || span.1 > LAST {
        let why = "reference hours are of 2000-01 to 2100-12";
        return Err(Problem::bad_parameter(name, &text, why));
    }
    Ok(Some(span))
}

impl Query {
    fn format(&self, headers: &HeaderMap) -> Result<TableFormat> {
        let media = |format: TableFormat| format.media_type().split(';').next().unwrap_or_default();
        let offered = [TableFormat::Csv, TableFormat::Json, TableFormat::Xlsx];
        self.format
            .or_else(|| {
                negotiate::best(offered.map(|format| (format, vec![media(format)])), headers)
            })
            .ok_or_else(|| negotiate::not_acceptable(offered.map(media), "format=csv"))
    }

    /// Months whose first day is asked for.
    fn months(&self) -> impl Iterator<Item = ContractMonth> + use<> {
        let (first, last) = (self.first, self.last);
        let month = ContractMonth::containing(first).plus(i32::from(first.day() > 1));
        (0..).map(move |months| month.plus(months)).take_while(move |m| m.first_day() <= last)
    }

    /// The hours asked for, as they are counted one by one.
    fn hours(&self) -> impl Iterator<Item = HourRecord> + use<> {
        let (first, last, calendar) = (self.first, self.last, self.calendar);
        self.iso.members().iter().flat_map(move |&iso| {
            let days = first.iter_days().take_while(move |day| *day <= last);
            let hours = days.flat_map(move |day| hours_of_day(iso, calendar, day));
            hours.map(move |hour| HourRecord { iso: capitals(iso), hour })
        })
    }

    fn file_name(&self, what: &str, format: TableFormat) -> String {
        format!("{what}_{}_{}.{format}", self.iso, self.calendar)
    }
}

/// An ISO as tables print it.
const fn capitals(iso: Iso) -> &'static str {
    match iso {
        Iso::Ercot => "ERCOT",
        Iso::Isone => "ISONE",
        Iso::Miso => "MISO",
        Iso::Nyiso => "NYISO",
        Iso::Pjm => "PJM",
    }
}

/// The reference hours of a month at an ISO.
struct MonthRecord {
    iso: &'static str,
    month: String,
    hours: MonthHours,
}

impl MonthRecord {
    fn new(iso: Iso, calendar: Calendar, month: ContractMonth) -> Self {
        let hours = MonthHours::of(iso, calendar, month);
        Self { iso: capitals(iso), month: month.to_string(), hours }
    }
}

impl Record for MonthRecord {
    const COLUMNS: &'static [&'static str] =
        &["ISO", "CalMonth", "5x16", "7x8", "2x16", "7x24", "WE", "WD", "OnPeak", "OffPeak"];

    fn cells(&self) -> Vec<Cell<'_>> {
        let h = &self.hours;
        let hours = [h.s5x16, h.s7x8, h.s2x16, h.s7x24, h.we, h.wd, h.on_peak, h.off_peak];
        let mut cells = vec![Cell::Text(self.iso), Cell::Text(&self.month)];
        cells.extend(hours.map(|hours| Cell::Exact(hours.into())));
        cells
    }
}

struct HourRecord {
    iso: &'static str,
    hour: Hour,
}

impl Record for HourRecord {
    const COLUMNS: &'static [&'static str] =
        &["ISO", "Date", "HE", "UTCStart", "DayType", "HourType", "Block", "Season"];

    fn cells(&self) -> Vec<Cell<'_>> {
        let Hour { date, he, start, .. } = self.hour;
        vec![
            Cell::Text(self.iso),
            Cell::Day(date),
            Cell::Exact(he.into()),
            Cell::Instant(start),
            Cell::Text(self.hour.day_type()),
            Cell::Text(self.hour.hour_type()),
            Cell::Text(self.hour.block()),
            Cell::Text(Season::of(ContractMonth::containing(date)).as_str()),
        ]
    }
}

/// Read reference hours
///
/// Hours per month and block, from 2000-01 to 2100-12: 16 on-peak hours a day, those of weekdays in
/// 5x16, those of weekend days in 2x16, all others in 7x8. Standardized prices are weighted by them.
#[utoipa::path(
    get,
    path = "/api/v1/reference-hours",
    tag = "catalogue",
    params(HoursParams),
    responses(
        (status = 200, description = "The hours.", content(
            (String = "text/csv", example = "ISO,CalMonth,5x16,7x8,2x16,7x24,WE,WD,OnPeak,OffPeak\nERCOT,2024-02,336,232,128,696,192,504,464,232\n"),
            (serde_json::Value = "application/json", example = json!({"items": [{
                "ISO": "ERCOT", "CalMonth": "2024-02", "5x16": 336, "7x8": 232, "2x16": 128,
                "7x24": 696, "WE": 192, "WD": 504, "OnPeak": 464, "OffPeak": 232
            }]})),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`"),
        (status = 401, description = "No valid credential."),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn months(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(query): StrictQuery<Query>,
    (asker, method): (Asker, Method),
    headers: HeaderMap,
) -> Result<Response> {
    let format = query.format(&headers)?;
    let name = query.file_name("reference_hours", format);
    let calendar = query.calendar;
    let isos = query.iso.members();
    let records = isos.iter().flat_map(move |&iso| {
        query.months().map(move |month| MonthRecord::new(iso, calendar, month))
    });
    answer((&app, &principal, &method), asker, records, format, &name).await
}

/// Read reference hours one by one
///
/// Every hour of the days asked for, with its block. `HE` is hour-ending 1 to 24 in the ISO's
/// clock. In the nerc calendar the spring Sunday has no HE 3 and the autumn Sunday HE 2 twice, with
/// different UTC starts (MISO keeps EST); in the flat calendar the UTC start is that of standard
/// time all year.
#[utoipa::path(
    get,
    path = "/api/v1/reference-hours/hourly",
    tag = "catalogue",
    params(HoursParams),
    responses(
        (status = 200, description = "The hours.", content(
            (String = "text/csv", example = "ISO,Date,HE,UTCStart,DayType,HourType,Block,Season\nERCOT,2024-02-01,1,2024-02-01T06:00:00Z,WD,OffPeak,7x8,Winter\n"),
            (serde_json::Value = "application/json", example = json!({"items": [{
                "ISO": "ERCOT", "Date": "2024-02-01", "HE": 1, "UTCStart": "2024-02-01T06:00:00Z",
                "DayType": "WD", "HourType": "OffPeak", "Block": "7x8", "Season": "Winter"
            }]})),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`, `too_large_for_xlsx`"),
        (status = 401, description = "No valid credential."),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn hourly(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(query): StrictQuery<Query>,
    (asker, method): (Asker, Method),
    headers: HeaderMap,
) -> Result<Response> {
    let format = query.format(&headers)?;
    // With one header, and one hour more where only an autumn Sunday is in.
    let days = (query.last - query.first).num_days().unsigned_abs() + 1;
    let rows = query.iso.members().len() as u64 * (days * 24 + 1) + 1;
    if format == TableFormat::Xlsx && rows > MAX_ROWS {
        let detail = format!("needs {rows} rows; a sheet has {MAX_ROWS}. Ask for format=csv");
        let status = axum::http::StatusCode::BAD_REQUEST;
        return Err(Problem::new(status, "too_large_for_xlsx", detail));
    }
    let name = query.file_name("reference_hours_hourly", format);
    answer((&app, &principal, &method), asker, query.hours(), format, &name).await
}

/// Streams `records` as they are computed.
async fn answer<R: Record + Send + 'static>(
    (app, principal, method): (&App, &Principal, &Method),
    asker: Asker,
    records: impl Iterator<Item = R> + Send + 'static,
    format: TableFormat,
    name: &str,
) -> Result<Response> {
    let turn = app.downloads.take(principal).await?;
    let disposition = format!("attachment; filename=\"{name}\"");
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| Problem::internal(&error));
    let headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, value(format.media_type())?),
        (header::CONTENT_DISPOSITION, value(&disposition)?),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::VARY, HeaderValue::from_static("Accept, Authorization, Cookie")),
    ]);
    let download = asker.begin(Wanted::list(name, format.as_str(), None)).await?;
    if method == Method::HEAD {
        // How long the body would be nobody knows.
        let unknown = Body::from_stream(futures::stream::empty::<io::Result<Bytes>>());
        return Ok((headers, unknown).into_response());
    }
    let body = stream::written(turn, download, move |out| write(records, format, out));
    Ok((headers, body).into_response())
}

fn write<R: Record>(
    records: impl Iterator<Item = R>,
    format: TableFormat,
    out: &mut (dyn Write + Send),
) -> io::Result<u64> {
    Ok(match format {
        TableFormat::Csv => {
            let mut csv = Csv::new(out, false);
            put_header::<R>(&mut csv)?;
            let rows = put(records, &mut csv)?;
            csv.finish(None)?;
            rows
        }
        TableFormat::Json => {
            let mut json = Json::new(out, R::COLUMNS, 0..0, Framing::Array);
            json.raw("{\"items\":[");
            let rows = put(records, &mut json)?;
            json.raw("\n]}\n");
            json.finish()?;
            rows
        }
        TableFormat::Xlsx => {
            let dated = DateTime::from_timestamp_nanos(0) + (FIRST - NaiveDate::default());
            xlsx::write(out, (1, 0), dated, None, |sheet| {
                put_header::<R>(sheet)?;
                put(records, sheet)
            })?
        }
    })
}

fn put_header<R: Record>(sink: &mut impl Sink) -> io::Result<()> {
    R::COLUMNS.iter().try_for_each(|name| sink.cell(Cell::Text(name)))?;
    sink.end_record()
}

fn put<R: Record>(records: impl Iterator<Item = R>, sink: &mut impl Sink) -> io::Result<u64> {
    let mut count = 0;
    for record in records {
        record.cells().into_iter().try_for_each(|cell| sink.cell(cell))?;
        sink.end_record()?;
        count += 1;
    }
    Ok(count)
}

/// Every month of every ISO in the flat calendar, counted, as CSV.
pub(super) fn catalogue() -> Result<(u64, impl IntoResponse)> {
    let (iso, calendar) = (Area::All, Calendar::Flat);
    let query = Query { iso, first: FIRST, last: LAST, calendar, format: None };
    let months = |iso| query.months().map(move |month| MonthRecord::new(iso, calendar, month));
    let records: Vec<MonthRecord> = Iso::ALL.iter().flat_map(|iso| months(*iso)).collect();
    Ok((records.len() as u64, listing::csv(&records)?))
}
