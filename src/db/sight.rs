//! What a caller may see: the grants in force, resolved once per request inside its snapshot.
//!
//! The rule is SQL (migration 0010): `entitlements` resolves a user's grants, `admits_version`,
//! `admits_labels`, `admits_block` and `admits_derived` apply one of them to headers. A [`Sight`]
//! carries what the first gave to the statements that use the others: they begin with
//! `from jsonb_populate_recordset(null::entitlement, $n)`.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{Sha256, Source};

/// Whose sight, and when: windows such as "three months from now" are those of this instant, never
/// of a cut-off.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// A grant in force: what of it is needed beside SQL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entitlement {
    /// Of which source, by [`Source::id`]; none for every one.
    pub dataset_id: Option<i16>,
    /// First contract month; none: no bound.
    pub first_month: Option<NaiveDate>,
    /// Last contract month; none: no bound.
    pub last_month: Option<NaiveDate>,
    /// The price components of a matrix; none: all of them.
    pub sub_components: Option<Vec<String>>,
}

/// What a caller may see of some sources.
#[derive(Debug, Clone)]
pub struct Sight(Arc<Resolved>);

#[derive(Debug)]
struct Resolved {
    rows: Value,
    entitlements: Vec<Entitlement>,
}

impl Sight {
    /// What `viewer` may see of `sources` in the transaction of `connection`.
    pub async fn of(
        connection: &mut PgConnection,
        viewer: Viewer,
        sources: &[i16],
    ) -> sqlx::Result<Self> {
        let rows = sqlx::query_scalar!(
            r#"select coalesce(jsonb_agg(distinct to_jsonb(e)), '[]') as "rows!"
               from entitlements($1, $2, $3) e"#,
            viewer.user_id,
            sources,
            viewer.now
        )
        .fetch_one(connection)
        .await?;
        Self::from_rows(rows).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// Everything: for the server's own work, which nobody sees.
    #[must_use]
    pub fn everything() -> Self {
        let all = json!([{ "cob_only": false, "current_only": false, "derived": true }]);
        let entitlement = Entitlement {
            dataset_id: None,
            first_month: None,
            last_month: None,
            sub_components: None,
        };
        Self(Arc::new(Resolved { rows: all, entitlements: vec![entitlement] }))
    }

    fn from_rows(rows: Value) -> serde_json::Result<Self> {
        let entitlements = Vec::<Entitlement>::deserialize(&rows)?;
        Ok(Self(Arc::new(Resolved { rows, entitlements })))
    }

    /// The grants as the statements take them: an array of `entitlement`.
    #[must_use]
    pub fn rows(&self) -> &Value {
        &self.0.rows
    }

    /// The grants, counted from 1 by SQL's `with ordinality`.
    #[must_use]
    pub fn entitlements(&self) -> &[Entitlement] {
        &self.0.entitlements
    }

    /// Whether there is any grant for a source. Without one it is not there at all.
    #[must_use]
    pub fn has(&self, source: impl Into<Source>) -> bool {
        let id = source.into().id();
        self.entitlements().iter().any(|grant| grant.dataset_id.is_none_or(|of| of == id))
    }

    /// A digest of the grants and their windows: part of each `ETag`.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(self.rows().to_string().as_bytes())
    }
}
