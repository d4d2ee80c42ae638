//! The names of curve files.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use trueprice::domain::{CurveFileName, FileFormat, FileNameError};

const ZONES: [Tz; 4] =
    [Tz::UTC, Tz::America__New_York, Tz::America__Chicago, Tz::Australia__Lord_Howe];

/// The first byte chooses the zone, the others are the name.
pub fn check(data: &[u8]) {
    let Some((choice, name)) = data.split_first() else { return };
    let zone = ZONES[usize::from(*choice) % ZONES.len()];
    let name = String::from_utf8_lossy(name);
    let now = DateTime::<Utc>::from_timestamp(1_767_323_045, 0).expect("2026-01-02");
    match CurveFileName::parse(&name, zone, now) {
        Ok(parsed) => accepted(&name, &parsed, zone, now),
        Err(FileNameError::Bad { suggestion: Some(near), .. }) => {
            assert_ne!(near, name);
            assert!(CurveFileName::parse(&near, zone, now).is_ok(), "{near:?} is no suggestion");
        }
        Err(error) => assert!(!error.to_string().contains('\0'), "a report is text"),
    }
}

fn accepted(name: &str, parsed: &CurveFileName, zone: Tz, now: DateTime<Utc>) {
    assert!(name.len() <= 255 && name.is_ascii());
    let harmless = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    assert!(name.chars().all(harmless) && name.matches('.').count() == 1, "{name:?}");
    assert!(parsed.timestamp.instant() <= now + TimeDelta::hours(24));
    assert!(!parsed.cob || parsed.dataset.family.has_cob());
    let canonical = canonical(parsed);
    assert!(canonical.eq_ignore_ascii_case(name), "{name:?} was repaired to {canonical:?}");
    assert_eq!(CurveFileName::parse(&canonical, zone, now).as_ref(), Ok(parsed));
}

/// The one spelling of what a name says.
fn canonical(parsed: &CurveFileName) -> String {
    let cob = if parsed.cob { "_cob" } else { "" };
    let extension = match parsed.format {
        FileFormat::Csv => "csv",
        FileFormat::Xlsx => "xlsx",
    };
    let stamp = parsed.timestamp.local().format("%Y%m%d_%H%M%S");
    format!("{}_{}_{stamp}{cob}.{extension}", parsed.dataset.family, parsed.dataset.iso)
}
