//! Reports of a region, and the interface of the Carbon Aware SDK.

use serde_json::{Value, json};
use trueprice::{auth::Role, domain::feed::Metric};

use crate::support::{
    Caller, TestServer,
    feeds::{Fed, KNOWN, caiso, gb, gb_forecast, load_gb},
};

const DAY: &str = include_str!("wire/uk_intensity_date.json");

async fn served() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    load_gb(&server.app.pool, DAY).await;
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

#[tokio::test]
async fn slots_of_locations_and_the_best_of_them() {
    let (server, caller) = served().await;
    caiso(&server.app.pool).generated("2025-01-15T00:00:00Z", &["100", "200"]).await;
    for root in ["", "/api/v1"] {
        let one = caller.ask(&format!("{root}/emissions/bylocation?LOCATION=gb&Time=2025-01-15T00:00:00Z&totime=2025-01-15T01:00:00Z")).await;
        assert_eq!(
            one.body,
            json!([{"location": "GB", "time": "2025-01-15T00:00:00Z", "rating": 150, "duration": "00:30:00"},
                   {"location": "GB", "time": "2025-01-15T00:30:00Z", "rating": 159, "duration": "00:30:00"}])
        );
        let range =
            "location=GB&location=CAISO&time=2025-01-15T00:00:00Z&toTime=2025-01-15T01:00:00Z";
        let all = caller.ask(&format!("{root}/emissions/bylocations?{range}")).await.body;
        assert_eq!(all.as_array().unwrap().len(), 4);
        let best = caller.ask(&format!("{root}/emissions/bylocations/best?{range}")).await.body;
        assert_eq!(
            best,
            json!([{"location": "US-CA-CAISO", "time": "2025-01-15T00:00:00Z", "rating": 45.359_237, "duration": "00:05:00"}])
        );
        let mean = "location=GB&startTime=2025-01-15T01:15:00Z&endTime=2025-01-15T02:40:00Z";
        let mean =
            caller.ask(&format!("{root}/emissions/average-carbon-intensity?{mean}")).await.body;
        assert_eq!(mean["carbonIntensity"], json!(180.117_647_059));
        let places = caller.ask(&format!("{root}/locations")).await.body;
        assert_eq!(places["GB"]["displayName"], "Great Britain");
    }
    let at = caller.ask("/emissions/bylocation?location=GB&time=2025-01-15T00:59:00Z").await.body;
    assert_eq!(at[0]["rating"], 159);
    let newest = caller.ask("/emissions/bylocation?location=GB").await.body;
    assert_eq!(newest[0]["time"], "2025-01-15T23:30:00Z");
}

#[tokio::test]
async fn nothing_is_204_and_what_is_wrong_is_400() {
    let (server, caller) = served().await;
    for (path, status) in [
        ("/emissions/forecasts/current?location=GB", 204),
        (
            "/emissions/bylocation?location=GB&time=2020-01-01T00:00:00Z&toTime=2020-01-02T00:00:00Z",
            204,
        ),
        (
            "/emissions/average-carbon-intensity?location=GB&startTime=2020-01-01T00:00:00Z&endTime=2020-01-02T00:00:00Z",
            204,
        ),
        ("/emissions/bylocation", 400),
        ("/emissions/bylocation?location=GB&location=CAISO", 400),
        ("/emissions/bylocation?location=GB&toTime=2025-01-15T00:00:00Z", 400),
        ("/emissions/bylocation?location=GB&time=2025-01-15&toTime=2025-01-16", 400),
        (
            "/emissions/bylocation?location=GB&time=2020-01-01T00:00:00Z&toTime=2025-01-02T00:00:00Z",
            400,
        ),
        ("/emissions/bylocation?location=GB&until=2025-01-15T00:00:00Z", 400),
        ("/emissions/bylocation?location=GB&LOCATION=GB", 400),
        ("/emissions/forecasts/current?location=GB&windowSize=0", 400),
        ("/emissions/average-carbon-intensity?location=GB&startTime=2025-01-15T00:00:00Z", 400),
        ("/emissions/bylocation?location=XX", 404),
        ("/locations?x=1", 400),
    ] {
        let answer = caller.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        if status >= 400 {
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        }
        assert_eq!(server.anonymous().get(path).await.status(), 401, "{path}");
    }
}

