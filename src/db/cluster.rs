//! A private PostgreSQL under the data directory: made once, run as a child of this process.
//!
//! It listens on a free port of 127.0.0.1 and on a socket in its own folder, and asks for a random
//! password that lies beside its files. BI tools are let in only where the settings open it, over TLS
//! ([`opening`]). It dies with this process, however that ends: the kernel
//! sends it a signal when the thread that started it is gone. Should one outlive its server all the
//! same, the next start ends it first.

mod opening;
mod place;
mod programs;
mod supervisor;

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{OpenOptionsExt as _, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{ConnectOptions as _, Connection as _, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::config::Opening;
use place::Place;
use programs::Programs;
use supervisor::Supervisor;

/// The oldest PostgreSQL that is supported.
pub const OLDEST_MAJOR: u32 = 15;

/// Name of the superuser and of the database.
const NAME: &str = "trueprice";

/// How the name of a cluster begins that is just being made.
const UNFINISHED: &str = "postgres.new-";

/// Starts that are tried before the reason is told. The port may be taken in between.
const ATTEMPTS: u32 = 4;

/// What a private PostgreSQL needs to know.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// The data directory; made if missing.
    pub data_dir: PathBuf,
    /// The folder with the server programs; looked for, and installed, when `None`.
    pub pg_bin: Option<PathBuf>,
    /// The most connections that are open at once.
    pub connections: u32,
    /// Whether a commit survives a power cut. Only tests do without.
    pub durable: bool,
    /// Where it takes connections of BI tools, over TLS; nowhere without.
    pub opening: Option<Opening>,
}

/// The private PostgreSQL cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Another process holds the lock.
    #[error(
        "another trueprice (process {1}) uses {0}; stop it, or give this one another --data-dir"
    )]
    InUse(PathBuf, String),
    /// A file or folder cannot be used.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program failed.
    #[error("{0}")]
    Failed(String),
    /// The running cluster refuses the connection.
    #[error("the private PostgreSQL does not answer: {0}")]
    Connect(#[from] sqlx::Error),
}

/// Names the file that an input or output error is about.
fn at(path: &Path) -> impl FnOnce(io::Error) -> ClusterError + '_ {
    move |source| ClusterError::File { path: path.to_owned(), source }
}

/// A running private PostgreSQL. Dropping it ends it too, without waiting.
#[derive(Debug)]
pub struct Cluster {
    supervisor: Supervisor,
    options: PgConnectOptions,
    announcement: PathBuf,
    // Held to the end, so that no other process starts a server on the same files.
    _lock: File,
}

impl Cluster {
    /// Starts it; makes it first where there is none. Ready for connections when this returns.
    pub async fn start(settings: ClusterSettings) -> Result<Self, ClusterError> {
        let blocking = settings.clone();
        let prepared = tokio::task::spawn_blocking(move || Prepared::new(&blocking));
        let prepared =
            prepared.await.map_err(|error| ClusterError::Failed(error.to_string()))??;
        let (supervisor, options) = prepared.run(&settings).await?;
        let announcement = announcement(&settings.data_dir);
        announce(&announcement, &options)?;
        // The driver leaves Nagle's algorithm on: over TCP the end of every COPY waits 40 ms.
        let options = match prepared.place.socket_folder() {
            Some(folder) => options.socket(folder),
            None => options,
        };
        Ok(Self { supervisor, options, announcement, _lock: prepared.lock })
    }

    /// How to connect to the running cluster that another process started on `data_dir`; `None` if
    /// there is none.
    #[must_use]
    pub fn running(data_dir: &Path) -> Option<PgConnectOptions> {
        fs::read_to_string(announcement(data_dir)).ok()?.parse().ok()
    }

    /// The folder with the server programs that a start would use; nothing is installed or made.
    /// `None` where there are none.
    pub fn programs(
        data_dir: &Path,
        pg_bin: Option<&Path>,
    ) -> Result<Option<PathBuf>, ClusterError> {
        let place = Place::of(&data_dir.canonicalize().map_err(at(data_dir))?)?;
        let programs = Programs::look(pg_bin, &place)?;
        Ok(programs.map(|programs| programs.path("")))
    }

    /// How to connect.
    #[must_use]
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Process id of the running server, which changes when it had to be started again.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.supervisor.process()
    }

    /// Ends it cleanly and waits for that.
    pub async fn stop(self) {
        // A file that is left behind is harmless: what it leads to does not answer.
        _ = fs::remove_file(&self.announcement);
        _ = tokio::task::spawn_blocking(move || self.supervisor.stop()).await;
    }
}

/// Where a running server tells other commands on the same data directory how to connect.
fn announcement(data_dir: &Path) -> PathBuf {
    data_dir.join("database.url")
}

fn announce(path: &Path, options: &PgConnectOptions) -> Result<(), ClusterError> {
    _ = fs::remove_file(path);
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(address(options).as_bytes())).map_err(at(path))
}

/// The address as psql takes it too: what the driver adds behind it is only its own.
fn address(options: &PgConnectOptions) -> String {
    let url = options.to_url_lossy();
    url.as_str().split('?').next().unwrap_or_default().to_owned()
}

