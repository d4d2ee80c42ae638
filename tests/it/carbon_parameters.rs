//! What every read of what feeds loaded takes, and the files of answers that are no ranges of slots.

use calamine::{Data, Reader as _};
use reqwest::{
    Method,
    header::{ETAG, IF_NONE_MATCH},
};
use serde_json::{Value, json};
use trueprice::auth::Role;

use crate::{
    feed_examples::{self, METER},
    support::{
        Caller, TestServer,
        feeds::{KNOWN, caiso},
    },
};

const RANGE: &str = "start=2025-01-15T00:00:00Z&end=2025-01-16T00:00:00Z";
const LONG: &str =
    "region,feed,factor_set,metric,start_utc,start_local,seconds,value,unit,quality,rev,known_at";

/// The examples, and who may read all of them.
async fn served() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::Admin).await;
    feed_examples::fill(&server).await;
    (server, caller)
}

async fn csv(caller: &Caller, path: &str) -> Vec<String> {
    let answer = caller.get(&format!("/api/v1/{path}")).await;
    let (status, kind) = (answer.status(), answer.headers()["content-type"].clone());
    let text = answer.text().await.unwrap();
    assert_eq!(
        (status.as_u16(), kind.to_str().unwrap()),
        (200, "text/csv; charset=utf-8"),
        "{text}"
    );
    text.split("\r\n").next().unwrap().lines().map(str::to_owned).collect()
}

/// Each read with what it needs, and whether it is a list.
fn reads() -> [(String, bool); 7] {
    let of = |path: &str, more: &str| format!("/api/v1/{path}?{more}");
    let gb = format!("region=GB&{RANGE}");
    [
        (of("carbon-intensity", &gb), true),
        (of("carbon-intensity/latest", "region=GB"), true),
        (of("carbon-intensity/forecast", "region=GB"), true),
        (of("fuel-mix", &gb), true),
        (of("emissions/region/GB", RANGE), true),
        (of("carbon-intensity/average", &gb), false),
        (of("carbon-intensity/best-window", &format!("{gb}&duration=PT3H")), false),
    ]
}

#[tokio::test]
async fn what_is_common_to_all_reads_each_of_them_takes() {
    let (_server, caller) = served().await;
    let common = [
        "factor_set=NESO",
        "metric=generated",
        "unit=lb/MWh",
        "zone=local",
        "numbers=float",
        "format=json",
        "format=csv",
        "format=xlsx",
    ];
    for (read, is_list) in reads() {
        for more in common {
            let reply = caller.get(&format!("{read}&{more}")).await;
            assert_eq!(reply.status(), 200, "{read}&{more}: {}", reply.text().await.unwrap());
            assert!(reply.headers().contains_key("x-known-at"), "{read}&{more}");
            let (tag, again) = (&reply.headers()[ETAG], format!("{read}&{more}"));
            let again = caller.request(Method::GET, &again).header(IF_NONE_MATCH, tag);
            // How old the newest slot is changes by the second.
            if !read.contains("/latest") {
                assert_eq!(again.send().await.unwrap().status(), 304, "{read}&{more}");
            }
        }
        let page = caller.ask(&format!("{read}&limit=1")).await;
        let wanted = if is_list { (200, "") } else { (400, "unknown_parameter") };
        assert_eq!(page.outcome(), wanted, "{read}");
        for wrong in ["format=pdf", "unit=lb", "factor_set=none", "metric=mean", "feed=none"] {
            let reply = caller.ask(&format!("{read}&{wrong}")).await;
            assert_eq!(reply.outcome(), (400, "bad_parameter"), "{read}&{wrong}");
        }
    }
}

