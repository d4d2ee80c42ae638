//! Asking upstreams: politely, safely, and with a record of every answer.
//!
//! [`Upstreams::fetch`] does all of it for one page: it waits for a turn with the host, asks, tries
//! again where that may help, says what became of it ([`FetchClass`]), keeps the bytes as a document,
//! writes a row of `feed_fetch` for each answer and for each that did not come, and lets the feed
//! parse a page.

mod address;
mod asking;
mod client;
mod key;
mod links;
mod manners;
mod outcome;
mod record;
mod verdict;

pub use manners::{Manners, PACES, Pace};

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{sync::Semaphore, time::sleep};

use self::{
    asking::{Asking, Ready},
    client::{Answer, Failure, Sending},
    outcome::{Judge, Outcome},
    record::Course,
    verdict::Verdict,
};
use super::{Ask, Feed, PageRef, Parsed};
use crate::{
    app::App,
    db::feeds::{
        fetches,
        hosts::{self, Rest, Terms, Turn, Why},
    },
    domain::feed::{FetchClass, TaskKind},
};

/// One page to be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'a> {
    /// From whom.
    pub feed: &'static dyn Feed,
    /// What.
    pub ask: Ask<'a>,
    /// The run that it is part of.
    pub run_id: i64,
    /// Why. What is no poll leaves half of the tokens to polls.
    pub task_kind: TaskKind,
    /// The lease under which it is fetched, for the record.
    pub lease_epoch: i64,
}

/// What became of an errand.
#[derive(Debug)]
pub struct Fetched {
    /// The row of `feed_fetch`; of the last try where there were several.
    pub fetch_id: i64,
    /// What became of it.
    pub class: FetchClass,
    /// When the answer came, by the server's clock.
    pub fetched_at: DateTime<Utc>,
    /// What the page says; for `ok`, and for `no_data` without rows.
    pub parsed: Option<Parsed>,
    /// The page after it, checked; of one that is unchanged, too.
    pub next: Option<PageRef>,
    /// The host is not to be asked before then: it asked for a pause, has no token left in time, or is
    /// taken to be down.
    pub not_before: Option<DateTime<Utc>>,
    /// What is wrong, in words for people; never with a secret.
    pub message: Option<String>,
}

/// The one way to upstreams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstreams(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    manners: Manners,
    client: client::Lazy,
    /// Turns at archives: the bytes of each are in memory until they are loaded.
    archives: Semaphore,
}

/// No wait is shorter: nobody is asked in a circle.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
/// How much longer than the longest request a probe is waited for.
const GRACE: Duration = Duration::from_secs(10);

impl Upstreams {
    /// With these manners. Nothing is opened before something is fetched.
    #[must_use]
    pub fn new(manners: Manners) -> Self {
        let (client, archives) = (client::Lazy::default(), Semaphore::new(1));
        Self(Arc::new(Parts { manners, client, archives }))
    }

    /// Fetches a page. An error is that of the database or of the document store alone: whatever the
    /// upstream does is a class. May be dropped at any point; it costs a token at most.
    pub async fn fetch(&self, app: &App, errand: &Errand<'_>) -> sqlx::Result<Fetched> {
        let asking = Asking::of(errand);
        let manners = &self.0.manners;
        let ready = match (&asking.ready, self.0.client.get(manners)) {
            (Ok(ready), Ok(client)) => Ok((ready, client)),
            (Err(message), _) => Err(message.clone()),
            (_, Err(failure)) => Err(failure.message),
        };
        let (ready, client) = match ready {
            Ok(ready) => ready,
            Err(why) => {
                let verdict = Verdict::new(FetchClass::Config, why);
                return unsent(app, &asking, verdict).await;
            }
        };
        let version = errand.feed.about().parser_version;
        let base = fetches::last_loaded(&app.pool, asking.request_key, version).await?;
        // It is never closed.
        let _turn = if asking.is_archive { self.0.archives.acquire().await.ok() } else { None };
        let way = Way { app, manners, client, asking: &asking, ready, base: base.as_ref() };
        way.go().await
    }
}

/// Writes down a request that was not sent.
async fn unsent(app: &App, asking: &Asking<'_>, verdict: Verdict) -> sqlx::Result<Fetched> {
    let course = Course { attempt: 1, at: app.clock.now(), took: Duration::ZERO };
    record::write(app, asking, course, Outcome::without(verdict)).await
}

/// The way to one page.
struct Way<'a> {
    app: &'a App,
    manners: &'a Manners,
    client: &'a reqwest::Client,
    asking: &'a Asking<'a>,
    ready: &'a Ready,
    base: Option<&'a fetches::Base>,
}

