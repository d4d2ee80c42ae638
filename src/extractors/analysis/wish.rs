//! A series as it is asked for: what is left out is as in the first one.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

use crate::domain::{ContractMonth, Family, Iso, UnknownWord, business_day_before};

/// One line of the form. `None` means: as in the first line; there, the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Curve type.
    pub curve: Option<Family>,
    /// Where.
    pub iso: Option<Iso>,
    /// A line's name, see [`super::Line`].
    pub zone: Option<String>,
    /// A block, see [`super::Line::block`].
    pub block: Option<String>,
    /// Which operating day.
    pub day: Option<DayWish>,
    /// Which version of the day.
    pub version: Option<VersionWish>,
    /// Only what was known then.
    pub as_of: Option<DateTime<Utc>>,
    /// First contract month.
    pub start: Option<ContractMonth>,
    /// Last contract month.
    pub end: Option<ContractMonth>,
}

/// An operating day, named or told from that of the first series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayWish {
    /// This day.
    On(NaiveDate),
    /// The newest day not later than the business day before.
    PreviousDay,
    /// The newest day not later than 7 days before.
    PreviousWeek,
    /// The newest day not later than the same day of the month before.
    PreviousMonth,
}

impl DayWish {
    /// Those that are told from another day, and what they are called.
    pub const RELATIVE: [(Self, &'static str); 3] = [
        (Self::PreviousDay, "previous business day"),
        (Self::PreviousWeek, "a week before"),
        (Self::PreviousMonth, "a month before"),
    ];

    /// The day itself and whether an earlier one may take its place.
    #[must_use]
    pub fn bound(self, base: NaiveDate) -> (NaiveDate, bool) {
        let or_base = |day: Option<NaiveDate>| (day.unwrap_or(base), true);
        match self {
            Self::On(day) => (day, false),
            Self::PreviousDay => (business_day_before(base), true),
            Self::PreviousWeek => or_base(base.checked_sub_days(Days::new(7))),
            // Clips to the end of a shorter month.
            Self::PreviousMonth => or_base(base.checked_sub_months(Months::new(1))),
        }
    }
}

impl std::fmt::Display for DayWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::On(day) => day.fmt(f),
            Self::PreviousDay => f.write_str("previous_day"),
            Self::PreviousWeek => f.write_str("previous_week"),
            Self::PreviousMonth => f.write_str("previous_month"),
        }
    }
}

impl FromStr for DayWish {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let relative = Self::RELATIVE.into_iter().map(|(day, _)| day);
        let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
        let mut relative = relative.filter(|day| day.to_string() == text);
        relative.next().or_else(|| day().map(Self::On)).ok_or_else(|| UnknownWord {
            found: text.to_owned(),
            what: "an operating day",
            known: "YYYY-MM-DD, previous_day, previous_week, previous_month".to_owned(),
        })
    }
}

/// A version of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionWish {
    /// The newest.
    Latest,
    /// The newest that is not of close of business.
    Intraday,
    /// The newest of close of business.
    Cob,
    /// This one, whatever its day.
    Id(i64),
}

impl VersionWish {
    /// Only (`true`) or never (`false`) close of business.
    #[must_use]
    pub const fn cob(self) -> Option<bool> {
        match self {
            Self::Latest | Self::Id(_) => None,
            Self::Intraday => Some(false),
            Self::Cob => Some(true),
        }
    }
}

impl std::fmt::Display for VersionWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Intraday => f.write_str("intraday"),
            Self::Cob => f.write_str("cob"),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl FromStr for VersionWish {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let words = [Self::Latest, Self::Intraday, Self::Cob];
        let word = words.into_iter().find(|word| word.to_string() == text);
        let id = || text.parse().ok().filter(|id| *id > 0).map(Self::Id);
        word.or_else(id).ok_or_else(|| UnknownWord {
            found: text.to_owned(),
            what: "a version",
            known: "latest, intraday, cob, the number of a version".to_owned(),
        })
    }
}

impl Wish {
    /// Whether nothing at all is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names and values of its parameters; those of series after the first end in `suffix`.
    #[must_use]
    pub fn pairs(&self, suffix: &str) -> Vec<(String, String)> {
        fn text<T: ToString>(value: Option<&T>) -> String {
            value.map(ToString::to_string).unwrap_or_default()
        }
        let at = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        [
            ("curve", text(self.curve.as_ref())),
            ("iso", text(self.iso.as_ref())),
            ("zone", text(self.zone.as_ref())),
            ("block", text(self.block.as_ref())),
            ("day", text(self.day.as_ref())),
            ("version", text(self.version.as_ref())),
            ("as_of", self.as_of.map(at).unwrap_or_default()),
            ("start", text(self.start.as_ref())),
            ("end", text(self.end.as_ref())),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (format!("{name}{suffix}"), value))
        .collect()
    }
}

/// The year of a month.
pub(super) fn year_of(month: ContractMonth) -> i32 {
    month.first_day().year()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_follow_business_days_weeks_and_clipped_months() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let bound = |wish: &str, base| wish.parse::<DayWish>().unwrap().bound(day(base)).0;
        // Monday after Memorial Day's weekend; a Tuesday after it.
        assert_eq!(bound("previous_day", "2024-05-28"), day("2024-05-24"));
        assert_eq!(bound("previous_week", "2024-05-28"), day("2024-05-21"));
        assert_eq!(bound("previous_month", "2024-03-31"), day("2024-02-29"));
        assert_eq!(bound("2024-01-05", "2024-03-31"), day("2024-01-05"));
        assert!("2024-1-5".parse::<DayWish>().is_err());
    }

    #[test]
    fn a_wish_prints_what_it_was_read_from() {
        for word in ["latest", "intraday", "cob", "17"] {
            assert_eq!(word.parse::<VersionWish>().unwrap().to_string(), word);
        }
        for word in ["0", "-1", "all", ""] {
            assert!(word.parse::<VersionWish>().is_err(), "{word}");
        }
        let wish = Wish { version: Some(VersionWish::Cob), ..Wish::default() };
        assert_eq!(wish.pairs("2"), [("version2".to_owned(), "cob".to_owned())]);
    }
}
