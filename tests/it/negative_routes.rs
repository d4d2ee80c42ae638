//! The thirty-three attempts of section 13 of the access rules, and what tries each of them. Here:
//! those on every route, whatever routes there are.
//!
//! | # | attempt | tried by |
//! | --- | --- | --- |
//! | 1 | hostile text in everything | `negative_input::hostile_text_in_any_parameter_finds_nothing_and_changes_nothing`, `negative_input::hostile_text_in_any_header_or_cookie_changes_nothing`, `negative_input::a_nul_in_a_head_is_a_400` |
//! | 2 | hostile labels | `negative_files::hostile_labels_come_back_as_they_were_sent` |
//! | 3 | session known before | `auth::a_session_id_that_was_known_before_signing_in_is_worth_nothing` |
//! | 4 | session after its end | `auth::a_new_password_ends_what_the_old_one_opened`, `negative_credentials::a_session_ends_with_logout_and_with_its_user`, `users::a_change_of_role_gives_each_session_a_new_id_and_shrinks_tokens` |
//! | 5 | forged state change | `negative_routes::no_change_is_taken_from_a_forged_form`, `browser_protection::another_site_changes_nothing` |
//! | 6 | GET that changes | `negative_input::get_changes_nothing_where_something_can_be_changed` |
//! | 7 | false roles | `users::a_role_is_exactly_one_of_three_words` |
//! | 8 | too low a role | `negative_routes::every_route_wants_the_role_that_it_says` |
//! | 9 | objects of others | `negative_credentials::what_belongs_to_others_is_neither_read_nor_changed` |
//! | 10 | credentials in the URL | `negative_secrets::a_secret_in_an_address_is_refused_and_forgotten` |
//! | 11 | two credentials or the wrong kind | `auth::exactly_one_credential` |
//! | 12 | bad tokens | `negative_credentials::a_token_that_is_not_in_force_is_worth_nothing` |
//! | 13 | scopes | `negative_credentials::a_scope_is_the_most_that_a_token_can_do` |
//! | 14 | timing | `negative_credentials::an_unknown_address_takes_as_long_as_a_wrong_password` |
//! | 15 | a thousand logins | `negative_credentials::a_thousand_guesses_over_two_nodes_find_the_limit` |
//! | 16 | one-time links | `links::of_many_at_once_one_sets_the_password`, `links::links_end_in_their_time_and_with_their_successor`, `links::an_invitation_leads_to_a_password_that_nobody_else_has_seen` |
//! | 17 | the last administrator | `users::one_administrator_always_remains`, `users::nobody_changes_their_own_role_or_status` |
//! | 18 | file names | `negative_files::no_file_name_leads_out_of_the_store` |
//! | 19 | header injection | `negative_files::no_text_breaks_out_of_a_header` |
//! | 20 | formulas | `downloads::the_wide_csv_is_right_to_the_byte`, `agreement::every_curve_type_agrees_in_every_form_and_mode`, `negative_files::no_label_becomes_a_formula` |
//! | 21 | bodies without end | `hostile::large_and_hostile_files_get_their_answer_within_bounded_memory`, `hostile::a_file_that_is_too_long_is_refused_with_and_without_its_length`, `hostile::who_stops_sending_is_cut_off_and_leaves_nothing`, `browser_protection::limits_are_problems`, `negative_files::parameters_are_counted` |
//! | 22 | script in stored text | `negative_files::no_stored_text_becomes_markup` |
//! | 23 | `return_to` | `browser_protection::the_way_back_is_kept_and_is_never_another_site` |
//! | 24 | beyond the grant | `entitlements::one_grant_shows_its_cells_everywhere_and_nothing_else_anywhere`, `bi::without_a_grant_there_is_nothing_and_with_one_exactly_its_cells` |
//! | 25 | beyond the history | `entitlements::every_reader_agrees_with_a_naive_model` |
//! | 26 | rolling months | `entitlements::rolling_windows_are_whole_calendar_months_of_the_deployments_zone` |
//! | 27 | expired while open | `bi::a_package_that_is_taken_away_shows_in_the_next_statement`, `entitlements::every_reader_agrees_with_a_naive_model` |
//! | 28 | as a BI role | `bi::a_role_can_do_nothing_but_read_its_views`, `bi::a_leaky_condition_sees_no_foreign_row`, `bi::plain_connections_and_wrong_passwords_are_refused` |
//! | 29 | `app.as_of` | `bi::settings_that_are_wrong_are_errors` |
//! | 30 | site switches | `site::the_credential_decides_which_switch_keeps_somebody_out` |
//! | 31 | live stream | `live_stream::other_sites_and_strangers_do_not_listen`, `live_mqtt::pages_of_other_sites_do_not_connect` |
//! | 32 | no database | `negative_routes::without_a_database_every_route_says_so_and_no_more`, `negative_routes::a_fault_inside_tells_nothing_of_the_inside` |
//! | 33 | secrets in clear | `negative_secrets::no_secret_is_found_in_clear` |

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, COOKIE, ORIGIN},
};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use trueprice::{app::App, auth::Role, db::pool, web::middleware::access};

