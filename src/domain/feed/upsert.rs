//! What becomes of a row that comes again.
//!
//! Rows of feeds are restated one at a time. What is decided here, for the rows of every table alike:
//! whether what came is news, and what the row says then. Which columns a table has, and what part each
//! plays, is said beside its statements.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

use crate::domain::words;

/// What one column of a row says.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Unknown, or not there.
    Null,
    /// A number: equal where the number is, however many zeros are written.
    Number(Decimal),
    /// A count.
    Int(i32),
    /// Yes or no.
    Bool(bool),
    /// A word.
    Text(Arc<str>),
    /// An instant.
    Instant(DateTime<Utc>),
    /// A calendar day.
    Date(NaiveDate),
    /// A JSON document: equal where the document is, however it is written.
    Json(Arc<str>),
}

impl Cell {
    /// Whether it says nothing.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn number(&self) -> Option<Decimal> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The instant, if it is one; of a day its beginning in UTC.
    #[must_use]
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Instant(instant) => Some(*instant),
            Self::Date(day) => Some(day.and_time(chrono::NaiveTime::MIN).and_utc()),
            _ => None,
        }
    }

    /// The word, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Feeds a digest so that equal cells, and no others, feed it the same.
    fn feed(&self, digest: &mut Sha256) {
        match self {
            Self::Null => digest.update([0]),
            Self::Number(number) => {
                let number = number.normalize();
                digest.update([1]);
                digest.update(number.mantissa().to_be_bytes());
                digest.update(number.scale().to_be_bytes());
            }
            Self::Int(number) => feed_bytes(digest, 2, &number.to_be_bytes()),
            Self::Bool(is) => feed_bytes(digest, 3, &[u8::from(*is)]),
            Self::Text(text) => feed_bytes(digest, 4, text.as_bytes()),
            Self::Instant(at) => feed_bytes(digest, 5, &at.timestamp_micros().to_be_bytes()),
            Self::Date(day) => feed_bytes(digest, 6, day.to_string().as_bytes()),
            Self::Json(text) => feed_bytes(digest, 7, read_json(text).to_string().as_bytes()),
        }
    }
}

fn feed_bytes(digest: &mut Sha256, kind: u8, bytes: &[u8]) {
    digest.update([kind]);
    digest.update(bytes.len().to_be_bytes());
    digest.update(bytes);
}

fn read_json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Instant(a), Self::Instant(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Json(a), Self::Json(b)) => a == b || read_json(a) == read_json(b),
            _ => false,
        }
    }
}

impl Eq for Cell {}

impl Hash for Cell {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Null | Self::Json(_) => {}
            Self::Number(number) => number.hash(state),
            Self::Int(number) => number.hash(state),
            Self::Bool(is) => is.hash(state),
            Self::Text(text) => text.hash(state),
            Self::Instant(at) => at.hash(state),
            Self::Date(day) => day.hash(state),
        }
    }
}

/// A number or nothing.
impl From<Option<Decimal>> for Cell {
    fn from(number: Option<Decimal>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

/// An instant or nothing.
impl From<Option<DateTime<Utc>>> for Cell {
    fn from(instant: Option<DateTime<Utc>>) -> Self {
        instant.map_or(Self::Null, Self::Instant)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// The part that a column of the content plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A figure: what is known is never made unknown by an upstream that does not tell it.
    Metric,
    /// What else the content says: it is as it came last.
    Attribute,
}

words! {
    /// Why a row was changed.
    Reason("a reason", exact) {
        /// What was unknown is known, and nothing else is another.
        Filled = "filled",
        /// The upstream says something else now.
        Revised = "revised",
        /// The upstream takes a figure back.
        Withdrawn = "withdrawn",
        /// What it is computed from has changed.
        Recomputed = "recomputed",
    }
}

/// Whose rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// An upstream's: older sources are passed over, and nulls overwrite nothing.
    Told,
    /// Ours, computed from all that is stored: they are as they are.
    Computed,
}

/// A row's content and where it is from.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// The cells that make its content, in the order of their roles.
    pub content: &'a [Cell],
    /// When the upstream last touched it.
    pub updated_at: Option<DateTime<Utc>>,
    /// When the document was fetched that it is from.
    pub fetched_at: Option<DateTime<Utc>>,
}

impl Version<'_> {
    /// Whether it is from before another: by the upstream's own stamps, where they tell nothing by when
    /// the documents were fetched.
    fn is_older_than(&self, other: &Self) -> bool {
        match (self.updated_at, other.updated_at) {
            (Some(mine), Some(others)) if mine != others => mine < others,
            _ => self.fetched_at.zip(other.fetched_at).is_some_and(|(mine, others)| mine < others),
        }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing like it is there: it is stored.
    New,
    /// It says what is there.
    Same,
    /// It is from before what is there.
    Older,
    /// It is stored as its next revision.
    Changed {
        /// What the row says now.
        content: Vec<Cell>,
        /// Why.
        reason: Reason,
    },
}

/// What becomes of a row that came, given the one that is stored under its key.
#[must_use]
pub fn decide(
    roles: &[Role],
    manner: Manner,
    stored: Option<&Version<'_>>,
    came: &Version<'_>,
) -> Decision {
    let Some(stored) = stored else { return Decision::New };
    if manner == Manner::Told && came.is_older_than(stored) {
        return Decision::Older;
    }
    let content: Vec<Cell> = roles
        .iter()
        .zip(stored.content.iter().zip(came.content))
        .map(|(role, (old, new))| {
            let keeps = *role == Role::Metric && manner == Manner::Told && new.is_null();
            if keeps { old } else { new }.clone()
        })
        .collect();
    if content == stored.content {
        return Decision::Same;
    }
    let reason = reason(roles, manner, stored.content, &content);
    Decision::Changed { content, reason }
}

fn reason(roles: &[Role], manner: Manner, old: &[Cell], new: &[Cell]) -> Reason {
    let cells = || roles.iter().zip(old.iter().zip(new));
    let fills =
        cells().any(|(role, (old, new))| *role == Role::Metric && old.is_null() && old != new);
    let revises =
        cells().any(|(role, (old, new))| *role == Role::Metric && !old.is_null() && old != new);
    match (fills && !revises, manner) {
        (true, _) => Reason::Filled,
        (false, Manner::Told) => Reason::Revised,
        (false, Manner::Computed) => Reason::Recomputed,
    }
}

/// Bytes of a content hash.
pub const DIGEST: usize = 16;

/// The first bytes of the SHA-256 of a content. Equal for equal contents.
#[must_use]
pub fn digest(content: &[Cell]) -> [u8; DIGEST] {
    let mut digest = Sha256::new();
    for cell in content {
        cell.feed(&mut digest);
    }
    let whole: [u8; 32] = digest.finalize().into();
    let mut head = [0; DIGEST];
    head.copy_from_slice(&whole[..DIGEST]);
    head
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROLES: [Role; 3] = [Role::Metric, Role::Metric, Role::Attribute];

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn cells() -> impl Strategy<Value = Vec<Cell>> {
        let number = || {
            prop::option::of((-3_i64..3, 0_u32..3)).prop_map(|number| {
                Cell::from(number.map(|(mantissa, scale)| Decimal::new(mantissa, scale)))
            })
        };
        let word = prop_oneof!["measured", "imputed"].prop_map(|word| Cell::from(word.as_str()));
        (number(), number(), word).prop_map(|(a, b, word)| vec![a, b, word])
    }

    fn version(content: &[Cell], second: i64) -> Version<'_> {
        Version { content, updated_at: None, fetched_at: Some(at(second)) }
    }

