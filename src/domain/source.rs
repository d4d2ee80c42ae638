//! Where the versions of a download are kept.

use super::{Dataset, Family, Iso};

/// What has versions: a dataset of files, or the headroom of an ISO, which is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Files.
    Stored(Dataset),
    /// What the offers of an ISO leave below its prices to compare.
    Headroom(Iso),
}

impl Source {
    /// Headroom comes after the nine families.
    const HEADROOM_PLACE: i16 = 10;

    /// Files by family, then headroom; each by ISO.
    pub fn all() -> impl Iterator<Item = Self> {
        let computed = Iso::ALL.iter().map(|&iso| Self::Headroom(iso));
        Dataset::all().map(Self::Stored).chain(computed)
    }

    /// Under which its publications and reads are put in order: that of table `dataset`, or
    /// `headroom_version.dataset_id`, 101 to 105.
    #[must_use]
    pub const fn id(self) -> i16 {
        match self {
            Self::Stored(dataset) => dataset.id(),
            Self::Headroom(iso) => Self::HEADROOM_PLACE * 10 + iso as i16 + 1,
        }
    }

    /// The source with an id.
    #[must_use]
    pub fn from_id(id: i16) -> Option<Self> {
        Self::all().find(|source| source.id() == id)
    }

    /// Where.
    #[must_use]
    pub const fn iso(self) -> Iso {
        match self {
            Self::Stored(dataset) => dataset.iso,
            Self::Headroom(iso) => iso,
        }
    }

    /// The family whose labels its series have: headroom those of the matrix.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Stored(dataset) => dataset.family,
            Self::Headroom(_) => Family::Matrix,
        }
    }

    /// The curve type as it is written.
    #[must_use]
    pub const fn curve(self) -> &'static str {
        match self {
            Self::Stored(dataset) => dataset.family.as_str(),
            Self::Headroom(_) => "headroom",
        }
    }
}

impl From<Dataset> for Source {
    fn from(dataset: Dataset) -> Self {
        Self::Stored(dataset)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.iso(), self.curve())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_an_id_of_its_own() {
        let ids: std::collections::HashSet<i16> = Source::all().map(Source::id).collect();
        assert_eq!((ids.len(), Source::all().count()), (49, 49));
        assert!(Source::all().all(|source| Source::from_id(source.id()) == Some(source)));
        assert_eq!(Source::Headroom(Iso::Pjm).id(), 105);
        assert_eq!(Source::Headroom(Iso::Pjm).to_string(), "pjm headroom");
    }
}
