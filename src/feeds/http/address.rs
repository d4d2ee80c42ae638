//! The address of a page, as it is asked and as it is shown.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use crate::{
    auth::SECRET_NAMES,
    feeds::{Ask, Request},
};

/// Characters that are shown of the number of an account or a meter.
const SHOWN: usize = 3;

/// The address of a request below the base address of its feed; none where the two do not make one on
/// the host of the base.
pub(super) fn of(base_url: &str, request: &Request) -> Option<Url> {
    let base = Url::parse(base_url).ok()?;
    let mut url = Url::parse(&format!("{base_url}{}", request.path)).ok()?;
    let stays = request.path.starts_with('/')
        && url.origin() == base.origin()
        && url.username().is_empty()
        && url.password().is_none();
    if !stays {
        return None;
    }
    url.set_fragment(None);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    Some(url)
}

/// Host, and the port where it is not that of the scheme: who is asked.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether an answer may send on from one address to another: on the same host, and never from TLS
/// to none.
pub(super) fn same_house(from: &Url, to: &Url) -> bool {
    let upgraded = (from.scheme(), to.scheme()) == ("http", "https")
        && from.port().is_none()
        && to.port().is_none()
        && from.host_str() == to.host_str();
    upgraded || from.origin() == to.origin()
}

/// What must not be shown of addresses and messages: numbers of an account and of meters.
#[derive(Debug)]
pub(super) struct Private(Vec<(String, String)>);

impl Private {
    /// Of whom a page is asked.
    pub(super) fn of(ask: &Ask<'_>) -> Self {
        let meter = ask.scope.meter.iter().flat_map(|meter| [&meter.mpan, &meter.serial]);
        let numbers = meter.chain(&ask.settings.account).filter(|number| !number.is_empty());
        let mut pairs: Vec<(String, String)> = Vec::new();
        for number in numbers {
            let cut: String = number.chars().take(SHOWN.min(number.chars().count() / 2)).collect();
            let encoded = utf8_percent_encode(number, NON_ALPHANUMERIC).to_string();
            pairs.push((encoded, format!("{cut}***")));
            pairs.push((number.clone(), format!("{cut}***")));
        }
        // A number that holds another is replaced first.
        pairs.sort_by_key(|(number, _)| std::cmp::Reverse(number.len()));
        Self(pairs)
    }

    /// A text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (number, shown)| text.replace(number, shown))
    }

    /// An address without them, and without the values of parameters that are named like secrets.
    pub(super) fn show(&self, url: &Url) -> String {
        let text = url.as_str();
        let Some((path, query)) = text.split_once('?') else { return self.hide(text) };
        let parts: Vec<String> = query.split('&').map(without_secret).collect();
        self.hide(&format!("{path}?{}", parts.join("&")))
    }
}

fn without_secret(part: &str) -> String {
    let named = form_urlencoded::parse(part.as_bytes()).next().is_some_and(|(name, _)| {
        SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret))
    });
    match part.split_once('=') {
        Some((name, _)) if named => format!("{name}=***"),
        _ => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::Auth;

    fn request(path: &str, query: &[(&'static str, &str)]) -> Request {
        Request {
            path: path.to_owned(),
            query: query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            auth: Auth::None,
            is_archive: false,
        }
    }

    fn private(numbers: &[&str]) -> Private {
        Private(numbers.iter().map(|n| ((*n).to_owned(), format!("{}***", &n[..3]))).collect())
    }

    #[test]
    fn pages_are_asked_below_the_base_alone() {
        let url = of(
            "https://a.test/v1",
            &request("/x/?page=2", &[("start", "2021-07-07T23:00:00+00:00")]),
        );
        assert_eq!(
            url.unwrap().as_str(),
            "https://a.test/v1/x/?page=2&start=2021-07-07T23%3A00%3A00%2B00%3A00"
        );
        for astray in ["@evil.test/", "x", ":8080/", ".evil.test/", ""] {
            assert_eq!(of("https://a.test", &request(astray, &[])), None, "{astray}");
        }
        let url = of("https://a.test", &request("//evil.test/x", &[])).unwrap();
        assert_eq!(url.host_str(), Some("a.test"));
    }

    #[test]
    fn hosts_have_a_port_where_it_is_not_the_usual() {
        let host = |text: &str| host(&Url::parse(text).unwrap());
        assert_eq!(host("https://API.test:443/x"), "api.test");
        assert_eq!(host("http://127.0.0.1:8080/x"), "127.0.0.1:8080");
    }

    #[test]
    fn an_answer_sends_on_to_the_same_host_alone() {
        let same =
            |from: &str, to: &str| same_house(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        assert!(same("http://a.test/x", "https://a.test/y"));
        assert!(same("https://a.test/x", "https://a.test/y"));
        assert!(!same("https://a.test/x", "http://a.test/x"));
        assert!(!same("https://a.test/x", "https://b.test/x"));
        assert!(!same("https://a.test/x", "https://a.test:8443/x"));
        assert!(!same("http://a.test:8080/x", "https://a.test/x"));
    }

    #[test]
    fn secrets_and_numbers_are_not_shown() {
        let url = Url::parse(
            "https://a.test/v1/points/1900000000001/meters/21X0000001/?API_KEY=hunter2&a=1&k%65y=hunter2",
        );
        assert_eq!(
            private(&["1900000000001", "21X0000001"]).show(&url.unwrap()),
            "https://a.test/v1/points/190***/meters/21X***/?API_KEY=***&a=1&k%65y=***"
        );
    }
}
