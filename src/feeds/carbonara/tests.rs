use chrono::{DateTime, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::{
    domain::feed::{IntensityUnit, Quality, Window},
    feeds::samples::{self, at, d},
};

const PAGE_1: &[u8] = include_bytes!("../../../tests/it/wire/carbonara_search.json");
const PAGE_2: &[u8] = include_bytes!("../../../tests/it/wire/carbonara_search_page2.json");
const RESTATED: &[u8] = include_bytes!("../../../tests/it/wire/carbonara_search_restated.json");
const DISORDER: &[u8] =
    include_bytes!("../../../tests/it/wire/carbonara_search_gap_unordered.json");
const EMPTY: &[u8] = include_bytes!("../../../tests/it/wire/carbonara_search_empty.json");

fn window() -> Window {
    samples::window("2021-07-07T23:00:00Z", "2021-07-08T00:00:00Z")
}

/// What a page says to somebody who wants some sets.
fn page(
    body: &[u8],
    number: u32,
    sets: &[&str],
) -> Result<(Vec<Intensity>, Option<Next>), BadBody> {
    let mut settings = samples::settings(&CarbonaraIntensity);
    settings.factor_sets = sets.iter().map(|&set| set.to_owned()).collect();
    let scope = regions::scopes(Some(&["CAISO".to_owned()])).remove(0);
    let page = PageRef::Number(number);
    let now = at("2021-07-08T00:01:00Z");
    let ask = Ask { settings: &settings, scope: &scope, window: window(), page: &page, now };
    let parsed = CarbonaraIntensity.parse(body, &ask)?;
    assert!(parsed.findings.is_empty());
    let Records::Intensity(rows) = parsed.records else { panic!("other rows") };
    Ok((rows, parsed.next))
}

fn refused(body: &str) -> String {
    page(body.as_bytes(), 1, &["EGRID_u2019"]).unwrap_err().0
}

/// Mean of a metric in lb/MWh and g/kWh.
fn means(rows: &[Intensity], metric: impl Fn(&Intensity) -> Option<Decimal>) -> (Decimal, Decimal) {
    let sum: Decimal = rows.iter().filter_map(metric).sum();
    let mean = sum / Decimal::from(rows.len());
    (mean, IntensityUnit::LbPerMwh.canonical(mean).unwrap().round_dp(6))
}

/// One event with some members of its own.
fn event(data: &str, meta: &str, key: &str) -> String {
    format!(
        r#"{{"data":[{{"data":{data},"region":"CAISO","event_type":"carbon_intensity",{key}
        "start_date":"2021-07-07T23:00:00+00:00","meta":{meta}}}],
        "meta":{{"pagination":{{"first":1,"this":1,"last":1}}}}}}"#
    )
}

fn only(data: &str, meta: &str, key: &str, set: &str) -> Intensity {
    page(event(data, meta, key).as_bytes(), 1, &[set]).unwrap().0.remove(0)
}

#[test]
fn two_pages_hold_an_hour_of_one_set() {
    let (mut rows, next) = page(PAGE_1, 1, &["EGRID_u2019"]).unwrap();
    assert_eq!(next, Some(Next::Page(PageRef::Number(2))));
    let (more, end) = page(PAGE_2, 2, &["EGRID_u2019"]).unwrap();
    assert_eq!(end, None);
    rows.extend(more);
    let starts: Vec<DateTime<Utc>> = rows.iter().map(|row| row.start).collect();
    let slots: Vec<_> = window().cut(chrono::TimeDelta::minutes(5)).map(Window::from).collect();
    assert_eq!(starts, slots);
    assert!(rows.iter().all(|row| row.secs == 300 && row.unit == IntensityUnit::LbPerMwh));
    assert_eq!(rows[0].generated, Some(d("520.0")));
    assert_eq!(means(&rows, |row| row.generated), (d("542.0"), d("245.847065")));
    assert_eq!(means(&rows, |row| row.marginal).0, d("866.25"));
    assert!(rows.iter().all(|row| row.consumed.is_none()));
}

#[test]
fn sets_stay_apart() {
    let both = ["EGRID_u2019", "EGRID_2019"];
    let mut rows = page(PAGE_1, 1, &both).unwrap().0;
    rows.extend(page(PAGE_2, 2, &both).unwrap().0);
    let mut keys: Vec<_> = rows.iter().map(|row| (row.factor_set.clone(), row.start)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 24);
    let of = |set: &str| rows.iter().find(|row| &*row.factor_set == set).unwrap().generated;
    assert_eq!((of("EGRID_u2019"), of("EGRID_2019")), (Some(d("520.0")), Some(d("374.4"))));
    assert!(page(PAGE_1, 1, &["EGRID_2018"]).unwrap().0.is_empty());
}

