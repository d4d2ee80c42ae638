//! Documents in a folder and in a bucket: kept, found, and what happens when the store fails.

use std::fs;

use bytes::Bytes;
use serde_json::Value;
use trueprice::{
    domain::Sha256,
    objects::{Documents, StoreError},
};

use crate::support::{BUCKET, Mood, S3Server, SECRET_KEY, TestServer};

fn document(text: &str) -> (Sha256, Bytes) {
    (Sha256::of(text.as_bytes()), Bytes::copy_from_slice(text.as_bytes()))
}

async fn assert_keeps(documents: &Documents) {
    let (sha256, bytes) = document("month,data\n2026-01-01,31.05\n");
    assert!(!documents.exists(sha256).await.unwrap());
    assert!(matches!(documents.get(sha256).await, Err(StoreError::NotFound(_))));
    documents.put(sha256, bytes.clone()).await.unwrap();
    documents.put(sha256, bytes.clone()).await.unwrap();
    assert!(documents.exists(sha256).await.unwrap());
    assert_eq!(documents.get(sha256).await.unwrap(), bytes);
    let (empty, nothing) = document("");
    documents.put(empty, nothing).await.unwrap();
    assert_eq!(documents.get(empty).await.unwrap().len(), 0);
    documents.check().await.unwrap();
}

#[tokio::test]
async fn a_folder_keeps_documents() {
    let server = TestServer::start().await;
    assert_keeps(&server.app.documents).await;
    assert!(server.data_dir().join("documents/e3/b0").is_dir());
}

#[tokio::test]
async fn a_bucket_keeps_documents() {
    let s3 = S3Server::start().await;
    assert_keeps(&s3.documents()).await;
    assert_eq!(s3.files().len(), 2);
}

#[tokio::test]
async fn a_bucket_keeps_a_long_document() {
    let s3 = S3Server::start().await;
    let bytes = Bytes::from(vec![b'7'; 24 << 20]);
    let sha256 = Sha256::of(&bytes);
    s3.documents().put(sha256, bytes.clone()).await.unwrap();
    assert_eq!(s3.documents().get(sha256).await.unwrap(), bytes);
}

#[tokio::test]
async fn the_same_document_fifty_times_at_once_is_one_object() {
    let s3 = S3Server::start().await;
    let folder = TestServer::start().await;
    for documents in [s3.documents(), folder.app.documents.clone()] {
        let (sha256, bytes) = document("fifty");
        let puts = (0..50).map(|_| documents.put(sha256, bytes.clone()));
        for put in futures::future::join_all(puts).await {
            put.unwrap();
        }
        assert_eq!(documents.get(sha256).await.unwrap(), bytes);
    }
    assert_eq!(s3.files().len(), 1);
}

#[tokio::test]
async fn a_damaged_object_is_noticed() {
    let s3 = S3Server::start().await;
    let (sha256, bytes) = document("curve");
    s3.documents().put(sha256, bytes).await.unwrap();
    fs::write(&s3.files()[0], "curse").unwrap();
    let got = s3.documents().get(sha256).await;
    assert!(matches!(got, Err(StoreError::Damaged(_) | StoreError::Unavailable(_))), "{got:?}");
}

#[tokio::test]
async fn a_wrong_secret_and_a_missing_bucket_are_told() {
    let s3 = S3Server::start().await;
    let (sha256, bytes) = document("curve");
    let stranger = s3.documents_with("another secret", BUCKET);
    let error = stranger.put(sha256, bytes).await.unwrap_err().to_string();
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
    let error = s3.documents_with(SECRET_KEY, "elsewhere").check().await.unwrap_err();
    assert!(error.to_string().contains("there is no bucket elsewhere"), "{error}");
    assert!(s3.files().is_empty());
}

#[tokio::test]
async fn a_store_that_refuses_or_hangs_is_unavailable_and_works_again_after() {
    let s3 = S3Server::start().await;
    let documents = s3.documents();
    for (mood, text) in [(Mood::Refusing, "one"), (Mood::Hanging, "two")] {
        let (sha256, bytes) = document(text);
        documents.check().await.unwrap();
        s3.set(mood);
        let put = documents.put(sha256, bytes.clone()).await;
        assert!(matches!(put, Err(StoreError::Unavailable(_))), "{mood:?}: {put:?}");
        s3.set(Mood::Serving);
        documents.put(sha256, bytes.clone()).await.unwrap();
        assert_eq!(documents.get(sha256).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_server_without_its_store_is_not_ready() {
    let s3 = S3Server::start().await;
    let server = TestServer::start_on(&s3).await;
    assert_eq!(server.anonymous().get("/readyz").await.status(), 200);
    s3.set(Mood::Refusing);
    let answer = server.anonymous().get("/readyz").await;
    assert_eq!(answer.status(), 503);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["checks"][2]["name"], "documents");
    assert_eq!(body["checks"][2]["ready"], false);
    assert_eq!(body["checks"][0]["ready"], true);
    s3.set(Mood::Serving);
    assert_eq!(server.anonymous().get("/readyz").await.status(), 200);
}
