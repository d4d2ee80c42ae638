//! Where a browser goes after it has signed in: a path of this host and nothing else.

use axum::http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where it goes when nothing better is known.
pub const HOME: &str = "/";

const IN_A_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// The sign-in page that leads back to `uri`.
#[must_use]
pub fn login_path(uri: &Uri) -> String {
    let wanted = uri.path_and_query().map_or(HOME, |path| path.as_str());
    match safe(wanted) {
        HOME => "/login".to_owned(),
        path => format!("/login?return_to={}", utf8_percent_encode(path, IN_A_VALUE)),
    }
}

/// `path` if it is one of this host; else [`HOME`]. Refused are `//host`, `/\\host`, anything with a
/// scheme, control characters (browsers drop some of them) and the sign-in pages themselves.
#[must_use]
pub fn safe(path: &str) -> &str {
    let local = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 2048
        && path.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    let first = path.split(['?', '/']).nth(1).unwrap_or_default();
    if local && first != "login" && first != "logout" { path } else { HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host() {
        for hostile in [
            "//evil",
            "https://evil",
            "/\\evil",
            "javascript:alert(1)",
            "",
            "evil",
            "/\t/evil",
            "/a\r\nSet-Cookie: a=b",
            "/login?return_to=/login",
            "/logout",
            "\\/evil",
        ] {
            assert_eq!(safe(hostile), HOME, "{hostile:?}");
        }
        assert_eq!(safe("/curves?iso=ercot#a"), "/curves?iso=ercot#a");
    }

    #[test]
    fn the_way_back_is_one_value() {
        let uri = Uri::from_static("/curves?a=1&b=2");
        assert_eq!(login_path(&uri), "/login?return_to=/curves%3Fa%3D1%26b%3D2");
        assert_eq!(login_path(&Uri::from_static("/")), "/login");
    }
}
