//! Whether the other side is a browser that wants a page.

use axum::http::{HeaderMap, header};

/// Whether `text/html` is asked for by name and no less than JSON. `*/*` alone is a program.
#[must_use]
pub fn wants_html(headers: &HeaderMap) -> bool {
    let mut html = 0.0_f32;
    let mut json = 0.0_f32;
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        match media.as_str() {
            "text/html" | "application/xhtml+xml" => html = html.max(quality),
            "application/json" | "application/problem+json" => json = json.max(quality),
            _ => {}
        }
    }
    html > 0.0 && html >= json
}

/// Whether an answer is for a person's eyes. Under `/api/` it is only when a browser goes there
/// itself, by a link or its address bar: what a script of a page asks for stays a document.
#[must_use]
pub fn wants_page(headers: &HeaderMap, path: &str) -> bool {
    let goes_there = || headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    wants_html(headers) && (!path.starts_with("/api/") || goes_there())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_programs() {
        let wants = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            wants_html(&headers)
        };
        assert!(wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!wants("*/*"));
        assert!(!wants("application/json, text/html;q=0.5"));
        assert!(!wants("text/html;q=0"));
        assert!(!wants_html(&HeaderMap::new()));
    }
}
