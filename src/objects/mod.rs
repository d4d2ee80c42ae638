//! The object store: documents by their SHA-256, written once, never changed.

mod local;
mod s3;

use bytes::Bytes;

use crate::{config::Config, domain::Sha256};

pub use local::LocalStore;
pub use s3::S3Store;

/// Where documents are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Documents {
    /// Files of this machine.
    Local(LocalStore),
    /// Objects of a bucket.
    S3(S3Store),
}

/// The store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such document.
    #[error("document {0} is not in the store")]
    NotFound(Sha256),
    /// The bytes are not those that were kept.
    #[error("document {0} is damaged: its bytes have another digest")]
    Damaged(Sha256),
    /// The store is away, full, or refuses.
    #[error("the document store cannot be used: {0}")]
    Unavailable(String),
}

impl Documents {
    /// The store that the settings name: a bucket, else a folder under the data directory.
    pub async fn open(config: &Config) -> Result<Self, StoreError> {
        match &config.s3_bucket {
            Some(bucket) => Ok(Self::S3(S3Store::from_environment(bucket).await)),
            None => LocalStore::open(&config.data_dir.join("documents")).map(Self::Local),
        }
    }

    /// Keeps `bytes` under their digest. They are durable when this returns. Doing it again is free.
    pub async fn put(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        match self {
            Self::Local(store) => store.put(sha256, bytes).await,
            Self::S3(store) => store.put(sha256, bytes).await,
        }
    }

    /// The bytes of a document, checked against their digest.
    pub async fn get(&self, sha256: Sha256) -> Result<Bytes, StoreError> {
        let bytes = match self {
            Self::Local(store) => store.get(sha256).await,
            Self::S3(store) => store.get(sha256).await,
        }?;
        // A long document keeps a thread busy for a while; not one that answers others.
        let digest = tokio::task::spawn_blocking(move || (Sha256::of(&bytes), bytes)).await;
        match digest.map_err(|error| StoreError::Unavailable(error.to_string()))? {
            (digest, bytes) if digest == sha256 => Ok(bytes),
            _ => Err(StoreError::Damaged(sha256)),
        }
    }

    /// Whether a document is there; its bytes are not looked at.
    pub async fn exists(&self, sha256: Sha256) -> Result<bool, StoreError> {
        match self {
            Self::Local(store) => store.exists(sha256).await,
            Self::S3(store) => store.exists(sha256).await,
        }
    }

    /// Whether documents can be kept just now.
    pub async fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Local(store) => store.check().await,
            Self::S3(store) => store.check().await,
        }
    }
}

impl std::fmt::Display for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(store) => write!(f, "folder {}", store.root().display()),
            Self::S3(store) => write!(f, "bucket {}", store.bucket()),
        }
    }
}
