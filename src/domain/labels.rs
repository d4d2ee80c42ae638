//! What names a series.

use chrono::NaiveDate;
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

/// The labels that only some families have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize)]
pub struct MoreLabels {
    /// loadprofile: residential, commercial and so on.
    pub customer_type: Option<String>,
    /// ptc: the utility by its full name.
    pub utility_name: Option<String>,
    /// ptc: rate class or load profile; matrix: load profile.
    pub load_profile: Option<String>,
    /// ptc and matrix: what offers of a matrix look up; `N/A` where the file leaves it blank.
    pub matching_id: Option<String>,
    /// ptc and matrix: `Lookup ID1`.
    pub lookup_id: Option<String>,
    /// matrix: months of the offer's term, 1 to 120.
    pub term: Option<u8>,
    /// matrix: the day on which the offer's term begins.
    pub beginning_date: Option<NaiveDate>,
}

impl MoreLabels {
    /// The names of the texts in the order of [`MoreLabels::texts`].
    pub const TEXTS: [&'static str; 5] =
        ["customer_type", "utility_name", "load_profile", "matching_id", "lookup_id"];

    /// The labels that are texts, in the order of [`MoreLabels::TEXTS`].
    #[must_use]
    pub fn texts(&self) -> [Option<&str>; 5] {
        [
            self.customer_type.as_deref(),
            self.utility_name.as_deref(),
            self.load_profile.as_deref(),
            self.matching_id.as_deref(),
            self.lookup_id.as_deref(),
        ]
    }
}

/// What makes a series the same in two versions: labels, sub-component and unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SeriesKey {
    /// The eight labels.
    pub labels: Labels,
    /// The column's caption, or the cost component where that is blank; empty in a matrix, where
    /// each place of the axis is a component.
    pub sub_component: String,
    /// The unit in canonical form, such as `$/MWh`; empty in a matrix.
    pub unit: String,
    /// What the family has besides.
    pub more: MoreLabels,
}

impl SeriesKey {
    /// The digest under which table `series` finds it: SHA-256 over the length-prefixed parts.
    /// Labels that a family has not leave no trace.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        let mut hasher = sha2::Sha256::new();
        let mut add = |part: &str| {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        };
        self.labels.as_array().into_iter().for_each(&mut add);
        add(&self.sub_component);
        add(&self.unit);
        let texts = self.more.texts().map(|text| text.map(str::to_owned));
        let term = self.more.term.map(|months| months.to_string());
        let day = self.more.beginning_date.map(|day| day.to_string());
        let names = MoreLabels::TEXTS.into_iter().chain(["term", "beginning_date"]);
        for (name, value) in names.zip(texts.into_iter().chain([term, day])) {
            if let Some(value) = value {
                add(name);
                add(&value);
            }
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

/// As a person tells offers and customers apart, behind [`Labels`]: ` RES`, ` GS 12 months from
/// 2031-06-01`.
impl std::fmt::Display for MoreLabels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for text in
            [&self.customer_type, &self.utility_name, &self.load_profile].into_iter().flatten()
        {
            write!(f, " {text}")?;
        }
        if let Some(months) = self.term {
            write!(f, " {months} months")?;
        }
        self.beginning_date.map_or(Ok(()), |day| write!(f, " from {day}"))
    }
}

/// As its labels.
impl std::fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.labels.fmt(f)?;
        self.more.fmt(f)
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
            unit: "$/MWh".into(),
            ..SeriesKey::default()
        };
        assert_ne!(key("AB", "C").digest(), key("A", "BC").digest());
        assert_eq!(key("AB", "C").digest(), key("AB", "C").digest());
        let more = |more| SeriesKey { more, ..key("AB", "C") }.digest();
        let matching = MoreLabels { matching_id: Some("M".into()), ..MoreLabels::default() };
        let lookup = MoreLabels { lookup_id: Some("M".into()), ..MoreLabels::default() };
        assert_ne!(more(matching.clone()), more(lookup));
        assert_ne!(more(matching), key("AB", "C").digest());
    }

    #[test]
    fn offers_of_one_zone_are_told_apart() {
        let mut key = SeriesKey::default();
        key.labels.load_zone = "ZONE A".into();
        key.labels.block_type = "7x24".into();
        assert_eq!(key.to_string(), "ZONE A 7x24");
        key.more.load_profile = Some("GS".into());
        key.more.term = Some(12);
        key.more.beginning_date = NaiveDate::from_ymd_opt(2031, 6, 1);
        assert_eq!(key.to_string(), "ZONE A 7x24 GS 12 months from 2031-06-01");
    }

    #[test]
    fn the_digest_of_the_eight_labels_stays_what_it_was() {
        let key = SeriesKey {
            labels: ["A", "B", "C", "D", "E", "F", "G", "H"].map(String::from).into(),
            sub_component: "I".into(),
            unit: "J".into(),
            more: MoreLabels::default(),
        };
        let mut bytes = Vec::new();
        for part in 'A'..='J' {
            bytes.extend_from_slice(&1_u64.to_be_bytes());
            bytes.push(part as u8);
        }
        assert_eq!(key.digest(), Sha256::of(&bytes));
    }
}
