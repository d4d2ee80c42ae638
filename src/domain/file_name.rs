//! The names of curve files: `Energy_ERCOT_20230522_082540_cob.csv`.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use super::{CurveTimestamp, Dataset, Family, Iso};

/// The grammar of file names in one line, as errors print it.
pub const GRAMMAR: &str = "<energy|nonenergy|rec|ptc|matrix|loadprofile|shaping|lineloss|vlr>_<ercot|isone|miso|nyiso|pjm>_YYYYMMDD_HHMMSS[_cob].<csv|xlsx>";

/// The longest base name, in bytes.
const MAX_BYTES: usize = 255;

/// How far ahead of the server's clock a file may be stamped.
const MAX_AHEAD: Duration = Duration::hours(24);

/// The form of a file, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Comma-separated text.
    Csv,
    /// An Office Open XML workbook.
    Xlsx,
}

/// A curve file's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurveFileName {
    /// Family and ISO.
    pub dataset: Dataset,
    /// When the curve was published.
    pub timestamp: CurveTimestamp,
    /// Whether it closes its operating day.
    pub cob: bool,
    /// By the extension.
    pub format: FileFormat,
}

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// A part of the name is not what the grammar wants.
    #[error("the file name's {part} {problem}: {offending:?}")]
    Bad {
        /// `family`, `iso`, `date`, `time`, `suffix`, `extension` or `path`.
        part: &'static str,
        /// What is wrong with it.
        problem: String,
        /// The text that is wrong.
        offending: String,
        /// A corrected name, where one is near.
        suggestion: Option<String>,
    },
    /// A name of a layout that is no longer read.
    #[error("older layout; please send it in the current one")]
    Legacy,
    /// A family that does not exist for this ISO, or an ISO that is not served.
    #[error("there are no {family} curves for {area}; supported are {supported}")]
    UnsupportedArea {
        /// The family of the name.
        family: Family,
        /// The ISO of the name, as it stands there.
        area: String,
        /// The ISOs of this family, joined by commas.
        supported: String,
    },
    /// `_cob` on a family that knows no close of business.
    #[error("_cob is for energy files only, not for {0}")]
    CobNotApplicable(Family),
}

impl FileNameError {
    /// The machine word of a report.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Bad { .. } => "bad_filename",
            Self::Legacy => "legacy_format",
            Self::UnsupportedArea { .. } => "unsupported_area",
            Self::CobNotApplicable(_) => "cob_not_applicable",
        }
    }

    fn bad(part: &'static str, problem: impl Into<String>, offending: impl Into<String>) -> Self {
        Self::Bad { part, problem: problem.into(), offending: offending.into(), suggestion: None }
    }
}

impl CurveFileName {
    /// Reads `name` with its wall clock in `zone`; `now` bounds how far ahead it may be stamped.
    /// A name is never repaired: what is near is suggested, not assumed.
    pub fn parse(name: &str, zone: Tz, now: DateTime<Utc>) -> Result<Self, FileNameError> {
        Self::parse_strictly(name, zone, now).map_err(|error| match error {
            FileNameError::Bad { part, problem, offending, .. } => FileNameError::Bad {
                suggestion: near_name(name)
                    .filter(|near| Self::parse_strictly(near, zone, now).is_ok()),
                part,
                problem,
                offending,
            },
            other => other,
        })
    }

    fn parse_strictly(name: &str, zone: Tz, now: DateTime<Utc>) -> Result<Self, FileNameError> {
        check_characters(name)?;
        if is_legacy(name) {
            return Err(FileNameError::Legacy);
        }
        let (stem, extension) = name
            .rsplit_once('.')
            .ok_or_else(|| FileNameError::bad("extension", "is missing", ""))?;
        let format = match &*extension.to_ascii_lowercase() {
            "csv" => FileFormat::Csv,
            "xlsx" => FileFormat::Xlsx,
            _ => return Err(FileNameError::bad("extension", "is neither csv nor xlsx", extension)),
        };
        let mut words = stem.split('_');
        let mut next =
            |part| words.next().ok_or_else(|| FileNameError::bad(part, "is missing", ""));
        let family: Family = parse_word(next("family")?, "family", "is not a curve family")?;
        let area = next("iso")?;
        let iso = parse_iso(area, family)?;
        let date = parse_date(next("date")?)?;
        let (time, appended) = split_time(next("time")?);
        let time = parse_time(time)?;
        if !appended.is_empty() {
            return Err(FileNameError::bad("suffix", "is not _cob", appended));
        }
        let rest: Vec<&str> = words.collect();
        let cob = match rest.as_slice() {
            [] => false,
            [word] if word.eq_ignore_ascii_case("cob") => true,
            _ => {
                let suffix = format!("_{}", rest.join("_"));
                return Err(FileNameError::bad("suffix", "is not _cob", suffix));
            }
        };
        let timestamp = read_timestamp(date.and_time(time), zone, now)?;
        if cob && !family.has_cob() {
            return Err(FileNameError::CobNotApplicable(family));
        }
        let dataset = Dataset::new(family, iso).ok_or_else(|| unsupported(family, area))?;
        Ok(Self { dataset, timestamp, cob, format })
    }
}

