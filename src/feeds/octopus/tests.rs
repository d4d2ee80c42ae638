use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::{
    domain::feed::{FetchClass, RateKind},
    feeds::{
        Ask, Auth, Feed, Live, MeterPoint, Metering, Parsed, Price, Records, Scope, Settings,
        Usage, gb,
        samples::{self, at, d, window},
    },
};

const ACCOUNT: &[u8] = include_bytes!("../../../tests/it/wire/octopus_account.json");
const RATES: &[u8] = include_bytes!("../../../tests/it/wire/octopus_rates.json");
const RATES_1: &[u8] = include_bytes!("../../../tests/it/wire/octopus_rates_page1.json");
const RATES_2: &[u8] = include_bytes!("../../../tests/it/wire/octopus_rates_page2.json");
const FLEXIBLE: &[u8] = include_bytes!("../../../tests/it/wire/octopus_rates_flexible.json");
const STANDING: &[u8] = include_bytes!("../../../tests/it/wire/octopus_standing_charges.json");
const USAGE: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption.json");
const USAGE_1: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption_page1.json");
const USAGE_2: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption_page2.json");
const SUMMER: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption_bst_utcday.json");
const SHORT_DAY: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption_20240331.json");
const LONG_DAY: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption_20241027.json");
const LATE: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption_late.json");
const NOTHING: &[u8] = include_bytes!("../../../tests/it/wire/octopus_consumption_empty.json");
const ERROR: &[u8] = include_bytes!("../../../tests/it/wire/octopus_error_404.json");

const AGILE: &str = "E-1R-AGILE-SAMPLE-25-C";
const AGILE_RATES: &str =
    "/v1/products/AGILE-SAMPLE-25/electricity-tariffs/E-1R-AGILE-SAMPLE-25-C/standard-unit-rates/";

fn tariff(code: &str) -> Scope {
    Scope { tariff_code: Some(code.to_owned()), ..samples::scope(code) }
}

fn meter(mpan: &str) -> Scope {
    let meter = MeterPoint {
        meter_id: "m-1".to_owned(),
        mpan: mpan.to_owned(),
        serial: "21X0000001".to_owned(),
    };
    Scope { meter: Some(meter), ..samples::scope("m-1") }
}

/// Asks for a page of 15 January 2025.
fn with_ask<T>(
    feed: &dyn Feed,
    scope: &Scope,
    page: &PageRef,
    of: impl FnOnce(&Ask<'_>) -> T,
) -> T {
    let account = Some("A-00000000".to_owned());
    let settings = Settings { account, ..samples::settings(feed) };
    let window = window("2025-01-15T00:00Z", "2025-01-16T00:00Z");
    of(&Ask { settings: &settings, scope, window, page, now: at("2025-01-16T09:00Z") })
}

fn parse(feed: &dyn Feed, scope: &Scope, page: &PageRef, body: &[u8]) -> Result<Parsed, BadBody> {
    with_ask(feed, scope, page, |ask| feed.parse(body, ask))
}

fn usage(body: &[u8]) -> (Vec<Usage>, Option<Next>) {
    let parsed = parse(&OctopusUsage, &meter("1900000000001"), &PageRef::FIRST, body).unwrap();
    let Records::Usage(rows) = parsed.records else { panic!("other rows") };
    (rows, parsed.next)
}

fn prices(scope: &Scope, page: &PageRef, body: &[u8]) -> (Vec<Price>, Option<Next>) {
    let parsed = parse(&OctopusRates, scope, page, body).unwrap();
    let Records::Prices(rows) = parsed.records else { panic!("other rows") };
    (rows, parsed.next)
}

fn meters(body: &str) -> (Vec<Metering>, Vec<Finding>) {
    let scope = samples::scope("account");
    let parsed = parse(&OctopusAccount, &scope, &PageRef::FIRST, body.as_bytes()).unwrap();
    let Records::Account(rows) = parsed.records else { panic!("other rows") };
    (rows, parsed.findings)
}

fn link(number: u32, path_and_query: &str) -> PageRef {
    PageRef::Link { number, path_and_query: path_and_query.to_owned() }
}

/// What a feed asks for: path and query.
fn asked(feed: &dyn Feed, scope: &Scope, page: &PageRef) -> (String, Auth) {
    let request = with_ask(feed, scope, page, |ask| feed.request(ask));
    let query: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    (request.path + &query, request.auth)
}

#[test]
fn an_account_tells_its_meters_and_what_was_agreed() {
    let (meters, findings) = meters(std::str::from_utf8(ACCOUNT).unwrap());
    assert!(findings.is_empty());
    let [meter] = &meters[..] else { panic!("{meters:?}") };
    assert_eq!(
        (meter.fuel_kind, meter.direction, meter.unit),
        ("electricity", "import", Some("kWh"))
    );
    assert_eq!((&*meter.mpan, &*meter.serial), ("1900000000001", "21X0000001"));
    let spans: Vec<_> = meter
        .agreements
        .iter()
        .map(|one| (&*one.tariff_code, one.valid_from, one.valid_to))
        .collect();
    let (moved_in, changed) = (at("2023-04-30T23:00Z"), at("2025-01-01T00:00Z"));
    assert_eq!(spans, [("E-1R-VAR-SAMPLE-24-C", moved_in, Some(changed)), (AGILE, changed, None)]);
}

#[test]
fn gas_and_export_are_told_apart_and_what_never_began_is_left_out() {
    let body = r#"{"number":"A-00000000","properties":[{"electricity_meter_points":[
        {"mpan":"1","meters":[{"serial_number":"a"},{"serial_number":""}],"is_export":true,"agreements":[
          {"tariff_code":"E-1R-X-C","valid_from":"2025-01-01T00:00Z","valid_to":"2025-01-01T00:00Z"}]}],
      "gas_meter_points":[{"mprn":"2","meters":[{"serial_number":"b"}],"agreements":[]}]}]}"#;
    let (meters, findings) = meters(body);
    let kinds: Vec<_> =
        meters.iter().map(|one| (&*one.mpan, one.fuel_kind, one.direction)).collect();
    assert_eq!(kinds, [("1", "electricity", "export"), ("2", "gas", "import")]);
    // No document tells what a meter of gas counts.
    assert_eq!((meters[0].unit, meters[1].unit), (Some("kWh"), None));
    assert!(meters[0].agreements.is_empty());
    assert_eq!((&*findings[0].code, findings[0].rejects_row), ("bad_row", true));
    let other = body.replace("A-00000000", "A-1");
    let scope = samples::scope("account");
    let other = parse(&OctopusAccount, &scope, &PageRef::FIRST, other.as_bytes()).unwrap_err();
    assert_eq!(other.0, "expected the account of the settings, found another");
}

