//! The pages as a browser without scripts sees them.

use reqwest::{Method, StatusCode, multipart};
use trueprice::{
    auth::Role,
    db::{pages, snapshot::Snapshot},
    domain::{Dataset, Family, Iso},
};

use crate::support::{Caller, TestServer};

/// A small file of one zone: two months, three strips.
fn file(first: &str) -> String {
    let labels = [
        ("Control Area", ["ERCOT"; 3]),
        ("State", ["TX"; 3]),
        ("Load Zone", ["NORTH ZONE"; 3]),
        ("Capacity Zone", ["NORTH ZONE"; 3]),
        ("Utility", ["-"; 3]),
        ("Block Type", ["5x16", "2x16", "7x8"]),
        ("Cost Group", ["Energy"; 3]),
        ("Cost Component", ["Energy"; 3]),
    ];
    let labels = labels.map(|(label, values)| format!("{label},{}\n", values.join(","))).concat();
    format!("{labels}Month,,,\n6/1/2023,{first},31.50,#N/A\n7/1/2023,41.00,32.00,21.00\n")
}

async fn upload(caller: &Caller, name: &'static str, text: String) -> (StatusCode, String) {
    let part = multipart::Part::text(text).file_name(name);
    let form = multipart::Form::new().part("file", part);
    let request = caller.request(Method::POST, "/upload").multipart(form);
    let answer = request.header("Accept", "text/html").send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn page(caller: &Caller, path: &str) -> String {
    let request = caller.request(Method::GET, path).header("Accept", "text/html");
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

#[tokio::test]
async fn empty_pages_say_what_to_do_next() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    assert!(page(&caller, "/").await.contains("Nothing was uploaded yet."));
    assert!(page(&caller, "/uploads").await.contains("Nothing was uploaded yet."));
    assert!(page(&caller, "/curves").await.contains("There is no ERCOT energy curve yet."));
    assert!(page(&caller, "/download").await.contains("There is no such curve yet."));
}

#[tokio::test]
async fn every_file_that_a_page_names_is_served_and_no_page_has_scripts_or_styles_inside() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    upload(&caller, "Energy_ERCOT_20230522_082540.csv", file("40.25")).await;
    for path in
        ["/", "/upload", "/uploads", "/curves", "/curves/versions", "/curves/views", "/download"]
    {
        let html = page(&caller, path).await;
        for name in html.split("\"/static/").skip(1) {
            let name = name.split('"').next().unwrap_or_default();
            let answer = caller.get(&format!("/static/{name}")).await;
            assert_eq!(answer.status(), StatusCode::OK, "{name} of {path}");
        }
        for forbidden in [" style=", "<style", " onclick=", "<script>"] {
            assert!(!html.contains(forbidden), "{forbidden} in {path}");
        }
    }
}

#[tokio::test]
async fn a_file_sent_by_the_form_is_reported_logged_and_shown() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let sent = upload(&caller, "Energy_ERCOT_20230522_082540.csv", file("40.25")).await;
    assert_eq!(sent.0, StatusCode::CREATED, "{}", sent.1);
    assert!(sent.1.contains("Stored"), "{}", sent.1);
    assert!(page(&caller, "/").await.contains("2023-05-22"));
    let log = page(&caller, "/uploads?iso=ercot&curve=&outcome=stored&file=_0825&day=").await;
    assert!(log.contains("Energy_ERCOT_20230522_082540.csv"));
    assert!(page(&caller, "/uploads?iso=pjm").await.contains("No upload matches."));
    let curves = page(&caller, "/curves/versions").await;
    assert!(curves.contains("40.25") && curves.contains("missing: #N/A"), "{curves}");
    let market = page(&caller, "/curves?block=5x16").await;
    assert!(market.contains("40.25") && market.contains("ERCOT NORTH ZONE 5x16"), "{market}");
}

#[tokio::test]
async fn a_refused_file_names_its_cell_and_stores_nothing() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let sent = upload(&caller, "Energy_ERCOT_20230522_082540.csv", file("<b>soon")).await;
    assert_eq!(sent.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(sent.1.contains("Refused") && sent.1.contains(">B10<"), "{}", sent.1);
    assert!(!sent.1.contains("<b>soon"), "a cell's text became markup");
    assert!(page(&caller, "/curves").await.contains("There is no ERCOT energy curve yet."));
}

#[tokio::test]
async fn two_versions_stand_side_by_side_with_their_difference() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    upload(&caller, "Energy_ERCOT_20230522_082540.csv", file("40.00")).await;
    upload(&caller, "Energy_ERCOT_20230522_092540.csv", file("50.00")).await;
    let curves = page(&caller, "/curves/versions?curve=energy&iso=ercot").await;
    let link = curves.split("href=\"").find(|link| link.contains("compare=")).unwrap();
    let link = link.split('"').next().unwrap_or_default().replace("&#38;", "&");
    let compared = page(&caller, &link).await;
    assert!(compared.contains("+10.00") && compared.contains("+25.00%"), "{compared}");
}

