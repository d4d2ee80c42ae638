//! Families, ISOs, and the datasets that they form.

use super::words;

words! {
    /// What a curve file is about. The order is that of the dataset ids.
    Family("a curve family") {
        /// Energy prices by block: 5x16, 2x16, 7x8.
        Energy = "energy",
        /// Capacity, ancillary services, transmission and other charges.
        NonEnergy = "nonenergy",
        /// Renewable energy certificates and portfolio standard obligations.
        Rec = "rec",
        /// Price to compare: the utility's default rate.
        Ptc = "ptc",
        /// Fixed-term retail price build-up.
        Matrix = "matrix",
        /// Hourly load of a customer class.
        LoadProfile = "loadprofile",
        /// Hourly price shaping factors.
        Shaping = "shaping",
        /// Volume-weighted load ratio.
        Vlr = "vlr",
        /// Line loss factors.
        LineLoss = "lineloss",
    }
}

impl Family {
    /// Whether files of this family may close an operating day (suffix `_cob`).
    #[must_use]
    pub const fn has_cob(self) -> bool {
        matches!(self, Self::Energy)
    }
}

words! {
    /// An independent system operator, the control area of a curve.
    Iso("an ISO") {
        /// Electric Reliability Council of Texas.
        Ercot = "ercot",
        /// ISO New England.
        Isone = "isone",
        /// Midcontinent ISO.
        Miso = "miso",
        /// New York ISO.
        Nyiso = "nyiso",
        /// PJM Interconnection.
        Pjm = "pjm",
    }
}

/// A family of curves of one ISO. All version rules work inside one dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Dataset {
    /// The family, called curve type in downloads.
    #[serde(rename = "curve")]
    pub family: Family,
    /// The ISO.
    pub iso: Iso,
}

impl Dataset {
    /// The dataset of a supported pair; `None` for MISO REC, which does not exist.
    #[must_use]
    pub const fn new(family: Family, iso: Iso) -> Option<Self> {
        match (family, iso) {
            (Family::Rec, Iso::Miso) => None,
            _ => Some(Self { family, iso }),
        }
    }

    /// All supported pairs, by family, then ISO.
    pub fn all() -> impl Iterator<Item = Self> {
        Family::ALL
            .iter()
            .flat_map(|&family| Iso::ALL.iter().filter_map(move |&iso| Self::new(family, iso)))
    }

    /// The id of the row in table `dataset`.
    #[must_use]
    pub const fn id(self) -> i16 {
        (self.family as i16 + 1) * 10 + self.iso as i16 + 1
    }

    /// The dataset with the id of a row in table `dataset`.
    #[must_use]
    pub fn from_id(id: i16) -> Option<Self> {
        Self::all().find(|dataset| dataset.id() == id)
    }
}

impl std::fmt::Display for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.iso, self.family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_44_datasets_and_each_is_found_by_its_id() {
        assert_eq!(Dataset::all().count(), 44);
        for dataset in Dataset::all() {
            assert_eq!(Dataset::from_id(dataset.id()), Some(dataset));
        }
        assert_eq!(Dataset::new(Family::Rec, Iso::Miso), None);
    }

    #[test]
    fn words_are_read_without_case_and_unknown_ones_list_the_known() {
        assert_eq!("NonEnergy".parse(), Ok(Family::NonEnergy));
        let error = "caiso".parse::<Iso>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"caiso\" is not an ISO; known are ercot, isone, miso, nyiso, pjm"
        );
    }
}
