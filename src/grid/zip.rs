//! Archives: looked through once, with limits, before anything is taken from them. What an archive
//! declares of its sizes is never trusted; nothing is ever written to a path of its entries.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use crate::domain::{Code, Finding};

use super::Limits;

/// How many bytes are decompressed at a time.
const CHUNK: usize = 64 << 10;

/// An archive whose entries have been checked.
#[derive(Debug)]
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    /// Opens an uploaded archive: every name is harmless, every entry readable, all within limits.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, Finding> {
        if bytes.len() as u64 > limits.archive_bytes {
            let (measured, limit) = (bytes.len(), limits.archive_bytes);
            let message = format!("the archive has {measured} bytes; the limit is {limit}");
            return Err(Finding::new(Code::TooLarge, message));
        }
        let mut zip = open(bytes).map_err(bad_archive)?;
        let names = check_names(&mut zip, limits)?;
        let mut produced = 0;
        for index in 0..zip.len() {
            let room = Room { limits, compressed: bytes.len() as u64, produced };
            produced = room.decompress(&mut zip, index, |_| {}).map_err(|e| e.or(bad_archive))?;
        }
        Ok(Self { zip, names })
    }

    /// Opens an archive that [`Archive::open`] has looked through before.
    pub fn open_checked(bytes: &'a [u8]) -> Result<Self, Finding> {
        Ok(Self { zip: open(bytes).map_err(bad_archive)?, names: Vec::new() })
    }

    /// The names of the entries as they stand, directories with a slash at their end.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The bytes of the entry at `index`; 413 `too_large` beyond the limit of a file.
    pub fn bytes(&mut self, index: usize, limits: &Limits) -> Result<Vec<u8>, Finding> {
        let entry = self.zip.by_index(index).map_err(|error| bad_archive(error.to_string()))?;
        let mut bytes = Vec::new();
        entry
            .take(limits.file_bytes + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| bad_archive(error.to_string()))?;
        limits.check_file_bytes(bytes.len())?;
        Ok(bytes)
    }
}

fn bad_archive(why: impl std::fmt::Display) -> Finding {
    Finding::new(Code::BadArchive, format!("the archive cannot be used: {why}"))
        .hint("make a plain .zip of the files, without a password")
}

fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, String> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())
}

fn check_names(
    zip: &mut ZipArchive<Cursor<&[u8]>>,
    limits: &Limits,
) -> Result<Vec<String>, Finding> {
    if zip.len() > limits.archive_entries {
        let message = format!(
            "the archive has {} entries; the limit is {}",
            zip.len(),
            limits.archive_entries
        );
        return Err(Finding::new(Code::ArchiveLimit, message));
    }
    (0..zip.len())
        .map(|index| {
            let entry = zip.by_index_raw(index).map_err(bad_archive)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let wrong = if entry.encrypted() {
                Some("is encrypted")
            } else if entry.is_symlink() {
                Some("is a link")
            } else {
                wrong_path(&name)
            };
            wrong.map_or_else(
                || Ok(name.clone()),
                |wrong| Err(bad_archive(format!("the entry {name:?} {wrong}"))),
            )
        })
        .collect()
}

fn wrong_path(name: &str) -> Option<&'static str> {
    if name.starts_with('/') {
        Some("has an absolute path")
    } else if name.contains('\\') {
        Some("has a backslash in its path")
    } else if name.get(1..2) == Some(":") {
        Some("has a drive letter")
    } else if name.split('/').any(|part| part == "..") {
        Some("leads out of the archive")
    } else if name.contains('\0') {
        Some("has a NUL in its name")
    } else {
        None
    }
}

/// Why an entry was not read to its end.
enum Stop {
    /// A limit, already told.
    Limit(Finding),
    /// Damaged, or a method that is not known.
    Damaged(String),
}

impl Stop {
    fn or(self, damaged: impl Fn(String) -> Finding) -> Finding {
        match self {
            Self::Limit(finding) => finding,
            Self::Damaged(why) => damaged(why),
        }
    }
}

/// What may still be decompressed of an archive.
struct Room<'a> {
    limits: &'a Limits,
    compressed: u64,
    produced: u64,
}