fn check_characters(name: &str) -> Result<(), FileNameError> {
    if let Some(found) = name.chars().find(|c| matches!(c, '/' | '\\' | ':') || c.is_control()) {
        return Err(FileNameError::bad("path", "holds a character that no name may hold", found));
    }
    if name.contains("..") {
        return Err(FileNameError::bad("path", "holds two dots in a row", ".."));
    }
    if name.len() > MAX_BYTES {
        let start: String = name.chars().take(40).collect();
        return Err(FileNameError::bad("path", format!("is longer than {MAX_BYTES} bytes"), start));
    }
    Ok(())
}

/// The names of older layouts, compared without case.
fn is_legacy(name: &str) -> bool {
    const PREFIXES: [&str; 6] = [
        "forwardcurve_",
        "ancillarydata_",
        "ancillarydatadetails_",
        "capacity_",
        "rec_update_tool_",
        "external_",
    ];
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split('_').collect();
    let is_iso = |word: &str| word.parse::<Iso>().is_ok();
    let is_strip = |word: &str| {
        word.split_once('x').is_some_and(|(days, hours)| is_digits(days) && is_digits(hours))
    };
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || match words.as_slice() {
            ["rec", iso, strip, _, ..] => is_iso(iso) && is_strip(strip),
            [iso, "capacity" | "rps" | "lf", _, ..] => is_iso(iso),
            [day, _, ..] => day.len() == 8 && is_digits(day) && name[8..].contains("ptc"),
            _ => false,
        }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse_word<T: std::str::FromStr>(
    word: &str,
    part: &'static str,
    problem: &str,
) -> Result<T, FileNameError> {
    word.parse().map_err(|_| FileNameError::bad(part, problem, word))
}

/// A word of letters in the ISO's place is an area that is not served; anything else is no area.
fn parse_iso(area: &str, family: Family) -> Result<Iso, FileNameError> {
    area.parse().map_err(|_| {
        if !area.is_empty() && area.bytes().all(|b| b.is_ascii_alphabetic()) {
            unsupported(family, area)
        } else {
            FileNameError::bad("iso", "is not an ISO", area)
        }
    })
}

fn unsupported(family: Family, area: &str) -> FileNameError {
    let supported: Vec<&str> = Dataset::all()
        .filter(|dataset| dataset.family == family)
        .map(|dataset| dataset.iso.as_str())
        .collect();
    FileNameError::UnsupportedArea {
        family,
        area: area.to_owned(),
        supported: supported.join(", "),
    }
}

fn parse_date(word: &str) -> Result<NaiveDate, FileNameError> {
    if word.len() != 8 || !is_digits(word) {
        return Err(FileNameError::bad("date", "is not YYYYMMDD", word));
    }
    let date = NaiveDate::parse_from_str(word, "%Y%m%d")
        .map_err(|_| FileNameError::bad("date", "does not exist", word))?;
    if !("2000".."2101").contains(&&word[..4]) {
        return Err(FileNameError::bad("date", "is not in the years 2000 to 2100", word));
    }
    Ok(date)
}

/// The six digits of a time and what was put behind them, such as the ` (1)` of a browser's copy.
fn split_time(word: &str) -> (&str, &str) {
    match word.split_at_checked(6) {
        Some((time, appended))
            if is_digits(time) && !appended.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            (time, appended)
        }
        _ => (word, ""),
    }
}

fn parse_time(word: &str) -> Result<NaiveTime, FileNameError> {
    if word.len() != 6 || !is_digits(word) {
        return Err(FileNameError::bad("time", "is not HHMMSS", word));
    }
    let number = |range: std::ops::Range<usize>| word[range].parse().unwrap_or(u32::MAX);
    NaiveTime::from_hms_opt(number(0..2), number(2..4), number(4..6))
        .ok_or_else(|| FileNameError::bad("time", "does not exist", word))
}

