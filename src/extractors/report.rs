//! What an answer will hold, told without reading a point: the description, and the limits that
//! are checked before the first byte.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    layout::{
        Layout, Long, Wide,
        shape::{Shape, shape},
    },
    selection::{Part, Selection},
    words::{Form, Format},
    writers::{
        version_json,
        xlsx::{MAX_COLUMNS, MAX_ROWS},
    },
};
use crate::{
    db::{data, snapshot::Snapshot},
    error::{Problem, Result},
};

/// Records and cells of a part, header records left out.
#[derive(Debug, Clone, Copy)]
struct Size {
    rows: u64,
    columns: usize,
}

async fn size(selection: &Selection, part: &Part, snapshot: &mut Snapshot) -> Result<Size> {
    let wide = selection.form == Form::Wide;
    let is_record_per_series = matches!(shape(part.combination.curve), Shape::Records(_));
    if wide && !is_record_per_series {
        return Ok(Size { rows: part.places, columns: Wide(part).columns() });
    }
    if let Some(rows) = part.values {
        return Ok(Size { rows, columns: Long(part).columns() });
    }
    let versions: Vec<i64> = part.versions.iter().map(|version| version.id).collect();
    let series: Vec<i64> = part.series.iter().map(|series| series.id).collect();
    let held = data::held(snapshot.connection(), part.source, &versions, &series).await?;
    let mut rows = 0;
    for (index, version) in part.versions.iter().enumerate() {
        let Some((_, held)) = held.iter().find(|(id, _)| *id == version.id) else { continue };
        let places = if wide { 1 } else { u64::from(version.places.unsigned_abs()) };
        rows += match part.masked {
            false => places * held.len() as u64,
            true => part.visible_cells(snapshot, &selection.query, index, held, wide).await?,
        };
    }
    let columns = if wide { Wide(part).columns() } else { Long(part).columns() };
    Ok(Size { rows, columns })
}

/// 400 `too_large_for_xlsx` where a sheet cannot hold a part.
pub async fn check_limits(selection: &Selection, snapshot: &mut Snapshot) -> Result<()> {
    if selection.format != Format::Xlsx {
        return Ok(());
    }
    for part in &selection.parts {
        let Size { rows, columns } = size(selection, part, snapshot).await?;
        let (header, advice) = match selection.form {
            Form::Wide => (Wide(part).frozen().0, "format=csv or layout=long"),
            Form::Long => (Long(part).frozen().0, "format=csv"),
        };
        let trailer = if selection.disclaimer.is_some() { 2 } else { 0 };
        let needed = rows + u64::from(header) + trailer;
        if needed > MAX_ROWS || columns > MAX_COLUMNS {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "too_large_for_xlsx",
                format!(
                    "{} {} needs {needed} rows and {columns} columns; a sheet has {MAX_ROWS} and \
                     {MAX_COLUMNS}. Ask for {advice}, or for fewer days",
                    part.combination.curve, part.combination.iso
                ),
            ));
        }
    }
    Ok(())
}

/// The description of the answer.
pub async fn describe(selection: &Selection, snapshot: &mut Snapshot) -> Result<Value> {
    let mut entries = Vec::new();
    for part in &selection.parts {
        let size = size(selection, part, snapshot).await?;
        entries.push(json!({
            "file": selection.file_name_of(part),
            "curve": part.combination.curve,
            "iso": part.combination.iso,
            "mode": selection.query.mode_in_force(part.combination.curve),
            "versions": part.versions.iter().map(version_json).collect::<Vec<_>>(),
            "months": part.places,
            "series": part.series.len(),
            "rows": size.rows,
            "columns": size.columns,
        }));
    }
    Ok(json!({
        "request": selection.request_json(),
        "known_at": selection.known_at_text(),
        "file": selection.file_name(),
        "entries": entries,
        "skipped": selection.skipped,
        "warnings": selection.warnings.listed,
        "warning_count": selection.warnings.count,
        "not_applied": selection.not_applied,
        "disclaimer": selection.disclaimer,
    }))
}
