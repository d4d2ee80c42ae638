//! Labels: which a family has, what they may say, and the series that they name.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    domain::{Code, Finding, Iso, Labels, MoreLabels, Severity, Strip},
    grid::{Cell, Grid},
};

use super::{
    cell::{is_error_marker, is_missing_marker},
    date::Dates,
    report::Findings,
};

/// The longest label, in characters.
const MAX_LABEL: usize = 255;
/// What is stored for a blank label that may be blank.
const NOT_GIVEN: &str = "N/A";
/// Months of the longest term.
const MAX_TERM: u8 = 120;

/// A label of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelRule {
    /// Its name in the file.
    pub name: &'static str,
    /// What it is.
    pub field: Field,
    /// Whether it must be there.
    pub presence: Presence,
}

/// What a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// One of the common eight, by its place in [`Labels::NAMES`].
    Common(usize),
    /// [`MoreLabels::customer_type`].
    CustomerType,
    /// [`MoreLabels::utility_name`].
    UtilityName,
    /// [`MoreLabels::load_profile`].
    LoadProfile,
    /// [`MoreLabels::matching_id`].
    MatchingId,
    /// `Lookup ID1`: kept with the version, and [`MoreLabels::lookup_id`] where it is required.
    LookupId,
    /// [`MoreLabels::term`].
    Term,
    /// [`MoreLabels::beginning_date`].
    BeginningDate,
}

/// Whether a label must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// In every series.
    Required,
    /// As a row; its cells may be blank or a marker of a missing value.
    MayBeBlank,
    /// Not at all; it is no part of a series.
    Optional,
}

impl LabelRule {
    const CONTROL_AREA: Field = Field::Common(0);
    /// The label that the state row of a file repeats.
    pub const STATE: Field = Field::Common(1);
    const BLOCK_TYPE: Field = Field::Common(5);

    /// The common eight.
    pub const COMMON: [Self; 8] = {
        let mut rules =
            [Self { name: "", field: Field::Common(0), presence: Presence::Required }; 8];
        let mut place = 0;
        while place < 8 {
            rules[place].name = Labels::NAMES[place];
            rules[place].field = Field::Common(place);
            place += 1;
        }
        rules
    };

    /// A label that every series of a family has.
    pub const fn required(name: &'static str, field: Field) -> Self {
        Self { name, field, presence: Presence::Required }
    }

    /// Whether the label is part of what names a series.
    pub fn is_key(&self) -> bool {
        self.presence != Presence::Optional
    }
}

/// The labels of one series.
#[derive(Debug, Clone, Default)]
pub struct SeriesLabels {
    /// The eight, the block type in its stored form.
    pub labels: Labels,
    /// Those of the family.
    pub more: MoreLabels,
    /// The `Lookup ID1` cell, where there is one.
    pub lookup_id: Option<String>,
}

/// Where a label of a series stands: row and column. `None` for one that the file does not have.
pub type LabelPlace = Option<(usize, usize)>;

/// Reads the labels of one series after the other.
pub struct LabelReader<'g> {
    grid: &'g Grid,
    iso: Iso,
    rules: Vec<LabelRule>,
    dates: Dates<'g>,
    /// What each series has in the order of the rules, for [`LabelReader::warn_of_near_duplicates`].
    seen: Vec<Spellings<'g>>,
}

impl<'g> LabelReader<'g> {
    /// A reader of a file whose name says `iso`.
    pub fn new(grid: &'g Grid, iso: Iso, rules: Vec<LabelRule>) -> Self {
        let seen = rules.iter().map(|_| Spellings::default()).collect();
        Self { grid, iso, rules, dates: Dates::of(grid), seen }
    }

    /// Reads the labels at `places`, one for each rule. `None` if one of them is refused.
    pub fn read(&mut self, places: &[LabelPlace], findings: &mut Findings) -> Option<SeriesLabels> {
        let before = findings.count(Severity::Error);
        let mut names = [const { String::new() }; 8];
        let mut found = SeriesLabels::default();
        let mut zero = None;
        for (number, place) in places.iter().enumerate() {
            let Some((row, column)) = *place else { continue };
            let (rule, cell) = (self.rules[number], self.grid.row(row).cell(column));
            let text = cell.trimmed();
            if text == "0" && rule.is_key() && rule.field != Field::Term {
                zero = zero.or(Some((rule, row, column)));
            }
            match self.stored(rule, cell) {
                Ok(Stored::Text(stored)) => {
                    if !text.is_empty() && !is_missing_marker(text) {
                        self.seen[number].add(text, (row, column));
                    }
                    found.put(rule, stored, &mut names);
                }
                Ok(Stored::Term(months)) => found.more.term = Some(months),
                Ok(Stored::Day(day)) => found.more.beginning_date = Some(day),
                Ok(Stored::Nothing) => {}
                Err(finding) => {
                    let finding = finding.row(row).column(column).label(rule.name);
                    findings.push(finding.value(cell.text));
                }
            }
        }
        if let Some(place) = zero {
            warn_of_zero(place, findings);
        }
        found.labels = names.into();
        (findings.count(Severity::Error) == before).then_some(found)
    }