#[test]
fn what_the_provider_says_of_a_row_is_kept_once() {
    let first = page(PAGE_1, 1, &["EGRID_u2019"]).unwrap().0.remove(0);
    assert_eq!(
        first.src_key.as_deref(),
        Some("CAISO:carbon_intensity:EGRID_u2019:2021-07-07T23:00:00+00:00")
    );
    assert_eq!(first.src_updated_at, Some(at("2021-07-07T23:06:00.25Z")));
    assert_eq!(
        first.raw.unwrap().get(),
        concat!(
            r#"{"marginal_emissions_source":"EGRID_u2019","marginal_fuel_mix_source":"INTV_DIFF","#,
            r#""marginal_source":"CAISO:marginal_fuel_mix:2021-07-07T23:00:00+00:00","#,
            r#""raw_start_date":"2021-07-07T23:00:00+00:00","#,
            r#""source":"generated_fuel_mix:CAISO:2021-07-07T23:00:00+00:00"}"#
        )
    );
}

#[test]
fn consumed_rates_come_later_with_a_later_stamp() {
    let rows = page(RESTATED, 1, &["EGRID_u2019"]).unwrap().0;
    assert_eq!(rows.len(), 12);
    assert_eq!(means(&rows, |row| row.consumed).0, d("576.5"));
    assert_eq!(means(&rows, |row| row.generated).0, d("542.0"));
    assert_eq!(means(&rows, |row| row.marginal).0, d("866.25"));
    assert!(rows.iter().all(|row| row.src_updated_at == Some(at("2021-07-10T09:15:00.1Z"))));
    // The stamp that is not the latest is told by nothing else.
    let raw = rows[0].raw.as_ref().unwrap().get();
    assert!(raw.contains("inserted_at") && !raw.contains("updated_at"), "{raw}");
}

#[test]
fn order_is_free_and_what_lacks_is_not_made_up() {
    let rows = page(DISORDER, 1, &["EGRID_u2019"]).unwrap().0;
    let minutes: Vec<String> = rows.iter().map(|row| row.start.format("%M").to_string()).collect();
    assert_eq!(rows.len(), 10);
    assert!(!minutes.contains(&"15".to_owned()) && !minutes.contains(&"35".to_owned()));
    assert!(!minutes.is_sorted());
    assert_eq!(means(&rows, |row| row.generated).0, d("542.4"));
    assert!(page(EMPTY, 1, &["EGRID_u2019"]).unwrap().0.is_empty());
}

