//! Attempts 2 and 18 to 22 of the table in `negative_routes.rs`: what comes with a file, and what
//! becomes of its texts on the way out.

use std::{
    collections::BTreeSet,
    io::{Cursor, Read as _},
    path::Path,
};

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, LOCATION, USER_AGENT},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use trueprice::auth::Role;

use crate::{
    auth::{Browser, PASSWORD, user},
    support::{Caller, Reply, TestServer, form},
};

const SCRIPT: &str = "<script>alert(1)</script>";

const LABELS: [&str; 14] = [
    "'",
    "' OR 1=1--",
    ";drop table series;--",
    "%27",
    "$(reboot)",
    SCRIPT,
    "\"quoted\"",
    "a, b",
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "{{7*7}}",
    "\u{e9}\u{202e}\u{1f4a9}",
];

/// A file with one column for each load zone.
fn zones(labels: &[&str]) -> Bytes {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let row = |name: &str, cell: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = (0..labels.len()).map(cell).collect();
        format!("{name},{}\n", cells.join(","))
    };
    let same = |text: &'static str| move |_: usize| text.to_owned();
    let mut text = row("Control Area", &same("ERCOT")) + &row("State", &same("TX"));
    text += &(row("Load Zone", &|n| quoted(labels[n])) + &row("Capacity Zone", &same("ALL")));
    text += &(row("Utility", &same("ALL")) + &row("Block Type", &same("7X24")));
    text += &(row("Cost Group", &same("Ancillaries")) + &row("Cost Component", &same("Adder")));
    text += &(row("", &same("")) + &row("Date", &|n| quoted(labels[n])));
    (text + &row("5/1/2024", &|n| format!("{n}.5"))).into()
}

const NAME: &str = "NonEnergy_ERCOT_20240510_101010.csv";

async fn stored(server: &TestServer) -> (Caller, Reply) {
    let caller = server.caller(Role::ReadWrite).await;
    let reply = caller.upload(NAME, zones(&LABELS)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    (caller, reply)
}

#[tokio::test]
async fn hostile_labels_come_back_as_they_were_sent() {
    let server = TestServer::start().await;
    let (caller, _) = stored(&server).await;
    let path = "/api/v1/labels?curve=nonenergy&iso=ercot&next=load_zone";
    let answer = caller.ask(path).await;
    let items = answer.body["items"].as_array().unwrap().iter();
    let found: BTreeSet<&str> = items.map(|item| item["value"].as_str().unwrap()).collect();
    assert_eq!(found, LABELS.into_iter().collect());
    for label in LABELS {
        let request = caller.request(Method::GET, "/api/v1/series");
        let query = [("curve", "nonenergy"), ("iso", "ercot"), ("load_zone", label)];
        let reply = Reply::of(request.query(&query).send().await.unwrap()).await;
        let items = reply.body["items"].as_array().map_or(0, Vec::len);
        assert!(reply.status == 400 || items == 1, "{label}: {}", reply.body);
    }
    // What cannot be a label is refused at its cell.
    let long = "x".repeat(40_000);
    for label in ["a\0b", "a\u{7}b", "a\nb", &long] {
        let reply = caller.upload(&NAME.replace("1010.csv", "1011.csv"), zones(&[label])).await;
        assert!(matches!(reply.status, 413 | 415 | 422), "{label:.10?}: {}", reply.body);
        assert!(!reply.body["errors"].as_array().unwrap().is_empty());
    }
}

/// Every file below a folder.
fn below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path().is_dir() {
            true => below(&entry.path(), found),
            false => _ = found.insert(entry.path().display().to_string()),
        }
    }
}