use crate::{
    agreement::with_every_dataset,
    auth::{Browser, user},
    negative_input::{content, with_body},
    support::{Caller, TestServer, files, routes::Route, serve},
};

/// Who a route is for. Every route has a line here, or one of the test's fails.
const FOR: &[(&str, Role)] = &[
    ("/", Role::ReadOnly),
    ("/account*", Role::ReadOnly),
    ("/admin*", Role::Admin),
    ("/allcomponents", Role::ReadOnly),
    ("/alluploads", Role::ReadOnly),
    ("/api/v1/admin/*", Role::Admin),
    ("/api/v1/audit*", Role::Admin),
    ("/api/v1/bi/connections*", Role::Admin),
    ("/api/v1/bi/roles*", Role::Admin),
    ("/api/v1/bi*", Role::ReadOnly),
    ("/api/v1/carbon-intensity*", Role::ReadOnly),
    ("/api/v1/cob-availability", Role::ReadOnly),
    ("/api/v1/data*", Role::ReadOnly),
    ("/api/v1/diff", Role::ReadOnly),
    ("/api/v1/emissions/*", Role::ReadOnly),
    ("/api/v1/exports/*", Role::ReadOnly),
    ("/api/v1/factor-sets", Role::ReadOnly),
    ("/api/v1/feeds*", Role::ReadOnly),
    ("/api/v1/fetches*", Role::Admin),
    ("/api/v1/fuel-mix", Role::ReadOnly),
    ("/api/v1/grants*", Role::Admin),
    ("/api/v1/headroom*", Role::ReadOnly),
    ("/api/v1/intraday-timestamps", Role::ReadOnly),
    ("/api/v1/jobs*", Role::Admin),
    ("/api/v1/labels", Role::ReadOnly),
    ("/api/v1/locations", Role::ReadOnly),
    ("/api/v1/logs*", Role::Admin),
    ("/api/v1/me", Role::ReadOnly),
    ("/api/v1/meters", Role::ReadOnly),
    ("/api/v1/meters/*", Role::Admin),
    ("/api/v1/operating-days", Role::ReadOnly),
    ("/api/v1/reference-hours*", Role::ReadOnly),
    ("/api/v1/regions", Role::ReadOnly),
    ("/api/v1/series*", Role::ReadOnly),
    ("/api/v1/sessions*", Role::ReadOnly),
    ("/api/v1/site", Role::Admin),
    ("/api/v1/stream", Role::ReadOnly),
    ("/api/v1/tokens*", Role::ReadOnly),
    ("/api/v1/updates", Role::ReadOnly),
    ("/api/v1/uploads*", Role::ReadWrite),
    ("/api/v1/usage*", Role::ReadOnly),
    ("/api/v1/users*", Role::Admin),
    ("/api/v1/versions*", Role::ReadOnly),
    ("/carbon*", Role::ReadOnly),
    ("/curves*", Role::ReadOnly),
    ("/download*", Role::ReadOnly),
    ("/emissions/*", Role::ReadOnly),
    ("/get_data", Role::ReadOnly),
    ("/headroom", Role::ReadOnly),
    ("/locations", Role::ReadOnly),
    ("/logout", Role::ReadOnly),
    ("/upload_csv", Role::ReadWrite),
    ("/upload*", Role::ReadWrite),
];

