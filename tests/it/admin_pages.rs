//! What administrators run the house with: everybody's credentials, uploads, jobs, logs; and that
//! nobody else gets at them.

use reqwest::{
    Method, StatusCode,
    header::{LINK, LOCATION},
};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, postgres::PgListener};
use tracing_subscriber::{
    filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use trueprice::{auth::Role, clock::Clock, headroom::catch_up, telemetry::lines::Keeper};

use crate::{
    auth::{Browser, PASSWORD, user},
    headroom::{EXAMPLE, MATRIX, PTC, TOTAL, matrix, ptc, publish},
    support::{
        Caller, Chrome, Home, Program, Reply, TestServer, User, accounts::Account, files, until,
    },
};

/// Keeps the log lines of this process, as a server does that runs by itself.
pub fn keep_lines() {
    let keeper = Keeper::new(Clock::system());
    // Another test may have done so.
    _ = tracing_subscriber::registry().with(LevelFilter::INFO).with(keeper).try_init();
}

/// Who may ask for what: status for `read_only`, `read_write`, `admin`. `{own}` is an upload of the
/// `read_write` user, `{other}` one of the administrator's whose dataset nobody has a grant for.
const ROUTES: [(&str, &str, [u16; 3]); 31] = [
    ("GET", "/api/v1/uploads", [403, 200, 200]),
    ("GET", "/api/v1/uploads/{own}", [403, 200, 200]),
    ("GET", "/api/v1/uploads/{own}/document", [403, 200, 200]),
    ("GET", "/api/v1/uploads/{own}/report", [403, 200, 200]),
    ("GET", "/api/v1/uploads/{other}", [403, 404, 200]),
    ("GET", "/api/v1/uploads/{other}/document", [403, 404, 200]),
    ("GET", "/api/v1/uploads/{other}/report", [403, 404, 200]),
    ("POST", "/api/v1/uploads", [403, 415, 415]),
    ("POST", "/upload_csv", [403, 415, 415]),
    ("GET", "/upload", [403, 200, 200]),
    ("GET", "/uploads", [403, 200, 200]),
    ("GET", "/uploads/{own}", [403, 200, 200]),
    ("GET", "/uploads/{other}", [403, 404, 200]),
    ("GET", "/admin/uploads", [403, 403, 200]),
    ("GET", "/api/v1/jobs", [403, 403, 200]),
    ("POST", "/api/v1/jobs", [403, 403, 415]),
    ("POST", "/api/v1/jobs/headroom-1/retry", [403, 403, 404]),
    ("GET", "/admin/jobs", [403, 403, 200]),
    ("POST", "/admin/jobs/headroom-1/retry", [403, 403, 404]),
    ("GET", "/api/v1/logs", [403, 403, 200]),
    ("GET", "/admin/logs", [403, 403, 200]),
    ("GET", "/api/v1/site", [403, 403, 200]),
    ("PUT", "/api/v1/site", [403, 403, 415]),
    ("GET", "/admin/site", [403, 403, 200]),
    ("GET", "/api/v1/admin/tokens", [403, 403, 200]),
    ("GET", "/api/v1/admin/sessions", [403, 403, 200]),
    ("DELETE", "/api/v1/admin/tokens/1", [403, 403, 404]),
    ("DELETE", "/api/v1/admin/sessions/1", [403, 403, 404]),
    ("GET", "/admin/tokens", [403, 403, 200]),
    ("GET", "/admin/uploads?who=nobody", [403, 403, 200]),
    ("GET", "/admin/jobs?state=done", [403, 403, 200]),
];

fn good(file: &str) -> Vec<u8> {
    std::fs::read(files::repository("good_test_data/good").join(file)).unwrap()
}

const ERCOT: &str = "Energy_ERCOT_20240603_080000.csv";
const MISO: &str = "Energy_MISO_20240603_082540.csv";

async fn upload(caller: &Caller, file: &str) -> String {
    let answer = caller.upload(file, good(file)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["upload_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn roles_and_routes() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let writer = server.account_without_grants(Role::ReadWrite).await;
    let writer = server.anonymous().with_token(&writer.token);
    let (own, other) = (upload(&writer, ERCOT).await, upload(&admin, MISO).await);
    let reader = server.caller(Role::ReadOnly).await;
    for (method, path, wanted) in ROUTES {
        let path = path.replace("{own}", &own).replace("{other}", &other);
        let callers = [&reader, &writer, &admin];
        for (caller, wanted) in callers.into_iter().zip(wanted) {
            let answer = caller.request(method.parse().unwrap(), &path).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), wanted, "{method} {path}");
        }
        let anonymous = server.anonymous().request(method.parse().unwrap(), &path);
        assert_eq!(anonymous.send().await.unwrap().status(), 401, "{method} {path}");
    }
}

/// The file names of a list of uploads.
async fn listed(caller: &Caller) -> Vec<String> {
    let body = caller.ask("/api/v1/uploads").await.body;
    let items = body["items"].as_array().unwrap().iter();
    items.map(|item| item["file"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_log_reaches_as_far_as_grants_do() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let (ercot, miso) = (upload(&admin, ERCOT).await, upload(&admin, MISO).await);
    let unknown = admin.upload("notes.txt", "x").await;
    assert_eq!(unknown.code(), "bad_filename");
    let unknown = unknown.body["upload_id"].as_str().unwrap().to_owned();
    let account = server.account_without_grants(Role::ReadWrite).await;
    let caller = server.anonymous().with_token(&account.token);
    assert_eq!(listed(&caller).await, Vec::<String>::new());
    assert_eq!(caller.upload("mine.txt", "x").await.code(), "bad_filename");
    assert_eq!(listed(&caller).await, ["mine.txt"], "one's own, whatever it is");
    // Any grant for the dataset: here of one zone that the file does not even have.
    let grant = json!([{"curves": ["energy"], "isos": ["ercot"], "load_zones": ["NOWHERE"]}]);
    server.grant(account.id, grant).await;
    assert_eq!(listed(&caller).await, ["mine.txt", ERCOT]);
    assert_eq!(listed(&admin).await, ["mine.txt", "notes.txt", MISO, ERCOT]);
    // A report tells prices: it is for who sees the dataset whole.
    assert_eq!(caller.get(&format!("/api/v1/uploads/{ercot}")).await.status(), 404);
    let whole = json!([{"curves": ["energy"], "isos": ["ercot"], "derived": true}]);
    server.grant(account.id, whole).await;
    for (id, report, document) in [(&ercot, 200, 404), (&miso, 404, 404), (&unknown, 404, 404)] {
        let status = async |rest: &str| {
            let path = format!("/api/v1/uploads/{id}{rest}");
            caller.get(&path).await.status().as_u16()
        };
        assert_eq!(
            [status("").await, status("/document").await, status("/report").await],
            [report, document, document]
        );
        assert_eq!(caller.get(&format!("/uploads/{id}")).await.status().as_u16(), report);
        assert_eq!(admin.get(&format!("/api/v1/uploads/{id}/document")).await.status(), 200);
    }
    // The bytes of another's file, and everything of one that is out of sight.
    let refused = audited(&server, "access_refused").await;
    let of = |id: &str| refused.iter().filter(|(object, _)| object.as_deref() == Some(id)).count();
    assert_eq!([of(&ercot), of(&miso), of(&unknown)], [3, 4, 4], "{refused:?}");
    for path in ["/", "/uploads", "/uploads?iso=miso", "/uploads?who=admin"] {
        let page = caller.get(path).await.text().await.unwrap();
        assert!(!page.contains(MISO) && !page.contains("notes.txt"), "{path}: {page}");
    }
    let all = admin.get("/admin/uploads").await.text().await.unwrap();
    for file in ["mine.txt", "notes.txt", MISO, ERCOT] {
        assert!(all.contains(file), "{file}");
    }
    assert!(all.contains(&format!("/api/v1/uploads/{miso}/document")));
    let who = format!("/admin/uploads?who={}&outcome=refused", account.email.to_uppercase());
    let mine = admin.get(&who).await.text().await.unwrap();
    assert!(mine.contains("mine.txt") && !mine.contains("notes.txt") && !mine.contains(MISO));
    assert_eq!(admin.get("/admin/uploads?outcome=lost").await.status(), 400);
}

#[tokio::test]
async fn an_expired_grant_takes_the_log_with_it() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let id = upload(&admin, ERCOT).await;
    let account = server.account(Role::ReadWrite).await;
    let caller = server.anonymous().with_token(&account.token);
    assert_eq!(listed(&caller).await, [ERCOT]);
    let expire = "update user_package set starts_at = now() - interval '2 days', ends_at = now() - interval '1 day'
                  where user_id = $1";
    sqlx::query(expire).bind(account.id).execute(&server.app.pool).await.unwrap();
    assert_eq!(listed(&caller).await, Vec::<String>::new());
    assert_eq!(caller.get(&format!("/api/v1/uploads/{id}")).await.status(), 404);
}

async fn audited(server: &TestServer, action: &str) -> Vec<(Option<String>, Value)> {
    let ask = "select object_id, detail from audit_event where action = $1 order by id";
    sqlx::query_as(ask).bind(action).fetch_all(&server.app.pool).await.unwrap()
}

#[tokio::test]
async fn everybodys_tokens_are_listed_and_revoked() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let accounts = [
        server.account(Role::ReadWrite).await,
        server.account(Role::ReadOnly).await,
        server.account(Role::ReadOnly).await,
    ];
    let list = admin.ask("/api/v1/admin/tokens?owner=READ_only").await.body;
    let owners: Vec<_> = list["items"].as_array().unwrap().iter().map(|t| &t["owner"]).collect();
    assert_eq!(owners, [&accounts[2].email, &accounts[1].email], "newest first, without case");
    assert!(!list.to_string().contains(&accounts[2].token), "the token itself is not known");
    assert_eq!(list["items"][0]["prefix"], accounts[2].token[..8]);
    let page = admin.get("/api/v1/admin/tokens?owner=read_only&limit=1").await;
    let link = page.headers()[LINK].to_str().unwrap().to_owned();
    let next = link.strip_prefix('<').unwrap().split_once('>').unwrap().0;
    assert!(next.starts_with("?owner=read_only&limit=1&cursor="), "{next}");
    let next = admin.ask(&format!("/api/v1/admin/tokens{next}")).await.body;
    assert_eq!(
        (&next["items"][0]["owner"], &next["next"]),
        (&json!(accounts[1].email), &Value::Null)
    );
    // A disabled owner's token is inert, and shown as that.
    let disable = "update app_user set disabled_at = now() where id = $1";
    sqlx::query(disable).bind(accounts[1].id).execute(&server.app.pool).await.unwrap();
    let inert = admin.ask(&format!("/api/v1/admin/tokens?owner={}", accounts[1].email)).await.body;
    assert_eq!(inert["items"][0]["inert"], true);
    let id = list["items"][0]["id"].as_str().unwrap();
    let caller = server.anonymous().with_token(&accounts[2].token);
    assert_eq!(caller.get("/api/v1/me").await.status(), 200);
    let revoke = async || {
        let path = format!("/api/v1/admin/tokens/{id}");
        admin.request(Method::DELETE, &path).send().await.unwrap().status()
    };
    assert_eq!([revoke().await, revoke().await], [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND]);
    assert_eq!(caller.get("/api/v1/me").await.status(), 401);
    let rows = audited(&server, "token_revoked").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].0.as_deref(), Some(id));
    assert_eq!(rows[0].1["owner"], accounts[2].email);
}

