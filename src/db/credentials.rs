//! Everybody's tokens and sessions, as administrators see them. Those of one user are in
//! [`super::tokens`] and [`super::sessions`].

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::sessions::Since;

/// A token in force, with its owner.
#[derive(Debug, Clone)]
pub struct OwnedToken {
    /// Row id.
    pub id: Uuid,
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The owner's e-mail.
    pub owner: String,
    /// Whether the owner is shut out, and the token with them.
    pub inert: bool,
    /// `api` or `login`.
    pub kind: String,
    /// What the owner calls it.
    pub name: String,
    /// The first characters of the token.
    pub prefix: String,
    /// The words of its scopes.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A session in force, with whose it is.
#[derive(Debug, Clone)]
pub struct OwnedSession {
    /// Row id.
    pub id: Uuid,
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The user's e-mail.
    pub owner: String,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// To the minute.
    pub last_seen_at: DateTime<Utc>,
    /// Where from.
    pub address: Option<String>,
    /// What the browser says it is.
    pub user_agent: Option<String>,
}

/// Which page of which owners.
#[derive(Debug, Clone, Default)]
pub struct OwnerPage {
    /// In the owner's e-mail, without case.
    pub owner: Option<String>,
    /// Older than this id.
    pub before: Option<Uuid>,
    /// At the most.
    pub limit: i64,
}

/// A credential that was ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The owner's e-mail.
    pub owner: String,
    /// By which it is known again.
    pub prefix: String,
}

/// The tokens in force, newest first.
pub async fn tokens(
    pool: &PgPool,
    page: &OwnerPage,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<OwnedToken>> {
    sqlx::query_as!(
        OwnedToken,
        r#"select t.id, t.user_id, u.email as owner, u.disabled_at is not null as "inert!",
                  t.kind::text as "kind!", t.name, t.prefix, t.scopes::text[] as "scopes!", t.created_at,
                  t.expires_at, t.last_used_at
           from user_token t join app_user u on u.id = t.user_id
           where t.revoked_at is null and t.expires_at > $1
             and ($2::text is null or strpos(u.email, lower($2)) > 0)
             and ($3::uuid is null or t.id < $3)
           order by t.id desc limit $4"#,
        now,
        page.owner,
        page.before,
        page.limit
    )
    .fetch_all(pool)
    .await
}

/// The sessions in force, newest first.
pub async fn sessions(
    pool: &PgPool,
    page: &OwnerPage,
    since: Since,
) -> sqlx::Result<Vec<OwnedSession>> {
    sqlx::query_as!(
        OwnedSession,
        r#"select s.id, s.user_id, u.email as owner, s.created_at, s.last_seen_at, s.address, s.user_agent
           from user_session s join app_user u on u.id = s.user_id
           where s.last_seen_at > $1 and s.created_at > $2 and u.disabled_at is null
             and ($3::text is null or strpos(u.email, lower($3)) > 0)
             and ($4::uuid is null or s.id < $4)
           order by s.id desc limit $5"#,
        since.seen,
        since.created,
        page.owner,
        page.before,
        page.limit
    )
    .fetch_all(pool)
    .await
}

/// Ends a token that is in force, whoever's.
pub async fn revoke_token(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Ended>> {
    sqlx::query_as!(
        Ended,
        "update user_token t set revoked_at = $2
         from app_user u
         where t.id = $1 and u.id = t.user_id and t.revoked_at is null and t.expires_at > $2
         returning t.user_id, u.email as owner, t.prefix",
        id,
        now
    )
    .fetch_optional(connection)
    .await
}

/// Ends a session, whoever's.
pub async fn end_session(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Ended>> {
    sqlx::query_as!(
        Ended,
        r#"delete from user_session s
           using app_user u
           where s.id = $1 and u.id = s.user_id
           returning s.user_id, u.email as owner, left(s.id::text, 8) as "prefix!""#,
        id
    )
    .fetch_optional(connection)
    .await
}
