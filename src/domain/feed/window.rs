//! Half-open ranges of time.

use chrono::{DateTime, TimeDelta, Utc};

/// `[from, to)`: what is asked of an upstream, or read. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Window {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// A range that ends where it begins, or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the range from {from} to {to} holds nothing: it must end after it begins")]
pub struct EmptyWindow {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
}

impl Window {
    /// The range `[from, to)`.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, EmptyWindow> {
        if from < to { Ok(Self { from, to }) } else { Err(EmptyWindow { from, to }) }
    }

    /// The microsecond at an instant.
    pub(crate) fn point(at: DateTime<Utc>) -> Self {
        Self { from: at, to: at.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(at) }
    }

    /// Its first instant.
    #[must_use]
    pub const fn from(self) -> DateTime<Utc> {
        self.from
    }

    /// The first instant after it.
    #[must_use]
    pub const fn to(self) -> DateTime<Utc> {
        self.to
    }

    /// Whether an instant lies in it.
    #[must_use]
    pub fn holds(self, instant: DateTime<Utc>) -> bool {
        self.from <= instant && instant < self.to
    }

    /// How long it is.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        self.to - self.from
    }

    /// What it has in common with another.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to)).ok()
    }

    /// The shortest range that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    /// Pieces of at most `length`, oldest first, without hole or overlap. A `length` that is not
    /// positive cuts nothing.
    pub fn cut(self, length: TimeDelta) -> impl Iterator<Item = Self> {
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let now = rest?;
            let middle = Some(now.from).filter(|_| length > TimeDelta::zero());
            let middle = middle.and_then(|from| from.checked_add_signed(length));
            let to = middle.map_or(now.to, |middle| middle.min(now.to));
            rest = Self::new(to, now.to).ok();
            Some(Self { from: now.from, to })
        })
    }
}

/// As ISO 8601 writes intervals.
impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.from.to_rfc3339(), self.to.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    proptest! {
        #[test]
        fn pieces_cover_the_range_without_hole_or_overlap(
            from in 0_i64..1_000_000_000, length in 1_i64..10_000_000, piece in 50_000_i64..20_000_000
        ) {
            let whole = Window::new(at(from), at(from + length)).unwrap();
            let pieces: Vec<Window> = whole.cut(TimeDelta::seconds(piece)).collect();
            prop_assert_eq!(pieces[0].from(), whole.from());
            prop_assert_eq!(pieces[pieces.len() - 1].to(), whole.to());
            prop_assert!(pieces.windows(2).all(|two| two[0].to() == two[1].from()));
            prop_assert!(pieces.iter().all(|one| one.length() <= TimeDelta::seconds(piece)));
        }
    }

    #[test]
    fn an_empty_range_is_refused_and_no_length_cuts_nothing() {
        assert!(Window::new(at(5), at(5)).is_err());
        let whole = Window::new(at(0), at(5)).unwrap();
        assert_eq!(whole.cut(TimeDelta::zero()).collect::<Vec<_>>(), [whole]);
        assert_eq!(whole.meet(Window::new(at(5), at(9)).unwrap()), None);
        assert!(whole.holds(at(0)) && !whole.holds(at(5)));
    }
}
