//! Carbon intensity as it is read: slots, spans, means, windows, forecasts, at any instant.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use trueprice::auth::Role;

use crate::support::{
    Caller, TestServer,
    feeds::{KNOWN, caiso, gb, gb_forecast, load_gb},
};

const DAY: &str = include_str!("wire/uk_intensity_date.json");
const RANGE: &str = "start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z";

async fn served() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    load_gb(&server.app.pool, DAY).await;
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

async fn read(caller: &Caller, path: &str) -> Value {
    let reply = caller.ask(&format!("/api/v1/{path}")).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.body
}

#[tokio::test]
async fn slots_come_in_pages_of_one_state() {
    let (server, caller) = served().await;
    let path = format!("carbon-intensity?region=GB&{RANGE}&limit=20");
    let first = read(&caller, &path).await;
    assert_eq!(
        first["items"][0],
        json!({"region": "GB", "feed": "gb.intensity", "factor_set": "NESO", "start": "2025-01-15T00:00:00Z",
               "end": "2025-01-15T00:30:00Z", "generated": "150", "consumed": null, "marginal": null,
               "unit": "g/kWh", "quality": "measured", "rev": 1})
    );
    // What is restated between two pages belongs to the next state.
    gb(&server.app.pool).revise("2025-01-15T12:00:00Z", "999", "2999-01-01T00:00:00Z").await;
    let mut starts: Vec<String> = Vec::new();
    let mut page = first;
    loop {
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["generated"] != "999"));
        starts.extend(items.iter().map(|item| item["start"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        page = read(&caller, &format!("{path}&cursor={next}")).await;
    }
    assert_eq!(starts.len(), 48);
    assert!(starts.is_sorted() && starts[47] == "2025-01-15T23:30:00Z");
    let float = read(
        &caller,
        &format!("carbon-intensity?region=GB&{RANGE}&limit=1&numbers=float&metric=generated"),
    )
    .await;
    assert_eq!(float["items"][0]["generated"], json!(150));
    assert!(float["items"][0].get("consumed").is_none());
}

#[tokio::test]
async fn parameters_are_read_strictly_and_anonymous_readers_sent_away() {
    let (server, caller) = served().await;
    for (path, outcome) in [
        ("carbon-intensity", (400, "bad_parameter")),
        ("carbon-intensity?region=GB", (400, "bad_parameter")),
        (&*format!("carbon-intensity?{RANGE}"), (400, "bad_parameter")),
        (&format!("carbon-intensity?region=XX&{RANGE}"), (404, "no_such_region")),
        (&format!("carbon-intensity?region=GB&{RANGE}&regoin=GB"), (400, "unknown_parameter")),
        (&format!("carbon-intensity?region=GB&{RANGE}&unit=lb/kWh"), (400, "bad_parameter")),
        (&format!("carbon-intensity?region=GB&{RANGE}&feed=none"), (400, "bad_parameter")),
        (&format!("carbon-intensity?region=GB&{RANGE}&factor_set=none"), (400, "bad_parameter")),
        (&format!("carbon-intensity?region=GB&{RANGE}&cursor=AAAA"), (400, "bad_parameter")),
        (&format!("carbon-intensity?region=GB&{RANGE}&limit=1001"), (400, "bad_parameter")),
        (
            &format!("carbon-intensity?region=GB&{RANGE}&limit=5&format=csv"),
            (400, "contradictory_parameters"),
        ),
        (
            &format!("carbon-intensity?region=GB&{RANGE}&as_of=2999-01-01T00:00:00Z"),
            (400, "bad_parameter"),
        ),
        (
            "carbon-intensity?region=GB&start=2025-01-15T00:00:00&end=2025-01-16T00:00:00Z",
            (400, "bad_parameter"),
        ),
        (
            "carbon-intensity?region=GB&start=2025-01-16T00:00:00Z&end=2025-01-16T00:00:00Z",
            (400, "contradictory_parameters"),
        ),
        (&format!("carbon-intensity/best-window?region=GB&{RANGE}"), (400, "bad_parameter")),
        (
            &format!("carbon-intensity/best-window?region=GB&{RANGE}&duration=3H"),
            (400, "bad_parameter"),
        ),
        (
            &format!("carbon-intensity/best-window?region=GB&{RANGE}&duration=PT3H&by=price"),
            (400, "bad_parameter"),
        ),
        (
            &format!(
                "carbon-intensity/best-window?region=GB&{RANGE}&duration=PT3H&by=price&tariff=x"
            ),
            (404, "no_such_tariff"),
        ),
        (
            &format!(
                "carbon-intensity/best-window?region=GB&{RANGE}&duration=PT3H&by=price&meter=x"
            ),
            (404, "no_such_meter"),
        ),
        (&format!("carbon-intensity/best-window?region=GB&{RANGE}&duration=P2D"), (404, "no_data")),
        ("regions?region=XX", (404, "no_such_region")),
    ] {
        let reply = caller.ask(&format!("/api/v1/{path}")).await;
        assert_eq!(reply.outcome(), outcome, "{path}: {}", reply.body);
        assert_eq!(server.anonymous().ask(&format!("/api/v1/{path}")).await.status, 401, "{path}");
    }
    // A region may be named by a provider's code; one without rows has none.
    let code = read(&caller, &format!("carbon-intensity?region=CAISO&{RANGE}")).await;
    assert_eq!(code, json!({"items": [], "next": null}));
}

/// What a cursor holds is the caller's word: whatever it is, it is refused.
#[tokio::test]
async fn a_cursor_of_an_instant_that_no_row_has_is_refused() {
    let (_server, caller) = served().await;
    // The last instants that are read at all, the years that no row is of, and what is no instant.
    let instants = ["8210266876799999999", "-8334601228800000000", "253402300800000000", "-1", "x"];
    for (read, before, behind) in [
        (format!("carbon-intensity?region=GB&{RANGE}"), "GB\n", ""),
        (format!("carbon-intensity?region=GB&{RANGE}&granularity=day"), "GB\n", ""),
        ("carbon-intensity/forecast?region=GB".to_owned(), "GB\n", ""),
        (format!("emissions/region/GB?{RANGE}"), "", ""),
        (format!("emissions/region/GB?{RANGE}&granularity=day"), "", ""),
        (format!("fuel-mix?region=GB&{RANGE}"), "GB\n", "\ngas"),
    ] {
        let with = async |content: &str| {
            let cursor = BASE64_URL_SAFE_NO_PAD.encode(content);
            caller.ask(&format!("/api/v1/{read}&cursor={cursor}")).await
        };
        let sound = with(&format!("0:{before}1736899200000000{behind}")).await;
        assert_eq!(sound.status, 200, "{read}: {}", sound.body);
        for instant in instants {
            let content = format!("0:{before}{instant}{behind}");
            assert_eq!(with(&content).await.outcome(), (400, "bad_parameter"), "{read}, {content}");
            let content = format!("{instant}:{before}0{behind}");
            assert_eq!(with(&content).await.outcome(), (400, "bad_parameter"), "{read}, {content}");
        }
    }
}

#[tokio::test]
async fn what_was_known_is_read_again_for_ever() {
    let (server, caller) = served().await;
    let slot = "carbon-intensity?region=GB&start=2025-01-15T12:00:00Z&end=2025-01-15T12:30:00Z";
    let value = async |as_of: &str| {
        let items = read(&caller, &format!("{slot}{as_of}")).await["items"].clone();
        (items[0]["generated"].clone(), items[0]["rev"].clone())
    };
    let before = value("").await;
    let fed = gb(&server.app.pool);
    fed.revise("2025-01-15T12:00:00Z", "77.5", "2025-02-01T00:00:00Z").await;
    fed.revise("2025-01-15T12:00:00Z", "78.25", "2025-03-01T00:00:00Z").await;
    assert_eq!(value("").await, (json!("78.25"), json!(3)));
    assert_eq!(value("&as_of=2025-03-01T00:00:00Z").await, (json!("78.25"), json!(3)));
    assert_eq!(value("&as_of=2025-02-28T23:59:59.999999Z").await, (json!("77.5"), json!(2)));
    assert_eq!(value("&as_of=2025-01-31T00:00:00Z").await, before);
    assert_eq!(
        value("&asOf=2025-01-16T05:59:59Z").await,
        (Value::Null, Value::Null),
        "not known yet"
    );
    let answer = caller.get(&format!("/api/v1/{slot}")).await;
    let known_at = answer.headers()["x-known-at"].to_str().unwrap().to_owned();
    let body = answer.text().await.unwrap();
    fed.revise("2025-01-15T12:00:00Z", "1", "2998-01-01T00:00:00Z").await;
    let again = caller.get(&format!("/api/v1/{slot}&as_of={known_at}")).await;
    assert_eq!(again.headers()["x-known-at"], *known_at);
    assert_eq!(again.text().await.unwrap(), body);
    // Means and spans of the calendar go by the same cut-off.
    let day =
        format!("carbon-intensity?region=GB&{RANGE}&granularity=day&as_of=2025-01-31T00:00:00Z");
    assert_eq!(read(&caller, &day).await["items"][0]["generated"], "150.0625");
    let mean = format!("carbon-intensity/average?region=GB&{RANGE}&as_of=2025-01-31T00:00:00Z");
    assert_eq!(read(&caller, &mean).await["generated"], "150.0625");
}

#[tokio::test]
async fn an_answer_that_is_had_already_is_not_sent_again() {
    let (server, caller) = served().await;
    // Days of rows that change wait to be summed up.
    gb(&server.app.pool).dirty("2025-01-15T00:00:00Z").await;
    for path in [
        format!("carbon-intensity?region=GB&{RANGE}&limit=5"),
        format!("carbon-intensity?region=GB&{RANGE}&format=csv"),
        format!("carbon-intensity?region=GB&{RANGE}&granularity=day&format=csv"),
        format!("carbon-intensity/average?region=GB&{RANGE}"),
        format!("carbon-intensity/best-window?region=GB&{RANGE}&duration=PT3H"),
    ] {
        let path = format!("/api/v1/{path}");
        let tag = caller.get(&path).await.headers()[ETAG].clone();
        let ask = async |tag: &reqwest::header::HeaderValue| {
            let request = caller.request(reqwest::Method::GET, &path).header(IF_NONE_MATCH, tag);
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(ask(&tag).await, 304, "{path}");
        let value = format!("{}", path.len());
        gb(&server.app.pool).revise("2025-01-15T01:00:00Z", &value, KNOWN).await;
        gb(&server.app.pool).revise("2025-01-15T17:00:00Z", &value, "2025-01-17T00:00:00Z").await;
        let fresh = caller.get(&path).await.headers()[ETAG].clone();
        assert_ne!(fresh, tag, "{path}");
        sqlx::query("update carbon_intensity set changed_at = $1")
            .bind(KNOWN.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
            .execute(&server.app.pool)
            .await
            .unwrap();
        sqlx::query("truncate row_revision").execute(&server.owner).await.unwrap();
    }
}

#[tokio::test]
async fn a_page_that_has_a_next_one_is_another_than_one_that_has_none() {
    let (server, caller) = served().await;
    let path = "/api/v1/carbon-intensity?region=GB&start=2025-01-15T00:00:00Z&end=2025-01-17T00:00:00Z&limit=48";
    let last = caller.get(path).await;
    let (tag, body) = (last.headers()[ETAG].clone(), last.json::<Value>().await.unwrap());
    assert_eq!(body["next"], Value::Null);
    gb(&server.app.pool).generated("2025-01-16T00:00:00Z", &["100"]).await;
    let request = caller.request(reqwest::Method::GET, path).header(IF_NONE_MATCH, tag);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let now: Value = answer.json().await.unwrap();
    assert_eq!(now["items"], body["items"]);
    assert!(now["next"].is_string());
}

#[tokio::test]
async fn the_tag_of_a_file_is_that_of_its_months() {
    let (server, caller) = served().await;
    let path = format!("/api/v1/carbon-intensity?region=GB&{RANGE}&format=csv");
    let past = format!("{path}&as_of=2025-01-17T00:00:00Z");
    let tag = async |path: &str| caller.get(path).await.headers()[ETAG].clone();
    let (now, then) = (tag(&path).await, tag(&past).await);
    let fed = gb(&server.app.pool);
    fed.generated("2025-03-01T00:00:00Z", &["1"]).await;
    caiso(&server.app.pool).generated("2025-01-15T00:00:00Z", &["1"]).await;
    assert_eq!(tag(&path).await, now, "of other months and regions");
    // Nothing of the rows tells of what was taken away and put back: that they were written does.
    sqlx::query("update carbon_intensity set rev = rev where start_at = '2025-01-15 12:00Z'")
        .execute(&server.app.pool)
        .await
        .unwrap();
    assert_ne!(tag(&path).await, now);
    assert_eq!(tag(&past).await, then, "what was known then is the same for ever");
    sqlx::query("delete from carbon_intensity where start_at = '2025-01-15 12:00Z'")
        .execute(&server.owner)
        .await
        .unwrap();
    let written: i64 = sqlx::query_scalar(
        "select changes from feed_change where region_id = 'GB' and month = '2025-01-01' and table_name = 'carbon_intensity'",
    )
    .fetch_one(&server.owner)
    .await
    .unwrap();
    assert_eq!(written, 50, "48 rows came, one was written again, one went");
}

#[tokio::test]
async fn the_tag_of_a_forecast_is_that_of_its_issue() {
    let (server, caller) = served().await;
    let fed = gb_forecast(&server.app.pool);
    let tag = async || {
        caller.get("/api/v1/carbon-intensity/forecast?region=GB&format=csv").await.headers()[ETAG]
            .clone()
    };
    fed.issue("2025-01-15T12:00:00Z", "2025-01-15T12:30:00Z", &["110", "90"]).await;
    let first = tag().await;
    assert_eq!(tag().await, first);
    sqlx::query(
        "update carbon_intensity_forecast set generated = 111, raw_generated = 111 where generated = 110",
    )
    .execute(&server.app.pool)
    .await
    .unwrap();
    let other = tag().await;
    assert_ne!(other, first, "as many slots of the same issue");
    fed.issue("2025-01-15T12:10:00Z", "2025-01-15T12:30:00Z", &["111", "90"]).await;
    assert_ne!(tag().await, other, "the same figures of another issue");
}

#[tokio::test]
async fn means_of_pounds_say_no_more_than_is_known() {
    let (server, caller) = served().await;
    let slots = ["1", "1", "2"].map(|value| [Some(value), None, None]);
    let fed = caiso(&server.app.pool);
    fed.slots("2025-01-15T00:00:00Z", &slots, KNOWN).await;
    fed.dirty("2025-01-15T00:00:00Z").await;
    let of = async |unit: &str| {
        let path = format!("carbon-intensity?region=CAISO&{RANGE}&granularity=hour&unit={unit}");
        read(&caller, &path).await["items"][0]["generated"].clone()
    };
    assert_eq!(
        (of("lb/MWh").await, of("g/kWh").await),
        (json!("1.33333333"), json!("0.604789827"))
    );
}

#[tokio::test]
async fn means_weigh_the_slots_at_their_edges() {
    let (server, caller) = served().await;
    let edges = "start=2025-01-15T01:15:00Z&end=2025-01-15T02:40:00Z";
    let mean = read(&caller, &format!("carbon-intensity/average?region=GB&{edges}")).await;
    assert_eq!(mean["generated"], "180.117647059");
    assert_eq!((&mean["coverage"], &mean["consumed"]), (&json!("1"), &Value::Null));
    let half = "start=2025-01-14T12:00:00Z&end=2025-01-15T12:00:00Z";
    let half = read(&caller, &format!("carbon-intensity/average?region=GB&{half}")).await;
    assert_eq!(half["coverage"], "0.5");
    let none = "start=2024-01-14T12:00:00Z&end=2024-01-15T12:00:00Z";
    let none = read(&caller, &format!("carbon-intensity/average?region=GB&{none}")).await;
    assert_eq!((&none["generated"], &none["coverage"]), (&Value::Null, &json!("0")));
    // What is not plausible is shown and does not count.
    sqlx::query(
        "update carbon_intensity set quality = 'suspect' where start_at = '2025-01-15T01:30:00Z'",
    )
    .execute(&server.app.pool)
    .await
    .unwrap();
    let less = read(&caller, &format!("carbon-intensity/average?region=GB&{edges}")).await;
    assert_eq!(less["coverage"], "0.647058824");
}

#[tokio::test]
async fn pounds_and_grams_differ_by_their_definition() {
    let (server, caller) = served().await;
    let slots = [[Some("542.0"), None, Some("866.25")], [Some("0"), Some("1"), None]];
    caiso(&server.app.pool).slots("2025-01-15T00:00:00Z", &slots, KNOWN).await;
    let of = async |unit: &str| {
        read(&caller, &format!("carbon-intensity?region=CAISO&{RANGE}&unit={unit}")).await["items"]
            .clone()
    };
    let (pounds, grams) = (of("lb/MWh").await, of("g/kWh").await);
    assert_eq!(
        (&pounds[0]["generated"], &pounds[0]["marginal"]),
        (&json!("542"), &json!("866.25"))
    );
    assert_eq!(
        (&grams[0]["generated"], &grams[0]["marginal"]),
        (&json!("245.84706454"), &json!("392.9243905125"))
    );
    assert_eq!(
        (&grams[1]["generated"], &grams[1]["consumed"]),
        (&json!("0"), &json!("0.45359237"))
    );
    assert_eq!(of("kg/MWh").await[0]["generated"], "245.84706454");
    let mean = async |unit: &str| {
        read(&caller, &format!("carbon-intensity/average?region=CAISO&{RANGE}&unit={unit}")).await["generated"].clone()
    };
    assert_eq!((mean("lb/MWh").await, mean("g/kWh").await), (json!("271"), json!("122.92353227")));
}

#[tokio::test]
async fn the_best_window_is_found_by_carbon_and_by_price() {
    let (server, caller) = served().await;
    let window = format!("carbon-intensity/best-window?region=GB&{RANGE}&duration=PT3H");
    let best = read(&caller, &window).await;
    assert_eq!(
        (&best["start"], &best["end"]),
        (&json!("2025-01-15T16:30:00Z"), &json!("2025-01-15T19:30:00Z"))
    );
    assert_eq!((&best["average"], &best["coverage"]), (&json!("81.833333333"), &json!("1")));
    assert_eq!((&best["candidates_considered"], &best["unit"]), (&json!(43), &json!("g/kWh")));
    assert_eq!(best["alternatives"].as_array().unwrap().len(), 5);
    prices(&server).await;
    let price = read(&caller, &format!("{window}&by=price&tariff=E-1R-TEST-C")).await;
    assert_eq!(
        (&price["start"], &price["average"]),
        (&json!("2025-01-15T13:00:00Z"), &json!("8.3033"))
    );
    assert_eq!((&price["unit"], &price["feed"]), (&json!("p/kWh"), &Value::Null));
    // All of one or of the other is what they are for themselves.
    for (weight, start) in [("1", "2025-01-15T16:30:00Z"), ("0", "2025-01-15T13:00:00Z")] {
        let blend = format!("{window}&by=blend&tariff=E-1R-TEST-C&carbon_weight={weight}");
        assert_eq!(read(&caller, &blend).await["start"], start);
    }
    // The best window has a hole now.
    sqlx::query("delete from carbon_intensity where start_at = '2025-01-15T17:00:00Z'")
        .execute(&server.app.pool)
        .await
        .unwrap();
    let beside = read(&caller, &window).await;
    assert_eq!(beside["coverage"], "1");
    let crosses = |item: &Value| {
        item["start"].as_str().unwrap() < "2025-01-15T17:30:00Z"
            && item["end"].as_str().unwrap() > "2025-01-15T17:00:00Z"
    };
    assert!(!crosses(&beside) && !beside["alternatives"].as_array().unwrap().iter().any(crosses));
    let across = read(&caller, &format!("{window}&allow_gaps=true")).await;
    assert!(crosses(&across) && across["coverage"] != "1", "{across}");
}

#[tokio::test]
async fn what_does_not_count_in_a_window_is_refused() {
    let (server, caller) = served().await;
    prices(&server).await;
    let path = format!("/api/v1/carbon-intensity/best-window?region=GB&{RANGE}&duration=PT3H");
    let tariff = "tariff=E-1R-TEST-C";
    let of_carbon = [
        "source=measured",
        "feed=gb.intensity",
        "factor_set=NESO",
        "metric=generated",
        "unit=g/kWh",
    ];
    for wanted in of_carbon {
        for by in ["", "&by=carbon", &format!("&by=blend&{tariff}")] {
            let reply = caller.ask(&format!("{path}{by}&{wanted}")).await;
            assert_eq!(reply.status, 200, "{by} {wanted}: {}", reply.body);
        }
    }
    let refused = async |by: &str, unused: &str| {
        let reply = caller.ask(&format!("{path}{by}&{unused}")).await;
        assert_eq!(reply.outcome(), (400, "contradictory_parameters"), "{by} {unused}");
        assert_eq!(reply.body["parameter"], unused.split('=').next().unwrap());
    };
    for unused in of_carbon.into_iter().chain(["carbon_weight=0.5"]) {
        refused(&format!("&by=price&{tariff}"), unused).await;
    }
    for unused in [tariff, "meter=x", "carbon_weight=0.5"] {
        refused("", unused).await;
        refused("&by=carbon", unused).await;
    }
}

/// California has no rows here, and its clock goes all the same; so does that of a window by price.
#[tokio::test]
async fn the_clock_of_a_place_goes_whether_there_are_rows_or_not() {
    let (server, caller) = served().await;
    let fetch = gb(&server.app.pool).fetch().await;
    sqlx::query(
        "insert into tariff_price (provider, tariff_code, rate_kind, valid_from, exc_vat, inc_vat, currency, unit,
                                   content_hash, first_seen, changed_at, fetch_id)
         values ('octopus', 'E-1R-FLAT-C', 'standard', '2025-01-01Z', 20, 21, 'GBP', 'p/kWh', 'hash', now(), now(), $1)",
    )
    .bind(fetch)
    .execute(&server.app.pool)
    .await
    .unwrap();
    let range = "start=2025-07-15T12:00:00Z&end=2025-07-15T13:00:00Z";
    for (region, local) in
        [("GB", "2025-07-15T13:00:00+01:00"), ("CAISO", "2025-07-15T05:00:00-07:00")]
    {
        for read in [
            format!("carbon-intensity/average?region={region}&{range}"),
            format!(
                "carbon-intensity/best-window?region={region}&{range}&duration=PT1H&by=price&tariff=E-1R-FLAT-C"
            ),
        ] {
            assert_eq!(self::read(&caller, &read).await["start"], "2025-07-15T12:00:00Z", "{read}");
            let here = self::read(&caller, &format!("{read}&zone=local")).await;
            assert_eq!(here["start"], local, "{read}");
            let file =
                caller.get(&format!("/api/v1/{read}&format=csv")).await.text().await.unwrap();
            let record: Vec<&str> = file.lines().nth(1).unwrap().split(',').collect();
            assert_eq!(record[4..6], ["2025-07-15T12:00:00Z", local], "{read}");
        }
    }
}

/// The day's half-hourly prices, and an older flat tariff that ends with them.
async fn prices(server: &TestServer) {
    let fetch = gb(&server.app.pool).fetch().await;
    let rates: Value = serde_json::from_str(include_str!("wire/octopus_rates.json")).unwrap();
    for rate in rates["results"].as_array().unwrap() {
        sqlx::query(
            "insert into tariff_price (provider, tariff_code, rate_kind, valid_from, valid_to, exc_vat, inc_vat, currency,
                                       unit, content_hash, first_seen, changed_at, fetch_id)
             values ('octopus', 'E-1R-TEST-C', 'standard', $1::text::timestamptz, $2::text::timestamptz,
                     $3::text::numeric, $4::text::numeric, 'GBP', 'p/kWh', 'hash', now(), now(), $5)",
        )
        .bind(rate["valid_from"].as_str())
        .bind(rate["valid_to"].as_str())
        .bind(rate["value_exc_vat"].to_string())
        .bind(rate["value_inc_vat"].to_string())
        .bind(fetch)
        .execute(&server.app.pool)
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn local_days_have_the_half_hours_of_their_clock() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let pool = &server.app.pool;
    load_gb(pool, include_str!("wire/uk_intensity_20240331.json")).await;
    load_gb(pool, include_str!("wire/uk_intensity_20241027.json")).await;
    for (start, end, day, slots) in [
        ("2024-03-31T00:00:00Z", "2024-03-31T23:00:00Z", "2024-03-31T00:00:00+00:00", 46),
        ("2024-10-26T23:00:00Z", "2024-10-28T00:00:00Z", "2024-10-27T00:00:00+01:00", 50),
    ] {
        gb(pool).dirty(&format!("{}T00:00:00Z", &day[..10])).await;
        let path = format!(
            "carbon-intensity?region=GB&start={start}&end={end}&granularity=day&zone=local"
        );
        let items = read(&caller, &path).await["items"].clone();
        let [item] = &items.as_array().unwrap()[..] else { panic!("{items}") };
        assert_eq!(item["start"], day);
        assert_eq!(item["n_expected"]["generated"], slots);
        assert_eq!(item["n_present"], json!({"generated": slots, "consumed": 0, "marginal": 0}));
        assert_eq!(
            item["complete"],
            json!({"generated": true, "consumed": false, "marginal": false})
        );
        let mean = format!("carbon-intensity/average?region=GB&start={start}&end={end}");
        assert_eq!(read(&caller, &mean).await["generated"], item["generated"]);
        let native = read(
            &caller,
            &format!("carbon-intensity?region=GB&start={start}&end={end}&zone=local"),
        )
        .await;
        assert_eq!(native["items"].as_array().unwrap().len(), slots);
    }
}

#[tokio::test]
async fn spans_are_read_where_they_were_summed_up() {
    let (server, caller) = served().await;
    sqlx::query(
        "insert into rollup (series_kind, feed_id, subject_id, factor_set_id, measure, grain, zone, period_start,
             period_end, mean_time, mean_weighted, weight_kind, n_expected, n_present, n_estimated, complete, computed_at, rev)
         select 'intensity', 'gb.intensity', 'GB', 'NESO', m, 'month', 'UTC', '2025-01-01Z', '2025-02-01Z',
                case m when 'generated' then 123.4567891234 end, case m when 'generated' then 120 end, 'generation',
                1488, 48, 0, false, now(), 4
         from unnest(array['generated', 'consumed', 'marginal']) m",
    )
    .execute(&server.app.pool)
    .await
    .unwrap();
    let month = "carbon-intensity?region=GB&start=2025-01-01T00:00:00Z&end=2025-02-01T00:00:00Z&granularity=month";
    let item = read(&caller, month).await["items"][0].clone();
    assert_eq!((&item["generated"], &item["rev"]), (&json!("123.456789123"), &json!(4)));
    assert_eq!(item["mean_weighted"]["generated"], "120");
    // Begun before the range: not of it.
    let late = month.replace("start=2025-01-01", "start=2025-01-02");
    assert_eq!(read(&caller, &late).await["items"], json!([]));
    // While it waits to be summed up again, the rows themselves say what it is.
    gb(&server.app.pool).dirty("2025-01-15T00:00:00Z").await;
    assert_eq!(read(&caller, month).await["items"][0]["generated"], "150.0625");
}

#[tokio::test]
async fn the_newest_slot_says_how_old_it_is() {
    let (server, caller) = served().await;
    let fed = gb(&server.app.pool);
    fed.slots("2025-01-16T00:00:00Z", &[[None, Some("5"), None]], KNOWN).await;
    let newest = read(&caller, "carbon-intensity/latest?region=GB").await["items"][0].clone();
    assert_eq!(newest["start"], "2025-01-15T23:30:00Z", "the next one is not known yet");
    let age = server.app.clock.now()
        - "2025-01-16T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert!((newest["age_seconds"].as_i64().unwrap() - age.num_seconds()).abs() < 600);
    assert_eq!(newest["late"], true);
    let then = read(&caller, "carbon-intensity/latest?as_of=2025-01-16T06:00:00Z").await["items"]
        [0]
    .clone();
    assert_eq!((&then["age_seconds"], &then["late"]), (&json!(21600), &json!(true)));
}

#[tokio::test]
async fn forecasts_are_read_by_their_issue() {
    let (server, caller) = served().await;
    let fed = gb_forecast(&server.app.pool);
    fed.issue("2025-01-15T12:00:00Z", "2025-01-15T12:00:00Z", &["110", "90", "95"]).await;
    fed.issue("2025-01-15T12:30:00Z", "2025-01-15T12:30:00Z", &["91", "96", "80"]).await;
    let newest = read(&caller, "carbon-intensity/forecast?region=GB").await;
    let values: Vec<&str> = newest["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["generated"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["91", "96", "80"]);
    assert_eq!(newest["items"][0]["issued_at"], "2025-01-15T12:30:00Z");
    let former = "carbon-intensity/forecast?region=GB&issued=2025-01-15T12:29:59Z&start=2025-01-15T12:30:00Z&limit=1";
    let former = read(&caller, former).await;
    assert_eq!(former["items"][0]["generated"], "90");
    let next = former["next"].as_str().unwrap();
    let path =
        format!("carbon-intensity/forecast?region=GB&issued=2025-01-15T12:29:59Z&cursor={next}");
    assert_eq!(read(&caller, &path).await["items"][0]["generated"], "95");
    let range = "start=2025-01-15T12:00:00Z&end=2025-01-15T14:00:00Z&duration=PT1H&source=forecast";
    let best = read(&caller, &format!("carbon-intensity/best-window?region=GB&{range}")).await;
    assert_eq!((&best["start"], &best["average"]), (&json!("2025-01-15T13:00:00Z"), &json!("88")));
    assert_eq!(best["issued_at"], "2025-01-15T12:30:00Z");
}

#[tokio::test]
async fn regions_sets_and_mixes_are_listed() {
    let (server, caller) = served().await;
    let region = read(&caller, "regions?region=GB").await["items"][0].clone();
    assert_eq!((&region["zone"], &region["country"]), (&json!("Europe/London"), &json!("GB")));
    assert_eq!(region["feeds"][0]["data_from"], "2025-01-15T00:00:00+00:00");
    assert_eq!(region["feeds"][0]["data_to"], "2025-01-16T00:00:00+00:00");
    assert_eq!(region["feeds"][0]["latency_seconds"], 1800);
    assert_eq!(read(&caller, "regions").await["items"].as_array().unwrap().len(), 14);
    let page = read(&caller, "regions?limit=13").await;
    let next = page["next"].as_str().unwrap();
    assert_eq!(
        read(&caller, &format!("regions?limit=13&cursor={next}")).await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let sets = read(&caller, "factor-sets").await;
    assert!(
        sets["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|set| set["factor_set"] == "NESO" && set["basis"] == "provider")
    );
    let fed = gb(&server.app.pool);
    for start in ["2025-01-15T00:00:00Z", "2025-01-15T00:30:00Z"] {
        fed.mix(
            start,
            &[("gas", None, Some("36.0")), ("wind", None, Some("32.43")), ("coal", None, None)],
        )
        .await;
    }
    let mix = format!("fuel-mix?region=GB&{RANGE}&limit=4");
    let first = read(&caller, &mix).await;
    assert_eq!(
        first["items"][1],
        json!({"region": "GB", "feed": "gb.intensity", "start": "2025-01-15T00:00:00Z", "end": "2025-01-15T00:30:00Z",
               "fuel": "gas", "mw": null, "percent": "36", "rev": 1})
    );
    let second = read(&caller, &format!("{mix}&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!(second["items"].as_array().unwrap().len(), 2);
    assert_eq!(second["items"][1]["fuel"], "wind");
}