    /// Checks a label and answers what is stored for it.
    fn stored(&mut self, rule: LabelRule, cell: Cell<'_>) -> Result<Stored, Finding> {
        let text = cell.trimmed();
        if rule.presence == Presence::Optional {
            check_text(format_args!("the label {}", rule.name), text)?;
            let is_given = !text.is_empty();
            return Ok(if is_given { Stored::Text(text.to_owned()) } else { Stored::Nothing });
        }
        if rule.presence == Presence::MayBeBlank && (text.is_empty() || is_missing_marker(text)) {
            return Ok(Stored::Text(NOT_GIVEN.to_owned()));
        }
        if text.is_empty() || is_missing_marker(text) || is_error_marker(text) {
            let message = format!("the label {} is missing in a series that is in use", rule.name);
            return Err(Finding::new(Code::LabelBlank, message).hint("fill in the label"));
        }
        match rule.field {
            Field::Term => read_term(text).map(Stored::Term),
            Field::BeginningDate => self.dates.read(cell).map(|read| Stored::Day(read.day)),
            _ => {
                check_text(format_args!("the label {}", rule.name), text)?;
                self.checked(rule, text).map(Stored::Text)
            }
        }
    }

    /// The stored form of a text that is no blank and no marker.
    fn checked(&self, rule: LabelRule, text: &str) -> Result<String, Finding> {
        match rule.field {
            LabelRule::CONTROL_AREA if !text.eq_ignore_ascii_case(self.iso.as_str()) => {
                let (iso, name) = (self.iso.as_str().to_uppercase(), rule.name);
                let message = format!("the file name says {iso}, the label {name} says {text}");
                Err(Finding::new(Code::AreaMismatch, message).hint("send each ISO in its own file"))
            }
            LabelRule::BLOCK_TYPE => {
                text.parse::<Strip>().map(|strip| strip.to_string()).map_err(|error| {
                    Finding::new(Code::UnknownStrip, error.to_string())
                        .hint("use one of the known block types")
                })
            }
            _ => Ok(text.to_owned()),
        }
    }

    /// Labels that differ only in case or blanks make different series; that is rarely meant.
    pub fn warn_of_near_duplicates(self, findings: &mut Findings) {
        for (rule, seen) in self.rules.iter().zip(self.seen) {
            // A block type has one stored form whatever its spelling.
            if rule.is_key() && rule.field != LabelRule::BLOCK_TYPE {
                seen.warn(rule.name, findings);
            }
        }
    }
}

/// What is stored for a label.
enum Stored {
    Text(String),
    Term(u8),
    Day(chrono::NaiveDate),
    Nothing,
}

/// As [`crate::domain::SeriesKey`] is told.
impl std::fmt::Display for SeriesLabels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.labels.fmt(f)?;
        self.more.fmt(f)
    }
}

impl SeriesLabels {
    fn put(&mut self, rule: LabelRule, text: String, names: &mut [String; 8]) {
        let more = &mut self.more;
        match rule.field {
            Field::Common(place) => names[place] = text,
            Field::CustomerType => more.customer_type = Some(text),
            Field::UtilityName => more.utility_name = Some(text),
            Field::LoadProfile => more.load_profile = Some(text),
            Field::MatchingId => more.matching_id = Some(text),
            Field::LookupId => {
                more.lookup_id = rule.is_key().then(|| text.clone());
                self.lookup_id = Some(text);
            }
            Field::Term | Field::BeginningDate => {}
        }
    }
}

/// Checks a text that becomes part of a series or is kept beside it.
pub fn check_text(what: impl std::fmt::Display, text: &str) -> Result<(), Finding> {
    if text.chars().count() > MAX_LABEL {
        let message = format!("{what} has more than {MAX_LABEL} characters");
        return Err(Finding::new(Code::LabelTooLong, message).hint("shorten the text"));
    }
    if text.chars().any(char::is_control) {
        let message = format!("{what} holds a line break or another control character");
        return Err(Finding::new(Code::LabelInvalid, message).hint("write it in one line"));
    }
    Ok(())
}

fn read_term(text: &str) -> Result<u8, Finding> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let term = text.parse().ok().filter(|months| is_digits && (1..=MAX_TERM).contains(months));
    term.ok_or_else(|| {
        let message = format!("the term is not an integer of 1 to {MAX_TERM} months");
        Finding::new(Code::BadTerm, message).hint("write the number of months")
    })
}

fn warn_of_zero((rule, row, column): (LabelRule, usize, usize), findings: &mut Findings) {
    findings.push(
        Finding::new(Code::SuspiciousLabel, format!("the label {} is 0", rule.name))
            .row(row)
            .column(column)
            .value("0")
            .hint("it was stored as it stands; check the spreadsheet's look-up"),
    );
}

/// The different texts of a label with the first place of each.
#[derive(Debug, Default)]
struct Spellings<'g> {
    known: HashSet<&'g str>,
    texts: Vec<(&'g str, (usize, usize))>,
}

impl<'g> Spellings<'g> {
    fn add(&mut self, text: &'g str, place: (usize, usize)) {
        if self.known.insert(text) {
            self.texts.push((text, place));
        }
    }

    fn warn(self, name: &str, findings: &mut Findings) {
        let mut folded: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (text, (row, column)) in self.texts {
            let words: Vec<&str> = text.split_whitespace().collect();
            let alike = folded.entry(words.join(" ").to_lowercase()).or_default();
            if let Some(other) = alike.first() {
                let message =
                    format!("{name} is {text:?} here and {other:?} elsewhere in the file");
                findings.push(
                    Finding::new(Code::NearDuplicateLabel, message)
                        .row(row)
                        .column(column)
                        .value(text)
                        .hint("they are stored as different series"),
                );
            }
            alike.insert(text);
        }
    }
}
