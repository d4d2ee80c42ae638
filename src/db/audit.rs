//! The audit log. Rows are only ever added; what is past retention is dropped by the database itself.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

/// The class of the advisory locks under which it is seen whether a row was written lately.
const SELDOM_LOCK: i32 = 7426;

/// A row to be added: the columns of `audit_event`.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of audit_event, described there")]
pub struct Row<'a> {
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub actor_email: Option<&'a str>,
    pub credential: &'a str,
    pub credential_prefix: Option<&'a str>,
    pub address: Option<String>,
    pub request_id: Option<Uuid>,
    pub action: &'a str,
    pub object_type: Option<&'a str>,
    pub object_id: Option<&'a str>,
    pub outcome: &'a str,
    pub detail: Value,
}

/// Adds a row.
pub async fn insert(connection: &mut PgConnection, row: Row<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into audit_event
             (at, actor_id, actor_email, credential, credential_prefix, address, request_id, action,
              object_type, object_id, outcome, detail)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.at,
        row.actor_id,
        row.actor_email,
        row.credential,
        row.credential_prefix,
        row.address,
        row.request_id,
        row.action,
        row.object_type,
        row.object_id,
        row.outcome,
        row.detail
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a row of the same action and object was written after `since`. Until the end of the
/// transaction nobody else is told so of the same object.
pub async fn is_noted(
    connection: &mut PgConnection,
    row: &Row<'_>,
    since: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "select pg_advisory_xact_lock($1, hashtext($2))",
        SELDOM_LOCK,
        row.object_id.unwrap_or_default()
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query_scalar!(
        r#"select exists (select from audit_event
                          where object_type = $1 and object_id = $2 and action = $3 and at > $4) as "noted!""#,
        row.object_type,
        row.object_id,
        row.action,
        since
    )
    .fetch_one(connection)
    .await
}

/// The key by which e-mails of nobody are hashed.
pub async fn key(pool: &PgPool) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar!("select key from audit_key").fetch_one(pool).await
}

/// Says for how many days events are kept; done by the owner of the schema.
pub async fn keep_for(pool: &PgPool, days: i32) -> sqlx::Result<()> {
    sqlx::query!("update audit_retention set days = $1 where days <> $1", days)
        .execute(pool)
        .await?;
    Ok(())
}

/// Drops what is past retention, and tells how many rows that were.
pub async fn drop_old(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select drop_old_audit() as "dropped!""#).fetch_one(pool).await
}

/// Which events.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Filter {
    /// Of this user.
    pub actor_id: Option<Uuid>,
    /// Of the user who had this e-mail then.
    pub actor_email: Option<String>,
    /// Of this kind.
    pub action: Option<&'static str>,
    /// On objects of this kind.
    pub object_type: Option<String>,
    /// On this object.
    pub object_id: Option<String>,
    /// That ended so.
    pub outcome: Option<&'static str>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

/// An event.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct Event {
    /// Its number: later ones have higher ones.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: the user.
    pub actor_id: Option<Uuid>,
    /// Who: their e-mail then.
    pub actor_email: Option<String>,
    /// How they proved it: session, token, `login_token`, password, link, bi, command, server, none.
    pub credential: String,
    /// The first characters of the token, or of the session's id.
    pub credential_prefix: Option<String>,
    /// Where from.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<Uuid>,
    /// What.
    pub action: String,
    /// To what kind of object.
    pub object_type: Option<String>,
    /// To which.
    pub object_id: Option<String>,
    /// ok, refused or failed.
    pub outcome: String,
    /// Before and after, parameters, counts.
    pub detail: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn as_text<S: serde::Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

/// Events newest first, those below `before` (an id) where it is given.
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    let mut query = QueryBuilder::new(
        "select id, at, actor_id, actor_email, credential, credential_prefix, address, request_id,
                action, object_type, object_id, outcome, detail
         from audit_event where true",
    );
    narrow(&mut query, filter);
    if let Some(before) = before {
        query.push(" and id < ").push_bind(before);
    }
    query.push(" order by id desc limit ").push_bind(limit);
    query.build_query_as().fetch_all(pool).await
}

fn narrow(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(id) = filter.actor_id {
        query.push(" and actor_id = ").push_bind(id);
    }
    let texts = [
        (" and actor_email = ", filter.actor_email.as_deref()),
        (" and action = ", filter.action),
        (" and object_type = ", filter.object_type.as_deref()),
        (" and object_id = ", filter.object_id.as_deref()),
        (" and outcome = ", filter.outcome),
    ];
    for (condition, text) in texts {
        if let Some(text) = text {
            query.push(condition).push_bind(text.to_owned());
        }
    }
    for (condition, at) in [(" and at >= ", filter.from), (" and at < ", filter.to)] {
        if let Some(at) = at {
            query.push(condition).push_bind(at);
        }
    }
}
