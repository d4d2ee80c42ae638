//! Records to bytes: csv, xlsx, json, ndjson and parquet, alone or in an archive.

mod archive;
pub mod csv;
pub mod json;
pub mod parquet;
pub mod xlsx;

use std::io::{self, Write};

use chrono::SecondsFormat;
use serde_json::{Value, json};

use self::{
    csv::Csv,
    json::{Framing, Json},
    parquet::Parquet,
};
use super::{
    cell::Sink,
    layout::{Grid, Layout, Long, Script, Wide},
    selection::{Part, Selection},
    words::{Form, Format},
};
use crate::{db::data::VersionHeader, domain::Sha256};

/// Gives the grids of a selection, version by version in the order of its parts.
pub trait Grids {
    /// The next grid; an error when it cannot be read.
    fn next(&mut self) -> io::Result<Grid>;
}

/// What was written of a part.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// Records of data.
    pub rows: u64,
    /// Cells of a record.
    pub columns: usize,
}

/// Writes the whole answer; tells how many records of data it has.
pub fn write(
    selection: &Selection,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<u64> {
    match &*selection.parts {
        [part] if !selection.is_archive() => {
            write_part(selection, part, grids, out).map(|written| written.rows)
        }
        _ => archive::write(selection, grids, out),
    }
}

/// Writes one part in its format.
fn write_part(
    selection: &Selection,
    part: &Part,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<Written> {
    match (selection.format, selection.form) {
        (Format::Csv, Form::Wide) => write_csv(selection, part, &Wide(part), grids, out),
        (Format::Csv, Form::Long) => write_csv(selection, part, &Long(part), grids, out),
        (Format::Xlsx, Form::Wide) => write_xlsx(selection, part, &Wide(part), grids, out),
        (Format::Xlsx, Form::Long) => write_xlsx(selection, part, &Long(part), grids, out),
        (Format::Json, _) if selection.script => write_script(part, grids, out),
        (Format::Json, _) => write_json(selection, part, grids, out),
        (Format::Ndjson, _) => write_lines(part, grids, out),
        (Format::Parquet, _) => write_parquet(selection, part, grids, out),
    }
}

fn versions<L: Layout, S: Sink>(
    part: &Part,
    layout: &L,
    grids: &mut dyn Grids,
    sink: &mut S,
) -> io::Result<u64> {
    let mut rows = 0;
    for version in &part.versions {
        rows += layout.version(version, &grids.next()?, sink)?;
    }
    Ok(rows)
}

fn write_csv<L: Layout>(
    selection: &Selection,
    part: &Part,
    layout: &L,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<Written> {
    let mut csv = Csv::new(out, selection.query.bom);
    layout.header(&mut csv)?;
    let rows = versions(part, layout, grids, &mut csv)?;
    csv.finish(selection.disclaimer.as_deref())?;
    Ok(Written { rows, columns: layout.columns() })
}

fn write_xlsx<L: Layout>(
    selection: &Selection,
    part: &Part,
    layout: &L,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<Written> {
    let disclaimer = selection.disclaimer.as_deref();
    let rows = xlsx::write(out, layout.frozen(), part.newest(), disclaimer, |sheet| {
        layout.header(sheet)?;
        versions(part, layout, grids, sheet)
    })?;
    Ok(Written { rows, columns: layout.columns() })
}

fn write_lines(
    part: &Part,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<Written> {
    let mut json = Json::new(out, Long::COLUMNS, Long::DIMS, Framing::Lines);
    let rows = versions(part, &Long(part), grids, &mut json)?;
    json.finish()?;
    Ok(Written { rows, columns: Long::COLUMNS.len() })
}

fn write_parquet(
    selection: &Selection,
    part: &Part,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<Written> {
    let request = ("request", selection.request_json().to_string());
    let disclaimer = selection.disclaimer.clone().map(|text| ("disclaimer", text));
    let facts = [request].into_iter().chain(disclaimer).collect();
    let mut parquet = Parquet::new(out, Long::COLUMNS, facts)?;
    let rows = versions(part, &Long(part), grids, &mut parquet)?;
    parquet.finish()?;
    Ok(Written { rows, columns: Long::COLUMNS.len() })
}

fn write_script(
    part: &Part,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<Written> {
    let layout = Script(part);
    let mut json = Json::new(out, layout.names(), 0..0, Framing::Array);
    json.raw("[");
    let rows = versions(part, &layout, grids, &mut json)?;
    json.raw("\n]\n");
    json.finish()?;
    Ok(Written { rows, columns: layout.columns() })
}

fn write_json(
    selection: &Selection,
    part: &Part,
    grids: &mut dyn Grids,
    out: &mut (dyn Write + Send),
) -> io::Result<Written> {
    let mut json = Json::new(out, Long::COLUMNS, Long::DIMS, Framing::Array);
    json.raw("{\"data\":[");
    let rows = versions(part, &Long(part), grids, &mut json)?;
    let meta = meta(selection, part, rows);
    json.raw(&format!("\n],\n\"meta\":{meta}}}\n"));
    json.finish()?;
    Ok(Written { rows, columns: Long::COLUMNS.len() })
}

fn meta(selection: &Selection, part: &Part, rows: u64) -> Value {
    json!({
        "request": selection.request_json(),
        "known_at": selection.known_at_text(),
        "versions": part.versions.iter().map(version_json).collect::<Vec<_>>(),
        "counts": { "rows": rows, "series": part.series.len(), "versions": part.versions.len() },
        "warnings": selection.warnings.listed,
        "warning_count": selection.warnings.count,
        "disclaimer": selection.disclaimer,
    })
}

/// A version as documents name it.
#[must_use]
pub fn version_json(version: &VersionHeader) -> Value {
    let text = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    json!({
        "id": version.id.to_string(),
        "curve_timestamp": text(version.curve_timestamp),
        "operating_day": version.operating_day,
        "cob": version.cob,
        "known_at": text(version.known_at),
        "sha256": Sha256::from_bytes(&version.sha256),
    })
}