#[tokio::test]
async fn units_clocks_and_numbers_are_those_that_are_asked_for() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    caiso(&server.app.pool).generated("2025-07-15T00:00:00Z", &["520.5"]).await;
    let range = "start=2025-07-15T00:00:00Z&end=2025-07-15T00:05:00Z";
    // 1 lb is 453.59237 g.
    let (grams, utc) = ("236.094828585", ["2025-07-15T00:00:00Z", "2025-07-15T00:05:00Z"]);
    let local = ["2025-07-14T17:00:00-07:00", "2025-07-14T17:05:00-07:00"];
    for (read, is_list) in [
        (format!("carbon-intensity?region=CAISO&{range}"), true),
        ("carbon-intensity/latest?region=CAISO".to_owned(), true),
        (format!("carbon-intensity/average?region=CAISO&{range}"), false),
    ] {
        for (more, unit, digits, [start, end]) in [
            ("", "g/kWh", format!("\"{grams}\""), utc),
            ("unit=kg/MWh", "kg/MWh", format!("\"{grams}\""), utc),
            ("unit=lb/MWh", "lb/MWh", "\"520.5\"".to_owned(), utc),
            ("zone=local", "g/kWh", format!("\"{grams}\""), local),
            ("numbers=float", "g/kWh", grams.to_owned(), utc),
            ("unit=lb/MWh&zone=local&numbers=float", "lb/MWh", "520.5".to_owned(), local),
        ] {
            let path = format!("/api/v1/{read}&{more}");
            let text = caller.get(&path).await.text().await.unwrap();
            let body: Value = serde_json::from_str(&text).unwrap();
            let item = if is_list { &body["items"][0] } else { &body };
            assert_eq!([&item["unit"], &item["start"], &item["end"]], [unit, start, end], "{path}");
            assert!(text.contains(&format!("\"generated\":{digits},")), "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn what_is_accepted_decides_where_no_format_is_named() {
    let (_server, caller) = served().await;
    for (read, _) in reads() {
        let answer = caller.request(Method::GET, &read).header("accept", "text/csv").send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8", "{read}");
        assert!(answer.text().await.unwrap().starts_with(LONG), "{read}");
        let picture = caller.request(Method::GET, &read).header("accept", "image/png");
        assert_eq!(picture.send().await.unwrap().status(), 406, "{read}");
    }
}

#[tokio::test]
async fn answers_of_a_few_records_are_files_in_the_long_layout() {
    let (_server, caller) = served().await;
    let edges = "start=2025-01-15T01:15:00Z&end=2025-01-15T02:40:00Z";
    let mean =
        csv(&caller, &format!("carbon-intensity/average?region=GB&{edges}&format=csv")).await;
    assert_eq!(mean[0], format!("{LONG},coverage"));
    let start = "GB,gb.intensity,NESO,generated,2025-01-15T01:15:00Z,2025-01-15T01:15:00+00:00,5100,180.117647059,g/kWh,,,";
    assert!(mean[1].starts_with(start) && mean[1].ends_with(",1"), "{mean:?}");
    assert_eq!(mean.len(), 2);
    let path = format!("carbon-intensity/best-window?region=GB&{RANGE}&duration=PT3H");
    let best = csv(&caller, &format!("{path}&format=csv")).await;
    let json = caller.ask(&format!("/api/v1/{path}")).await.body;
    let cell = |record: &str, place: usize| record.split(',').nth(place).unwrap().to_owned();
    assert_eq!(best.len(), 7, "the best window and five more");
    assert_eq!((&*cell(&best[1], 4), &*cell(&best[1], 6)), ("2025-01-15T16:30:00Z", "10800"));
    for (place, record) in best[2..].iter().enumerate() {
        let window = &json["alternatives"][place];
        assert_eq!(window["start"], cell(record, 4));
        assert_eq!(window["average"], cell(record, 7));
        assert_eq!(window["coverage"], cell(record, 12));
    }
    let newest =
        csv(&caller, "carbon-intensity/latest?format=csv&as_of=2025-01-16T06:00:00Z").await;
    assert_eq!(newest[0], format!("{LONG},age_seconds,late"));
    assert_eq!(
        newest[1],
        format!(
            "GB,gb.intensity,NESO,generated,2025-01-15T23:30:00Z,2025-01-15T23:30:00+00:00,1800,{},g/kWh,measured,1,{KNOWN},21600,True",
            cell(&newest[1], 7)
        )
    );
    // A workbook has the same in typed cells.
    let path = format!("/api/v1/{path}&format=xlsx");
    let bytes = caller.get(&path).await.bytes().await.unwrap();
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.get((1, 6)), Some(&Data::Float(10_800.0)));
    assert_eq!(sheet.get((1, 12)), Some(&Data::Float(1.0)));
    assert_eq!(sheet.get((1, 10)), Some(&Data::Empty), "a mean has no revision");
}

#[tokio::test]
async fn emissions_are_asked_by_metric_and_are_files_too() {
    let (server, caller) = served().await;
    let slots = [[Some("520"), None, Some("880.5")], [Some("530"), None, None]];
    caiso(&server.app.pool).slots("2025-01-15T00:00:00Z", &slots, KNOWN).await;
    caiso(&server.app.pool).dirty("2025-01-15T00:00:00Z").await;
    let path = format!("/api/v1/emissions/region/CAISO?{RANGE}&unit=lb/MWh&metric=marginal");
    let native = caller.ask(&path).await.body;
    let first = native["items"][0].as_object().unwrap();
    assert_eq!(first["marginal_rate"], "880.5");
    assert!(!first.contains_key("generated_rate") && !first.contains_key("consumed_rate"));
    let present: Vec<&Value> =
        native["items"].as_array().unwrap().iter().map(|item| &item["n_present"]).collect();
    assert_eq!(present, [&json!(1), &json!(0)], "slots that count are those of the metric");
    let hour = caller.ask(&format!("{path}&granularity=hour")).await.body;
    assert_eq!(hour["items"][0]["n_present"], 1);
    let file = csv(&caller, &format!("{}&format=csv", &path["/api/v1/".len()..])).await;
    assert_eq!(file[0], LONG);
    assert_eq!(file.len(), 3);
    assert!(
        file[1].starts_with("US-CA-CAISO,carbonara.intensity,EGRID_u2019,marginal,"),
        "{file:?}"
    );
    let spans = format!("emissions/region/CAISO?{RANGE}&granularity=day&format=csv");
    assert!(
        csv(&caller, &spans).await[0].ends_with(",mean_weighted,n_expected,n_present,complete")
    );
}

#[tokio::test]
async fn a_mix_is_of_what_is_generated() {
    let (_server, caller) = served().await;
    let mix = format!("/api/v1/fuel-mix?region=GB&{RANGE}");
    let plain = caller.ask(&mix).await.body;
    assert_eq!(plain["items"].as_array().unwrap().len(), 2);
    let same = format!("{mix}&metric=generated&unit=kg/MWh&factor_set=IPCC-2014-LIFECYCLE");
    assert_eq!(caller.ask(&same).await.body, plain);
    for wrong in ["metric=marginal", "metric=generated&metric=consumed", "factor_set=x", "unit=x"] {
        let reply = caller.ask(&format!("{mix}&{wrong}")).await;
        assert_eq!(reply.outcome(), (400, "bad_parameter"), "{wrong}");
    }
}

#[tokio::test]
async fn lists_of_what_there_is_have_pages_and_files() {
    let (_server, caller) = served().await;
    for (list, name) in [("factor-sets", "factor_set"), ("regions", "region")] {
        let all = caller.ask(&format!("/api/v1/{list}")).await.body;
        let (mut found, mut path) = (Vec::new(), format!("/api/v1/{list}?limit=2"));
        loop {
            let page = caller.ask(&path).await.body;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            found.extend(items.iter().map(|item| item[name].clone()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/api/v1/{list}?limit=2&cursor={next}");
        }
        let names: Vec<Value> =
            all["items"].as_array().unwrap().iter().map(|item| item[name].clone()).collect();
        assert!(names.len() > 4);
        assert_eq!(found, names, "{list}");
        let file = csv(&caller, &format!("{list}?format=csv")).await;
        assert!(file[0].starts_with(name) && file.len() > names.len(), "{file:?}");
        let both = caller.ask(&format!("/api/v1/{list}?format=csv&limit=2")).await;
        assert_eq!(both.outcome(), (400, "contradictory_parameters"));
    }
    let factors = csv(&caller, "factor-sets?format=csv").await;
    let gas = "NY-STATE-2016,trueprice,direct,,Natural Gas,";
    assert!(factors.iter().any(|line| line.starts_with(gas) && line.contains(",473.035727")));
    let regions = csv(&caller, "regions?region=GB&format=csv").await;
    let line = regions.iter().find(|line| line.contains(",gb.intensity,NESO,1800,")).unwrap();
    assert!(line.starts_with("GB,Great Britain,Europe/London,GB,"), "{line}");
    assert!(line.contains(",1800,2025-01-15T00:00:00Z,2025-01-16T00:00:00Z,"), "{line}");
    let book = caller.get("/api/v1/regions?region=GB&format=xlsx").await.bytes().await.unwrap();
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(std::io::Cursor::new(book)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let place = regions[0].split(',').position(|name| name == "data_from").unwrap();
    let row = sheet.rows().find(|row| row[7] == Data::String("gb.intensity".to_owned())).unwrap();
    for instant in &row[place..place + 2] {
        assert!(matches!(instant, Data::DateTime(_)), "{instant:?}");
    }
}

#[tokio::test]
async fn figures_of_usage_are_strings_unless_numbers_are_asked_for() {
    let (server, caller) = served().await;
    let day = format!("/api/v1/usage/daily-summary/2025-01-15?meter={METER}");
    let text = async |path: &str| caller.get(path).await.text().await.unwrap();
    let (exact, float) = (text(&day).await, text(&format!("{day}&numbers=float")).await);
    for (member, digits) in [
        ("carbon_grams", "3741.903"),
        ("average_carbon_intensity", "172.4618"),
        ("total_energy_used", "21.697"),
        ("total_energy_cost_inc_vat", "314.6470"),
        ("standing_exc_vat", "44.2000"),
        ("perc", "32.91"),
    ] {
        assert!(exact.contains(&format!("\"{member}\":\"{digits}\"")), "{exact}");
        assert!(float.contains(&format!("\"{member}\":{digits}")), "{float}");
    }
    let list = "/api/v1/usage/daily-summary?from=2025-01-15&to=2025-01-20";
    let items = caller.ask(list).await.body["items"].clone();
    assert_eq!(items[0], serde_json::from_str::<Value>(&exact).unwrap());
    feed_examples::usage(&server.app.pool, "2025-01-16").await;
    for path in [&*day, list, &format!("{day}&format=csv"), &format!("{list}&format=csv")] {
        let tag = caller.get(path).await.headers()[ETAG].clone();
        let again = async || {
            let request = caller.request(Method::GET, path).header(IF_NONE_MATCH, &tag);
            request.send().await.unwrap().status()
        };
        assert_eq!(again().await, 304, "{path}");
        sqlx::query(
            "update usage_daily_summary set kwh = kwh + 1, grams_co2 = grams_co2 + 1, rev = rev + 1
             where local_date = '2025-01-15'",
        )
        .execute(&server.app.pool)
        .await
        .unwrap();
        assert_eq!(again().await, 200, "{path}");
    }
}

#[tokio::test]
async fn usage_is_a_file_with_a_record_for_each_day() {
    let (server, caller) = served().await;
    for day in 16..20 {
        feed_examples::usage(&server.app.pool, &format!("2025-01-{day}")).await;
    }
    let one = csv(&caller, "usage/daily-summary/2025-01-15?format=csv").await;
    assert_eq!(
        one[1],
        "2025-01-15,m0123456789ab,gb.intensity,NESO,Europe/London,3741.903,172.4618,21.697,314.647,299.6638,46.41,44.2,\
         \"{\"\"gas\"\":32.91,\"\"wind\"\":32.43}\",48,48,0,{},True,1"
    );
    let list = csv(&caller, "usage/daily-summary?from=2025-01-16&to=2025-01-18&format=csv").await;
    assert_eq!(list[0], one[0]);
    assert_eq!(list.len(), 4);
    assert!(list[3].starts_with("2025-01-18,"));
    let xlsx = caller.get("/api/v1/usage/daily-summary?from=2025-01-15&format=xlsx").await;
    assert_eq!(
        xlsx.headers()["content-disposition"],
        "attachment; filename=\"usage_2025-01-15_2025-01-15.xlsx\""
    );
    let stranger = server.caller(Role::ReadOnly).await;
    let nothing = csv(&stranger, "usage/daily-summary?from=2025-01-15&format=csv").await;
    assert_eq!(nothing.len(), 1, "those of others are no part of it");
}