#[tokio::test]
async fn the_page_ends_sessions_and_tokens_and_shows_hostile_names_as_text() {
    let server = TestServer::start().await;
    user(&server, "boss@example.com", Role::Admin).await;
    user(&server, "ann@example.com", Role::ReadOnly).await;
    let boss = Browser::signed_in(&server, "boss@example.com").await;
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let fields = [("name", "<b>x</b>"), ("scopes", "read"), ("expires_in_days", "7")];
    assert_eq!(ann.account_form("/account/tokens", &fields).await.status(), 201);
    let page = boss.get("/admin/tokens?owner=ann").await.text().await.unwrap();
    assert!(page.contains("&#60;b&#62;x") && !page.contains("<b>x"), "{page}");
    assert!(!page.contains("(this one)"), "it is not among them");
    let csrf = boss.token_on("/admin/tokens").await;
    let action = |part: &str| {
        let after = page.split(&format!("action=\"/admin/{part}/")).nth(1).unwrap();
        format!("/admin/{part}/{}", after.split('"').next().unwrap())
    };
    for (part, done) in [("tokens", "revoked"), ("sessions", "ended")] {
        let path = action(part);
        let forged = boss.request(Method::POST, &path).form(&[("owner", "ann")]);
        assert_eq!(forged.send().await.unwrap().status(), 403);
        assert!(ann.is_signed_in().await);
        let form = [("csrf_token", csrf.as_str()), ("owner", "ann")];
        let answer = boss.request(Method::POST, &path).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()[LOCATION], format!("/admin/tokens?owner=ann&done={done}"));
    }
    assert!(!ann.is_signed_in().await);
    assert!(boss.is_signed_in().await);
    let page = boss.get("/admin/tokens?owner=ann&done=ended").await.text().await.unwrap();
    assert!(page.contains("The session has ended.") && page.contains("No token."), "{page}");
    let rows = audited(&server, "session_ended").await;
    assert!(rows.iter().any(|(_, detail)| detail["owner"] == "ann@example.com"), "{rows:?}");
}

