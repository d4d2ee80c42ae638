//! The words of a download's query.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

pub use crate::domain::Calendar;
use crate::domain::{Dataset, Family, Iso, Source, words};

words! {
    /// What is asked for; `all` stands for the ten others in this order.
    Curve("a curve type") {
        /// Energy prices by block.
        Energy = "energy",
        /// Capacity, ancillary services, transmission and other charges.
        NonEnergy = "nonenergy",
        /// Renewable energy certificates.
        Rec = "rec",
        /// Price to compare.
        Ptc = "ptc",
        /// Fixed-term retail offers.
        Matrix = "matrix",
        /// How much cheaper an offer is than the price to compare.
        Headroom = "headroom",
        /// Hourly load of a customer class.
        LoadProfile = "loadprofile",
        /// Hourly price shaping factors.
        Shaping = "shaping",
        /// Volume-weighted load ratio.
        Vlr = "vlr",
        /// Line loss factors.
        LineLoss = "lineloss",
        /// Every one of them.
        All = "all",
    }
}

impl Curve {
    /// The curve types that it stands for.
    #[must_use]
    pub fn members(self) -> &'static [Self] {
        match self {
            Self::All => &Self::ALL[..Self::ALL.len() - 1],
            one => std::slice::from_ref(&Self::ALL[one as usize]),
        }
    }

    /// The stored family; headroom is computed.
    #[must_use]
    pub const fn family(self) -> Option<Family> {
        Some(match self {
            Self::Energy => Family::Energy,
            Self::NonEnergy => Family::NonEnergy,
            Self::Rec => Family::Rec,
            Self::Ptc => Family::Ptc,
            Self::Matrix => Family::Matrix,
            Self::LoadProfile => Family::LoadProfile,
            Self::Shaping => Family::Shaping,
            Self::Vlr => Family::Vlr,
            Self::LineLoss => Family::LineLoss,
            Self::Headroom | Self::All => return None,
        })
    }

    /// Whether it has close-of-business versions.
    #[must_use]
    pub const fn has_cob(self) -> bool {
        matches!(self, Self::Energy)
    }

    /// Whether stored and standardized forms differ.
    #[must_use]
    pub const fn has_modes(self) -> bool {
        matches!(self, Self::Energy | Self::NonEnergy | Self::All)
    }

    /// Whether its files carry block types in their names.
    #[must_use]
    pub const fn has_strips(self) -> bool {
        !matches!(self, Self::LoadProfile | Self::Vlr | Self::LineLoss)
    }

    /// Whether contract months choose among its rows.
    #[must_use]
    pub const fn has_months(self) -> bool {
        matches!(self, Self::Energy | Self::NonEnergy | Self::Rec | Self::Ptc | Self::Shaping)
    }
}

words! {
    /// Where; `all` runs in the order of [`Area::members`].
    Area("an ISO") {
        /// Texas.
        Ercot = "ercot",
        /// New England.
        Isone = "isone",
        /// New York.
        Nyiso = "nyiso",
        /// Midcontinent.
        Miso = "miso",
        /// Mid-Atlantic.
        Pjm = "pjm",
        /// Every one of them.
        All = "all",
    }
}

impl Area {
    /// The ISOs that it stands for.
    #[must_use]
    pub const fn members(self) -> &'static [Iso] {
        match self {
            Self::Ercot => &[Iso::Ercot],
            Self::Isone => &[Iso::Isone],
            Self::Nyiso => &[Iso::Nyiso],
            Self::Miso => &[Iso::Miso],
            Self::Pjm => &[Iso::Pjm],
            Self::All => &[Iso::Isone, Iso::Pjm, Iso::Ercot, Iso::Nyiso, Iso::Miso],
        }
    }
}

words! {
    /// A block that may be asked for.
    Block("a strip") {
        /// Every hour.
        S7x24 = "7x24",
        /// On-peak hours of weekdays.
        S5x16 = "5x16",
        /// On-peak hours of weekend days.
        S2x16 = "2x16",
        /// Off-peak hours.
        S7x8 = "7x8",
        /// Weekdays.
        Wd = "wd",
        /// Weekend days.
        We = "we",
        /// A series named on-peak.
        OnPeak = "on-peak",
        /// A series named off-peak.
        OffPeak = "off-peak",
        /// Every block.
        All = "all",
    }
}

words! {
    /// Which versions of an operating day.
    Selector("a version selector") {
        /// The newest.
        Latest = "latest",
        /// The newest that is not of close of business.
        Intraday = "intraday",
        /// The newest of close of business.
        Cob = "cob",
        /// Every one, superseded ones included.
        All = "all",
    }
}

