//! `GET /`: what is new.

use askama::Template;
use askama_web::WebTemplate;
use axum::{Router, extract::State, response::IntoResponse, routing::get};

use super::{
    Page,
    context::PageContext,
    format::{family_name, iso_name, time_of_day},
    uploads::LogRow,
};
use crate::{
    app::App,
    db::{
        pages::{self, NewestVersion, UploadFilter},
        sight::Sight,
    },
    domain::{Dataset, Family, Iso},
    error::Result,
    web::parameters::NoQuery,
};

/// Families that have a row even before their first file.
const ALWAYS: [Family; 3] = [Family::Energy, Family::NonEnergy, Family::Rec];

/// How many uploads are shown.
const UPLOADS: i64 = 8;

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/", get(home))
}

#[derive(Template, WebTemplate)]
#[template(path = "home.html")]
struct HomePage {
    page: Page,
    isos: Vec<&'static str>,
    rows: Vec<FamilyRow>,
    /// Whether the reader has no grant for any curve.
    holds_nothing: bool,
    /// The end of the log, for those who may see it.
    uploads: Vec<LogRow>,
}

struct FamilyRow {
    name: &'static str,
    cells: Vec<MatrixCell>,
}

enum MatrixCell {
    /// There are no such curves.
    Impossible,
    /// The reader has no grant for it.
    Hidden,
    /// No file yet.
    Empty {
        file_prefix: String,
    },
    Newest {
        url: String,
        day: String,
        time: String,
        cob: bool,
        series: i32,
    },
}

async fn home(
    context: PageContext,
    _: NoQuery,
    State(app): State<App>,
) -> Result<impl IntoResponse> {
    let zone = app.config.curve_timezone;
    let all: Vec<Dataset> = Dataset::all().collect();
    let mut snapshot = app.snapshot(&context.principal, &all, None).await?;
    let newest = pages::newest_versions(&mut snapshot).await?;
    let sight = snapshot.view.sight.clone();
    snapshot.finish().await?;
    let page = context.page("New");
    let uploads = match page.writes() {
        true => {
            let viewer = app.viewer(&context.principal);
            pages::uploads(&app.pool, viewer, &UploadFilter::default(), UPLOADS).await?
        }
        false => Vec::new(),
    };
    Ok(HomePage {
        page,
        isos: Iso::ALL.iter().map(|&iso| iso_name(iso)).collect(),
        holds_nothing: !all.iter().any(|dataset| sight.has(*dataset)),
        rows: matrix(&newest, &sight, zone),
        uploads: uploads.into_iter().map(|upload| LogRow::new(upload, zone)).collect(),
    })
}

fn matrix(newest: &[NewestVersion], sight: &Sight, zone: chrono_tz::Tz) -> Vec<FamilyRow> {
    let has_data = |family| {
        newest.iter().any(|v| Dataset::from_id(v.dataset_id).is_some_and(|d| d.family == family))
    };
    Family::ALL
        .iter()
        .copied()
        .filter(|&family| ALWAYS.contains(&family) || has_data(family))
        .map(|family| FamilyRow {
            name: family_name(family),
            cells: Iso::ALL.iter().map(|&iso| cell((family, iso), newest, sight, zone)).collect(),
        })
        .collect()
}

fn cell(
    (family, iso): (Family, Iso),
    newest: &[NewestVersion],
    sight: &Sight,
    zone: chrono_tz::Tz,
) -> MatrixCell {
    let Some(dataset) = Dataset::new(family, iso) else { return MatrixCell::Impossible };
    if !sight.has(dataset) {
        return MatrixCell::Hidden;
    }
    match newest.iter().find(|version| version.dataset_id == dataset.id()) {
        None => {
            MatrixCell::Empty { file_prefix: format!("{}_{}", family_name(family), iso_name(iso)) }
        }
        Some(version) => MatrixCell::Newest {
            url: format!("/curves?curve={family}&iso={iso}"),
            day: version.operating_day.to_string(),
            time: time_of_day(version.curve_timestamp, zone),
            cob: version.cob,
            series: version.series_count,
        },
    }
}
