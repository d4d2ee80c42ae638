//! The upstreams of feeds, all on one stub.
//!
//! Unless told otherwise it serves `tests/it/wire` by its `manifest.json`: of the entries of a path it
//! takes the one with the most listed query keys that the request has too (instants compare as
//! instants), and of equals the first. In paths, instants are compared by the half-hour that they lie
//! in, so that `/intensity/2025-01-15T00:01Z/…` is `/intensity/2025-01-15T00:00Z/…`, and so is
//! `/generation/…` in minutes or seconds; a day of `/intensity/date/…` is the range of that UTC day, too.
//!
//! ```ignore
//! let upstream = Upstream::start().await;
//! settings.base_url = upstream.base();                    // of a feed
//! upstream.once("/intensity/…", Answer::file("uk_intensity_partial_day.json"));
//! upstream.always("/v1/accounts/A-1/", Answer::status(401));
//! upstream.fault(Answer::status(503).header("Retry-After", "7")); // any path, until heal()
//! assert_eq!(upstream.asked("/intensity/").len(), 2);
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use serde::Deserialize;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use trueprice::feeds::http::{Manners, Pace};

/// The bytes of a payload under `tests/it/wire`.
pub fn wire(name: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/wire").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

/// Manners for tests that must not wait: retries after milliseconds, any pace. A pause or a rest of a
/// host is told at once ([`trueprice::feeds::http::Fetched::not_before`]), not waited for.
pub fn hasty() -> Manners {
    Manners {
        base: Duration::from_millis(4),
        cap: Duration::from_millis(20),
        patience: Duration::ZERO,
        pace: Pace { rate: 1e6, burst: 1e6 },
        ..Manners::default()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    delay: Duration,
    cut: Cut,
}

/// Where the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Never,
    BeforeTheHead,
    WithinTheBody,
}

impl Answer {
    /// 200 with a body.
    pub fn body(body: impl Into<Bytes>) -> Self {
        let (headers, delay) = (Vec::new(), Duration::ZERO);
        Self { status: 200, headers, body: body.into(), delay, cut: Cut::Never }
    }

    /// 200 with a payload of `tests/it/wire`.
    pub fn file(name: &str) -> Self {
        Self::body(wire(name))
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::body("") }
    }

    /// `fault_….` as the manifest describes it: with its status and headers.
    pub fn fault(name: &str) -> Self {
        let entry = manifest().into_iter().find(|entry| entry.file == name).unwrap();
        Self::of(&entry)
    }

    /// The connection is reset instead of an answer.
    pub fn reset() -> Self {
        Self { cut: Cut::BeforeTheHead, ..Self::body("") }
    }

    /// With another status.
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With another header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// After a while.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The connection is reset in the middle of the body.
    pub fn cut(self) -> Self {
        Self { cut: Cut::WithinTheBody, ..self }
    }

    fn of(entry: &Entry) -> Self {
        let headers = entry.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        Self { status: entry.status, headers: headers.collect(), ..Self::file(&entry.file) }
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its path as it came.
    pub path: String,
    /// Its query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// When it came.
    pub at: Instant,
}

impl Asked {
    /// A parameter of its query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    status: u16,
    /// Faults have none.
    path: Option<String>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

fn manifest() -> Vec<Entry> {
    serde_json::from_slice(&wire("manifest.json")).unwrap()
}

/// What a test wants instead of the manifest.
struct Rule {
    /// None: any.
    path: Option<String>,
    query: Vec<(String, String)>,
    answers: VecDeque<Answer>,
    /// Whether the last answer stays.
    stays: bool,
}

impl Rule {
    fn fits(&self, path: &str, asked: &Asked) -> bool {
        self.path.as_deref().is_none_or(|wanted| wanted == path)
            && self.query.iter().all(|(name, value)| has(asked, name, value))
    }

    fn answer(&mut self) -> Option<Answer> {
        if self.stays { self.answers.front().cloned() } else { self.answers.pop_front() }
    }
}

#[derive(Default)]
struct Scene {
    rules: Vec<Rule>,
    log: Vec<Asked>,
}

/// A running stub. It ends with the test.
#[derive(Clone)]
pub struct Upstream {
    base: String,
    scene: Arc<Mutex<Scene>>,
}

impl Upstream {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let scene = Arc::default();
        let served: Served = (Arc::clone(&scene), Arc::new(manifest()));
        let router = Router::new().fallback(answer).with_state(served);
        tokio::spawn(accept(listener, router));
        Self { base, scene }
    }

    /// Where it is, for `base_url`: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        self.base.clone()
    }

    /// As `upstream_host` and the metrics call it: `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The next request for a path gets this answer; what is queued for it is given out in order. A
    /// query behind the path names parameters that the request must have.
    pub fn once(&self, path: &str, answer: Answer) {
        self.rule(Some(path), [answer], false);
    }

    /// The next requests for a path get these, in order.
    pub fn queue(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.rule(Some(path), answers, false);
    }

    /// Every request for a path gets this answer when nothing is queued, until another is given.
    pub fn always(&self, path: &str, answer: Answer) {
        self.rule(Some(path), [answer], true);
    }

    /// Every request gets this answer, before all else, until [`Upstream::heal`].
    pub fn fault(&self, answer: Answer) {
        self.rule(None, [answer], true);
    }

    /// The next requests, whatever they are for, get these, in order.
    pub fn faults(&self, answers: impl IntoIterator<Item = Answer>) {
        self.rule(None, answers, false);
    }

    /// Ends the faults of all paths.
    pub fn heal(&self) {
        self.scene().rules.retain(|rule| rule.path.is_some());
    }

    /// Every request so far, oldest first.
    pub fn log(&self) -> Vec<Asked> {
        self.scene().log.clone()
    }

    /// The requests so far whose path begins so.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.log().into_iter().filter(|asked| asked.path.starts_with(path)).collect()
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rule(&self, path: Option<&str>, answers: impl IntoIterator<Item = Answer>, stays: bool) {
        let (path, query) = path.map_or((None, ""), |path| {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            (Some(plain(path)), query)
        });
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let rule = Rule { path, query, answers: answers.into_iter().collect(), stays };
        let mut scene = self.scene();
        scene.rules.retain(|old| {
            !(stays && old.stays && old.path == rule.path && old.query == rule.query)
        });
        scene.rules.push(rule);
    }
}

