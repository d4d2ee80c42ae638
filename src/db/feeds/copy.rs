//! New rows, copied in in PostgreSQL's binary form.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::rows::{Change, Part, Source, Table};
use crate::{
    db::numeric::put_numeric,
    domain::feed::upsert::{Cell, digest},
};

/// How many bytes are sent at a time.
const CHUNK: usize = 256 << 10;

/// The columns that every table of restated rows ends with.
const HEADER: &str = "rev, content_hash, first_seen, changed_at, fetch_id";
const HEADER_FIELDS: usize = 5;

/// Inserts rows that are not there. One that is there, because somebody stored it since it was looked
/// for, fails the transaction.
pub(super) async fn insert(
    conn: &mut PgConnection,
    table: &Table,
    rows: &[&Change],
    source: &Source,
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let statement =
        format!("copy {} ({}, {HEADER}) from stdin (format binary)", table.name, names.join(", "));
    let mut copy = conn.copy_in_raw(&statement).await?;
    let mut buffer = Vec::with_capacity(CHUNK * 2);
    // Signature, flags, length of the header's extension.
    buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in rows {
        put_row(&mut buffer, table, &row.after, source);
        if buffer.len() >= CHUNK {
            copy.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(buffer.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

fn put_row(buffer: &mut Vec<u8>, table: &Table, row: &[Cell], source: &Source) {
    let fields = i16::try_from(table.columns.len() + HEADER_FIELDS).unwrap_or(i16::MAX);
    buffer.extend_from_slice(&fields.to_be_bytes());
    for cell in row {
        put_cell(buffer, cell);
    }
    let content = table.columns.iter().zip(row).filter(|(c, _)| matches!(c.part, Part::Content(_)));
    let content: Vec<Cell> = content.map(|(_, cell)| cell.clone()).collect();
    put(buffer, &1_i32.to_be_bytes());
    put(buffer, &digest(&content));
    put(buffer, &micros(source.known_at));
    put(buffer, &micros(source.known_at));
    match source.fetch_id {
        Some(fetch_id) => put(buffer, &fetch_id.to_be_bytes()),
        None => buffer.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

fn put_cell(buffer: &mut Vec<u8>, cell: &Cell) {
    match cell {
        Cell::Null => buffer.extend_from_slice(&(-1_i32).to_be_bytes()),
        Cell::Number(number) => put_numeric(buffer, number),
        Cell::Int(number) => put(buffer, &number.to_be_bytes()),
        Cell::Bool(is) => put(buffer, &[u8::from(*is)]),
        Cell::Text(text) => put(buffer, text.as_bytes()),
        Cell::Instant(at) => put(buffer, &micros(*at)),
        Cell::Date(day) => put(buffer, &days(*day)),
        // Version 1 of the binary form of jsonb: its text.
        Cell::Json(text) => {
            let length = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
            buffer.extend_from_slice(&length.to_be_bytes());
            buffer.push(1);
            buffer.extend_from_slice(text.as_bytes());
        }
    }
}

fn put(buffer: &mut Vec<u8>, field: &[u8]) {
    let length = i32::try_from(field.len()).unwrap_or(i32::MAX);
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(field);
}

/// 2000-01-01, from which PostgreSQL counts, in seconds and days of Unix.
const EPOCH_SECONDS: i64 = 946_684_800;
const EPOCH_DAYS: i64 = EPOCH_SECONDS / 86_400;

fn micros(at: DateTime<Utc>) -> [u8; 8] {
    (at.timestamp_micros() - EPOCH_SECONDS * 1_000_000).to_be_bytes()
}

fn days(day: NaiveDate) -> [u8; 4] {
    let days = day.signed_duration_since(NaiveDate::default()).num_days() - EPOCH_DAYS;
    i32::try_from(days).unwrap_or_default().to_be_bytes()
}
