//! Turns at downloading: each running download holds a connection to the database and memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderValue, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::{
    auth::Principal,
    config::Config,
    error::{Problem, Result},
};

/// Connections that downloads leave to everything else, so that signing in, uploading and the
/// catalogue go on however many downloads run.
const RESERVED: u32 = 6;

/// How long a request waits for others to end before it is sent away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Seconds after which a download that was sent away may try again.
const RETRY_AFTER: u32 = 5;

/// Who downloads, and how many at once may. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Turns {
    all: Arc<Semaphore>,
    /// One for each user who ever asked: a few bytes for each account.
    of_user: Arc<Mutex<HashMap<Uuid, Arc<Semaphore>>>>,
    per_user: usize,
}

/// A running download; its turn ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    _place: OwnedSemaphorePermit,
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// As many as the settings let run.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let most = config.database.connections.saturating_sub(RESERVED).max(1);
        Self {
            all: Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1))),
            of_user: Arc::default(),
            per_user: config.downloads.concurrent_per_user,
        }
    }

    /// Waits a moment for a turn: who asks for one after the other must not be in their own way
    /// because the last one is still being cleared away. 429 `too_many_downloads` where the user's
    /// own downloads run on, 503 `busy` where those of others do; both with `Retry-After`.
    pub async fn take(&self, principal: &Principal) -> Result<Turn> {
        let of_user = self.of_user(principal.user_id);
        let place = wait(of_user).await.ok_or_else(|| self.too_many())?;
        let permit = wait(Arc::clone(&self.all)).await.ok_or_else(|| {
            Problem::unavailable(
                "busy",
                "As many downloads run as this server can serve at once; please try again.",
                RETRY_AFTER,
            )
        })?;
        Ok(Turn { _place: place, _permit: permit })
    }

    fn of_user(&self, user: Uuid) -> Arc<Semaphore> {
        let mut users = self.of_user.lock().unwrap_or_else(PoisonError::into_inner);
        let own = users.entry(user).or_insert_with(|| Arc::new(Semaphore::new(self.per_user)));
        Arc::clone(own)
    }

    fn too_many(&self) -> Problem {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_downloads",
            format!(
                "{} of your downloads are running, and no more may run at once; wait for one to \
                 end, or end it",
                self.per_user
            ),
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER))
    }
}

async fn wait(turns: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    tokio::time::timeout(PATIENCE, turns.acquire_owned()).await.ok()?.ok()
}
