//! Connections, and the schema that they find.

use std::time::Duration;

use sqlx::{
    Connection as _, PgPool,
    migrate::{Migrate as _, MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    audit,
    cluster::{Cluster, ClusterError, ClusterSettings, OLDEST_MAJOR},
};
use crate::config::Config;

/// The schema's steps, inside the program.
pub static MIGRATIONS: Migrator = sqlx::migrate!("sql/migrations");

/// How long a request waits for a connection before it is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The private PostgreSQL cannot be had.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The address is none. It is not shown, for it may hold a password.
    #[error("DATABASE_URL is no address such as postgres://user:password@host/database: {0}")]
    Address(#[source] sqlx::Error),
    /// It refuses or does not answer.
    #[error("the database does not answer: {0}")]
    Connect(#[from] sqlx::Error),
    /// It is too old.
    #[error("the database is PostgreSQL {0}; {OLDEST_MAJOR} or later is needed")]
    TooOld(u32),
    /// The schema could not be brought up to date.
    #[error("the database's schema: {0}")]
    Migrate(#[from] MigrateError),
}

/// Whether a command may use the private PostgreSQL of a server that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The server: one for each data directory.
    Alone,
    /// Commands: beside the server, or without one.
    Joining,
}

/// The database, and the private PostgreSQL if this process runs it.
#[derive(Debug)]
pub struct Database {
    /// Connections: of the owner of the schema, until [`Database::prepare`] makes them those of the
    /// server.
    pub pool: PgPool,
    options: PgConnectOptions,
    cluster: Option<Cluster>,
}

impl Database {
    /// Connects to the database of the settings, or starts the private one.
    pub async fn open(config: &Config, sharing: Sharing) -> Result<Self, DatabaseError> {
        let (options, cluster) = match &config.database.url {
            Some(url) => (url.expose().parse().map_err(DatabaseError::Address)?, None),
            None => private(config, sharing).await?,
        };
        let pool = pool(options.clone(), config.database.connections);
        check_version(&pool).await?;
        Ok(Self { pool, options, cluster })
    }

    /// Brings the schema up to date as its owner. From here on the connections are those of the
    /// server, which may not change what is in the audit log.
    pub async fn prepare(&mut self, config: &Config) -> Result<(), DatabaseError> {
        let separated = migrate(&self.pool).await?;
        audit::keep_for(&self.pool, config.audit_days).await?;
        if separated {
            self.pool.close().await;
            self.pool = server_pool(self.options.clone(), config.database.connections);
        } else {
            tracing::warn!(
                "the database's user may not make roles: the audit log is guarded by triggers \
                 alone; trueprice doctor says what to do"
            );
        }
        Ok(())
    }

    /// Whether this process runs the private PostgreSQL.
    #[must_use]
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Closes the connections and ends the private PostgreSQL.
    pub async fn close(self) {
        // A connection that somebody still holds must not keep the program from ending.
        _ = tokio::time::timeout(ACQUIRE_TIMEOUT, self.pool.close()).await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }
}

async fn private(
    config: &Config,
    sharing: Sharing,
) -> Result<(PgConnectOptions, Option<Cluster>), DatabaseError> {
    let settings = ClusterSettings {
        data_dir: config.data_dir.clone(),
        pg_bin: config.database.pg_bin.clone(),
        connections: config.database.connections,
        durable: true,
        // A command that runs without the server does not open it.
        opening: config.bi.opening.clone().filter(|_| sharing == Sharing::Alone),
    };
    match Cluster::start(settings).await {
        Ok(cluster) => Ok((cluster.options().clone(), Some(cluster))),
        Err(ClusterError::InUse(..)) if sharing == Sharing::Joining => {
            let running = Cluster::running(&config.data_dir);
            running.map(|options| (options, None)).ok_or_else(|| {
                ClusterError::Failed("the server is just starting or ending; try again".to_owned())
                    .into()
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// The role that the server works as: it owns nothing, reads and writes the tables, and may only add
/// to and read the audit log.
pub const SERVER_ROLE: &str = "trueprice_app";

/// Connections that work as [`SERVER_ROLE`], which [`migrate`] has made.
///
/// The role is part of how they begin, so that no statement, and no `reset`, is made without it.
#[must_use]
pub fn server_pool(options: PgConnectOptions, connections: u32) -> PgPool {
    pool(options.options([("role", SERVER_ROLE)]), connections)
}

/// Connections that speak UTC; none is opened before it is needed.
///
/// The search path is fixed: by default a user named `trueprice` would find, and make, tables in
/// the schema of that name, which is for the views.
///
/// A server that vanishes may hold a lock that others wait for: its connections are given up after
/// one and a half minutes of silence, not after the two hours that systems usually wait.
#[must_use]
pub fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    let session = [
        ("timezone", "UTC"),
        ("search_path", "public"),
        ("tcp_keepalives_idle", "60"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
    ];
    let options = options.application_name("trueprice").options(session);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options)
}

async fn check_version(pool: &PgPool) -> Result<(), DatabaseError> {
    match version(pool).await? {
        major if major < OLDEST_MAJOR => Err(DatabaseError::TooOld(major)),
        _ => Ok(()),
    }
}

/// The major version of the server.
pub async fn version(pool: &PgPool) -> Result<u32, sqlx::Error> {
    let number = pool.acquire().await?.server_version_num();
    // What does not tell its number, such as a pooler in between, is taken for new enough.
    Ok(number.map_or(OLDEST_MAJOR, |number| number / 10_000))
}

/// Brings the schema up to date, under an advisory lock: two nodes may start together. Then makes
/// [`SERVER_ROLE`] and gives it what it needs; false where the user may not make roles.
pub async fn migrate(pool: &PgPool) -> Result<bool, MigrateError> {
    MIGRATIONS.run(pool).await?;
    let separated =
        sqlx::query_scalar!(r#"select separate_roles() as "separated!""#).fetch_one(pool).await?;
    Ok(separated)
}

/// Whether the server works as [`SERVER_ROLE`], which cannot change the audit log.
pub async fn is_separated(pool: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce(bool_and(pg_has_role(role.oid, 'member')
                                    and has_table_privilege(role.oid, log, 'insert')
                                    and not has_table_privilege(role.oid, log, 'update, delete, truncate')),
                           false) as "separated!"
           from pg_roles role, to_regclass('public.audit_event') log
           where role.rolname = $1"#,
        SERVER_ROLE
    )
    .fetch_one(pool)
    .await
}

/// How many steps the schema lacks.
pub async fn pending_migrations(pool: &PgPool) -> Result<usize, MigrateError> {
    let mut connection = pool.acquire().await?;
    let present =
        sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "present!""#)
            .fetch_one(&mut *connection)
            .await?;
    let applied = if present {
        connection.list_applied_migrations(&MIGRATIONS.table_name).await?
    } else {
        Vec::new()
    };
    let known = MIGRATIONS.iter().filter(|migration| migration.migration_type.is_up_migration());
    Ok(known.filter(|known| !applied.iter().any(|a| a.version == known.version)).count())
}

/// Asks the database whether it is there.
pub async fn ping(pool: &PgPool) -> Result<(), sqlx::Error> {
    pool.acquire().await?.ping().await
}
