//! Who holds which package, and until when.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A user as the pages and calls about packages show them.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Row of `app_user`.
    pub id: Uuid,
    /// Sign-in name.
    pub email: String,
    /// The word of the role.
    pub role: String,
    /// Since when they are shut out.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// The user with this id.
pub async fn user(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select id, email, role::text as "role!", disabled_at from app_user where id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// The user with this e-mail, trimmed and case-folded.
pub async fn user_of_email(pool: &PgPool, email: &str) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as!(
        UserRow,
        r#"select id, email, role::text as "role!", disabled_at from app_user where email = $1"#,
        email
    )
    .fetch_optional(pool)
    .await
}

/// A user and a package that they hold.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// Sign-in name.
    pub email: String,
    /// Row of `package`.
    pub package_id: Uuid,
    /// Its name.
    pub name: String,
    /// In force from then; none: always.
    pub starts_at: Option<DateTime<Utc>>,
    /// In force until then, exclusive; none: for good.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it was attached.
    pub attached_at: DateTime<Utc>,
}

/// The packages of a user, by name.
pub async fn attachments_of(
    connection: &mut PgConnection,
    user: Uuid,
) -> sqlx::Result<Vec<Attachment>> {
    sqlx::query_as!(
        Attachment,
        "select u.id as user_id, u.email, p.id as package_id, p.name, a.starts_at, a.ends_at, a.attached_at
         from user_package a
         join app_user u on u.id = a.user_id
         join package p on p.id = a.package_id
         where a.user_id = $1
         order by lower(p.name), p.id",
        user
    )
    .fetch_all(connection)
    .await
}

/// The holders of a package by user id, newest first, below `before`.
pub async fn holders(
    connection: &mut PgConnection,
    package: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Attachment>> {
    sqlx::query_as!(
        Attachment,
        "select u.id as user_id, u.email, p.id as package_id, p.name, a.starts_at, a.ends_at, a.attached_at
         from user_package a
         join app_user u on u.id = a.user_id
         join package p on p.id = a.package_id
         where a.package_id = $1 and ($2::uuid is null or a.user_id < $2)
         order by a.user_id desc
         limit $3",
        package,
        before,
        limit
    )
    .fetch_all(connection)
    .await
}

/// A package to be held by a user.
#[derive(Debug, Clone, Copy)]
pub struct Attached {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// Row of `package`.
    pub package_id: Uuid,
    /// In force from then; none: always.
    pub starts_at: Option<DateTime<Utc>>,
    /// In force until then, exclusive and after `starts_at`; none: for good.
    pub ends_at: Option<DateTime<Utc>>,
}

/// Attaches a package, or gives one that is attached other dates. False where there is no such user or
/// package.
pub async fn attach(
    connection: &mut PgConnection,
    wanted: Attached,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into user_package (user_id, package_id, starts_at, ends_at, attached_at)
         select u.id, p.id, $3, $4, $5
         from app_user u, package p
         where u.id = $1 and p.id = $2
         on conflict (user_id, package_id) do update
             set starts_at = excluded.starts_at, ends_at = excluded.ends_at, expiry_told_at = null",
        wanted.user_id,
        wanted.package_id,
        wanted.starts_at,
        wanted.ends_at,
        now
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a package from a user. False where they do not hold it.
pub async fn detach(
    connection: &mut PgConnection,
    user: Uuid,
    package: Uuid,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from user_package where user_id = $1 and package_id = $2",
        user,
        package
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives `to` what `from` holds and has not lost, with its dates; what `to` holds already stays as it
/// is. Tells what was attached.
pub async fn copy(
    connection: &mut PgConnection,
    from: Uuid,
    to: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Attached>> {
    sqlx::query_as!(
        Attached,
        "insert into user_package (user_id, package_id, starts_at, ends_at, attached_at)
         select $2, package_id, starts_at, ends_at, $3
         from user_package
         where user_id = $1 and coalesce(ends_at > $3, true)
         on conflict (user_id, package_id) do nothing
         returning user_id, package_id, starts_at, ends_at",
        from,
        to,
        now
    )
    .fetch_all(connection)
    .await
}

/// An attachment that ran out.
#[derive(Debug, Clone)]
pub struct Expired {
    /// Whose.
    pub user_id: Uuid,
    /// Their sign-in name.
    pub email: String,
    /// What.
    pub package_id: Uuid,
    /// Its name.
    pub name: String,
    /// When.
    pub ends_at: DateTime<Utc>,
}

/// Marks the attachments that ran out until `now`, each once, whichever server asks.
pub async fn expire(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Expired>> {
    sqlx::query_as!(
        Expired,
        r#"update user_package a set expiry_told_at = $1
           from app_user u, package p
           where u.id = a.user_id and p.id = a.package_id
             and a.ends_at <= $1 and a.expiry_told_at is null
           returning a.user_id, u.email, a.package_id, p.name, a.ends_at as "ends_at!""#,
        now
    )
    .fetch_all(connection)
    .await
}
