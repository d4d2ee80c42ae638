//! No secret is ever in a URL: they are kept in histories, logs and proxies.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::App,
    audit::identity,
    auth::{SECRET_NAMES, token::looks_like_token},
    error::Problem,
};

/// Bytes of a path with its query.
pub const LONGEST: usize = 8 << 10;
/// Parameters of a query.
pub const MOST_PARAMETERS: usize = 1000;

pub(super) async fn refuse_credentials(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    match check(request.uri().path_and_query().map_or("", |path| path.as_str())) {
        Ok(()) => next.run(request).await,
        Err(Refusal::Other(problem)) => problem.into_response(),
        Err(Refusal::Leak(parameter)) => {
            let (parts, _) = request.into_parts();
            identity::leaked(&app, &parts, parameter).await;
            credentials_in_url().into_response()
        }
    }
}

/// Why an address is refused.
#[derive(Debug)]
enum Refusal {
    /// There is a secret in it: under this name, or under another that is not repeated.
    Leak(&'static str),
    Other(Problem),
}

fn check(path_and_query: &str) -> Result<(), Refusal> {
    if path_and_query.len() > LONGEST {
        return Err(Refusal::Other(Problem::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            format!("The address is longer than {LONGEST} bytes."),
        )));
    }
    let query = path_and_query.split_once('?').map_or("", |(_, query)| query);
    let mut count = 0;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        count += 1;
        let name = name.to_lowercase();
        if let Some(known) = SECRET_NAMES.iter().find(|known| **known == name) {
            return Err(Refusal::Leak(known));
        }
        if looks_like_token(value.trim_start()) {
            return Err(Refusal::Leak("another"));
        }
    }
    if count > MOST_PARAMETERS {
        return Err(Refusal::Other(Problem::new(
            StatusCode::BAD_REQUEST,
            "too_many_parameters",
            format!("There are more than {MOST_PARAMETERS} parameters."),
        )));
    }
    Ok(())
}

/// Says nothing of the value, and is logged without it.
fn credentials_in_url() -> Problem {
    tracing::warn!("a credential in a URL was refused; whoever sent it should replace it");
    Problem::new(
        StatusCode::BAD_REQUEST,
        "credentials_in_url",
        "A password or token was sent in the URL, where others can read it. Nothing was looked \
         up. Replace it, and send it in the header Authorization or in the body.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_refused_by_name_and_by_look() {
        for bad in ["/?token=x", "/a?Password=", "/?iso=tpk_abc", "/?b=%74pl_abc", "/?API_KEY=1"] {
            assert!(matches!(check(bad), Err(Refusal::Leak(_))), "{bad}");
        }
        assert!(check("/api/v1/data?curve=energy&iso=ercot").is_ok());
        assert!(check("/tpk_").is_ok());
    }

    #[test]
    fn a_refusal_does_not_repeat_the_secret() {
        for leak in ["/?token=hunter2hunter2", "/?hunter2=tpk_hunter2"] {
            let refusal = check(leak).unwrap_err();
            assert!(matches!(refusal, Refusal::Leak(_)));
            assert!(!format!("{refusal:?}").contains("hunter2"));
        }
    }

    #[test]
    fn long_addresses() {
        let code = |address: &str| match check(address) {
            Err(Refusal::Other(problem)) => problem.code,
            _ => "",
        };
        assert_eq!(code(&format!("/?a={}", "a".repeat(LONGEST))), "uri_too_long");
        assert_eq!(code(&format!("/?{}", "a&".repeat(1001))), "too_many_parameters");
    }
}
