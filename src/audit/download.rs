//! Downloads on the record: a row before the first byte, a row after the last one.
//!
//! The first is written and committed before the body is handed out; without it there is no download.
//! The last is written beside the stream, never in its way, and whatever ends it: the last byte, a
//! failure, or a client that went away.

use std::{
    convert::Infallible,
    fmt::Display,
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequestParts, MatchedPath},
    http::{Method, request::Parts},
    response::Response,
};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http_body::{Frame, SizeHint};
use serde_json::{Map, Value, json};

use super::{Act, Action, Actor, note, running::Pass};
use crate::app::App;

/// Who asks for a download, and by which call. An extractor.
#[derive(Debug, Clone)]
pub struct Asker {
    app: App,
    actor: Actor,
    route: String,
    head: bool,
}

impl FromRequestParts<App> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let route = parts.extensions.get::<MatchedPath>();
        Ok(Self {
            app: app.clone(),
            actor: Actor::of(parts, app),
            route: route.map_or_else(String::new, |route| route.as_str().to_owned()),
            head: parts.method == Method::HEAD,
        })
    }
}

/// The versions of a part of a download.
#[must_use]
pub fn part(
    (curve, iso): (impl Display, impl Display),
    versions: impl IntoIterator<Item = i64>,
) -> Value {
    let versions: Vec<String> = versions.into_iter().map(|id| id.to_string()).collect();
    json!({ "curve": curve.to_string(), "iso": iso.to_string(), "versions": versions })
}

/// What is downloaded.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its kind (`dataset`, `list`, `view`) and name.
    pub object: (&'static str, String),
    /// csv, xlsx and so on.
    pub format: &'static str,
    /// The parameters in force, in their normal form.
    pub parameters: Value,
    /// The cut-off.
    pub known_at: Option<DateTime<Utc>>,
    /// The versions of each part: objects with curve, iso and the ids.
    pub parts: Vec<Value>,
}

impl Wanted {
    /// A list without versions.
    #[must_use]
    pub fn list(name: &str, format: &'static str, known_at: Option<DateTime<Utc>>) -> Self {
        let object = ("list", name.to_owned());
        Self { object, format, parameters: json!({}), known_at, parts: Vec::new() }
    }

    fn detail(&self, route: &str) -> Map<String, Value> {
        let mut detail = Map::new();
        detail.insert("route".to_owned(), route.into());
        detail.insert("format".to_owned(), self.format.into());
        detail.insert("parameters".to_owned(), self.parameters.clone());
        if let Some(known_at) = self.known_at {
            let text = known_at.to_rfc3339_opts(SecondsFormat::Micros, true);
            detail.insert("known_at".to_owned(), text.into());
        }
        if !self.parts.is_empty() {
            detail.insert("parts".to_owned(), self.parts.clone().into());
        }
        detail
    }
}

impl Asker {
    /// Writes that the download begins. Of a HEAD that is all that is ever written: nothing is sent.
    pub async fn begin(self, wanted: Wanted) -> sqlx::Result<Download> {
        let head = self.head;
        if head {
            self.answered(&wanted, "head".into()).await?;
        } else {
            let act = Act::done(Action::DownloadBegun);
            let (kind, name) = &wanted.object;
            let act = act.to(kind, name).with(wanted.detail(&self.route).into());
            note(&self.app, &self.actor, act).await?;
        }
        let Self { app, actor, .. } = self;
        let open = (!head).then_some(Open { app, actor, object: wanted.object });
        Ok(Download { open, rows: Rows::default(), bytes: 0 })
    }

    /// Writes that the caller had it already: 304.
    pub async fn not_modified(&self, wanted: &Wanted) -> sqlx::Result<()> {
        self.answered(wanted, 304.into()).await
    }

    /// Writes that a HEAD was answered.
    pub async fn head(&self, wanted: &Wanted) -> sqlx::Result<()> {
        self.answered(wanted, "head".into()).await
    }

    async fn answered(&self, wanted: &Wanted, answer: Value) -> sqlx::Result<()> {
        let mut detail = wanted.detail(&self.route);
        detail.insert("answer".to_owned(), answer);
        let (kind, name) = &wanted.object;
        let act = Act::done(Action::DownloadBegun).to(kind, name).with(detail.into());
        note(&self.app, &self.actor, act).await
    }
}

/// How many rows were written, told by the writer when it is done.
#[derive(Debug, Clone, Default)]
pub struct Rows(Arc<OnceLock<u64>>);

impl Rows {
    /// Tells it.
    pub fn are(&self, rows: u64) {
        _ = self.0.set(rows);
    }
}

/// A download that has begun. Dropped before its end it is written down as broken.
#[derive(Debug)]
pub struct Download {
    /// Until its end is written.
    open: Option<Open>,
    rows: Rows,
    bytes: u64,
}

#[derive(Debug)]
struct Open {
    app: App,
    actor: Actor,
    object: (&'static str, String),
}

impl Download {
    /// Where the writer tells how many rows there are.
    #[must_use]
    pub fn rows(&self) -> Rows {
        self.rows.clone()
    }

    /// The body, counted on its way out, which breaks off when its user is shut out.
    pub fn over(self, body: Body) -> Body {
        let open = self.open.as_ref();
        let pass = open.and_then(|open| Some(open.app.running.enter(open.actor.user_id?)));
        Body::new(Counted { body, download: self, pass })
    }

    /// The answer with its body, of a file of so many rows that is whole before it is sent.
    #[must_use]
    pub fn whole(self, rows: Option<u64>, response: Response) -> Response {
        if let Some(rows) = rows {
            self.rows.are(rows);
        }
        response.map(|body| self.over(body))
    }

    fn end(&mut self, complete: bool) {
        let Some(Open { app, actor, object: (kind, name) }) = self.open.take() else { return };
        let act = match complete {
            true => Act::done(Action::DownloadEnded),
            false => Act::failed(Action::DownloadEnded),
        };
        let detail = json!({
            "end": if complete { "complete" } else { "broken" },
            "rows": self.rows.0.get().filter(|_| complete),
            "bytes": self.bytes,
        });
        let act = act.to(kind, name).with(detail);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let endings = app.endings.clone();
        let ending = async move {
            if let Err(error) = note(&app, &actor, act).await {
                tracing::error!(%error, "the end of a download could not be written down");
            }
        };
        endings.spawn_on(ending, &runtime);
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.end(false);
    }
}

/// A body whose bytes are counted.
struct Counted {
    body: Body,
    download: Download,
    pass: Option<Pass>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.pass.as_ref().is_some_and(|pass| pass.is_shut(context.waker())) {
            self.download.end(false);
            let why = io::Error::new(io::ErrorKind::PermissionDenied, "the user is shut out");
            return Poll::Ready(Some(Err(axum::Error::new(why))));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.download.bytes += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
                // Of a body that is whole nobody asks for what comes after the last byte.
                if self.body.is_end_stream() {
                    self.download.end(true);
                }
            }
            Poll::Ready(Some(Err(_))) => self.download.end(false),
            Poll::Ready(None) => self.download.end(true),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
