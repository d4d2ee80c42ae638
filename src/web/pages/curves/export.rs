//! `GET /curves/export`: the numbers of a view as a file.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};

use serde_json::{Map, Value};

use super::{
    look::{Look, begin, lead},
    market::known_at_header,
    tables::{row_head, row_name},
    view::{View, names},
};
use crate::{
    app::App,
    audit::download::{self, Asker, Wanted},
    auth::SignedIn,
    domain::words,
    error::{Problem, Result},
    extractors::{
        CopyBox,
        analysis::export::{Sheet, workbook},
        copy_box::copy_box_of,
    },
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

words! {
    /// How a view is written.
    FileFormat("a format") {
        /// Comma-separated text: one table.
        Csv = "csv",
        /// A workbook: values, and the summary on a sheet of its own.
        Xlsx = "xlsx",
    }
}

words! {
    /// Which table of a view.
    Content("a table") {
        /// Prices and differences.
        Values = "values",
        /// The means of strips.
        Summary = "summary",
    }
}

/// The route.
pub fn routes() -> Router<App> {
    Router::new().route("/curves/export", get(export))
}

struct Export {
    view: View,
    format: FileFormat,
    table: Content,
}

impl FromParameters for Export {
    const NAMES: &'static [&'static str] = names!("format", "table");

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let format = p.value("format")?.unwrap_or(FileFormat::Csv);
        let table: Option<Content> = p.value("table")?;
        if let (FileFormat::Xlsx, Some(table)) = (format, table) {
            let why = "a workbook has every table; this is for csv";
            return Err(Problem::bad_parameter("table", table.as_str(), why));
        }
        let table = table.unwrap_or(Content::Values);
        Ok(Self { view: View::from_parameters(p)?, format, table })
    }
}

async fn export(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(wanted): StrictQuery<Export>,
    asker: Asker,
) -> Result<Response> {
    let mut snapshot = begin(&app, &principal, &wanted.view).await?;
    let view = lead(&mut snapshot, wanted.view).await?;
    let look = Look::at(&app, &mut snapshot, view).await?;
    snapshot.finish().await?;
    if look.figure.columns.is_empty() {
        let why = look.series.iter().find_map(|series| series.trouble.clone());
        return Err(Problem::new(
            axum::http::StatusCode::NOT_FOUND,
            "no_data",
            why.unwrap_or_else(|| "Nothing is there to export.".to_owned()),
        ));
    }
    let bytes = write(&app, &look, wanted.format, wanted.table).await?;
    let media = match wanted.format {
        FileFormat::Csv => "text/csv; charset=utf-8",
        FileFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    };
    let name = look.file_name(wanted.format.as_str());
    let head = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    let response = (known_at_header(look.known_at)?, head, bytes).into_response();
    let download = asker.begin(on_record(&look, wanted.format, wanted.table)).await?;
    Ok(download.whole(rows(&look, wanted.table), response))
}

/// What the audit log says of an export.
fn on_record(look: &Look, format: FileFormat, table: Content) -> Wanted {
    let versions = look.series.iter().filter_map(|series| {
        let version = series.version.as_ref()?;
        Some(download::part((series.dataset.family, series.dataset.iso), [version.id]))
    });
    let parameters: Map<String, Value> =
        look.view.pairs().into_iter().map(|(name, value)| (name, value.into())).collect();
    Wanted {
        object: ("view", table.as_str().to_owned()),
        format: format.as_str(),
        parameters: parameters.into(),
        known_at: Some(look.known_at),
        parts: versions.collect(),
    }
}

/// The rows of the table that is asked for.
fn rows(look: &Look, table: Content) -> Option<u64> {
    match table {
        Content::Values => Some(look.figure.rows.len() as u64),
        Content::Summary => None,
    }
}

async fn write(app: &App, look: &Look, format: FileFormat, table: Content) -> Result<Vec<u8>> {
    let head = row_head(look.is_month);
    let values = Sheet::of(&look.figure, head, row_name(look.is_month));
    let summary = look.summary.as_ref().map(super::tables::Summary::sheet);
    let failed = |error: std::io::Error| Problem::internal(&error);
    match (format, table) {
        (FileFormat::Csv, Content::Values) => values.csv().map_err(failed),
        (FileFormat::Csv, Content::Summary) => {
            let none = || {
                let why = "this view has no summary";
                Problem::bad_parameter("table", "summary", why)
            };
            summary.ok_or_else(none)?.csv().map_err(failed)
        }
        (FileFormat::Xlsx, _) => {
            let versions = look.series.iter().filter_map(|series| series.version.as_ref());
            let newest = versions.map(|version| version.curve_timestamp).max();
            let dated = newest.unwrap_or_default();
            let sheets: Vec<Sheet> = std::iter::once(values).chain(summary).collect();
            let done = app.in_reader_turn(move || workbook(&sheets, dated)).await?;
            done.map_err(failed)
        }
    }
}

/// The CSV of a view as others fetch it.
pub(super) fn copy_box(look: &Look, base: &str) -> CopyBox {
    let mut pairs = look.view.pairs();
    pairs.push(("format".to_owned(), "csv".to_owned()));
    copy_box_of("curves/export", &pairs, base)
}

/// How the reader's own tools reach this server: as the settings say, else as the browser did.
pub(super) fn base_url(app: &App, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if app.config.auth.behind_tls_proxy { "https" } else { "http" };
    let asked = || format!("{scheme}://{}", host.unwrap_or("localhost"));
    app.config.public_url.clone().unwrap_or_else(asked)
}
