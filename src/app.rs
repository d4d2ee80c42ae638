//! What every request handler shares.

use std::sync::Arc;

use sqlx::PgPool;

use crate::{auth::Passwords, clock::Clock, config::Config, objects::Documents};

/// The parts of a running server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Hashes passwords, a few at a time.
    pub passwords: Passwords,
    /// The settings in force.
    pub config: Arc<Config>,
    /// Connections to PostgreSQL.
    pub pool: PgPool,
    /// Where documents are kept.
    pub documents: Documents,
    /// The time.
    pub clock: Clock,
}
