//! What every request handler shares.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::{
    auth::{HashError, Passwords, Principal},
    clock::Clock,
    config::Config,
    db::{
        sight::{Granted, Sight, Viewer},
        snapshot::{Snapshot, SnapshotError},
    },
    domain::Source,
    error::Problem,
    extractors::turns::Turns,
    feeds::http::Upstreams,
    intake::DayTurns,
    live::{Bell, guests::Guests, stream::Stream},
    objects::Documents,
};

/// The parts of a running server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The settings in force.
    pub config: Arc<Config>,
    /// Connections to PostgreSQL.
    pub pool: PgPool,
    /// Where documents are kept.
    pub documents: Documents,
    /// Hashes passwords, a few at a time.
    pub passwords: Passwords,
    /// The time.
    pub clock: Clock,
    /// Turns at downloading.
    pub downloads: Turns,
    /// Turns at reading files: each may take hundreds of megabytes for a moment.
    pub readers: Arc<Semaphore>,
    /// Turns at sending files: the bytes of each are in memory until it is answered.
    pub uploads: Arc<Semaphore>,
    /// Turns at deciding about an operating day.
    pub days: DayTurns,
    /// Ends of downloads that are being written down.
    pub endings: TaskTracker,
    /// Rings when the feed of updates has grown.
    pub bell: Bell,
    /// The way to the upstreams of feeds.
    pub upstreams: Upstreams,
    /// Events, as they happen.
    pub stream: Stream,
    /// Who has a connection open for long.
    pub guests: Guests,
}

impl App {
    /// How many files are read at once.
    const READERS: usize = 2;
    /// How many upload requests are taken in at once; others wait for their turn.
    const UPLOADS: usize = 16;

    /// Runs work that takes a processor and memory off the async threads, a few pieces at a time. The
    /// turn is given up when the work ends, whether or not somebody still waits for it.
    pub async fn in_reader_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.readers.clone().acquire_owned().await;
        let turn = turn.map_err(|closed| Problem::internal(&closed))?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|stopped| Problem::internal(&stopped))
    }

    /// Whose data this is shown, as of now. What a user may see does not shrink with the scopes of a
    /// token: scopes say what may be done.
    #[must_use]
    pub fn viewer(&self, principal: &Principal) -> Viewer {
        Viewer { user_id: principal.user_id, now: self.clock.now() }
    }

    /// The sources that `principal` has a grant for: what option lists offer.
    pub async fn granted(&self, principal: &Principal) -> Result<Granted, Problem> {
        let all: Vec<i16> = Source::all().map(Source::id).collect();
        let mut connection = self.pool.acquire().await?;
        let sight = Sight::of(&mut connection, self.viewer(principal), &all).await?;
        Ok(Granted(Source::all().filter(|source| sight.has(*source)).collect()))
    }

    /// A snapshot of what `principal` may see of `sources`, as of `as_of` or of now. Every read for
    /// somebody goes through one.
    pub async fn snapshot<S: Copy + Into<Source>>(
        &self,
        principal: &Principal,
        sources: &[S],
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Snapshot, SnapshotError> {
        Snapshot::begin(&self.pool, Some(self.viewer(principal)), sources, as_of).await
    }

    /// Puts the parts together. Fails when argon2 cannot work with its parameters.
    pub fn new(
        config: Config,
        pool: PgPool,
        documents: Documents,
        clock: Clock,
    ) -> Result<Self, HashError> {
        Ok(Self {
            passwords: Passwords::new(&config.auth)?,
            downloads: Turns::new(&config),
            upstreams: Upstreams::new(config.feeds.manners.clone()),
            config: Arc::new(config),
            pool,
            documents,
            clock,
            readers: Arc::new(Semaphore::new(Self::READERS)),
            uploads: Arc::new(Semaphore::new(Self::UPLOADS)),
            days: DayTurns::default(),
            endings: TaskTracker::new(),
            bell: Bell::default(),
            stream: Stream::default(),
            guests: Guests::default(),
        })
    }
}