#[tokio::test]
async fn what_came_after_the_cut_off_is_on_no_page() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    upload(&caller, "Energy_ERCOT_20230522_082540.csv", file("40.00")).await;
    let dataset = Dataset::new(Family::Energy, Iso::Ercot).unwrap();
    let pool = &server.app.pool;
    let first = Snapshot::begin(pool, None, &[dataset], None).await.unwrap();
    let as_of = first.view.known_at;
    first.finish().await.unwrap();
    upload(&caller, "Energy_ERCOT_20230523_092540.csv", file("50.00")).await;
    let count = async |as_of| {
        let mut snapshot = Snapshot::begin(pool, None, &[dataset], as_of).await.unwrap();
        let newest = pages::newest_versions(&mut snapshot).await.unwrap();
        let days = pages::operating_days(&mut snapshot, &[dataset.id()], 9).await.unwrap();
        let (day, last) = (newest[0].operating_day, days[0].day);
        let versions = pages::versions_until(&mut snapshot, dataset, last, 9).await.unwrap();
        assert_eq!(pages::versions_of_day(&mut snapshot, dataset, day).await.unwrap().len(), 1);
        let third = "2023-05-23".parse().unwrap();
        let late = pages::versions_of_day(&mut snapshot, dataset, third).await.unwrap();
        (days.len(), versions.len(), late.len())
    };
    assert_eq!(count(Some(as_of)).await, (1, 1, 0));
    assert_eq!(count(None).await, (2, 2, 1));
}

#[tokio::test]
async fn a_reader_is_not_let_to_the_upload_page() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    assert!(!page(&caller, "/").await.contains("href=\"/upload\""));
    assert_eq!(caller.get("/upload").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_log_is_for_those_who_upload_and_files_for_whoever_sent_them() {
    let server = TestServer::start().await;
    let [ann, bob, admin, reader] = [Role::ReadWrite, Role::ReadWrite, Role::Admin, Role::ReadOnly];
    let (ann, bob) = (server.caller(ann).await, server.caller(bob).await);
    let (admin, reader) = (server.caller(admin).await, server.caller(reader).await);
    upload(&ann, "Energy_ERCOT_20230522_082540.csv", file("40.25")).await;
    let log = page(&ann, "/uploads").await;
    let link = log.split("href=\"").find(|link| link.starts_with("/uploads/")).unwrap();
    let link = link.split('"').next().unwrap_or_default();
    let gone = ann.request(Method::GET, "/uploads/17").header("Accept", "text/html").send().await;
    let gone = gone.unwrap().text().await.unwrap();
    assert!(gone.contains("href=\"/uploads\">Go to the upload log"), "{gone}");
    for path in ["/uploads", link] {
        assert_eq!(reader.get(path).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["/", "/curves", "/download"] {
        let html = page(&reader, path).await;
        assert!(!html.contains("=\"/upload") && !html.contains("Last uploads"), "{path}: {html}");
    }
    assert!(page(&bob, "/").await.contains("Last uploads"));
    for (caller, offered) in [(&ann, true), (&bob, false), (&admin, true)] {
        assert_eq!(page(caller, link).await.contains("/document\""), offered);
    }
}

#[tokio::test]
async fn pages_refuse_what_they_do_not_know() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for path in ["/?a=1", "/uploads?outcome=lost", "/curves?iso=caiso", "/download?strips=5x16"] {
        assert_eq!(caller.get(path).await.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let form = caller.get("/download?strips=5x16").await.text().await.unwrap();
    assert!(form.contains("did you mean strip?") && form.contains("id=\"curve\""), "{form}");
    for path in ["/uploads/17", "/curves?version=17&iso=ercot", "/curves?curve=rec&iso=miso"] {
        let status = caller.get(path).await.status();
        let empty = status == StatusCode::OK && path.contains("version");
        assert!(empty || status == StatusCode::NOT_FOUND, "{path}: {status}");
    }
}

#[tokio::test]
async fn the_lists_beside_a_download_are_there() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    upload(&caller, "Energy_ERCOT_20230522_082540.csv", file("40.25")).await;
    let text = page(&caller, "/download").await;
    for list in
        ["exports/components\"", "exports/uploads\"", "/curves_catalog\"", "reference-hours?"]
    {
        let (_, rest) = text.split_once(list).unwrap_or_else(|| panic!("{list} is no link"));
        assert!(rest.contains(" download"), "{list}");
    }
    for path in text.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"')) {
        let path = path.0.replace("&amp;", "&").replace("&#38;", "&");
        if path.starts_with("/api/v1/") || path == "/curves_catalog" {
            assert_eq!(caller.get(&path).await.status(), 200, "{path}");
        }
    }
}
