//! Users and their passwords.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};
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
    /// When their personal data were erased.
    pub erased_at: Option<DateTime<Utc>>,
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
    /// PHC string; none until a link sets it.
    pub password_hash: Option<&'a str>,
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
pub async fn by_email(executor: impl PgExecutor<'_>, email: &str) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select id, email, role::text as "role!", password_hash, must_change_password,
                  disabled_at, erased_at, created_at, last_login_at
           from app_user where email = $1"#,
        email,
    )
    .fetch_optional(executor)
    .await
}

/// Every user by e-mail.
pub async fn all(pool: &PgPool) -> sqlx::Result<Vec<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select id, email, role::text as "role!", password_hash, must_change_password,
                  disabled_at, erased_at, created_at, last_login_at
           from app_user order by email"#,
    )
    .fetch_all(pool)
    .await
}

/// Notes a sign-in and, where the hash was made with weaker parameters, the stronger one. False when
/// the password was taken away or replaced, or the user shut out, while it was looked at.
pub async fn note_login(
    pool: &PgPool,
    user: &UserRow,
    now: DateTime<Utc>,
    stronger_hash: Option<&str>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update app_user
         set last_login_at = $2, password_hash = coalesce($3, password_hash)
         where id = $1 and password_hash = $4 and disabled_at is null",
        user.id,
        now,
        stronger_hash,
        user.password_hash,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
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

/// The ids of the enabled administrators, whose rows stay locked until the transaction ends. Whoever
/// changes a role or a status asks for this first: the rows are locked in one order, so that two
/// requests at once cannot each take the other away, nor wait for each other in a circle.
pub async fn lock_administrators(connection: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from app_user
         where role = 'admin' and disabled_at is null
         order by id for update",
    )
    .fetch_all(connection)
    .await
}

/// The user with this id, whose row stays locked until the transaction ends.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select id, email, role::text as "role!", password_hash, must_change_password,
                  disabled_at, erased_at, created_at, last_login_at
           from app_user where id = $1 for update"#,
        id,
    )
    .fetch_optional(connection)
    .await
}

/// Whether there is such a user who is not shut out.
pub async fn is_enabled(pool: &PgPool, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from app_user where id = $1 and disabled_at is null) as "is!""#,
        id
    )
    .fetch_one(pool)
    .await
}

/// Gives a user another role.
pub async fn set_role(connection: &mut PgConnection, id: Uuid, role: &str) -> sqlx::Result<()> {
    sqlx::query!("update app_user set role = $2::text::user_role where id = $1", id, role)
        .execute(connection)
        .await?;
    Ok(())
}

/// Shuts a user out from an instant on, or lets them in again.
pub async fn set_disabled_at(
    connection: &mut PgConnection,
    id: Uuid,
    disabled_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!("update app_user set disabled_at = $2 where id = $1", id, disabled_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes the password away: only a link leads to a new one.
pub async fn forget_password(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update app_user set password_hash = null, must_change_password = false where id = $1",
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts `email`, which says nothing of the person, in the place of the user's, and takes away what
/// they called their tokens and what they held. The row and its id stay.
pub async fn erase(
    connection: &mut PgConnection,
    id: Uuid,
    email: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update app_user set email = $2, password_hash = null, erased_at = $3 where id = $1",
        id,
        email,
        now
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("update user_token set name = 'erased' where user_id = $1", id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from user_package where user_id = $1", id).execute(connection).await?;
    Ok(())
}

/// Gives a new user the built-in package; tells which it is, if there is still one.
pub async fn attach_builtin(
    connection: &mut PgConnection,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "insert into user_package (user_id, package_id, attached_at)
         select $1, id, $2 from package where builtin
         on conflict do nothing
         returning package_id",
        user_id,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// Which users a list has.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// A part of the e-mail, in lower case.
    pub part: Option<String>,
    /// The word of a role.
    pub role: Option<&'static str>,
    /// `enabled`, `disabled` or `erased`.
    pub status: Option<&'static str>,
}

/// A user as administrators see them in a list.
#[derive(Debug, Clone)]
pub struct ListedUser {
    /// Row id.
    pub id: Uuid,
    /// Trimmed and case-folded.
    pub email: String,
    /// The word of the role.
    pub role: String,
    /// `enabled`, `disabled` or `erased`.
    pub status: String,
    /// Whether the user has a password; without one they wait for a link.
    pub has_password: bool,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// The last time the password was given.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Packages that have not run out.
    pub packages: i64,
}

/// A page of users, newest first, from before the id `before`.
pub async fn list(
    pool: &PgPool,
    filter: &UserFilter,
    before: Option<Uuid>,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<ListedUser>> {
    let UserFilter { part, role, status } = filter;
    let part = part.as_deref();
    let (one, role, status) = (None::<Uuid>, *role, *status);
    sqlx::query_file_as!(
        ListedUser,
        "sql/queries/list_users.sql",
        part,
        role,
        status,
        before,
        limit,
        now,
        one
    )
    .fetch_all(pool)
    .await
}

/// One user, as in the list.
pub async fn listed(
    pool: &PgPool,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<ListedUser>> {
    let (text, before) = (None::<&str>, None::<Uuid>);
    sqlx::query_file_as!(
        ListedUser,
        "sql/queries/list_users.sql",
        text,
        text,
        text,
        before,
        1_i64,
        now,
        id
    )
    .fetch_optional(pool)
    .await
}

/// The word of a user's role.
pub async fn role_of(pool: &PgPool, id: Uuid) -> sqlx::Result<String> {
    sqlx::query_scalar!(r#"select role::text as "role!" from app_user where id = $1"#, id)
        .fetch_one(pool)
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
