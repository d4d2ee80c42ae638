//! `/static/...`: the style sheet, little scripts, the chart library, inside the program.

use std::fmt::Write as _;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    app::App,
    error::{Problem, Result},
};

#[derive(rust_embed::RustEmbed)]
#[folder = "static/"]
struct Assets;

/// The route of all files.
pub fn routes() -> Router<App> {
    Router::new().route("/static/{*path}", get(asset))
}

/// A browser keeps a file and asks each time whether it changed: a new program never meets an old
/// script.
async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response> {
    let missing = || Problem::not_found(format!("There is no file /static/{path}."));
    let file = Assets::get(&path).ok_or_else(missing)?;
    let tag = entity_tag(&file.metadata.sha256_hash());
    let fresh = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.contains(&tag)) {
        return Ok((StatusCode::NOT_MODIFIED, fresh).into_response());
    }
    let kind = [(header::CONTENT_TYPE, content_type(&path))];
    Ok((fresh, kind, file.data.into_owned()).into_response())
}

fn entity_tag(digest: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in digest.iter().take(8) {
        _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_template_names_is_there() {
        let templates = [
            include_str!("../../../templates/base.html"),
            include_str!("../../../templates/curves.html"),
            include_str!("../../../templates/download.html"),
            include_str!("../../../templates/upload.html"),
        ];
        let mut named = 0;
        for text in templates {
            for rest in text.split("\"/static/").skip(1) {
                let path = rest.split('"').next().unwrap_or_default();
                assert!(Assets::get(path).is_some(), "{path}");
                named += 1;
            }
        }
        assert!(named > 5);
    }

    #[test]
    fn no_template_has_script_or_style_of_its_own() {
        for path in std::fs::read_dir("templates").unwrap() {
            let path = path.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for forbidden in [" style=", "<style", " onclick=", "<script>", "javascript:"] {
                assert!(!text.contains(forbidden), "{forbidden} in {}", path.display());
            }
        }
    }
}
