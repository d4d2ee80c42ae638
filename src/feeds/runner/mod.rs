//! When and how much is asked: tasks, leases, windows, gaps, history.
//!
//! A [`run`] per server claims what is due and works at a few scopes at once. One scope takes one road:
//! its task says what is wanted ([`live`], [`sweep`], [`backfill`], or [`manual`] what somebody asked
//! for), that is cut into windows, and [`walk`] goes through their pages, one being fetched while the one
//! before is loaded ([`page`]). What a page brings, how far it brings the scope ([`marks`]) and where a
//! backfill goes on are one transaction, which is committed only under the lease it was begun with.
//!
//! What needs neither database nor clock is pure: [`plan`], [`gaps`], [`merge`].

mod attend;
pub mod backfill;
mod basis;
pub mod gaps;
mod live;
mod manual;
mod marks;
pub mod merge;
pub mod orders;
mod page;
pub mod plan;
pub mod registry;
pub mod status;
mod sweep;
mod walk;
mod work;

use std::{collections::HashMap, time::Duration};

use sqlx::postgres::PgListener;
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use manual::dry_run;
pub use registry::{Upkeep, sync};
pub use work::{RunError, Totals, history_start, scope_of};

use crate::{
    app::App,
    db::feeds::tasks::{self, Task},
    domain::feed::TaskKind,
};

/// How long it sleeps when it hears nothing: a word can be lost with a connection, and so can a server
/// with its leases.
const LOOK_AROUND: Duration = Duration::from_secs(30);

/// How long it waits after a failure of the database.
const RETRY: Duration = Duration::from_secs(5);

/// Works until `stop`; then runs end between two pages, and their leases are given back.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    let halt = CancellationToken::new();
    let mut scheduler = Scheduler::new(&app, halt.clone());
    let stopping = async {
        stop.await;
        halt.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = scheduler.work() => {}
        () = stopping => {}
    }
}

/// Does all that is due now, and what becomes due by it.
pub async fn catch_up(app: &App) -> sqlx::Result<()> {
    let mut scheduler = Scheduler::new(app, CancellationToken::new());
    loop {
        scheduler.fill().await?;
        match scheduler.running.join_next_with_id().await {
            Some(ended) => scheduler.count_out(ended),
            None => return Ok(()),
        }
    }
}

/// Works at the task of one scope, due or not; `false`: somebody else does.
pub async fn take_part(
    app: &App,
    halt: &CancellationToken,
    (feed_id, scope): (&str, &str),
    kind: TaskKind,
) -> sqlx::Result<bool> {
    let node = app.clock.new_id();
    let mut conn = app.pool.acquire().await?;
    let Some(task) = tasks::claim_one(&mut conn, node, feed_id, scope, kind).await? else {
        return Ok(false);
    };
    drop(conn);
    Box::pin(attend::attend(app, node, halt, &task)).await;
    Ok(true)
}

/// What is claimed, the most urgent first. Each kind leaves a place to each kind before it: no poll waits
/// for a run by hand, however long its range, and neither for a backfill.
const BY_URGENCY: [&[TaskKind]; 3] =
    [&[TaskKind::Live], &[TaskKind::Manual], &[TaskKind::Sweep, TaskKind::Backfill]];

/// Places for tasks of an urgency, where `busy` are at work by urgency: what these and the less urgent may
/// have together, and no more than is left to any that are more urgent.
fn room(places: usize, busy: [usize; BY_URGENCY.len()], urgency: usize) -> usize {
    let left = |urgency: usize| {
        let at_most = places.saturating_sub(urgency).max(1);
        at_most.saturating_sub(busy[urgency..].iter().sum())
    };
    (0..=urgency).map(left).min().unwrap_or(0)
}

/// What one server works at.
struct Scheduler<'a> {
    app: &'a App,
    /// Who claims.
    node: Uuid,
    halt: CancellationToken,
    running: JoinSet<()>,
    /// How urgent each of them is.
    urgency: HashMap<task::Id, usize>,
}

impl<'a> Scheduler<'a> {
    fn new(app: &'a App, halt: CancellationToken) -> Self {
        let (running, urgency) = (JoinSet::new(), HashMap::new());
        Self { app, node: app.clock.new_id(), halt, running, urgency }
    }

