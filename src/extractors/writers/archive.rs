//! Several parts as one ZIP archive, written as it goes: an entry per part, then the manifest.

use std::io::{self, Write};

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256 as Hasher};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{Grids, write_part};
use crate::{domain::Sha256, extractors::selection::Selection};

/// Writes every part and `manifest.json`; tells how many records of data there are in all.
pub fn write(
    selection: &Selection,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<u64> {
    let mut rows = 0;
    let mut archive = ZipWriter::new_stream(Mute { out, broken: false });
    let mut entries: Vec<Value> = Vec::new();
    for part in &selection.parts {
        let file = selection.file_name_of(part);
        archive.start_file(&*file, options(part.newest()))?;
        let mut measured = Measured { out: &mut archive, hasher: Hasher::new(), bytes: 0 };
        let written = write_part(selection, part, grids, &mut measured)?;
        rows += written.rows;
        let sha256 = Sha256::from_bytes(&measured.hasher.finalize());
        entries.push(json!({
            "file": file,
            "curve": part.combination.curve,
            "iso": part.combination.iso,
            "versions": part.versions.iter().map(super::version_json).collect::<Vec<_>>(),
            "rows": written.rows,
            "columns": written.columns,
            "bytes": measured.bytes,
            "sha256": sha256,
        }));
    }
    let newest = selection.parts.iter().map(super::Part::newest).max().unwrap_or_default();
    archive.start_file("manifest.json", options(newest))?;
    archive.write_all(&manifest(selection, &entries)?)?;
    archive.finish()?;
    Ok(rows)
}

fn manifest(selection: &Selection, entries: &[Value]) -> io::Result<Vec<u8>> {
    let manifest = json!({
        "request": selection.request_json(),
        "known_at": selection.known_at_text(),
        "entries": entries,
        "skipped": selection.skipped,
        "warnings": selection.warnings.listed,
        "warning_count": selection.warnings.count,
        "disclaimer": selection.disclaimer,
    });
    let mut bytes = serde_json::to_vec_pretty(&manifest)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// An entry may pass 4 GiB, and its date is that of its newest version.
fn options(dated: DateTime<Utc>) -> SimpleFileOptions {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(0o644)
        .large_file(true);
    let (day, time) = (dated.date_naive(), dated.time());
    // Every part is below 256; the year is checked by the archive's own type.
    let byte = |part: u32| part.to_le_bytes()[0];
    let year = u16::try_from(day.year()).unwrap_or_default();
    let date = zip::DateTime::from_date_and_time(
        year,
        byte(day.month()),
        byte(day.day()),
        byte(time.hour()),
        byte(time.minute()),
        byte(time.second()),
    );
    options.last_modified_time(date.unwrap_or_default())
}

/// Takes whatever is written after a failure: an archive that is dropped unfinished tries to end
/// itself, and prints on standard error when it cannot. The first failure has been told by then.
struct Mute<W> {
    out: W,
    broken: bool,
}

impl<W: Write> Write for Mute<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Ok(buffer.len());
        }
        let written = self.out.write(buffer);
        self.broken = written.is_err();
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.broken { Ok(()) } else { self.out.flush() }
    }
}

/// Counts and hashes what passes.
struct Measured<'a, W> {
    out: &'a mut W,
    hasher: Hasher,
    bytes: u64,
}

impl<W: Write> Write for Measured<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
