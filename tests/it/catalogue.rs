//! The catalogue: what there is, page by page, as it was known.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use trueprice::auth::Role;

use crate::{
    downloads_stored::{after, at, column, small, store},
    support::{Caller, TestServer},
};

async fn started() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    (server, caller)
}

async fn json_of(caller: &Caller, path: &str) -> Value {
    let answer = caller.get(path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    assert!(answer.headers().contains_key("x-known-at"), "{path}");
    answer.json().await.unwrap()
}

/// Three intraday versions of a day, known in another order than they are stamped, and a close.
async fn a_day(server: &TestServer) -> Vec<i64> {
    let mut ids = Vec::new();
    for (hour, known, cob) in [(9, 9, false), (11, 11, false), (10, 12, false), (16, 16, true)] {
        let mut version = small(at(3, 4, hour, 0), after(at(3, 4, known, 0)), cob);
        version.columns.push(column("=WEST", "7x8", &["1"]));
        ids.push(store(&server.app.pool, &version).await);
    }
    ids
}

#[tokio::test]
async fn validity_is_what_was_known_then() {
    let (server, caller) = started().await;
    let ids = a_day(&server).await;
    let validity = async |as_of: &str| {
        let path =
            format!("/api/v1/versions?curve=energy&iso=ercot&operating_day=2020-03-04{as_of}");
        let list = json_of(&caller, &path).await;
        let row = |item: &Value| (item["id"].clone(), item["valid_to"].clone());
        list["items"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let id = |place: usize| json!(ids[place].to_string());
    assert_eq!(
        validity("&as_of=2020-03-04T11:30:00Z").await,
        [(id(1), Value::Null), (id(0), json!("2020-03-04T11:00:00Z"))]
    );
    assert_eq!(
        validity("").await,
        [
            (id(3), Value::Null),
            (id(1), json!("2020-03-04T16:00:00Z")),
            (id(2), json!("2020-03-04T11:00:00Z")),
            (id(0), json!("2020-03-04T10:00:00Z")),
        ]
    );
    let one =
        json_of(&caller, &format!("/api/v1/versions/{}?as_of=2020-03-04T11:30:00Z", ids[0])).await;
    assert_eq!(one["valid_to"], "2020-03-04T11:00:00Z");
    let later =
        caller.get(&format!("/api/v1/versions/{}?as_of=2020-03-04T11:30:00Z", ids[3])).await;
    assert_eq!(later.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_are_complete_and_of_one_state() {
    let (server, caller) = started().await;
    let ids = a_day(&server).await;
    let mut path = "/api/v1/versions?curve=energy&iso=ercot&limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = caller.get(&path).await;
        let link = answer.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
        let page: Value = answer.json().await.unwrap();
        assert_eq!(page["next"].is_null(), link.is_none());
        seen.push(page["items"][0]["id"].as_str().unwrap().parse::<i64>().unwrap());
        let Some(link) = link else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
        // What comes in between is not on the pages that follow.
        let minute = u32::try_from(seen.len()).unwrap();
        let now = sqlx::query_scalar("select clock_timestamp()").fetch_one(&server.app.pool);
        store(&server.app.pool, &small(at(3, 4, 8, minute), now.await.unwrap(), false)).await;
    }
    assert_eq!(seen, [ids[3], ids[1], ids[2], ids[0]]);
}

#[tokio::test]
async fn every_list_reads() {
    let (server, caller) = started().await;
    a_day(&server).await;
    let data = "curve=energy&iso=ercot";
    let datasets = json_of(&caller, "/api/v1/datasets").await;
    // Forty-four of files, and headroom of five ISOs.
    assert_eq!(datasets["items"].as_array().unwrap().len(), 49);
    let dataset = json_of(&caller, "/api/v1/datasets/energy/ercot").await;
    assert_eq!(dataset["versions"], 4);
    assert_eq!(dataset["last_operating_day"], "2020-03-04");
    let before = json_of(&caller, "/api/v1/datasets/energy/ercot?as_of=2020-01-01T00:00:00Z").await;
    assert_eq!(before["versions"], 0);
    let series = json_of(&caller, &format!("/api/v1/series?{data}")).await;
    assert_eq!(series["items"][0]["load_zone"], "NORTH ZONE");
    assert_eq!(series["items"][0]["first_month"], "2020-03");
    let labels =
        json_of(&caller, &format!("/api/v1/labels?{data}&next=load_zone&block_type=7x8")).await;
    assert_eq!(labels["items"], json!([{"label": "load_zone", "value": "=WEST"}]));
    let id = series["items"][1]["id"].as_str().unwrap();
    let days = json_of(&caller, &format!("/api/v1/operating-days?{data}&series={id}")).await;
    assert_eq!(
        days["items"],
        json!([{"operating_day": "2020-03-04", "versions": 4, "cob": true, "noncob": true}])
    );
    let day = "operating_day=2020-03-04";
    let times = json_of(&caller, &format!("/api/v1/intraday-timestamps?{data}&{day}")).await;
    assert_eq!(times["items"][0]["timestamp"], "2020-03-04 16:00");
    assert_eq!(times["items"][0]["cob"], true);
    let offered = json_of(&caller, &format!("/api/v1/cob-availability?{data}&{day}")).await;
    assert_eq!(offered, json!({"cob": true, "noncob": true}));
    let curve = json_of(&caller, &format!("/api/v1/series/{id}/curve")).await;
    assert_eq!(curve["points"], json!([{"month": "2020-03", "value": 1}]));
}

#[tokio::test]
async fn lists_and_exports_are_files_for_spreadsheets_too() {
    let (server, caller) = started().await;
    a_day(&server).await;
    let text = async |path: &str| caller.get(path).await.text().await.unwrap();
    let labels = "/api/v1/labels?curve=energy&iso=ercot&next=load_zone&format=csv";
    assert_eq!(text(labels).await, "label,value\nload_zone,'=WEST\nload_zone,NORTH ZONE\n");
    assert!(text("/alluploads").await.starts_with(
        "File Name,ISO,Operating Day,Time Stamp,File Extension,COB(Y/N)\n\
         energy,ERCOT,2020-03-04,2020-03-04 16:00:00,csv,Y\n"
    ));
    let hours = text("/curves_catalog").await;
    assert_eq!(hours.lines().count(), 1 + 5 * 101 * 12);
    assert!(hours.contains("\nPJM,2024-02,336,232,128,696,192,504,464,232\n"));
    let book = caller.get("/api/v1/exports/components").await.bytes().await.unwrap();
    let mut book: calamine::Xlsx<_> = calamine::Reader::new(std::io::Cursor::new(book)).unwrap();
    let names = calamine::Reader::sheet_names(&book);
    assert_eq!(
        names,
        ["Energy", "Non-Energy", "Rec", "Line Loss", "Shaping", "Load Profile", "VLR"]
    );
    let sheet = calamine::Reader::worksheet_range(&mut book, "Energy").unwrap();
    assert_eq!(sheet.get((1, 4)).unwrap().to_string(), "=WEST");
}

#[tokio::test]
async fn what_is_not_known_is_refused() {
    let (server, caller) = started().await;
    for path in [
        "/api/v1/datasets?curve=energy",
        "/api/v1/series?curve=energy",
        "/api/v1/series?curve=all&iso=ercot",
        "/api/v1/labels?curve=energy&iso=ercot",
        "/api/v1/labels?curve=energy&iso=ercot&next=zone",
        "/api/v1/operating-days?curve=energy&iso=ercot&series=x",
        "/api/v1/versions?curve=energy&iso=ercot&limit=1001",
        "/api/v1/versions?curve=energy&iso=ercot&cursor=!",
        "/api/v1/versions?curve=energy&iso=ercot&operating_day_end=2020-01-01",
        "/api/v1/exports/uploads?as_of=2020-01-01",
        "/curves_catalog?iso=ercot",
    ] {
        assert_eq!(caller.get(path).await.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(caller.get("/api/v1/datasets/rec/miso").await.status(), StatusCode::NOT_FOUND);
    for path in ["/api/v1/datasets", "/api/v1/exports/uploads", "/curves_catalog", "/get_data"] {
        assert_eq!(server.anonymous().get(path).await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn lists_are_json_or_csv_and_say_so() {
    let (server, caller) = started().await;
    a_day(&server).await;
    let data = "curve=energy&iso=ercot";
    let accepting = async |path: &str, accept: &str| {
        let request = caller.request(reqwest::Method::GET, path);
        let answer = request.header(header::ACCEPT, accept).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let available = format!("/api/v1/cob-availability?{data}");
    for path in ["/api/v1/datasets", &available] {
        assert_eq!(accepting(path, "image/png").await.0, 406, "{path}");
        assert_eq!(accepting(path, "*/*").await.0, 200, "{path}");
    }
    assert_eq!(accepting(&available, "text/csv").await.1, "cob,noncob\nTrue,True\n");
    let paged = caller.get(&format!("{available}&limit=1")).await;
    assert_eq!(paged.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_next_page_is_asked_for_like_this_one() {
    let (server, caller) = started().await;
    a_day(&server).await;
    let path = "/api/v1/versions?curve=energy&iso=ercot&limit=2&format=csv";
    let answer = caller.get(path).await;
    let link = answer.headers()[header::LINK].to_str().unwrap().to_owned();
    assert!(link.starts_with(&format!("<{path}&cursor=")), "{link}");
}
