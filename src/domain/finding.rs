//! What a report says about a file: findings, each with a code, a place and a hint.

use axum::http::StatusCode;
use serde::Serialize;

/// Whether a finding keeps the file out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is stored and the finding with it.
    Warning,
}

/// When in the reading of a file a finding is made. An error of one stage stops the later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The name and the way the file came.
    Name,
    /// Bytes to cells: encoding, quoting, widths, limits.
    Grid,
    /// Label rows, header row, columns.
    Labels,
    /// Cells, dates, units, series.
    Values,
    /// Against what is stored.
    Version,
}

macro_rules! codes {
    ($($variant:ident = $word:literal, $severity:ident, $stage:ident, $status:expr;)+) => {
        /// The machine word of a finding or an answer, with its severity, stage and HTTP status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each is its own word; curve files section 9.3 lists them")]
        pub enum Code { $($variant),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Whether it keeps a file out.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),+ }
            }

            /// When it is found.
            #[must_use]
            pub const fn stage(self) -> Stage {
                match self { $(Self::$variant => Stage::$stage),+ }
            }

            /// The HTTP status of a file refused for it (200 for warnings).
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }
        }
    };
}

codes! {
    BadFilename = "bad_filename", Error, Name, 400;
    LegacyFormat = "legacy_format", Error, Name, 400;
    UnsupportedArea = "unsupported_area", Error, Name, 400;
    CobNotApplicable = "cob_not_applicable", Error, Name, 400;
    NoFile = "no_file", Error, Name, 400;
    NestedArchive = "nested_archive", Error, Name, 400;
    DuplicateEntry = "duplicate_entry", Error, Name, 400;
    TooLarge = "too_large", Error, Grid, 413;
    TooManyCells = "too_many_cells", Error, Grid, 413;
    ArchiveLimit = "archive_limit", Error, Grid, 413;
    NotCsv = "not_csv", Error, Grid, 415;
    NotXlsx = "not_xlsx", Error, Grid, 415;
    BadArchive = "bad_archive", Error, Grid, 415;
    BadEncoding = "bad_encoding", Error, Grid, 415;
    WrongDelimiter = "wrong_delimiter", Error, Grid, 415;
    NoData = "no_data", Error, Grid, 422;
    BadQuote = "bad_quote", Error, Grid, 422;
    RaggedRow = "ragged_row", Error, Grid, 422;
    LabelMissing = "label_missing", Error, Labels, 422;
    LabelDuplicate = "label_duplicate", Error, Labels, 422;
    LabelBlank = "label_blank", Error, Labels, 422;
    LabelTooLong = "label_too_long", Error, Labels, 422;
    LabelInvalid = "label_invalid", Error, Labels, 422;
    UnknownStrip = "unknown_strip", Error, Labels, 422;
    AreaMismatch = "area_mismatch", Error, Labels, 422;
    BadTerm = "bad_term", Error, Labels, 422;
    HeaderNotFound = "header_not_found", Error, Labels, 422;
    ColumnUnlabelled = "column_unlabelled", Error, Labels, 422;
    ColumnEmpty = "column_empty", Error, Labels, 422;
    DuplicateSeries = "duplicate_series", Error, Values, 422;
    BadDate = "bad_date", Error, Values, 422;
    DateOrder = "date_order", Error, Values, 422;
    MixedDateFormats = "mixed_date_formats", Error, Values, 422;
    NotFirstOfMonth = "not_first_of_month", Error, Values, 422;
    DuplicateMonth = "duplicate_month", Error, Values, 422;
    DuplicateHour = "duplicate_hour", Error, Values, 422;
    BadHour = "bad_hour", Error, Values, 422;
    BadMonth = "bad_month", Error, Values, 422;
    NotANumber = "not_a_number", Error, Values, 422;
    NotFinite = "not_finite", Error, Values, 422;
    OutOfRange = "out_of_range", Error, Values, 422;
    OutsideBand = "outside_band", Error, Values, 422;
    VersionConflict = "version_conflict", Error, Version, 409;
    DayClosedByCob = "day_closed_by_cob", Error, Version, 409;
    NewerVersionExists = "newer_version_exists", Error, Version, 409;
    StorageUnavailable = "storage_unavailable", Error, Version, 503;
    EncodingCp1252 = "encoding_cp1252", Warning, Grid, 200;
    ExtraSheets = "extra_sheets", Warning, Grid, 200;
    UnknownLabelRow = "unknown_label_row", Warning, Labels, 200;
    UnknownColumn = "unknown_column", Warning, Labels, 200;
    StateMismatch = "state_mismatch", Warning, Labels, 200;
    StateRowMissing = "state_row_missing", Warning, Labels, 200;
    SuspiciousLabel = "suspicious_label", Warning, Labels, 200;
    NearDuplicateLabel = "near_duplicate_label", Warning, Labels, 200;
    MixedUnits = "mixed_units", Warning, Values, 200;
    UnitConflict = "unit_conflict", Warning, Values, 200;
    UnknownUnit = "unknown_unit", Warning, Values, 200;
    OutOfBand = "out_of_band", Warning, Values, 200;
    PrecisionReduced = "precision_reduced", Warning, Values, 200;
    MonthGap = "month_gap", Warning, Values, 200;
    MonthOrder = "month_order", Warning, Values, 200;
    UnexpectedWindow = "unexpected_window", Warning, Values, 200;
    TotalMismatch = "total_mismatch", Warning, Values, 200;
    ScaleJump = "scale_jump", Warning, Version, 200;
    ValueJump = "value_jump", Warning, Version, 200;
    SeriesAdded = "series_added", Warning, Version, 200;
    SeriesRemoved = "series_removed", Warning, Version, 200;
    UnchangedContent = "unchanged_content", Warning, Version, 200;
}

