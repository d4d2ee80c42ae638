//! Real answers of the calls about feeds, for the examples of the description.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{
    Caller, TestServer,
    feeds::{Fed, KNOWN, gb, gb_forecast, load_gb},
    upstream::wire,
};

const RANGE: &str = "start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z";
const FACADE: &str = "location=GB&time=2025-01-15T00:00:00Z&toTime=2025-01-16T00:00:00Z";

/// The meter of the examples; whoever has an account when it is stored may read it.
pub const METER: &str = "m0123456789ab";
/// A run of the examples.
const RUN: i64 = 1_000_001;

/// Whether a call is one of these.
pub fn has(method: &str, path: &str) -> bool {
    match method {
        "GET" => address(path).is_some(),
        "POST" => order(path).is_some(),
        _ => false,
    }
}

/// What is ordered, and where.
fn order(path: &str) -> Option<(String, Value)> {
    let range =
        json!({"scopes": ["GB"], "from": "2025-01-01T00:00:00Z", "to": "2025-01-02T00:00:00Z"});
    let orders = ["/api/v1/feeds/{id}/run", "/api/v1/feeds/{id}/backfill"];
    orders.contains(&path).then(|| (path.replace("{id}", "gb.intensity"), range))
}

/// Where it is asked.
fn address(path: &str) -> Option<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    Some(match path {
        "/api/v1/carbon-intensity" | "/api/v1/carbon-intensity/average" | "/api/v1/fuel-mix" => {
            format!("{path}?region=GB&{RANGE}")
        }
        "/api/v1/carbon-intensity/best-window" => {
            format!("{path}?region=GB&{RANGE}&duration=PT3H")
        }
        "/api/v1/carbon-intensity/latest" | "/api/v1/carbon-intensity/forecast" => {
            format!("{path}?region=GB")
        }
        "/api/v1/emissions/region/{region}" => format!("/api/v1/emissions/region/GB?{RANGE}"),
        "/api/v1/regions"
        | "/api/v1/factor-sets"
        | "/api/v1/feeds"
        | "/api/v1/locations"
        | "/api/v1/meters"
        | "/locations" => path.to_owned(),
        "/api/v1/feeds/{id}" => "/api/v1/feeds/gb.intensity".to_owned(),
        "/api/v1/feeds/{id}/fetches" => "/api/v1/feeds/gb.intensity/fetches".to_owned(),
        "/api/v1/feeds/{id}/gaps" => "/api/v1/feeds/gb.intensity/gaps".to_owned(),
        "/api/v1/feeds/{id}/runs/{run_id}" => format!("/api/v1/feeds/gb.intensity/runs/{RUN}"),
        "/api/v1/usage/daily-summary" => format!("{path}?from=2025-01-15"),
        "/api/v1/usage/daily-summary/{date}" => path.replace("{date}", "2025-01-15"),
        path if path.ends_with("/average-carbon-intensity") => {
            format!(
                "{path}?location=GB&startTime=2025-01-15T00:00:00Z&endTime=2025-01-16T00:00:00Z"
            )
        }
        path if path.ends_with("/forecasts/current") => format!("{path}?location=GB"),
        path if path.contains("/emissions/bylocation") => format!("{path}?{FACADE}"),
        _ => return None,
    })
}

/// Stores a day of Great Britain: measured, forecast and by fuels; a gap; a meter.
pub async fn fill(server: &TestServer) {
    let pool = &server.app.pool;
    load_gb(pool, str::from_utf8(&wire("uk_intensity_date.json")).unwrap()).await;
    let now = server.app.clock.now();
    let issued = now.format("%Y-%m-%dT%H:00:00Z").to_string();
    gb_forecast(pool).issue(&issued, &issued, &["120", "118", "115", "130"]).await;
    let mix = Fed { feed: "gb.mix", primary: Some("percent"), ..gb(pool) };
    mix.mix("2025-01-15T00:00:00Z", &[("gas", None, Some("36.0")), ("wind", None, Some("64.0"))])
        .await;
    for statement in [
        "insert into feed_gap (feed_id, scope, start_at, end_at, state, opened_at)
         select feed_id, scope, '2025-01-16 00:00Z', '2025-01-16 01:00Z', 'open', '2025-01-17 00:00Z'
         from feed_scope where feed_id = 'gb.intensity'",
        "insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial, region_id)
         values ('m0123456789ab', 'electricity', 'import', 'kWh', 'Europe/London', '1900000000001',
                 '21X0000001', 'GB')",
        "insert into meter_reader select 'm0123456789ab', id from app_user",
        "insert into feed_run (run_id, feed_id, scope, task_kind, from_at, to_at, requested_at, started_at, finished_at,
                               state, totals) overriding system value
         values (1000001, 'gb.intensity', 'GB', 'manual', '2025-01-01 00:00Z', '2025-01-15 00:00Z', now(), now(), now(),
                 'done', '{\"windows\": 2, \"pages\": 2, \"new\": 12, \"changed\": 3, \"same\": 657, \"rejected\": 0,
                           \"findings\": 0}')",
        "insert into feed_backfill (feed_id, scope, from_at, to_at, state, windows_total, windows_done, requested_at,
                                    started_at, progress_at)
         select feed_id, scope, '2024-01-01 00:00Z', '2025-01-01 00:00Z', 'running', 28, 7, now(), now(), now()
         from feed_scope where feed_id = 'gb.intensity'",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    usage(&server.app.pool, "2025-01-15").await;
}

/// Stores what the meter used on a day.
pub async fn usage(pool: &PgPool, day: &str) {
    let fetch = gb(pool).fetch().await;
    sqlx::query(
        "insert into usage_daily_summary (meter_id, local_date, feed_id, factor_set_id, zone, slots_expected, slots_used,
             slots_estimated, missing_by_feed, kwh, grams_co2, average_g_per_kwh, cost_exc_vat, cost_inc_vat,
             standing_exc_vat, standing_inc_vat, mix_percent, complete, content_hash, first_seen, changed_at, fetch_id)
         values ($1, $2::text::date, 'gb.intensity', 'NESO', 'Europe/London', 48, 48, 0, '{}', 21.697, 3741.903, 172.46177,
                 299.6638, 314.647, 44.2, 46.41, '{\"gas\": 32.914, \"wind\": 32.43}', true, 'hash', $3::text::timestamptz,
                 $3::text::timestamptz, $4)",
    )
    .bind(METER)
    .bind(day)
    .bind(KNOWN)
    .bind(fetch)
    .execute(pool)
    .await
    .unwrap();
}

/// Real answers of a call.
pub async fn answers(caller: &Caller, method: &str, path: &str) -> Vec<Value> {
    if method == "POST" {
        let (address, body) = order(path).unwrap();
        let answer = caller.request(Method::POST, &address).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{address}");
        return vec![answer.json().await.unwrap()];
    }
    let address = address(path).unwrap();
    match path {
        // The description shows a slot or a span of them, and one place of many.
        "/api/v1/carbon-intensity" => {
            let days = format!("{address}&granularity=day&as_of=2025-01-17T00:00:00Z");
            vec![one(caller, &address).await, one(caller, &days).await]
        }
        path if path.ends_with("/locations") => {
            let mut all = one(caller, &address).await;
            all.as_object_mut().unwrap().retain(|region, _| region == "GB");
            vec![all]
        }
        _ => vec![one(caller, &address).await],
    }
}

async fn one(caller: &Caller, address: &str) -> Value {
    let answer = caller.get(address).await;
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{address}: {body}");
    serde_json::from_str(&body).unwrap()
}
