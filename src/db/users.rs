//! Users and their passwords.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A row of `app_user`.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Row id.
    pub id: Uuid,
    /// Trimmed and case-folded.
    pub email: String,
    /// The word of the role.
    pub role: String,
    /// PHC string; none until a password is set.
    pub password_hash: Option<String>,
    /// Whether the password was chosen by somebody else.
    pub must_change_password: bool,
    /// Since when the user is shut out.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// The last time the password was given.
    pub last_login_at: Option<DateTime<Utc>>,
}

/// A user to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// Row id.
    pub id: Uuid,
    /// Trimmed and case-folded.
    pub email: &'a str,
    /// The word of the role.
    pub role: &'a str,
    /// PHC string.
    pub password_hash: &'a str,
    /// Whether the first thing to do is to change the password.
    pub must_change_password: bool,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// The advisory lock of the first administrator: two nodes that start together make one.
const FIRST_USER_LOCK: (i32, i32) = (7420, 1);

/// Waits for the lock, held until the transaction ends, and tells whether there is any user.
pub async fn lock_and_ask_for_any(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", FIRST_USER_LOCK.0, FIRST_USER_LOCK.1)
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar!(r#"select exists (select from app_user) as "any!""#)
        .fetch_one(connection)
        .await
}

/// Makes a user. False when the e-mail is taken.
pub async fn insert(connection: &mut PgConnection, user: NewUser<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into app_user (id, email, role, password_hash, must_change_password, created_at)
         values ($1, $2, $3::text::user_role, $4, $5, $6)
         on conflict on constraint app_user_email_key do nothing",
        user.id,
        user.email,
        user.role,
        user.password_hash,
        user.must_change_password,
        user.created_at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The user with this e-mail.
pub async fn by_email(pool: &PgPool, email: &str) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select id, email, role::text as "role!", password_hash, must_change_password,
                  disabled_at, created_at, last_login_at
           from app_user where email = $1"#,
        email,
    )
    .fetch_optional(pool)
    .await
}

/// Every user by e-mail.
pub async fn all(pool: &PgPool) -> sqlx::Result<Vec<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select id, email, role::text as "role!", password_hash, must_change_password,
                  disabled_at, created_at, last_login_at
           from app_user order by email"#,
    )
    .fetch_all(pool)
    .await
}

/// Notes a sign-in and, where the hash was made with weaker parameters, the stronger one.
pub async fn note_login(
    pool: &PgPool,
    id: Uuid,
    now: DateTime<Utc>,
    stronger_hash: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update app_user
         set last_login_at = $2, password_hash = coalesce($3, password_hash)
         where id = $1",
        id,
        now,
        stronger_hash,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Sets a password.
pub async fn set_password(
    connection: &mut PgConnection,
    id: Uuid,
    password_hash: &str,
    must_change: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update app_user set password_hash = $2, must_change_password = $3 where id = $1",
        id,
        password_hash,
        must_change,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What became of the wish to shut a user out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disabled {
    /// They are shut out.
    Done,
    /// They were the last enabled administrator and stay.
    LastAdministrator,
}

/// Shuts a user out, unless no enabled administrator would be left. The administrators' rows are
/// locked in one order, so two requests at once cannot each leave the other.
pub async fn disable(
    connection: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Disabled> {
    let admins = sqlx::query_scalar!(
        "select id from app_user
         where role = 'admin' and disabled_at is null
         order by id for update",
    )
    .fetch_all(&mut *connection)
    .await?;
    if admins == [id] {
        return Ok(Disabled::LastAdministrator);
    }
    sqlx::query!(
        "update app_user set disabled_at = coalesce(disabled_at, $2) where id = $1",
        id,
        now
    )
    .execute(connection)
    .await?;
    Ok(Disabled::Done)
}

/// Which of these users are shut out.
pub async fn shut_out(pool: &PgPool, users: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from app_user where id = any($1) and disabled_at is not null",
        users
    )
    .fetch_all(pool)
    .await
}

/// The enabled administrator who was made first.
pub async fn oldest_administrator(pool: &PgPool) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from app_user where role = 'admin' and disabled_at is null order by created_at, id limit 1"
    )
    .fetch_optional(pool)
    .await
}
