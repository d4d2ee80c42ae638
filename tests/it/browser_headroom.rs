//! The page of headroom as people see it: a map, its table, and what has no place in it.

use trueprice::{auth::Role, headroom::catch_up};

use crate::{
    auth::{PASSWORD, user},
    headroom::{EXAMPLE, MATRIX, Offer, PTC, TOTAL, matrix, ptc, publish},
    support::{Chrome, TestServer, until},
};

const EMAIL: &str = "ann@example.com";

/// Offers in two states: one cheaper, one dearer, one without a price to compare.
async fn loaded(scripts: bool) -> Option<(TestServer, Chrome)> {
    let server = TestServer::start().await;
    let chrome = Chrome::open(server.base(), scripts).await?;
    user(&server, EMAIL, Role::ReadOnly).await;
    let caller = server.caller(Role::ReadWrite).await;
    let (mut dearer, mut unmatched): (Offer, Offer) = (EXAMPLE, EXAMPLE);
    (dearer[1], dearer[2], dearer[4], dearer[6], dearer[8]) = ("NJ", "PSEG", "Small", "24", "150");
    unmatched[0] = "nobody's";
    publish(&caller, PTC, ptc(&[("PA-KSP-R", "PJM PA KSP R", &["0.12000"])])).await;
    publish(&caller, MATRIX, matrix(&[EXAMPLE, dearer, unmatched], TOTAL)).await;
    catch_up(&server.app).await.unwrap();
    chrome.goto("/login").await;
    chrome.fill("#email", EMAIL).await;
    chrome.fill("#password", PASSWORD).await;
    chrome.click("main button").await;
    until(async || !chrome.path().await.starts_with("/login")).await;
    Some((server, chrome))
}

#[tokio::test]
async fn the_map_the_table_and_the_reasons_need_no_script() {
    let Some((_server, chrome)) = loaded(false).await else { return };
    chrome.click("nav a[href='/headroom']").await;
    chrome.arrives_at("/headroom").await;
    assert_eq!(chrome.texts(".heat tbody th").await, ["NJ · KSP\nPSEG", "PA · KSP\nPECO"]);
    assert_eq!(chrome.texts(".heat strong").await, ["−25.0%", "+25.0%"]);
    assert_eq!(chrome.texts(".heat-down4 small").await, ["120.00 → 150.00"]);
    assert_eq!(chrome.texts(".heat-up4 small").await, ["120.00 → 90.00"]);
    let rows = chrome.texts("[aria-labelledby=offers] tbody tr").await;
    assert!(rows[1].contains("0.12000 0.09000 0.03000 +25.00%"), "{rows:?}");
    assert!(chrome.texts("[aria-labelledby=unmatched] tbody").await[0].contains("no_matching_id"));
    chrome.goto("/headroom?iso=pjm&state=NJ&customer_type=Small&term=24").await;
    assert_eq!(chrome.texts(".heat strong").await, ["−25.0%"]);
    chrome.goto("/headroom?iso=ercot").await;
    chrome.shows(".empty", "No offer here has a price to compare").await;
}

#[tokio::test]
async fn choosing_a_state_shows_it_at_once_at_any_width() {
    let Some((_server, chrome)) = loaded(true).await else { return };
    for width in [1280, 400] {
        chrome.set_width(width).await;
        chrome.goto("/headroom").await;
        let taken = chrome.eval("return document.documentElement.scrollWidth").await;
        assert!(taken.as_u64().unwrap() <= u64::from(width), "{taken} of {width}");
        chrome.click("#state option[value=PA]").await;
        until(async || chrome.texts(".heat strong").await == ["+25.0%"]).await;
        assert!(chrome.path().await.contains("state=PA"), "the view has its address");
    }
    assert_eq!(chrome.complaints().await, [""; 0]);
}