#[test]
fn rates_go_from_page_to_page_and_from_kind_to_kind() {
    let scope = tariff(AGILE);
    let (mut rows, next) = prices(&scope, &PageRef::FIRST, RATES_1);
    let Some(Next::Link(next)) = next else { panic!("{next:?}") };
    assert!(next.starts_with("https://api.octopus.energy/v1/products/AGILE-SAMPLE-25/"));
    let second = link(2, next.strip_prefix("https://api.octopus.energy").unwrap());
    let (more, next) = prices(&scope, &second, RATES_2);
    rows.extend(more);
    assert_eq!(rows.len(), 48);
    assert!(rows.iter().all(|row| row.rate_kind == RateKind::Standard));
    assert!(rows.windows(2).all(|two| two[1].valid_to == Some(two[0].valid_from)));
    let Some(Next::Page(third)) = next else { panic!("{next:?}") };
    let expected = "/v1/products/AGILE-SAMPLE-25/electricity-tariffs/E-1R-AGILE-SAMPLE-25-C/standing-charges/\
                    ?period_from=2025-01-15T00%3A00%3A00Z&period_to=2025-01-16T00%3A00%3A00Z&page_size=1500";
    assert_eq!(third, link(3, expected));
    assert_eq!(asked(&OctopusRates, &scope, &third), (expected.to_owned(), Auth::None));
    let (rows, end) = prices(&scope, &third, STANDING);
    assert!(rows.iter().all(|row| row.rate_kind == RateKind::Standing) && end.is_none());
    let absence = |page| with_ask(&OctopusRates, &scope, page, |ask| OctopusRates.absence(ask));
    assert_eq!(absence(&third), Some(FetchClass::NotYet));
    assert_eq!((absence(&second), absence(&PageRef::FIRST)), (None, None));
}

#[test]
fn a_tariff_with_two_rates_is_asked_for_both() {
    let scope = tariff("E-2R-VAR-22-11-01-A");
    let base = "/v1/products/VAR-22-11-01/electricity-tariffs/E-2R-VAR-22-11-01-A";
    let mut page = PageRef::FIRST;
    for (kind, endpoint) in [
        (RateKind::Day, "day-unit-rates"),
        (RateKind::Night, "night-unit-rates"),
        (RateKind::Standing, "standing-charges"),
    ] {
        let path = asked(&OctopusRates, &scope, &page).0;
        assert!(path.starts_with(&format!("{base}/{endpoint}/?period_from=")), "{path}");
        let (rows, next) = prices(&scope, &page, FLEXIBLE);
        assert!(rows.iter().all(|row| row.rate_kind == kind) && rows.len() == 4);
        match next {
            Some(Next::Page(next)) => page = next,
            end => assert_eq!((end, kind), (None, RateKind::Standing)),
        }
    }
    assert_eq!(page.number(), 3);
    let gas = asked(&OctopusRates, &tariff("G-1R-VAR-24-C"), &PageRef::FIRST).0;
    assert!(gas.starts_with("/v1/products/VAR-24/gas-tariffs/G-1R-VAR-24-C/standard-unit-rates/"));
}