type Served = (Arc<Mutex<Scene>>, Arc<Vec<Entry>>);

async fn accept(listener: TcpListener, router: Router) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(connection(socket, router.clone()));
    }
}

/// Serves one connection until it ends or is cut.
async fn connection(socket: TcpStream, router: Router) {
    // Closing sends a reset.
    socket.set_zero_linger().unwrap();
    let scissors = Arc::new(Notify::new());
    let service = TowerToHyperService::new(router.layer(Extension(Arc::clone(&scissors))));
    let server = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        biased;
        () = scissors.notified() => {}
        _ = server.serve_connection(TokioIo::new(socket), service) => {}
    }
}

async fn answer(
    State((scene, entries)): State<Served>,
    Extension(scissors): Extension<Arc<Notify>>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let asked = Asked {
        path: request.uri().path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: request.headers().clone(),
        at: Instant::now(),
    };
    let path = plain(&asked.path);
    let ruled = {
        let mut scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
        scene.log.push(asked.clone());
        ruled(&mut scene.rules, &path, &asked)
    };
    match ruled.or_else(|| listed(&entries, &path, &asked)) {
        Some(answer) => give(answer, &scissors).await,
        None => (StatusCode::NOT_FOUND, "{\"detail\":\"Not found.\"}").into_response(),
    }
}

/// Faults of all paths first, then what is queued, then what stays.
fn ruled(rules: &mut [Rule], path: &str, asked: &Asked) -> Option<Answer> {
    for (is_any, stays) in [(true, false), (true, true), (false, false), (false, true)] {
        let of_kind = |rule: &&mut Rule| rule.path.is_none() == is_any && rule.stays == stays;
        let fitting = rules.iter_mut().filter(of_kind).filter(|rule| rule.fits(path, asked));
        // Of rules that stay, the one that names the most parameters.
        let mut fitting: Vec<&mut Rule> = fitting.collect();
        fitting.sort_by_key(|rule| std::cmp::Reverse(rule.query.len()));
        if let Some(answer) = fitting.into_iter().find_map(Rule::answer) {
            return Some(answer);
        }
    }
    None
}

fn listed(entries: &[Entry], path: &str, asked: &Asked) -> Option<Answer> {
    let fits = |entry: &&Entry| {
        entry.path.as_deref().is_some_and(|listed| same_path(listed, path))
            && entry.query.iter().all(|(name, value)| has(asked, name, value))
    };
    // `max_by_key` takes the last of equals: the first is wanted.
    let best = entries.iter().filter(fits).rev().max_by_key(|entry| entry.query.len());
    best.map(Answer::of)
}

