//! What an account lists: agreements that come and go, gas, and the history of what it makes known.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::{
    auth::Secret,
    db::feeds::{
        discovered::{self, NewScope},
        replay as beside,
        tasks::{self, Ending},
    },
    domain::feed::{RateKind, TaskKind},
    feeds::{
        Agreement, MeterPoint, Metering, Price, Records, Scope,
        load::meter_id,
        octopus::OctopusUsage,
        replay, rollups,
        runner::{self, Upkeep},
    },
};

use crate::{
    feed_summary::{AGILE, Home, VARIABLE, prices, usage},
    support::{
        TestServer,
        loader::{Loader, at, count, one},
        upstream::{Answer, Asked, Upstream, hasty, wire},
    },
};

const UNIT_RATES: &str = "standard-unit-rates/";
const STANDING: &str = "standing-charges/";

/// The meters of the account, with an agreement for each of these tariffs and spans.
fn agreed(home: &Home, spans: &[(&str, &str, Option<&str>)]) -> Vec<Metering> {
    let Records::Account(mut meters) = home.account.parse(&wire("octopus_account.json"), 1) else {
        panic!("no account");
    };
    let agreement = |(tariff, from, to): &(&str, &str, Option<&str>)| Agreement {
        tariff_code: (*tariff).to_owned(),
        valid_from: at(from),
        valid_to: to.map(at),
    };
    meters[0].agreements = spans.iter().map(agreement).collect();
    meters
}

/// A price of a kWh without an end.
fn price(from: &str, pence: i64) -> Price {
    Price {
        rate_kind: RateKind::Standard,
        payment_method: None,
        valid_from: at(from),
        valid_to: None,
        exc_vat: Decimal::from(pence),
        inc_vat: Decimal::from(pence),
    }
}

const MOVED_IN: &str = "2023-04-30T23:00:00Z";
const CHANGED: &str = "2025-01-01T00:00:00Z";

/// A home that moved from a variable tariff, which nobody ended, to one at 10 p; 2 kWh on a day of each.
async fn moved() -> Home {
    let home = Home::new().await;
    home.variable.load(&wire("octopus_rates_flexible.json")).await;
    home.rates.put(Records::Prices(vec![price(CHANGED, 10)])).await;
    home.account
        .put(Records::Account(agreed(&home, &[(VARIABLE, MOVED_IN, None), (AGILE, CHANGED, None)])))
        .await;
    let used = ["2024-12-30T12:00:00Z", "2025-01-15T12:00:00Z"];
    home.usage.put(Records::Usage(used.map(|start| usage(start, "2")).to_vec())).await;
    home
}

/// What the meter pays at noon of 15 January, and when that was known.
async fn best(home: &Home, as_of: &str) -> (Value, String) {
    let path = format!(
        "/api/v1/carbon-intensity/best-window?region=GB&start=2025-01-15T12:00:00Z&end=2025-01-15T14:00:00Z\
         &duration=PT1H&by=price&meter={}{as_of}",
        home.meter
    );
    let answer = home.owner.get(&path).await;
    let known_at = answer.headers().get("x-known-at").map(|at| at.to_str().unwrap().to_owned());
    (answer.json::<Value>().await.unwrap()["average"].clone(), known_at.unwrap_or_default())
}

#[tokio::test]
async fn an_agreement_that_is_listed_no_more_is_withdrawn_and_stays_readable() {
    let home = moved().await;
    assert_eq!(home.day("2025-01-15").await["total_energy_cost_ex_vat"], json!(20.0));
    let (average, known_at) = best(&home, "").await;
    assert_eq!(average, json!("10"), "the agreement that began last closes the open one");

    let rest = agreed(&home, &[(VARIABLE, MOVED_IN, None)]);
    let (loaded, _) = home.account.put(Records::Account(rest)).await;
    assert_eq!((loaded.new, loaded.changed, loaded.same), (0, 1, 1));
    assert_eq!(count(home.pool(), "meter_agreement").await, 1);
    let kept = "select reason, rev, old_values ->> 'tariff_code' from row_revision
                where table_name = 'meter_agreement' and start_at = '2025-01-01Z'";
    assert!(one(home.pool(), kept).await.starts_with("(withdrawn,"));
    // 2 kWh at 24.1; the day before it is as it was.
    let after = home.day("2025-01-15").await;
    assert_eq!((&after["total_energy_cost_ex_vat"], &after["rev"]), (&json!(48.2), &json!(2)));
    assert_eq!(home.day("2024-12-30").await["rev"], 1);
    assert_eq!(best(&home, "").await.0, json!("24.1"));
    assert_eq!(best(&home, &format!("&as_of={known_at}")).await.0, json!("10"));

    // What comes back goes on with its revisions, and can go again.
    let both = || agreed(&home, &[(VARIABLE, MOVED_IN, None), (AGILE, CHANGED, None)]);
    let rev = "select max(rev) from row_revision
               where table_name = 'meter_agreement' and start_at = '2025-01-01Z'";
    let last: i32 = one(home.pool(), rev).await.trim_matches(['(', ')']).parse().unwrap();
    home.account.put(Records::Account(both())).await;
    assert_eq!(
        one(home.pool(), "select rev from meter_agreement where valid_from = '2025-01-01Z'").await,
        format!("({})", last + 1)
    );
    home.account.put(Records::Account(agreed(&home, &[(VARIABLE, MOVED_IN, None)]))).await;
    assert_eq!(count(home.pool(), "meter_agreement").await, 1);
    assert_eq!(home.day("2025-01-15").await["rev"], 4);
}