impl Way<'_> {
    /// Asks until there is an answer that another try would not better.
    async fn go(&self) -> sqlx::Result<Fetched> {
        let mut patience = self.manners.patience;
        let mut last: Option<Fetched> = None;
        let (mut tries, mut bad) = (0, 0);
        loop {
            if let Some((wait, why)) = self.turn(&mut patience).await? {
                return self.turned_away(last, wait, why).await;
            }
            tries += 1;
            let fetched = self.try_once(tries).await?;
            bad += u16::from(fetched.class == FetchClass::BadBody);
            let again = match fetched.class {
                FetchClass::Throttled | FetchClass::Transient => tries < self.manners.tries,
                FetchClass::BadBody => bad < 2 && tries < self.manners.tries,
                _ => false,
            };
            if !again {
                return Ok(fetched);
            }
            last = Some(fetched);
            sleep(self.manners.wait_after(tries)).await;
        }
    }

    /// Waits for a turn with the host. None: it is there. Else how far it is away.
    async fn turn(&self, patience: &mut Duration) -> sqlx::Result<Option<(Duration, Why)>> {
        let (pace, longest) = (self.manners.pace_with(&self.ready.host), self.longest());
        let is_poll = self.asking.errand.task_kind == TaskKind::Live;
        let terms = Terms {
            rate: pace.rate,
            burst: pace.burst,
            share: if is_poll { 0.0 } else { 0.5 },
            probe: longest + GRACE,
        };
        loop {
            let (wait, why) = match hosts::take(&self.app.pool, &self.ready.host, &terms).await? {
                Turn::Go => return Ok(None),
                Turn::Wait(wait, why) => (wait, why),
            };
            if wait > *patience || why == Why::Down {
                return Ok(Some((wait, why)));
            }
            let wait = wait.max(SHORTEST_WAIT);
            *patience = patience.saturating_sub(wait);
            sleep(wait).await;
        }
    }

    fn longest(&self) -> Duration {
        if self.asking.is_archive { self.manners.archive } else { self.manners.total }
    }

    /// There is no turn in time: what came before counts, or else that.
    async fn turned_away(
        &self,
        last: Option<Fetched>,
        wait: Duration,
        why: Why,
    ) -> sqlx::Result<Fetched> {
        let host = &self.ready.host;
        let (class, what) = match why {
            Why::Paused => (FetchClass::Throttled, "asked to wait"),
            Why::Busy => (FetchClass::Throttled, "was asked as often as may be"),
            Why::Down => (FetchClass::Transient, "failed too often in a row and is left alone"),
        };
        let fetched = match last {
            Some(fetched) => fetched,
            None => {
                unsent(self.app, self.asking, Verdict::new(class, format!("{host} {what}"))).await?
            }
        };
        let wait = TimeDelta::from_std(wait).ok();
        let not_before = wait.and_then(|wait| self.app.clock.now().checked_add_signed(wait));
        Ok(Fetched { not_before, ..fetched })
    }

    /// One request, written down.
    async fn try_once(&self, attempt: u16) -> sqlx::Result<Fetched> {
        let Self { app, manners, asking, ready, base, .. } = *self;
        let sending =
            Sending { url: &ready.url, key: &ready.key, base, is_archive: asking.is_archive };
        let started = Instant::now();
        let came = client::send(self.client, manners, &sending).await;
        let (took, now) = (started.elapsed(), app.clock.now());
        let is_up = is_up(&came);
        let judge = Judge { app, manners, asking, ready, base, now };
        let outcome = judge.judge(came).await?;
        self.tell_others(is_up, outcome.verdict.pause).await?;
        record::write(app, asking, Course { attempt, at: now, took }, outcome).await
    }

    /// Tells all servers how the host is.
    async fn tell_others(&self, is_up: bool, pause: Option<Duration>) -> sqlx::Result<()> {
        let (pool, host, manners) = (&self.app.pool, &self.ready.host, self.manners);
        if let Some(pause) = pause {
            hosts::pause(pool, host, pause).await?;
        }
        if is_up || pause.is_some() {
            return hosts::answered(pool, host).await;
        }
        let (after, first, longest) = (manners.failures, manners.rest, manners.longest_rest);
        hosts::failed(pool, host, &Rest { after, first, longest }).await
    }
}

/// Whether a host does what hosts do: a page that cannot be used is an answer, too.
fn is_up(came: &Result<Answer, Failure>) -> bool {
    match came {
        Ok(answer) => answer.status < 500,
        Err(failure) => failure.class != FetchClass::Transient,
    }
}
