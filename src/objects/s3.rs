//! Documents as objects of an S3 bucket: `documents/abcd...`.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::{
    Client,
    config::{Region, SharedHttpClient},
    error::{DisplayErrorContext, SdkError},
    primitives::ByteStream,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::StoreError;
use crate::domain::Sha256;

/// A request without a body is given this long, and tried twice.
const ATTEMPT: Duration = Duration::from_secs(4);

/// What a connection to the store carries at the least, in bytes a second.
const SLOWEST: usize = 1 << 20;

/// A bucket of documents.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: Arc<str>,
}

impl S3Store {
    /// The store that the usual `AWS_*` variables and files lead to.
    pub async fn from_environment(bucket: &str) -> Self {
        let settings =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await;
        Self::new(aws_sdk_s3::config::Builder::from(&settings), bucket)
    }

    /// The store that `settings` lead to. Buckets are part of the path: every server knows that.
    #[must_use]
    pub fn new(mut settings: aws_sdk_s3::config::Builder, bucket: &str) -> Self {
        settings = settings
            .http_client(http_client())
            .force_path_style(true)
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .timeout_config(timeouts(0));
        if settings.clone().build().region().is_none() {
            settings = settings.region(Region::from_static("us-east-1"));
        }
        Self { client: Client::from_conf(settings.build()), bucket: bucket.into() }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// 412 says that the object is there; 409 that somebody is just writing it, who may yet fail.
    pub(super) async fn put(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        for _ in 0..5 {
            match self.put_once(sha256, &bytes).await {
                Ok(_) => return Ok(()),
                Err(error) => match status(&error) {
                    Some(412) => return Ok(()),
                    Some(409) => tokio::time::sleep(Duration::from_millis(200)).await,
                    _ => return Err(unavailable(&error)),
                },
            }
        }
        Err(StoreError::Unavailable(format!("document {sha256} is being written for too long")))
    }

    async fn put_once(
        &self,
        sha256: Sha256,
        bytes: &Bytes,
    ) -> Result<
        aws_sdk_s3::operation::put_object::PutObjectOutput,
        SdkError<aws_sdk_s3::operation::put_object::PutObjectError>,
    > {
        let request = self.client.put_object().bucket(&*self.bucket).key(key(sha256));
        request
            .if_none_match("*")
            .checksum_sha256(STANDARD.encode(sha256.as_bytes()))
            .body(ByteStream::from(bytes.clone()))
            .customize()
            .config_override(
                aws_sdk_s3::config::Builder::new().timeout_config(timeouts(bytes.len())),
            )
            .send()
            .await
    }

    pub(super) async fn get(&self, sha256: Sha256) -> Result<Bytes, StoreError> {
        let request = self.client.get_object().bucket(&*self.bucket).key(key(sha256));
        let object = request.send().await.map_err(|error| match status(&error) {
            Some(404) => StoreError::NotFound(sha256),
            _ => unavailable(&error),
        })?;
        let body = object.body.collect().await;
        body.map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes)
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    pub(super) async fn exists(&self, sha256: Sha256) -> Result<bool, StoreError> {
        let request = self.client.head_object().bucket(&*self.bucket).key(key(sha256));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(false),
            Err(error) => Err(unavailable(&error)),
        }
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let request = self.client.head_bucket().bucket(&*self.bucket);
        request.send().await.map(drop).map_err(|error| match status(&error) {
            Some(404) => StoreError::Unavailable(format!("there is no bucket {}", self.bucket)),
            _ => unavailable(&error),
        })
    }
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

fn key(sha256: Sha256) -> String {
    format!("documents/{sha256}")
}

/// A store that is dead is told within seconds; a long body gets the time it needs.
fn timeouts(body: usize) -> TimeoutConfig {
    let transfer = Duration::from_secs(u64::try_from(body / SLOWEST).unwrap_or(u64::MAX));
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT + transfer)
        .operation_timeout(2 * (ATTEMPT + transfer))
        .build()
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn unavailable<E: std::error::Error + 'static>(error: &SdkError<E>) -> StoreError {
    StoreError::Unavailable(DisplayErrorContext(error).to_string())
}
