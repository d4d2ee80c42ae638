//! Label rows: those of a family by the word in column A, in any order.

use crate::{
    domain::Finding,
    grid::Grid,
    ingestors::{
        labels::{LabelRule, Presence},
        report::Findings,
        rules::{Header, Rules},
    },
};

use super::{
    duplicate_label, header::is_one_of, ignored_row, missing_label, quoted, word, word_of,
};

/// Where the label rows stand.
pub struct LabelRows {
    /// The labels of the family.
    pub rules: Vec<LabelRule>,
    /// The row of each.
    pub rows: Vec<Option<usize>>,
    /// The lowest of them.
    pub last: Option<usize>,
}

impl LabelRows {
    /// Finds them; tells of missing ones, of double ones, and of strangers between them.
    pub fn find(rules: &Rules, grid: &Grid, findings: &mut Findings) -> Self {
        let labels = rules.all_labels();
        let names: Vec<String> = labels.iter().map(|label| word_of(label.name)).collect();
        let mut found = Self { rows: vec![None; labels.len()], rules: labels, last: None };
        let mut strangers = Vec::new();
        for (index, row) in grid.rows().enumerate() {
            let word = word(&row);
            let Some(label) = names.iter().position(|name| *name == word) else {
                if !row.is_blank() {
                    strangers.push((index, word));
                }
                continue;
            };
            if let Some(first) = found.rows[label] {
                let finding =
                    duplicate_label(found.rules[label].name, &format!("row {}", first + 1));
                findings.push(finding.row(index).column(0));
            } else {
                found.rows[label] = Some(index);
                found.last = Some(index);
            }
        }
        found.report_missing(rules, &strangers, findings);
        let inside = strangers.iter().filter(|(index, _)| Some(*index) < found.last);
        findings.extend(inside.map(|(index, word)| ignored_row(*index, word)));
        found
    }

    fn report_missing(
        &self,
        rules: &Rules,
        strangers: &[(usize, String)],
        findings: &mut Findings,
    ) {
        // Below a header row stand dates, not label rows.
        let is_header = |word: &str| match rules.header {
            Header::Word { words, .. } => is_one_of(word, words),
            _ => false,
        };
        let above = strangers.iter().take_while(|(_, word)| !is_header(word));
        let seen = quoted(above.map(|(_, word)| word.as_str()));
        findings.extend(self.missing().map(|rule| missing_label(rule.name, "column A", &seen)));
    }

    fn missing(&self) -> impl Iterator<Item = &LabelRule> {
        let all = self.rules.iter().zip(&self.rows);
        all.filter(|(rule, row)| row.is_none() && rule.presence != Presence::Optional)
            .map(|(rule, _)| rule)
    }

    /// Itself, if no label row is missing.
    pub fn complete(&self) -> Option<&Self> {
        self.missing().next().is_none().then_some(self)
    }

    /// The rows whose cells make a column one that is labelled.
    pub fn key_rows(&self) -> impl Iterator<Item = usize> {
        let all = self.rules.iter().zip(&self.rows);
        all.filter(|(rule, _)| rule.is_key()).filter_map(|(_, row)| *row)
    }

    /// Every label row that is there.
    pub fn all_rows(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().copied().flatten()
    }

    /// The row of the label that a state row repeats.
    pub fn state(&self) -> Option<usize> {
        let place = self.rules.iter().position(|rule| rule.field == LabelRule::STATE)?;
        self.rows[place]
    }
}

/// A finding about column A of a row, with its text.
pub fn at_word(finding: Finding, grid: &Grid, row: usize) -> Finding {
    finding.row(row).column(0).value(grid.row(row).cell(0).trimmed())
}
