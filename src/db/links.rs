//! One-time links. The secret comes here as its SHA-256 only.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::Sha256;

/// A link, with what is known of its user at this moment.
#[derive(Debug, Clone)]
pub struct LinkRow {
    /// Row id.
    pub id: Uuid,
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The user's e-mail.
    pub email: String,
    /// `invite`, `reset` or `recover`.
    pub purpose: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it set a password.
    pub used_at: Option<DateTime<Utc>>,
    /// When something else took its force away.
    pub replaced_at: Option<DateTime<Utc>>,
    /// Whether the user is shut out.
    pub disabled: bool,
}

/// A link to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewLink<'a> {
    /// Row id.
    pub id: Uuid,
    /// SHA-256 of the secret.
    pub secret_sha256: Sha256,
    /// Whose.
    pub user_id: Uuid,
    /// `invite`, `reset` or `recover`.
    pub purpose: &'a str,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// The link with this digest, whatever became of it.
pub async fn find(pool: &PgPool, secret_sha256: &[u8]) -> sqlx::Result<Option<LinkRow>> {
    sqlx::query_as!(
        LinkRow,
        r#"select l.id, l.user_id, u.email, l.purpose, l.expires_at, l.used_at, l.replaced_at,
                  u.disabled_at is not null as "disabled!"
           from one_time_link l join app_user u on u.id = l.user_id
           where l.secret_sha256 = $1"#,
        secret_sha256,
    )
    .fetch_optional(pool)
    .await
}

/// Makes a link in place of the user's former one of the same purpose. The caller has the user's row
/// locked: two at once would stand in each other's way.
pub async fn replace(connection: &mut PgConnection, link: NewLink<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update one_time_link set replaced_at = $3
         where user_id = $1 and purpose = $2 and used_at is null and replaced_at is null",
        link.user_id,
        link.purpose,
        link.created_at,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into one_time_link (id, secret_sha256, user_id, purpose, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        link.id,
        link.secret_sha256.as_bytes().as_slice(),
        link.user_id,
        link.purpose,
        link.created_at,
        link.expires_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Uses a link up, if it is in force and its user is not shut out. Of several requests at once one
/// is told true.
pub async fn consume(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update one_time_link l set used_at = $2
         from app_user u
         where l.id = $1 and l.used_at is null and l.replaced_at is null and l.expires_at > $2
           and u.id = l.user_id and u.disabled_at is null",
        id,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the force from every open link of a user.
pub async fn end_all(
    connection: &mut PgConnection,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update one_time_link set replaced_at = $2
         where user_id = $1 and used_at is null and replaced_at is null",
        user_id,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the user has an open link of this purpose that was made after `since`.
pub async fn has_one_since(
    connection: &mut PgConnection,
    user_id: Uuid,
    purpose: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from one_time_link
               where user_id = $1 and purpose = $2 and created_at > $3
                 and used_at is null and replaced_at is null) as "any!""#,
        user_id,
        purpose,
        since,
    )
    .fetch_one(connection)
    .await
}

/// Whether a link of this purpose was ever made for the user, as far as is remembered.
pub async fn was_made(
    connection: &mut PgConnection,
    user_id: Uuid,
    purpose: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from one_time_link where user_id = $1 and purpose = $2) as "any!""#,
        user_id,
        purpose,
    )
    .fetch_one(connection)
    .await
}

/// Forgets links that expired before `before`.
pub async fn sweep(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from one_time_link where expires_at < $1", before)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}