#[tokio::test]
async fn what_says_nothing_of_agreements_withdraws_none() {
    let mut home = moved().await;
    let listed = async |home: &Home| count(home.pool(), "meter_agreement").await;
    home.account.put(Records::Account(Vec::new())).await;
    home.account.put(Records::Account(agreed(&home, &[]))).await;
    assert_eq!(listed(&home).await, 2, "an account without meters, a meter without agreements");
    // A document from before, and another account that has the meter now.
    let one_less = || agreed(&home, &[(VARIABLE, MOVED_IN, None)]);
    let (older, other) = (one_less(), one_less());
    let now = home.server.app.clock.now();
    home.account.fetched_at = Some(now - TimeDelta::hours(1));
    home.account.put(Records::Account(older)).await;
    home.account.fetched_at = None;
    home.account.settings.account = Some("A-11111111".to_owned());
    home.account.put(Records::Account(other)).await;
    assert_eq!(listed(&home).await, 2);
    assert_eq!(count(home.pool(), "row_revision where reason = 'withdrawn'").await, 0);
    // A meter that is listed at two places has what both list.
    home.account.settings.account = Some("A-00000000".to_owned());
    let mut places = agreed(&home, &[(VARIABLE, MOVED_IN, None)]);
    places.extend(agreed(&home, &[(AGILE, CHANGED, None)]));
    home.account.put(Records::Account(places)).await;
    assert_eq!(listed(&home).await, 2);
}

#[tokio::test]
async fn gas_is_kept_in_its_unit_and_counts_as_no_electricity() {
    let mut home = Home::new().await;
    let body = String::from_utf8(wire("octopus_account.json").to_vec()).unwrap();
    let gas = r#""gas_meter_points": [{"mprn": "2900000001", "meters": [{"serial_number": "G4"}],
        "agreements": [{"tariff_code": "G-1R-VAR-24-C", "valid_from": "2025-01-01T00:00:00Z", "valid_to": null}]}]"#;
    let body = body.replace(r#""gas_meter_points": []"#, gas);
    home.account.load(body.as_bytes()).await;
    let meter = meter_id("gas", "2900000001", "G4");
    let scopes = "select array_agg(feed_id || ' ' || coalesce(first_available::date::text, '')) from feed_scope
                  where meter_id = ";
    assert_eq!(
        one(home.pool(), &format!("{scopes}'{meter}'")).await,
        "(\"{\"\"octopus.usage 2025-01-01\"\"}\")"
    );
    assert_eq!(count(home.pool(), "feed_scope where tariff_code like 'G-%'").await, 0);

    let point = MeterPoint {
        meter_id: meter.clone(),
        mpan: "2900000001".to_owned(),
        serial: "G4".to_owned(),
    };
    let scope = Scope { scope: meter.clone(), meter: Some(point), ..home.usage.scope.clone() };
    let loader = Loader::of(&home.server, &OctopusUsage, scope).await;
    loader.put(Records::Usage(vec![usage("2025-01-15T12:00:00Z", "1.234")])).await;
    // Which of the two a meter counts is told by nobody but the settings.
    let units = async |home: &Home| {
        let meters: Value = home.owner.get("/api/v1/meters").await.json().await.unwrap();
        let of = |item: &&Value| item["id"] == *meter;
        let unit = meters["items"].as_array().unwrap().iter().find(of).unwrap()["unit"].clone();
        let measure = format!("select distinct measure from rollup where subject_id = '{meter}'");
        (unit, one(home.pool(), &measure).await)
    };
    assert_eq!(units(&home).await, (Value::Null, "(unknown)".to_owned()));
    let told = "select payload #> '{data,unit}', payload #>> '{data,quantity}' from event_outbox
                where topic = 'retail.usage'";
    assert_eq!(one(home.pool(), told).await, "(null,1.234)");
    home.account.settings.gas_in_m3 = Some(true);
    home.account.load(body.as_bytes()).await;
    rollups::drain(&home.server.app).await.unwrap();
    assert_eq!(units(&home).await, (json!("m3"), "(m3)".to_owned()));
    loader.put(Records::Usage(vec![usage("2025-01-15T12:30:00Z", "1")])).await;
    assert_eq!(units(&home).await.1, "(m3)");
    let sum = format!(
        "select trim_scale(sum_value) from rollup where subject_id = '{meter}' and grain = 'day' and zone = 'UTC'"
    );
    assert_eq!(one(home.pool(), &sum).await, "(2.234)");
    assert_eq!(count(home.pool(), "usage_daily_summary").await, 0);
}