async fn jobs(admin: &Caller, query: &str) -> Vec<Value> {
    let body = admin.ask(&format!("/api/v1/jobs{query}")).await.body;
    body["items"].as_array().unwrap().clone()
}

/// Headroom of PJM that cannot be stored until the trigger is dropped.
async fn failing() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    for statement in [
        "create function fail() returns trigger language plpgsql as $$ begin raise 'no room'; end $$",
        "create trigger fail before insert on headroom_version for each row execute function fail()",
    ] {
        sqlx::query(statement).execute(&server.owner).await.unwrap();
    }
    publish(&admin, PTC, ptc(&[("PA-KSP-R", "L", &["0.12"])])).await;
    publish(&admin, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    (server, admin)
}

#[tokio::test]
async fn a_job_tells_its_attempts_and_is_tried_again_at_once() {
    let (server, admin) = failing().await;
    let pool = &server.app.pool;
    let waiting = jobs(&admin, "?state=waiting").await;
    assert_eq!(waiting.len(), 2);
    assert_eq!((&waiting[0]["curve"], &waiting[0]["iso"]), (&json!("matrix"), &json!("pjm")));
    assert_eq!((&waiting[0]["attempts"], &waiting[0]["last_error"]), (&json!(0), &Value::Null));
    for _ in 0..2 {
        assert!(catch_up(&server.app).await.is_err());
    }
    let failed = jobs(&admin, "?state=failed&kind=headroom").await;
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[0]["attempts"], 2);
    assert!(failed[0]["last_error"].as_str().unwrap().contains("no room"), "{failed:?}");
    let page = admin.get("/admin/jobs").await.text().await.unwrap();
    assert!(page.contains("no room") && page.contains("Try again"), "{page}");
    // What wakes the worker is the word of the database, at the commit.
    let mut ears = PgListener::connect_with(pool).await.unwrap();
    ears.listen("headroom").await.unwrap();
    let retry = format!("/api/v1/jobs/{}/retry", failed[0]["id"].as_str().unwrap());
    let answer = Reply::of(admin.request(Method::POST, &retry).send().await.unwrap()).await;
    assert_eq!((answer.status, &answer.body["id"]), (202, &failed[0]["id"]));
    assert_eq!(ears.recv().await.unwrap().channel(), "headroom");
    let rows = audited(&server, "job_retried").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0].1["attempts"], rows[0].0.as_deref()),
        (&json!(2), failed[0]["id"].as_str())
    );
    sqlx::query("drop trigger fail on headroom_version").execute(&server.owner).await.unwrap();
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    let done = jobs(&admin, "?state=done").await;
    assert_eq!(done.len(), 2);
    assert_eq!(done[0]["attempts"], 3);
    assert_eq!(jobs(&admin, "?state=failed").await, Vec::<Value>::new());
    let answer = Reply::of(admin.request(Method::POST, &retry).send().await.unwrap()).await;
    assert_eq!(answer.outcome(), (409, "job_done"));
    for (query, code) in [
        ("?state=lost", 400),
        ("?cursor=x", 400),
        ("?limit=0", 400),
        ("?id=1", 400),
        ("?cursor=eA", 400),
    ] {
        assert_eq!(admin.ask(&format!("/api/v1/jobs{query}")).await.status, code, "{query}");
    }
    let first = admin.ask("/api/v1/jobs?limit=1").await.body;
    let next = first["next"].as_str().unwrap();
    let second = admin.ask(&format!("/api/v1/jobs?limit=1&cursor={next}")).await.body;
    assert_eq!((&second["items"][0], &second["next"]), (&done[1], &Value::Null));
}

