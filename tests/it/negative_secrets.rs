//! Attempts 10 and 33 of the table in `negative_routes.rs`: secrets where none belongs.

use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Method, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use trueprice::auth::Role;

use crate::{
    auth::Browser,
    support::{Home, Program, TestServer, User},
};

#[tokio::test]
async fn a_secret_in_an_address_is_refused_and_forgotten() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let account = server.account(Role::ReadWrite).await;
    let routes = server.routes(&admin).await;
    let token = account.token.as_str();
    let pairs = [
        ("token", token),
        ("access_token", "anything"),
        ("api_key", "anything"),
        ("APIKEY", token),
        ("key", token),
        ("password", "anything"),
        ("state", token),
        ("cursor", "tpl_anything"),
    ];
    for route in &routes {
        for pair in pairs {
            let request = server.anonymous().request(route.method.clone(), &route.address(&[]));
            let answer = request.query(&[pair, ("email", "ann@example.com")]).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{} {pair:?}", route.name());
            let body = answer.text().await.unwrap();
            assert!(body.contains("credentials_in_url") && !body.contains(token), "{body}");
        }
    }
    let used: bool = sqlx::query_scalar(
        "select exists (select from user_token where user_id = $1 and last_used_at is not null)
             or exists (select from login_failure)",
    )
    .bind(account.id)
    .fetch_one(&server.app.pool)
    .await
    .unwrap();
    assert!(!used, "neither used nor counted");
}

/// Everything in the database, as text.
pub async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables
         where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut dump = String::new();
    for table in tables {
        let statement = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let rows: String =
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(pool).await.unwrap();
        dump += &rows;
    }
    dump
}

const PASSWORD: &str = "seven clear words nobody ever wrote";
const NEW_PASSWORD: &str = "another seven words that stay unwritten";
const GUESS: &str = "a guess that was wrong for once";

/// What was seen of a server, and what must not be in it.
struct Watched {
    program: Program,
    bodies: String,
    secrets: Vec<String>,
}

impl Watched {
    /// Keeps what an answer says.
    async fn keep(&mut self, answer: reqwest::Response) {
        let headers = format!("{:?}", answer.headers());
        self.bodies += &headers;
        self.bodies += &answer.text().await.unwrap();
    }

    /// Signs in as scripts do: a login token and an API token.
    async fn as_script(&mut self) {
        let anonymous = self.program.anonymous();
        let form = [("email", "ops@example.com"), ("password", PASSWORD)];
        let login = anonymous.request(Method::POST, "/login").form(&form).send().await.unwrap();
        let login: Value = login.json().await.unwrap();
        let body = json!({"email": "ops@example.com", "password": PASSWORD});
        let made =
            anonymous.request(Method::POST, "/api/v1/tokens").json(&body).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        for token in [&login["access_token"], &made["access_token"]] {
            let token = token.as_str().unwrap().to_owned();
            let caller = anonymous.with_token(&token);
            for path in
                ["/api/v1/me", "/api/v1/tokens", "/api/v1/sessions", "/api/v1/nothing", "/account"]
            {
                self.keep(caller.get(path).await).await;
            }
            self.keep(anonymous.get(&format!("/api/v1/me?token={token}")).await).await;
            self.keep(anonymous.get(&format!("/api/v1/me?x={token}")).await).await;
            let basic = anonymous.request(Method::GET, "/api/v1/me").basic_auth("x", Some(&token));
            self.keep(basic.send().await.unwrap()).await;
            self.keep(anonymous.with_token(&token[..30]).get("/api/v1/me").await).await;
            self.secrets.push(token);
        }
    }

    /// Guesses, in every way.
    async fn with_wrong_passwords(&mut self) {
        let anonymous = self.program.anonymous();
        for email in ["ops@example.com", "nobody@example.com"] {
            let form = [("email", email), ("password", GUESS)];
            let login = anonymous.request(Method::POST, "/login").form(&form);
            self.keep(login.send().await.unwrap()).await;
            let body = json!({"email": email, "password": GUESS, "nmae": GUESS});
            let token = anonymous.request(Method::POST, "/api/v1/tokens").json(&body);
            self.keep(token.send().await.unwrap()).await;
        }
        let query = [("email", "ops@example.com"), ("password", GUESS)];
        let in_url = anonymous.request(Method::POST, "/login").query(&query);
        self.keep(in_url.send().await.unwrap()).await;
        let basic = anonymous.request(Method::GET, "/api/v1/me");
        let basic = basic.basic_auth("ops@example.com", Some(PASSWORD));
        self.keep(basic.send().await.unwrap()).await;
    }

    /// Signs in as a person, looks around, and changes the password.
    async fn as_person(&mut self) {
        let browser = Browser::at(&self.program.base);
        let answer = browser.sign_in("ops@example.com", PASSWORD, "").await;
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        let value = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
        assert!(value.len() > 20, "{cookie}");
        self.secrets.push(value);
        for path in [
            "/",
            "/account",
            "/uploads",
            "/curves",
            "/nothing",
            "/api/v1/sessions",
            "/admin/security",
        ] {
            self.keep(browser.get(path).await).await;
        }
        let fields = [("old_password", PASSWORD), ("new_password", NEW_PASSWORD)];
        let changed = browser.account_form("/account/password", &fields).await;
        assert_eq!(changed.status(), StatusCode::SEE_OTHER);
        let cookie = changed.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        self.secrets.push(cookie.split(['=', ';']).nth(1).unwrap().to_owned());
    }

    /// Where a secret, or what is as good as it, stands in a text.
    fn found_in(&self, text: &str) -> Vec<&str> {
        let is_in = |secret: &&String| {
            let hex = secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let encoded = BASE64_STANDARD.encode(secret.as_bytes());
            let basic = BASE64_STANDARD.encode(format!("x:{secret}"));
            [secret.as_str(), &hex, &form, &encoded, &basic]
                .into_iter()
                .any(|form| text.contains(form))
        };
        self.secrets.iter().filter(is_in).map(String::as_str).collect()
    }
}

#[tokio::test]
async fn no_secret_is_found_in_clear() {
    let home = Home::of(User::Same);
    let log = home.path().join("log");
    let mut command = home.command(&["serve"]);
    command.env("TRUEPRICE_LOG", "debug").stderr(fs::File::create(&log).unwrap());
    command.env("TRUEPRICE_ADMIN_EMAIL", "ops@example.com");
    command.env("TRUEPRICE_ADMIN_PASSWORD", PASSWORD);
    let program = Program::start(command).await;
    let secrets = [PASSWORD, NEW_PASSWORD, GUESS].map(str::to_owned).to_vec();
    let mut watched = Watched { program, bodies: String::new(), secrets };
    watched.as_script().await;
    watched.with_wrong_passwords().await;
    watched.as_person().await;
    let numbers = watched.program.anonymous().get("/metrics").await;
    watched.keep(numbers).await;
    let database = fs::read_to_string(home.data().join("postgres/password")).unwrap();
    watched.secrets.push(database.trim().to_owned());
    assert_eq!(watched.secrets.len(), 8);
    let stored = dump(&home.pool()).await;
    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.contains("a credential in a URL was refused"), "{logged}");
    assert!(stored.contains("ops@example.com") && watched.bodies.contains("ops@example.com"));
    for (place, text) in [("answers", &watched.bodies), ("database", &stored), ("log", &logged)] {
        assert_eq!(watched.found_in(text), Vec::<&str>::new(), "in the {place}");
    }
    assert!(watched.found_in(PASSWORD).len() == 1, "what is there is found");
}
