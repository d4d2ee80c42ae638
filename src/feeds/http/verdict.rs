//! What the status of an answer means.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Manners;
use crate::domain::feed::FetchClass;

/// What became of a request that brought no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) class: FetchClass,
    /// In words; none where nothing is wrong.
    pub(super) message: Option<String>,
    /// The host is left alone for so long.
    pub(super) pause: Option<Duration>,
}

impl Verdict {
    pub(super) fn new(class: FetchClass, message: impl Into<String>) -> Self {
        Self { class, message: Some(message.into()), pause: None }
    }
}

/// What of an answer tells its class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signs<'a> {
    pub(super) status: u16,
    /// Whether the request named what is known already.
    pub(super) conditional: bool,
    pub(super) retry_after: Option<&'a str>,
    /// The upstream's time, else ours.
    pub(super) now: DateTime<Utc>,
}

/// The class of an answer by its status; none for 200, where the body decides.
pub(super) fn of_status(
    signs: &Signs<'_>,
    manners: &Manners,
    absence: impl FnOnce() -> Option<FetchClass>,
) -> Option<Verdict> {
    use FetchClass::{Auth, BadBody, ClientError, Throttled, Transient, Unchanged};
    let status = signs.status;
    let asked = signs.retry_after.and_then(|text| span(text, signs.now));
    let told = |class, what: &str| Some(Verdict::new(class, format!("status {status}: {what}")));
    let fine = |class| Some(Verdict { class, message: None, pause: None });
    let wait = |asked: Option<Duration>| {
        let pause = asked.unwrap_or(manners.pause).min(manners.longest_pause);
        let message = format!("status {status}: asked to wait {} s", pause.as_secs_f64().ceil());
        Some(Verdict { class: Throttled, message: Some(message), pause: Some(pause) })
    };
    match status {
        200 => None,
        304 if signs.conditional => fine(Unchanged),
        201..=299 | 304 => told(BadBody, "not a page"),
        300..=399 => told(ClientError, "sent on to another host or around in a circle"),
        401 | 403 => told(Auth, "the key is missing, wrong, or not for this"),
        429 => wait(asked),
        503 if asked.is_some() => wait(asked),
        408 | 500..=599 => told(Transient, "the upstream cannot answer now"),
        400..=499 => match absence().filter(|_| status == 404) {
            Some(class) => fine(class),
            None => told(ClientError, "the upstream refuses the request"),
        },
        _ => told(BadBody, "no status that HTTP knows"),
    }
}

/// `Retry-After`: seconds, or a date of HTTP.
fn span(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
    Some((until - now).to_std().unwrap_or_default())
}

/// The upstream's time, of its header `Date`.
pub(super) fn upstream_time(date: Option<&str>) -> Option<DateTime<Utc>> {
    date.and_then(|text| httpdate::parse_http_date(text).ok()).map(DateTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, retry_after: Option<&str>, not_yet: bool) -> Option<Verdict> {
        let absence = not_yet.then_some(FetchClass::NotYet);
        let now = "2025-01-15T12:00:00Z".parse().unwrap();
        let signs = Signs { status, conditional: true, retry_after, now };
        of_status(&signs, &Manners::default(), || absence)
    }

    #[test]
    fn each_status_has_its_class() {
        use FetchClass::{Auth, BadBody, ClientError, NotYet, Throttled, Transient, Unchanged};
        assert_eq!(verdict(200, None, true), None);
        for (status, class) in [
            (304, Unchanged),
            (204, BadBody),
            (206, BadBody),
            (301, ClientError),
            (302, ClientError),
            (400, ClientError),
            (401, Auth),
            (403, Auth),
            (404, ClientError),
            (408, Transient),
            (410, ClientError),
            (422, ClientError),
            (429, Throttled),
            (500, Transient),
            (502, Transient),
            (503, Transient),
            (504, Transient),
            (599, Transient),
            (999, BadBody),
        ] {
            let verdict = verdict(status, None, false).unwrap();
            assert_eq!(verdict.class, class, "{status}");
            assert_eq!(verdict.pause.is_some(), status == 429, "{status}");
            assert_eq!(verdict.message.is_none(), class.is_success(), "{status}");
        }
        assert_eq!(verdict(404, None, true).unwrap().class, NotYet);
        let unasked =
            Signs { status: 304, conditional: false, retry_after: None, now: DateTime::UNIX_EPOCH };
        let unasked = of_status(&unasked, &Manners::default(), || None);
        assert_eq!(unasked.unwrap().class, BadBody);
    }

    #[test]
    fn pauses_are_taken_from_the_header_and_trusted_for_an_hour() {
        let pause =
            |status, text| verdict(status, text, false).unwrap().pause.map(|span| span.as_secs());
        assert_eq!(pause(429, Some("7")), Some(7));
        assert_eq!(pause(503, Some(" 7 ")), Some(7));
        assert_eq!(pause(429, None), Some(60));
        assert_eq!(pause(429, Some("soon")), Some(60));
        assert_eq!(pause(429, Some("-5")), Some(60));
        assert_eq!(pause(429, Some("86400")), Some(3600));
        assert_eq!(pause(429, Some("99999999999999999999999")), Some(3600));
        assert_eq!(pause(429, Some("Wed, 15 Jan 2025 12:02:00 GMT")), Some(120));
        assert_eq!(pause(429, Some("Wed, 15 Jan 2025 11:00:00 GMT")), Some(0));
        assert_eq!(pause(429, Some("Fri, 15 Jan 2027 12:00:00 GMT")), Some(3600));
        assert_eq!(pause(503, Some("soon")), None);
        assert_eq!(pause(500, Some("7")), None);
    }

    #[test]
    fn an_unreadable_pause_of_503_is_a_failure_like_others() {
        assert_eq!(verdict(503, Some("soon"), false).unwrap().class, FetchClass::Transient);
    }
}
