//! What became of one request.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    Manners,
    asking::{Asking, Kept, Ready, request_key},
    client::{Answer, Body, Failure, Sending},
    links::Trusted,
    verdict::{self, Signs, Verdict},
};
use crate::{
    app::App,
    db::feeds::fetches::{self, Base},
    domain::{Sha256, feed::FetchClass},
    error::Problem,
    feeds::{Ask, BadBody, Next, PageRef, Parsed},
};

/// What became of one request.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) status: Option<u16>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) date: Option<String>,
    /// Bytes that came.
    pub(super) bytes: usize,
    /// To be kept.
    pub(super) keep: Option<(Sha256, Bytes)>,
    /// Kept before.
    pub(super) known: Option<Sha256>,
    pub(super) parsed: Option<Parsed>,
    pub(super) next: Option<PageRef>,
}

impl Outcome {
    /// Without an answer.
    pub(super) fn without(verdict: Verdict) -> Self {
        Self {
            verdict,
            status: None,
            etag: None,
            last_modified: None,
            date: None,
            bytes: 0,
            keep: None,
            known: None,
            parsed: None,
            next: None,
        }
    }

    fn of(answer: &Answer, verdict: Verdict) -> Self {
        Self {
            status: Some(answer.status),
            etag: answer.etag.clone(),
            last_modified: answer.last_modified.clone(),
            date: answer.date.clone(),
            ..Self::without(verdict)
        }
    }

    /// The same as what is loaded already.
    fn unchanged(self, base: &Base) -> Self {
        let verdict = Verdict { class: FetchClass::Unchanged, message: None, pause: None };
        let next = base.next.clone().and_then(|next| serde_json::from_value(next).ok());
        Self {
            verdict,
            etag: self.etag.or_else(|| base.etag.clone()),
            last_modified: self.last_modified.or_else(|| base.last_modified.clone()),
            known: base.document,
            next,
            ..self
        }
    }
}

/// Where an outcome is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) app: &'a App,
    pub(super) manners: &'a Manners,
    pub(super) asking: &'a Asking<'a>,
    pub(super) ready: &'a Ready,
    pub(super) base: Option<&'a Base>,
    /// When the answer came.
    pub(super) now: DateTime<Utc>,
}

