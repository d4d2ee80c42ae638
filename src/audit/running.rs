//! Downloads under way, so that those of a user who is shut out stop within moments.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
    time::Duration,
};

use futures::task::AtomicWaker;
use uuid::Uuid;

use crate::{app::App, db};

/// How often the users of running downloads are looked up.
const PERIOD: Duration = Duration::from_secs(1);

/// The downloads of this server that are under way. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    next: AtomicU64,
    gates: Mutex<HashMap<u64, Arc<Gate>>>,
}

#[derive(Debug)]
struct Gate {
    user: Uuid,
    shut: AtomicBool,
    waker: AtomicWaker,
}

/// A download that is under way; it is no longer when this is dropped.
#[derive(Debug)]
pub struct Pass {
    running: Running,
    number: u64,
    gate: Arc<Gate>,
}

impl Running {
    /// A download of `user` begins.
    #[must_use]
    pub fn enter(&self, user: Uuid) -> Pass {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (shut, waker) = (AtomicBool::new(false), AtomicWaker::new());
        let gate = Arc::new(Gate { user, shut, waker });
        self.0.gates.lock().unwrap_or_else(PoisonError::into_inner).insert(number, gate.clone());
        Pass { running: self.clone(), number, gate }
    }

    fn gates(&self) -> Vec<Arc<Gate>> {
        let gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.values().cloned().collect()
    }
}

impl Pass {
    /// Whether the download must stop; `waker` is woken when that changes.
    #[must_use]
    pub fn is_shut(&self, waker: &Waker) -> bool {
        self.gate.waker.register(waker);
        self.gate.shut.load(Ordering::Acquire)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut gates = self.running.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.remove(&self.number);
    }
}

/// Stops the downloads of users who are shut out, for as long as the server runs. It asks nothing while
/// nobody downloads.
pub async fn watch(app: App) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = stop_shut_out(&app).await {
            tracing::warn!(%error, "it could not be looked up whose downloads must stop");
        }
    }
}

async fn stop_shut_out(app: &App) -> sqlx::Result<()> {
    let gates = app.running.gates();
    if gates.is_empty() {
        return Ok(());
    }
    let users: Vec<Uuid> = gates.iter().map(|gate| gate.user).collect();
    let shut_out = db::users::shut_out(&app.pool, &users).await?;
    for gate in gates.iter().filter(|gate| shut_out.contains(&gate.user)) {
        gate.shut.store(true, Ordering::Release);
        gate.waker.wake();
    }
    Ok(())
}
