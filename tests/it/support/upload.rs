//! Files sent to a server.

use bytes::Bytes;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::Value;

use super::Caller;

const BOUNDARY: &str = "------------------------trueprice";

/// An answer with its body.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON; null where there is none.
    pub body: Value,
}

impl Reply {
    /// Of any response.
    pub async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        Self { status, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// Its machine word.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Status and machine word.
    pub fn outcome(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    /// The results of several files: name, status, code.
    pub fn results(&self) -> Vec<(&str, u64, &str)> {
        let results = self.body["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        results
            .iter()
            .map(|r| {
                let text = |name: &str| r[name].as_str().unwrap_or_default();
                (text("file"), r["status"].as_u64().unwrap_or_default(), text("code"))
            })
            .collect()
    }
}

/// The body of a form whose parts are all named `part`, byte for byte as given.
pub fn form(part: &str, files: &[(&str, Bytes)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

impl Caller {
    /// Sends a form to a path.
    pub fn form(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let form = format!("multipart/form-data; boundary={BOUNDARY}");
        self.request(Method::POST, path).header(CONTENT_TYPE, form).body(body)
    }

    /// Sends files to a path, such as `/api/v1/uploads?dry_run=true`.
    pub async fn send(&self, path: &str, files: &[(&str, Bytes)]) -> Reply {
        Reply::of(self.form(path, form("file", files)).send().await.unwrap()).await
    }

    /// Uploads one file.
    pub async fn upload(&self, name: &str, bytes: impl Into<Bytes>) -> Reply {
        self.send("/api/v1/uploads", &[(name, bytes.into())]).await
    }

    /// GET, with its body.
    pub async fn ask(&self, path: &str) -> Reply {
        Reply::of(self.get(path).await).await
    }
}
