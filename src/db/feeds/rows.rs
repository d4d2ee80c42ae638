//! Rows that are restated one at a time, whatever their table: those that are there are read under a
//! lock, [`upsert`] decides, and what is news is written with what it was before. A table is described
//! once, by its columns; its statements are put together from that.
//!
//! Each statement names the range of time that it is about, and is planned for it: of a table that is
//! partitioned by years the others are not even opened.

mod statement;

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fmt::Write as _,
};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow};

use super::copy;
use crate::domain::feed::upsert::{self, Cell, Decision, Manner, Reason, Role, Version};
use statement::{Query, bind, bind_joined, given, joined};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `text`
    Text,
    /// `timestamptz`
    Instant,
    /// `date`
    Date,
    /// `integer`
    Int,
    /// `boolean`
    Bool,
    /// `numeric`
    Number,
    /// `jsonb`
    Json,
}

/// What part a column plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Of the key, and the same for all rows of a load.
    Fixed,
    /// Of the key: where the row lies in time.
    Start,
    /// Of the key: one of a few words.
    Further,
    /// Of the content.
    Content(Role),
    /// Of neither: kept as it came last, without a revision.
    Beside,
}

/// A figure of the content.
pub const METRIC: Part = Part::Content(Role::Metric);

/// What else the content says.
pub const ATTRIBUTE: Part = Part::Content(Role::Attribute);

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What part it plays.
    pub part: Part,
}

/// A column in a table of columns.
#[must_use]
pub const fn column(name: &'static str, kind: Kind, part: Part) -> Column {
    Column { name, kind, part }
}

/// A table whose rows have the header of restated rows.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns without the header: the key, then the content, then what is beside.
    pub columns: &'static [Column],
    /// The columns of the key that name the series, joined by `/`.
    pub series: &'static [&'static str],
    /// The column with the upstream's own stamp of the last change.
    pub updated_at: Option<&'static str>,
    /// Fits what an upstream tells to what is stored, before the two are compared.
    pub reconcile: Option<fn(stored: &[Cell], came: &mut Row)>,
}

/// A row in the order of its table's columns.
pub type Row = Vec<Cell>;

/// Where rows are from.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The fetch; none: a command computed them.
    pub fetch_id: Option<i64>,
    /// When that was.
    pub fetched_at: Option<DateTime<Utc>>,
    /// The instant at which the change is known.
    pub known_at: DateTime<Utc>,
}

/// What became of rows.
#[derive(Debug, Default)]
pub struct Stored {
    /// New and changed rows, in the order in which they came.
    pub changes: Vec<Change>,
    /// How many said what is there, or were from before it.
    pub same: u64,
    /// Where keys came more than once.
    pub repeated: Vec<DateTime<Utc>>,
}

/// A row that is new or another.
#[derive(Debug, Clone)]
pub struct Change {
    /// What it was; none: it is new.
    pub before: Option<Row>,
    /// What it is.
    pub after: Row,
    /// Its revision, from 1.
    pub rev: i32,
    /// Why it was changed; nothing for a new one.
    pub reason: Option<Reason>,
}

/// A row that is there.
struct Held {
    cells: Row,
    rev: i32,
    fetched_at: Option<DateTime<Utc>>,
}

impl Table {
    /// Where a column stands in a row; past its end for a name that is none.
    #[must_use]
    pub fn place(&self, name: &str) -> usize {
        self.columns.iter().position(|column| column.name == name).unwrap_or(self.columns.len())
    }

    fn count(&self, is: impl Fn(Part) -> bool) -> usize {
        self.columns.iter().filter(|column| is(column.part)).count()
    }

    /// How many columns make the key.
    fn keys(&self) -> usize {
        self.count(|part| matches!(part, Part::Fixed | Part::Start | Part::Further))
    }

    /// Where what is beside begins.
    fn beside(&self) -> usize {
        self.columns.len() - self.count(|part| part == Part::Beside)
    }

    fn roles(&self) -> Vec<Role> {
        let role = |column: &Column| match column.part {
            Part::Content(role) => Some(role),
            _ => None,
        };
        self.columns.iter().filter_map(role).collect()
    }

