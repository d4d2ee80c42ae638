//! What grants show, counted by the rule that every reader goes by.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::db::data::labels;
use crate::domain::Labels;

/// What is shown of one source: what has at least one cell.
#[derive(Debug, Clone)]
pub struct Seen {
    /// [`crate::domain::Source::id`].
    pub source_id: i16,
    /// Cells, each once, empty ones among them.
    pub cells: i64,
    /// Versions by id.
    pub versions: Vec<i64>,
    /// Their operating days, ascending.
    pub days: Vec<NaiveDate>,
    /// Series by id; of headroom the offers.
    pub series: Vec<i64>,
    /// Contract months, ascending; of a dated axis from its first month to its last.
    pub months: Vec<NaiveDate>,
    /// Whether 7x24 prices derived from blocks are shown.
    pub derived: bool,
}

/// The grants (rows of `package_grant`, in an array) resolved at an instant: rows of `entitlement`.
pub async fn resolve(
    connection: &mut PgConnection,
    grants: &Value,
    sources: &[i16],
    at: DateTime<Utc>,
) -> sqlx::Result<Value> {
    sqlx::query_scalar!(
        r#"select coalesce(jsonb_agg(to_jsonb(e) order by t.place, e.dataset_id), '[]') as "rows!"
           from jsonb_array_elements($1::jsonb) with ordinality as t (content, place)
           cross join lateral jsonb_populate_record(null::package_grant, t.content) as g
           cross join lateral resolve_grant(g, $2, $3) as e"#,
        grants,
        sources,
        at
    )
    .fetch_one(connection)
    .await
}

/// What `entitlements` show of `sources` up to the cut-off; sources without a cell are left out. Reads
/// in a transaction.
pub async fn seen(
    connection: &mut PgConnection,
    entitlements: &Value,
    sources: &[i16],
    known_at: DateTime<Utc>,
) -> sqlx::Result<Vec<Seen>> {
    let sources = granted(entitlements, sources);
    // How much grants let through cannot be estimated. Plans for little take minutes for much; joins by
    // hash take a second for either.
    sqlx::raw_sql(
        "set local enable_nestloop = off; set local enable_mergejoin = off; set local jit = off",
    )
    .execute(&mut *connection)
    .await?;
    let seen = sqlx::query_file_as!(
        Seen,
        "sql/queries/packages_seen.sql",
        entitlements,
        &sources,
        known_at
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::raw_sql(
        "set local enable_nestloop to default; set local enable_mergejoin to default;
         set local jit to default",
    )
    .execute(connection)
    .await?;
    Ok(seen)
}

/// The sources that any of `entitlements` is about: the curves of others need not be looked at.
fn granted(entitlements: &Value, sources: &[i16]) -> Vec<i16> {
    let rows = entitlements.as_array().map(Vec::as_slice).unwrap_or_default();
    let about = |source: i16| {
        rows.iter().any(|row| row["dataset_id"].as_i64().is_none_or(|id| id == i64::from(source)))
    };
    sources.iter().copied().filter(|&source| about(source)).collect()
}

/// The labels of series, in no particular order.
pub async fn names_of(
    connection: &mut PgConnection,
    series: &[i64],
) -> sqlx::Result<Vec<(i64, Labels)>> {
    let rows = sqlx::query!(
        "select id, control_area, state, load_zone, capacity_zone, utility, block_type, cost_group,
                cost_component
         from series where id = any($1)",
        series
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, labels!(row))).collect())
}
