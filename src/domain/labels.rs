//! What names a series.

use sha2::Digest as _;

use super::Sha256;

/// The eight labels that every column of a curve file carries, verbatim but for surrounding blanks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize)]
#[expect(missing_docs, reason = "the fields are the field's own terms")]
pub struct Labels {
    pub control_area: String,
    pub state: String,
    pub load_zone: String,
    pub capacity_zone: String,
    pub utility: String,
    pub block_type: String,
    pub cost_group: String,
    pub cost_component: String,
}

impl Labels {
    /// The labels' names in the order of a file's label rows.
    pub const NAMES: [&'static str; 8] = [
        "Control Area",
        "State",
        "Load Zone",
        "Capacity Zone",
        "Utility",
        "Block Type",
        "Cost Group",
        "Cost Component",
    ];

    /// The labels in the order of [`Labels::NAMES`].
    #[must_use]
    pub fn as_array(&self) -> [&str; 8] {
        [
            &self.control_area,
            &self.state,
            &self.load_zone,
            &self.capacity_zone,
            &self.utility,
            &self.block_type,
            &self.cost_group,
            &self.cost_component,
        ]
    }
}

impl From<[String; 8]> for Labels {
    fn from(labels: [String; 8]) -> Self {
        let [
            control_area,
            state,
            load_zone,
            capacity_zone,
            utility,
            block_type,
            cost_group,
            cost_component,
        ] = labels;
        Self {
            control_area,
            state,
            load_zone,
            capacity_zone,
            utility,
            block_type,
            cost_group,
            cost_component,
        }
    }
}

/// What makes a series the same in two versions: labels, sub-component and unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The eight labels.
    pub labels: Labels,
    /// The column's caption, or the cost component where that is blank.
    pub sub_component: String,
    /// The unit in canonical form, such as `$/MWh`.
    pub unit: String,
}

impl SeriesKey {
    /// The digest under which table `series` finds it: SHA-256 over the length-prefixed parts.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        let mut hasher = sha2::Sha256::new();
        let parts = self.labels.as_array().into_iter().chain([&*self.sub_component, &*self.unit]);
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Sha256::from_bytes(&hasher.finalize()).unwrap_or_else(|| Sha256::of(&[]))
    }
}

/// As a person names a series: `NORTH ZONE 7x8`, with the component where it says more.
impl std::fmt::Display for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.load_zone, self.block_type)?;
        if self.cost_component != self.cost_group {
            write!(f, " {}", self.cost_component)?;
        }
        Ok(())
    }
}

/// As its labels.
impl std::fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.labels.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_apart_what_joining_would_confuse() {
        let key = |zone: &str, capacity: &str| SeriesKey {
            labels: Labels {
                load_zone: zone.into(),
                capacity_zone: capacity.into(),
                ..Labels::default()
            },
            sub_component: String::new(),
            unit: "$/MWh".into(),
        };
        assert_ne!(key("AB", "C").digest(), key("A", "BC").digest());
        assert_eq!(key("AB", "C").digest(), key("AB", "C").digest());
    }
}