    /// Where the row lies in time.
    fn start(&self, row: &[Cell]) -> DateTime<Utc> {
        let place = self.columns.iter().position(|column| column.part == Part::Start);
        let start = place.and_then(|place| row.get(place)).and_then(Cell::instant);
        start.unwrap_or(DateTime::UNIX_EPOCH)
    }

    fn updated_at(&self, row: &[Cell]) -> Option<DateTime<Utc>> {
        row.get(self.place(self.updated_at?)).and_then(Cell::instant)
    }

    fn version<'a>(&self, row: &'a [Cell], fetched_at: Option<DateTime<Utc>>) -> Version<'a> {
        let content = &row[self.keys()..self.beside()];
        Version { content, updated_at: self.updated_at(row), fetched_at }
    }
}

/// Stores rows of one load: what is new is inserted, what is another gets its next revision, all else
/// stays. A row has a cell for each column of its table.
pub async fn upsert(
    conn: &mut PgConnection,
    table: &Table,
    manner: Manner,
    rows: Vec<Row>,
    source: &Source,
) -> sqlx::Result<Stored> {
    let (rows, repeated) = last_of_each(table, rows);
    if rows.is_empty() {
        return Ok(Stored { repeated, ..Stored::default() });
    }
    let held = read(conn, table, &rows).await?;
    let (mut stored, mut touched) = (Stored { repeated, ..Stored::default() }, Vec::new());
    let (keys, beside, roles) = (table.keys(), table.beside(), table.roles());
    for mut came in rows {
        let old = held.get(&came[..keys]);
        if let (Some(reconcile), Some(old), Manner::Told) = (table.reconcile, old, manner) {
            reconcile(&old.cells, &mut came);
        }
        let version = old.map(|old| table.version(&old.cells, old.fetched_at));
        let decision = upsert::decide(
            &roles,
            manner,
            version.as_ref(),
            &table.version(&came, source.fetched_at),
        );
        match (decision, old) {
            (Decision::Changed { content, reason }, Some(old)) => {
                let mut after = came;
                after.splice(keys..beside, content);
                let (before, rev) = (Some(old.cells.clone()), old.rev + 1);
                stored.changes.push(Change { before, after, rev, reason: Some(reason) });
            }
            (Decision::New | Decision::Changed { .. }, _) => {
                stored.changes.push(Change { before: None, after: came, rev: 1, reason: None });
            }
            (Decision::Same, old) => {
                stored.same += 1;
                let differs = old.is_some_and(|old| old.cells[beside..] != came[beside..]);
                touched.extend(differs.then_some(came));
            }
            (Decision::Older, _) => stored.same += 1,
        }
    }
    write(conn, table, &stored.changes, source).await?;
    touch(conn, table, &touched).await?;
    Ok(stored)
}

/// Of rows with the same key the one that the upstream touched last, else the last one; and where keys
/// were repeated.
fn last_of_each(table: &Table, rows: Vec<Row>) -> (Vec<Row>, Vec<DateTime<Utc>>) {
    let keys = table.keys();
    let mut last: HashMap<&[Cell], usize> = HashMap::with_capacity(rows.len());
    let (mut loses, mut repeated) = (HashSet::new(), Vec::new());
    for (place, row) in rows.iter().enumerate() {
        match last.entry(&row[..keys]) {
            Entry::Vacant(entry) => _ = entry.insert(place),
            Entry::Occupied(mut entry) => {
                repeated.push(table.start(row));
                let before = table.updated_at(&rows[*entry.get()]);
                let is_older =
                    table.updated_at(row).zip(before).is_some_and(|(mine, others)| mine < others);
                loses.insert(if is_older { place } else { entry.insert(place) });
            }
        }
    }
    drop(last);
    let mut place = 0..;
    let wins = |_: &Row| place.next().is_some_and(|place| !loses.contains(&place));
    let mut rows = rows;
    rows.retain(wins);
    (rows, repeated)
}

