//! A carbon API that never ends: five-minute events of any region and range, made as they are asked for.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::net::TcpListener;
use trueprice::{auth::Secret, config::Config, feeds::Settings};

use super::upstream::hasty;

/// The path that is asked.
pub const SEARCH: &str = "/v1/region_events/search";

const STEP: i64 = 300;

/// What was asked: region, start, end, page.
pub type Question = (String, String, String, u32);

#[derive(Deserialize)]
struct Asked {
    region: String,
    start: String,
    end: String,
    page: u32,
    per_page: i64,
}

#[derive(Default)]
struct Parts {
    /// Nothing is known from then on, in seconds since 1970.
    until: AtomicI64,
    /// Milliseconds before each answer.
    delay: AtomicU64,
    asked: Mutex<BTreeMap<Question, u32>>,
    /// What meets this range gets another answer.
    refused: Mutex<Option<Refused>>,
    /// How often that was given.
    refusals: AtomicU64,
}

struct Refused {
    range: Range<i64>,
    status: StatusCode,
}

/// A running one. It ends with the test.
#[derive(Clone)]
pub struct Grid {
    base: String,
    parts: Arc<Parts>,
}

impl Grid {
    /// Starts it on a free port; it knows nothing from `until` on.
    pub async fn start(until: DateTime<Utc>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let parts = Arc::new(Parts::default());
        parts.until.store(until.timestamp(), Ordering::Relaxed);
        let router = Router::new().route(SEARCH, get(answer)).with_state(Arc::clone(&parts));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, parts }
    }

    /// Where it is.
    pub fn base(&self) -> String {
        self.base.clone()
    }

    /// Lets each answer take a while.
    pub fn slow_down(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.parts.delay.store(millis, Ordering::Relaxed);
    }

    /// What is asked of a range gets a status, or with 200 what is no page; until [`Grid::heal`].
    pub fn refuse(&self, from: &str, to: &str, status: u16) {
        let status = StatusCode::from_u16(status).unwrap();
        self.set_refused(Some(Refused { range: seconds(from)..seconds(to), status }));
    }

    /// Every range gets its page.
    pub fn heal(&self) {
        self.set_refused(None);
    }

    fn set_refused(&self, refused: Option<Refused>) {
        *self.parts.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// How often it refused since it was asked that.
    pub fn refusals(&self) -> u64 {
        self.parts.refusals.swap(0, Ordering::Relaxed)
    }

    /// How often each page was asked for.
    pub fn asked(&self) -> BTreeMap<Question, u32> {
        self.parts.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        self.parts.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn answer(State(parts): State<Arc<Parts>>, Query(asked): Query<Asked>) -> Response {
    let question = (asked.region.clone(), asked.start.clone(), asked.end.clone(), asked.page);
    *parts.asked.lock().unwrap_or_else(PoisonError::into_inner).entry(question).or_default() += 1;
    let delay = Duration::from_millis(parts.delay.load(Ordering::Relaxed));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if let Some(status) = refused(&parts, &asked) {
        parts.refusals.fetch_add(1, Ordering::Relaxed);
        return (status, "{\"detail\":\"No.\"}").into_response();
    }
    let until = parts.until.load(Ordering::Relaxed);
    ([(header::CONTENT_TYPE, "application/json")], page(&asked, until)).into_response()
}

fn refused(parts: &Parts, asked: &Asked) -> Option<StatusCode> {
    let refused = parts.refused.lock().unwrap_or_else(PoisonError::into_inner);
    let met = refused.as_ref().filter(|refused| {
        seconds(&asked.start) < refused.range.end && refused.range.start < seconds(&asked.end)
    });
    met.map(|refused| refused.status)
}

fn seconds(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp()
}

/// Whether the upstream never has a slot: two hours in each region and week.
pub fn is_missing(region: &str, start: i64) -> bool {
    let place = (start / STEP + i64::from(region.as_bytes()[0])) % 2016;
    (100..112).contains(&place) || (700..712).contains(&place)
}

fn page(asked: &Asked, until: i64) -> String {
    let first = (seconds(&asked.start) + STEP - 1) / STEP * STEP;
    let end = seconds(&asked.end).min(until);
    let starts = (first..end).step_by(300).filter(|&start| !is_missing(&asked.region, start));
    let all: Vec<i64> = starts.collect();
    let size = usize::try_from(asked.per_page).unwrap();
    let last = all.len().div_ceil(size).max(1);
    let number = usize::try_from(asked.page).unwrap();
    let mut body = String::from("{\"data\":[");
    for (place, start) in all.iter().skip((number - 1) * size).take(size).enumerate() {
        if place > 0 {
            body.push(',');
        }
        event(&mut body, &asked.region, *start);
    }
    write!(
        body,
        "],\"meta\":{{\"pagination\":{{\"first\":1,\"this\":{number},\"last\":{last}}}}}}}"
    )
    .unwrap();
    body
}

fn event(body: &mut String, region: &str, start: i64) {
    let stamp = DateTime::from_timestamp(start, 0).unwrap().format("%Y-%m-%dT%H:%M:%S+00:00");
    let generated = 400 + (start / STEP * 7 + i64::from(region.as_bytes()[0])) % 300;
    let marginal = generated + 150;
    write!(
        body,
        "{{\"data\":{{\"generated_rate\":{generated}.25,\"marginal_rate\":{marginal}.5}},\
          \"region\":\"{region}\",\"event_type\":\"carbon_intensity\",\
          \"dedup_key\":\"{region}:carbon_intensity:EGRID_u2019:{stamp}\",\"start_date\":\"{stamp}\",\
          \"meta\":{{\"unit\":\"lbs/MWh\",\"generated_emissions_source\":\"EGRID_u2019\",\
          \"inserted_at\":\"{stamp}\"}}}}"
    )
    .unwrap();
}

/// Turns every feed off but `carbonara.intensity`, which asks `base` without waiting.
pub fn only_carbonara(config: &mut Config, base: &str, scopes: &[&str]) -> &'static str {
    config.feeds.manners = hasty();
    for settings in &mut config.feeds.each {
        settings.enabled = false;
    }
    let settings = carbonara(config);
    settings.enabled = true;
    base.clone_into(&mut settings.base_url);
    settings.api_key = Some(Secret::new("k"));
    settings.scopes = Some(scopes.iter().map(|&scope| scope.to_owned()).collect());
    "carbonara.intensity"
}

/// The settings of `carbonara.intensity`.
pub fn carbonara(config: &mut Config) -> &mut Settings {
    let mut all = config.feeds.each.iter_mut();
    all.find(|settings| settings.feed.id == "carbonara.intensity").unwrap()
}