    async fn work(&mut self) {
        let mut ears = None;
        while !self.halt.is_cancelled() {
            let pause = match self.round(&mut ears).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "feeds wait");
                    ears = None;
                    RETRY
                }
            };
            self.wait(&mut ears, pause).await;
        }
        while let Some(ended) = self.running.join_next_with_id().await {
            self.count_out(ended);
        }
    }

    /// Claims what there is room for; tells how long nothing else is due.
    async fn round(&mut self, ears: &mut Option<PgListener>) -> sqlx::Result<Duration> {
        // Ears first: what is not found by this look is heard.
        if ears.is_none() {
            *ears = Some(tasks::listener(&self.app.pool).await?);
        }
        self.fill().await?;
        // What there is no room for waits until a run ends, and keeps nothing else waiting.
        let has_room = |&(urgency, _): &(usize, _)| self.room(urgency) > 0;
        let kinds = BY_URGENCY.into_iter().enumerate().filter(has_room);
        let kinds: Vec<TaskKind> = kinds.flat_map(|(_, kinds)| kinds).copied().collect();
        if kinds.is_empty() {
            return Ok(LOOK_AROUND);
        }
        let mut conn = self.app.pool.acquire().await?;
        let now = self.app.clock.now();
        let due = tasks::next_due(&mut conn, &kinds).await?;
        let wait = due.map_or(LOOK_AROUND, |due| (due - now).to_std().unwrap_or_default());
        // What is due and was not claimed waits for its server to be given up.
        Ok(if wait.is_zero() { RETRY } else { wait.min(LOOK_AROUND) })
    }

    fn room(&self, urgency: usize) -> usize {
        let mut busy = [0; BY_URGENCY.len()];
        self.urgency.values().for_each(|&urgency| busy[urgency] += 1);
        room(self.app.config.feeds.concurrency, busy, urgency)
    }

    /// Claims due tasks until there is no room, the most urgent first.
    async fn fill(&mut self) -> sqlx::Result<()> {
        registry::settle_tasks(self.app).await?;
        for (urgency, kinds) in BY_URGENCY.into_iter().enumerate() {
            self.claim(urgency, kinds).await?;
        }
        Ok(())
    }

    async fn claim(&mut self, urgency: usize, kinds: &[TaskKind]) -> sqlx::Result<()> {
        let limit = i64::try_from(self.room(urgency)).unwrap_or(i64::MAX);
        if limit == 0 {
            return Ok(());
        }
        let mut conn = self.app.pool.acquire().await?;
        let now = self.app.clock.now();
        let claimed = tasks::claim(&mut conn, self.node, kinds, now, limit).await?;
        drop(conn);
        for task in claimed {
            self.begin(task, urgency);
        }
        Ok(())
    }

    fn begin(&mut self, task: Task, urgency: usize) {
        let (app, node, halt) = (self.app.clone(), self.node, self.halt.clone());
        let begun = self.running.spawn(async move {
            Box::pin(attend::attend(&app, node, &halt, &task)).await;
        });
        self.urgency.insert(begun.id(), urgency);
    }

    fn count_out(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            // Its lease runs out by itself.
            Err(error) => {
                tracing::error!(%error, "a run of a feed broke off");
                error.id()
            }
        };
        self.urgency.remove(&id);
    }

    /// Until something is due, is heard, or has ended.
    async fn wait(&mut self, ears: &mut Option<PgListener>, pause: Duration) {
        let heard = async {
            match ears {
                Some(listener) => listener.try_recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.halt.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            Some(ended) = self.running.join_next_with_id() => self.count_out(ended),
            heard = heard => match heard {
                // One look answers all that was said meanwhile.
                Ok(Some(_)) => if let Some(listener) = ears {
                    while listener.next_buffered().is_some() {}
                },
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "nobody hears of wishes for a moment");
                    *ears = None;
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_leaves_a_place_to_each_more_urgent_one() {
        for places in 2..9 {
            // Runs by hand come first, then backfills, then polls.
            let by_hand = room(places, [0, 0, 0], 1);
            assert_eq!(by_hand, places - 1, "a place is left to polls");
            assert_eq!(room(places, [0, by_hand, 0], 2), 0);
            assert_eq!(room(places, [0, by_hand, 0], 0), 1);
            let long = room(places, [0, 0, 0], 2);
            assert_eq!(long, (places - 2).max(1));
            assert_eq!(room(places, [0, 0, long], 1), places - 1 - long);
            assert_eq!(room(places, [places - long, 0, long], 0), 0, "no more than there are");
            assert_eq!(room(places, [places, 0, 0], 1), 0);
        }
    }
}