#[tokio::test]
async fn headroom_is_asked_for_and_runs_where_its_lock_is_held() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let ask = async |body: Value| {
        let request = admin.request(Method::POST, "/api/v1/jobs").json(&body);
        Reply::of(request.send().await.unwrap()).await
    };
    let pjm = json!({"kind": "headroom", "iso": "pjm"});
    assert_eq!(ask(pjm.clone()).await.outcome(), (409, "no_matrix"));
    for bad in
        [json!({"kind": "backup", "iso": "pjm"}), json!({"kind": "headroom", "iso": "caiso"})]
    {
        assert_eq!(ask(bad.clone()).await.status, 400, "{bad}");
    }
    publish(&admin, PTC, ptc(&[("PA-KSP-R", "L", &["0.12"])])).await;
    publish(&admin, MATRIX, matrix(&[EXAMPLE], TOTAL)).await;
    assert_eq!(catch_up(&server.app).await.unwrap(), 1);
    let asked = ask(pjm).await;
    assert_eq!((asked.status, &asked.body["state"]), (202, &json!("waiting")));
    let mut holder = PgConnection::connect_with(&server.app.pool.connect_options()).await.unwrap();
    sqlx::query("select pg_advisory_lock(7424, 105)").execute(&mut holder).await.unwrap();
    let running = jobs(&admin, "?state=running").await;
    assert_eq!(running.len(), 1, "what is done does not run: {running:?}");
    assert_eq!(running[0]["id"], asked.body["id"]);
    drop(holder.close().await);
    assert_eq!(catch_up(&server.app).await.unwrap(), 0, "it was all there");
    assert_eq!(jobs(&admin, "?state=done").await.len(), 3);
    let rows = audited(&server, "headroom_run").await;
    assert_eq!((rows.len(), &rows[0].1["iso"]), (1, &json!("pjm")));
    user(&server, "boss@example.com", Role::Admin).await;
    let boss = Browser::signed_in(&server, "boss@example.com").await;
    let csrf = boss.token_on("/admin/jobs").await;
    for (iso, status) in [("pjm", 303), ("ercot", 409), ("caiso", 400)] {
        let form = [("csrf_token", csrf.as_str()), ("iso", iso)];
        let answer = boss.request(Method::POST, "/admin/jobs/headroom").form(&form);
        assert_eq!(answer.send().await.unwrap().status().as_u16(), status, "{iso}");
    }
}

