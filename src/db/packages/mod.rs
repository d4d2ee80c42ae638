//! Packages: grants under a name, and who holds them.

mod attachments;
mod choices;
mod seen;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

pub use attachments::{
    Attached, Attachment, Expired, UserRow, attach, attachments_of, copy, detach, expire, holders,
    user, user_of_email,
};
pub use choices::{UnknownLabel, choices, unknown_labels};
pub use seen::{Seen, names_of, resolve, seen};

/// A row of `package` with its grants.
#[derive(Debug, Clone)]
pub struct PackageRow {
    /// Row id.
    pub id: Uuid,
    /// What it is called, unique.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// Whether it is what new users of role `read_write` receive.
    pub builtin: bool,
    /// Raised by every change.
    pub revision: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub changed_at: DateTime<Utc>,
    /// Its grants in their order: an array of [`crate::domain::grant::GrantFields`].
    pub grants: Value,
    /// How many users have it, in force or not.
    pub holders: i64,
    /// How many of them lose it until the instant that was asked for.
    pub expiring: i64,
    /// When the next of them loses it.
    pub next_expiry: Option<DateTime<Utc>>,
}

/// Which packages are listed.
#[derive(Debug, Clone, Copy)]
pub struct PackageList {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// Until when attachments count as expiring.
    pub until: DateTime<Utc>,
    /// Only packages that somebody loses until then.
    pub only_expiring: bool,
    /// Only those with a lower id: the page after.
    pub before: Option<Uuid>,
    /// Only this one.
    pub id: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// Packages by id, newest first.
pub async fn list(
    connection: &mut PgConnection,
    list: PackageList,
) -> sqlx::Result<Vec<PackageRow>> {
    sqlx::query_file_as!(
        PackageRow,
        "sql/queries/packages_list.sql",
        list.now,
        list.until,
        list.only_expiring,
        list.before,
        list.id,
        list.limit
    )
    .fetch_all(connection)
    .await
}

/// Locks a package until the transaction ends; tells its revision.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!("select revision from package where id = $1 for update", id)
        .fetch_optional(connection)
        .await
}

/// What a package consists of.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// Unique.
    pub name: &'a str,
    /// What it is for.
    pub note: &'a str,
    /// An array of [`crate::domain::grant::GrantFields`].
    pub grants: &'a Value,
}

/// Why a package was not stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another one has the name.
    #[error("another package has this name")]
    NameTaken,
    /// The database did not do it.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let constraint = error.as_database_error().and_then(|error| error.constraint());
        if constraint == Some("package_name_key") { Self::NameTaken } else { Self::Database(error) }
    }
}

/// Stores a new package with its grants.
pub async fn insert(
    connection: &mut PgConnection,
    id: Uuid,
    content: Content<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into package (id, name, note, created_at, changed_at) values ($1, $2, $3, $4, $4)",
        id,
        content.name,
        content.note,
        now
    )
    .execute(&mut *connection)
    .await?;
    Ok(insert_grants(connection, id, content.grants).await?)
}

/// Puts other content in the place of all that a package was.
pub async fn replace(
    connection: &mut PgConnection,
    id: Uuid,
    content: Content<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update package set name = $2, note = $3, changed_at = $4, revision = revision + 1
         where id = $1",
        id,
        content.name,
        content.note,
        now
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from package_grant where package_id = $1", id)
        .execute(&mut *connection)
        .await?;
    Ok(insert_grants(connection, id, content.grants).await?)
}

async fn insert_grants(
    connection: &mut PgConnection,
    id: Uuid,
    grants: &Value,
) -> sqlx::Result<()> {
    sqlx::query_file!("sql/queries/packages_insert_grants.sql", id, grants)
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes a package; its holders lose it.
pub async fn delete(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from package where id = $1", id).execute(connection).await?;
    Ok(())
}

/// Id and name of every package, by name.
pub async fn names(pool: &PgPool) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows =
        sqlx::query!("select id, name from package order by lower(name), id").fetch_all(pool);
    Ok(rows.await?.into_iter().map(|row| (row.id, row.name)).collect())
}