#[tokio::test]
async fn an_array_that_would_be_too_long_is_refused() {
    let (server, caller) = served().await;
    // 26 496 slots by five minutes and 4 416 by half-hours: one place is little, and two are.
    caiso(&server.app.pool).generated("2025-01-15T00:00:00Z", &["100"]).await;
    let nyiso = Fed { region: "US-NY-NYISO", ..caiso(&server.app.pool) };
    nyiso.generated("2025-01-15T00:00:00Z", &["100"]).await;
    let range = "time=2025-01-01T00:00:00Z&toTime=2025-04-03T00:00:00Z";
    for (places, status) in [
        ("location=GB&location=CAISO", 200),
        // The same place twice is one.
        ("location=CAISO&location=US-CA-CAISO", 200),
        ("location=US-NY-NYISO&location=CAISO", 400),
    ] {
        for path in ["bylocations", "bylocations/best"] {
            let reply = caller.ask(&format!("/emissions/{path}?{places}&{range}")).await;
            assert_eq!(reply.status, status, "{places}: {}", reply.body);
            let detail = reply.body["detail"].as_str().unwrap_or_default();
            assert_eq!(detail.contains("52992 slots"), status == 400, "{detail}");
        }
    }
    let month = "time=2025-01-01T00:00:00Z&toTime=2025-02-01T00:00:00Z";
    let path = format!("/emissions/bylocations?location=US-NY-NYISO&location=CAISO&{month}");
    assert_eq!(caller.ask(&path).await.body.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn forecasts_roll_over_windows() {
    let (server, caller) = served().await;
    let values = ["110", "90", "100", "70", "80"];
    gb_forecast(&server.app.pool)
        .issue("2025-01-15T12:00:00Z", "2025-01-15T12:00:00Z", &values)
        .await;
    let path =
        "/emissions/forecasts/current?location=GB&windowSize=60&dataStartAt=2025-01-15T12:30:00Z";
    let forecast = caller.ask(path).await.body[0].clone();
    assert_eq!(
        (&forecast["generatedAt"], &forecast["windowSize"]),
        (&json!("2025-01-15T12:00:00Z"), &json!(60))
    );
    assert_eq!(forecast["dataEndAt"], "2025-01-15T14:30:00Z");
    let point = |start: &str, value: Value| json!({"location": "GB", "timestamp": start, "duration": 60, "value": value});
    assert_eq!(
        forecast["forecastData"],
        json!([
            point("2025-01-15T12:30:00Z", json!(95)),
            point("2025-01-15T13:00:00Z", json!(85)),
            point("2025-01-15T13:30:00Z", json!(75))
        ])
    );
    assert_eq!(forecast["optimalDataPoints"], json!([point("2025-01-15T13:30:00Z", json!(75))]));
}

#[tokio::test]
async fn the_metric_is_a_setting() {
    let server =
        TestServer::start_with(|config| config.feeds.facade_metric = Metric::Marginal, None).await;
    let caller = server.caller(Role::ReadOnly).await;
    let slots = [[Some("10"), None, Some("20.5")]];
    gb(&server.app.pool).slots("2025-01-15T00:00:00Z", &slots, KNOWN).await;
    let newest =
        caller.ask("/emissions/bylocation?location=GB&time=2025-01-15T00:00:00Z").await.body;
    assert_eq!(newest[0]["rating"], 20.5);
}

#[tokio::test]
async fn reports_end_where_the_next_begins() {
    let (server, caller) = served().await;
    let slots: Vec<[Option<&str>; 3]> =
        (0..12).map(|_| [Some("520.0"), None, Some("880.5")]).collect();
    caiso(&server.app.pool).slots("2021-07-07T23:00:00Z", &slots, KNOWN).await;
    let range = "start=2021-07-07T23:00:00Z&end=2021-07-08T00:00:00Z&unit=lb/MWh";
    let native = caller.ask(&format!("/api/v1/emissions/region/CAISO?{range}")).await.body;
    assert_eq!(native["items"].as_array().unwrap().len(), 12);
    assert_eq!(
        native["items"][11],
        json!({"duration": {"start_time": "2021-07-07T23:55:00Z", "end_time": "2021-07-08T00:00:00Z"},
               "duration_type": "minute", "generated_rate": "520", "marginal_rate": "880.5", "consumed_rate": null,
               "region": "US-CA-CAISO", "unit": "lb/MWh", "factor_set": "EGRID_u2019", "n_expected": 1, "n_present": 1})
    );
    caiso(&server.app.pool).dirty("2021-07-07T00:00:00Z").await;
    let hour = caller
        .ask(&format!("/api/v1/emissions/region/US-CA-CAISO?{range}&granularity=hour"))
        .await
        .body;
    assert_eq!(
        (&hour["items"][0]["duration_type"], &hour["items"][0]["generated_rate"]),
        (&json!("hourly"), &json!("520"))
    );
    assert_eq!(
        (&hour["items"][0]["n_expected"], &hour["items"][0]["n_present"]),
        (&json!(12), &json!(12))
    );
    let page = caller.ask(&format!("/api/v1/emissions/region/CAISO?{range}&limit=8")).await.body;
    let next = page["next"].as_str().unwrap();
    let rest = caller
        .ask(&format!("/api/v1/emissions/region/CAISO?{range}&limit=8&cursor={next}"))
        .await
        .body;
    assert_eq!(rest["items"].as_array().unwrap().len(), 4);
    assert_eq!(
        caller.ask(&format!("/api/v1/emissions/region/XX?{range}")).await.outcome(),
        (404, "no_such_region")
    );
}

#[tokio::test]
async fn who_has_the_answer_is_told_so_whenever_it_is_asked_for() {
    let (server, caller) = served().await;
    let forecast = gb_forecast(&server.app.pool);
    let noon = "2025-01-15T12:00:00Z";
    forecast.issue(noon, noon, &["110", "90"]).await;
    let day = "location=GB&startTime=2025-01-15T00:00:00Z&endTime=2025-01-15T02:00:00Z";
    for path in [
        "/emissions/forecasts/current?location=GB",
        "/emissions/bylocation?location=GB",
        "/emissions/bylocations?location=GB&time=2025-01-15T00:00:00Z",
        "/emissions/bylocations/best?location=GB",
        &format!("/emissions/average-carbon-intensity?{day}"),
        "/locations",
    ] {
        let first = caller.get(path).await;
        assert_eq!(first.status(), 200, "{path}");
        assert!(first.headers().contains_key("x-known-at"), "{path}");
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        server.clock.advance(chrono::TimeDelta::seconds(7));
        let again = caller.request(reqwest::Method::GET, path).header("If-None-Match", &tag);
        let again = again.send().await.unwrap();
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(again.headers()["etag"].to_str().unwrap(), tag);
        assert!(again.headers().contains_key("x-known-at"), "{path}");
    }
    let path = "/emissions/forecasts/current?location=GB";
    let old = caller.get(path).await.headers()["etag"].clone();
    forecast.issue("2025-01-15T12:30:00Z", noon, &["110", "91"]).await;
    let other = caller.request(reqwest::Method::GET, path).header("If-None-Match", &old);
    assert_eq!(other.send().await.unwrap().status(), 200, "another forecast");
}
