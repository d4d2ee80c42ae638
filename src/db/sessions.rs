//! Sessions of browsers. The secret of the cookie comes here as its SHA-256 only.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::domain::Sha256;

/// A session that is in force, with what is known of its user at this moment.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// Row id; not the secret.
    pub id: Uuid,
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The user's e-mail.
    pub email: String,
    /// The word of the user's role.
    pub role: String,
    /// Whether the password was chosen by somebody else.
    pub must_change_password: bool,
    /// Whether the user's role is another than when the session got its secret.
    pub role_changed: bool,
    /// To the minute.
    pub last_seen_at: DateTime<Utc>,
    /// While the site is closed to browsers: the message of its switch.
    pub shut: Option<String>,
}

/// A session as its user sees it in a list.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Row id.
    pub id: Uuid,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// To the minute.
    pub last_seen_at: DateTime<Utc>,
    /// Where from.
    pub address: Option<String>,
    /// What the browser says it is.
    pub user_agent: Option<String>,
}

/// A session to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Row id.
    pub id: Uuid,
    /// SHA-256 of the cookie's secret.
    pub secret_sha256: Sha256,
    /// Whose.
    pub user_id: Uuid,
    /// Now.
    pub now: DateTime<Utc>,
    /// Where from.
    pub address: Option<&'a str>,
    /// What the browser says it is.
    pub user_agent: Option<&'a str>,
}

/// The instants after which a session must have been seen and made to be in force.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// Seen after this.
    pub seen: DateTime<Utc>,
    /// Made after this.
    pub created: DateTime<Utc>,
}

/// The session with this secret, if it is in force and its user is not shut out.
pub async fn live(
    pool: &PgPool,
    secret_sha256: &[u8],
    since: Since,
) -> sqlx::Result<Option<LiveSession>> {
    sqlx::query_as!(
        LiveSession,
        r#"select s.id, s.user_id, u.email, u.role::text as "role!", u.must_change_password,
                  s.role <> u.role as "role_changed!", s.last_seen_at,
                  case when not w.ui_open then w.ui_message end as shut
           from user_session s join app_user u on u.id = s.user_id cross join site w
           where s.secret_sha256 = $1 and s.last_seen_at > $2 and s.created_at > $3
             and u.disabled_at is null"#,
        secret_sha256,
        since.seen,
        since.created,
    )
    .fetch_optional(pool)
    .await
}

/// Makes a session, for the role that its user has now.
pub async fn insert(db: impl PgExecutor<'_>, session: NewSession<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into user_session
             (id, secret_sha256, user_id, role, created_at, last_seen_at, address, user_agent)
         select $1, $2, id, role, $4, $4, $5, $6 from app_user where id = $3",
        session.id,
        session.secret_sha256.as_bytes().as_slice(),
        session.user_id,
        session.now,
        session.address,
        session.user_agent,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the secret of a session away because its user's role has changed; `placeholder` takes its
/// place until [`renew`]. Of several requests at once one is told true: it gives the session its new
/// secret, and the former one is dead for the others.
pub async fn retire(
    pool: &PgPool,
    id: Uuid,
    secret_sha256: &[u8],
    placeholder: &[u8],
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update user_session s set secret_sha256 = $3, role = u.role
         from app_user u
         where s.id = $1 and s.secret_sha256 = $2 and u.id = s.user_id and s.role <> u.role",
        id,
        secret_sha256,
        placeholder,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a retired session its new secret; does nothing where it was ended in the meantime.
pub async fn renew(pool: &PgPool, id: Uuid, secret_sha256: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("update user_session set secret_sha256 = $2 where id = $1", id, secret_sha256)
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes that a session was used.
pub async fn touch(pool: &PgPool, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update user_session set last_seen_at = $2 where id = $1", id, now)
        .execute(pool)
        .await?;
    Ok(())
}

/// Ends the session with this secret.
pub async fn delete_by_secret(pool: &PgPool, secret_sha256: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from user_session where secret_sha256 = $1", secret_sha256)
        .execute(pool)
        .await?;
    Ok(())
}

/// Ends one session of a user. False when the user has no such session.
pub async fn delete(db: impl PgExecutor<'_>, user_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from user_session where user_id = $1 and id = $2", user_id, id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether this is a session of somebody else.
pub async fn is_of_another(pool: &PgPool, user_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from user_session where id = $2 and user_id <> $1) as "is!""#,
        user_id,
        id
    )
    .fetch_one(pool)
    .await
}

/// Ends every session of a user; tells how many.
pub async fn delete_all(connection: &mut PgConnection, user_id: Uuid) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from user_session where user_id = $1", user_id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// A page of the sessions in force of a user, newest first, from before the id `before`.
pub async fn of_user(
    pool: &PgPool,
    user_id: Uuid,
    since: Since,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<SessionRow>> {
    sqlx::query_as!(
        SessionRow,
        "select id, created_at, last_seen_at, address, user_agent
         from user_session
         where user_id = $1 and last_seen_at > $2 and created_at > $3
           and ($4::uuid is null or id < $4)
         order by id desc limit $5",
        user_id,
        since.seen,
        since.created,
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// Forgets the sessions that are no longer in force.
pub async fn sweep(pool: &PgPool, since: Since) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from user_session where last_seen_at <= $1 or created_at <= $2",
        since.seen,
        since.created,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