/// A server that polls the account and the prices of its tariffs from a stub.
async fn polling(upstream: &Upstream) -> TestServer {
    let server = TestServer::start_with(
        |config| {
            config.feeds.manners = hasty();
            for settings in &mut config.feeds.each {
                settings.enabled = settings.feed.id.starts_with("octopus.");
                settings.base_url = upstream.base();
                settings.account = Some("A-00000000".to_owned());
                settings.api_key = Some(Secret::new("k"));
            }
        },
        None,
    )
    .await;
    server.clock.set("2025-01-15T12:00:00Z");
    for (tariff, unit_rates) in
        [(AGILE, "octopus_rates.json"), (VARIABLE, "octopus_rates_flexible.json")]
    {
        upstream.always(&path(tariff, UNIT_RATES), Answer::file(unit_rates));
        upstream.always(&path(tariff, STANDING), Answer::file("octopus_standing_charges.json"));
    }
    upstream.always(USAGE, Answer::file("octopus_consumption_empty.json"));
    runner::sync(&server.app, Upkeep::Settle).await.unwrap();
    server
}

const USAGE: &str = "/v1/electricity-meter-points/1900000000001/meters/21X0000001/consumption/";

fn path(tariff: &str, what: &str) -> String {
    let product = &tariff[5..tariff.len() - 2];
    format!("/v1/products/{product}/electricity-tariffs/{tariff}/{what}")
}

/// Does what is due until nothing is.
async fn settle(server: &TestServer) {
    for _ in 0..3 {
        runner::sync(&server.app, Upkeep::Settle).await.unwrap();
        runner::catch_up(&server.app).await.unwrap();
    }
}

