//! Feeds: years of history from an upstream of our own, and a year of it read back.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Query, State},
    http::header,
    response::IntoResponse,
    routing::get,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::{
    server::Server,
    table::{Table, median, ms},
};

/// As the upstream names them.
const REGIONS: [&str; 3] = ["CAISO", "NYISO", "PJM"];
/// Five years: 525,888 slots of five minutes each.
const HISTORY: [&str; 2] = ["2021-01-01T00:00:00Z", "2026-01-01T00:00:00Z"];
const STEP: TimeDelta = TimeDelta::minutes(5);
/// How often the newest rows are asked for meanwhile.
const POLL: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Search {
    region: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    per_page: usize,
    page: usize,
}

/// From when on there are rows of today.
type Today = DateTime<Utc>;

/// Answers as the grid carbon API does: one event a slot, with what it tells of their making.
async fn search(State(today): State<Today>, Query(asked): Query<Search>) -> impl IntoResponse {
    let [from, to] = HISTORY.map(|text| text.parse::<DateTime<Utc>>().expect("an instant"));
    let is_there = |at: &DateTime<Utc>| (from <= *at && *at < to) || *at >= today;
    let secs = asked.start.timestamp();
    let first = DateTime::from_timestamp(secs + (-secs).rem_euclid(300), 0).expect("an instant");
    let slots = std::iter::successors(Some(first), |at| Some(*at + STEP));
    let slots: Vec<_> = slots.take_while(|at| *at < asked.end).filter(is_there).collect();
    let last = slots.len().div_ceil(asked.per_page).max(1);
    let page = slots.chunks(asked.per_page).nth(asked.page - 1).unwrap_or_default();
    let mut body = String::with_capacity(page.len() * 600 + 100);
    body.push_str("{\"data\":[");
    for (place, at) in page.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let (stamp, region) = (at.format("%Y-%m-%dT%H:%M:%S+00:00"), &asked.region);
        let tick = at.timestamp() / 300;
        let (generated, marginal) = (300 + tick * 7 % 400, 700 + tick * 13 % 500);
        write!(
            body,
            "{comma}{{\"data\":{{\"generated_rate\":{generated}.{},\"marginal_rate\":{marginal}.5}},\
             \"dedup_key\":\"{region}:carbon_intensity:EGRID_u2019:{stamp}\",\"event_type\":\"carbon_intensity\",\
             \"meta\":{{\"generated_emissions_source\":\"EGRID_u2019\",\"inserted_at\":\"{}\",\
             \"marginal_emissions_source\":\"EGRID_u2019\",\"marginal_fuel_mix_source\":\"INTV_DIFF\",\
             \"marginal_source\":\"{region}:marginal_fuel_mix:{stamp}\",\"raw_start_date\":\"{stamp}\",\
             \"source\":\"generated_fuel_mix:{region}:{stamp}\",\"unit\":\"lbs/MWh\"}},\
             \"region\":\"{region}\",\"start_date\":\"{stamp}\"}}",
            tick % 10,
            (*at + TimeDelta::minutes(6)).format("%Y-%m-%dT%H:%M:%S.250000Z"),
        )
        .expect("text takes text");
    }
    let this = asked.page;
    write!(body, "],\"meta\":{{\"pagination\":{{\"first\":1,\"last\":{last},\"this\":{this}}}}}}}")
        .expect("text takes text");
    ([(header::CONTENT_TYPE, "application/json")], body)
}

