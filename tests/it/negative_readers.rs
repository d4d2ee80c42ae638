//! The readers of files and of pages against what the fuzzers of `tests/fuzz` kept, and against small changes of
//! it: the same properties, on every run of the tests and without a tool.

use std::{fs, path::PathBuf};

use rand::{RngExt, SeedableRng as _, rngs::StdRng};

use crate::support::files;

#[path = "../fuzz/properties/mod.rs"]
mod properties;

use properties::{cell, csv, curve, date, feed, file_name, xlsx};

/// What readers take for a border or a number.
const MARKS: &[u8] = b"0123456789,.\"\r\n-/%<>& ";

/// The inputs of a target, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = files::repository("tests/fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 20, "{target} has {} inputs", paths.len());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Replays the corpus, then `changed` inputs made of it: always the same ones.
fn run(target: &str, check: fn(&[u8]), changed: usize) {
    let corpus = corpus(target);
    for input in &corpus {
        check(input);
    }
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..changed {
        let other = &corpus[random.random_range(0..corpus.len())];
        let mut input = corpus[random.random_range(0..corpus.len())].clone();
        for _ in 0..random.random_range(1..5_u8) {
            change(&mut input, other, &mut random);
        }
        check(&input);
    }
}

/// One of the changes that fuzzers make.
fn change(input: &mut Vec<u8>, other: &[u8], random: &mut impl RngExt) {
    if input.is_empty() {
        input.push(0);
    }
    let at = random.random_range(0..input.len());
    let end = random.random_range(at..=input.len().min(at + 40));
    match random.random_range(0..6_u8) {
        0 => input[at] ^= 1 << random.random_range(0..8_u8),
        1 => input[at] = random.random(),
        2 => input.insert(at, MARKS[random.random_range(0..MARKS.len())]),
        3 => drop(input.drain(at..end)),
        4 => {
            let repeated = input[at..end].to_vec();
            input.splice(at..at, repeated);
        }
        _ => {
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len().min(from + 40));
            input.splice(at..end, other[from..to].iter().copied());
        }
    }
}

#[test]
fn any_file_name_is_taken_apart_or_refused() {
    run("file_name", file_name::check, 20_000);
}

#[test]
fn any_cell_is_a_value_that_prints_as_itself_or_refused() {
    run("cell", cell::check, 20_000);
}

#[test]
fn any_date_lies_in_range_or_is_refused() {
    run("date", date::check, 20_000);
}

#[test]
fn any_text_splits_into_cells_that_can_be_written_again() {
    run("csv", csv::check, 20_000);
}

#[test]
fn any_workbook_keeps_to_its_limits() {
    run("xlsx", xlsx::check, 4_000);
}

#[test]
fn any_file_is_a_curve_that_can_be_stored_or_has_an_error() {
    run("curve", curve::check, 4_000);
}

#[test]
fn any_page_of_a_feed_is_rows_that_can_be_stored_or_refused() {
    assert!(feed::knows_every_feed());
    run("feed", feed::check, 8_000);
}
