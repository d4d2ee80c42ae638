//! Looks at the connections of BI roles every two seconds: one server at a time does.
//!
//! Who may not be connected is put out; what runs or stays open for too long is ended, for a session can
//! lift the limits that its role begins with; logins and what was asked for are told to the audit log.
//! All of it is found anew at each look, so that nothing is lost with a server.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::roles;
use crate::{
    app::App,
    audit::{self, Act, Action, Actor, Proof},
    db::bi::{self, Backend, Volume},
};

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// A statement that runs for longer is cancelled.
const LONGEST_STATEMENT: TimeDelta = TimeDelta::seconds(120);

/// A transaction that is open for longer is ended with its connection: what it reads is as old.
const LONGEST_TRANSACTION: TimeDelta = TimeDelta::seconds(600);

/// Watches until `stop`.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = watch(&app) => {}
        () = stop => {}
    }
}

async fn watch(app: &App) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failures = 0_u32;
    loop {
        looks.tick().await;
        match look(app).await {
            Ok(()) => failures = 0,
            Err(error) => {
                // Once, not every two seconds.
                if failures == 0 {
                    tracing::warn!(%error, "the connections of BI tools cannot be watched");
                }
                failures = failures.saturating_add(1);
            }
        }
    }
}

/// One look, unless another server looks.
pub async fn look(app: &App) -> sqlx::Result<()> {
    let mut tx = app.pool.begin().await?;
    if !bi::take_watch(&mut tx).await? {
        return Ok(());
    }
    let now = bi::now(&mut tx).await?;
    for backend in bi::backends(&mut tx).await? {
        note(app, &mut tx, &backend, now).await?;
        restrain(app, &mut tx, &backend, now).await?;
    }
    for volume in bi::take_volumes(&mut tx, now).await? {
        tell_volume(app, &mut tx, volume).await?;
    }
    roles::settle(&mut tx).await?;
    tx.commit().await
}

/// Counts a connection, and tells of it when it is new.
async fn note(
    app: &App,
    tx: &mut PgConnection,
    backend: &Backend,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (Some(user), Some(email)) = (backend.user_id, &backend.email) else { return Ok(()) };
    if !bi::see(tx, backend, user, now).await? {
        return Ok(());
    }
    bi::logged_in(tx, user, backend.backend_start).await?;
    let act = Act::done(Action::BiLogin).to("bi_role", &backend.role_name).with(json!({
        "pid": backend.pid, "since": backend.backend_start, "encrypted": backend.encrypted,
        "application": backend.application,
    }));
    audit::write(app, tx, &actor(user, email, backend.address.as_deref()), act).await
}

/// Ends what must not go on.
async fn restrain(
    app: &App,
    tx: &mut PgConnection,
    backend: &Backend,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Some((why, ends)) = excess(backend, now) else { return Ok(()) };
    if bi::signal(tx, backend.pid, backend.backend_start, ends).await? {
        audit::write(app, tx, &Actor::SERVER, roles::cancelled(backend, why)).await?;
    }
    Ok(())
}

/// Why a connection is interfered with, and whether it is ended; else its statement is cancelled.
fn excess(backend: &Backend, now: DateTime<Utc>) -> Option<(&'static str, bool)> {
    let older = |at: Option<DateTime<Utc>>, most| at.is_some_and(|at| now - at > most);
    if backend.holds_advisory {
        return Some((
            "it held an advisory lock, by which the server puts its own work in order",
            true,
        ));
    }
    if older(backend.xact_start, LONGEST_TRANSACTION) {
        return Some(("its transaction was open for more than 600 s", true));
    }
    let runs_long = backend.is_active && older(backend.query_start, LONGEST_STATEMENT);
    runs_long.then_some(("its statement ran for more than 120 s", false))
}

async fn tell_volume(app: &App, tx: &mut PgConnection, volume: Volume) -> sqlx::Result<()> {
    let Volume { pid, user_id, email, address, since, seen_at, statements, busy_ms } = volume;
    let act = Act::done(Action::BiVolume).to("bi_role", bi::name_of(user_id)).with(json!({
        "pid": pid, "from": since, "to": seen_at, "statements_at_least": statements,
        "busy_ms_at_least": busy_ms,
    }));
    let actor = actor(user_id, &email.unwrap_or_default(), address.as_deref());
    audit::write(app, tx, &actor, act).await
}

fn actor(user: Uuid, email: &str, address: Option<&str>) -> Actor {
    let address = address.and_then(|address| address.parse().ok());
    Actor { address, ..Actor::SERVER.proven(user, email, Proof::Bi) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend() -> Backend {
        Backend {
            pid: 1,
            role_name: "bi_x".to_owned(),
            email: None,
            user_id: None,
            backend_start: DateTime::UNIX_EPOCH,
            xact_start: None,
            query_start: None,
            is_active: false,
            address: None,
            encrypted: true,
            application: String::new(),
            query: String::new(),
            holds_advisory: false,
        }
    }

    #[test]
    fn what_runs_or_stays_open_too_long_is_ended() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        let ends = |backend: &Backend| excess(backend, now).map(|(_, ends)| ends);
        assert_eq!(ends(&backend()), None);
        let running = |seconds| Backend { is_active: true, query_start: ago(seconds), ..backend() };
        assert_eq!(ends(&running(120)), None);
        assert_eq!(ends(&running(121)), Some(false));
        assert_eq!(ends(&Backend { is_active: false, ..running(500) }), None);
        assert_eq!(ends(&Backend { xact_start: ago(600), ..backend() }), None);
        assert_eq!(ends(&Backend { xact_start: ago(601), ..running(1) }), Some(true));
        assert_eq!(ends(&Backend { holds_advisory: true, ..backend() }), Some(true));
    }
}
