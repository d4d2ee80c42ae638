//! What every request handler shares.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::{
    auth::{HashError, Passwords},
    clock::Clock,
    config::Config,
    extractors::turns::Turns,
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
}

impl App {
    /// How many files are read at once.
    const READERS: usize = 2;
    /// How many upload requests are taken in at once; others wait for their turn.
    const UPLOADS: usize = 16;

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
            config: Arc::new(config),
            pool,
            documents,
            clock,
            readers: Arc::new(Semaphore::new(Self::READERS)),
            uploads: Arc::new(Semaphore::new(Self::UPLOADS)),
        })
    }
}
