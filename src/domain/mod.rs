//! The words of the trade as types. No I/O; strings stop here.

mod axis;
mod band;
mod calendar;
mod components;
mod dataset;
mod decision;
pub mod exact;
pub mod feed;
mod file_name;
mod finding;
pub mod grant;
pub mod headroom;
mod hours;
mod labels;
mod month;
mod sha256;
mod source;
mod strip;
mod timestamp;
mod unit;
mod value;

pub use axis::{Axis, Component, Place};
pub use band::ValueBand;
pub use calendar::{
    Calendar, ClockChange, business_day_before, clock_change, is_business_day, is_nerc_holiday,
    is_weekend,
};
pub use components::{
    Peak, Registered, Role, peak_of, registered_component, registry, without_peak_words,
    without_unit,
};
pub use dataset::{Dataset, Family, Iso};
pub use decision::{Candidate, Decision, VersionRef, decide};
pub use file_name::{CurveFileName, FileFormat, FileNameError, GRAMMAR};
pub use finding::{Code, Finding, Severity, Stage, column_letters};
pub use hours::{Hour, MonthHours, Season, hours_of_day};
pub use labels::{Labels, MoreLabels, SeriesKey};
pub use month::ContractMonth;
pub use sha256::Sha256;
pub use source::Source;
pub use strip::Strip;
pub use timestamp::{CurveTimestamp, TimestampError};
pub use unit::{UNIT_TEXTS, canonical_unit, unit_at_end};
pub use value::{ExactSum, Missing, Notation};

/// A word that is not one of a closed list: an ISO, a family, a strip, a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{found}\" is not {what}; known are {known}")]
pub struct UnknownWord {
    /// What was read, as it stood.
    pub found: String,
    /// What it should have been, with its article: "an ISO".
    pub what: &'static str,
    /// The known words, joined by commas.
    pub known: String,
}

/// Declares an enum of fixed words with `ALL`, `as_str`, `Display`, `FromStr` (without case, unless
/// the words are said to be `exact`) and serde by the word.
macro_rules! words {
    (@same exact $word:expr, $text:expr) => { $word == $text };
    (@same $word:expr, $text:expr) => { $word.eq_ignore_ascii_case($text) };
    ($(#[$meta:meta])* $name:ident ($what:literal $(, $exact:ident)?) { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every one, in their fixed order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is stored and printed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let same = |word: &&Self| $crate::domain::words!(@same $($exact)? word.as_str(), text);
                Self::ALL.iter().find(same).copied().ok_or_else(|| {
                    $crate::domain::UnknownWord {
                        found: text.to_owned(),
                        what: $what,
                        known: [$($word),+].join(", "),
                    }
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use words;
