//! Views that users keep under a name.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

/// A saved view, as one of its readers sees it.
#[derive(Debug, Clone)]
pub struct SavedView {
    /// Row id.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// The query of its address.
    pub query: String,
    /// Whether others may open it.
    pub shared: bool,
    /// Whether it is the reader's own.
    pub own: bool,
    /// The owner's e-mail.
    pub email: String,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
}

/// The reader's own views and those that others share, by name; their own first.
pub async fn visible(pool: &PgPool, reader: Uuid, limit: i64) -> sqlx::Result<Vec<SavedView>> {
    sqlx::query_as!(
        SavedView,
        r#"select v.id, v.name, v.query, v.shared, v.owner = $1 as "own!", u.email, v.created_at
           from saved_view v join app_user u on u.id = v.owner
           where v.owner = $1 or v.shared
           order by v.owner = $1 desc, lower(v.name), v.id
           limit $2"#,
        reader,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The query of a view that is the reader's own or shared.
pub async fn query_of(pool: &PgPool, reader: Uuid, id: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select query from saved_view where id = $2 and (owner = $1 or shared)",
        reader,
        id
    )
    .fetch_optional(pool)
    .await
}

/// Keeps a view; `false` where the owner has one of that name, or has `most` already.
pub async fn insert(
    pool: &PgPool,
    (id, owner): (Uuid, Uuid),
    name: &str,
    query: &str,
    now: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into saved_view (id, owner, name, query, created_at)
         select $1, $2, $3, $4, $5
         where (select count(*) from saved_view where owner = $2) < $6
         on conflict (owner, name) do nothing",
        id,
        owner,
        name,
        query,
        now,
        most
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether this is a view of somebody else.
pub async fn is_of_another(pool: &PgPool, user_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from saved_view where id = $2 and owner <> $1) as "is!""#,
        user_id,
        id
    )
    .fetch_one(pool)
    .await
}

/// What became of a change to a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// The user has no such view.
    NotFound,
    /// The user has another of that name.
    NameTaken,
}

impl From<u64> for Changed {
    fn from(rows: u64) -> Self {
        if rows == 0 { Self::NotFound } else { Self::Done }
    }
}

/// Gives a view of `owner` another name.
pub async fn rename(pool: &PgPool, owner: Uuid, id: Uuid, name: &str) -> sqlx::Result<Changed> {
    let done = sqlx::query!(
        "update saved_view set name = $3 where owner = $1 and id = $2",
        owner,
        id,
        name
    )
    .execute(pool)
    .await;
    let taken = |error: &sqlx::Error| {
        let constraint = error.as_database_error().and_then(|error| error.constraint());
        constraint == Some("saved_view_owner_name_key")
    };
    match done {
        Err(error) if taken(&error) => Ok(Changed::NameTaken),
        done => Ok(done?.rows_affected().into()),
    }
}

/// Lets others open a view of `owner`, or no longer.
pub async fn share(pool: &PgPool, owner: Uuid, id: Uuid, shared: bool) -> sqlx::Result<Changed> {
    let done = sqlx::query!(
        "update saved_view set shared = $3 where owner = $1 and id = $2",
        owner,
        id,
        shared
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected().into())
}

/// Forgets a view of `owner`.
pub async fn delete(pool: &PgPool, owner: Uuid, id: Uuid) -> sqlx::Result<Changed> {
    let done = sqlx::query!("delete from saved_view where owner = $1 and id = $2", owner, id)
        .execute(pool)
        .await?;
    Ok(done.rows_affected().into())
}
