//! The files: lines of text, alone or in an archive.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    io::{Cursor, Read},
    ops::RangeInclusive,
    sync::Arc,
};

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use zip::ZipArchive;

use super::FUELS;
use crate::feeds::{BadBody, Finding, FuelSample, Shared};

/// The most files that an archive may hold: a month has 31.
const MAX_ENTRIES: usize = 100;

/// The most bytes that an archive may unpack to.
const MAX_UNPACKED: u64 = 256 << 20;

/// The most that may be odd about a file or an archive: beyond that it is another document.
const MAX_FINDINGS: usize = 10_000;

/// The years of stamps: those that are written with four digits.
const YEARS: RangeInclusive<i32> = 1..=9999;

/// Where the columns are.
struct Columns {
    stamp: usize,
    zone: usize,
    fuel: usize,
    mw: usize,
    count: usize,
}

impl Columns {
    /// Found by name, in any order and among others.
    fn read(header: &str) -> Result<Self, BadBody> {
        let names: Vec<&str> = fields(header).collect();
        let at = |known: &[&str]| {
            let position = names.iter().position(|name| known.contains(name));
            position.ok_or_else(|| {
                let shown: String = header.chars().take(80).collect();
                BadBody(format!("no column {} in the header \"{shown}\"", known.join(" or ")))
            })
        };
        Ok(Self {
            stamp: at(&["Time Stamp"])?,
            zone: at(&["Time Zone"])?,
            fuel: at(&["Fuel Category"])?,
            // Both mean MW.
            mw: at(&["Gen MW", "Gen MWh"])?,
            count: names.len(),
        })
    }
}

/// The fields of a line, without quotes and blanks around them.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|field| field.trim().trim_matches('"').trim())
}

/// What was read so far.
pub(super) struct Rows {
    names: HashMap<String, Shared>,
    samples: Vec<FuelSample>,
    findings: Vec<Finding>,
}

impl Rows {
    /// None yet.
    pub fn new() -> Self {
        let names = FUELS.iter().map(|fuel| ((*fuel).to_owned(), Arc::from(*fuel))).collect();
        Self { names, samples: Vec::new(), findings: Vec::new() }
    }

    /// The samples in the order of the file, and what is odd.
    pub fn finish(self) -> (Vec<FuelSample>, Vec<Finding>) {
        (self.samples, self.findings)
    }

    /// Adds the rows of the files of an archive, in the order of their names.
    pub fn read_archive(&mut self, body: &[u8]) -> Result<(), BadBody> {
        let not_an_archive =
            |error: zip::result::ZipError| BadBody::new(&format!("no archive: {error}"));
        let mut archive = ZipArchive::new(Cursor::new(body)).map_err(not_an_archive)?;
        if archive.len() > MAX_ENTRIES {
            let problem =
                format!("{} files in an archive; the most is {MAX_ENTRIES}", archive.len());
            return Err(BadBody(problem));
        }
        let names: Result<Vec<String>, _> =
            archive.file_names().map(|name| name.map(Cow::into_owned)).collect();
        let mut names = names.map_err(not_an_archive)?;
        names.sort_unstable();
        let mut left = MAX_UNPACKED;
        for name in names.iter().filter(|name| !name.ends_with('/')) {
            if !name.ends_with("rtfuelmix.csv") {
                self.find("unknown_entry", "not a file of the fuel mix; not read", name, false)?;
                continue;
            }
            let entry = archive.by_name(name).map_err(not_an_archive)?;
            let mut text = Vec::new();
            let unpacked = entry.take(left + 1).read_to_end(&mut text);
            let size = unpacked.map_err(|error| BadBody::new(&format!("{name}: {error}")))?;
            left = left.checked_sub(size as u64).ok_or_else(|| {
                BadBody(format!("the archive unpacks to more than {MAX_UNPACKED} bytes"))
            })?;
            let of_file = |BadBody(why)| BadBody::new(&format!("{name}: {why}"));
            self.read_file(&text).map_err(of_file)?;
        }
        Ok(())
    }