#[test]
fn the_set_is_that_of_meta_else_of_the_key_else_the_unnamed_one() {
    let meta = |set: &str| format!(r#"{{"unit":"lb/MWh"{set}}}"#);
    let key = |set: &str| {
        format!(r#""dedup_key":"CAISO:carbon_intensity:{set}2021-07-07T23:00:00+00:00","#)
    };
    let named = meta(r#","generated_emissions_source":"EGRID_2018""#);
    let null = meta(r#","generated_emissions_source":null"#);
    for (meta, key, set) in [
        (&named, key("EGRID_u2019:"), "EGRID_2018"),
        (&null, key("EGRID_u2019:"), "EGRID_u2019"),
        (&meta(""), key("EGRID_2019_eq:"), "EGRID_2019_eq"),
        (&meta(""), key(""), "EGRID_u2018"),
        (&meta(""), String::new(), "EGRID_u2018"),
    ] {
        let row = only(r#"{"generated_rate":"7.50"}"#, meta, &key, set);
        assert_eq!(row.generated.unwrap().to_string(), "7.50");
        assert_eq!((row.src_updated_at, row.raw.is_none()), (None, true));
    }
}

#[test]
fn flags_of_imputation_make_a_row_imputed() {
    let quality = |flag: &str| {
        let meta = format!(r#"{{"unit":"lbs/MWh",{flag}}}"#);
        only("{}", &meta, "", "EGRID_u2018").quality
    };
    for yes in [r#""imputed":true"#, r#""imputation_method":"forward_fill""#, r#""isImputed":1"#] {
        assert_eq!(quality(yes), Quality::Imputed, "{yes}");
    }
    for no in [r#""imputed":false"#, r#""imputed_fields":[]"#, r#""imputation_method":null"#] {
        assert_eq!(quality(no), Quality::Measured, "{no}");
    }
}

#[test]
fn a_null_rate_is_unknown_and_zero_is_zero() {
    let data = r#"{"generated_rate":null,"marginal_rate":0,"consumed_rate":-1.5}"#;
    let row = only(data, r#"{"unit":"lbs/MWh"}"#, "", "EGRID_u2018");
    assert_eq!(row.generated, None);
    assert_eq!((row.marginal, row.consumed), (Some(Decimal::ZERO), Some(d("-1.5"))));
}

#[test]
fn an_answer_to_another_question_is_refused_whole() {
    let text = String::from_utf8(RESTATED.to_vec()).unwrap();
    let other = |from: &str, to: &str| refused(&text.replacen(from, to, 1));
    assert_eq!(
        other(r#""region": "CAISO""#, r#""region": "PJM""#),
        "at data[0]: expected an event of region CAISO, found one of PJM"
    );
    assert_eq!(
        other(r#""event_type": "carbon_intensity""#, r#""event_type": "generated_fuel_mix""#),
        "at data[0]: expected an event of type carbon_intensity, found generated_fuel_mix"
    );
    assert_eq!(
        other(r#""unit": "lbs/MWh""#, r#""unit": "kg/MWh""#),
        "at data[0]: expected rates in lbs/MWh or lb/MWh, found the unit \"kg/MWh\""
    );
    assert!(other(r#""unit": "lbs/MWh""#, r#""u": 1"#).ends_with("found the unit none"));
    assert!(
        other("23:00:00+00:00\"\n  },", "23:00:00\"\n  },").contains("start_date: invalid value")
    );
    assert!(other(r#""generated_rate": 520.0"#, r#""generated_rate": "n/a""#).contains("a number"));
    assert!(
        other("09:15:00.100000Z", "09:15:00.100000").contains("meta.consumed_rate_calculated_at")
    );
    assert!(other("INTV_DIFF", "\\u0000").contains("what cannot be kept"));
    assert!(other("CAISO:carbon_intensity:EGRID", "\\u0000").contains("U+0000"));
    assert!(refused("{\"data\":\"maintenance\"}").contains("expected a sequence"));
    assert_eq!(
        page(PAGE_2, 1, &["EGRID_u2019"]).unwrap_err().0,
        "expected page 1, found page 2 of 2"
    );
}

#[test]
fn a_page_is_asked_for_with_zone_and_the_key_in_a_header() {
    let mut settings = samples::settings(&CarbonaraIntensity);
    settings.filter_upstream = true;
    let scope = regions::scopes(None).remove(0);
    let page = PageRef::Number(3);
    let ask = Ask {
        settings: &settings,
        scope: &scope,
        window: window(),
        page: &page,
        now: at("2025-01-01T00:00Z"),
    };
    let request = CarbonaraIntensity.request(&ask);
    assert_eq!(request.path, "/v1/region_events/search");
    assert_eq!(request.auth, Auth::Header("X-Api-Key"));
    let query: Vec<(&str, &str)> =
        request.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(
        query,
        [
            ("region", "CAISO"),
            ("event_type", "carbon_intensity"),
            ("start", "2021-07-07T23:00:00+00:00"),
            ("end", "2021-07-08T00:00:00+00:00"),
            ("per_page", "1000"),
            ("page", "3"),
            ("filter", "meta.generated_emissions_source:EGRID_u2019"),
        ]
    );
    let mut settings = settings.clone();
    settings.factor_sets.push("EGRID_2019".to_owned());
    let ask = Ask { settings: &settings, ..ask };
    assert_eq!(CarbonaraIntensity.request(&ask).query.len(), 6);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in samples::damaged(&[PAGE_1, RESTATED, DISORDER, EMPTY])) {
        drop(page(&body, 1, &["EGRID_u2019"]));
    }

    #[test]
    fn rates_are_read_as_they_are_written(generated in -9_999_999_i64..9_999_999, scale in 0_u32..8) {
        let rate = Decimal::new(generated, scale);
        let data = format!(r#"{{"generated_rate":{rate},"consumed_rate":"{rate}"}}"#);
        let row = only(&data, r#"{"unit":"lbs/MWh"}"#, "", "EGRID_u2018");
        prop_assert_eq!(row.generated.unwrap().to_string(), rate.to_string());
        prop_assert_eq!(row.consumed, row.generated);
        prop_assert_eq!(row.marginal, None);
    }
}