impl Room<'_> {
    /// Decompresses an entry chunk by chunk into `sink`; answers what the archive produced so far.
    fn decompress(
        mut self,
        zip: &mut ZipArchive<Cursor<&[u8]>>,
        index: usize,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<u64, Stop> {
        let damaged = |error: &dyn std::fmt::Display| Stop::Damaged(error.to_string());
        let mut entry = zip.by_index(index).map_err(|error| damaged(&error))?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match entry.read(&mut chunk).map_err(|error| damaged(&error))? {
                0 => return Ok(self.produced),
                length => {
                    self.produced += length as u64;
                    self.check().map_err(Stop::Limit)?;
                    sink(&chunk[..length]);
                }
            }
        }
    }

    fn check(&self) -> Result<(), Finding> {
        let limit = self.limits.decompressed_bytes;
        let over = |what: String| Err(Finding::new(Code::ArchiveLimit, what));
        if self.produced > limit {
            return over(format!(
                "more than {limit} bytes come out of the archive; that is the limit"
            ));
        }
        let allowed = self.limits.compression_ratio.saturating_mul(self.compressed.max(1));
        if self.produced > Limits::RATIO_FROM && self.produced > allowed {
            let ratio = self.limits.compression_ratio;
            return over(format!(
                "{} bytes come out of {}: more than {ratio} to 1, which is the limit",
                self.produced, self.compressed
            ));
        }
        Ok(())
    }
}

/// What a look through a workbook's parts tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WorkbookParts {
    /// Shared strings, counted.
    pub strings: usize,
    /// Whether a cell has a formula.
    pub has_formulas: bool,
}

/// Looks through a workbook's parts within limits. A document type declaration is refused.
pub(super) fn inspect_workbook(bytes: &[u8], limits: &Limits) -> Result<WorkbookParts, Finding> {
    let mut zip = open(bytes).map_err(super::xlsx::not_xlsx)?;
    let mut parts = WorkbookParts::default();
    let mut produced = 0;
    for index in 0..zip.len() {
        let name = {
            let entry = zip.by_index_raw(index).map_err(super::xlsx::not_xlsx)?;
            String::from_utf8_lossy(entry.name_raw()).into_owned()
        };
        let mut scan = Scan::default();
        let room = Room { limits, compressed: bytes.len() as u64, produced };
        produced = room
            .decompress(&mut zip, index, |chunk| scan.look(chunk))
            .map_err(|stop| stop.or(super::xlsx::not_xlsx))?;
        if scan.declarations > 0 {
            return Err(super::xlsx::not_xlsx("it holds a document type declaration"));
        }
        check_no_nul(&name, &scan)?;
        parts.strings += scan.strings;
        parts.has_formulas |= scan.formulas > 0;
        // The reader takes memory for as many strings as the part says it holds.
        if parts.strings.max(scan.declared.most) > limits.cells {
            let message =
                format!("more than {} shared strings; the limit for cells is that", limits.cells);
            return Err(Finding::new(Code::TooManyCells, message));
        }
    }
    Ok(parts)
}

/// A NUL has no place in a part that is text, neither as a byte nor by its number: the reader would
/// drop it, or cut the value there.
fn check_no_nul(name: &str, scan: &Scan) -> Result<(), Finding> {
    let is_text = [".xml", ".rels"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    match scan.first_nul.filter(|_| is_text) {
        Some(offset) => {
            let message = format!("there is a NUL byte in {name:?}, at byte offset {offset}");
            Err(Finding::new(Code::BadEncoding, message).hint("save the workbook anew in Excel"))
        }
        None if scan.nul_references > 0 => {
            Err(super::xlsx::not_xlsx(format!("{name:?} names the character NUL")))
        }
        None => Ok(()),
    }
}

/// What is looked for: declarations, then shared strings and formulas with and without a prefix of
/// their namespace.
const NEEDLES: [(&[u8], Mark); 12] = [
    (b"<!DOCTYPE", Mark::Declaration),
    (b"<!ENTITY", Mark::Declaration),
    (b"<si>", Mark::String),
    (b"<si/", Mark::String),
    (b"<si ", Mark::String),
    (b":si>", Mark::String),
    (b"<f>", Mark::Formula),
    (b"<f ", Mark::Formula),
    (b":f>", Mark::Formula),
    (b":f ", Mark::Formula),
    (b"&#0;", Mark::Nul),
    (b"&#x0;", Mark::Nul),
];
/// What stands before the number of shared strings.
const DECLARED: &[u8] = b"uniqueCount";
/// The longest needle but its last byte: what may lie before a border between chunks.
const TAIL: usize = DECLARED.len() - 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Declaration,
    String,
    Formula,
    Nul,
}

/// Reads the numbers behind [`DECLARED`], wherever the borders between chunks lie.
#[derive(Default)]
struct Declared {
    /// The number so far, while one is read.
    number: Option<usize>,
    /// The highest one.
    most: usize,
}

impl Declared {
    fn look(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let Some(number) = &mut self.number else { return };
            match byte {
                b'0'..=b'9' => {
                    *number = number.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
                    self.most = self.most.max(*number);
                }
                b'=' | b'"' | b'\'' | b'+' => {}
                blank if blank.is_ascii_whitespace() => {}
                _ => self.number = None,
            }
        }
    }
}