async fn give(answer: Answer, scissors: &Notify) -> Response {
    tokio::time::sleep(answer.delay).await;
    if answer.cut == Cut::BeforeTheHead {
        scissors.notify_one();
        std::future::pending::<()>().await;
    }
    let body = match answer.cut {
        Cut::WithinTheBody => {
            let half = answer.body.slice(..answer.body.len() / 2);
            let rest = futures::stream::once(async {
                // What was sent shall arrive before the reset does.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            Body::from_stream(futures::stream::once(async { Ok(half) }).chain(rest))
        }
        _ => Body::from(answer.body),
    };
    let mut response = (StatusCode::from_u16(answer.status).unwrap(), body).into_response();
    for (name, value) in answer.headers {
        let name = axum::http::HeaderName::try_from(name).unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// Whether a request has a parameter with this value; instants are compared as such.
fn has(asked: &Asked, name: &str, value: &str) -> bool {
    asked.parameter(name).is_some_and(|found| {
        found == value || instant(found).is_some_and(|found| Some(found) == instant(value))
    })
}

fn same_path(listed: &str, path: &str) -> bool {
    plain(listed) == path || of_day(listed).is_some_and(|range| range == path)
}

/// A path with the instants in it rounded down to the half-hour.
fn plain(path: &str) -> String {
    let segment = |segment: &str| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        match instant(&decoded) {
            Some(instant) => half_hour(instant),
            None => decoded.into_owned(),
        }
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The range that `/intensity/date/DAY` stands for.
fn of_day(listed: &str) -> Option<String> {
    let day = listed.strip_prefix("/intensity/date/")?;
    let from = instant(&format!("{day}T00:00Z"))?;
    Some(format!("/intensity/{}/{}", half_hour(from), half_hour(from + TimeDelta::days(1))))
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let minutes = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%MZ").ok();
    let seconds = || DateTime::parse_from_rfc3339(text).ok();
    seconds().map(|stamp| stamp.to_utc()).or_else(|| minutes().map(|stamp| stamp.and_utc()))
}

fn half_hour(instant: DateTime<Utc>) -> String {
    let seconds = instant.timestamp();
    let start = DateTime::from_timestamp(seconds - seconds.rem_euclid(1800), 0).unwrap();
    start.format("%Y-%m-%dT%H:%MZ").to_string()
}

#[tokio::test]
async fn the_stub_goes_by_the_manifest_and_then_by_the_test() {
    let upstream = Upstream::start().await;
    let caller = super::Caller::anonymous(&upstream.base());
    let body = async |path: &str| caller.get(path).await.bytes().await.unwrap();
    let whole = wire("uk_intensity_date.json");
    assert_eq!(body("/intensity/date/2025-01-15").await, whole);
    assert_eq!(body("/intensity/2025-01-15T00:01Z/2025-01-16T00:01Z").await, whole);
    let mix = wire("full/uk_generation_20250115.json");
    assert_eq!(body("/generation/2025-01-15T00:00Z/2025-01-16T00:00Z").await, mix);
    let search = "/v1/region_events/search?region=CAISO&event_type=carbon_intensity\
                  &start=2021-07-07T23:00:00Z&end=2021-07-08T00:00:00Z&per_page=12&page=";
    assert_eq!(body(&format!("{search}1")).await, wire("carbonara_search.json"));
    assert_eq!(body(&format!("{search}2")).await, wire("carbonara_search_page2.json"));
    assert_eq!(caller.get("/nothing").await.status(), 404);

    upstream.queue("/intensity/date/2025-01-15", [Answer::status(500), Answer::body("{}")]);
    assert_eq!(caller.get("/intensity/date/2025-01-15").await.status(), 500);
    assert_eq!(body("/intensity/date/2025-01-15").await, "{}");
    assert_eq!(body("/intensity/date/2025-01-15").await, whole);
    upstream.fault(Answer::fault("fault_429.json"));
    let refused = caller.get("/nothing").await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    upstream.heal();
    assert_eq!(upstream.asked("/intensity/date/").len(), 4);
    assert_eq!(upstream.log().last().unwrap().parameter("page"), None);
}

#[tokio::test]
async fn the_stub_cuts_connections() {
    let upstream = Upstream::start().await;
    _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    upstream.once("/a", Answer::reset());
    assert!(client.get(upstream.base() + "/a").send().await.is_err());
    upstream.once("/a", Answer::file("uk_factors.json").cut());
    let answer = client.get(upstream.base() + "/a").send().await.unwrap();
    assert!(answer.bytes().await.is_err());
}
