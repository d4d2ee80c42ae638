//! What operators ask: is it alive, is it ready, how much does it do?

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::parameters::{FromParameters, NoQuery, Parameters, StrictQuery};
use crate::{
    app::App,
    auth::address::ClientAddress,
    db::{feeds::gauges, pool},
    error::{Problem, Result},
    feeds::{FEEDS, Secrecy},
    telemetry,
};

/// A part that does not answer within this time is not ready.
const PATIENCE: Duration = Duration::from_secs(5);

/// The routes. None needs a credential.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz)).routes(routes!(metrics))
}

/// Tell whether the server runs
///
/// Asks nothing else.
#[utoipa::path(
    get, path = "/livez", tag = "operation", security(()),
    responses(
        (status = 200, description = "It runs", body = String, content_type = "text/plain", example = "ok"),
        (status = 400, description = "An unknown parameter")
    )
)]
async fn livez(_: NoQuery) -> &'static str {
    "ok"
}

/// How `/readyz` is asked.
struct Detail {
    verbose: bool,
}

impl FromParameters for Detail {
    const NAMES: &'static [&'static str] = &["verbose"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        match parameters.text("verbose")?.as_deref() {
            None | Some("false") => Ok(Self { verbose: false }),
            Some("" | "true") => Ok(Self { verbose: true }),
            Some(other) => Err(Problem::bad_parameter("verbose", other, "give true or false")),
        }
    }
}

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ready", "checks": [{"name": "database", "ready": true}, {"name": "migrations", "ready": true}, {"name": "documents", "ready": true}]}))]
struct Readiness {
    /// `ready`.
    status: &'static str,
    /// The parts; only with `?verbose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
}

/// One part that the server needs.
#[derive(Debug, Serialize, ToSchema)]
struct Check {
    /// `database`, `migrations` or `documents`.
    name: &'static str,
    /// Whether it does its work.
    ready: bool,
}

/// Tell whether requests can be served
///
/// The database answers, its schema is up to date, documents can be kept.
#[utoipa::path(
    get, path = "/readyz", tag = "operation", security(()),
    params(("verbose" = Option<bool>, Query, description = "Tell the parts one by one")),
    responses(
        (status = 200, description = "Requests can be served", body = Readiness),
        (status = 400, description = "An unknown parameter"),
        (status = 503, description = "`not_ready`: a part is away; `checks` tells which")
    )
)]
async fn readyz(
    State(app): State<App>,
    StrictQuery(asked): StrictQuery<Detail>,
) -> Result<Response> {
    let checks = Box::pin(checks(&app)).await;
    let away: Vec<_> = checks.iter().filter(|check| !check.ready).map(|check| check.name).collect();
    if away.is_empty() {
        let checks = asked.verbose.then_some(checks);
        return Ok(Json(Readiness { status: "ready", checks }).into_response());
    }
    let detail = format!("Not ready: {}. The log tells why.", away.join(", "));
    let problem = Problem::unavailable("not_ready", detail, 5);
    Err(problem.with("checks", serde_json::to_value(checks).unwrap_or_default()))
}

async fn checks(app: &App) -> Vec<Check> {
    let (database, migrations, documents) = tokio::join!(
        check("database", pool::ping(&app.pool)),
        check("migrations", async {
            match pool::pending_migrations(&app.pool).await {
                Ok(0) => Ok(()),
                Ok(pending) => Err(format!("{pending} are missing: run trueprice migrate")),
                Err(error) => Err(error.to_string()),
            }
        }),
        check("documents", app.documents.check()),
    );
    vec![database, migrations, documents]
}

async fn check<E: std::fmt::Display>(
    name: &'static str,
    result: impl Future<Output = Result<(), E>>,
) -> Check {
    let problem = match tokio::time::timeout(PATIENCE, result).await {
        Ok(Ok(())) => return Check { name, ready: true },
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer".to_owned(),
    };
    tracing::warn!(check = name, %problem, "not ready");
    Check { name, ready: false }
}

/// Read the numbers
///
/// In Prometheus' text format. The operator can limit who may read them (`TRUEPRICE_METRICS_ALLOW`).
#[utoipa::path(
    get, path = "/metrics", tag = "operation", security(()),
    responses(
        (status = 200, description = "The numbers in Prometheus' text format", body = String,
         content_type = "text/plain", example = "# TYPE database_connections gauge\ndatabase_connections 4\n"),
        (status = 400, description = "An unknown parameter"),
        (status = 403, description = "Not for this address")
    )
)]
async fn metrics(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    _: NoQuery,
) -> Result<Response> {
    let allowed = &app.config.metrics_allow;
    if !allowed.is_empty() && !allowed.iter().any(|network| network.contains(&address)) {
        return Err(Problem::forbidden("The numbers are not for this address."));
    }
    let Some(recorder) = telemetry::recorder() else {
        return Err(Problem::unavailable("not_counting", "The numbers are not counted here.", 60));
    };
    metrics::gauge!("database_connections").set(app.pool.size());
    let idle = u32::try_from(app.pool.num_idle()).unwrap_or(u32::MAX);
    metrics::gauge!("database_connections_idle").set(idle);
    let numbers = recorder.render() + &gauges(&app).await;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((StatusCode::OK, kind, numbers).into_response())
}

/// How feeds are; nothing when the database does not tell, for the other numbers matter most then.
async fn gauges(app: &App) -> String {
    let open = FEEDS.iter().map(|feed| feed.about());
    let open = open.filter(|about| about.secrecy == Secrecy::Open).map(|about| about.id.to_owned());
    let open: Vec<String> = open.collect();
    let read = gauges::read(&app.pool, app.clock.now(), &open);
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the numbers of feeds cannot be read");
            String::new()
        }
        Err(_) => {
            tracing::warn!("the numbers of feeds take too long to read");
            String::new()
        }
    }
}
