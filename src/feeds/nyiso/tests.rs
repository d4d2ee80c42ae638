//! What is asked when, and what the files say.

use std::{collections::BTreeSet, io::Write as _};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{ABOUT, FUELS, FuelMix, ZONE};
use crate::{
    domain::{
        feed::{
            FetchClass, Window,
            day::{day_of, local_day},
            factors::{DatedFactor, Factors},
            mix::{self, Sample, intensity, resample},
        },
        headroom::Long,
    },
    feeds::{
        Ask, BadBody, Feed as _, Finding, FuelSample, Live, PageRef, Records, Settings, samples,
    },
};

macro_rules! wire {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/it/wire/", $name))
    };
}

const SMALL: &[u8] = wire!("nyiso_rtfuelmix.csv");
const MWH: &[u8] = wire!("nyiso_rtfuelmix_header_mwh.csv");
const CUT: &[u8] = wire!("nyiso_rtfuelmix_truncated.csv");
const FALLBACK: &[u8] = wire!("nyiso_rtfuelmix_fallback_excerpt.csv");
const ARCHIVE: &[u8] = wire!("nyiso_rtfuelmix_csv.zip");

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn settings() -> Settings {
    samples::settings(&FuelMix)
}

fn window(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to)).unwrap()
}

/// A local day, asked for on the same day.
fn today() -> (Window, DateTime<Utc>) {
    (local_day(ZONE, day("2025-02-01")).unwrap(), at("2025-02-01T17:00:00Z"))
}

/// A month, asked for long after it.
fn long_ago() -> (Window, DateTime<Utc>) {
    (window("2025-02-01T05:00:00Z", "2025-03-01T05:00:00Z"), at("2026-01-01T00:00:00Z"))
}

