use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::{
    domain::feed::{IntensityUnit, Quality},
    feeds::{
        Feed, FuelShare, Intensity, Live, PageRef,
        samples::{self, at, d, window},
    },
};

const DAY: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_date.json");
const PARTIAL: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_partial_day.json");
const RESTATED: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_restated.json");
const TWICE: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_duplicate.json");
const NOTHING: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_empty.json");
const SHORT_DAY: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_20240331.json");
const LONG_DAY: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_20241027.json");
const AHEAD: &[u8] = include_bytes!("../../../tests/it/wire/uk_intensity_fw48h.json");
const MIX: &[u8] = include_bytes!("../../../tests/it/wire/uk_generation.json");
const MIX_DAY: &[u8] = include_bytes!("../../../tests/it/wire/full/uk_generation_20250115.json");
const FACTORS: &[u8] = include_bytes!("../../../tests/it/wire/uk_factors.json");
const REGIONAL: &[u8] = include_bytes!("../../../tests/it/wire/uk_regional_empty_200.json");
const CUT_OFF: &[u8] = include_bytes!("../../../tests/it/wire/fault_truncated.json");
const WRONG_TYPE: &[u8] = include_bytes!("../../../tests/it/wire/fault_wrong_type.json");
const ERROR: &[u8] = include_bytes!("../../../tests/it/wire/uk_error_400.json");

const ALL: [&dyn Feed; 4] = [&GbIntensity, &GbMix, &GbForecast, &GbFactors];

