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
    /// The first ones for a person, and how many more there are.
    #[must_use]
    pub fn shown(mut self, most: usize) -> Vec<Warning> {
        self.listed.truncate(most);
        let more = self.count - self.listed.len() as u64;
        let detail = format!("{more} more warnings; the report of the download lists them");
        self.listed.extend((more > 0).then(|| Warning::new("more_warnings", detail)));
        self.listed
    }

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
        let shown = warnings.shown(10);
        assert_eq!(shown.len(), 11);
        assert!(shown[10].detail.starts_with("1490 more"), "{}", shown[10].detail);
        let mut one = Warnings::default();
        one.add(|| Warning::new("word", String::new()));
        assert_eq!(one.shown(10).len(), 1);
    }
}