#[test]
fn prices_are_spans_by_way_of_payment() {
    let (rows, _) = prices(&tariff("E-1R-VAR-SAMPLE-24-C"), &PageRef::FIRST, FLEXIBLE);
    let debit = |from| {
        let of = |row: &&Price| {
            row.payment_method.as_deref() == Some("DIRECT_DEBIT") && row.valid_from == from
        };
        rows.iter().find(of).unwrap()
    };
    let (before, after) = (debit(at("2024-09-30T23:00Z")), debit(at("2025-01-01T00:00Z")));
    assert_eq!((before.exc_vat, before.inc_vat), (d("21.8"), d("22.89")));
    assert_eq!((after.exc_vat, after.valid_to), (d("24.1"), None));
    assert_eq!(before.valid_to, Some(after.valid_from));
    let negative = String::from_utf8(RATES.to_vec()).unwrap().replacen("18.51", "-0.510", 1);
    let (rows, _) = prices(&tariff(AGILE), &PageRef::FIRST, negative.as_bytes());
    assert_eq!((rows[0].exc_vat.to_string(), rows.len()), ("-0.510".to_owned(), 48));
    assert_eq!(rows[0].payment_method, None);
}

#[test]
fn usage_is_keyed_by_the_instant_whatever_the_offset() {
    let (rows, next) = usage(SUMMER);
    assert_eq!((rows.len(), next), (48, None));
    assert_eq!((rows[0].start, rows[47].start), (at("2025-07-15T00:00Z"), at("2025-07-15T23:30Z")));
    let of_day = |day: &str| rows.iter().filter(|row| day_of(row.start).to_string() == day).count();
    assert_eq!((of_day("2025-07-15"), of_day("2025-07-16")), (46, 2));
    assert_eq!(usage(LATE).0.len(), 45);
    assert!(usage(NOTHING).0.is_empty());
    let (mut rows, next) = usage(USAGE_1);
    assert!(matches!(next, Some(Next::Link(link)) if link.contains("page=2")));
    rows.extend(usage(USAGE_2).0);
    assert_eq!((rows.len(), rows), (48, usage(USAGE).0));
}

