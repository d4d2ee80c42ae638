//! Labels that grants name, against those that series have.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::domain::grant::GrantLabel;

/// The label at a place from 1 on.
fn label(place: i32) -> GrantLabel {
    let place = usize::try_from(place - 1).unwrap_or_default();
    GrantLabel::ALL.get(place).copied().unwrap_or(GrantLabel::SubComponent)
}

/// The values that can be chosen for each label of a grant, given its choices for the labels before;
/// at most `most` of each, ascending. A grant without curves is about every one.
pub async fn choices(
    pool: &PgPool,
    grant: &Value,
    most: i64,
) -> sqlx::Result<Vec<(GrantLabel, String)>> {
    let rows =
        sqlx::query_file!("sql/queries/packages_choices.sql", grant, most).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (label(row.place), row.value)).collect())
}

/// A label of a grant that no series of what the grant is about has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLabel {
    /// The grant, from 1 on.
    pub grant: i32,
    /// Which label.
    pub member: GrantLabel,
    /// Its value.
    pub label: String,
}

/// The labels of `grants`, rows of `package_grant`, that no series has.
pub async fn unknown_labels(
    connection: &mut PgConnection,
    grants: &Value,
) -> sqlx::Result<Vec<UnknownLabel>> {
    let rows = sqlx::query_file!("sql/queries/packages_unknown_labels.sql", grants)
        .fetch_all(connection)
        .await?;
    let unknown = rows.into_iter().map(|row| UnknownLabel {
        grant: row.place,
        member: label(row.member),
        label: row.label,
    });
    Ok(unknown.collect())
}