words! {
    /// Whether stored blocks are turned into one 7x24 price.
    Mode("a mode") {
        /// One derived 7x24 series per zone.
        Standardized = "standardized",
        /// Stored blocks in native units.
        Unstandardized = "unstandardized",
    }
}

words! {
    /// How records are laid out.
    Form("a layout") {
        /// One column per series.
        Wide = "wide",
        /// One record per value.
        Long = "long",
    }
}

words! {
    /// How records are written.
    Format("a format") {
        /// Comma-separated text.
        Csv = "csv",
        /// A workbook.
        Xlsx = "xlsx",
        /// One JSON document.
        Json = "json",
        /// One JSON document a line.
        Ndjson = "ndjson",
        /// Apache Parquet.
        Parquet = "parquet",
    }
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// A text that has not the form of what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not {what}; write {form}")]
pub struct BadForm {
    /// What it should be, with its article.
    pub what: &'static str,
    /// The forms that are read.
    pub form: &'static str,
}

/// A day, `YYYY-MM-DD` and nothing else, of the years 0001 to 9999: what a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub NaiveDate);

impl std::str::FromStr for Day {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        day(text).map(Self).ok_or(BadForm { what: "a day", form: "YYYY-MM-DD" })
    }
}

/// Years with a sign, or of more than four digits, are no days here, though chrono reads them.
fn day(text: &str) -> Option<NaiveDate> {
    let fits = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let formed = text.len() == 10 && text.bytes().enumerate().all(fits);
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    day.filter(|day| formed && day.year() > 0)
}

/// One end of a range of contract months. A month is in when its first day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthBound(pub NaiveDate);

impl std::str::FromStr for MonthBound {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        let first = if text.len() == 7 { day(&format!("{text}-01")) } else { day(text) };
        let wanted = BadForm { what: "a contract month", form: "YYYY-MM or YYYY-MM-DD" };
        first.map(Self).ok_or(wanted)
    }
}

/// An instant with its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub DateTime<Utc>);

impl std::str::FromStr for Instant {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        let form =
            "RFC 3339 with an offset, such as 2031-03-04T09:30:00Z (in a URL, write + as %2B)";
        let separated = text.as_bytes().get(10).is_some_and(|t| t.eq_ignore_ascii_case(&b'T'));
        DateTime::parse_from_rfc3339(text)
            .ok()
            .filter(|_| separated)
            .map(|instant| Self(instant.to_utc()))
            .ok_or(BadForm { what: "an instant", form })
    }
}

/// A curve type at an ISO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Combination {
    /// Never `all`.
    pub curve: Curve,
    /// Where.
    pub iso: Iso,
}

impl Combination {
    /// The dataset; none for MISO REC, and none for headroom, which is computed.
    #[must_use]
    pub fn dataset(self) -> Option<Dataset> {
        self.curve.family().and_then(|family| Dataset::new(family, self.iso))
    }

    /// Where its versions are kept; none for MISO REC.
    #[must_use]
    pub fn source(self) -> Option<Source> {
        match self.curve {
            Curve::Headroom => Some(Source::Headroom(self.iso)),
            _ => self.dataset().map(Source::Stored),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_stands_for_the_ten_curves_and_one_for_itself() {
        assert_eq!(Curve::All.members().len(), 10);
        assert_eq!(Curve::Vlr.members(), [Curve::Vlr]);
    }

    #[test]
    fn days_months_and_instants_are_read_strictly() {
        assert!("2024-02-30".parse::<Day>().is_err());
        for text in ["2024-2-3", "-4713-01-01", "+262142-12-31", "0000-01-01", "-001-01-01"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
            assert!(text.parse::<MonthBound>().is_err(), "{text}");
        }
        for text in ["-001-01", "+024-01", "0000-01", "2024-1", "é024-01"] {
            assert!(text.parse::<MonthBound>().is_err(), "{text}");
        }
        assert!("0001-01-01".parse::<Day>().is_ok() && "9999-12-31".parse::<Day>().is_ok());
        assert_eq!("2024-02".parse::<MonthBound>().unwrap().0.to_string(), "2024-02-01");
        assert_eq!("2024-02-15".parse::<MonthBound>().unwrap().0.to_string(), "2024-02-15");
        assert!("2024-02-15T00:00:00".parse::<Instant>().is_err());
        assert!("2024-02-15 00:00:00Z".parse::<Instant>().is_err());
        let instant = "2024-02-15T01:00:00.123456+01:00".parse::<Instant>().unwrap();
        assert_eq!(instant.0.to_rfc3339(), "2024-02-15T00:00:00.123456+00:00");
    }
}
