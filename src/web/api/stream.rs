//! `GET /api/v1/stream`: what happens, as it happens, by server-sent events.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream as futures_stream;
use tokio::{sync::mpsc, time::MissedTickBehavior};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::SignedIn,
    db::feeds::stream,
    error::{Problem, Result},
    feeds::numbers,
    live::{
        guests::{Full, Guest},
        stream::{self as live, Listening, Told},
        topics::{Meters, Wanted},
    },
    web::{
        middleware::{csrf, running::WatchedByItself},
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(listen))
}

/// A comment is sent after so long without an event: whatever lies between knows that this one lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Milliseconds after which a browser connects again.
const RETRY: u32 = 3000;

/// Frames that wait for the network; more wait in the stream itself.
const WAITING: usize = 16;

/// How long somebody may take nothing of what is sent.
const STALLED: Duration = Duration::from_secs(20);

/// Seconds after which it is worth asking again for a place.
const RETRY_AFTER: u32 = 30;

/// By this header a browser says what it had last.
const LAST_EVENT_ID: &str = "last-event-id";

/// Which events, and from where on.
struct Query {
    topics: Wanted,
    last_event_id: Option<i64>,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["topics", "last_event_id"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let example = "name topics, such as grid.intensity:US-NY-NYISO,grid.fuelmix:*";
        let topics =
            p.value("topics")?.ok_or_else(|| Problem::bad_parameter("topics", "", example))?;
        let last_event_id = p.text("last_event_id")?.map(|text| place(&text)).transpose()?;
        Ok(Self { topics, last_event_id })
    }
}

fn place(text: &str) -> Result<i64> {
    let place = text.parse().ok().filter(|place| *place >= 0);
    place.ok_or_else(|| {
        Problem::bad_parameter("last_event_id", text, "it is the id of an event: a whole number")
    })
}

/// Listen to events
///
/// Server-sent events: `id` is the place in the stream, without holes; `event` the topic; `data` the
/// envelope `{"id","type","v","source","region","time","data"}`. Each event comes at least once; drop
/// what you know by its `id`. After a lost connection send the last `id`: nothing is left out. Where
/// that is longer ago than events are kept (7 days) one `event: reset` comes first: read everything
/// anew. Who is more than 1,000 events behind, or takes nothing for 20 seconds, is disconnected, and goes
/// on in the same way; and within seconds so is whose account, credential or site is closed.
///
/// A topic is `name` or `name:subject`; `*` stands for all subjects. Subjects of `grid.*` are regions,
/// of `retail.usage*` and `usage.day` meters, of `feed.*` feeds. `page.reload` comes when a newer program
/// has taken over: pages that a former one has made load themselves again.
#[utoipa::path(
    get,
    path = "/api/v1/stream",
    tag = "live",
    params(
        ("topics" = String, Query, description = "Topics, parted by commas.",
         example = "grid.intensity:US-NY-NYISO,grid.fuelmix:*"),
        ("last_event_id" = Option<i64>, Query,
         description = "The place after which to go on; the header counts where both are given. From now if omitted."),
        ("Last-Event-ID" = Option<i64>, Header, description = "As a browser sends it when it connects again."),
    ),
    responses(
        (status = 200, description = "Events without an end.", content_type = "text/event-stream", body = String,
         example = json!("id: 4711\nevent: grid.intensity\ndata: {\"id\":\"8b5a2c1e-7f0d-5f4e-9a53-6d3f9f6f6c11\",\"type\":\"grid.intensity\",\"v\":1,\"source\":\"nyiso.rtfuelmix\",\"region\":\"US-NY-NYISO\",\"time\":\"2025-02-01T05:00:00Z\",\"data\":{\"start\":\"2025-02-01T05:00:00Z\",\"secs\":300,\"factor_set\":\"NY-STATE-2016\",\"rev\":1,\"generated\":229.145120000,\"consumed\":null,\"marginal\":null,\"unit\":\"g/kWh\",\"quality\":\"measured\"}}\n\n")),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 403, description = "`forbidden`: usage of a meter of somebody else, or a page of another site that asks."),
        (status = 404, description = "`no_such_region`"),
        (status = 429, description = "`too_many_streams`: as many connections of yours listen, by this and by MQTT, as may (live.listeners_per_user)."),
        (status = 503, description = "`too_many_listeners`: as many listen as this server lets (live.listeners); `maintenance`"),
    ),
)]
async fn listen(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Response> {
    if !csrf::is_ours(&headers, &uri) {
        return Err(Problem::forbidden("Only pages of this server may listen."));
    }
    let last = match headers.get(LAST_EVENT_ID) {
        Some(value) => Some(place(value.to_str().unwrap_or("?"))?),
        None => query.last_event_id,
    };
    let meters = stream::meters(&app.pool, principal.user_id).await?.into_iter().collect();
    check(&app, &query.topics, &meters).await?;
    let guest =
        app.guests.enter(&app, Some(&principal), meters).map_err(|full| too_many(&app, full))?;
    let (frames, waiting) = mpsc::channel(WAITING);
    let listener = Listener { app, wanted: query.topics, guest, frames };
    tokio::spawn(listener.run(last));
    Ok(answer(waiting))
}

/// What somebody may not hear, or what there is not.
async fn check(app: &App, wanted: &Wanted, meters: &Meters) -> Result<()> {
    if let Some(topic) = wanted.refused(meters) {
        return Err(Problem::forbidden(format!(
            "{topic}: usage is told to the owner of a meter and to those whom the owner lets read it."
        )));
    }
    for region in wanted.regions() {
        if !stream::is_region(&app.pool, region).await? {
            let detail = format!("There is no region {:?}.", crate::error::shown(region));
            return Err(Problem { code: "no_such_region", ..Problem::not_found(detail) });
        }
    }
    Ok(())
}

fn too_many(app: &App, full: Full) -> Problem {
    let most = app.config.live.listeners_per_user;
    match full {
        Full::All => Problem::unavailable(
            "too_many_listeners",
            "As many listen as this server lets (live.listeners). Try again later.",
            RETRY_AFTER,
        ),
        Full::OfUser => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_streams",
            format!(
                "{most} connections of yours listen, by this or by MQTT, and no more may \
                 (live.listeners_per_user). Close one, or ask for several topics on one."
            ),
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER)),
    }
}

