//! The version decision: what becomes of a file, given what its operating day holds.

use chrono::{DateTime, Utc};

use super::{Code, Sha256};

/// A stored version, as far as the decision and its answer need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRef {
    /// Its id.
    pub id: i64,
    /// Its curve timestamp.
    pub curve_timestamp: DateTime<Utc>,
    /// Whether it is a close-of-business version.
    pub cob: bool,
    /// Its validity's end; `None` while current.
    pub valid_to: Option<DateTime<Utc>>,
    /// Its document.
    pub sha256: Sha256,
    /// Whether it closes its day: cob, and not reopened since.
    pub closes_day: bool,
}

/// A file that wants to become a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its curve timestamp.
    pub curve_timestamp: DateTime<Utc>,
    /// Whether it would close its day.
    pub cob: bool,
    /// Its document.
    pub sha256: Sha256,
    /// Whether the sender wants it stored before a newer version of its day.
    pub backfill: bool,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is stored already, as this version.
    AlreadyStored(VersionRef),
    /// It is refused: `version_conflict`, `day_closed_by_cob` or `newer_version_exists`, because of
    /// this version.
    Refused(Code, VersionRef),
    /// It is stored before a newer one.
    Backfilled {
        /// The end of its validity: where the next newer one begins.
        valid_to: DateTime<Utc>,
        /// The older version that ended there and now ends where this one begins.
        cut: Option<VersionRef>,
    },
    /// It takes the place of the current version.
    Superseded(VersionRef),
    /// It is the first of its day.
    Created,
}

impl Decision {
    /// The machine word of the answer.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlreadyStored(_) => "already_stored",
            Self::Refused(code, _) => code.as_str(),
            Self::Backfilled { .. } => "backfilled",
            Self::Superseded(_) => "superseded",
            Self::Created => "created",
        }
    }
}

/// Decides, by the first rule that applies. `day` holds the versions of the candidate's dataset and
/// operating day, in any order.
#[must_use]
pub fn decide(candidate: Candidate, day: &[VersionRef]) -> Decision {
    let at = candidate.curve_timestamp;
    if let Some(&same) = day.iter().find(|version| version.curve_timestamp == at) {
        return match same.sha256 == candidate.sha256 {
            true => Decision::AlreadyStored(same),
            false => Decision::Refused(Code::VersionConflict, same),
        };
    }
    let newest = |versions: &mut dyn Iterator<Item = &VersionRef>| {
        versions.max_by_key(|version| version.curve_timestamp).copied()
    };
    if let Some(cob) = newest(&mut day.iter().filter(|version| version.closes_day)) {
        return Decision::Refused(Code::DayClosedByCob, cob);
    }
    let next = day
        .iter()
        .filter(|version| version.curve_timestamp > at)
        .min_by_key(|version| version.curve_timestamp);
    let Some(next) = next else {
        return newest(&mut day.iter()).map_or(Decision::Created, Decision::Superseded);
    };
    if !candidate.backfill || candidate.cob {
        let newer = newest(&mut day.iter()).unwrap_or(*next);
        return Decision::Refused(Code::NewerVersionExists, newer);
    }
    let valid_to = next.curve_timestamp;
    let cut = day
        .iter()
        .find(|version| version.curve_timestamp < at && version.valid_to == Some(valid_to))
        .copied();
    Decision::Backfilled { valid_to, cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2023-05-22T{hour:02}:00:00Z").parse().unwrap()
    }

    fn version(hour: u32, valid_to: Option<u32>) -> VersionRef {
        VersionRef {
            id: i64::from(hour),
            curve_timestamp: at(hour),
            cob: false,
            valid_to: valid_to.map(at),
            sha256: Sha256::of(&[u8::try_from(hour).unwrap()]),
            closes_day: false,
        }
    }

    fn candidate(hour: u32) -> Candidate {
        let sha256 = version(hour, None).sha256;
        Candidate { curve_timestamp: at(hour), cob: false, sha256, backfill: false }
    }

    #[test]
    fn the_rules_apply_from_top_to_bottom() {
        let day = [version(8, Some(10)), version(10, None)];
        assert_eq!(decide(candidate(9), &[]), Decision::Created);
        assert_eq!(decide(candidate(11), &day), Decision::Superseded(day[1]));
        assert_eq!(decide(candidate(8), &day), Decision::AlreadyStored(day[0]));
        let other = Candidate { sha256: Sha256::of(b"other"), ..candidate(8) };
        assert_eq!(decide(other, &day), Decision::Refused(Code::VersionConflict, day[0]));
        assert_eq!(decide(candidate(9), &day), Decision::Refused(Code::NewerVersionExists, day[1]));
        let backfill = Candidate { backfill: true, ..candidate(9) };
        let stored = Decision::Backfilled { valid_to: at(10), cut: Some(day[0]) };
        assert_eq!(decide(backfill, &day), stored);
        let cob = Candidate { cob: true, ..backfill };
        assert_eq!(decide(cob, &day), Decision::Refused(Code::NewerVersionExists, day[1]));
        let first = Candidate { backfill: true, ..candidate(7) };
        assert_eq!(decide(first, &day), Decision::Backfilled { valid_to: at(8), cut: None });
    }

    #[test]
    fn a_cob_version_closes_its_day_for_everything_but_itself() {
        let cob = VersionRef { cob: true, closes_day: true, ..version(12, None) };
        let day = [version(8, Some(12)), cob];
        for hour in [9, 13] {
            for backfill in [false, true] {
                let late = Candidate { backfill, ..candidate(hour) };
                assert_eq!(decide(late, &day), Decision::Refused(Code::DayClosedByCob, cob));
            }
        }
        assert_eq!(decide(candidate(12), &day), Decision::AlreadyStored(cob));
        let reopened = [day[0], VersionRef { closes_day: false, ..cob }];
        assert_eq!(decide(candidate(13), &reopened), Decision::Superseded(reopened[1]));
    }
}