/// A program that logs what it does, and an administrator of it.
async fn logging() -> (Home, Program, Account) {
    let home = Home::of(User::Same);
    let mut command = home.command(&["serve"]);
    command.env("TRUEPRICE_LOG", "info").stderr(std::process::Stdio::null());
    let program = Program::start(command).await;
    let account = Account::insert(&home.pool(), &Clock::system(), Role::Admin).await;
    (home, program, account)
}

#[tokio::test]
async fn the_log_is_read_filtered_and_followed() {
    let (_home, program, account) = logging().await;
    let admin = program.anonymous().with_token(&account.token);
    let lines = async |query: &str| {
        let body = admin.ask(&format!("/api/v1/logs?{query}")).await.body;
        body["items"].as_array().unwrap_or_else(|| panic!("{body}")).clone()
    };
    let first = lines("q=ready").await;
    assert_eq!(first.len(), 1, "{first:?}");
    let seen = first[0]["id"].as_str().unwrap();
    let answer = admin.get("/api/v1/datasets").await;
    let request = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let leak = admin.get(&format!("/api/v1/datasets?token={}", account.token)).await;
    assert_eq!(leak.status(), 400);
    let new = lines(&format!("after={seen}&q={request}")).await;
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!((&new[0]["request_id"], &new[0]["level"]), (&json!(request), &json!("info")));
    let text = new[0]["text"].as_str().unwrap();
    assert!(text.contains("status=200") && text.contains("route=/api/v1/datasets"), "{text}");
    let warnings = lines("level=warn").await;
    assert!(
        warnings.iter().any(|line| line["text"].as_str().unwrap().contains("credential in a URL"))
    );
    assert!(warnings.iter().all(|line| line["level"] == "warn" || line["level"] == "error"));
    let all = lines("limit=1000").await;
    assert!(!json!(all).to_string().contains(&account.token), "no secret");
    assert!(!json!(all).to_string().contains("/api/v1/logs"), "looking does not fill it");
    // Page by page it is the same, newest first.
    let (mut paged, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = admin.ask(&format!("/api/v1/logs?{query}")).await.body;
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=2&cursor={next}");
    }
    assert_eq!(paged, all);
    for bad in ["level=loud", "after=x", "cursor=x", "limit=1001", "query=x"] {
        assert_eq!(admin.ask(&format!("/api/v1/logs?{bad}")).await.status, 400, "{bad}");
    }
    let page = admin.get("/admin/logs?level=warn").await.text().await.unwrap();
    assert!(page.contains("credential in a URL") && !page.contains("ready address"), "{page}");
}