/// Not to be kept, changed or held back by anything on the way.
fn answer(waiting: mpsc::Receiver<Bytes>) -> Response {
    let frames = futures_stream::unfold(waiting, async |mut waiting| {
        let frame = waiting.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), waiting))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let mut response = (headers, Body::from_stream(frames)).into_response();
    response.extensions_mut().insert(WatchedByItself);
    response
}

/// Why nobody is told anything any more.
struct Over;

/// Somebody who listens.
struct Listener {
    app: App,
    wanted: Wanted,
    guest: Guest,
    frames: mpsc::Sender<Bytes>,
}

/// Counts those who listen.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!(numbers::SSE_CLIENTS).increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!(numbers::SSE_CLIENTS).decrement(1);
    }
}

impl Listener {
    async fn run(mut self, last: Option<i64>) {
        let _counted = Counted::new();
        let closed = self.frames.clone();
        let has_to_go = self.guest.has_to_go();
        tokio::select! {
            _ = self.tell(last) => {}
            () = has_to_go => {}
            () = closed.closed() => {}
        }
    }

    /// From `last` on what there was, then what comes.
    async fn tell(&mut self, last: Option<i64>) -> Result<(), Over> {
        let reach = stream::reach(&self.app.pool).await.map_err(|_| Over)?;
        let known = last.filter(|last| reach.holds(*last));
        let mut at = known.unwrap_or(reach.newest);
        // The id alone is no event, but a browser goes on after it.
        self.send(format!("retry: {RETRY}\nid: {at}\n\n").into()).await?;
        if last.is_some() && known.is_none() {
            self.send(format!("id: {at}\nevent: reset\ndata: {{\"newest\":{at}}}\n\n").into())
                .await?;
        }
        // What is far behind reads alone, until it is near enough to listen with the others.
        while self.page(&mut at).await? {}
        let listening =
            self.app.stream.listen(&self.app.pool, &self.app.clock).await.ok_or(Over)?;
        while at < listening.from && self.page(&mut at).await? {}
        self.follow(listening, at).await
    }

    /// Tells a page of what was before; false where there was nothing.
    async fn page(&mut self, at: &mut i64) -> Result<bool, Over> {
        let (page, last) = live::page(&self.app.pool, *at).await.map_err(|_| Over)?;
        for told in &page {
            self.pass_on(told).await?;
        }
        *at = last.unwrap_or(*at);
        Ok(last.is_some())
    }

    async fn follow(&mut self, mut listening: Listening, at: i64) -> Result<(), Over> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        loop {
            let told: Option<Arc<Told>> = tokio::select! {
                told = listening.next() => Some(told.ok_or(Over)?),
                _ = heartbeat.tick() => None,
            };
            match told {
                Some(told) if told.seq > at => {
                    if self.pass_on(&told).await? {
                        heartbeat.reset();
                    }
                }
                Some(_) => {}
                None => self.send(Bytes::from_static(b":\n\n")).await?,
            }
        }
    }

    /// Whether it was for this one.
    async fn pass_on(&mut self, told: &Told) -> Result<bool, Over> {
        let meters = self.guest.meters().ok_or(Over)?;
        let wanted = self.wanted.wants(told, &meters);
        if wanted {
            self.send(told.frame.clone()).await?;
        }
        Ok(wanted)
    }

    /// Fails where nothing of what was sent before is taken for long: the place is for somebody else.
    async fn send(&mut self, frame: Bytes) -> Result<(), Over> {
        self.frames.send_timeout(frame, STALLED).await.map_err(|_| Over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_whole_numbers() {
        assert_eq!(place("4711").unwrap(), 4711);
        for bad in ["", "-1", "1.5", "now", "' OR 1=1--", "99999999999999999999"] {
            assert_eq!(place(bad).unwrap_err().code, "bad_parameter", "{bad:?}");
        }
    }
}
