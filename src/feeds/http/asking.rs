//! A page that is to be fetched, made ready.

use std::{fmt::Write as _, sync::Arc};

use reqwest::Url;

use super::{
    Errand,
    address::{self, Private},
    key::Key,
};
use crate::{
    domain::{Sha256, feed::Window},
    feeds::{Ask, BadBody, Feed, PageRef, Parsed, Request, Scope, Settings},
};

/// A page that is to be fetched.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) errand: &'a Errand<'a>,
    /// Which request this is: the same bytes in answer to the same request say the same rows.
    pub(super) request_key: Sha256,
    /// The address as it may be shown.
    pub(super) shown: String,
    pub(super) private: Private,
    pub(super) is_archive: bool,
    /// What is sent; or which setting is wrong.
    pub(super) ready: Result<Ready, String>,
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) url: Url,
    /// Who is asked, as `upstream_host` names it.
    pub(super) host: String,
    pub(super) key: Arc<Key>,
}

impl<'a> Asking<'a> {
    pub(super) fn of(errand: &'a Errand<'a>) -> Self {
        let (feed, ask) = (errand.feed, &errand.ask);
        let request = feed.request(ask);
        let private = Private::of(ask);
        let url = address::of(&ask.settings.base_url, &request);
        let shown =
            url.as_ref().map_or_else(|| ask.settings.base_url.clone(), |url| private.show(url));
        Self {
            errand,
            request_key: request_key(feed, ask, &request),
            shown,
            private,
            is_archive: request.is_archive,
            ready: ready(ask, &request, url),
        }
    }
}

fn ready(ask: &Ask<'_>, request: &Request, url: Option<Url>) -> Result<Ready, String> {
    let url = url.ok_or("the setting base_url and the path of the page make no address")?;
    let key = Key::of(ask.settings, request).map_err(|error| error.to_string())?;
    Ok(Ready { host: address::host(&url), url, key: Arc::new(key) })
}

/// The digest of all that decides which rows the answer to a request says.
pub(super) fn request_key(feed: &dyn Feed, ask: &Ask<'_>, request: &Request) -> Sha256 {
    let (settings, scope) = (ask.settings, ask.scope);
    let mut text = String::new();
    // Writing to a String does not fail.
    _ = write!(text, "{}\n{}{}", feed.about().id, settings.base_url, request.path);
    for (name, value) in &request.query {
        _ = write!(text, "\n{name}={value}");
    }
    _ = write!(text, "\n{} {:?} {:?}", scope.scope, scope.region_id, scope.tariff_code);
    _ = write!(text, " {:?}", scope.meter.as_ref().map(|meter| &meter.meter_id));
    _ = write!(text, "\n{:?} {:?}", settings.factor_sets, settings.payment_method);
    _ = write!(text, " {:?} {:?}", settings.owner, settings.gas_in_m3);
    Sha256::of(text.as_bytes())
}

/// What is asked, kept for a thread of its own.
#[derive(Debug)]
pub(super) struct Kept {
    settings: Settings,
    scope: Scope,
    window: Window,
    page: PageRef,
    now: chrono::DateTime<chrono::Utc>,
}

impl Kept {
    /// Of an answer that came at `now`.
    pub(super) fn of(ask: &Ask<'_>, now: chrono::DateTime<chrono::Utc>) -> Self {
        Self {
            settings: ask.settings.clone(),
            scope: ask.scope.clone(),
            window: ask.window,
            page: ask.page.clone(),
            now,
        }
    }

    /// What a body says in answer to it.
    pub(super) fn parse(&self, feed: &dyn Feed, body: &[u8]) -> Result<Parsed, BadBody> {
        let Self { settings, scope, window, page, now } = self;
        feed.parse(body, &Ask { settings, scope, window: *window, page, now: *now })
    }
}
