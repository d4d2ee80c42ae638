//! The audit log. Rows are only ever added.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

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