/// Asks a feed something.
fn with_ask<T>(feed: &dyn Feed, range: Window, now: &str, of: impl FnOnce(&Ask<'_>) -> T) -> T {
    let settings = samples::settings(feed);
    let scope = national().remove(0);
    of(&Ask {
        settings: &settings,
        scope: &scope,
        window: range,
        page: &PageRef::FIRST,
        now: at(now),
    })
}

fn parse(feed: &dyn Feed, body: &[u8]) -> Result<Records, BadBody> {
    let range = window("2025-01-15T00:00Z", "2025-01-16T00:00Z");
    let parsed = with_ask(feed, range, "2025-01-15T23:47:12Z", |ask| feed.parse(body, ask))?;
    assert!(parsed.findings.is_empty() && parsed.next.is_none());
    Ok(parsed.records)
}

fn intensities(body: &[u8]) -> Vec<Intensity> {
    let Ok(Records::Intensity(rows)) = parse(&GbIntensity, body) else { panic!("no rows") };
    rows
}

fn shares(body: &[u8]) -> Vec<FuelShare> {
    let Ok(Records::Mix(rows)) = parse(&GbMix, body) else { panic!("no rows") };
    rows
}

fn mean(rows: &[Intensity]) -> Decimal {
    let values: Vec<Decimal> = rows.iter().filter_map(|row| row.generated).collect();
    values.iter().sum::<Decimal>() / Decimal::from(values.len())
}

fn path(feed: &dyn Feed, range: Window) -> String {
    with_ask(feed, range, "2025-01-15T23:47:12Z", |ask| feed.request(ask).path)
}

#[test]
fn an_unknown_actual_is_null_until_it_comes() {
    let rows = intensities(PARTIAL);
    let known = rows.iter().filter(|row| row.generated.is_some()).count();
    assert_eq!((rows.len(), known), (48, 20));
    assert_eq!(rows[19].start, at("2025-01-15T09:30Z"));
    assert!(rows[..20].iter().all(|row| row.generated.is_some()));
    let rows = intensities(DAY);
    assert_eq!((rows.len(), mean(&rows)), (48, d("150.0625")));
    assert_eq!(rows[0].raw.as_ref().unwrap().get(), r#"{"forecast":156,"index":"moderate"}"#);
    assert_eq!((rows[0].secs, rows[0].unit), (1800, IntensityUnit::GPerKwh));
    assert_eq!((&*rows[0].factor_set, rows[0].quality), ("NESO", Quality::Measured));
}

#[test]
fn revised_and_repeated_slots_are_told_as_they_come() {
    let (old, new) = (intensities(DAY), intensities(RESTATED));
    let by = |index: usize| new[index].generated.unwrap() - old[index].generated.unwrap();
    for index in 0..48 {
        assert_eq!(by(index), if (30..36).contains(&index) { d("3") } else { d("0") }, "{index}");
    }
    assert_eq!(mean(&new), d("150.4375"));
    let twice = intensities(TWICE);
    let slots: Vec<_> = twice.iter().map(|row| (row.start, row.generated.unwrap())).collect();
    let (seven, half) = (at("2025-01-15T19:00Z"), at("2025-01-15T19:30Z"));
    assert_eq!(slots, [(seven, d("82")), (seven, d("91")), (half, d("85"))]);
}

#[test]
fn days_of_46_and_50_half_hours_are_whole() {
    for (body, length, first) in
        [(SHORT_DAY, 46, "2024-03-31T00:00Z"), (LONG_DAY, 50, "2024-10-26T23:00Z")]
    {
        let rows = intensities(body);
        assert_eq!((rows.len(), rows[0].start), (length, at(first)));
        let step = TimeDelta::minutes(30);
        assert!(rows.windows(2).all(|two| two[1].start - two[0].start == step));
    }
}

#[test]
fn shares_keep_their_own_slots() {
    let rows = shares(MIX);
    assert_eq!(rows.len(), 5 * 9);
    assert_eq!(rows[0].start, at("2025-01-14T23:30Z"));
    let gas = |start| {
        let row = |row: &&FuelShare| &*row.fuel == "gas" && row.start == at(start);
        rows.iter().find(row).unwrap().percent.unwrap().to_string()
    };
    assert_eq!(gas("2025-01-14T23:30Z"), "44.0");
    let day = shares(MIX_DAY);
    assert_eq!(day.len(), 49 * 9);
    let total: Decimal = day.iter().filter_map(|row| row.percent).sum();
    assert_eq!(total.normalize(), d("4900"));
}

#[test]
fn a_forecast_is_of_the_half_hour_in_which_it_was_fetched() {
    let Ok(Records::Forecast(rows)) = parse(&GbForecast, AHEAD) else { panic!("no rows") };
    assert!(rows.iter().all(|row| row.issued_at == at("2025-01-15T23:30Z")));
    let values: Vec<_> = rows.iter().map(|row| row.generated.unwrap()).collect();
    assert_eq!(values, ["147", "156", "165", "174", "183", "191"].map(d));
    assert_eq!(rows[0].start, at("2025-01-15T23:30Z"));
}

#[test]
fn factors_are_read_by_the_names_that_they_have() {
    let Ok(Records::Factors(rows)) = parse(&GbFactors, FACTORS) else { panic!("no rows") };
    let of = |fuel: &str| rows.iter().find(|row| row.fuel == fuel).unwrap().g_per_kwh;
    assert_eq!(rows.len(), 14);
    assert_eq!((of("Gas (Combined Cycle)"), of("Irish Imports")), (d("394"), d("458")));
    assert_eq!(of("Wind"), d("0"));
    let wrong = parse(&GbFactors, br#"{"data":[{"Oil":null}]}"#).unwrap_err();
    assert!(wrong.0.starts_with("at data.Oil: expected a number"), "{wrong}");
    let wrong = parse(&GbFactors, br#"{"data":[{"Oil":1e9}]}"#).unwrap_err();
    assert_eq!(wrong.0, "at data.Oil: expected a factor in g/kWh, found 1000000000");
}

#[test]
fn past_the_horizon_there_is_nothing_and_that_is_no_fault() {
    for feed in ALL {
        for body in [NOTHING, REGIONAL, b"{}"] {
            assert!(parse(feed, body).unwrap().is_empty());
        }
    }
}

#[test]
fn what_is_not_as_announced_is_refused_whole() {
    let says = |feed: &dyn Feed, body: &[u8]| parse(feed, body).unwrap_err().0;
    for feed in ALL {
        assert!(
            says(feed, WRONG_TYPE).starts_with("at data: invalid type: string \"maintenance\"")
        );
        assert_eq!(says(feed, b""), "expected JSON, found an empty body");
        assert!(says(feed, ERROR).starts_with("expected a list named data, or {}; found error: {"));
        assert!(says(feed, b"{\"data\":null}").contains("found data: null"));
    }
    assert!(says(&GbIntensity, CUT_OFF).contains("cut off"));
    let day = String::from_utf8(DAY.to_vec()).unwrap();
    let other = |from: &str, to: &str| says(&GbIntensity, day.replacen(from, to, 1).as_bytes());
    assert_eq!(
        other("T00:30Z", "T01:00Z"),
        "at data[0]: expected a slot of 1800 s, found 3600 s from 2025-01-15T00:00:00Z"
    );
    assert!(other("T00:00Z", "T00:00").starts_with("at data[0].from: invalid value"));
    assert!(other("150", "\"high\"").starts_with("at data[0].intensity.actual: expected a number"));
    assert!(other("moderate", "\\u0000").ends_with("found what cannot be kept"));
    assert!(says(&GbMix, DAY).contains("missing field `generationmix`"));
}

#[test]
fn a_slot_is_asked_for_from_inside_of_it() {
    let day = window("2025-01-15T19:00Z", "2025-01-15T20:00Z");
    assert_eq!(path(&GbIntensity, day), "/intensity/2025-01-15T19:01Z/2025-01-15T20:01Z");
    assert_eq!(path(&GbMix, day), "/generation/2025-01-15T19:01Z/2025-01-15T20:01Z");
    assert_eq!(path(&GbForecast, day), "/intensity/2025-01-15T19:00Z/fw48h");
    assert_eq!(path(&GbFactors, day), "/intensity/factors");
    let ragged = window("2025-01-15T19:07:09Z", "2025-01-15T19:40:00.5Z");
    assert_eq!(path(&GbIntensity, ragged), "/intensity/2025-01-15T19:01Z/2025-01-15T20:01Z");
}

#[test]
fn a_forecast_covers_two_days_from_the_present_slot() {
    let live = Live {
        last_ok: None,
        now: at("2025-01-15T23:47:12.5Z"),
        history_start: at("2018-01-01T00:00Z"),
        high_water: None,
    };
    let settings = samples::settings(&GbForecast);
    let range = GbForecast.live_range(&settings, &live).unwrap();
    assert_eq!(range, window("2025-01-15T23:30Z", "2025-01-17T23:30Z"));
    assert_eq!(GbForecast.windows(&settings, &national()[0], range), [range]);
    let settings = samples::settings(&GbFactors);
    let range = GbFactors.live_range(&settings, &live).unwrap();
    assert_eq!(GbFactors.windows(&settings, &national()[0], range).len(), 1);
}

proptest! {
    #[test]
    fn windows_are_short_and_cut_at_new_year_without_hole_or_overlap(
        from in 0_i64..2_000_000_000, hours in 1_i64..20_000, days in 1_i64..40
    ) {
        let from = DateTime::from_timestamp(from, 0).unwrap();
        let whole = Window::new(from, from + TimeDelta::hours(hours)).unwrap();
        let mut settings = samples::settings(&GbIntensity);
        settings.window = TimeDelta::days(days);
        let pieces = windows(&settings, whole);
        prop_assert_eq!((pieces[0].from(), pieces[pieces.len() - 1].to()), (whole.from(), whole.to()));
        prop_assert!(pieces.windows(2).all(|two| two[0].to() == two[1].from()));
        prop_assert!(pieces.iter().all(|one| one.length() <= TimeDelta::days(days.min(13))));
        let last = |one: &Window| (one.to() - TimeDelta::seconds(1)).year();
        prop_assert!(pieces.iter().all(|one| one.from().year() == last(one)));
    }

    #[test]
    fn no_bytes_make_it_panic(body in samples::damaged(&[PARTIAL, TWICE, AHEAD, MIX, FACTORS, REGIONAL])) {
        for feed in ALL {
            drop(parse(feed, &body));
        }
    }
}

#[test]
fn ninety_days_over_new_year_are_eight_windows() {
    let range = window("2024-11-15T00:00Z", "2025-02-13T00:00Z");
    let pieces = windows(&samples::settings(&GbIntensity), range);
    let starts: Vec<String> =
        pieces.iter().map(|one| one.from().format("%m-%d").to_string()).collect();
    assert_eq!(starts, ["11-15", "11-28", "12-11", "12-24", "01-01", "01-14", "01-27", "02-09"]);
}
