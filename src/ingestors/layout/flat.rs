//! A flat table: the labels are columns of one header row, and every row below it is a series.

use crate::{
    domain::{Code, Finding, Iso, Stage},
    grid::Grid,
    ingestors::{
        labels::{LabelPlace, LabelReader},
        report::Findings,
        rules::Rules,
    },
};

use super::{
    Layout, ValueColumn, data_rows, duplicate_label, ignored_row, long_row, missing_label, quoted,
    rows::at_word, short_row, word, word_of,
};

/// Finds the header row, the labels of each row and the column named `value`.
pub fn find(
    rules: &Rules,
    grid: &Grid,
    iso: Iso,
    value: &'static str,
    findings: &mut Findings,
) -> Option<Layout> {
    let labels = rules.all_labels();
    let names: Vec<&'static str> = labels.iter().map(|rule| rule.name).chain([value]).collect();
    let header = find_header(grid, &names, findings)?;
    let columns = find_columns(grid, header, &names, findings)?;
    let data_rows = data_rows(grid, header + 1, findings)?;
    check_widths(grid, header, &data_rows, findings);
    if findings.has_errors_up_to(Stage::Grid) {
        return None;
    }
    check_strangers(grid, header, (&columns, &data_rows), findings);
    let (&value_column, label_columns) = columns.split_last()?;
    if data_rows.iter().all(|row| grid.row(*row).cell(value_column).is_blank()) {
        let message = format!("the column {value:?} has no value");
        let finding = Finding::new(Code::ColumnEmpty, message).row(header).column(value_column);
        findings.push(finding.hint("fill the column"));
        return None;
    }
    let mut reader = LabelReader::new(grid, iso, labels);
    let series = data_rows.iter().filter_map(|row| {
        let places: Vec<LabelPlace> =
            label_columns.iter().map(|column| Some((*row, *column))).collect();
        reader.read(&places, findings)
    });
    let series = series.collect();
    reader.warn_of_near_duplicates(findings);
    let caption = grid.row(header).cell(value_column).trimmed().to_owned();
    Some(Layout {
        header,
        header_word: word(&grid.row(header)),
        data_rows,
        columns: vec![ValueColumn { index: value_column, caption }],
        series,
    })
}

/// The first row with one of the names; rows above it are ignored with a warning.
fn find_header(grid: &Grid, names: &[&str], findings: &mut Findings) -> Option<usize> {
    let known: Vec<String> = names.iter().map(|name| word_of(name)).collect();
    let mut above: Vec<usize> = Vec::new();
    for (index, row) in grid.rows().enumerate().filter(|(_, row)| !row.is_blank()) {
        if row.cells().any(|(_, cell)| known.contains(&word_of(cell.trimmed()))) {
            findings.extend(above.iter().map(|row| ignored_row(*row, &word(&grid.row(*row)))));
            return Some(index);
        }
        above.push(index);
    }
    let words: Vec<String> = above.iter().map(|row| word(&grid.row(*row))).collect();
    let message = format!(
        "no header row with the columns {}; words seen in column A: {}",
        quoted(names.iter().copied()),
        quoted(words.iter().map(String::as_str))
    );
    let finding = Finding::new(Code::HeaderNotFound, message).hint("name the columns in one row");
    findings.push(match above.first() {
        Some(row) => at_word(finding, grid, *row),
        None => finding,
    });
    None
}

/// The column of each name, in their order; `None` if one is missing.
fn find_columns(
    grid: &Grid,
    header: usize,
    names: &[&'static str],
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let known: Vec<String> = names.iter().map(|name| word_of(name)).collect();
    let mut found: Vec<Option<usize>> = vec![None; names.len()];
    let mut strangers = Vec::new();
    for (column, cell) in grid.row(header).cells().filter(|(_, cell)| !cell.is_blank()) {
        let word = word_of(cell.trimmed());
        let Some(place) = known.iter().position(|name| *name == word) else {
            strangers.push((column, cell.trimmed()));
            continue;
        };
        if let Some(first) = found[place] {
            let first = format!("column {}", crate::domain::column_letters(first + 1));
            findings.push(duplicate_label(names[place], &first).row(header).column(column));
        } else {
            found[place] = Some(column);
        }
    }
    for (column, text) in &strangers {
        let message = format!("the column {text:?} is not known and was ignored");
        let finding = Finding::new(Code::UnknownColumn, message).row(header).column(*column);
        findings.push(finding.value(text).hint("check that no column is misspelt"));
    }
    let seen = quoted(strangers.iter().map(|(_, text)| *text));
    for (name, _) in names.iter().zip(&found).filter(|(_, column)| column.is_none()) {
        findings.push(missing_label(name, "the header row", &seen).row(header));
    }
    found.into_iter().collect()
}

/// In a text file every row must be as long as the header row is filled, and no longer than it is.
fn check_widths(grid: &Grid, header: usize, data_rows: &[usize], findings: &mut Findings) {
    if !grid.has_widths() {
        return;
    }
    let needed = grid.row(header).last_column().map_or(0, |last| last + 1);
    let allowed = grid.row(header).width();
    for &index in data_rows {
        let row = grid.row(index);
        if row.width() < needed {
            findings.push(short_row(index, row.width(), needed));
        } else if let Some(column) = row.last_column().filter(|column| *column >= allowed) {
            findings.push(long_row(grid, index, column, allowed));
        }
    }
}

/// Refuses cells under a blank header, once for each column.
fn check_strangers(
    grid: &Grid,
    header: usize,
    (columns, data_rows): (&[usize], &[usize]),
    findings: &mut Findings,
) {
    let mut known: std::collections::HashSet<usize> = columns.iter().copied().collect();
    for &index in data_rows {
        for (column, cell) in grid.row(index).cells().filter(|(_, cell)| !cell.is_blank()) {
            if known.insert(column) && grid.row(header).cell(column).is_blank() {
                let finding = Finding::new(Code::ColumnUnlabelled, "the column has no name")
                    .row(index)
                    .column(column)
                    .value(cell.text);
                findings.push(finding.hint("name the column or empty it"));
            }
        }
    }
}
