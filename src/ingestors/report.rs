//! What a reading found: findings within bounds, and the figures of the file.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::{Code, ContractMonth, ExactSum, Finding, Missing, Notation, Severity, Stage};

/// The findings of one file. All are counted; a bounded number is kept whole.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Kept errors; errors and warnings together are at most [`Findings::KEPT`].
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    by_code: BTreeMap<Code, usize>,
}

impl Findings {
    /// How many findings are kept, and so shown in the annotated copy.
    pub const KEPT: usize = 10_000;
    /// How many findings an answer shows.
    pub const SHOWN: usize = 100;

    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        *self.by_code.entry(finding.code).or_default() += 1;
        if self.errors.len() + self.warnings.len() == Self::KEPT {
            // Beyond the bound an error takes the place of a warning.
            if finding.severity == Severity::Warning || self.warnings.pop().is_none() {
                return;
            }
        }
        match finding.severity {
            Severity::Error => self.errors.push(finding),
            Severity::Warning => self.warnings.push(finding),
        }
    }

    /// Adds many.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.push(finding);
        }
    }

    /// The number of findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.by_code.iter().filter(|(code, _)| code.severity() == severity).map(|(_, n)| n).sum()
    }

    /// Whether there is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.by_code.keys().any(|code| code.severity() == Severity::Error)
    }

    /// Whether there is an error of `stage` or an earlier one.
    #[must_use]
    pub fn has_errors_up_to(&self, stage: Stage) -> bool {
        self.by_code.keys().any(|code| code.severity() == Severity::Error && code.stage() <= stage)
    }

    /// How often each code was found.
    #[must_use]
    pub const fn by_code(&self) -> &BTreeMap<Code, usize> {
        &self.by_code
    }

    /// The first error: of the earliest stage, then row, then column.
    #[must_use]
    pub fn first_error(&self) -> Option<&Finding> {
        self.errors.iter().min_by_key(|finding| (finding.code.stage(), finding.row, finding.column))
    }

    /// The kept findings: errors first, then by row and column. Errors of the version stage, which
    /// have no place in the file, come after those that have, so that the first is the one whose
    /// code the answer carries.
    #[must_use]
    pub fn sorted(self) -> Vec<Finding> {
        let mut findings = self.errors;
        findings.extend(self.warnings);
        findings.sort_by_key(|finding| {
            let is_placeless =
                finding.severity == Severity::Error && finding.code.stage() == Stage::Version;
            (finding.severity, is_placeless, finding.row, finding.column, finding.code)
        });
        findings
    }
}

/// The figures of a file, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// Data rows.
    pub rows: usize,
    /// Value columns.
    pub columns: usize,
    /// Data rows times value columns, missing ones included.
    pub points: usize,
    /// Cells without a value.
    pub missing: usize,
    /// Stored values equal to 0, dash zeros included.
    pub zeros: usize,
    /// Least stored value, as a decimal.
    pub min: Option<String>,
    /// Greatest stored value, as a decimal.
    pub max: Option<String>,
    /// Different contract months; `None` in families whose rows are none.
    pub months: Option<usize>,
    /// First contract month, `YYYY-MM`.
    pub first_month: Option<String>,
    /// Last contract month, `YYYY-MM`.
    pub last_month: Option<String>,
    /// The exact sum of all stored values, across units: a checksum.
    pub sum: String,
    /// Cells in which a dash stands for zero.
    pub dash_zeros: usize,
    /// Cells with a percent sign.
    pub percent_cells: usize,
    /// Cells with a dollar sign.
    pub money_cells: usize,
    /// Stored values below 0.
    pub negatives: usize,
    /// Missing cells by reason.
    pub missing_by_reason: MissingByReason,
}

/// Missing cells by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MissingByReason {
    /// Nothing between the commas.
    pub empty: usize,
    /// Blanks only.
    pub blank: usize,
    /// A marker such as `#N/A`.
    pub na: usize,
}

/// Counts values as they are read.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    stats: Stats,
    sum: ExactSum,
    range: Option<(Decimal, Decimal)>,
}

impl Tally {
    /// Counts one cell.
    pub fn add(&mut self, number: Decimal, notation: Notation) {
        self.stats.points += 1;
        match notation {
            Notation::Missing(reason) => {
                self.stats.missing += 1;
                let by_reason = &mut self.stats.missing_by_reason;
                *match reason {
                    Missing::Empty => &mut by_reason.empty,
                    Missing::Blank => &mut by_reason.blank,
                    Missing::NotAvailable => &mut by_reason.na,
                } += 1;
                return;
            }
            Notation::Money => self.stats.money_cells += 1,
            Notation::Percent => self.stats.percent_cells += 1,
            Notation::Dash => self.stats.dash_zeros += 1,
            Notation::Plain => {}
        }
        self.stats.zeros += usize::from(number.is_zero());
        self.stats.negatives += usize::from(number.is_sign_negative() && !number.is_zero());
        self.sum.add(number);
        self.range = Some(match self.range {
            None => (number, number),
            Some((least, greatest)) => (least.min(number), greatest.max(number)),
        });
    }

    /// Counts a cell that could not be read: a point, and nothing else.
    pub const fn add_unreadable(&mut self) {
        self.stats.points += 1;
    }

    /// The figures, with those of the axis: `months` of the rows, `None` in families whose rows are
    /// none.
    #[must_use]
    pub fn finish(
        self,
        rows: usize,
        columns: usize,
        months: Option<&BTreeSet<ContractMonth>>,
    ) -> Stats {
        let (min, max) =
            self.range.map(|(least, greatest)| (least.to_string(), greatest.to_string())).unzip();
        let name = |month: Option<&ContractMonth>| month.map(ToString::to_string);
        Stats {
            rows,
            columns,
            min,
            max,
            months: months.map(BTreeSet::len),
            first_month: name(months.and_then(BTreeSet::first)),
            last_month: name(months.and_then(BTreeSet::last)),
            sum: self.sum.to_string(),
            ..self.stats
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_findings_are_counted_and_errors_come_first() {
        let mut findings = Findings::default();
        for row in 0..Findings::KEPT + 5 {
            findings.push(Finding::new(Code::ValueJump, "jump").row(row));
        }
        findings.push(Finding::new(Code::NotANumber, "word").row(7).column(1));
        findings.push(Finding::new(Code::LabelBlank, "blank").row(9));
        assert_eq!(findings.count(Severity::Warning), Findings::KEPT + 5);
        assert_eq!(findings.first_error().map(|f| f.code), Some(Code::LabelBlank));
        let sorted = findings.sorted();
        assert_eq!(sorted.len(), Findings::KEPT);
        assert_eq!(sorted[0].code, Code::NotANumber);
        assert_eq!(sorted[1].code, Code::LabelBlank);
    }
}