/// Starts the upstream; its address.
async fn upstream(today: Today) -> String {
    let router = Router::new().route("/v1/region_events/search", get(search)).with_state(today);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A server that loads the history of [`REGIONS`] and polls them meanwhile.
pub async fn server() -> Server {
    #[expect(
        clippy::disallowed_methods,
        reason = "the server under measurement goes by this clock"
    )]
    let today = Utc::now() - TimeDelta::days(1);
    let base = upstream(today).await;
    let server = Server::start_with(&[
        ("TRUEPRICE_FEED_CARBONARA_INTENSITY_BASE_URL", &base),
        ("TRUEPRICE_FEED_CARBONARA_INTENSITY_API_KEY", "a key for this run only"),
        ("TRUEPRICE_FEED_CARBONARA_INTENSITY_SCOPES", &REGIONS.join(",")),
        ("TRUEPRICE_FEED_CARBONARA_INTENSITY_NOT_BEFORE", HISTORY[0]),
        ("TRUEPRICE_FEED_CARBONARA_INTENSITY_POLL_EVERY", &format!("{}s", POLL.as_secs())),
        ("TRUEPRICE_FEED_GB_INTENSITY_ENABLED", "false"),
        ("TRUEPRICE_FEED_GB_MIX_ENABLED", "false"),
        ("TRUEPRICE_FEED_GB_FORECAST_ENABLED", "false"),
        ("TRUEPRICE_FEED_GB_FACTORS_ENABLED", "false"),
        ("TRUEPRICE_FEED_NYISO_RTFUELMIX_ENABLED", "false"),
        ("TRUEPRICE_FEEDS_POLL", "true"),
        ("TRUEPRICE_MQTT_MODE", "off"),
        // All who listen are one user here.
        ("TRUEPRICE_LIVE_LISTENERS_PER_USER", "2000"),
    ])
    .await;
    // Patience with the upstream is not what is measured.
    sqlx::query(
        "insert into upstream_host (host, tokens, refilled_at, rate, burst)
         values ($1, 1e6, now(), 1e6, 1e6)
         on conflict (host) do update set tokens = 1e6, rate = 1e6, burst = 1e6",
    )
    .bind(base.trim_start_matches("http://"))
    .execute(&server.pool)
    .await
    .expect("a host");
    server
}

async fn number(server: &Server, statement: &'static str) -> f64 {
    sqlx::query_scalar(statement).fetch_one(&server.pool).await.expect("a number")
}

/// Until every row of the history is stored and summed up.
pub async fn history(server: &Server, table: &mut Table) {
    let begun = Instant::now();
    loop {
        let left = "select ((select count(*) from feed_backfill where state <> 'done')
                            + (select count(*) from rollup_dirty)
                            + (select count(*) = 0 from feed_backfill)::int)::float8";
        if number(server, left).await == 0.0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(20), "the history never ends");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    let rows = "select count(*)::float8 from carbon_intensity
                where start_at >= '2021-01-01 00:00Z' and start_at < '2026-01-01 00:00Z'";
    let rows = number(server, rows).await;
    assert!((rows - 1_577_664.0).abs() < 0.5, "{rows} rows");
    // The longest that a region waited for its live poll, beyond the cadence and its jitter of a tenth.
    let late = "select coalesce(max(extract(epoch from fetched_at - before)), 0)::float8
                from (select fetched_at, lag(fetched_at) over (partition by scope order by fetched_at) as before
                      from feed_fetch where task_kind = 'live' and page = 1) polls";
    let late = number(server, late).await - POLL.as_secs_f64() * 1.1;
    table.add(
        "history of 3 regions x 5 years: fetched, parsed, stored, summed up",
        format!("{:.0} rows/s", rows / took),
        &format!("{rows:.0} rows in {took:.1} s; a live poll at most {late:.1} s late"),
        "50,000 rows/s",
        rows / took >= 50_000.0,
    );
}

/// A year of five-minute rows of a region as CSV.
pub async fn year(server: &Server, table: &mut Table) {
    let path = "carbon-intensity?region=US-NY-NYISO&start=2024-01-01T00:00:00Z&end=2025-01-01T00:00:00Z\
                &metric=generated&format=csv";
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..11 {
        let begun = Instant::now();
        bytes = server.get(path).await.bytes().await.expect("a body").len();
        times.push(begun.elapsed());
    }
    let took = median(times);
    table.add(
        "a year of 5-minute intensities of a region as CSV",
        ms(took),
        &format!("105,408 rows, {} MB", bytes / 1_000_000),
        "150 ms",
        took <= Duration::from_millis(150),
    );
}
