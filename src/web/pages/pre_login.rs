//! The browser of somebody who is not signed in: its forms carry a token against forgery too, made
//! from a secret in a cookie of its own. Several open forms share it.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use tower_sessions::cookie::Cookie;

use super::Page;
use crate::{
    auth::{CsrfToken, Secret},
    config::AuthConfig,
    error::{Problem, Result},
    web::middleware::csrf,
};

/// A browser that is shown a form.
#[derive(Debug)]
pub struct PreLogin {
    secret: String,
    /// Sent along where the browser has no secret yet.
    cookie: Option<HeaderValue>,
}

impl PreLogin {
    /// The browser that sent these headers, with a new secret if it has none.
    pub fn of(config: &AuthConfig, headers: &HeaderMap) -> Result<Self> {
        if let Some(secret) = sent_secret(config, headers) {
            return Ok(Self { secret, cookie: None });
        }
        let secret = Secret::random("")?.expose().to_owned();
        let cookie = cookie(config, &secret)?;
        Ok(Self { secret, cookie: Some(cookie) })
    }

    /// The frame of a page with its token.
    pub fn page(&self, title: &str, path: &str) -> Page {
        Page {
            title: title.to_owned(),
            user: None,
            csrf: CsrfToken::of_secret(&self.secret).0,
            path: path.to_owned(),
        }
    }

    /// An answer that gives the browser its cookie.
    pub fn answer(self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        if let Some(cookie) = self.cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// Whether a form comes from this browser: 403 `csrf` unless it carries the token.
    pub fn check(config: &AuthConfig, headers: &HeaderMap, token: Option<&str>) -> Result<()> {
        let secret = sent_secret(config, headers).ok_or_else(old_form)?;
        match token {
            Some(token) if CsrfToken::of_secret(&secret).is(token) => Ok(()),
            _ => Err(old_form()),
        }
    }
}

/// 403 `csrf`, for a person: the form that comes back with it is a new one.
fn old_form() -> Problem {
    Problem {
        detail: "This form is too old, or your browser does not keep our cookies. Nothing was \
                 checked; please send it once more."
            .to_owned(),
        ..csrf::refused()
    }
}

const fn cookie_name(config: &AuthConfig) -> &'static str {
    if config.behind_tls_proxy { "__Host-login" } else { "login" }
}

fn sent_secret(config: &AuthConfig, headers: &HeaderMap) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == cookie_name(config) && cookie.value().len() == 43)
        .map(|cookie| cookie.value().to_owned())
}

fn cookie(config: &AuthConfig, secret: &str) -> Result<HeaderValue> {
    let secure = if config.behind_tls_proxy { "; Secure" } else { "" };
    let name = cookie_name(config);
    let cookie = format!("{name}={secret}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).map_err(|error| Problem::internal(&error))
}