fn with_ask<T>((window, now): (Window, DateTime<Utc>), then: impl FnOnce(&Ask<'_>) -> T) -> T {
    let (settings, scope) = (settings(), samples::scope("NYISO"));
    then(&Ask { settings: &settings, scope: &scope, window, page: &PageRef::FIRST, now })
}

fn parse(
    body: &[u8],
    asked: (Window, DateTime<Utc>),
) -> Result<(Vec<FuelSample>, Vec<Finding>), BadBody> {
    let parsed = with_ask(asked, |ask| FuelMix.parse(body, ask))?;
    assert_eq!(parsed.next, None);
    match parsed.records {
        Records::Samples(rows) => Ok((rows, parsed.findings)),
        other => panic!("no samples: {other:?}"),
    }
}

fn read(body: &[u8]) -> Vec<FuelSample> {
    let (rows, findings) = parse(body, today()).unwrap();
    assert_eq!(findings, []);
    rows
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// The factors of NY-STATE-2016, of the totals of the state.
fn state() -> Factors {
    let of = |fuel: &str, tonnes: &str, mwh: &str| {
        let [tonnes, mwh] = [tonnes, mwh].map(|text| Long::from(samples::d(text)));
        let g = tonnes.times(&1000.into()).cut_quotient(&mwh).unwrap();
        DatedFactor {
            fuel: fuel.to_owned(),
            is_regional: false,
            valid_from: day("1970-01-01"),
            valid_to: None,
            g_per_kwh: g.round_dp_with_strategy(9, MidpointAwayFromZero),
        }
    };
    let mut rows = vec![
        of("Natural Gas", "26865277", "56793336"),
        of("Other Fossil Fuels", "2145561", "1770238"),
        of("Dual Fuel", "8683419.1", "17680952.8"),
    ];
    let none = ["Nuclear", "Other Renewables", "Wind", "Hydro", "unknown"];
    rows.extend(none.map(|fuel| of(fuel, "0", "1")));
    Factors::new(rows)
}

/// Start, MW of all fuels, and g/kWh of each slot.
fn slots(rows: &[FuelSample]) -> Vec<(DateTime<Utc>, Decimal, Option<Decimal>)> {
    let samples: Vec<Sample<'_>> =
        rows.iter().map(|row| Sample { at: row.sampled_at, fuel: &row.fuel, mw: row.mw }).collect();
    let factors = state();
    let figures = |slot: &mix::SlotMix<'_>| {
        let mw = slot.fuels.values().filter_map(mix::Mean::mw).sum();
        let day = day_of(ZONE, slot.start);
        (slot.start, mw, intensity(slot, &FUELS, &factors, day).ok())
    };
    resample(&samples, TimeDelta::minutes(5)).iter().map(figures).collect()
}

fn rounded(value: Decimal) -> String {
    value.round_dp_with_strategy(6, MidpointAwayFromZero).normalize().to_string()
}

/// Slots, rows, and the means over time and weighted by generation.
fn of_day(body: &[u8]) -> (Window, usize, usize, [String; 2]) {
    let rows = read(body);
    let slots = slots(&rows);
    let total: Decimal = slots.iter().map(|(_, _, g)| g.unwrap()).sum();
    let weighed: Decimal = slots.iter().map(|(_, mw, g)| g.unwrap() * mw).sum();
    let weight: Decimal = slots.iter().map(|(_, mw, _)| mw).sum();
    let last = slots.last().unwrap().0 + TimeDelta::minutes(5);
    let window = Window::new(slots[0].0, last).unwrap();
    let means = [total / Decimal::from(slots.len()), weighed / weight].map(rounded);
    (window, slots.len(), rows.len(), means)
}

#[test]
fn a_file_has_seven_readings_in_six_slots() {
    let rows = read(SMALL);
    let instants: BTreeSet<_> = rows.iter().map(|row| row.sampled_at).collect();
    assert_eq!((rows.len(), instants.len()), (49, 7));
    let slots = slots(&rows);
    let starts: Vec<String> =
        slots.iter().map(|slot| slot.0.format("%d %H:%M").to_string()).collect();
    assert_eq!(starts, ["01 05:00", "01 05:05", "01 05:10", "01 05:15", "01 05:20", "02 04:55"]);
    let g: Vec<String> = slots.iter().map(|slot| rounded(slot.2.unwrap())).collect();
    // The mean of 00:16:34 and 00:20:00 with all its digits.
    assert_eq!(slots[3].2, Some(samples::d("228.655348549")));
    assert_eq!(
        g,
        ["229.14512", "228.961415", "228.776351", "228.655349", "228.404889", "250.911127"]
    );
}

#[test]
fn a_reading_gives_tonnes_and_intensity() {
    let mw = ["2282", "3310", "5413", "0", "237", "258", "2814"].map(samples::d);
    let rows: Vec<FuelSample> = FUELS
        .iter()
        .zip(mw)
        .map(|(fuel, mw)| FuelSample {
            sampled_at: at("2025-02-01T05:05:00Z"),
            fuel: (*fuel).into(),
            mw: Some(mw),
        })
        .collect();
    let (_, total, g) = slots(&rows)[0];
    assert_eq!(total.to_string(), "14314");
    assert_eq!(rounded(g.unwrap()), "187.681821");
    let tonnes = g.unwrap() * total / Decimal::from(1000);
    assert_eq!(tonnes.round_dp(2).to_string(), "2686.48");
}

#[test]
fn days_have_as_many_slots_as_the_clocks_make() {
    let spring = of_day(wire!("full/20240310rtfuelmix.csv"));
    assert_eq!(spring.0, local_day(ZONE, day("2024-03-10")).unwrap());
    assert_eq!((spring.1, spring.2), (276, 1932));
    assert_eq!(spring.3, ["233.066631", "233.565074"]);
    let autumn = of_day(wire!("full/20241103rtfuelmix.csv"));
    assert_eq!(autumn.0, window("2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"));
    assert_eq!((autumn.1, autumn.2), (300, 2100));
    assert_eq!(autumn.3, ["229.238817", "229.201607"]);
    let plain = of_day(wire!("full/20250201rtfuelmix.csv"));
    assert_eq!(plain.0, local_day(ZONE, day("2025-02-01")).unwrap());
    assert_eq!((plain.1, plain.2), (288, 2016));
    assert_eq!(plain.3, ["234.816581", "234.696118"]);
}

#[test]
fn the_repeated_hour_is_two_hours() {
    let rows = read(FALLBACK);
    let instants: BTreeSet<_> = rows.iter().map(|row| row.sampled_at).collect();
    assert_eq!(instants.len(), 10);
    let text = |zone| {
        format!("Time Stamp,Time Zone,Fuel Category,Gen MW\n11/03/2024 01:05:00,{zone},Wind,1\n")
    };
    let at = |zone| read(text(zone).as_bytes())[0].sampled_at.to_rfc3339();
    assert_eq!(at("EDT"), "2024-11-03T05:05:00+00:00");
    assert_eq!(at("EST"), "2024-11-03T06:05:00+00:00");
}

#[test]
fn an_archive_holds_the_files_of_a_month() {
    let (rows, findings) = parse(ARCHIVE, long_ago()).unwrap();
    let instants: BTreeSet<_> = rows.iter().map(|row| row.sampled_at).collect();
    let days: BTreeSet<_> = slots(&rows).iter().map(|slot| day_of(ZONE, slot.0)).collect();
    assert_eq!((instants.len(), days.len(), findings.len()), (48, 2, 0));
}

#[test]
fn a_null_is_no_number_and_storage_takes_power() {
    let (rows, findings) = parse(MWH, today()).unwrap();
    assert_eq!(codes(&findings), ["unknown_fuel"]);
    let of = |fuel: &str| {
        let last = rows.iter().rfind(|row| &*row.fuel == fuel);
        last.unwrap().mw.map(|mw| mw.to_string())
    };
    assert_eq!((of("Dual Fuel"), of("Energy Storage")), (None, Some("-35".to_owned())));
    let g: Vec<_> = slots(&rows).iter().map(|slot| slot.2.map(rounded)).collect();
    assert_eq!(g, [Some("229.14512".to_owned()), None]);
}

#[test]
fn a_file_that_is_being_written_is_read_as_far_as_it_is_there() {
    let rows = read(CUT);
    assert_eq!(rows.len(), 13);
    let g: Vec<_> = slots(&rows).iter().map(|slot| slot.2.map(rounded)).collect();
    assert_eq!(g, [Some("229.14512".to_owned()), None]);
}

#[test]
fn a_last_line_counts_if_it_is_whole_as_far_as_can_be_seen() {
    const HEAD: &str = "Time Stamp,Time Zone,Fuel Category,Gen MW";
    let rows = |number: &str, last: &str| {
        let text = format!(
            "{HEAD}\r\n02/01/2025 00:05:00,EST,Wind,{number}\r\n02/01/2025 00:10:00,EST,{last}"
        );
        read(text.as_bytes()).len()
    };
    assert_eq!(rows("865.0", "Wind,870.0"), 2);
    for partial in ["Wind,870.", "Wind,870", "Wind,", "Wind", "Wi", ""] {
        assert_eq!(rows("865.0", partial), 1, "{partial}");
    }
    assert_eq!(rows("865", "Wind,870"), 2);
    assert_eq!(rows("865", "Wind,870.5"), 1);
    assert_eq!(read(HEAD.as_bytes()), []);
    assert_eq!(read(format!("{HEAD}\n02/01/2025 00:05:00,EST,Wind,865").as_bytes()), []);
}

#[test]
fn columns_go_by_name_and_a_bad_row_is_left_out_alone() {
    let text = "\u{feff}Fuel Category,Gen MWh,Note,Time Zone,Time Stamp\n\
                Wind,1.50,x,EST,02/01/2025 00:05:00\n\
                Wind,2,x,ET,02/01/2025 00:10:00\n\
                Wind,n/a,x,EST,02/01/2025 00:10:00\n\
                Wind,2,x,EST,02/30/2025 00:10:00\n\
                ,2,x,EST,02/01/2025 00:10:00\n\
                Wind,2,EST,02/01/2025 00:10:00\n\
                \"Hydro\",3,x,\"EST\",\"02/01/2025 00:10:00\"\n";
    let (rows, findings) = parse(text.as_bytes(), today()).unwrap();
    let kept: Vec<_> = rows.iter().map(|row| (&*row.fuel, row.mw.unwrap().to_string())).collect();
    assert_eq!(kept, [("Wind", "1.50".to_owned()), ("Hydro", "3".to_owned())]);
    assert_eq!(codes(&findings), ["bad_row"; 5]);
    assert!(findings.iter().all(|finding| finding.rejects_row));
    let places: Vec<_> = findings.iter().filter_map(|finding| finding.at.as_deref()).collect();
    assert_eq!(places, ["line 3", "line 4", "line 5", "line 6", "line 7"]);
}

#[test]
fn what_cannot_be_kept_is_a_bad_row_and_too_many_make_another_document() {
    const HEAD: &str = "Time Stamp,Time Zone,Fuel Category,Gen MW\n";
    let odd = |row: &str| {
        let (rows, findings) = parse(format!("{HEAD}{row}\n").as_bytes(), today()).unwrap();
        assert!(rows.is_empty() && codes(&findings) == ["bad_row"], "{row}");
        findings[0].message.chars().count()
    };
    assert!(odd("02/01/2025 00:05:00,EST,Wi\0nd,1") < 80);
    assert!(odd("02/01/+12025 00:05:00,EST,Wind,1") < 80);
    assert_eq!(odd(&format!("02/01/2025 00:05:00,EST,Wind,{}", "9".repeat(9000))), 401);
    let bad = |count| parse(format!("{HEAD}{}", "x\n".repeat(count)).as_bytes(), today());
    assert_eq!(bad(10_000).unwrap().1.len(), 10_000);
    assert!(
        bad(10_001).unwrap_err().0.starts_with("more than 10000 findings, at last: line 10002")
    );
}

#[test]
fn as_many_rows_of_two_formats_always_mean_the_same() {
    let text = "Time Stamp,Time Zone,Fuel Category,Gen MW\n02/01/2025 00:05:00,EST,Wind,1.5\n\
                02/01/2025 00:05:00,EST,Hydro,2\n02/01/2025 00:10:00,EST,Wind,3";
    assert!((0..50).all(|_| read(text.as_bytes()).len() == 2));
}

#[test]
fn what_is_no_file_of_the_mix_is_rejected_whole() {
    for body in
        [&b""[..], b"\n", b"<html>\n</html>\n", b"Time Stamp,Time Zone\n", b"\xff\n", ARCHIVE]
    {
        assert!(parse(body, today()).is_err(), "{body:?}");
    }
    assert!(parse(SMALL, long_ago()).is_err());
    assert!(parse(&ARCHIVE[..ARCHIVE.len() - 30], long_ago()).is_err());
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_archive_has_limits_and_may_hold_other_things() {
    let names: Vec<String> = (0..101).map(|n| format!("{n}rtfuelmix.csv")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), SMALL)).collect();
    assert!(parse(&archive(&many), long_ago()).unwrap_err().0.contains("101 files"));
    assert!(parse(&archive(&many[..2]), long_ago()).is_ok());
    let huge = vec![b'\n'; (256 << 20) + 1];
    let error = parse(&archive(&[("0rtfuelmix.csv", &huge)]), long_ago()).unwrap_err();
    assert!(error.0.contains("more than 268435456 bytes"), "{error}");
    let (rows, findings) =
        parse(&archive(&[("readme.txt", b"x"), ("20250201rtfuelmix.csv", SMALL)]), long_ago())
            .unwrap();
    assert_eq!((rows.len(), codes(&findings)), (49, vec!["unknown_entry"]));
}