fn read_timestamp(
    local: NaiveDateTime,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<CurveTimestamp, FileNameError> {
    let written = local.format("%Y%m%d_%H%M%S").to_string();
    let timestamp = CurveTimestamp::read(local, zone)
        .map_err(|error| FileNameError::bad("time", error.to_string(), &*written))?;
    if timestamp.instant() > now + MAX_AHEAD {
        let problem = format!("is more than 24 h ahead of the server's clock ({now:.0})");
        return Err(FileNameError::bad("date", problem, written));
    }
    Ok(timestamp)
}

/// What the sender may have meant: without the copy mark of a browser, blanks or a wrong ending.
fn near_name(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "csv"));
    let base = stem.rsplit(['/', '\\']).next().unwrap_or(stem);
    let base = base.split('(').next().unwrap_or(base).trim();
    let words: Vec<&str> = base.split(['_', ' ', '-']).filter(|word| !word.is_empty()).collect();
    let kept =
        if words.get(4).is_some_and(|word| word.eq_ignore_ascii_case("cob")) { 5 } else { 4 };
    let extension = match &*extension.trim().to_ascii_lowercase() {
        "xlsx" | "xls" | "xlsm" => "xlsx",
        _ => "csv",
    };
    let near = format!("{}.{extension}", words.get(..kept)?.join("_"));
    (near != name).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Result<CurveFileName, FileNameError> {
        CurveFileName::parse(name, Tz::UTC, "2026-01-02T03:04:05Z".parse().unwrap())
    }

    #[test]
    fn good_names_are_taken_apart() {
        let name = parse("Energy_ERCOT_20230522_082542_cob.csv").unwrap();
        assert_eq!(name.dataset, Dataset { family: Family::Energy, iso: Iso::Ercot });
        assert_eq!(name.timestamp.instant().to_rfc3339(), "2023-05-22T08:25:42+00:00");
        assert!(name.cob);
        let upper = parse("NONENERGY_pjm_20240229_000000.XLSX").unwrap();
        assert_eq!(upper.format, FileFormat::Xlsx);
        assert!(!upper.cob);
    }

    #[test]
    fn each_wrong_part_is_named() {
        for (name, part) in [
            ("Energy_ERCOT_20230522.csv", "time"),
            ("Energy_ERCOT_20230522_0825.csv", "time"),
            ("Energy_ERCOT_20230522_246000.csv", "time"),
            ("Energy_ERCOT_230522_082540.csv", "date"),
            ("Energy_ERCOT_20230230_082540.csv", "date"),
            ("Energy_ERCOT_19990522_082540.csv", "date"),
            ("Energy_ERCOT_20260104_082540.csv", "date"),
            ("Energy_ERCOT_20230522_082540.txt", "extension"),
            ("Energy_ERCOT_20230522_082540", "extension"),
            ("Energy_ERCOT_20230522_082540_final.csv", "suffix"),
            ("Energy_ERCOT_20230522_082540_cobalt.csv", "suffix"),
            ("Energy_ERCOT_20230522_082540_cob_v2.csv", "suffix"),
            ("Energy_ERCOT_20230522_082540 (1).csv", "suffix"),
            ("Energy_ERCOT_20230522_0825401.csv", "time"),
            ("Energi_ERCOT_20230522_082540.csv", "family"),
            ("Energy_ERC0T_20230522_082540.csv", "iso"),
            (" Energy_ERCOT_20230522_082540.csv", "family"),
            ("x/Energy_ERCOT_20230522_082540.csv", "path"),
            ("..\\Energy_ERCOT_20230522_082540.csv", "path"),
            ("Energy_ERCOT_20230522_082540.csv\0", "path"),
        ] {
            match parse(name) {
                Err(FileNameError::Bad { part: found, .. }) => assert_eq!(found, part, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(matches!(
            parse(&format!("{}.csv", "e".repeat(252))),
            Err(FileNameError::Bad { part: "path", .. })
        ));
    }

    #[test]
    fn a_near_name_is_suggested_but_not_taken() {
        let FileNameError::Bad { suggestion, .. } =
            parse("Energy_ERCOT_20230522_082540 (1).csv").unwrap_err()
        else {
            panic!("another error");
        };
        assert_eq!(suggestion.as_deref(), Some("Energy_ERCOT_20230522_082540.csv"));
    }

    #[test]
    fn areas_suffixes_and_old_layouts_have_their_own_codes() {
        for (name, code) in [
            ("REC_MISO_20230522_082540.csv", "unsupported_area"),
            ("Energy_CAISO_20230522_082540.csv", "unsupported_area"),
            ("REC_ERCOT_20230522_082540_cob.csv", "cob_not_applicable"),
            ("ForwardCurve_ERCOT_20230522.csv", "legacy_format"),
            ("REC_ERCOT_7x25_20230522.csv", "legacy_format"),
            ("PJM_Capacity_20230522.csv", "legacy_format"),
            ("20230522_NY_PTC.csv", "legacy_format"),
        ] {
            assert_eq!(parse(name).unwrap_err().code(), code, "{name}");
        }
    }

    #[test]
    fn a_time_that_the_zone_skips_is_refused() {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let zone = chrono_tz::America::New_York;
        let error = CurveFileName::parse("Energy_PJM_20230312_023000.csv", zone, now).unwrap_err();
        assert!(error.to_string().contains("does not exist in America/New_York"), "{error}");
    }
}
