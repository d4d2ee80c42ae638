//! `/static/...`: style sheet, scripts and icons, inside the program.

use std::fmt::Write as _;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::{
    app::App,
    domain::Sha256,
    error::{Problem, Result},
    web::parameters::NoQuery,
};

/// Kept by browsers, but asked for again each time: a new program has its new style at once, an
/// unchanged file costs a 304.
const CACHE_CONTROL: &str = "public, max-age=0, must-revalidate";

#[derive(RustEmbed)]
#[folder = "static/"]
#[exclude = "screenshots/*"]
struct Files;

/// Which program this is to a page: its version, and a digest of the style and scripts that it serves.
#[must_use]
pub fn program() -> String {
    let mut digests = String::new();
    for path in Files::iter() {
        if let Some(file) = Files::get(&path) {
            _ = writeln!(digests, "{path} {}", Sha256::of(&file.data));
        }
    }
    format!("{} {}", env!("CARGO_PKG_VERSION"), Sha256::of(digests.as_bytes()))
}

/// The route.
pub fn routes() -> Router<App> {
    Router::new().route("/static/{*path}", get(file)).route("/favicon.ico", get(icon))
}

/// What browsers ask for by habit, wherever the page's own link leads.
async fn icon(_: NoQuery) -> Redirect {
    Redirect::permanent("/static/logo.svg")
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Result<Response> {
    let found = Files::get(&path);
    let EmbeddedFile { data, .. } =
        found.ok_or_else(|| Problem::not_found("There is no such file."))?;
    Ok(cached(&headers, content_type(&path), data.into_owned()))
}

/// The bytes with their `ETag`, or a 304 for who has them.
pub(super) fn cached(headers: &HeaderMap, content_type: &'static str, data: Vec<u8>) -> Response {
    let etag = format!("\"{}\"", Sha256::of(&data));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        let tags = value.to_str().unwrap_or_default().split(',');
        tags.map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*")
    });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, content_type)], data).into_response()
    };
    let fixed = HeaderValue::from_static(CACHE_CONTROL);
    response.headers_mut().insert(header::CACHE_CONTROL, fixed);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// The types of the files that there are; anything else is only ever downloaded.
pub(super) fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_of_the_style_sheet_is_closed() {
        let style = String::from_utf8(Files::get("style.css").unwrap().data.into_owned()).unwrap();
        let mut depth = 0_i32;
        for (number, line) in (1..).zip(style.lines()) {
            let starts_section = line.starts_with("/* ---") || line.starts_with("@media");
            assert!(!starts_section || depth == 0, "a block before line {number} is open");
            depth += i32::try_from(line.matches('{').count()).unwrap();
            depth -= i32::try_from(line.matches('}').count()).unwrap();
        }
        assert_eq!(depth, 0);
    }

    #[test]
    fn who_has_it_is_told_so() {
        let first = cached(&HeaderMap::new(), "text/css", b"a".to_vec());
        assert_eq!(first.status(), StatusCode::OK);
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let again = cached(&headers, "text/css", b"a".to_vec());
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(cached(&headers, "text/css", b"b".to_vec()).status(), StatusCode::OK);
    }
}