fn path(asked: (Window, DateTime<Utc>)) -> (String, bool) {
    let request = with_ask(asked, |ask| FuelMix.request(ask));
    (request.path, request.is_archive)
}

#[test]
fn young_days_are_asked_by_file_and_older_ones_by_month() {
    let file = ("/public/csv/rtfuelmix/20250201rtfuelmix.csv".to_owned(), false);
    let month = ("/public/csv/rtfuelmix/20250201rtfuelmix_csv.zip".to_owned(), true);
    let whole = today().0;
    assert_eq!(path(today()), file);
    assert_eq!(path((whole, at("2025-02-08T04:59:59Z"))), file);
    assert_eq!(path((whole, at("2025-02-08T05:00:00Z"))), month);
    assert_eq!(path(long_ago()), month);
    assert_eq!(
        path((window("2025-02-10T05:00:00Z", "2025-02-12T00:00:00Z"), at("2025-02-12T00:00:00Z"))),
        month
    );
    let summer = window("2025-07-01T04:00:00Z", "2025-07-01T10:00:00Z");
    assert!(path((summer, summer.to())).0.ends_with("/20250701rtfuelmix.csv"));
}

#[test]
fn only_young_files_may_not_be_there_yet() {
    let absence = |asked| with_ask(asked, |ask| FuelMix.absence(ask)).unwrap();
    let day = today().0;
    for (asked, class) in [
        (today(), FetchClass::NotYet),
        ((day, at("2025-02-02T05:00:00Z")), FetchClass::NotYet),
        ((day, at("2025-02-02T10:59:59Z")), FetchClass::NotYet),
        ((day, at("2025-02-02T11:00:00Z")), FetchClass::NoData),
        ((day, at("2025-02-05T12:00:00Z")), FetchClass::NoData),
        ((day, at("2025-02-09T12:00:00Z")), FetchClass::NoData),
        (long_ago(), FetchClass::NoData),
        ((long_ago().0, at("2025-02-20T12:00:00Z")), FetchClass::NoData),
    ] {
        assert_eq!(absence(asked), class, "{asked:?}");
    }
}

