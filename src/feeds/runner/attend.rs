//! One task under its lease: worked at, renewed, given back.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    backfill, live, manual, plan, status, sweep,
    work::{Ended, RunError, Work},
};
use crate::{
    app::App,
    db::feeds::{
        backfills, registry, runs,
        tasks::{self, Ending, Lease, Task, never},
    },
    domain::feed::{FetchClass, TaskKind},
};

/// How often a lease is renewed: a third of how long it lasts.
const RENEW: Duration = Duration::from_secs(30);

/// Works at a claimed task until it is done, `halt`, or its lease is somebody else's.
pub async fn attend(app: &App, node: Uuid, halt: &CancellationToken, task: &Task) {
    let (feed, scope) = (&task.feed_id, &task.scope);
    let worked = tokio::select! {
        worked = work_at(app, halt, task) => worked,
        () = renew(app, node, task) => Err(RunError::Lost),
    };
    let ended = match worked {
        Ok(ended) => ended,
        Err(RunError::Lost) => {
            tracing::warn!(%feed, %scope, "somebody else has the lease; what was begun is dropped");
            return;
        }
        Err(error) => {
            tracing::warn!(%feed, %scope, %error, "a run of a feed broke off");
            Ended::Broken(error.to_string())
        }
    };
    if let Err(error) = give_back(app, task, &ended).await {
        tracing::warn!(%feed, %scope, %error, "a lease could not be given back; it runs out by itself");
    }
}

/// Ends only when the lease is lost.
async fn renew(app: &App, node: Uuid, task: &Task) {
    loop {
        tokio::time::sleep(RENEW).await;
        let renewed = async {
            let mut conn = app.pool.acquire().await?;
            tasks::renew(&mut conn, task.task_id, node, task.lease_epoch).await
        };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => return,
            // The fence is at each commit; here a moment without the database costs nothing.
            Err(error) => tracing::debug!(%error, "a lease was not renewed this time"),
        }
    }
}

async fn work_at(app: &App, halt: &CancellationToken, task: &Task) -> Result<Ended, RunError> {
    let Some(work) = Work::of(app, halt, task).await? else {
        // A feed that this program does not know.
        return Ok(Ended::Idle);
    };
    match work.kind {
        TaskKind::Live => live::run(&work).await,
        TaskKind::Manual => manual::run(&work).await,
        TaskKind::Sweep => sweep::run(&work).await,
        TaskKind::Backfill => backfill::run(&work).await,
    }
}

/// Gives the lease back, says when the task is due again, and tells whether the scope fares otherwise
/// than before.
async fn give_back(app: &App, task: &Task, ended: &Ended) -> sqlx::Result<()> {
    let mut tx = app.pool.begin().await?;
    if tasks::hold(&mut tx, task.task_id, task.lease_epoch).await? == Lease::Lost {
        return Ok(());
    }
    let Some(ending) = ending(app, &mut tx, task, ended).await? else { return tx.commit().await };
    tasks::give_back(&mut tx, task, &ending).await?;
    if ended.class().is_some() && tells_of_its_scope(task) {
        status::judge(app, &mut tx, task).await?;
    }
    tx.commit().await
}

/// A backfill that fails says nothing about the present.
fn tells_of_its_scope(task: &Task) -> bool {
    [TaskKind::Live, TaskKind::Manual].iter().any(|kind| kind.as_str() == task.task_kind)
}

async fn ending<'a>(
    app: &App,
    tx: &mut sqlx::PgConnection,
    task: &Task,
    ended: &'a Ended,
) -> sqlx::Result<Option<Ending<'a>>> {
    let now = app.clock.now();
    let (feed, settings) = (super::super::find(&task.feed_id), app.config.feeds.of(&task.feed_id));
    let (Some(feed), Some(settings)) = (feed, settings) else {
        return Ok(Some(idle(now, task)));
    };
    let kind: Option<TaskKind> = task.task_kind.parse().ok();
    let poll_after = match kind {
        Some(TaskKind::Sweep) => plan::SWEEP_EVERY,
        _ => feed.poll_after(settings, now),
    };
    let (mut next_due, fail_count) = match ended {
        Ended::Stopped => (now, task.fail_count),
        Ended::Idle => (never(), task.fail_count),
        Ended::Done(_) | Ended::Failed { .. } | Ended::Broken(_) => {
            let of = plan::Ended {
                class: ended.class().unwrap_or(FetchClass::Ok),
                failed_before: task.fail_count,
                not_before: ended.not_before(),
            };
            plan::next(of, now, poll_after, settings.poll_every, luck())
        }
    };
    if !matches!(kind, Some(TaskKind::Live | TaskKind::Sweep)) {
        // Due by wishes alone: one that came meanwhile is waited for by whoever holds this row next.
        let waits = waits(tx, task, kind).await?;
        next_due = match ended {
            _ if !waits => never(),
            Ended::Failed { .. } | Ended::Broken(_) => next_due,
            _ => now,
        };
    }
    let enabled = registry::is_enabled(tx, &task.feed_id, &task.scope).await?;
    if !enabled && kind != Some(TaskKind::Manual) {
        next_due = never();
    }
    let class = ended.class().map(FetchClass::as_str);
    Ok(Some(Ending { now, next_due, fail_count, class, error: ended.error() }))
}

fn idle<'a>(now: chrono::DateTime<chrono::Utc>, task: &Task) -> Ending<'a> {
    Ending { now, next_due: never(), fail_count: task.fail_count, class: None, error: None }
}

/// Whether somebody waits for this task.
async fn waits(
    tx: &mut sqlx::PgConnection,
    task: &Task,
    kind: Option<TaskKind>,
) -> sqlx::Result<bool> {
    let place = (&*task.feed_id, &*task.scope);
    if kind == Some(TaskKind::Manual) {
        return runs::is_queued(tx, place).await;
    }
    let open = backfills::open(tx, place).await?;
    Ok(open.iter().any(backfill::is_wanted))
}

/// From 0 to 1.
fn luck() -> f64 {
    rand::random()
}
