//! Login roles of PostgreSQL for BI tools, and their connections. What needs the right to make roles,
//! or to end other connections, are functions that belong to the owner of the schema.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Advisory lock: who watches the connections at a moment.
const WATCH_LOCK: i32 = 7426;

/// What the login role of a user is called.
#[must_use]
pub fn name_of(user: Uuid) -> String {
    format!("bi_{}", user.simple())
}

/// A login role.
#[derive(Debug, Clone)]
pub struct RoleRow {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The user's sign-in name.
    pub email: String,
    /// In PostgreSQL.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its password was made.
    pub rotated_at: DateTime<Utc>,
    /// When a connection of it was last seen to begin.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Since when an administrator keeps it from logging in.
    pub locked_at: Option<DateTime<Utc>>,
    /// Whether its user is shut out.
    pub is_disabled: bool,
}

/// The login roles, by their users' ids, newest first.
pub async fn roles(pool: &PgPool, before: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<RoleRow>> {
    sqlx::query_as!(
        RoleRow,
        r#"select r.user_id, u.email, r.name, r.created_at, r.rotated_at, r.last_login_at, r.locked_at,
                  u.disabled_at is not null as "is_disabled!"
           from bi_role r join app_user u on u.id = r.user_id
           where $1::uuid is null or r.user_id < $1
           order by r.user_id desc
           limit $2"#,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The login role of a user.
pub async fn role_of(pool: &PgPool, user: Uuid) -> sqlx::Result<Option<RoleRow>> {
    sqlx::query_as!(
        RoleRow,
        r#"select r.user_id, u.email, r.name, r.created_at, r.rotated_at, r.last_login_at, r.locked_at,
                  u.disabled_at is not null as "is_disabled!"
           from bi_role r join app_user u on u.id = r.user_id
           where r.user_id = $1"#,
        user
    )
    .fetch_optional(pool)
    .await
}

/// Makes the role of a user, or gives it another password; tells whether it is new.
pub async fn make_role(
    connection: &mut PgConnection,
    user: Uuid,
    verifier: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select bi_make_role($1, $2, $3) as "is_new!""#, user, verifier, now)
        .fetch_one(connection)
        .await
}

/// Removes the role of a user; `false` where there was none.
pub async fn drop_role(connection: &mut PgConnection, user: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select bi_drop_role($1) as "was_there!""#, user)
        .fetch_one(connection)
        .await
}

/// Ends the connections of a role; tells how many.
pub async fn end_sessions(connection: &mut PgConnection, name: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select bi_end_sessions($1) as "ended!""#, name)
        .fetch_one(connection)
        .await
}

/// Locks a role since then, or unlocks it; tells whether it was locked, and nothing where there is no
/// role.
pub async fn set_lock(
    connection: &mut PgConnection,
    user: Uuid,
    since: Option<DateTime<Utc>>,
) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"with before as (select user_id, locked_at from bi_role where user_id = $1 for update)
           update bi_role r
           set locked_at = case when $2::timestamptz is not null then coalesce(b.locked_at, $2) end
           from before b
           where r.user_id = b.user_id
           returning b.locked_at is not null as "was!""#,
        user,
        since
    )
    .fetch_optional(connection)
    .await
}

/// Lets those log in who may, and nobody else; tells the roles that this changed.
pub async fn settle_logins(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(r#"select bi_settle_logins() as "name!""#).fetch_all(connection).await
}

/// Connected roles whose users may not be.
pub async fn shut_out(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select distinct b.role_name as "name!"
           from bi_backends() b left join bi_role r on r.name = b.role_name
           where not coalesce(bi_may_log_in(r.user_id), false)"#
    )
    .fetch_all(connection)
    .await
}

/// A connection of a BI role.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Of the server process.
    pub pid: i32,
    /// `bi_` and the user's id.
    pub role_name: String,
    /// The user's sign-in name, while there is a role.
    pub email: Option<String>,
    /// The user, while there is a role.
    pub user_id: Option<Uuid>,
    /// When it began.
    pub backend_start: DateTime<Utc>,
    /// When its transaction began.
    pub xact_start: Option<DateTime<Utc>>,
    /// When its last statement began.
    pub query_start: Option<DateTime<Utc>>,
    /// Whether that still runs.
    pub is_active: bool,
    /// Where from.
    pub address: Option<String>,
    /// Whether it speaks TLS.
    pub encrypted: bool,
    /// What the client calls itself.
    pub application: String,
    /// The last statement.
    pub query: String,
    /// Whether it holds an advisory lock, by which the server's own work is put in order.
    pub holds_advisory: bool,
}

