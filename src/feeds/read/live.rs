//! Rows fetched now: the upstream is asked by the same runner, under the same turns and leases, and what it
//! says is kept.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::feeds::{regions, registry, runs, tasks},
    domain::feed::{TaskKind, Window},
    error::{Problem, Result},
    feeds::{
        Scope, Secrecy,
        runner::{self, history_start, orders::Ordered, scope_of},
    },
};

/// How often it looks whether a run is done.
const LOOK: Duration = Duration::from_millis(200);
/// How many looks a request takes: half a minute.
const LOOKS: u32 = 150;

/// Before a run that did not come to its end is gone on with: its upstream fails, or wants patience.
const REST: Duration = Duration::from_secs(10);

/// How many runs by hand of a scope may wait before a request over HTTP is sent away.
const WAITING: i64 = 4;

/// Seconds after which that request may try again.
const RETRY_AFTER: u32 = 30;

/// The longest that is fetched for one request: what polling itself reaches.
const LONGEST: TimeDelta = TimeDelta::days(14);

/// The code of the refusal where a feed has no key.
pub const NO_KEY: &str = "no_key";

/// Who does the runs.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// A server that polls; it is waited for half a minute.
    Server,
    /// Whoever comes first, and this process where no server does, until it is told to halt.
    Whoever(&'a CancellationToken),
}

/// Brings what a feed has of a region in a window, as far as that is history by now, and waits until it is
/// loaded. 400 `range_too_long` over two weeks, 409 `no_key`, 409 `feed_off` where the feed is not polled, 429
/// `too_many_runs` where a server has many of them before it, 502 `upstream_failed`, 504 `still_loading` where
/// it takes longer than half a minute.
pub async fn bring(
    app: &App,
    actor: &Actor,
    (feed_id, region_id): (&str, &str),
    window: Window,
    by: By<'_>,
) -> Result<()> {
    let feed = polled(app, feed_id)?;
    let mut conn = app.pool.acquire().await?;
    let rows = registry::scopes(&mut conn, feed.id()).await?;
    drop(conn);
    // As this process is set: whoever polls may not have written that down yet.
    let named = feed.settings.scopes.as_ref();
    let is_polled = |scope: &Scope| {
        scope.region_id.as_deref() == Some(region_id)
            && named.is_none_or(|named| named.contains(&scope.scope))
    };
    let mut scopes = rows.into_iter().map(scope_of).filter(is_polled).peekable();
    if scopes.peek().is_none() {
        return Err(off(&format!("the feed {feed_id} is not polled for {region_id}")));
    }
    let mut ordered = Vec::new();
    for scope in scopes {
        let history = history(&feed, history_start(feed.settings, &scope), app);
        let Some((history, asked)) = history.and_then(|all| Some((all, all.meet(window)?))) else {
            continue;
        };
        if asked.length() > LONGEST {
            let detail = "two weeks are fetched at the most: ask for less, or for what is stored";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "range_too_long", detail));
        }
        // Whoever asks for a part of the same slots asks for the same.
        let slots = in_slots(&feed, asked).and_then(|slots| slots.meet(history)).unwrap_or(asked);
        let run_id = order(app, actor, (feed.id(), &scope.scope), slots, by).await?;
        ordered.push((scope.scope, run_id));
    }
    for (scope, run_id) in ordered {
        loaded(app, (feed.id(), &scope), run_id, by).await?;
    }
    Ok(())
}

/// The feed that brings a region where none is named. 409 `feed_off` where none could.
pub async fn source(app: &App, region_id: &str) -> Result<String> {
    let feed = regions::feed_of(&app.pool, region_id).await?;
    feed.ok_or_else(|| off(&format!("no feed brings {region_id}")))
}

/// A feed that is polled and has the key that it needs.
fn polled<'a>(app: &'a App, feed_id: &str) -> Result<Ordered<'a>> {
    let feed = Ordered::of(app, feed_id)?;
    if feed.feed.about().secrecy == Secrecy::ApiKey && feed.settings.api_key.is_none() {
        let what = format!("setting feed.{}.api_key", feed.id());
        let detail = format!("{what}: is not set, and the upstream asks for a key");
        return Err(Problem::new(StatusCode::CONFLICT, NO_KEY, detail));
    }
    if feed.settings.enabled { Ok(feed) } else { Err(off(&format!("the feed {feed_id} is off"))) }
}

