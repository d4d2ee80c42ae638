//! `GET /api/v1/exports/...` and `/curves_catalog`: whole lists as files, under the names that
//! existing spreadsheets know too.

use std::io;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;
use futures::TryStreamExt as _;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};
use tokio::sync::mpsc;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    listing::{self, Record},
    reference_hours,
};
use crate::{
    app::App,
    audit::download::{Asker, Wanted},
    auth::SignedIn,
    db::{
        catalogue::{self, ComponentRow, UploadRow},
        snapshot::Snapshot,
    },
    domain::{Dataset, Family},
    error::{Problem, Result},
    extractors::{cell::Cell, query, stream},
    web::parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(components))
        .routes(routes!(uploads))
        .routes(routes!(curves_catalog))
        .routes(routes!(all_components))
        .routes(routes!(all_uploads))
}

struct Query(Option<chrono::DateTime<chrono::Utc>>);

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["as_of", "asOf"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        query::as_of(p).map(Self)
    }
}

/// The sheets, and what each is of.
const SHEETS: [(&str, Family); 7] = [
    ("Energy", Family::Energy),
    ("Non-Energy", Family::NonEnergy),
    ("Rec", Family::Rec),
    ("Line Loss", Family::LineLoss),
    ("Shaping", Family::Shaping),
    ("Load Profile", Family::LoadProfile),
    ("VLR", Family::Vlr),
];

const COMPONENT_COLUMNS: [&str; 10] = [
    "DataType",
    "Lookup ID1",
    "Control Area",
    "State",
    "Load Zone",
    "Capacity Zone",
    "Utility",
    "Block Type",
    "Cost Group",
    "Cost Component",
];

/// Export all components
///
/// A workbook with a sheet per curve type: every series of the newest version of each dataset. Also
/// at `/allcomponents`.
#[utoipa::path(
    get,
    path = "/api/v1/exports/components",
    tag = "catalogue",
    params(listing::AsOfParams),
    responses(
        (status = 200, description = "`all_components.xlsx`", body = Vec<u8>,
         content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn components(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(Query(as_of)): StrictQuery<Query>,
    asker: Asker,
) -> Result<Response> {
    let _turn = app.downloads.take(&principal).await?;
    let all: Vec<Dataset> = Dataset::all().collect();
    let mut snapshot = app.snapshot(&principal, &all, as_of).await?;
    let known_at = snapshot.view.known_at;
    let (sender, rows) = mpsc::channel(1000);
    let workbook = tokio::task::spawn_blocking(move || component_workbook(rows));
    let mut count = 0;
    for (place, (_, family)) in SHEETS.into_iter().enumerate() {
        let of_family = all.iter().filter(|dataset| dataset.family == family);
        let ids: Vec<i16> = of_family.map(|dataset| dataset.id()).collect();
        let (connection, view) = snapshot.parts();
        let mut rows = catalogue::components(connection, &ids, view);
        while let Some(row) = rows.try_next().await? {
            count += 1;
            // Nobody takes it where the workbook failed, which is told below.
            _ = sender.send((place, row)).await;
        }
    }
    drop(sender);
    snapshot.finish().await?;
    let workbook = workbook
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error| Problem::internal(&error))?;
    let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let headers = file_headers(known_at, media, "attachment; filename=\"all_components.xlsx\"")?;
    let download = asker.begin(Wanted::list("all_components", "xlsx", Some(known_at))).await?;
    Ok(download.whole(Some(count), (headers, workbook).into_response()))
}

/// Export all components as existing spreadsheets do
///
/// The same as `/api/v1/exports/components`.
#[utoipa::path(
    get,
    path = "/allcomponents",
    tag = "scripts",
    params(listing::AsOfParams),
    responses(
        (status = 200, description = "`all_components.xlsx`", body = Vec<u8>,
         content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn all_components(
    app: State<App>,
    signed_in: SignedIn,
    query: StrictQuery<Query>,
    asker: Asker,
) -> Result<Response> {
    components(app, signed_in, query, asker).await
}

/// Writes the rows, each with the place of its sheet, as they come: sheet after sheet.
fn component_workbook(
    mut rows: mpsc::Receiver<(usize, ComponentRow)>,
) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The same content has the same bytes.
    let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let mut next = rows.blocking_recv();
    for (place, (name, _)) in SHEETS.into_iter().enumerate() {
        let sheet = workbook.add_worksheet_with_low_memory()?.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        sheet.write_row(0, 0, COMPONENT_COLUMNS)?;
        let mut line = 0;
        while let Some((_, row)) = next.take_if(|(of, _)| *of == place) {
            line += 1;
            sheet.write_row(line, 0, component_cells(name, &row))?;
            next = rows.blocking_recv();
        }
    }
    workbook.save_to_buffer()
}

fn component_cells<'a>(name: &'a str, row: &'a ComponentRow) -> [&'a str; 10] {
    [
        name,
        row.lookup_id.as_deref().unwrap_or_default(),
        &row.control_area,
        &row.state,
        &row.load_zone,
        &row.capacity_zone,
        &row.utility,
        &row.block_type,
        &row.cost_group,
        &row.cost_component,
    ]
}

fn file_headers(
    known_at: chrono::DateTime<chrono::Utc>,
    media: &'static str,
    disposition: &'static str,
) -> Result<HeaderMap> {
    let mut headers = listing::known_at_headers(known_at)?;
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media));
    headers.insert(header::CONTENT_DISPOSITION, header::HeaderValue::from_static(disposition));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    Ok(headers)
}

