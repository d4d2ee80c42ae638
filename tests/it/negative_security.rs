//! `/admin/security`: what it says is so.

use reqwest::StatusCode;
use trueprice::auth::Role;

use crate::{
    auth::{Browser, user},
    negative_routes::assert_named_tests_exist,
    support::TestServer,
};

#[test]
fn the_chapters_name_tests_that_there_are() {
    let source = include_str!("../../src/web/pages/admin/security/chapters.rs");
    assert_named_tests_exist(&source.replace('"', "`"), 30);
}

#[tokio::test]
async fn the_page_has_every_chapter_and_what_is_in_force() {
    let server =
        TestServer::start_with(|config| config.auth.argon2_memory_kib = 20_000, None).await;
    user(&server, "ann@example.com", Role::Admin).await;
    user(&server, "eve@example.com", Role::ReadWrite).await;
    let eve = Browser::signed_in(&server, "eve@example.com").await;
    assert_eq!(eve.get("/admin/security").await.status(), StatusCode::FORBIDDEN);
    let ann = Browser::signed_in(&server, "ann@example.com").await;
    let answer = ann.get("/admin/security").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = answer.text().await.unwrap();
    for chapter in 1..=17 {
        assert!(page.contains(&format!(">V{chapter}</span>")), "V{chapter}");
    }
    assert!(page.contains("m = 20000 KiB, t = 2, p = 1"), "{page}");
    let escaped = policy.replace('\'', "&#39;");
    assert!(page.contains(&escaped), "{escaped} as it is sent");
}
