//! `/api/v1/jobs`: what works in the background.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    audit::Actor,
    auth::Admin,
    db::jobs::{self as rows, JobFilter, JobPlace, JobRow, JobState},
    domain::{Dataset, Iso},
    error::{Problem, Result},
    jobs,
    web::{
        body::StrictJson,
        paging::{self, Listing},
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// The calls of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, run)).routes(routes!(retry))
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "headroom-41", "kind": "headroom", "curve": "matrix", "iso": "pjm", "version_id": "18",
    "created_at": "2024-06-03T08:25:44.120394Z", "state": "done", "attempts": 1,
    "last_attempt_at": "2024-06-03T08:25:44.520394Z", "last_error": null,
    "done_at": "2024-06-03T08:25:44.520394Z"
}))]
struct JobItem {
    #[serde(skip)]
    place: JobPlace,
    id: String,
    /// The kind of job: `headroom`.
    kind: String,
    /// The curve type that set it off.
    curve: Option<&'static str>,
    /// The ISO that it is about.
    iso: Option<&'static str>,
    /// The version that set it off.
    version_id: String,
    created_at: DateTime<Utc>,
    /// `waiting`, `running`, `failed` (and tried again) or `done`.
    state: String,
    attempts: i32,
    /// When the last attempt ended.
    last_attempt_at: Option<DateTime<Utc>>,
    /// What went wrong, the last time that something did.
    last_error: Option<String>,
    done_at: Option<DateTime<Utc>>,
}

impl From<JobRow> for JobItem {
    fn from(row: JobRow) -> Self {
        let dataset = Dataset::from_id(row.dataset_id);
        Self {
            place: row.place(),
            id: row.id().to_string(),
            kind: row.kind,
            curve: dataset.map(|dataset| dataset.family.as_str()),
            iso: dataset.map(|dataset| dataset.iso.as_str()),
            version_id: row.version_id.to_string(),
            created_at: row.created_at,
            state: row.state,
            attempts: row.attempts,
            last_attempt_at: row.last_at,
            last_error: row.last_error,
            done_at: row.done_at,
        }
    }
}

/// Which jobs.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct JobsQuery {
    /// Of this kind.
    #[param(required = false, value_type = Option<String>)]
    kind: Option<String>,
    /// `waiting`, `running`, `failed` or `done`.
    #[param(required = false, value_type = Option<String>)]
    state: Option<JobState>,
    /// Jobs at the most.
    #[param(required = false, default = 100, minimum = 1, maximum = 1000, value_type = u16)]
    limit: i64,
    /// The `next` of the page before.
    #[param(required = false, value_type = Option<String>)]
    cursor: Option<JobPlace>,
}

impl FromParameters for JobsQuery {
    const NAMES: &'static [&'static str] = &["kind", "state", "limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            kind: parameters.text("kind")?,
            state: parameters.value("state")?,
            limit: paging::limit(parameters, 100)?,
            cursor: parameters.text("cursor")?.as_deref().map(read_place).transpose()?,
        })
    }
}

fn read_place(cursor: &str) -> Result<JobPlace> {
    paging::read_cursor(cursor, |content| str::from_utf8(content).ok()?.parse().ok())
}

/// List jobs
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "administration", params(JobsQuery),
    responses(
        (status = 200, description = "A page of the queue", body = Listing<JobItem>),
        (status = 400, description = "An unknown or bad parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
    )
)]
async fn list(
    State(app): State<App>,
    _: Admin,
    uri: Uri,
    StrictQuery(query): StrictQuery<JobsQuery>,
) -> Result<Response> {
    let filter = JobFilter { kind: query.kind, state: query.state, before: query.cursor };
    let jobs = rows::list(&app.pool, &filter, query.limit + 1).await?;
    let items: Vec<JobItem> = jobs.into_iter().map(JobItem::from).collect();
    paging::answer(&uri, items, query.limit, |item| item.place.to_string().into_bytes())
}

/// Try a job again at once
///
/// What failed is tried again by itself after a while; this makes it due now.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/retry", tag = "administration",
    params(("id" = String, Path, description = "`id` of the list", example = "headroom-41")),
    responses(
        (status = 202, description = "A server that does such jobs was told; the job as it was", body = JobItem),
        (status = 400, description = "An unknown parameter"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such job"),
        (status = 409, description = "`job_done`"),
    )
)]
async fn retry(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
) -> Result<(StatusCode, Json<JobItem>)> {
    let job = jobs::retry(&app, &actor, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}

/// A job that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "headroom", "iso": "pjm"}))]
struct NewJob {
    /// `headroom`.
    kind: String,
    /// Of which ISO.
    #[schema(value_type = String)]
    iso: Iso,
}

/// Have headroom computed
///
/// Whatever headroom of the ISO is missing against its current Matrix and price to compare is
/// computed; what is there already stays as it is.
#[utoipa::path(
    post, path = "/api/v1/jobs", tag = "administration", request_body = NewJob,
    responses(
        (status = 202, description = "The job", body = JobItem),
        (status = 400, description = "A member is unknown, missing or wrong"),
        (status = 401, description = "No valid credential"),
        (status = 403, description = "Not an administrator"),
        (status = 409, description = "`no_matrix`: there is nothing to compute it from"),
        (status = 415, description = "Not JSON"),
    )
)]
async fn run(
    State(app): State<App>,
    _: Admin,
    actor: Actor,
    _: NoQuery,
    StrictJson(wanted): StrictJson<NewJob>,
) -> Result<(StatusCode, Json<JobItem>)> {
    if wanted.kind != rows::HEADROOM {
        return Err(Problem::bad_parameter("kind", &wanted.kind, "known is headroom"));
    }
    let job = jobs::run_headroom(&app, &actor, wanted.iso).await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}
