//! Tokens of scripts. The token itself comes here as its SHA-256 only.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::domain::Sha256;

/// A token that is in force, with what is known of its owner at this moment.
#[derive(Debug, Clone)]
pub struct LiveToken {
    /// Row id.
    pub id: Uuid,
    /// The first characters of the token.
    pub prefix: String,
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The owner's e-mail.
    pub email: String,
    /// The word of the owner's role.
    pub role: String,
    /// Whether the owner's password was chosen by somebody else.
    pub must_change_password: bool,
    /// The words of its scopes.
    pub scopes: Vec<String>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// While the API is closed: the message of its switch.
    pub shut: Option<String>,
}

/// A token as its owner sees it in a list.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// Row id.
    pub id: Uuid,
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

/// A token to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// Row id.
    pub id: Uuid,
    /// SHA-256 of the token.
    pub secret_sha256: Sha256,
    /// The first characters of the token.
    pub prefix: &'a str,
    /// `api` or `login`.
    pub kind: &'a str,
    /// Whose.
    pub user_id: Uuid,
    /// What the owner calls it.
    pub name: &'a str,
    /// The words of its scopes.
    pub scopes: &'a [String],
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// The token with this digest, if it is in force and its owner is not shut out.
pub async fn live(
    pool: &PgPool,
    secret_sha256: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<LiveToken>> {
    sqlx::query_as!(
        LiveToken,
        r#"select t.id, t.prefix, t.user_id, u.email, u.role::text as "role!", u.must_change_password,
                  t.scopes::text[] as "scopes!", t.last_used_at,
                  case when not w.api_open then w.api_message end as shut
           from user_token t join app_user u on u.id = t.user_id cross join site w
           where t.secret_sha256 = $1 and t.revoked_at is null and t.expires_at > $2
             and u.disabled_at is null"#,
        secret_sha256,
        now,
    )
    .fetch_optional(pool)
    .await
}

/// A token that is in force no more.
#[derive(Debug, Clone)]
pub struct DeadToken {
    /// Row id.
    pub id: Uuid,
    /// The first characters of the token.
    pub prefix: String,
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The owner's e-mail.
    pub email: String,
    /// Whether it was revoked; else it is expired, or its owner is shut out.
    pub revoked: bool,
    /// Whether its owner is shut out.
    pub disabled: bool,
}

/// The token with this digest, where it was one and is not in force.
pub async fn dead(
    pool: &PgPool,
    secret_sha256: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<DeadToken>> {
    sqlx::query_as!(
        DeadToken,
        r#"select t.id, t.prefix, t.user_id, u.email, t.revoked_at is not null as "revoked!",
                  u.disabled_at is not null as "disabled!"
           from user_token t join app_user u on u.id = t.user_id
           where t.secret_sha256 = $1
             and (t.revoked_at is not null or t.expires_at <= $2 or u.disabled_at is not null)"#,
        secret_sha256,
        now,
    )
    .fetch_optional(pool)
    .await
}

/// Makes a token.
pub async fn insert(db: impl PgExecutor<'_>, token: NewToken<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into user_token
             (id, secret_sha256, prefix, kind, user_id, name, scopes, created_at, expires_at)
         values ($1, $2, $3, $4::text::token_kind, $5, $6, $7::text[]::token_scope[], $8, $9)",
        token.id,
        token.secret_sha256.as_bytes().as_slice(),
        token.prefix,
        token.kind,
        token.user_id,
        token.name,
        token.scopes,
        token.created_at,
        token.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a token was used for the first time; false where somebody was quicker.
pub async fn touch_first(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update user_token set last_used_at = $2 where id = $1 and last_used_at is null",
        id,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a token was used.
pub async fn touch(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update user_token set last_used_at = $2 where id = $1", id, now)
        .execute(pool)
        .await?;
    Ok(())
}

/// A page of the tokens in force of a user, newest first, from before the id `before`.
pub async fn of_user(
    pool: &PgPool,
    user_id: Uuid,
    now: DateTime<Utc>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<TokenRow>> {
    sqlx::query_as!(
        TokenRow,
        r#"select id, kind::text as "kind!", name, prefix, scopes::text[] as "scopes!", created_at,
                  expires_at, last_used_at
           from user_token
           where user_id = $1 and revoked_at is null and expires_at > $2
             and ($3::uuid is null or id < $3)
           order by id desc limit $4"#,
        user_id,
        now,
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// Ends one token of a user; tells its prefix. None when the user has no such token in force.
pub async fn revoke(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "update user_token set revoked_at = $3
         where user_id = $1 and id = $2 and revoked_at is null and expires_at > $3
         returning prefix",
        user_id,
        id,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Whether this is a token of somebody else.
pub async fn is_of_another(pool: &PgPool, user_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from user_token where id = $2 and user_id <> $1) as "is!""#,
        user_id,
        id
    )
    .fetch_one(pool)
    .await
}

/// Ends a token that `POST /login` made. False when it is none, or is no longer in force.
pub async fn revoke_login(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update user_token set revoked_at = $3
         where user_id = $1 and id = $2 and kind = 'login' and revoked_at is null
           and expires_at > $3",
        user_id,
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Which of a user's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that POST /login made.
    Login,
    /// Every one.
    All,
}

/// Ends tokens of a user; tells how many.
pub async fn revoke_all(
    connection: &mut PgConnection,
    user_id: Uuid,
    which: Which,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update user_token set revoked_at = $3
         where user_id = $1 and revoked_at is null and ($2 or kind = 'login')",
        user_id,
        which == Which::All,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets the login tokens that ended before `before`; API tokens are kept for their history.
pub async fn sweep(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from user_token where kind = 'login' and (expires_at < $1 or revoked_at < $1)",
        before,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