/// The rows that are there in the range of keys of `rows`, locked.
async fn read(
    conn: &mut PgConnection,
    table: &Table,
    rows: &[Row],
) -> sqlx::Result<HashMap<Row, Held>> {
    let keys = table.keys();
    let mut query = sqlx::query(AssertSqlSafe(select(table)));
    for (place, column) in table.columns[..keys].iter().enumerate() {
        let cells = || rows.iter().map(|row| &row[place]);
        query = match (column.part, column.kind) {
            (Part::Fixed, _) => query.bind(cells().next().and_then(Cell::text)),
            (Part::Start, _) => bind_range(query, column.kind, cells()),
            _ => {
                let words: HashSet<&str> = cells().filter_map(Cell::text).collect();
                query.bind(words.into_iter().map(str::to_owned).collect::<Vec<_>>())
            }
        };
    }
    let read = query.persistent(false).fetch_all(conn).await?;
    let mut held = HashMap::with_capacity(read.len());
    for row in &read {
        let cells = table.columns.iter().enumerate();
        let cells = cells.map(|(place, column)| cell(row, place, column.kind));
        let cells = cells.collect::<sqlx::Result<Row>>()?;
        let rest = table.columns.len();
        let (rev, fetched_at) = (row.try_get(rest)?, row.try_get(rest + 1)?);
        held.insert(cells[..keys].to_vec(), Held { cells, rev, fetched_at });
    }
    Ok(held)
}

/// Binds the first and the last of some starts.
fn bind_range<'q, 'a>(
    query: Query<'q>,
    kind: Kind,
    starts: impl Iterator<Item = &'a Cell> + Clone,
) -> Query<'q> {
    let (least, most) = {
        let starts = starts.filter_map(Cell::instant);
        (starts.clone().min(), starts.max())
    };
    if kind == Kind::Date {
        let day = |at: Option<DateTime<Utc>>| at.map(|at| at.date_naive());
        return query.bind(day(least)).bind(day(most));
    }
    query.bind(least).bind(most)
}

/// Reads a column.
fn cell(row: &PgRow, place: usize, kind: Kind) -> sqlx::Result<Cell> {
    let null = Cell::Null;
    Ok(match kind {
        Kind::Text => row.try_get::<Option<&str>, _>(place)?.map_or(null, Cell::from),
        Kind::Json => row.try_get::<Option<&str>, _>(place)?.map_or(null, |t| Cell::Json(t.into())),
        Kind::Instant => row.try_get::<Option<_>, _>(place)?.map_or(null, Cell::Instant),
        Kind::Date => row.try_get::<Option<_>, _>(place)?.map_or(null, Cell::Date),
        Kind::Int => row.try_get::<Option<_>, _>(place)?.map_or(null, Cell::Int),
        Kind::Bool => row.try_get::<Option<_>, _>(place)?.map_or(null, Cell::Bool),
        Kind::Number => row.try_get::<Option<_>, _>(place)?.map_or(null, Cell::Number),
    })
}

/// Reads the rows of a table in a range of keys.
fn select(table: &Table) -> String {
    let mut columns = String::new();
    for column in table.columns {
        let cast = if column.kind == Kind::Json { "::text" } else { "" };
        _ = write!(columns, "t.{}{cast}, ", column.name);
    }
    let mut parameter = 0;
    let mut next = || {
        parameter += 1;
        parameter
    };
    let condition = |column: &Column| match column.part {
        Part::Fixed => format!("t.{} = ${}", column.name, next()),
        Part::Start => format!("t.{0} >= ${1} and t.{0} <= ${2}", column.name, next(), next()),
        _ => format!("t.{} = any(${})", column.name, next()),
    };
    let conditions: Vec<String> = table.columns[..table.keys()].iter().map(condition).collect();
    format!(
        "select {columns} t.rev, f.fetched_at from {} t left join feed_fetch f on f.fetch_id = t.fetch_id
         where {} for update of t",
        table.name,
        conditions.join(" and ")
    )
}