/// Counts the needles in a stream of chunks; one that lies across a border is counted once.
#[derive(Default)]
struct Scan {
    declared: Declared,
    declarations: usize,
    strings: usize,
    formulas: usize,
    nul_references: usize,
    /// Where the first NUL byte stands.
    first_nul: Option<usize>,
    /// How much was seen.
    seen: usize,
    /// The end of what was seen and the chunk that is looked at.
    window: Vec<u8>,
}

impl Scan {
    fn look(&mut self, chunk: &[u8]) {
        self.first_nul =
            self.first_nul.or_else(|| memchr::memchr(0, chunk).map(|at| self.seen + at));
        self.seen += chunk.len();
        let before = self.window.len();
        self.window.extend_from_slice(chunk);
        for (needle, mark) in NEEDLES {
            let found = memchr::memmem::find_iter(&self.window, needle)
                .filter(|at| at + needle.len() > before)
                .count();
            *match mark {
                Mark::Declaration => &mut self.declarations,
                Mark::String => &mut self.strings,
                Mark::Formula => &mut self.formulas,
                Mark::Nul => &mut self.nul_references,
            } += found;
        }
        self.declared.look(chunk);
        for at in memchr::memmem::find_iter(&self.window, DECLARED) {
            let end = at + DECLARED.len();
            if end > before {
                self.declared.number = Some(0);
                self.declared.look(&self.window[end..]);
            }
        }
        self.window.drain(..self.window.len().saturating_sub(TAIL));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// The same archive with the text of one entry changed.
    pub fn repacked(bytes: &[u8], name: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
        let mut opened = Archive::open(bytes, &Limits::default()).unwrap();
        let names = opened.names().to_vec();
        let entries = names.iter().enumerate().map(|(index, found)| {
            let bytes = opened.bytes(index, &Limits::default()).unwrap();
            let is_it = found == name;
            (&**found, if is_it { change(str::from_utf8(&bytes).unwrap()).into() } else { bytes })
        });
        let entries: Vec<(&str, Vec<u8>)> = entries.collect();
        let entries: Vec<(&str, &[u8])> = entries.iter().map(|(n, b)| (*n, &**b)).collect();
        archive(&entries)
    }

    fn code(bytes: &[u8], limits: Limits) -> Code {
        Archive::open(bytes, &limits).map(|_| ()).unwrap_err().code
    }

    #[test]
    fn entries_are_read_by_their_place() {
        let bytes = archive(&[("a.csv", b"one"), ("folder/b.csv", b"two")]);
        let mut opened = Archive::open(&bytes, &Limits::default()).unwrap();
        assert_eq!(opened.names(), ["a.csv", "folder/b.csv"]);
        assert_eq!(opened.bytes(1, &Limits::default()).unwrap(), b"two");
        let small = Limits { file_bytes: 2, ..Limits::default() };
        assert_eq!(opened.bytes(1, &small).unwrap_err().code, Code::TooLarge);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for name in ["/etc/x.csv", "../x.csv", "a/../../x.csv", "a\\b.csv", "C:x.csv"] {
            assert_eq!(
                code(&archive(&[(name, b"x")]), Limits::default()),
                Code::BadArchive,
                "{name}"
            );
        }
        assert_eq!(code(b"not an archive", Limits::default()), Code::BadArchive);
    }

    #[test]
    fn limits_hold_whatever_the_archive_declares() {
        let zeros = vec![0; 11 << 20];
        assert_eq!(code(&archive(&[("a", &zeros)]), Limits::default()), Code::ArchiveLimit);
        let little = Limits { decompressed_bytes: 100, ..Limits::default() };
        assert_eq!(code(&archive(&[("a", &zeros[..101])]), little), Code::ArchiveLimit);
        let few = Limits { archive_entries: 1, ..Limits::default() };
        assert_eq!(code(&archive(&[("a", b""), ("b", b"")]), few), Code::ArchiveLimit);
        let small = Limits { archive_bytes: 10, ..Limits::default() };
        assert_eq!(code(&archive(&[("a", b"")]), small), Code::TooLarge);
    }

    #[test]
    fn a_needle_across_borders_is_counted_once() {
        let text = b"abc<!DOCTYPE x<si><si/><x:si><fonts><fill><x:f><f  uniqueCount = '0412' x='9'";
        for size in 1..text.len() {
            let mut scan = Scan::default();
            for chunk in text.chunks(size) {
                scan.look(chunk);
            }
            assert_eq!((scan.declarations, scan.strings, scan.formulas), (1, 3, 2), "{size}");
            assert_eq!(scan.declared.most, 412, "{size}");
        }
    }
}