fn windows(range: Window) -> Vec<Window> {
    FuelMix.windows(&settings(), &samples::scope("NYISO"), range)
}

#[test]
fn history_goes_by_month_and_the_last_week_by_day() {
    let years = windows(window("2021-01-01T00:00:00Z", "2026-01-01T00:00:00Z"));
    // The last hours of 2020, 60 months of which the last goes by day for a week.
    assert_eq!(years.len(), 1 + 60 + 7);
    assert_eq!(years[1].from(), at("2021-01-01T05:00:00Z"));
    assert_eq!(years[1].to(), at("2021-02-01T05:00:00Z"));
    let live = windows(window("2025-02-01T05:00:00Z", "2025-02-02T05:10:00Z"));
    assert_eq!(live, [today().0, window("2025-02-02T05:00:00Z", "2025-02-02T05:10:00Z")]);
}

proptest! {
    #[test]
    fn windows_cover_a_range_and_each_lies_in_one_file(
        from in 1_450_000_000_i64..1_800_000_000, length in 1_i64..40_000_000, age in 0_i64..40,
    ) {
        let range = Window::new(
            DateTime::from_timestamp(from, 0).unwrap(),
            DateTime::from_timestamp(from + length, 0).unwrap(),
        ).unwrap();
        let windows = windows(range);
        prop_assert_eq!(windows[0].from(), range.from());
        prop_assert_eq!(windows[windows.len() - 1].to(), range.to());
        prop_assert!(windows.windows(2).all(|two| two[0].to() == two[1].from()));
        let now = range.to() + TimeDelta::days(age);
        for window in windows {
            let last = window.to() - TimeDelta::nanoseconds(1);
            let (path, is_archive) = path((window, now));
            let same = |format| {
                let [first, last] = [window.from(), last].map(|at| day_of(ZONE, at).format(format).to_string());
                first == last && path.contains(&last)
            };
            let is_one = same(if is_archive { "%Y%m" } else { "%Y%m%d" });
            prop_assert!(is_one);
            let days = (day_of(ZONE, now) - day_of(ZONE, last)).num_days();
            prop_assert_eq!(is_archive, days >= 7 || window.length() > TimeDelta::hours(25), "{}", path);
        }
    }

    #[test]
    fn whatever_comes_is_read_or_refused(body in samples::damaged(&[SMALL, MWH, CUT, ARCHIVE])) {
        _ = parse(&body, today());
        _ = parse(&body, long_ago());
    }
}

