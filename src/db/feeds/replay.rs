//! Rows beside the rows: temporary tables of the same names, into which documents are loaded again, and
//! which are then compared. No stored row is touched or locked.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::domain::Sha256;

/// What loading writes, and what it reads of what it wrote: empty at first.
const WRITTEN: [&str; 13] = [
    "carbon_intensity",
    "carbon_intensity_forecast",
    "event_outbox",
    "fuel_mix",
    "fuel_sample",
    "intensity_series",
    "meter_agreement",
    "meter_usage",
    "rollup",
    "rollup_dirty",
    "row_revision",
    "tariff_price",
    "usage_daily_summary",
];

/// What loading may add to, and needs to be as it is.
const KNOWN: [&str; 6] =
    ["emission_factor", "factor_set", "feed_scope", "feed_task", "meter", "meter_reader"];

/// What says nothing about the content of a row: when it came, by which fetch, how often it changed.
const HEADER: &str = "'{rev,content_hash,first_seen,changed_at,known_at,fetch_id}'::text[]";

/// A table of rows and the condition by which those of a scope are found: `$1` is the feed, `$2` the
/// region, `$3` the meter, `$4` the tariff.
const COMPARED: [(&str, &str); 7] = [
    ("carbon_intensity", "feed_id = $1 and region_id = $2"),
    ("carbon_intensity_forecast", "feed_id = $1 and region_id = $2"),
    ("fuel_mix", "feed_id = $1 and region_id = $2"),
    ("fuel_sample", "feed_id = $1 and region_id = $2"),
    ("meter_agreement", "$1 = 'octopus.account'"),
    ("meter_usage", "meter_id = $3"),
    ("tariff_price", "tariff_code = $4"),
];

/// A connection that has the tables beside. They go with it. Only the owner of the database may make
/// them.
pub async fn beside(pool: &PgPool) -> sqlx::Result<PgConnection> {
    // None that prepared a statement before: that would go on to mean the tables themselves.
    let mut conn = PgConnection::connect_with(pool.connect_options().as_ref()).await?;
    sqlx::query!("set role none").execute(&mut conn).await?;
    for table in WRITTEN.iter().chain(&KNOWN) {
        let make = format!("create temporary table {table} (like public.{table} including all)");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut conn).await?;
    }
    Ok(conn)
}

/// Empties the tables beside.
pub async fn begin(conn: &mut PgConnection) -> sqlx::Result<()> {
    for table in WRITTEN.iter().chain(&KNOWN) {
        let empty = format!("truncate pg_temp.{table}");
        sqlx::raw_sql(AssertSqlSafe(empty)).execute(&mut *conn).await?;
    }
    for table in KNOWN {
        let fill = format!(
            "insert into pg_temp.{table} overriding system value select * from public.{table}"
        );
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Whose rows are compared.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The feed.
    pub feed_id: &'a str,
    /// The region of the scope.
    pub region_id: Option<&'a str>,
    /// The meter of the scope.
    pub meter_id: Option<&'a str>,
    /// The tariff of the scope.
    pub tariff_code: Option<&'a str>,
}

/// How the rows of a table compare.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The table.
    pub table: &'static str,
    /// Rows as in their documents.
    pub same: i64,
    /// Stored rows that no document gives, or gives otherwise, and rows of documents that are not
    /// stored.
    pub different: i64,
    /// One of them.
    pub example: Option<String>,
}

/// Holds the stored rows of a scope against those beside.
pub async fn compare(conn: &mut PgConnection, whose: Whose<'_>) -> sqlx::Result<Vec<Compared>> {
    let mut all = Vec::new();
    for (table, condition) in COMPARED {
        let statement = format!(
            "with stored as (select to_jsonb(t) - {HEADER} as r from public.{table} t where {condition}),
                  made as (select to_jsonb(t) - {HEADER} as r from pg_temp.{table} t where {condition}),
                  differs as ((table stored except table made) union all (table made except table stored))
             select (select count(*) from (table stored intersect table made) s),
                    (select count(*) from differs), (select r::text from differs order by 1 limit 1),
                    num_nulls($1::text, $2::text, $3::text, $4::text)"
        );
        let (same, different, example, _): (i64, i64, Option<String>, i32) =
            sqlx::query_as(AssertSqlSafe(statement))
                .bind(whose.feed_id)
                .bind(whose.region_id)
                .bind(whose.meter_id)
                .bind(whose.tariff_code)
                .fetch_one(&mut *conn)
                .await?;
        if same + different > 0 {
            all.push(Compared { table, same, different, example });
        }
    }
    Ok(all)
}

/// An answer whose rows were loaded.
#[derive(Debug, Clone)]
pub struct LoadedFetch {
    /// Its number.
    pub fetch_id: i64,
    /// Which page of its window it was.
    pub page: i32,
    /// The same as the answer before it told, which is what it was asked by.
    pub page_ref: Option<Value>,
    /// The window.
    pub from_at: DateTime<Utc>,
    /// The end of the window.
    pub to_at: DateTime<Utc>,
    /// When it came.
    pub fetched_at: DateTime<Utc>,
    /// When it was loaded.
    pub loaded_at: DateTime<Utc>,
    /// Its kind of task.
    pub task_kind: String,
    /// Its document.
    pub document: Option<Sha256>,
    /// Whether its document was let go.
    pub is_expired: bool,
}

/// The answers of a scope whose rows were loaded, in that order, after `last`.
pub async fn loaded(
    pool: &PgPool,
    (feed_id, scope): (&str, &str),
    last: Option<(DateTime<Utc>, i64)>,
    limit: i64,
) -> sqlx::Result<Vec<LoadedFetch>> {
    let (at, id) = last.unwrap_or((DateTime::UNIX_EPOCH, 0));
    let rows =
        sqlx::query_file!("sql/queries/feed_replay_fetches.sql", feed_id, scope, at, id, limit)
            .fetch_all(pool)
            .await?;
    let fetches = rows.into_iter().map(|row| LoadedFetch {
        fetch_id: row.fetch_id,
        page: row.page,
        page_ref: row.page_ref,
        from_at: row.from_at,
        to_at: row.to_at,
        fetched_at: row.fetched_at,
        loaded_at: row.loaded_at,
        task_kind: row.task_kind,
        document: row.document_sha256.as_deref().and_then(Sha256::from_bytes),
        is_expired: row.is_expired,
    });
    Ok(fetches.collect())
}