/// The lowest role that a route is for; `None` where there is no line for it.
fn lowest(route: &Route) -> Option<Role> {
    let is_order = route.template.starts_with("/api/v1/feeds/") && !route.reads();
    if route.template.ends_with("/reopen") || is_order {
        return Some(Role::Admin);
    }
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => route.template.starts_with(start),
        None => route.template == pattern,
    };
    FOR.iter().find(|(pattern, _)| fits(pattern)).map(|(_, role)| *role)
}

fn is_public(route: &Route) -> bool {
    access::is_public(&route.method, &route.template)
}

/// The table above names tests that there are.
#[test]
fn the_table_names_tests_that_there_are() {
    assert_named_tests_exist(
        include_str!("negative_routes.rs").split("\nuse ").next().unwrap(),
        30,
    );
}

/// Every `file::test` in backquotes is a function of that file.
pub fn assert_named_tests_exist(text: &str, at_least: usize) {
    let named: BTreeSet<&str> = text.split('`').filter(|word| word.contains("::")).collect();
    for name in &named {
        let (file, function) = name.split_once("::").unwrap();
        let source = std::fs::read_to_string(files::repository(&format!("tests/it/{file}.rs")));
        let source = source.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(source.contains(&format!("fn {function}(")), "{name}");
    }
    assert!(named.len() >= at_least, "{named:?}");
}