#[tokio::test]
async fn no_file_name_leads_out_of_the_store() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let long = format!("{}.csv", "x".repeat(300));
    let good = "Energy_ERCOT_20240603_080000.csv";
    let names = [
        "../x.csv",
        "..\\x.csv",
        "/etc/x.csv",
        "C:\\x.csv",
        "a/b.csv",
        "a\0b.csv",
        "a\r\nb.csv",
        "..",
        "",
        &long,
        &format!("../{good}"),
        &format!("..\\{good}"),
        &format!("/{good}"),
        &format!("a/{good}"),
        &format!("{good}\0"),
        &format!("{good}\r\nX-Evil: 1"),
    ];
    for name in names {
        for path in ["/api/v1/uploads", "/upload_csv"] {
            let reply = caller.send(path, &[(name, zones(&["A"]))]).await;
            assert_eq!(reply.status, 400, "{name:?} to {path}: {}", reply.body);
        }
        let body = form("file", &[(good, zones(&["A"]))]);
        let field =
            String::from_utf8(body).unwrap().replace("name=\"file\"", &format!("name=\"{name}\""));
        let reply = Reply::of(caller.form("/api/v1/uploads", field).send().await.unwrap()).await;
        assert_eq!(reply.status, 400, "{name:?} as the name of the field: {}", reply.body);
    }
    let mut files = BTreeSet::new();
    below(server.data_dir(), &mut files);
    let store = server.data_dir().join("documents").display().to_string();
    for file in &files {
        let name = file.rsplit('/').next().unwrap();
        assert!(file.starts_with(&store), "{file}");
        assert!(
            name.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{file} is named by its content"
        );
    }
    for name in ["x.csv", "b.csv", good] {
        assert!(!server.data_dir().parent().unwrap().join(name).exists());
    }
    assert_eq!(crate::support::store::stored(&server.app.pool).await.versions, 0);
}

#[tokio::test]
async fn no_text_breaks_out_of_a_header() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for name in
        ["a\u{e9}\u{2028}b.csv", "a;filename=b.csv", "a%0d%0aX-Evil:1.csv", "'a'.csv", "a,b=c.csv"]
    {
        let refused = caller.upload(name, "a").await;
        assert_eq!(refused.code(), "bad_filename", "{name}");
        let id = refused.body["upload_id"].as_str().unwrap();
        let answer = caller.get(&format!("/api/v1/uploads/{id}/document")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        let header = answer.headers()[CONTENT_DISPOSITION].to_str().unwrap().to_owned();
        let safe =
            header.strip_prefix("attachment; filename=\"").and_then(|rest| rest.strip_suffix('"'));
        let harmless = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!(safe.is_some_and(|safe| safe.chars().all(harmless)), "{header}");
        assert!(!answer.headers().contains_key("x-evil"));
    }
    user(&server, "ann@example.com", Role::ReadOnly).await;
    for wanted in ["/a\r\nX-Evil: 1", "/\u{e9}", "/a\"b", "/a\tb"] {
        let answer = Browser::new(&server).sign_in("ann@example.com", PASSWORD, wanted).await;
        let place = answer.headers()[LOCATION].as_bytes();
        assert!(place.iter().all(|byte| (0x21..0x7f).contains(byte)), "{place:?}");
        assert!(!answer.headers().contains_key("x-evil"));
    }
    let sent_on = Browser::new(&server).get("/account?a=%0d%0aX-Evil:1%C3%A9").await;
    assert!(sent_on.headers()[LOCATION].as_bytes().iter().all(|byte| (0x21..0x7f).contains(byte)));
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let view = [("name", "a\r\nX-Evil: 1"), ("query", "load_zone=\u{e9}%0d%0aX-Evil:1")];
    let saved = ann.account_form("/curves/views", &view).await;
    assert!(!saved.headers().contains_key("x-evil"));
    if let Some(place) = saved.headers().get(LOCATION) {
        assert!(place.as_bytes().iter().all(|byte| (0x21..0x7f).contains(byte)), "{place:?}");
    }
}

/// Whether a spreadsheet would take a text for a formula.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '@', '\t', '\r'])
        || text.starts_with('-') && text.parse::<f64>().is_err() && text != "-"
}

