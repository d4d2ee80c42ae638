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

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::task::JoinSet;
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
        match scheduler.running.join_next().await {
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

/// What one server works at.
struct Scheduler<'a> {
    app: &'a App,
    /// Who claims.
    node: Uuid,
    halt: CancellationToken,
    /// Each tells whether it was of a kind that takes long.
    running: JoinSet<bool>,
    long: usize,
}

impl<'a> Scheduler<'a> {
    fn new(app: &'a App, halt: CancellationToken) -> Self {
        Self { app, node: app.clock.new_id(), halt, running: JoinSet::new(), long: 0 }
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
        while let Some(ended) = self.running.join_next().await {
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
        if self.room() == 0 {
            return Ok(LOOK_AROUND);
        }
        let mut conn = self.app.pool.acquire().await?;
        let now = self.app.clock.now();
        let due = tasks::next_due(&mut conn).await?;
        let wait = due.map_or(LOOK_AROUND, |due| (due - now).to_std().unwrap_or_default());
        // What is due and was not claimed waits for room, or for its server to be given up.
        Ok(if wait.is_zero() { RETRY } else { wait.min(LOOK_AROUND) })
    }

    fn room(&self) -> usize {
        self.app.config.feeds.concurrency.saturating_sub(self.running.len())
    }

    /// Claims due tasks until there is no room, live ones first. What takes long leaves room for one
    /// that does not: no poll waits for a backfill.
    async fn fill(&mut self) -> sqlx::Result<()> {
        registry::settle_tasks(self.app).await?;
        self.claim(&[TaskKind::Live, TaskKind::Manual], self.room()).await?;
        let at_once = self.app.config.feeds.concurrency.saturating_sub(1).max(1);
        let room = self.room().min(at_once.saturating_sub(self.long));
        self.claim(&[TaskKind::Sweep, TaskKind::Backfill], room).await
    }

    async fn claim(&mut self, kinds: &[TaskKind], room: usize) -> sqlx::Result<()> {
        if room == 0 {
            return Ok(());
        }
        let limit = i64::try_from(room).unwrap_or(i64::MAX);
        let mut conn = self.app.pool.acquire().await?;
        let now = self.app.clock.now();
        let claimed = tasks::claim(&mut conn, self.node, kinds, now, limit).await?;
        drop(conn);
        for task in claimed {
            self.begin(task, !kinds.contains(&TaskKind::Live));
        }
        Ok(())
    }

    fn begin(&mut self, task: Task, is_long: bool) {
        let (app, node, halt) = (self.app.clone(), self.node, self.halt.clone());
        self.long += usize::from(is_long);
        self.running.spawn(async move {
            Box::pin(attend::attend(&app, node, &halt, &task)).await;
            is_long
        });
    }

    fn count_out(&mut self, ended: Result<bool, tokio::task::JoinError>) {
        match ended {
            Ok(is_long) => self.long -= usize::from(is_long),
            // Its lease runs out by itself.
            Err(error) => {
                tracing::error!(%error, "a run of a feed broke off");
                self.long = self.long.saturating_sub(1);
            }
        }
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
            Some(ended) = self.running.join_next() => self.count_out(ended),
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