/// The connections of BI roles, oldest first.
pub async fn backends(connection: &mut PgConnection) -> sqlx::Result<Vec<Backend>> {
    sqlx::query_as!(
        Backend,
        r#"select b.pid as "pid!", b.role_name as "role_name!", u.email as "email?", u.id as "user_id?",
                  b.backend_start as "backend_start!", b.xact_start, b.query_start,
                  b.is_active as "is_active!", b.address, b.encrypted as "encrypted!",
                  b.application as "application!", left(b.query, 2000) as "query!",
                  b.holds_advisory as "holds_advisory!"
           from bi_backends() b
           left join bi_role r on r.name = b.role_name
           left join app_user u on u.id = r.user_id
           order by b.backend_start, b.pid"#
    )
    .fetch_all(connection)
    .await
}

/// Cancels the statement of a connection, or ends it; `false` where it is gone.
pub async fn signal(
    connection: &mut PgConnection,
    pid: i32,
    started: DateTime<Utc>,
    ends: bool,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select bi_signal($1, $2, $3) as "done!""#, pid, started, ends)
        .fetch_one(connection)
        .await
}

/// Takes the watch for this transaction; `false` where another server has it.
pub async fn take_watch(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1, 0) as "taken!""#, WATCH_LOCK)
        .fetch_one(connection)
        .await
}

/// The time as the database has it, by which connections are told.
pub async fn now(connection: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(connection).await
}

/// Counts what is seen of a connection; `true` at its first sight.
pub async fn see(
    connection: &mut PgConnection,
    backend: &Backend,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_file_scalar!(
        "sql/queries/bi_see.sql",
        backend.pid,
        backend.backend_start,
        user,
        backend.address,
        backend.encrypted,
        backend.application,
        now,
        backend.query_start,
        backend.is_active
    )
    .fetch_one(connection)
    .await
}

/// Notes a login.
pub async fn logged_in(
    connection: &mut PgConnection,
    user: Uuid,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update bi_role set last_login_at = greatest(last_login_at, $2) where user_id = $1",
        user,
        at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a connection asked for, as far as it was seen.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Of the server process.
    pub pid: i32,
    /// Whose.
    pub user_id: Uuid,
    /// Their sign-in name, while there is such a user.
    pub email: Option<String>,
    /// Where from.
    pub address: Option<String>,
    /// Since when it is counted.
    pub since: DateTime<Utc>,
    /// When the connection was last seen.
    pub seen_at: DateTime<Utc>,
    /// Statements at the least.
    pub statements: i64,
    /// Milliseconds that statements ran, at the least.
    pub busy_ms: i64,
}

/// Takes the counts of connections that have gone (not seen at `now`), and of those that are counted
/// for longer than a day, which are counted anew.
pub async fn take_volumes(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Volume>> {
    sqlx::query_file_as!(Volume, "sql/queries/bi_take_volumes.sql", now).fetch_all(connection).await
}

/// The name of the database that the server uses.
#[must_use]
pub fn database(pool: &PgPool) -> String {
    let options = pool.connect_options();
    options.get_database().unwrap_or_else(|| options.get_username()).to_owned()
}

/// How many versions wait for their computed prices for the first time.
pub async fn due(connection: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "due!" from derivation_due where not again"#)
        .fetch_one(connection)
        .await
}