fn off(why: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "feed_off", format!("{why}: ask for what is stored"))
}

/// The history that there is, up to the last slot that is over.
fn history(feed: &Ordered<'_>, start: DateTime<Utc>, app: &App) -> Option<Window> {
    let now = app.clock.now();
    Window::new(start, now - since_slot(feed, now)).ok()
}

/// The slots that a window touches, as a whole.
fn in_slots(feed: &Ordered<'_>, window: Window) -> Option<Window> {
    let last = window.to() - TimeDelta::microseconds(1);
    let end = last - since_slot(feed, last) + step(feed);
    Window::new(window.from() - since_slot(feed, window.from()), end).ok()
}

/// How long the slot that holds an instant goes on by then.
fn since_slot(feed: &Ordered<'_>, at: DateTime<Utc>) -> TimeDelta {
    let micros = step(feed).num_seconds() * 1_000_000;
    TimeDelta::microseconds(at.timestamp_micros().rem_euclid(micros))
}

/// The slots of a feed; a second where it has none.
fn step(feed: &Ordered<'_>) -> TimeDelta {
    TimeDelta::seconds(feed.feed.about().step_secs.unwrap_or(1).max(1).into())
}

/// Orders a run, or joins one that waits or goes on and brings the same.
async fn order(
    app: &App,
    actor: &Actor,
    place: (&str, &str),
    window: Window,
    by: By<'_>,
) -> Result<i64> {
    let now = app.clock.now();
    let (from, to) = (window.from(), window.to());
    let mut tx = app.pool.begin().await?;
    // This locks the task: of those who ask for the same at once one orders, and the others join.
    tasks::make_due(&mut tx, place.0, place.1, TaskKind::Manual, now).await?;
    if let Some(run_id) = runs::bringing(&mut tx, place, (from, to)).await? {
        return Ok(run_id);
    }
    // Whoever works at the terminal does what waits there before it: for that one nothing piles up.
    if matches!(by, By::Server) && runs::count_queued(&mut tx, place).await? >= WAITING {
        return Err(too_many(place.1));
    }
    let range = (Some(from), Some(to));
    let run_id = runs::queue(&mut tx, place, range, actor.user_id, now).await?;
    let detail = json!({ "scopes": [place.1], "from": from, "to": to, "run_ids": [run_id] });
    let act = Act::done(Action::FeedRun).to("feed", place.0).with(detail);
    audit::write(app, &mut tx, actor, act).await?;
    tx.commit().await?;
    Ok(run_id)
}

fn too_many(scope: &str) -> Problem {
    let detail = format!(
        "{WAITING} runs of {scope} wait already: ask again in a while, or for what is stored"
    );
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_runs", detail)
        .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER))
}

/// Waits for the end of a run.
async fn loaded(app: &App, place: (&str, &str), run_id: i64, by: By<'_>) -> Result<()> {
    let mut pause = Duration::ZERO;
    for look in 0.. {
        let mut conn = app.pool.acquire().await?;
        let run = runs::find(&mut conn, run_id).await?;
        drop(conn);
        match run.as_ref().map(|run| &*run.state) {
            Some("queued" | "running") => {}
            Some("done") => return Ok(()),
            _ => return Err(failed(run_id, run.as_ref())),
        }
        match by {
            By::Server if look == LOOKS => break,
            By::Server => tokio::time::sleep(LOOK).await,
            By::Whoever(halt) => {
                let rest = tokio::time::sleep(pause);
                let Some(()) = halt.run_until_cancelled(rest).await else { break };
                let did = runner::take_part(app, halt, place, TaskKind::Manual).await?;
                pause = if did { REST } else { LOOK };
            }
        }
    }
    let detail = format!("run {run_id} is not done yet: ask for what is stored in a while");
    Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "still_loading", detail))
}

fn failed(run_id: i64, run: Option<&runs::RunRow>) -> Problem {
    let why = run.and_then(|run| run.totals["error"].as_str()).unwrap_or("it broke off");
    let detail = format!("the upstream did not give it in run {run_id}: {why}");
    Problem::new(StatusCode::BAD_GATEWAY, "upstream_failed", detail)
}
