//! Real answers of the calls about feeds, for the examples of the description.

use serde_json::Value;

use crate::support::{
    Caller, TestServer,
    feeds::{Fed, gb, gb_forecast, load_gb},
    upstream::wire,
};

const RANGE: &str = "start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z";
const FACADE: &str = "location=GB&time=2025-01-15T00:00:00Z&toTime=2025-01-16T00:00:00Z";

/// Whether a path is one of these.
pub fn has(path: &str) -> bool {
    address(path).is_some()
}

/// Where it is asked; the orders that people give, and what meters used, have tests of their own that
/// look at each member.
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

/// Whether a path is about feeds and has no answer here.
pub fn is_elsewhere(path: &str) -> bool {
    let about_feeds = ["/api/v1/feeds/", "/api/v1/usage/", "/api/v1/fetches/"];
    address(path).is_none() && about_feeds.iter().any(|start| path.starts_with(start))
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
        "insert into feed_backfill (feed_id, scope, from_at, to_at, state, windows_total, windows_done, requested_at,
                                    started_at, progress_at)
         select feed_id, scope, '2024-01-01 00:00Z', '2025-01-01 00:00Z', 'running', 28, 7, now(), now(), now()
         from feed_scope where feed_id = 'gb.intensity'",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

/// Real answers of a call.
pub async fn answers(caller: &Caller, path: &str) -> Vec<Value> {
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