    /// Adds the rows of a file. One that is cut off may be in the middle of being written.
    pub fn read_file(&mut self, body: &[u8]) -> Result<(), BadBody> {
        let text = std::str::from_utf8(body);
        let text = text.map_err(|error| BadBody(format!("not a text: {error}")))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (whole, cut) = text.rsplit_once('\n').unwrap_or((text, ""));
        let mut lines = whole.lines();
        let header = lines.next().filter(|line| !line.trim().is_empty());
        let header = header.ok_or_else(|| BadBody("there is no line of names".to_owned()))?;
        let columns = Columns::read(header)?;
        let mut formats: BTreeMap<Option<usize>, usize> = BTreeMap::new();
        let numbered = (2_usize..).zip(lines).filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in numbered {
            let fields: Vec<&str> = fields(line).collect();
            if let Some(mw) = fields.get(columns.mw).filter(|mw| !mw.is_empty()) {
                *formats.entry(decimals(mw)).or_default() += 1;
            }
            self.read_row(&columns, &fields, number)?;
        }
        let prevailing = formats.iter().max_by_key(|(_, n)| **n).map(|(decimals, _)| *decimals);
        let fields: Vec<&str> = fields(cut).collect();
        let mw = fields.get(columns.mw).filter(|mw| !mw.is_empty());
        if fields.len() == columns.count && mw.is_some_and(|mw| Some(decimals(mw)) == prevailing) {
            self.read_row(&columns, &fields, whole.lines().count() + 1)?;
        }
        Ok(())
    }

    fn read_row(&mut self, columns: &Columns, fields: &[&str], line: usize) -> Result<(), BadBody> {
        match row(columns, fields) {
            Ok((sampled_at, fuel, mw)) => {
                let fuel = self.name(fuel, sampled_at)?;
                self.samples.push(FuelSample { sampled_at, fuel, mw });
                Ok(())
            }
            Err(problem) => {
                let problem = format!("{problem}; the row is left out");
                self.find("bad_row", &problem, &format!("line {line}"), true)
            }
        }
    }

    /// One text for all rows of a fuel. A fuel is unknown once, not in each row.
    fn name(&mut self, fuel: &str, at: DateTime<Utc>) -> Result<Shared, BadBody> {
        if let Some(name) = self.names.get(fuel) {
            return Ok(Arc::clone(name));
        }
        let problem = format!("{fuel} is a fuel that is not known; its rows are kept");
        self.find("unknown_fuel", &problem, &at.to_rfc3339(), false)?;
        let name: Shared = Arc::from(fuel);
        self.names.insert(fuel.to_owned(), Arc::clone(&name));
        Ok(name)
    }

    fn find(
        &mut self,
        code: &str,
        message: &str,
        at: &str,
        rejects_row: bool,
    ) -> Result<(), BadBody> {
        if self.findings.len() == MAX_FINDINGS {
            let problem = format!("more than {MAX_FINDINGS} findings, at last: {at}: {message}");
            return Err(BadBody::new(&problem));
        }
        self.findings.push(Finding::new(code, message, at, rejects_row));
        Ok(())
    }
}

/// How many digits follow the point; none: there is no point.
fn decimals(number: &str) -> Option<usize> {
    number.split_once('.').map(|(_, decimals)| decimals.len())
}

/// Stamp, fuel and MW of a row.
fn row<'a>(
    columns: &Columns,
    fields: &[&'a str],
) -> Result<(DateTime<Utc>, &'a str, Option<Decimal>), String> {
    if fields.len() != columns.count {
        return Err(format!("{} fields instead of {}", fields.len(), columns.count));
    }
    let fuel = fields[columns.fuel];
    if fuel.is_empty() || fuel.contains('\0') {
        return Err("no fuel, or one with U+0000 in it".to_owned());
    }
    let at = stamp(fields[columns.stamp], fields[columns.zone])?;
    let mw = match fields[columns.mw] {
        "" => None,
        text => Some(
            Decimal::from_str_exact(text).map_err(|_| format!("\"{text}\" is no number of MW"))?,
        ),
    };
    Ok((at, fuel, mw))
}

/// The column of the zone decides what a stamp means: the repeated hour is written twice.
fn stamp(text: &str, zone: &str) -> Result<DateTime<Utc>, String> {
    let hours = match zone {
        "EST" => -5,
        "EDT" => -4,
        other => return Err(format!("\"{other}\" is neither EST nor EDT")),
    };
    let local = NaiveDateTime::parse_from_str(text, "%m/%d/%Y %H:%M:%S");
    let local = local.map_err(|_| format!("\"{text}\" is not a stamp as 02/01/2025 00:05:00"))?;
    let offset = FixedOffset::east_opt(hours * 3600).filter(|_| YEARS.contains(&local.year()));
    let at = offset.and_then(|offset| local.and_local_timezone(offset).single());
    at.map(|at| at.to_utc()).ok_or_else(|| format!("\"{text}\" is not a stamp"))
}
