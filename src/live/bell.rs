//! The bell of the feed of updates.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::PgPool;
use tokio::sync::watch;

use crate::db::updates;

/// How long after a lost connection the next is tried.
const RETRY: Duration = Duration::from_secs(1);

/// Rings for everybody who waits when the feed of updates has grown, whichever server wrote it.
/// One connection to the database listens for all, from the first who waits on. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    rung: watch::Sender<Rung>,
    listens: AtomicBool,
}

/// How often the bell rang, and whether it never will again.
#[derive(Debug, Clone, Copy, Default)]
struct Rung {
    times: u64,
    ended: bool,
}

impl Bell {
    /// Hears every ring from now on. Must be called before the feed is read: what is not in it then
    /// rings.
    #[must_use]
    pub fn hear(&self, pool: &PgPool) -> Hearing {
        let hearing = Hearing(self.0.rung.subscribe());
        if !self.0.listens.swap(true, Ordering::Relaxed) {
            tokio::spawn(self.clone().listen(pool.clone()));
        }
        hearing
    }

    /// Lets nobody wait any more: the server ends.
    pub fn end(&self) {
        self.0.rung.send_modify(|rung| rung.ended = true);
    }

    fn ring(&self) {
        self.0.rung.send_modify(|rung| rung.times += 1);
    }

    async fn listen(self, pool: PgPool) {
        let mut ended = self.0.rung.subscribe();
        let listening = async {
            loop {
                if let Err(error) = self.listen_once(&pool).await {
                    tracing::warn!(%error, "nobody hears of updates for a moment");
                }
                tokio::time::sleep(RETRY).await;
            }
        };
        tokio::select! {
            () = listening => {}
            _ = ended.wait_for(|rung| rung.ended) => {}
        }
    }

    /// Rings until the connection is lost.
    async fn listen_once(&self, pool: &PgPool) -> sqlx::Result<()> {
        let mut listener = updates::listener(pool).await?;
        // For what was committed while nobody listened.
        self.ring();
        while listener.try_recv().await?.is_some() {
            self.ring();
        }
        Ok(())
    }
}

/// Somebody who waits.
#[derive(Debug)]
pub struct Hearing(watch::Receiver<Rung>);

impl Hearing {
    /// Waits for the next ring, also one that came since the last; `false` if none ever will.
    pub async fn next(&mut self) -> bool {
        if self.0.borrow().ended {
            return false;
        }
        self.0.changed().await.is_ok() && !self.0.borrow().ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_ring_is_lost_and_the_end_is_told() {
        let bell = Bell::default();
        let mut hearing = Hearing(bell.0.rung.subscribe());
        bell.ring();
        bell.ring();
        assert!(hearing.next().await);
        let waiting = tokio::spawn(async move { (hearing.next().await, hearing.next().await) });
        bell.end();
        assert_eq!(waiting.await.unwrap(), (false, false));
        assert!(!Hearing(bell.0.rung.subscribe()).next().await);
    }
}
