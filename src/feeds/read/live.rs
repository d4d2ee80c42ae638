//! Rows fetched now: the upstream is asked by the same runner, under the same turns and leases, and what it
//! says is kept.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;

use crate::{
    app::App,
    audit::Actor,
    db::feeds::regions::{self, Series},
    domain::feed::Window,
    error::{Problem, Result},
    feeds::runner::orders::{self, Ordered},
};

/// How often it looks whether the run is done.
const LOOK: Duration = Duration::from_millis(200);
/// How many looks it takes: half a minute.
const LOOKS: u32 = 150;

/// The longest that is fetched for one request: what polling itself reaches.
const LONGEST: TimeDelta = TimeDelta::days(14);

/// Orders what a series has in a window and waits until it is loaded. 400 `range_too_long` over two weeks,
/// 409 `feed_off` where the feed is not polled, 502 `upstream_failed`, 504 `still_loading` where it takes longer than half a minute.
pub async fn bring(app: &App, actor: &Actor, series: &Series, window: Window) -> Result<()> {
    if window.length() > LONGEST {
        let detail = "source=live fetches two weeks at the most: ask for less, or for source=store";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "range_too_long", detail));
    }
    let feed = Ordered::of(app, &series.feed_id)?;
    if !feed.settings.enabled {
        let detail = format!("the feed {} is off: ask for source=store", feed.id());
        return Err(Problem::new(StatusCode::CONFLICT, "feed_off", detail));
    }
    let scopes = regions::scopes_of(&app.pool, &series.feed_id, &series.region_id).await?;
    let run_ids = orders::run(app, actor, &feed, Some(&scopes), Some(window)).await?;
    for run_id in run_ids {
        loaded(app, run_id).await?;
    }
    Ok(())
}

async fn loaded(app: &App, run_id: i64) -> Result<()> {
    for _ in 0..LOOKS {
        let state = regions::run_state(&app.pool, run_id).await?;
        match state.as_deref() {
            Some("queued" | "running") => tokio::time::sleep(LOOK).await,
            Some("done") => return Ok(()),
            _ => {
                let detail = format!("the upstream did not give it; run {run_id} says why");
                return Err(Problem::new(StatusCode::BAD_GATEWAY, "upstream_failed", detail));
            }
        }
    }
    let detail = format!("it takes longer: run {run_id} goes on, ask for source=store in a while");
    Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "still_loading", detail))
}
