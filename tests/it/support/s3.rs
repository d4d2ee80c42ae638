//! A real S3 server, signatures and all, that can be made to fail.

use std::{path::PathBuf, pin::pin, sync::Arc};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use s3s::{
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};
use trueprice::objects::{Documents, S3Store};

/// Name of the bucket.
pub const BUCKET: &str = "trueprice-documents";
/// The one key that is let in.
pub const ACCESS_KEY: &str = "AKTEST";
/// Its secret.
pub const SECRET_KEY: &str = "secret-of-the-test";

/// How the server treats its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Serving,
    /// Cuts every connection.
    Refusing,
    /// Takes requests and never answers.
    Hanging,
}

/// A running S3 server with one bucket. It ends with the test.
pub struct S3Server {
    endpoint: String,
    folder: TempDir,
    mood: watch::Sender<Mood>,
    hung: Arc<Notify>,
}

impl S3Server {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (mood, moods) = watch::channel(Mood::Serving);
        let hung = Arc::new(Notify::new());
        tokio::spawn(accept(listener, service.build(), moods, Arc::clone(&hung)));
        Self { endpoint, folder, mood, hung }
    }

    /// Changes how it treats callers, those on open connections too.
    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Waits until somebody was left hanging.
    pub async fn asked(&self) {
        self.hung.notified().await;
    }

    /// The store that this server is.
    pub fn documents(&self) -> Documents {
        self.documents_with(SECRET_KEY, BUCKET)
    }

    /// The store as seen with another secret or another bucket.
    pub fn documents_with(&self, secret: &str, bucket: &str) -> Documents {
        let settings = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::new(ACCESS_KEY, secret, None, None, "test"));
        Documents::S3(S3Store::new(settings, bucket))
    }

    /// What a program needs in its environment to use this server.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("TRUEPRICE_S3_BUCKET", BUCKET.to_owned()),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    /// The files of the documents.
    pub fn files(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join(BUCKET).join("documents");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

async fn accept(
    listener: TcpListener,
    service: S3Service,
    moods: watch::Receiver<Mood>,
    hung: Arc<Notify>,
) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(connection(socket, service.clone(), moods.clone(), Arc::clone(&hung)));
    }
}

async fn connection(
    socket: TcpStream,
    service: S3Service,
    mut moods: watch::Receiver<Mood>,
    hung: Arc<Notify>,
) {
    let server = auto::Builder::new(TokioExecutor::new());
    let mut exchange = pin!(server.serve_connection(TokioIo::new(socket), service));
    let mood = tokio::select! {
        biased;
        mood = moods.wait_for(|mood| *mood != Mood::Serving) => mood.map(|mood| *mood),
        _ = &mut exchange => return,
    };
    // The connection stays open, and nobody looks at it.
    if mood.is_ok_and(|mood| mood == Mood::Hanging) {
        hung.notify_one();
        _ = moods.wait_for(|mood| *mood != Mood::Hanging).await;
    }
}
