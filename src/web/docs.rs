//! `/openapi.json`, and Swagger UI at `/apidocs`, whose files are inside the program.

mod schemas;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::Path,
    http::HeaderMap,
    response::{Html, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        License, OpenApi, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{
    assets::{cached, content_type},
    parameters::NoQuery,
};
use crate::{
    app::App,
    error::{Problem, Result},
};

/// The page around Swagger UI: nothing inline, as the content security policy wants it.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · TRUEPrice</title>
<link rel="icon" href="/static/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/apidocs/swagger-ui.css">
<script src="/apidocs/swagger-ui-bundle.js" defer></script>
<script src="/static/apidocs.js" defer></script>
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
</body>
</html>
"#;

/// An error answer as the description shows it (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "unauthenticated",
    "detail": "Sign in, or send a token: Authorization: Bearer TOKEN.",
    "instance": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11"
}))]
pub struct ProblemDocument {
    /// Always `about:blank`; `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status' words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable machine word.
    pub code: String,
    /// What is wrong, where, and what to do.
    pub detail: String,
    /// The request id, also in the header `X-Request-Id` and in the server's log.
    pub instance: String,
    /// The single faults, where there are several.
    pub errors: Option<Vec<Value>>,
}

/// The two routes, serving this description.
pub fn routes(openapi: OpenApi) -> Router<App> {
    let openapi = Arc::new(openapi);
    Router::new()
        .route("/openapi.json", get(move |_: NoQuery| async move { Json(Arc::clone(&openapi)) }))
        .route("/apidocs", get(async |_: NoQuery| Html(PAGE)))
        .route("/apidocs/{file}", get(swagger_file))
}

/// The description with its title and its ways to sign in.
#[must_use]
pub fn complete(mut openapi: OpenApi) -> OpenApi {
    "TRUEPrice".clone_into(&mut openapi.info.title);
    env!("CARGO_PKG_VERSION").clone_into(&mut openapi.info.version);
    openapi.info.contact = None;
    openapi.info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    openapi.info.description = Some(
        "Forward curves in, every version kept, exact numbers out. Send a token as \
         `Authorization: Bearer TOKEN`, or as the password of HTTP Basic; `POST /api/v1/tokens` \
         makes one. In a browser that is signed in at `/login` nothing more is needed."
            .to_owned(),
    );
    let mut components = openapi.components.take().unwrap_or_default();
    let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("opaque").build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let basic = Http::builder()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("Any name, and the token as password."))
        .build();
    components.add_security_scheme("basic", SecurityScheme::Http(basic));
    let cookie = ApiKey::Cookie(ApiKeyValue::new("session"));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    schemas::complete(&mut openapi, &mut components);
    openapi.components = Some(components);
    let none: [&str; 0] = [];
    openapi.security = Some(
        ["token", "basic", "session"].map(|name| SecurityRequirement::new(name, none)).to_vec(),
    );
    openapi
}

async fn swagger_file(Path(file): Path<String>, headers: HeaderMap) -> Result<Response> {
    let gone = || Problem::not_found("There is no such file.");
    // Of the bundle only what the page needs; not its own page with its inline parts.
    let wanted = ["swagger-ui.css", "swagger-ui-bundle.js"].contains(&file.as_str());
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    let found = utoipa_swagger_ui::serve(&file, config).ok().flatten().filter(|_| wanted);
    let found = found.ok_or_else(gone)?;
    Ok(cached(&headers, content_type(&file), found.bytes.into_owned()))
}
