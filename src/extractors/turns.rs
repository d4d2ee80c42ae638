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
    of_user: Arc<Mutex<HashMap<Uuid, usize>>>,
    per_user: usize,
}

/// A running download; its turn ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    _place: Place,
    _permit: OwnedSemaphorePermit,
}

/// One of a user's downloads.
#[derive(Debug)]
struct Place {
    of_user: Arc<Mutex<HashMap<Uuid, usize>>>,
    user: Uuid,
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

    /// Waits a moment for a turn. 429 `too_many_downloads` where the user's own downloads are in
    /// the way, 503 `busy` where those of others are; both with `Retry-After`.
    pub async fn take(&self, principal: &Principal) -> Result<Turn> {
        let place = self.place(principal.user_id)?;
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.all).acquire_owned()).await;
        match permit {
            Ok(Ok(permit)) => Ok(Turn { _place: place, _permit: permit }),
            _ => Err(Problem::unavailable(
                "busy",
                "As many downloads run as this server can serve at once; please try again.",
                RETRY_AFTER,
            )),
        }
    }

    fn place(&self, user: Uuid) -> Result<Place> {
        let mut counts = self.of_user.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user).or_default();
        if *count >= self.per_user {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_downloads",
                format!(
                    "{count} of your downloads are running, and no more may run at once; wait for \
                     one to end, or end it"
                ),
            )
            .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER)));
        }
        *count += 1;
        Ok(Place { of_user: Arc::clone(&self.of_user), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user);
            }
        }
    }
}
