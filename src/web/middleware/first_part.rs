//! Looks at the first part of a multipart form without consuming it, so that a large upload still
//! streams.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};

use crate::{error::Result, web::body};

/// The first part must end within this many bytes.
const REACH: usize = 4 << 10;

/// The value of the first part if its name is `field`, and the body as if nobody had looked.
pub(super) async fn peek(body: Body, field: &str) -> Result<(Option<String>, Body)> {
    let mut rest = body.into_data_stream();
    let mut head = BytesMut::new();
    let value = loop {
        match first_part(&head) {
            First::Field(name, value) => break (name == field).then_some(value),
            First::Other => break None,
            First::Unfinished if head.len() > REACH => break None,
            First::Unfinished => {}
        }
        match body::in_time(rest.next()).await? {
            Some(Ok(chunk)) => head.extend_from_slice(&chunk),
            Some(Err(_)) => return Err(body::broken()),
            None => break None,
        }
    };
    let seen = stream::iter([Ok::<Bytes, axum::Error>(head.freeze())]);
    Ok((value, Body::from_stream(seen.chain(rest))))
}

/// What the first part is, as far as it has arrived.
enum First {
    Unfinished,
    /// A text field with its name and value.
    Field(String, String),
    /// A file, or no multipart form at all.
    Other,
}

fn first_part(head: &[u8]) -> First {
    let text = String::from_utf8_lossy(head);
    let Some((boundary, after)) = text.split_once("\r\n") else { return First::Unfinished };
    let Some((headers, content)) = after.split_once("\r\n\r\n") else { return First::Unfinished };
    if headers.contains("filename") || !boundary.starts_with("--") {
        return First::Other;
    }
    let end = format!("\r\n{boundary}");
    let Some((value, _)) = content.split_once(&end) else { return First::Unfinished };
    match headers.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()) {
        Some(name) => First::Field(name.to_owned(), value.to_owned()),
        None => First::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nabc\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n1,2\r\n--b--\r\n";

    #[tokio::test]
    async fn the_body_is_whole_afterwards() {
        for size in [1, 7, 1000] {
            let chunks: Vec<_> = FORM
                .as_bytes()
                .chunks(size)
                .map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)))
                .collect();
            let (value, body) =
                peek(Body::from_stream(stream::iter(chunks)), "csrf_token").await.unwrap();
            assert_eq!(value.as_deref(), Some("abc"));
            assert_eq!(axum::body::to_bytes(body, 1000).await.unwrap(), FORM);
        }
    }

    #[tokio::test]
    async fn a_file_first_or_another_field_is_no_token() {
        let file_first =
            FORM.replacen("name=\"csrf_token\"", "name=\"csrf_token\"; filename=\"a\"", 1);
        for form in
            [FORM.replace("csrf_token", "other"), file_first, "x".repeat(9000), String::new()]
        {
            let (value, body) = peek(Body::from(form.clone()), "csrf_token").await.unwrap();
            assert_eq!(value, None);
            assert_eq!(axum::body::to_bytes(body, 10_000).await.unwrap(), form);
        }
    }
}