/// From when on a live run asks.
fn live(now: &str, high_water: &str) -> String {
    let live = Live {
        last_ok: None,
        now: at(now),
        history_start: at("2015-12-01T05:00:00Z"),
        high_water: Some(at(high_water)),
    };
    let range = FuelMix.live_range(&settings(), &live).unwrap();
    assert_eq!(range.to(), live.now);
    range.from().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[test]
fn yesterday_is_looked_at_until_its_rows_are_there_and_hourly_until_six() {
    // 23:58 and 00:12 on both clocks.
    assert_eq!(live("2025-02-02T04:58:00Z", "2025-02-02T04:55:00Z"), "2025-02-01T05:00:00Z");
    assert_eq!(live("2025-02-02T05:12:00Z", "2025-02-02T04:55:00Z"), "2025-02-01T05:00:00Z");
    assert_eq!(live("2025-07-02T04:12:00Z", "2025-07-02T03:55:00Z"), "2025-07-01T04:00:00Z");
    assert_eq!(live("2025-02-02T05:12:00Z", "2025-02-02T05:10:00Z"), "2025-02-01T05:00:00Z");
    // 01:00, 01:02, 05:00 and 06:00 with today's rows known.
    assert_eq!(live("2025-02-02T06:00:30Z", "2025-02-02T05:55:00Z"), "2025-02-01T05:00:00Z");
    assert_eq!(live("2025-02-02T06:02:00Z", "2025-02-02T06:00:00Z"), "2025-02-02T05:00:00Z");
    assert_eq!(live("2025-02-02T10:00:30Z", "2025-02-02T09:55:00Z"), "2025-02-01T05:00:00Z");
    assert_eq!(live("2025-02-02T11:00:30Z", "2025-02-02T10:55:00Z"), "2025-02-02T05:00:00Z");
    // After a pause, from the newest row on.
    assert_eq!(live("2025-02-05T17:00:00Z", "2025-02-02T12:00:00Z"), "2025-02-02T05:00:00Z");
}

#[test]
fn the_month_before_is_looked_at_on_the_third() {
    assert_eq!(live("2025-03-03T17:00:30Z", "2025-03-03T16:55:00Z"), "2025-02-01T05:00:00Z");
    assert_eq!(live("2025-03-03T17:02:00Z", "2025-03-03T17:00:00Z"), "2025-03-03T05:00:00Z");
    assert_eq!(live("2025-03-04T17:00:30Z", "2025-03-04T16:55:00Z"), "2025-03-04T05:00:00Z");
    assert_eq!(live("2025-01-03T17:00:30Z", "2025-01-03T16:55:00Z"), "2024-12-01T05:00:00Z");
}

#[test]
fn without_rows_it_begins_at_the_beginning() {
    let start = at("2015-12-01T05:00:00Z");
    let ask = |now: &str, high_water| {
        let live = Live { now: at(now), history_start: start, high_water, last_ok: None };
        FuelMix.live_range(&settings(), &live)
    };
    assert_eq!(ask("2025-02-05T17:00:00Z", None).unwrap().from(), start);
    assert_eq!(ABOUT.default.not_before.parse::<DateTime<Utc>>().unwrap(), start);
    let scope = &FuelMix.scopes(&settings())[0];
    assert_eq!((scope.scope.as_str(), scope.first_available), ("NYISO", start));
}