impl Code {
    /// The HTTP status as a type.
    #[must_use]
    pub fn status_code(self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that a report says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// The machine word.
    pub code: Code,
    /// What is wrong, for a person.
    pub message: String,
    /// The 1-based record, empty ones counted.
    pub row: Option<usize>,
    /// The 1-based physical column.
    pub column: Option<usize>,
    /// Both, as a spreadsheet shows them: `F12`.
    pub cell: Option<String>,
    /// The series and month that it concerns.
    pub label: Option<String>,
    /// The text of the cell, cut at 200 characters.
    pub value: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Finding {
    /// The longest cell text that a finding repeats, in characters.
    const MAX_VALUE: usize = 200;

    /// A finding about the file as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            message: message.into(),
            row: None,
            column: None,
            cell: None,
            label: None,
            value: None,
            hint: None,
        }
    }

    /// Names the record (0-based index in, 1-based number out).
    #[must_use]
    pub fn row(mut self, index: usize) -> Self {
        self.row = Some(index + 1);
        self.name_cell()
    }

    /// Names the column (0-based index in, 1-based number out).
    #[must_use]
    pub fn column(mut self, index: usize) -> Self {
        self.column = Some(index + 1);
        self.name_cell()
    }

    fn name_cell(mut self) -> Self {
        self.cell = self.row.zip(self.column).map(|(row, column)| {
            let mut name = column_letters(column);
            name.push_str(&row.to_string());
            name
        });
        self
    }

    /// Names the series.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Repeats the text of the cell.
    #[must_use]
    pub fn value(mut self, text: &str) -> Self {
        self.value = Some(text.chars().take(Self::MAX_VALUE).collect());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The letters of a 1-based column: 1 is `A`, 27 is `AA`.
#[must_use]
pub fn column_letters(mut column: usize) -> String {
    let mut letters = Vec::new();
    while column > 0 {
        letters.push(b'A' + u8::try_from((column - 1) % 26).unwrap_or_default());
        column = (column - 1) / 26;
    }
    letters.reverse();
    String::from_utf8(letters).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_spreadsheets_name_them() {
        for (column, letters) in
            [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (703, "AAA"), (16384, "XFD")]
        {
            assert_eq!(column_letters(column), letters);
        }
        let finding = Finding::new(Code::NotANumber, "x").row(11).column(5);
        assert_eq!(finding.cell.as_deref(), Some("F12"));
    }

    #[test]
    fn words_are_unique() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
    }
}