#[tokio::test]
async fn every_route_wants_the_role_that_it_says() {
    let server = TestServer::start().await;
    let admin = server.caller(Role::Admin).await;
    let routes = server.routes(&admin).await;
    let unknown: Vec<String> = routes
        .iter()
        .filter(|route| !is_public(route) && lowest(route).is_none())
        .map(Route::name)
        .collect();
    assert!(unknown.is_empty(), "say who these are for: {unknown:?}");
    let mut wrong = Vec::new();
    for role in Role::ALL {
        let email = format!("{role}@example.com");
        user(&server, &email, *role).await;
        let browser = Browser::signed_in(&server, &email).await;
        let csrf = browser.token_on("/account").await;
        let caller = server.caller(*role).await;
        for route in routes.iter().filter(|route| !is_public(route)) {
            let is_for = lowest(route).is_some_and(|lowest| *role >= lowest);
            let (method, address) = (route.method.clone(), route.address(&[]));
            let requests = [
                caller.request(method.clone(), &address),
                browser.request(method, &address).header("x-csrf-token", &csrf),
            ];
            for request in requests {
                // With a parameter that nobody knows, so that nothing is done.
                let request = match is_for {
                    true => request.query(&[("qqqqqqqq", "1")]),
                    false => request.query(&route.query(&[])),
                };
                let status = with_body(route, request, None).send().await.unwrap().status();
                let refused = status == StatusCode::FORBIDDEN || status == StatusCode::UNAUTHORIZED;
                // From a token no token is made, whatever its role.
                let no_token_from_token = route.template == "/api/v1/tokens" && refused;
                if is_for == (status == StatusCode::FORBIDDEN) && !no_token_from_token {
                    wrong.push(format!("{} as {role}: {status}", route.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn no_change_is_taken_from_a_forged_form() {
    let (server, _) = with_every_dataset().await;
    for name in ["ann@example.com", "eve@example.com"] {
        user(&server, name, Role::Admin).await;
    }
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let eve = Browser::signed_in(&server, "eve@example.com").await;
    let (good, foreign) = (ann.token_on("/account").await, eve.token_on("/account").await);
    let routes = server.routes(&server.caller(Role::Admin).await).await;
    let before = content(&server.app.pool).await;
    let mut tried = 0;
    // The forms of those who are not signed in have tokens of their own, and tests.
    let has_own = |route: &Route| is_public(route) && route.template != "/api/v1/tokens";
    for route in routes.iter().filter(|route| !route.reads() && !has_own(route)) {
        let request = || ann.request(route.method.clone(), &route.address(&[]));
        let with = |token: &str| request().header("x-csrf-token", token);
        let forged: [(&str, RequestBuilder); 6] = [
            ("no token", request()),
            ("a wrong token", with("wrong")),
            ("another user's token", with(&foreign)),
            ("a foreign origin", with(&good).header(ORIGIN, "https://evil.example")),
            ("no origin", with(&good).header(ORIGIN, "null")),
            ("another site", with(&good).header("sec-fetch-site", "cross-site")),
        ];
        for (what, request) in forged {
            let answer = with_body(route, request, None).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{} with {what}", route.name());
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
    assert_eq!(content(&server.app.pool).await, before);
    assert!(ann.is_signed_in().await);
}

/// What no error may show of the inside.
const INSIDE: [&str; 12] = [
    "select ",
    "insert ",
    "sqlx",
    "postgres",
    "relation",
    "src/",
    ".rs:",
    "panicked",
    "/home",
    "/root",
    "refused)",
    "backtrace",
];

fn assert_tells_nothing(name: &str, body: &str) {
    let lower = body.to_lowercase();
    let told: Vec<_> = INSIDE.iter().filter(|word| lower.contains(**word)).collect();
    assert!(told.is_empty(), "{name} tells {told:?}: {body}");
}

async fn assert_away(name: &str, answer: Response) {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{name}");
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json", "{name}");
    assert!(answer.headers().contains_key("retry-after"), "{name}");
    let body = answer.text().await.unwrap();
    assert_tells_nothing(name, &body);
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["status"], 503, "{name}");
}

#[tokio::test]
async fn without_a_database_every_route_says_so_and_no_more() {
    let server = TestServer::start().await;
    let admin = server.account(Role::Admin).await;
    let routes = server.routes(&server.anonymous().with_token(&admin.token)).await;
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing".parse().unwrap();
    let base = serve(App { pool: pool::pool(nowhere, 2), ..server.app.clone() }).await;
    let anonymous = Caller::anonymous(&base);
    let caller = anonymous.with_token(&admin.token);
    // All at once: each waits a while for a connection.
    let asked = stream::iter(&routes).map(|route| away(route, &anonymous, &caller));
    let away: Vec<bool> = asked.buffer_unordered(100).collect().await;
    assert!(away.iter().filter(|away| **away).count() > 50);
}

/// Asks without the database, in each way; tells whether the route has need of somebody.
async fn away(route: &Route, anonymous: &Caller, caller: &Caller) -> bool {
    let request = |caller: &Caller| {
        let request = caller.request(route.method.clone(), &route.address(&[]));
        with_body(route, request.query(&route.query(&[])), None)
    };
    if is_public(route) {
        let answer = request(anonymous).send().await.unwrap();
        assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{}", route.name());
        if answer.status().is_server_error() {
            assert_tells_nothing(&route.name(), &answer.text().await.unwrap());
        }
        return false;
    }
    assert_away(&route.name(), request(caller).send().await.unwrap()).await;
    let by_cookie = request(anonymous).header(COOKIE, "session=AAAAAAAAAAAAAAAAAAAAAA");
    assert_away(&route.name(), by_cookie.send().await.unwrap()).await;
    true
}

#[tokio::test]
async fn a_fault_inside_tells_nothing_of_the_inside() {
    let (server, _) = with_every_dataset().await;
    let admin = server.caller(Role::Admin).await;
    let routes = server.routes(&admin).await;
    for table in ["curve_version", "curve", "series", "upload", "saved_view", "site", "package"] {
        let statement = format!("alter table {table} rename to gone_{table}");
        sqlx::query(AssertSqlSafe(statement)).execute(&server.owner).await.unwrap();
    }
    let mut broken = 0;
    for route in routes.iter().filter(|route| route.reads() && !is_public(route)) {
        let request = admin.request(Method::GET, &route.address(&[])).query(&route.query(&[]));
        let Ok(answer) = request.send().await else { continue };
        broken += i32::from(answer.status().is_server_error());
        if answer.status().is_server_error() {
            assert_tells_nothing(&route.name(), &answer.text().await.unwrap());
        }
    }
    assert!(broken > 10, "{broken}");
}