async fn write(
    conn: &mut PgConnection,
    table: &Table,
    changes: &[Change],
    source: &Source,
) -> sqlx::Result<()> {
    let (new, old): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.before.is_none());
    copy::insert(conn, table, &new, source).await?;
    if old.is_empty() {
        return Ok(());
    }
    keep(conn, table, &old, source).await?;
    overwrite(conn, table, &old, source).await
}

/// Writes down what rows said before they are changed.
async fn keep(
    conn: &mut PgConnection,
    table: &Table,
    changes: &[&Change],
    source: &Source,
) -> sqlx::Result<()> {
    let keys = &table.columns[..table.keys()];
    let start = keys.iter().find(|column| column.part == Part::Start).map_or("", |c| c.name);
    let named: Vec<String> = keys.iter().map(|c| format!("'{0}', t.{0}", c.name)).collect();
    let series: Vec<String> = table.series.iter().map(|name| format!("t.{name}")).collect();
    let statement = format!(
        "insert into row_revision (table_name, row_key, rev, series_key, start_at, old_values, valid_from, valid_to,
                                   reason, fetch_id)
         select $1, jsonb_build_object({}), t.rev, concat_ws('/', {}), t.{start}, to_jsonb(t), t.changed_at, $2,
                v.reason, $3
         from {} t join {} on {}",
        named.join(", "),
        series.join(", "),
        table.name,
        given(keys, &[("reason", "text")], 6),
        joined(table, 4),
    );
    let rows: Vec<&Row> = changes.iter().map(|change| &change.after).collect();
    let reason = |change: &&Change| change.reason.map(|reason| reason.as_str().to_owned());
    let query = sqlx::query(AssertSqlSafe(statement));
    let query = query.bind(table.name).bind(source.known_at).bind(source.fetch_id);
    let query = bind(bind_joined(query, table, &rows), keys, &rows, 0);
    let query = query.bind(changes.iter().map(reason).collect::<Vec<_>>());
    query.persistent(false).execute(conn).await?;
    Ok(())
}

/// Gives rows their next revision.
async fn overwrite(
    conn: &mut PgConnection,
    table: &Table,
    changes: &[&Change],
    source: &Source,
) -> sqlx::Result<()> {
    let (keys, beside) = (table.keys(), table.beside());
    let set: Vec<String> = assignments(&table.columns[keys..]);
    let statement = format!(
        "update {} t set {}, rev = t.rev + 1, content_hash = v.digest, changed_at = $1, fetch_id = $2
         from {} where {}",
        table.name,
        set.join(", "),
        given(table.columns, &[("digest", "bytea")], 5),
        joined(table, 3),
    );
    let rows: Vec<&Row> = changes.iter().map(|change| &change.after).collect();
    let digests: Vec<Vec<u8>> =
        rows.iter().map(|row| upsert::digest(&row[keys..beside]).to_vec()).collect();
    let query = sqlx::query(AssertSqlSafe(statement)).bind(source.known_at).bind(source.fetch_id);
    let query = bind(bind_joined(query, table, &rows), table.columns, &rows, 0).bind(digests);
    query.persistent(false).execute(conn).await?;
    Ok(())
}

fn assignments(columns: &[Column]) -> Vec<String> {
    columns
        .iter()
        .map(|column| format!("{0} = v.{0}{1}", column.name, column.kind.cast()))
        .collect()
}

/// Refreshes what is beside the content of rows that are the same.
async fn touch(conn: &mut PgConnection, table: &Table, rows: &[Row]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let (keys, beside) = (table.keys(), table.beside());
    let columns: Vec<Column> =
        [&table.columns[..keys], &table.columns[beside..]].into_iter().flatten().copied().collect();
    let statement = format!(
        "update {} t set {} from {} where {}",
        table.name,
        assignments(&table.columns[beside..]).join(", "),
        given(&columns, &[], 3),
        joined(table, 1),
    );
    let rows: Vec<&Row> = rows.iter().collect();
    let query = bind_joined(sqlx::query(AssertSqlSafe(statement)), table, &rows);
    let query = bind(bind(query, &columns[..keys], &rows, 0), &columns[keys..], &rows, beside);
    query.persistent(false).execute(conn).await?;
    Ok(())
}
