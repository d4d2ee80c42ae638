//! Filters of topics, and who may subscribe to which.

use std::str::FromStr;

/// A filter of topics: levels parted by `/`, `+` for any one, `#` at the end for all that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<String>);

/// The most bytes of a filter.
const LONGEST: usize = 512;

/// A text that is no filter of topics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no filter such as grid/#, grid/+/now/generated")]
pub struct BadFilter(String);

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        let levels: Vec<&str> = text.split('/').collect();
        let last = levels.len() - 1;
        let good = |(place, level): (usize, &&str)| match *level {
            "+" => true,
            "#" => place == last,
            level => !level.contains(['+', '#', '\0']),
        };
        // Shared subscriptions part the messages among clients: each of ours gets them all.
        let whole = !text.is_empty() && text.len() <= LONGEST && levels[0] != "$share";
        if whole && levels.iter().enumerate().all(good) {
            return Ok(Self(levels.into_iter().map(str::to_owned).collect()));
        }
        Err(BadFilter(text.chars().take(80).collect()))
    }
}

impl Filter {
    /// Whether a topic is let through.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let mut levels = topic.split('/');
        for wanted in &self.0 {
            match (wanted.as_str(), levels.next()) {
                ("#", _) => return true,
                (wanted, Some(level)) if wanted == "+" || wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    /// Whether all that `other` lets through is let through by this.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut others = other.0.iter();
        for own in &self.0 {
            match (own.as_str(), others.next().map(String::as_str)) {
                ("#", _) => return true,
                (_, Some("#")) => return false,
                (own, Some(level)) if own == "+" || own == level => {}
                _ => return false,
            }
        }
        others.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(text: &str) -> Filter {
        text.parse().unwrap()
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        for (wanted, topic, matches) in [
            ("grid/#", "grid/GB/now/generated", true),
            ("grid/#", "grid", true),
            ("grid/+/now/generated", "grid/GB/now/generated", true),
            ("grid/+", "grid/GB/now", false),
            ("grid/+/mix/Dual Fuel", "grid/US-NY-NYISO/mix/Dual Fuel", true),
            ("+/+", "/finance", true),
            ("grid", "grids", false),
            ("#", "svc/trueprice/status", true),
        ] {
            assert_eq!(filter(wanted).matches(topic), matches, "{wanted} {topic}");
        }
        for bad in ["", "grid/#/now", "grid/a+", "gr#", "$share/a/grid/#", "a\0"] {
            assert!(bad.parse::<Filter>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(513).parse::<Filter>().is_err());
    }

    #[test]
    fn a_wider_filter_covers_a_narrower_one_only() {
        for (wide, narrow, covers) in [
            ("grid/#", "grid/#", true),
            ("grid/#", "grid/+/now/#", true),
            ("grid/#", "#", false),
            ("grid/#", "+/GB", false),
            ("grid/+/now/generated", "grid/GB/now/generated", true),
            ("grid/+/now/generated", "grid/+/now/+", false),
            ("grid/+/now/generated", "grid/#", false),
            ("svc/+/status", "svc/trueprice/status", true),
        ] {
            assert_eq!(filter(wide).covers(&filter(narrow)), covers, "{wide} {narrow}");
        }
    }

    proptest! {
        #[test]
        fn what_is_covered_is_let_through(
            wide in "(a|b|\\+)(/(a|b|\\+)){0,2}(/#)?",
            narrow in "(a|b|\\+)(/(a|b|\\+)){0,2}(/#)?",
            topic in "(a|b)(/(a|b)){0,3}",
        ) {
            let (wide, narrow) = (filter(&wide), filter(&narrow));
            if wide.covers(&narrow) && narrow.matches(&topic) {
                prop_assert!(wide.matches(&topic));
            }
        }
    }
}
