//! The parts that statements about rows are put together from, and their parameters.

use super::{Column, Kind, Part, Row, Table, bind_range};
use crate::domain::feed::upsert::Cell;

/// The condition that joins `t` to the given keys `v`, whose first and last start are parameters.
pub(super) fn joined(table: &Table, least: usize) -> String {
    let same = |column: &Column| match column.part {
        Part::Start => {
            let most = least + 1;
            format!("t.{0} = v.{0} and t.{0} >= ${least} and t.{0} <= ${most}", column.name)
        }
        _ => format!("t.{0} = v.{0}", column.name),
    };
    table.columns[..table.keys()].iter().map(same).collect::<Vec<_>>().join(" and ")
}

/// Binds what [`joined`] names.
pub(super) fn bind_joined<'q>(query: Query<'q>, table: &Table, rows: &[&Row]) -> Query<'q> {
    let place = table.columns.iter().position(|column| column.part == Part::Start).unwrap_or(0);
    bind_range(query, table.columns[place].kind, rows.iter().map(|row| &row[place]))
}

/// `unnest($first::type[], ...) v(name, ...)` of columns, and of more that are no columns.
pub(super) fn given(columns: &[Column], more: &[(&str, &str)], first: usize) -> String {
    let types =
        columns.iter().map(|column| column.kind.sql()).chain(more.iter().map(|(_, sql)| *sql));
    let names = columns.iter().map(|column| column.name).chain(more.iter().map(|(name, _)| *name));
    let types = types.enumerate().map(|(place, sql)| format!("${}::{sql}[]", first + place));
    let (types, names): (Vec<_>, Vec<_>) = (types.collect(), names.collect());
    format!("unnest({}) v({})", types.join(", "), names.join(", "))
}

pub(super) type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Binds columns of rows as arrays.
pub(super) fn bind<'q>(
    mut query: Query<'q>,
    columns: &[Column],
    rows: &[&Row],
    first: usize,
) -> Query<'q> {
    for (place, column) in columns.iter().enumerate() {
        let cells = || rows.iter().map(|row| &row[first + place]);
        query = match column.kind {
            Kind::Text => {
                query.bind(cells().map(|c| c.text().map(str::to_owned)).collect::<Vec<_>>())
            }
            Kind::Json => query.bind(cells().map(json).collect::<Vec<_>>()),
            Kind::Instant => query.bind(cells().map(Cell::instant).collect::<Vec<_>>()),
            Kind::Date => {
                let day = |cell: &Cell| cell.instant().map(|at| at.date_naive());
                query.bind(cells().map(day).collect::<Vec<_>>())
            }
            Kind::Number => query.bind(cells().map(Cell::number).collect::<Vec<_>>()),
            Kind::Int => query.bind(cells().map(int).collect::<Vec<_>>()),
            Kind::Bool => query.bind(cells().map(bool).collect::<Vec<_>>()),
        };
    }
    query
}

fn json(cell: &Cell) -> Option<String> {
    if let Cell::Json(text) = cell { Some(text.as_ref().to_owned()) } else { None }
}

const fn int(cell: &Cell) -> Option<i32> {
    if let Cell::Int(number) = cell { Some(*number) } else { None }
}

const fn bool(cell: &Cell) -> Option<bool> {
    if let Cell::Bool(is) = cell { Some(*is) } else { None }
}

impl Kind {
    /// As parameters of it are typed; JSON travels as text.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Text | Self::Json => "text",
            Self::Instant => "timestamptz",
            Self::Date => "date",
            Self::Int => "integer",
            Self::Bool => "boolean",
            Self::Number => "numeric",
        }
    }

    /// What turns such a parameter into the column.
    pub(super) const fn cast(self) -> &'static str {
        if matches!(self, Self::Json) { "::jsonb" } else { "" }
    }
}