#[tokio::test]
async fn no_label_becomes_a_formula() {
    let server = TestServer::start().await;
    let (caller, _) = stored(&server).await;
    let data = "/api/v1/data?curve=nonenergy&iso=ercot&start=2024-05&end=2024-05";
    for path in [
        format!("{data}&layout=wide"),
        format!("{data}&layout=long"),
        "/api/v1/labels?curve=nonenergy&iso=ercot&next=load_zone".to_owned(),
        "/api/v1/series?curve=nonenergy&iso=ercot".to_owned(),
    ] {
        let path = format!("{path}&format=csv");
        let answer = caller.get(&path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let bytes = answer.bytes().await.unwrap();
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
        let mut quoted = 0;
        for record in reader.byte_records() {
            for field in &record.unwrap() {
                let field = String::from_utf8_lossy(field);
                assert!(!is_formula(&field), "{path}: {field:?}");
                quoted += usize::from(field.starts_with("'="));
            }
        }
        assert!(quoted > 0, "{path} has the label");
    }
    for path in [format!("{data}&layout=wide&format=xlsx"), "/api/v1/exports/components".to_owned()]
    {
        let book = caller.get(&path).await.bytes().await.unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
        let mut labels = 0;
        for place in 0..archive.len() {
            let mut part = String::new();
            let mut entry = archive.by_index(place).unwrap();
            if entry.read_to_string(&mut part).is_ok() {
                assert!(!part.contains("<f>") && !part.contains("<f "), "{path} has a formula");
                labels += part.matches("=1+1<").count();
            }
        }
        assert!(labels > 0, "{path} has the label as text");
    }
}

#[tokio::test]
async fn parameters_are_counted() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadOnly).await;
    let status = async |path: String| caller.get(&path).await.status().as_u16();
    // No client of ours sends so long an address.
    let host = server.base().trim_start_matches("http://");
    let (mut answers, mut sender) = TcpStream::connect(host).await.unwrap().into_split();
    let head = format!("GET /api/v1/me?{} HTTP/1.1\r\nHost: a\r\n\r\n", "a&".repeat(100_000));
    // The server hangs up before it has all of it.
    tokio::spawn(async move { sender.write_all(head.as_bytes()).await });
    let mut answer = [0; 12];
    answers.read_exact(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(["HTTP/1.1 414", "HTTP/1.1 431"].contains(&&*answer), "{answer}");
    assert_eq!(status(format!("/api/v1/me?{}", "a&".repeat(1_001))).await, 400);
    let form = |count: usize| {
        let request = server.anonymous().request(Method::POST, "/login");
        let kind = "application/x-www-form-urlencoded";
        request.header("content-type", kind).body("a&".repeat(count)).send()
    };
    assert_eq!(form(100_000).await.unwrap().status().as_u16(), 413);
    assert_eq!(form(30_000).await.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn no_stored_text_becomes_markup() {
    let server = TestServer::start().await;
    let (caller, reply) = stored(&server).await;
    let upload = reply.body["upload_id"].as_str().unwrap().to_owned();
    let refused = caller.upload("<script>alert(1)<script>.csv", "a").await;
    let refused = refused.body["upload_id"].as_str().unwrap().to_owned();
    sqlx::query("update app_user set email = $1 || email")
        .bind(SCRIPT)
        .execute(&server.app.pool)
        .await
        .unwrap();
    user(&server, "ann@example.com", Role::Admin).await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let view = [("name", SCRIPT), ("query", "")];
    assert_eq!(ann.account_form("/curves/views", &view).await.status(), StatusCode::SEE_OTHER);
    let token = [("name", SCRIPT), ("scopes", "read")];
    assert_eq!(ann.account_form("/account/tokens", &token).await.status(), StatusCode::CREATED);
    sqlx::query("update user_session set user_agent = $1")
        .bind(SCRIPT)
        .execute(&server.app.pool)
        .await
        .unwrap();
    let routes = server.routes(&server.caller(Role::Admin).await).await;
    let pages = routes.iter().filter(|route| route.reads() && !route.template.contains('{'));
    let pages = pages.map(|route| route.template.clone());
    let more = [
        format!("/uploads/{upload}"),
        format!("/uploads/{refused}"),
        "/curves?curve=nonenergy&iso=ercot".to_owned(),
        "/curves/versions?curve=nonenergy&iso=ercot".to_owned(),
        "/download?curve=nonenergy&iso=ercot".to_owned(),
        format!("/login?return_to=/{SCRIPT}"),
        format!("/account?{SCRIPT}={SCRIPT}"),
        format!("/{SCRIPT}"),
    ];
    let mut shown = Vec::new();
    for path in pages.chain(more) {
        let request = ann.request(Method::GET, &path).header(USER_AGENT, SCRIPT);
        let answer = request.send().await.unwrap();
        let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(!policy.contains("unsafe") && policy.contains("script-src 'self'"), "{path}");
        let kind = answer.headers().get("content-type").cloned();
        let text = answer.text().await.unwrap();
        if kind.is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html")) {
            assert!(!text.contains("<script>alert"), "{path}: {text}");
            shown.extend(text.contains("alert(1)").then_some(path));
        }
    }
    for page in ["/account", "/curves/views", "/uploads"] {
        assert!(shown.iter().any(|path| path == page), "{page} shows none of it: {shown:?}");
    }
    assert!(shown.len() > 6, "{shown:?}");
}
