//! What is not plausible is stored, named where it is shown, and never the best.

use serde_json::{Value, json};
use trueprice::{auth::Role, db::feeds::retained};

use crate::support::{
    Caller, TestServer,
    feeds::{gb, gb_forecast, load_gb},
};

const RANGE: &str = "2025-01-15T00:00:00Z&TO=2025-01-16T00:00:00Z";

/// A day of Britain with an intensity below zero at 17:00, and another in its newest slot.
async fn served() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    load_gb(&server.app.pool, include_str!("wire/uk_intensity_date.json")).await;
    sqlx::query(
        "update carbon_intensity set quality = 'suspect', generated = -5, raw_generated = -5
         where start_at in ('2025-01-15T17:00Z', '2025-01-15T23:30Z')",
    )
    .execute(&server.app.pool)
    .await
    .unwrap();
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

async fn read(caller: &Caller, path: &str) -> Value {
    let reply = caller.ask(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.body
}

#[tokio::test]
async fn it_is_never_the_best() {
    let (server, caller) = served().await;
    let aware = RANGE.replace("TO", "toTime");
    let best = format!("/emissions/bylocations/best?location=GB&time={aware}");
    let best = read(&caller, &best).await;
    assert_eq!(best.as_array().unwrap().len(), 1, "{best}");
    assert!(best[0]["rating"].as_f64().unwrap() > 0.0, "{best}");
    let window = RANGE.replace("TO", "end");
    let window =
        format!("/api/v1/carbon-intensity/best-window?region=GB&start={window}&duration=PT1H");
    let window = read(&caller, &window).await;
    assert_ne!(window["start"], "2025-01-15T16:30:00Z");
    assert_ne!(window["start"], "2025-01-15T17:00:00Z");
    gb_forecast(&server.app.pool)
        .issue("2025-01-15T12:00:00Z", "2025-01-15T12:00:00Z", &["110", "-90", "100", "5001"])
        .await;
    let ahead = read(&caller, "/emissions/forecasts/current?location=GB").await[0].clone();
    assert_eq!(ahead["optimalDataPoints"][0]["value"], 100);
    assert_eq!(ahead["forecastData"].as_array().unwrap().len(), 2);
    let range =
        "start=2025-01-15T12:00:00Z&end=2025-01-15T14:00:00Z&duration=PT30M&source=forecast";
    let window = format!("/api/v1/carbon-intensity/best-window?region=GB&{range}");
    assert_eq!(read(&caller, &window).await["start"], "2025-01-15T13:00:00Z");
}

#[tokio::test]
async fn it_is_shown_only_with_its_quality() {
    let (server, caller) = served().await;
    let latest = read(&caller, "/api/v1/carbon-intensity/latest?region=GB").await;
    let item = &latest["items"][0];
    assert_eq!(
        (&item["start"], &item["quality"]),
        (&json!("2025-01-15T23:30:00Z"), &json!("suspect"))
    );
    let newest = read(&caller, "/emissions/bylocation?location=GB").await;
    assert_eq!(newest[0]["time"], "2025-01-15T23:00:00Z");
    let aware = RANGE.replace("TO", "toTime");
    let all = read(&caller, &format!("/emissions/bylocation?location=GB&time={aware}")).await;
    assert_eq!(all.as_array().unwrap().len(), 46);
    let report = "/api/v1/emissions/region/GB?start=2025-01-15T17:00:00Z&end=2025-01-15T17:30:00Z";
    let report = read(&caller, report).await["items"][0].clone();
    assert_eq!((&report["generated_rate"], &report["n_present"]), (&Value::Null, &json!(0)));
    // What MQTT retains and the live page draws has no quality.
    let pool = &server.app.pool;
    let now = retained::now(pool, None).await.unwrap();
    assert_eq!(now[0].start_at.to_rfc3339(), "2025-01-15T23:00:00+00:00");
    let series = retained::series(pool, None).await.unwrap();
    assert_eq!(series.len(), 46);
    assert!(series.iter().all(|slot| !slot.value.is_sign_negative()));
    gb(pool).generated("2025-01-16T00:00:00Z", &["120"]).await;
    assert_eq!(retained::now(pool, None).await.unwrap()[0].value, 120.into());
}
