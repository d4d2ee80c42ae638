//! Files and senders that mean harm: refused for what they are, within bounded memory, without a
//! panic. Accepted files at the limits are measured too.

use std::{
    cell::Cell,
    fs,
    io::{Cursor, Read as _, Write as _},
    path::Path,
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use proptest::{
    prelude::*,
    test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::Value;
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use trueprice::{
    auth::Role,
    clock::Clock,
    db::pool,
    domain::{CurveFileName, ValueBand},
    grid::{Limits, zip::Archive},
    ingestors::{self, Context, Reading},
};

use crate::support::{
    Caller, Home, Program, Reply, TestServer, User,
    accounts::Account,
    address, empty_database, files, form,
    store::{assert_sound, logged, stored},
    twin::twin,
};

const MIB: u64 = 1 << 20;

/// A figure of the process in bytes: `VmRSS` is what it has, `VmHWM` the most it had.
fn memory(process: u32, figure: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).unwrap();
    let kibibytes: u64 = line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap();
    kibibytes << 10
}

/// Forgets the most that the process had.
fn forget_most(process: u32) {
    fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
}

async fn running(home: &Home) -> (Program, Caller, PgPool) {
    let pool = empty_database().await;
    pool::migrate(&pool).await.unwrap();
    let mut command = home.command(&["serve"]);
    command.env("DATABASE_URL", address(&pool));
    let program = Program::start(command).await;
    let account = Account::insert(&pool, &Clock::system(), Role::ReadWrite).await;
    let caller = program.anonymous().with_token(&account.token);
    (program, caller, pool)
}

fn is_open(case: &Value, member: &str) -> bool {
    case["open"].as_array().is_some_and(|open| open.iter().any(|open| open == member))
}

/// What may be used of memory: 100 MiB for what is refused; for what is accepted ten times its
/// size and 64 MiB.
fn allowed(case: &Value, bytes: u64) -> u64 {
    if case["status"] == 201 { 10 * bytes + 64 * MIB } else { 100 * MIB }
}

fn differs(case: &Value, reply: &Reply) -> bool {
    let is_other = |member: &str, found: Value| !is_open(case, member) && case[member] != found;
    let results: Option<Vec<(u64, &str)>> = case["results"].as_array().map(|results| {
        results
            .iter()
            .map(|r| (r["status"].as_u64().unwrap(), r["code"].as_str().unwrap()))
            .collect()
    });
    let found = || {
        let mut found: Vec<_> = reply.results().iter().map(|r| (r.1, r.2)).collect();
        found.sort_unstable();
        found
    };
    reply.status >= 500
        || is_other("status", reply.status.into())
        || is_other("code", reply.body["code"].clone())
        || case.get("stats").is_some_and(|stats| *stats != reply.body["stats"])
        || results.is_some_and(|mut results| {
            results.sort_unstable();
            results != found()
        })
}

#[tokio::test]
async fn large_and_hostile_files_get_their_answer_within_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let script = files::repository("good_test_data/generate.py");
    let made = tokio::process::Command::new("python3")
        .args([script.as_path(), Path::new("--big"), folder.path()])
        .status();
    assert!(made.await.unwrap().success());
    let home = Home::of(User::Same);
    let (program, caller, pool) = running(&home).await;
    let expected: Value =
        serde_json::from_slice(&fs::read(folder.path().join("expected.json")).unwrap()).unwrap();
    let length = |case: &Value| {
        fs::metadata(folder.path().join(case["file"].as_str().unwrap())).unwrap().len()
    };
    let mut cases = expected["cases"].as_array().unwrap().clone();
    // What a large file leaves to the allocator must not hide what a small one takes.
    cases.sort_by_key(|case| (case["status"] == 201, length(case)));
    let mut wrong = Vec::new();
    for case in &cases {
        let text = |member: &str| case[member].as_str().unwrap();
        let bytes = Bytes::from(fs::read(folder.path().join(text("file"))).unwrap());
        let before = stored(&pool).await;
        forget_most(program.process());
        let had = memory(program.process(), "VmHWM");
        let reply = caller.upload(text("upload_as"), bytes.clone()).await;
        let grown = memory(program.process(), "VmHWM").saturating_sub(had);
        println!("{}: {} MiB", text("file"), grown / MIB);
        if differs(case, &reply) {
            wrong.push(format!("{case}\n  {}", reply.body));
        }
        if grown > allowed(case, bytes.len() as u64) {
            wrong.push(format!("{}: {} MiB", text("file"), grown / MIB));
        }
        if case["status"].as_u64().is_some_and(|status| status >= 400) {
            assert_eq!(stored(&pool).await, before, "{case}");
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(caller.get("/readyz").await.status(), 200);
}

/// A form with a file of so many MiB.
fn of_length(mebibytes: usize) -> Bytes {
    let mut bytes = b"Control Area,ERCOT\n".to_vec();
    bytes.resize(mebibytes << 20, b',');
    form("file", &[("NonEnergy_ERCOT_20240510_101010.csv", bytes.into())]).into()
}

#[tokio::test]
async fn a_file_that_is_too_long_is_refused_with_and_without_its_length() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    // One MiB too long, much too long, and longer than any request may be.
    for mebibytes in [33, 60, 90] {
        let body = of_length(mebibytes);
        let pieces = body.chunks(64 << 10).map(Bytes::copy_from_slice).map(Ok::<_, std::io::Error>);
        let pieces: Vec<_> = pieces.collect();
        for body in [reqwest::Body::from(body), reqwest::Body::wrap_stream(stream::iter(pieces))] {
            let reply = Reply::of(caller.form("/api/v1/uploads", body).send().await.unwrap()).await;
            assert_eq!(reply.outcome(), (413, "too_large"), "{mebibytes} MiB");
            let (limit, measured) = (&reply.body["limit"], &reply.body["measured"]);
            assert!(measured.as_u64().unwrap() > limit.as_u64().unwrap());
        }
    }
    assert_eq!(stored(&server.app.pool).await.versions, 0);
    let small = caller.upload("readme.txt", "hello").await;
    assert_eq!(small.outcome(), (400, "bad_filename"), "the server goes on");
}

/// The head of a request that announces more than ever comes.
fn head(server: &TestServer, token: &str, length: usize) -> String {
    format!(
        "POST /api/v1/uploads HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"NonEnergy_ERCOT_20240510_101010.csv\"\r\n\r\nControl Area,ERC",
        server.base().trim_start_matches("http://")
    )
}

#[tokio::test]
async fn who_stops_sending_is_cut_off_and_leaves_nothing() {
    let server =
        TestServer::start_with(|config| config.upload_idle = Duration::from_millis(200), None)
            .await;
    let token = server.account(Role::ReadWrite).await.token;
    let mut socket = TcpStream::connect(server.base().trim_start_matches("http://")).await.unwrap();
    socket.write_all(head(&server, &token, 5000).as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = socket.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(logged(&server.app.pool).await, 0);
}

#[tokio::test]
async fn who_sends_a_byte_now_and_then_is_cut_off_in_the_end() {
    let idle = Duration::from_millis(500);
    let server = TestServer::start_with(|config| config.upload_idle = idle, None).await;
    let token = server.account(Role::ReadWrite).await.token;
    let mut socket = TcpStream::connect(server.base().trim_start_matches("http://")).await.unwrap();
    socket.write_all(head(&server, &token, 5000).as_bytes()).await.unwrap();
    let (mut answers, mut body) = socket.split();
    let mut answer = vec![0; 4096];
    let dribble = async {
        loop {
            tokio::time::sleep(idle / 5).await;
            if body.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let length = tokio::select! {
        length = answers.read(&mut answer) => length.unwrap(),
        () = dribble => 0,
    };
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(logged(&server.app.pool).await, 0);
}

#[tokio::test]
async fn who_goes_away_in_the_middle_leaves_nothing_and_frees_the_turn() {
    let server = TestServer::start().await;
    let account = server.account(Role::ReadWrite).await;
    let address = server.base().trim_start_matches("http://").to_owned();
    // More than there are turns.
    for _ in 0..40 {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(head(&server, &account.token, 5000).as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
    }
    let caller = server.anonymous().with_token(&account.token);
    let reply = caller.upload("readme.txt", "hello").await;
    assert_eq!(reply.outcome(), (400, "bad_filename"));
    assert_eq!(logged(&server.app.pool).await, 1);
    assert_sound(&server.app.pool, &server.app.documents).await;
}

/// A good workbook in whose parts `from` has become `to`.
fn patched(from: &str, to: &str) -> Vec<u8> {
    let text = "Control Area,PJM\nState,PA\nLoad Zone,NORTH\nCapacity Zone,NORTH\nUtility,ALL\n\
        Block Type,7x24\nCost Group,Ancillaries\nCost Component,Adder\n,\nDate,Adder\n1/1/2024,1.5\n";
    let mut source = zip::ZipArchive::new(Cursor::new(twin(text.as_bytes()))).unwrap();
    let mut target = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut found = false;
    for index in 0..source.len() {
        let mut part = source.by_index(index).unwrap();
        let (name, mut xml) = (part.name().unwrap().into_owned(), String::new());
        part.read_to_string(&mut xml).unwrap();
        found |= xml.contains(from);
        target.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        target.write_all(xml.replace(from, to).as_bytes()).unwrap();
    }
    assert!(found, "{from}");
    target.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_nul_is_refused_wherever_it_stands() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let name = "NonEnergy_PJM_20240510_101010.xlsx";
    let mut wrong = Vec::new();
    for text in ["NO\0RTH", "NO&#0;RTH", "NO&#x0;RTH", "NO_x0000_RTH", "NO&#1;RTH", "NO_x0001_RTH"]
    {
        let reply = caller.upload(name, patched("NORTH", text)).await;
        if !matches!(reply.outcome(), (415, "not_xlsx" | "bad_encoding") | (422, "label_invalid")) {
            wrong.push(format!("label {text:?}: {}", reply.body));
        }
    }
    for text in ["1.\x005", "1.5&#0;", "&#0;", "x\0"] {
        let reply = caller.upload(name, patched("<v>1.5</v>", &format!("<v>{text}</v>"))).await;
        if !(400..500).contains(&reply.status) {
            wrong.push(format!("value {text:?}: {}", reply.body));
        }
    }
    for name in ["filename=\"a\0b.csv\"", "filename*=UTF-8''a%00b.csv", "filename=\"a%00b.csv\""] {
        let part = form("file", &[("NAME", Bytes::from_static(b"x"))]);
        let head = b"filename=\"NAME\"";
        let at = part.windows(head.len()).position(|window| window == head).unwrap();
        let body = [&part[..at], name.as_bytes(), &part[at + head.len()..]].concat();
        let reply = Reply::of(caller.form("/api/v1/uploads", body).send().await.unwrap()).await;
        if reply.status != 400 {
            wrong.push(format!("{name:?}: {}", reply.body));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(stored(&server.app.pool).await.versions, 0);
}

fn read(name: &str, bytes: &[u8]) -> Reading {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let name = CurveFileName::parse(name, chrono_tz::Tz::UTC, now).unwrap();
    ingestors::read(bytes, &Context { name, bands: &[ValueBand::energy()] }, &Limits::default())
}

/// The same cases on every run.
fn runner(cases: u32) -> TestRunner {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(Cases { cases, failure_persistence: None, ..Cases::default() }, seed)
}

/// Where, what to do, and with which byte.
fn damages() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<u8>()), 1..12)
}

fn damaged(bytes: &[u8], damages: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, what, byte) in damages {
        let at = place.index(bytes.len());
        match what {
            0 => bytes[at] ^= byte | 1,
            1 => bytes.insert(at, *byte),
            _ => _ = bytes.remove(at),
        }
    }
    bytes
}

#[test]
fn damaged_files_are_read_or_refused_and_never_panic() {
    let good = files::repository("good_test_data/good");
    for (name, cases) in [
        ("Energy_ERCOT_20240603_080000.csv", 150),
        ("Energy_ERCOT_20240603_080000.xlsx", 100),
        ("REC_ERCOT_20240506_142300.csv", 100),
        ("NonEnergy_MISO_20240531_101010.csv", 100),
        ("REC_NYISO_20240506_142700.xlsx", 50),
        ("PTC_ISONE_20240603_071500.csv", 100),
        ("Matrix_PJM_20240603_073000.csv", 100),
        ("LoadProfile_PJM_20240603_060000.csv", 50),
        ("Shaping_ISONE_20240603_060000.csv", 50),
        ("Vlr_MISO_20240603_060000.csv", 50),
        ("LineLoss_ISONE_20240603_060000.csv", 100),
    ] {
        let bytes = fs::read(good.join(name)).unwrap();
        let whole = read(name, &bytes);
        assert!(whole.curve.is_some());
        let refused = Cell::new(0);
        let tried = runner(cases).run(&damages(), |damages| {
            let reading = read(name, &damaged(&bytes, &damages));
            refused.set(refused.get() + i32::from(reading.findings.has_errors()));
            // Either a curve or at least one error, never both and never neither.
            prop_assert_eq!(reading.curve.is_some(), !reading.findings.has_errors());
            Ok(())
        });
        tried.unwrap();
        assert!(refused.get() > 0, "{name}: some damage is noticed");
    }
    let archive = fs::read(good.join("folders_and_leftovers.Zip")).unwrap();
    let limits = Limits::default();
    let opened = runner(150).run(&damages(), |damages| {
        let bytes = damaged(&archive, &damages);
        if let Ok(mut archive) = Archive::open(&bytes, &limits) {
            for index in 0..archive.names().len() {
                _ = archive.bytes(index, &limits);
            }
        }
        Ok(())
    });
    opened.unwrap();
}

/// One value cell as a file may have it: plain, money, percent, missing, dash.
fn cell() -> impl Strategy<Value = String> {
    let cents = -99_999_999_i64..=99_999_999;
    let decimal = cents.prop_map(|cents| {
        format!(
            "{}{}.{:02}",
            if cents < 0 { "-" } else { "" },
            cents.abs() / 100,
            cents.abs() % 100
        )
    });
    prop_oneof![
        8 => decimal.clone(),
        1 => decimal.clone().prop_map(|text| match text.strip_prefix('-') {
            Some(text) => format!("-${text}"),
            None => format!("${text} "),
        }),
        1 => decimal.prop_map(|text| format!("{text}%")),
        1 => Just("#N/A".to_owned()),
        1 => Just(String::new()),
        1 => Just(" -   ".to_owned()),
    ]
}

/// A wide file of up to six columns and fourteen months.
fn wide() -> impl Strategy<Value = String> {
    let grids = (1..6_usize, 1..14_usize).prop_flat_map(|(columns, rows)| {
        prop::collection::vec(prop::collection::vec(cell(), columns), rows)
    });
    grids.prop_map(|grid| {
        let columns = grid[0].len();
        let row = |label: &str, cell: &dyn Fn(usize) -> String| {
            let cells: Vec<String> = (0..columns).map(cell).collect();
            format!("{label},{}\n", cells.join(","))
        };
        let same = |text: &'static str| move |_: usize| text.to_owned();
        let zone = |n: usize| format!("ZONE {n}");
        let mut text = row("Control Area", &same("PJM")) + &row("State", &same("0"));
        text += &(row("Load Zone", &zone)
            + &row("Capacity Zone", &zone)
            + &row("Utility", &same("ALL")));
        text += &(row("Block Type", &same("7X24")) + &row("Cost Group", &same("Ancillaries")));
        text +=
            &(row("Cost Component", &same("Adder")) + &row("", &same("")) + &row("Date", &zone));
        for (month, cells) in grid.iter().enumerate() {
            let date = format!("{}/1/{}", month % 12 + 1, 2024 + month / 12);
            // The first month has a value in each column: an empty column is an error.
            text += &row(&date, &|n| if month == 0 { format!("{n}.5") } else { cells[n].clone() });
        }
        text
    })
}

#[test]
fn a_file_and_its_workbook_hold_equal_points() {
    let equal = runner(60).run(&wide(), |text| {
        let first = read("NonEnergy_PJM_20240510_101010.csv", text.as_bytes());
        let second = read("NonEnergy_PJM_20240510_101010.xlsx", &twin(text.as_bytes()));
        let (Some(csv), Some(xlsx)) = (first.curve, second.curve) else {
            return Err(TestCaseError::fail(format!("{:?} {:?}", first.findings, second.findings)));
        };
        prop_assert_eq!(csv.axis, xlsx.axis);
        prop_assert_eq!(first.stats, second.stats);
        for (csv, xlsx) in csv.series.iter().zip(&xlsx.series) {
            prop_assert_eq!(&csv.key, &xlsx.key);
            prop_assert_eq!((&csv.numbers, &csv.notations), (&xlsx.numbers, &xlsx.notations));
        }
        Ok(())
    });
    equal.unwrap();
}
