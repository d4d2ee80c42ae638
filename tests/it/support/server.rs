//! The server inside the test process.

use std::{future::pending, path::Path};

use sqlx::PgPool;
use tempfile::TempDir;
use tokio::net::TcpListener;
use trueprice::{
    app::App,
    config::Config,
    objects::{Documents, LocalStore},
    site, telemetry,
    web::{
        self,
        server::{self, Patience},
    },
};

use super::{Caller, S3Server, TestClock, database};

/// A running server with a database, documents and a clock of its own. It ends with the test.
pub struct TestServer {
    /// Its parts, for what cannot be asked through HTTP.
    pub app: App,
    /// Its clock.
    pub clock: TestClock,
    /// Connections of the owner of its schema, for what the server may not do.
    pub owner: PgPool,
    base: String,
    folder: TempDir,
}

impl TestServer {
    /// With documents in a folder.
    pub async fn start() -> Self {
        Self::start_with(|_| {}, None).await
    }

    /// With documents in a bucket.
    pub async fn start_on(s3: &S3Server) -> Self {
        Self::start_with(|_| {}, Some(s3.documents())).await
    }

    /// With settings that `adjust` changes, and documents in a given store or in a folder.
    pub async fn start_with(
        adjust: impl FnOnce(&mut Config),
        documents: Option<Documents>,
    ) -> Self {
        telemetry::recorder();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::under(folder.path()).unwrap();
        adjust(&mut config);
        let clock = TestClock::default();
        let local = || LocalStore::open(&folder.path().join("documents")).unwrap();
        let documents = documents.unwrap_or_else(|| Documents::Local(local()));
        let (pool, owner) = database::migrated_database().await;
        let app = App::new(config, pool, documents, clock.clock()).unwrap();
        site::settle_timezone(&app).await.unwrap();
        let base = serve(app.clone()).await;
        Self { app, clock, owner, base, folder }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its data directory, where local documents are.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Asks without a credential.
    pub fn anonymous(&self) -> Caller {
        Caller::anonymous(self.base())
    }
}

/// Serves `app` on a free port for as long as the test runs; tells where.
pub async fn serve(app: App) -> String {
    serve_with(app, Patience::default()).await
}

/// The same with as much patience as the test has.
pub async fn serve_with(app: App, patience: Patience) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(listener, web::router(app), pending(), patience));
    base
}