    proptest! {
        #[test]
        fn twice_changes_nothing_and_nothing_known_is_lost(old in cells(), new in cells()) {
            let (stored, came) = (version(&old, 1), version(&new, 2));
            match decide(&ROLES, Manner::Told, Some(&stored), &came) {
                Decision::Changed { content, reason } => {
                    let again = decide(&ROLES, Manner::Told, Some(&version(&content, 2)), &came);
                    prop_assert_eq!(again, Decision::Same);
                    prop_assert_ne!(digest(&content), digest(&old));
                    for place in 0..2 {
                        prop_assert!(old[place].is_null() || !content[place].is_null());
                        prop_assert!(new[place].is_null() || content[place] == new[place]);
                        let kept = old[place].is_null() || content[place] == old[place];
                        prop_assert!(reason == Reason::Revised || kept);
                    }
                    prop_assert_eq!(&content[2], &new[2]);
                }
                Decision::Same => {
                    let told = |place: &usize| !new[*place].is_null();
                    prop_assert!((0..3).filter(told).all(|place| old[place] == new[place]));
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn what_was_fetched_before_changes_nothing(old in cells(), new in cells()) {
            let (stored, came) = (version(&old, 2), version(&new, 1));
            prop_assert_eq!(decide(&ROLES, Manner::Told, Some(&stored), &came), Decision::Older);
            let computed = decide(&ROLES, Manner::Computed, Some(&stored), &came);
            match computed {
                Decision::Changed { content, .. } => prop_assert_eq!(content, new),
                other => prop_assert_eq!((other, &old), (Decision::Same, &new)),
            }
        }

        #[test]
        fn equal_contents_have_equal_digests(old in cells(), new in cells()) {
            prop_assert_eq!(digest(&old) == digest(&new), old == new);
        }
    }

    #[test]
    fn the_upstreams_own_stamps_go_before_the_time_of_the_fetch() {
        let (old, new) = ([Cell::Int(1)], [Cell::Int(2)]);
        let stored = Version { updated_at: Some(at(5)), ..version(&old, 9) };
        let decide =
            |came: Version<'_>| decide(&[Role::Attribute], Manner::Told, Some(&stored), &came);
        let newer = Version { updated_at: Some(at(6)), ..version(&new, 1) };
        assert!(matches!(decide(newer), Decision::Changed { reason: Reason::Revised, .. }));
        let older = Version { updated_at: Some(at(4)), ..version(&new, 10) };
        assert_eq!(decide(older), Decision::Older);
        assert_eq!(decide(version(&new, 8)), Decision::Older, "one of the two has no stamp");
    }

    #[test]
    fn numbers_and_documents_are_equal_however_they_are_written() {
        let number = |text: &str| Cell::Number(text.parse().unwrap());
        assert_eq!(number("520"), number("520.00"));
        assert_eq!(digest(&[number("0")]), digest(&[number("-0.0")]));
        let json = |text: &str| Cell::Json(text.into());
        assert_eq!(json(r#"{"a":1,"b":2}"#), json(r#"{"b": 2, "a": 1}"#));
        assert_ne!(digest(&["ab".into(), "c".into()]), digest(&["a".into(), "bc".into()]));
    }
}