/// A cluster whose files are there and whose former server is gone.
struct Prepared {
    place: Place,
    programs: Programs,
    password: String,
    lock: File,
}

impl Prepared {
    fn new(settings: &ClusterSettings) -> Result<Self, ClusterError> {
        let data_dir = place::make_data_dir(&settings.data_dir)?;
        let lock = lock(&data_dir)?;
        let place = Place::of(&data_dir)?;
        let programs = Programs::find_or_install(settings.pg_bin.as_deref(), &place)?;
        if place.cluster().exists() {
            supervisor::end_orphan(&place, &programs)?;
        } else {
            initialise(&place, &programs, settings.durable)?;
        }
        opening::prepare(&place, settings.opening.as_ref())?;
        let password = place.password();
        let password = fs::read_to_string(&password).map_err(at(&password))?;
        Ok(Self { place, programs, password, lock })
    }

    async fn run(
        &self,
        settings: &ClusterSettings,
    ) -> Result<(Supervisor, PgConnectOptions), ClusterError> {
        for attempt in 1.. {
            let port = match &settings.opening {
                Some(opening) => opening.listen.port(),
                None => free_port()?,
            };
            let options = PgConnectOptions::new_without_pgpass()
                .host("127.0.0.1")
                .port(port)
                .username(NAME)
                .password(self.password.trim());
            let supervisor = Supervisor::start(&self.place, &self.programs, settings, port)?;
            if wait_until_ready(&supervisor, &options).await? {
                create_database(&options).await?;
                return Ok((supervisor, options.database(NAME)));
            }
            tokio::task::spawn_blocking(move || supervisor.stop())
                .await
                .map_err(|error| ClusterError::Failed(error.to_string()))?;
            if attempt == ATTEMPTS {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(ClusterError::Failed(format!(
            "the private PostgreSQL does not start; the last lines of {} are:\n{}",
            self.place.log().display(),
            self.place.log_tail()
        )))
    }
}

fn lock(data_dir: &Path) -> Result<File, ClusterError> {
    let path = data_dir.join("lock");
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            return Err(ClusterError::InUse(data_dir.to_owned(), holder.trim().to_owned()));
        }
        Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(at(&path))?;
    Ok(file)
}

/// Makes the cluster under another name and renames it, so that one that was begun and never
/// finished is not taken for a cluster.
fn initialise(place: &Place, programs: &Programs, durable: bool) -> Result<(), ClusterError> {
    tracing::info!("making a private PostgreSQL in {}", place.cluster().display());
    remove_unfinished(place);
    let new = place.base().join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()));
    place.make_private_dir(&new)?;
    let password = new.join("password");
    let file = File::options().write(true).create_new(true).mode(0o600).open(&password);
    let secret = format!("{}{}\n", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    file.and_then(|mut file| {
        file.write_all(secret.as_bytes())?;
        file.sync_all()
    })
    .map_err(at(&password))?;
    if let Some((uid, gid)) = place.owner() {
        chown(&password, Some(uid), Some(gid)).map_err(at(&password))?;
    }
    let mut command = place.command(&programs.path("initdb"), "KILL");
    command.arg("-D").arg(new.join("data")).args(["-U", NAME, "-A", "scram-sha-256"]);
    command.arg("--pwfile").arg(&password).args(["-E", "UTF8", "--locale=C.UTF-8"]);
    if !durable {
        command.arg("--no-sync");
    }
    place::run(&mut command, "initdb")?;
    fs::rename(&new, place.cluster()).map_err(at(&new))?;
    File::open(place.base()).and_then(|folder| folder.sync_all()).map_err(at(place.base()))
}

/// Programs of a start that was killed may still write for a moment; what cannot be removed now is
/// in nobody's way, and goes at the next time.
fn remove_unfinished(place: &Place) {
    let Ok(entries) = fs::read_dir(place.base()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn free_port() -> Result<u16, ClusterError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| ClusterError::Failed(format!("no free port on 127.0.0.1: {error}")))
}

/// Waits for the first connection, as long as recovery takes; `false` if the server ended instead.
async fn wait_until_ready(
    supervisor: &Supervisor,
    options: &PgConnectOptions,
) -> Result<bool, ClusterError> {
    let options = options.clone().database("postgres");
    loop {
        match options.connect().await {
            Ok(connection) => {
                connection.close().await?;
                return Ok(true);
            }
            Err(sqlx::Error::Io(_)) => {}
            // cannot_connect_now: it is starting up or recovering.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57P03") => {}
            Err(error) => return Err(error.into()),
        }
        if supervisor.exits() > 0 {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn create_database(options: &PgConnectOptions) -> Result<(), ClusterError> {
    let mut connection = options.clone().database("postgres").connect().await?;
    let exists = sqlx::query_scalar!(
        r#"select exists (select from pg_database where datname = $1) as "exists!""#,
        NAME
    )
    .fetch_one(&mut connection)
    .await?;
    if !exists {
        sqlx::query("create database trueprice").execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}
