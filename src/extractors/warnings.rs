//! What the caller of a download should know.

/// Warnings that an answer lists; all are counted.
const LISTED: usize = 1000;

/// Something the caller should know about an answer.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Warning {
    /// A stable machine word.
    pub code: &'static str,
    /// One sentence.
    pub detail: String,
    /// Which column or cell, where it is about one.
    #[serde(flatten)]
    pub place: Option<Place>,
}

/// A column of a computed answer, or a cell of it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Place {
    /// The labels of the column, joined by commas.
    pub series: String,
    /// The version; none where it is all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The contract month of a cell, `2031-04`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_month: Option<String>,
    /// The blocks that have no value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<&'static str>,
}

impl Warning {
    /// About the whole answer.
    #[must_use]
    pub const fn new(code: &'static str, detail: String) -> Self {
        Self { code, detail, place: None }
    }
}

/// The warnings of an answer: the first thousand, and how many there are.
#[derive(Debug, Clone, Default)]
pub struct Warnings {
    /// The first thousand.
    pub listed: Vec<Warning>,
    /// All of them.
    pub count: u64,
}

impl Warnings {
    /// Counts a warning, and keeps it while there is room; it is made only then.
    pub fn add(&mut self, warning: impl FnOnce() -> Warning) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(warning());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_a_thousand_listed() {
        let mut warnings = Warnings::default();
        for place in 0..1500 {
            warnings.add(|| {
                assert!(place < 1000, "made in vain");
                Warning::new("word", place.to_string())
            });
        }
        assert_eq!((warnings.count, warnings.listed.len()), (1500, 1000));
    }
}