/// An accepted file, in the columns that spreadsheets know.
struct UploadRecord {
    family: &'static str,
    iso: String,
    day: NaiveDate,
    at: chrono::DateTime<chrono::Utc>,
    extension: String,
    cob: &'static str,
}

impl UploadRecord {
    fn new(row: &UploadRow) -> Self {
        let dataset = Dataset::from_id(row.dataset_id);
        let extension = row.file_name.rsplit_once('.').map_or("", |(_, extension)| extension);
        Self {
            family: dataset.map_or("", |dataset| dataset.family.as_str()),
            iso: dataset.map_or("", |dataset| dataset.iso.as_str()).to_ascii_uppercase(),
            day: row.operating_day,
            at: row.curve_timestamp,
            extension: extension.to_ascii_lowercase(),
            cob: if row.cob { "Y" } else { "N" },
        }
    }
}

impl Record for UploadRecord {
    const COLUMNS: &'static [&'static str] =
        &["File Name", "ISO", "Operating Day", "Time Stamp", "File Extension", "COB(Y/N)"];

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Text(self.family),
            Cell::Text(&self.iso),
            Cell::Day(self.day),
            Cell::Plain(self.at),
            Cell::Text(&self.extension),
            Cell::Text(self.cob),
        ]
    }
}

/// Export all uploads
///
/// Every accepted file as CSV, newest first. Also at `/alluploads`.
#[utoipa::path(
    get,
    path = "/api/v1/exports/uploads",
    tag = "catalogue",
    params(listing::AsOfParams),
    responses(
        (status = 200, description = "`all_uploads.csv`", body = String, content_type = "text/csv",
         example = "File Name,ISO,Operating Day,Time Stamp,File Extension,COB(Y/N)\nenergy,ERCOT,2031-03-04,2031-03-04 09:30:00,csv,N\n"),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn uploads(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(Query(as_of)): StrictQuery<Query>,
    asker: Asker,
) -> Result<Response> {
    let turn = app.downloads.take(&principal).await?;
    let all: Vec<Dataset> = Dataset::all().collect();
    let mut snapshot = app.snapshot(&principal, &all, as_of).await?;
    let disposition = "attachment; filename=\"all_uploads.csv\"";
    let headers = file_headers(snapshot.view.known_at, "text/csv; charset=utf-8", disposition)?;
    let wanted = Wanted::list("all_uploads", "csv", Some(snapshot.view.known_at));
    let (pieces, body) = stream::channel(asker.begin(wanted).await?);
    tokio::spawn(async move {
        let outcome = send_uploads(&mut snapshot, &pieces).await;
        if outcome.is_ok()
            && let Err(error) = snapshot.finish().await
        {
            tracing::debug!(%error, "the snapshot ended badly");
        }
        pieces.end(outcome).await;
        drop(turn);
    });
    Ok((headers, body).into_response())
}

/// Sends the records as they are read, a thousand at a time; tells how many there were.
async fn send_uploads(snapshot: &mut Snapshot, pieces: &stream::Pieces) -> io::Result<u64> {
    let mut count = 0;
    pieces.send(listing::header_record::<UploadRecord>()?.into()).await?;
    let (connection, view) = snapshot.parts();
    let mut rows = catalogue::uploads(connection, view).try_chunks(1000);
    while let Some(chunk) = rows.try_next().await.map_err(|error| io::Error::other(error.1))? {
        let records: Vec<UploadRecord> = chunk.iter().map(UploadRecord::new).collect();
        pieces.send(listing::records(&records)?.into()).await?;
        count += records.len() as u64;
    }
    Ok(count)
}

/// Export all uploads as existing spreadsheets do
///
/// The same as `/api/v1/exports/uploads`.
#[utoipa::path(
    get,
    path = "/alluploads",
    tag = "scripts",
    params(listing::AsOfParams),
    responses(
        (status = 200, description = "`all_uploads.csv`", body = String, content_type = "text/csv",
         example = "File Name,ISO,Operating Day,Time Stamp,File Extension,COB(Y/N)\nenergy,ERCOT,2031-03-04,2031-03-04 09:30:00,csv,N\n"),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn all_uploads(
    app: State<App>,
    signed_in: SignedIn,
    query: StrictQuery<Query>,
    asker: Asker,
) -> Result<Response> {
    uploads(app, signed_in, query, asker).await
}

/// Export the reference hours
///
/// Hours per month, block and ISO from 2000-01 to 2100-12, without holidays and clock changes.
#[utoipa::path(
    get,
    path = "/curves_catalog",
    tag = "catalogue",
    responses(
        (status = 200, description = "The hours.", body = String, content_type = "text/csv",
         example = "ISO,CalMonth,5x16,7x8,2x16,7x24,WE,WD,OnPeak,OffPeak\nERCOT,2000-01,336,248,160,744,240,504,496,248\n"),
        (status = 400, description = "`unknown_parameter`"),
        (status = 401, description = "No valid credential."),
    ),
)]
async fn curves_catalog(_signed_in: SignedIn, _query: NoQuery, asker: Asker) -> Result<Response> {
    let name = "attachment; filename=\"curves_catalog.csv\"";
    let (rows, hours) = reference_hours::catalogue()?;
    let download = asker.begin(Wanted::list("curves_catalog", "csv", None)).await?;
    let response = ([(header::CONTENT_DISPOSITION, name)], hours).into_response();
    Ok(download.whole(Some(rows), response))
}