/// The ranges that were asked for, joined where they meet or overlap.
fn ranges(asked: &[Asked]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let range = |asked: &Asked| {
        Some((at(asked.parameter("period_from")?), at(asked.parameter("period_to")?)))
    };
    let mut all: Vec<_> = asked.iter().filter_map(range).collect();
    all.sort_unstable();
    let mut joined: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for (from, to) in all {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Rows as in their documents, and others, by table.
async fn replayed(server: &TestServer, feed: &str) -> Vec<(&'static str, i64, i64)> {
    let mut conn = beside::beside(&server.app.pool).await.unwrap();
    let mut all = Vec::new();
    for (feed, settings, scope) in replay::scopes(&server.app)
        .await
        .unwrap()
        .into_iter()
        .filter(|(one, ..)| one.about().id == feed)
    {
        let done = replay::scope(&server.app, &mut conn, feed, settings, &scope).await.unwrap();
        all.extend(done.tables.iter().map(|table| (table.table, table.same, table.different)));
    }
    all
}

async fn of_kind(pool: &PgPool, kind: &str) -> i64 {
    count(pool, &format!("tariff_price where rate_kind = '{kind}'")).await
}

#[tokio::test]
async fn prices_are_asked_for_from_where_a_tariff_begins_and_from_earlier_when_that_is_learnt() {
    let upstream = Upstream::start().await;
    let server = polling(&upstream).await;
    settle(&server).await;
    let end = at("2025-01-17T12:00:00Z");
    for what in [UNIT_RATES, STANDING] {
        let asked = |tariff| ranges(&upstream.asked(&path(tariff, what)));
        assert_eq!(asked(AGILE), [(at(CHANGED), end)], "{what}");
        assert_eq!(asked(VARIABLE), [(at(MOVED_IN), end)], "{what}");
    }
    assert_eq!(ranges(&upstream.asked(USAGE))[0].0, at(MOVED_IN));

    // Every row is made again as what it is: the kind of a price is told by the link of its page alone.
    let (pool, rows) = (&server.owner, of_kind(&server.owner, "standing").await);
    assert!(rows > 0 && of_kind(pool, "standard").await > 0);
    let whole = replayed(&server, "octopus.rates").await;
    let same: i64 = whole.iter().map(|(_, same, _)| same).sum();
    assert!(whole.iter().all(|(table, _, different)| (*table, *different) == ("tariff_price", 0)));
    assert_eq!(same, count(pool, "tariff_price").await);

    // Days later the account lists that the home had both tariffs before.
    server.clock.set("2025-01-18T12:00:00Z");
    settle(&server).await;
    let before = upstream.log().len();
    let earlier = String::from_utf8(wire("octopus_account.json").to_vec()).unwrap().replace(
        r#""agreements": ["#,
        r#""agreements": [
      {"tariff_code": "E-1R-AGILE-SAMPLE-25-C", "valid_from": "2022-03-01T00:00:00Z",
       "valid_to": "2023-04-30T23:00:00Z"},"#,
    );
    upstream.always("/v1/accounts/A-00000000/", Answer::body(earlier));
    server.clock.set("2025-01-20T12:00:00Z");
    settle(&server).await;
    server.clock.set("2025-01-21T12:00:00Z");
    settle(&server).await;
    let after = |wanted: &str| -> Vec<Asked> {
        upstream
            .log()
            .into_iter()
            .skip(before)
            .filter(|asked| asked.path.starts_with(wanted))
            .collect()
    };
    let gained = at("2022-03-01T00:00:00Z");
    for what in [UNIT_RATES, STANDING] {
        let first = ranges(&after(&path(AGILE, what)))[0];
        assert_eq!((first.0, first.1 >= at(CHANGED)), (gained, true), "{what}");
        // The other tariff begins where it began.
        assert!(ranges(&after(&path(VARIABLE, what)))[0].0 > at("2025-01-01T00:00:00Z"), "{what}");
    }
    assert_eq!(
        ranges(&after(USAGE))[0].0,
        gained.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
    );
    // No price of it is asked for twice; usage that was not there has a schedule of its own.
    let done = upstream.log().len();
    server.clock.set("2025-01-22T12:00:00Z");
    settle(&server).await;
    let again = upstream.log().into_iter().skip(done);
    let again: Vec<Asked> = again.filter(|asked| asked.path.starts_with("/v1/products/")).collect();
    assert!(ranges(&again)[0].0 > at("2025-01-01T00:00:00Z"));
    assert_eq!(replayed(&server, "octopus.account").await, [("meter_agreement", 3, 0)]);
    let standing = prices(
        &Loader::of(
            &server,
            &trueprice::feeds::octopus::OctopusRates,
            Scope {
                scope: AGILE.to_owned(),
                region_id: None,
                meter: None,
                tariff_code: Some(AGILE.to_owned()),
                first_available: at(CHANGED),
            },
        )
        .await,
        "octopus_standing_charges.json",
    );
    assert_eq!(of_kind(pool, "standing").await, 2 * i64::try_from(standing.len()).unwrap());
}

#[tokio::test]
async fn history_that_is_gained_while_prices_are_asked_for_is_not_forgotten() {
    let upstream = Upstream::start().await;
    let server = polling(&upstream).await;
    settle(&server).await;
    let mut conn = server.app.pool.acquire().await.unwrap();
    let (node, feed) = (server.app.clock.new_id(), "octopus.rates");
    let task = tasks::claim_one(&mut conn, node, feed, AGILE, TaskKind::Live).await.unwrap();
    let scope = NewScope {
        feed_id: feed,
        scope: AGILE,
        region_id: "GB",
        meter_id: None,
        tariff_code: Some(AGILE),
        first_available: at("2022-03-01T00:00:00Z"),
    };
    discovered::put(&mut conn, &scope).await.unwrap();
    let now = server.app.clock.now();
    let ending = Ending { now, next_due: now, fail_count: 0, class: Some("ok"), error: None };
    assert!(tasks::give_back(&mut conn, &task.unwrap(), &ending).await.unwrap());
    let before = upstream.log().len();
    settle(&server).await;
    let asked: Vec<Asked> = upstream.log().into_iter().skip(before).collect();
    assert_eq!(ranges(&asked)[0].0, at("2022-03-01T00:00:00Z"));
}