/// Σ usage and Σ usage × intensity of a day.
fn day(usage_body: &[u8], carbon_body: &[u8]) -> (Decimal, Decimal) {
    let settings = samples::settings(&gb::GbIntensity);
    let window = window("2025-01-15T00:00Z", "2025-01-16T00:00Z");
    let (scope, page) = (samples::scope("GB"), PageRef::FIRST);
    let ask = Ask { settings: &settings, scope: &scope, window, page: &page, now: window.to() };
    let parsed = gb::GbIntensity.parse(carbon_body, &ask).unwrap();
    let Records::Intensity(carbon) = parsed.records else { panic!("other rows") };
    let carbon: BTreeMap<_, _> =
        carbon.iter().map(|row| (row.start, row.generated.unwrap())).collect();
    let (rows, _) = usage(usage_body);
    let starts: std::collections::BTreeSet<_> = rows.iter().map(|row| row.start).collect();
    assert_eq!(starts.len(), rows.len());
    let sums =
        rows.iter().map(|row| (row.quantity.unwrap(), row.quantity.unwrap() * carbon[&row.start]));
    sums.fold((Decimal::ZERO, Decimal::ZERO), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

#[test]
fn days_of_46_48_and_50_half_hours_come_to_the_golden_sums() {
    const SHORT: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_20240331.json");
    const LONG: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_20241027.json");
    const PLAIN: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_date.json");
    for (usage_body, carbon_body, kwh, grams) in [
        (SHORT_DAY, SHORT, "21.059", "3654.807"),
        (LONG_DAY, LONG, "22.335", "3828.999"),
        (USAGE, PLAIN, "21.697", "3741.903"),
    ] {
        assert_eq!(day(usage_body, carbon_body), (d(kwh), d(grams)));
    }
    assert_eq!((usage(SHORT_DAY).0.len(), usage(LONG_DAY).0.len()), (46, 50));
}

#[test]
fn usage_is_asked_for_by_days_of_london() {
    let scope = meter("1900000000001");
    assert_eq!(
        asked(&OctopusUsage, &scope, &PageRef::FIRST),
        (
            "/v1/electricity-meter-points/1900000000001/meters/21X0000001/consumption/\
             ?period_from=2025-01-15T00:00:00Z&period_to=2025-01-16T00:00:00Z\
             &order_by=period&page_size=25000"
                .to_owned(),
            Auth::BasicUser
        )
    );
    assert!(asked(&OctopusUsage, &meter("1234567890"), &PageRef::FIRST).0.starts_with("/v1/gas-"));
    let mut settings = samples::settings(&OctopusUsage);
    let live = Live {
        last_ok: Some(at("2025-07-16T08:10Z")),
        now: at("2025-07-16T09:10Z"),
        history_start: at("2024-01-01T00:00Z"),
        high_water: Some(at("2025-07-14T12:00Z")),
    };
    let range = OctopusUsage.live_range(&settings, &live).unwrap();
    assert_eq!(range, window("2025-06-29T23:00Z", "2025-07-16T23:00Z"));
    // Before the first good answer, and when more of history is known, all of it.
    let whole = OctopusUsage.live_range(&settings, &Live { last_ok: None, ..live }).unwrap();
    assert_eq!(whole, window("2024-01-01T00:00Z", "2025-07-16T23:00Z"));
    assert_eq!(OctopusUsage.windows(&settings, &scope, range), [range]);
    settings.window = TimeDelta::days(2);
    let range = window("2024-03-29T10:00Z", "2024-04-01T10:00Z");
    assert_eq!(
        OctopusUsage.windows(&settings, &scope, range),
        [
            window("2024-03-29T10:00Z", "2024-03-31T00:00Z"),
            window("2024-03-31T00:00Z", "2024-04-01T10:00Z")
        ]
    );
}

#[test]
fn news_of_prices_is_asked_for_when_it_comes() {
    let settings = samples::settings(&OctopusRates);
    for (now, minutes) in [
        ("2025-01-15T16:05Z", 15),
        ("2025-01-15T19:59:59Z", 15),
        ("2025-01-15T20:00Z", 360),
        ("2025-01-15T15:00Z", 65),
        ("2025-01-15T02:00Z", 360),
        ("2025-07-15T15:05Z", 15),
        ("2025-07-15T15:00Z", 5),
        ("2025-07-15T19:00Z", 360),
        ("2025-03-29T20:00Z", 360),
    ] {
        let after = OctopusRates.poll_after(&settings, at(now));
        assert_eq!(after, Duration::from_mins(minutes), "{now}");
    }
    let range = |last_ok: Option<&str>| {
        let live = Live {
            now: at("2025-01-15T15:00Z"),
            history_start: at("2023-05-01T00:00Z"),
            high_water: None,
            last_ok: last_ok.map(at),
        };
        OctopusRates.live_range(&settings, &live).unwrap()
    };
    // All of it at first, and what an outage left out.
    assert_eq!(range(None), window("2023-05-01T00:00Z", "2025-01-17T15:00Z"));
    let polled = range(Some("2025-01-15T15:00Z"));
    assert_eq!(polled, window("2025-01-12T15:00Z", "2025-01-17T15:00Z"));
    assert_eq!(range(Some("2025-01-01T15:00Z")).from(), at("2024-12-29T15:00Z"));
}

#[test]
fn what_is_not_as_announced_is_refused_whole() {
    let (meter, tariff) = (meter("1900000000001"), tariff(AGILE));
    let says = |feed: &dyn Feed, scope: &Scope, body: &str| {
        parse(feed, scope, &PageRef::FIRST, body.as_bytes()).unwrap_err().0
    };
    let page = |next: &str, rows: &str| {
        format!(r#"{{"count":1,"next":{next},"previous":null,"results":[{rows}]}}"#)
    };
    let row = |start: &str, end: &str| {
        format!(r#"{{"consumption":1,"interval_start":"{start}","interval_end":"{end}"}}"#)
    };
    let missing = std::str::from_utf8(ERROR).unwrap();
    assert!(says(&OctopusUsage, &meter, missing).contains("missing field `next`"));
    let hour = row("2025-01-15T00:00Z", "2025-01-15T01:00Z");
    assert_eq!(
        says(&OctopusUsage, &meter, &page("null", &hour)),
        "at results[0]: expected a slot of 1800 s, found 3600 s from 2025-01-15T00:00:00Z"
    );
    let local = row("2025-01-15T00:00:00", "2025-01-15T00:30:00");
    assert!(
        says(&OctopusUsage, &meter, &page("null", &local))
            .starts_with("at results[0].interval_start")
    );
    let elsewhere = page(r#""https://api.octopus.energy/v1/accounts/A-1/?page=2""#, "");
    let found = says(&OctopusRates, &tariff, &elsewhere);
    assert!(
        found.starts_with(&format!("expected a next page of {AGILE_RATES}, found ")),
        "{found}"
    );
    let open = r#"{"value_exc_vat":1,"value_inc_vat":1,"valid_from":"2025-01-15T00:00Z"}"#;
    assert!(says(&OctopusRates, &tariff, &page("null", open)).contains("missing field `valid_to`"));
    let lost = parse(&OctopusRates, &tariff, &link(2, "/v1/other/"), RATES).unwrap_err();
    assert_eq!(lost.0, "expected a page of rates, found another");
}

#[test]
fn a_price_that_ends_where_it_begins_is_left_out() {
    let body = r#"{"next":null,"results":[{"value_exc_vat":1,"value_inc_vat":1.05,
        "valid_from":"2025-01-15T00:00Z","valid_to":"2025-01-15T00:00Z"}]}"#;
    let parsed = parse(&OctopusRates, &tariff(AGILE), &PageRef::FIRST, body.as_bytes()).unwrap();
    assert!(parsed.records.is_empty() && parsed.findings[0].rejects_row);
}

#[test]
fn an_account_has_no_more_agreements_than_a_person_could_make() {
    let account = |meters: usize, agreements: usize| {
        let meters = vec![r#"{"serial_number":"1"}"#; meters].join(",");
        let agreed = r#"{"tariff_code":"T","valid_from":"2024-01-01T00:00Z","valid_to":null}"#;
        let agreements = vec![agreed; agreements].join(",");
        let point = format!(r#"{{"mpan":"1","meters":[{meters}],"agreements":[{agreements}]}}"#);
        let body = format!(
            r#"{{"number":"A-00000000","properties":[{{"electricity_meter_points":[{point}]}}]}}"#
        );
        parse(&OctopusAccount, &samples::scope("account"), &PageRef::FIRST, body.as_bytes())
    };
    assert_eq!(account(100, 100).unwrap().records.len(), 100);
    assert_eq!(
        account(100, 101).unwrap_err().0,
        "expected at most 10000 agreements of meters, found 10100"
    );
}

#[test]
fn scopes_are_what_the_settings_name() {
    let mut settings = samples::settings(&OctopusAccount);
    assert!(
        OctopusAccount.scopes(&settings).is_empty() && OctopusRates.scopes(&settings).is_empty()
    );
    settings.account = Some("A-00000000".to_owned());
    settings.scopes = Some(vec![AGILE.to_owned()]);
    assert_eq!(OctopusAccount.scopes(&settings)[0].scope, "account");
    assert_eq!(OctopusRates.scopes(&settings)[0].tariff_code.as_deref(), Some(AGILE));
    let path = asked(&OctopusAccount, &OctopusAccount.scopes(&settings)[0], &PageRef::FIRST);
    assert_eq!(path, ("/v1/accounts/A-00000000/".to_owned(), Auth::BasicUser));
}

proptest! {
    #[test]
    fn windows_of_usage_are_whole_days_without_hole_or_overlap(
        from in 0_i64..2_000_000_000, hours in 1_i64..20_000, days in 0_i64..600
    ) {
        let from = DateTime::from_timestamp(from, 0).unwrap();
        let whole = Window::new(from, from + TimeDelta::hours(hours)).unwrap();
        let mut settings = samples::settings(&OctopusUsage);
        settings.window = TimeDelta::days(days);
        let pieces = OctopusUsage.windows(&settings, &meter("1"), whole);
        prop_assert_eq!((pieces[0].from(), pieces[pieces.len() - 1].to()), (whole.from(), whole.to()));
        prop_assert!(pieces.windows(2).all(|two| two[0].to() == two[1].from()));
        prop_assert!(pieces[1..].iter().all(|one| midnight(day_of(one.from())) == one.from()));
    }

    #[test]
    fn no_bytes_make_it_panic(
        body in samples::damaged(&[ACCOUNT, FLEXIBLE, RATES_2, STANDING, LATE, USAGE_1, NOTHING]),
        code in "\\PC{0,12}",
    ) {
        drop(parse(&OctopusAccount, &samples::scope("account"), &PageRef::FIRST, &body));
        drop(parse(&OctopusRates, &tariff(&code), &PageRef::FIRST, &body));
        drop(parse(&OctopusUsage, &meter(&code), &PageRef::FIRST, &body));
    }
}