#[tokio::test]
async fn a_browser_follows_the_log_and_finds_in_the_registry() {
    keep_lines();
    let server = TestServer::start().await;
    user(&server, "boss@example.com", Role::Admin).await;
    let Some(chrome) = Chrome::open(server.base(), true).await else { return };
    chrome.goto("/login").await;
    chrome.fill("#email", "boss@example.com").await;
    chrome.fill("#password", PASSWORD).await;
    chrome.click("main button").await;
    until(async || !chrome.path().await.starts_with("/login")).await;
    chrome.goto("/admin/logs").await;
    let answer = server.anonymous().get("/livez").await;
    let request = answer.headers()["x-request-id"].to_str().unwrap();
    until(async || chrome.texts("#lines .message").await.iter().any(|line| line.contains(request)))
        .await;
    chrome.fill("#q", request).await;
    until(async || chrome.texts("#lines tr").await.len() == 1).await;
    chrome.goto("/admin/site").await;
    chrome.fill("#component", "scaler").await;
    until(async || chrome.texts("#components tbody tr").await.len() == 2).await;
    for path in ["/admin/tokens", "/admin/uploads", "/admin/jobs", "/admin/logs", "/admin/site"] {
        chrome.set_width(400).await;
        chrome.goto(path).await;
        let wider = "return document.documentElement.scrollWidth > innerWidth";
        assert_eq!(chrome.eval(wider).await, false, "{path} fits a telephone");
    }
    assert_eq!(chrome.complaints().await, Vec::<String>::new());
}
