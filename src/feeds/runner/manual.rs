//! What somebody asked for by hand.

use std::collections::VecDeque;

use tokio_util::sync::CancellationToken;

use super::{
    live,
    walk::Walk,
    work::{Ended, RunError, Totals, Work},
};
use crate::{
    app::App,
    db::feeds::{
        runs::{self, QueuedRun},
        tasks::Task,
    },
    domain::feed::{FetchClass, TaskKind, Window},
    feeds::PageRef,
};

/// Does the runs that wait, oldest first.
pub async fn run(work: &Work<'_>) -> Result<Ended, RunError> {
    let mut ended = Ended::Idle;
    loop {
        let mut conn = work.app.pool.acquire().await?;
        let queued = runs::take(&mut conn, work.place(), work.app.clock.now()).await?;
        drop(conn);
        let Some(queued) = queued else { return Ok(ended) };
        let goes_on;
        (ended, goes_on) = one(work, &queued).await?;
        if goes_on {
            return Ok(ended);
        }
    }
}

/// Does one run; `true`: it goes on later, for the server ends or the upstream wants patience.
async fn one(work: &Work<'_>, queued: &QueuedRun) -> Result<(Ended, bool), RunError> {
    let wanted = queued.from_at.zip(queued.to_at);
    let window = match wanted.and_then(|(from, to)| Window::new(from, to).ok()) {
        Some(window) => Some(window),
        None => live::due(work).await?,
    };
    let Some(window) = window else {
        let ended = Ended::Done(FetchClass::Unchanged);
        work.finish(queued.run_id, Totals::default(), &ended).await?;
        return Ok((ended, false));
    };
    let windows = work.feed.windows(work.settings, &work.scope, window);
    let mut walk = Walk::new(work, queued.run_id);
    walk.totals = Totals::of(&queued.totals);
    let before = walk.totals;
    let ended = walk.through(&mut VecDeque::from(windows.clone()), PageRef::FIRST).await;
    let ended = Ended::also_broken(ended)?;
    let done = usize::try_from(walk.totals.windows - before.windows).unwrap_or(usize::MAX);
    let from = match ended {
        // As it was asked for.
        Ended::Stopped => None,
        // One of which a window was refused has failed, whatever comes after it.
        Ended::Failed { class: FetchClass::Throttled, .. }
            if walk.totals.failed == before.failed =>
        {
            windows.get(done).map(|window| window.from())
        }
        _ => {
            work.finish(queued.run_id, walk.totals, &ended).await?;
            return Ok((ended, false));
        }
    };
    let mut conn = work.app.pool.acquire().await?;
    runs::requeue(&mut conn, queued.run_id, walk.totals.to_json(None), from).await?;
    Ok((ended, true))
}

/// Fetches and parses what a run would, and loads nothing; the answers are kept with their findings.
/// Without a lease: there is nothing to fence.
pub async fn dry_run(
    app: &App,
    (feed_id, scope): (&str, &str),
    window: Option<Window>,
) -> Result<(Totals, Option<String>), RunError> {
    let task = Task {
        task_id: 0,
        feed_id: feed_id.to_owned(),
        scope: scope.to_owned(),
        task_kind: TaskKind::Manual.to_string(),
        fail_count: 0,
        last_class: None,
        last_ok: None,
        lease_epoch: 0,
    };
    let halt = CancellationToken::new();
    let Some(work) = Work::of(app, &halt, &task).await? else {
        return Ok((Totals::default(), Some("there is no such scope".to_owned())));
    };
    let window = match window {
        Some(window) => Some(window),
        None => live::range(&work).await?,
    };
    let windows = window.map(|window| work.feed.windows(work.settings, &work.scope, window));
    let run_id = {
        let mut conn = app.pool.acquire().await?;
        runs::begin_dry(&mut conn, work.place(), app.clock.now()).await?
    };
    let mut walk = Walk::new(&work, run_id);
    walk.is_dry = true;
    let mut windows = VecDeque::from(windows.unwrap_or_default());
    let ended = walk.through(&mut windows, PageRef::FIRST).await;
    let ended = work.end(run_id, &walk, ended).await?;
    Ok((walk.totals, ended.error().map(str::to_owned)))
}
