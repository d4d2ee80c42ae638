//! A grant in words.

use std::fmt::{self, Display, Formatter};

use super::{Grant, GrantLabel, GrantedCurve, History, Months, RollingFrom};

/// As a person says it: `energy of ERCOT, load zone NORTH ZONE, block type 5x16; 3 months from the
/// current one`.
impl Display for Grant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.curves.len() == GrantedCurve::ALL.len() {
            f.write_str("every curve")?;
        } else {
            list(f, &self.curves)?;
        }
        if self.isos.is_empty() {
            f.write_str(" of every ISO")?;
        } else {
            f.write_str(" of ")?;
            list(f, &self.isos.iter().map(|iso| iso.as_str().to_uppercase()).collect::<Vec<_>>())?;
        }
        for &label in GrantLabel::ALL {
            let values = self.values(label);
            if !values.is_empty() {
                write!(f, ", {} ", label.name().to_lowercase())?;
                list(f, values)?;
            }
        }
        write!(f, "; {}", self.months)?;
        for part in self.version_policy() {
            write!(f, "; {part}")?;
        }
        f.write_str(if self.derived { "; with derived 7x24" } else { "" })
    }
}

impl Grant {
    /// Which versions are seen, part by part; none where it is all of them.
    #[must_use]
    pub fn version_policy(&self) -> Vec<String> {
        let delay = self.delay_days.filter(|days| *days > 0);
        [
            self.cob_only.then(|| "close of business only".to_owned()),
            delay.map(|days| format!("operating days at least {} old", counted(days, "day"))),
            match self.history {
                History::All => None,
                History::Newest(1) => Some("the newest operating day".to_owned()),
                History::Newest(days) => Some(format!("the newest {days} operating days")),
            },
            self.current_only.then(|| "nothing superseded".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Display for Months {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unlimited | Self::Fixed { first: None, last: None } => f.write_str("every month"),
            Self::Fixed { first: Some(first), last: Some(last) } if first == last => {
                write!(f, "{first} alone")
            }
            Self::Fixed { first: Some(first), last: Some(last) } => write!(f, "{first} to {last}"),
            Self::Fixed { first: Some(first), last: None } => write!(f, "{first} and later"),
            Self::Fixed { first: None, last: Some(last) } => write!(f, "up to {last}"),
            Self::Rolling { count, from } => {
                let begin = match from {
                    RollingFrom::Balance => "the current one",
                    RollingFrom::Prompt => "the next one",
                };
                write!(f, "{} from {begin}", counted(count, "month"))
            }
        }
    }
}

/// `1 day`, `3 days`.
fn counted(number: u16, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn list<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        let between = match place {
            0 => "",
            last if last + 1 == items.len() => " and ",
            _ => ", ",
        };
        write!(f, "{between}{item}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::domain::grant::{Grant, GrantFields};

    fn words(fields: serde_json::Value) -> String {
        let fields: GrantFields = serde_json::from_value(fields).unwrap();
        Grant::try_from(fields).unwrap().to_string()
    }

    #[test]
    fn a_grant_is_told_in_words() {
        let narrow = serde_json::json!({
            "curves": ["energy", "rec"], "isos": ["ercot"], "load_zones": ["NORTH ZONE", "A", "B"],
            "block_types": ["5x16"], "months": "rolling", "rolling_months": 3,
            "rolling_from": "balance", "cob_only": true, "delay_days": 1, "history_days": 5,
            "current_only": true,
        });
        assert_eq!(
            words(narrow),
            "energy and rec of ERCOT, load zone A, B and NORTH ZONE, block type 5x16; 3 months from \
             the current one; close of business only; operating days at least 1 day old; the newest \
             5 operating days; nothing superseded"
        );
        let fixed = serde_json::json!({
            "curves": ["shaping"], "months": "fixed", "last_month": "2031-05", "derived": true,
        });
        assert_eq!(words(fixed), "shaping of every ISO; up to 2031-05; with derived 7x24");
    }
}