impl Judge<'_> {
    /// What became of a request.
    pub(super) async fn judge(&self, came: Result<Answer, Failure>) -> sqlx::Result<Outcome> {
        let answer = match came {
            Ok(answer) => answer,
            Err(failure) => {
                return Ok(Outcome::without(Verdict::new(failure.class, failure.message)));
            }
        };
        let told = self.told_by_status(&answer);
        match (told, &answer.body) {
            (Some(verdict), Body::Read(body)) => Ok(self.failed(&answer, verdict, body)),
            (Some(verdict), Body::TooLong(_)) => Ok(Outcome::of(&answer, verdict)),
            (None, Body::TooLong(length)) => {
                let limit = self.manners.longest_body;
                let message =
                    format!("the body has {length} bytes or more; at most {limit} are read");
                Ok(Outcome::of(&answer, Verdict::new(FetchClass::TooLarge, message)))
            }
            (None, Body::Read(body)) => self.page(&answer, body.clone()).await,
        }
    }

    fn told_by_status(&self, answer: &Answer) -> Option<Verdict> {
        let sending = Sending {
            url: &self.ready.url,
            key: &self.ready.key,
            base: self.base,
            is_archive: self.asking.is_archive,
        };
        let signs = Signs {
            status: answer.status,
            conditional: sending.is_conditional(),
            retry_after: answer.retry_after.as_deref(),
            now: verdict::upstream_time(answer.date.as_deref()).unwrap_or(self.now),
        };
        let errand = self.asking.errand;
        verdict::of_status(&signs, self.manners, || errand.feed.absence(&errand.ask))
    }

    /// An answer that is no page: its beginning is kept for those who look for the reason.
    fn failed(&self, answer: &Answer, verdict: Verdict, body: &Bytes) -> Outcome {
        let outcome = Outcome { bytes: body.len(), ..Outcome::of(answer, verdict) };
        match (outcome.verdict.class, self.base) {
            (FetchClass::Unchanged, Some(base)) => outcome.unchanged(base),
            (FetchClass::NotYet, _) => {
                let errand = self.asking.errand;
                let next = errand.feed.after_not_yet(&errand.ask);
                Outcome { next, ..outcome }
            }
            _ if body.is_empty() || self.ready.key.is_in(body) => outcome,
            _ => Outcome { keep: Some((Sha256::of(body), body.clone())), ..outcome },
        }
    }

    /// An answer with status 200.
    async fn page(&self, answer: &Answer, body: Bytes) -> sqlx::Result<Outcome> {
        let fine = Verdict { class: FetchClass::Ok, message: None, pause: None };
        let outcome = Outcome { bytes: body.len(), ..Outcome::of(answer, fine) };
        let bad = |outcome, why: BadBody| {
            let why = self.asking.private.hide(&why.0);
            Outcome { verdict: Verdict::new(FetchClass::BadBody, why), ..outcome }
        };
        // Long bodies keep a thread busy for a while; not one that answers others.
        let (key, bytes) = (self.ready.key.clone(), body.clone());
        let look = move || (!key.is_in(&bytes)).then(|| Sha256::of(&bytes));
        let Some(sha256) = tokio::task::spawn_blocking(look).await.map_err(stopped)? else {
            return Ok(bad(outcome, BadBody("the body repeats the key; it is not kept".into())));
        };
        if let Some(base) = self.base.filter(|base| base.document == Some(sha256)) {
            return Ok(outcome.unchanged(base));
        }
        let outcome = Outcome { keep: Some((sha256, body.clone())), ..outcome };
        Ok(match self.parse(body).await? {
            Err(why) => bad(outcome, why),
            Ok((parsed, next)) => {
                let class =
                    if parsed.records.is_empty() { FetchClass::NoData } else { FetchClass::Ok };
                let verdict = Verdict { class, ..outcome.verdict };
                Outcome { verdict, parsed: Some(parsed), next, ..outcome }
            }
        })
    }

    /// What a page says, and the page after it.
    async fn parse(&self, body: Bytes) -> sqlx::Result<Result<(Parsed, Option<PageRef>), BadBody>> {
        if body.is_empty() {
            return Ok(Err(BadBody("the body is empty".into())));
        }
        let errand = self.asking.errand;
        let (feed, kept) = (errand.feed, Kept::of(&errand.ask, self.now));
        let parsed = self.app.in_reader_turn(move || kept.parse(feed, &body)).await;
        // A parser that panics has met bytes that it was not made for.
        let parsed = parsed.unwrap_or_else(|_: Problem| Err(BadBody("the parser stopped".into())));
        let mut parsed = match parsed {
            Ok(parsed) => parsed,
            Err(why) => return Ok(Err(why)),
        };
        match parsed.next.take() {
            None => Ok(Ok((parsed, None))),
            Some(next) => Ok(self.follow(next).await?.map(|next| (parsed, Some(next)))),
        }
    }

    /// The page after this one, unless it may not be followed.
    async fn follow(&self, next: Next) -> sqlx::Result<Result<PageRef, BadBody>> {
        let errand = self.asking.errand;
        let settings = errand.ask.settings;
        let Some(trusted) = Trusted::of(settings, errand.feed.about()) else {
            return Ok(Err(BadBody("the setting base_url is no address".into())));
        };
        let next = match trusted.follow(next, errand.ask.page, &self.ready.url) {
            Ok(next) => next,
            Err(why) => return Ok(Err(why)),
        };
        let ask = Ask { page: &next, ..errand.ask };
        let key = request_key(errand.feed, &ask, &errand.feed.request(&ask));
        let page = i32::try_from(errand.ask.page.number()).unwrap_or(i32::MAX);
        let place = (errand.run_id, errand.ask.window, page);
        let again = key == self.asking.request_key
            || fetches::asked_before(&self.app.pool, place, key).await?;
        Ok(if again {
            Err(BadBody("the next page is one that was read before".into()))
        } else {
            Ok(next)
        })
    }
}

fn stopped(error: tokio::task::JoinError) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(error))
}
