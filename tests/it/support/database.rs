//! One PostgreSQL for each test process, one database for each test.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};
use trueprice::{
    config::Opening,
    db::{
        cluster::{Cluster, ClusterSettings},
        pool,
    },
};
use uuid::Uuid;

const TEMPLATE: &str = "template_trueprice";
const PREFIX: &str = "trueprice-tests-";

/// Connections of a server to a new database with the whole schema and nothing in it, and those of
/// the schema's owner, for what a server may not do.
pub async fn migrated_database() -> (PgPool, PgPool) {
    let options = create(Some(TEMPLATE)).await;
    (pool::server_pool(options.clone(), 10), pool::pool(options, 3))
}

/// Connections to a new database without a schema, as its owner.
pub async fn empty_database() -> PgPool {
    pool::pool(create(None).await, 10)
}

/// The address of a database, for a program's `DATABASE_URL`. The pool is that of its owner.
pub fn address(pool: &PgPool) -> String {
    pool.connect_options().to_url_lossy().to_string()
}

/// How a login role of BI connects to the database of a server: over TLS, as everybody from elsewhere.
pub fn as_bi(pool: &PgPool, user: &str, password: &str) -> PgConnectOptions {
    let options = pool.connect_options();
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(options.get_port())
        .database(options.get_database().unwrap())
        .username(user)
        .password(password)
        .ssl_mode(PgSslMode::Require)
}

/// A certificate for 127.0.0.1 that nobody vouches for but itself, and its key.
pub fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"]);
    command.args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1"]);
    command.args(["-addext", "subjectAltName=IP:127.0.0.1", "-out"]).arg(&certificate);
    let made = command.arg("-keyout").arg(&key).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// A free port of 127.0.0.1.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn create(template: Option<&str>) -> PgConnectOptions {
    let name = format!("test_{}", Uuid::new_v4().simple());
    let template = template.unwrap_or("template1");
    let options = cluster().await;
    let mut connection = options.connect().await.unwrap();
    let statement = AssertSqlSafe(format!("create database {name} template {template}"));
    connection.execute(statement).await.unwrap();
    options.clone().database(&name)
}

/// How to connect to the cluster. The first call makes it; it ends with the process.
async fn cluster() -> PgConnectOptions {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let cluster = tokio::task::spawn_blocking(|| {
        // On a runtime of its own: that of the first test ends with that test.
        CLUSTER.get_or_init(|| tokio::runtime::Runtime::new().unwrap().block_on(start()))
    });
    cluster.await.unwrap().options().clone()
}

async fn start() -> Cluster {
    let temporary = std::env::temp_dir();
    remove_leftovers(&temporary);
    let data_dir = temporary.join(format!("{PREFIX}{}", std::process::id()));
    std::fs::create_dir_all(&data_dir).unwrap();
    let (certificate, key) = certificate(&data_dir);
    let listen = ([127, 0, 0, 1], free_port()).into();
    let settings = ClusterSettings {
        data_dir,
        pg_bin: None,
        connections: 300,
        durable: false,
        opening: Some(Opening { listen, certificate, key }),
    };
    let cluster = Cluster::start(settings).await.unwrap();
    let mut connection = cluster.options().connect().await.unwrap();
    connection.execute(AssertSqlSafe(format!("create database {TEMPLATE}"))).await.unwrap();
    let template = pool::pool(cluster.options().clone().database(TEMPLATE), 2);
    pool::migrate(&template).await.unwrap();
    template.close().await;
    cluster
}

/// Removes the folders of test processes that are gone.
fn remove_leftovers(temporary: &Path) {
    for entry in std::fs::read_dir(temporary).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(process) = name.strip_prefix(PREFIX) else { continue };
        if !Path::new("/proc").join(process).exists() {
            _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
