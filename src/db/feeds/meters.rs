//! Meters: whose they are, and who else may read them.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A meter as somebody who may know of it sees it.
#[derive(Debug)]
pub struct MeterRow {
    /// Our id.
    pub meter_id: String,
    /// `electricity` or `gas`.
    pub fuel_kind: String,
    /// `import` or `export`.
    pub direction: String,
    /// `kWh` or `m3`; none: not known.
    pub unit: Option<String>,
    /// IANA.
    pub zone: String,
    /// The region whose carbon its usage is counted with.
    pub region_id: Option<String>,
    /// The last four digits of the supply point's number.
    pub mpan_end: String,
    /// E-mail.
    pub owner: Option<String>,
    /// Whether it is the asker's own.
    pub is_own: bool,
    /// Those whom it is shown besides, by e-mail.
    pub readers: Vec<String>,
}

/// The meters that `asker` owns or may read; all, where the asker is an administrator. From the id
/// after `after` on.
pub async fn list(
    pool: &PgPool,
    (asker, sees_all): (Uuid, bool),
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<MeterRow>> {
    sqlx::query_as!(
        MeterRow,
        r#"select m.meter_id, m.fuel_kind, m.direction, m.unit, m.zone, m.region_id,
                  right(m.mpan, 4) as "mpan_end!", o.email as "owner?", coalesce(m.owner_user_id = $1, false) as "is_own!",
                  array(select u.email from meter_reader r join app_user u on u.id = r.user_id
                        where r.meter_id = m.meter_id order by u.email) as "readers!"
           from meter m left join app_user o on o.id = m.owner_user_id
           where m.meter_id > $3
             and ($2 or m.owner_user_id = $1
                  or exists (select from meter_reader r where r.meter_id = m.meter_id and r.user_id = $1))
           order by m.meter_id limit $4"#,
        asker,
        sees_all,
        after,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Whether somebody may read the usage of a meter: its owner, and whom it is shown.
pub async fn may_read(pool: &PgPool, asker: Uuid, meter_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from meter where meter_id = $2 and owner_user_id = $1)
                  or exists (select from meter_reader where meter_id = $2 and user_id = $1) as "may!""#,
        asker,
        meter_id
    )
    .fetch_one(pool)
    .await
}

/// Whether there is such a meter.
pub async fn is_there(conn: &mut PgConnection, meter_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from meter where meter_id = $1) as "is!""#,
        meter_id
    )
    .fetch_one(conn)
    .await
}

/// Lets a user read a meter; whether that is new.
pub async fn add_reader(conn: &mut PgConnection, meter_id: &str, user: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into meter_reader (meter_id, user_id) values ($1, $2) on conflict do nothing",
        meter_id,
        user
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Lets a user read a meter no more; whether he could.
pub async fn remove_reader(
    conn: &mut PgConnection,
    meter_id: &str,
    user: Uuid,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from meter_reader where meter_id = $1 and user_id = $2",
        meter_id,
        user
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}
