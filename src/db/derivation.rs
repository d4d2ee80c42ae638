//! Computed prices that are kept for the views of schema `bi`: what its job reads and writes.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgListener, PgPoolOptions},
};

use crate::domain::MonthHours;

/// Notified by the database when a version is committed that is to be computed.
const CHANNEL: &str = "derivation";

/// A version that is due.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// Row of `curve_version`.
    pub version_id: i64,
    /// Whose it is.
    pub dataset_id: i16,
}

/// How a stored series is printed.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of printed_series, described there")]
pub struct PrintedName {
    pub series_id: i64,
    pub block_type: String,
    pub cost_component: String,
    pub sub_component: String,
    pub uom: String,
    pub is_scaler: bool,
}

/// A computed column of a version.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of derived_curve, described there")]
pub struct DerivedColumn {
    pub kind: &'static str,
    pub members: Vec<i64>,
    pub blocks: Vec<String>,
    pub block_type: String,
    pub uom: String,
    pub lookup_id: Option<String>,
    pub values: Vec<Option<Decimal>>,
    pub reasons: Option<Vec<Option<String>>>,
}

/// The hours of a month.
#[derive(Debug, Clone)]
pub struct Hours {
    /// Where.
    pub iso: &'static str,
    /// flat or nerc.
    pub calendar: &'static str,
    /// Its first day.
    pub month: NaiveDate,
    /// The hours of its blocks.
    pub hours: MonthHours,
}

/// A connection of its own that hears of new versions.
pub async fn listener(pool: &PgPool) -> sqlx::Result<PgListener> {
    let options = pool.connect_options().as_ref().clone();
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Makes everything due again where another revision computed it; tells whether that was so. Of several
/// servers one does it.
pub async fn begin_revision(connection: &mut PgConnection, revision: i32) -> sqlx::Result<bool> {
    let is_new = sqlx::query!(
        "update derivation_state set revision = $1 where revision <> $1 returning revision",
        revision
    )
    .fetch_optional(&mut *connection)
    .await?
    .is_some();
    if is_new {
        sqlx::query!(
            "insert into derivation_due (version_id, again)
             select v.id, true from curve_version v join dataset d on d.id = v.dataset_id
             where d.family in ('energy', 'nonenergy')
             on conflict do nothing"
        )
        .execute(connection)
        .await?;
    }
    Ok(is_new)
}

/// Takes a version that is due, newest first, and keeps others from taking it; what is computed again
/// waits for what is not there yet.
pub async fn take(connection: &mut PgConnection) -> sqlx::Result<Option<Due>> {
    sqlx::query_as!(
        Due,
        "select q.version_id, v.dataset_id
         from derivation_due q join curve_version v on v.id = q.version_id
         order by q.again, q.version_id desc
         limit 1
         for update of q skip locked"
    )
    .fetch_optional(connection)
    .await
}

/// Notes how series are printed.
pub async fn put_names(connection: &mut PgConnection, names: &[PrintedName]) -> sqlx::Result<()> {
    let text = |of: fn(&PrintedName) -> &String| -> Vec<String> {
        names.iter().map(|name| of(name).clone()).collect()
    };
    sqlx::query!(
        "insert into printed_series as p
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
         order by 1
         on conflict (series_id) do update
         set block_type = excluded.block_type, cost_component = excluded.cost_component,
             sub_component = excluded.sub_component, uom = excluded.uom, is_scaler = excluded.is_scaler
         where (p.block_type, p.cost_component, p.sub_component, p.uom, p.is_scaler) <>
               (excluded.block_type, excluded.cost_component, excluded.sub_component, excluded.uom,
                excluded.is_scaler)",
        &names.iter().map(|name| name.series_id).collect::<Vec<_>>(),
        &text(|name| &name.block_type),
        &text(|name| &name.cost_component),
        &text(|name| &name.sub_component),
        &text(|name| &name.uom),
        &names.iter().map(|name| name.is_scaler).collect::<Vec<_>>()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores the computed columns of a version in place of those that were there.
pub async fn put_columns(
    connection: &mut PgConnection,
    version: i64,
    columns: &[DerivedColumn],
) -> sqlx::Result<()> {
    sqlx::query!("delete from derived_curve where version_id = $1", version)
        .execute(&mut *connection)
        .await?;
    for (place, column) in (0_i32..).zip(columns) {
        sqlx::query!(
            "insert into derived_curve
                 (version_id, place, kind, members, label_series, blocks, block_type, uom, lookup_id, values,
                  reasons)
             values ($1, $2, $3, $4::bigint[], ($4::bigint[])[1], $5, $6, $7, $8, $9, $10)",
            version,
            place,
            column.kind,
            &column.members,
            &column.blocks,
            column.block_type,
            column.uom,
            column.lookup_id,
            &column.values as &[Option<Decimal>],
            column.reasons.as_deref() as Option<&[Option<String>]>
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A version is up to date.
pub async fn finish(connection: &mut PgConnection, version: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from derivation_due where version_id = $1", version)
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores the reference hours in place of those that were there.
pub async fn put_hours(connection: &mut PgConnection, hours: &[Hours]) -> sqlx::Result<()> {
    let count = |of: fn(&MonthHours) -> u32| -> Vec<i16> {
        hours.iter().map(|month| i16::try_from(of(&month.hours)).unwrap_or(i16::MAX)).collect()
    };
    let word = |of: fn(&Hours) -> &'static str| -> Vec<String> {
        hours.iter().map(|month| of(month).to_owned()).collect()
    };
    sqlx::query!("delete from reference_hours").execute(&mut *connection).await?;
    sqlx::query!(
        "insert into reference_hours (iso, calendar, month, hours_5x16, hours_2x16, hours_7x8, hours_7x24,
                                      hours_wd, hours_we, hours_on_peak, hours_off_peak)
         select * from unnest($1::text[], $2::text[], $3::date[], $4::smallint[], $5::smallint[], $6::smallint[],
                              $7::smallint[], $8::smallint[], $9::smallint[], $10::smallint[], $11::smallint[])",
        &word(|month| month.iso),
        &word(|month| month.calendar),
        &hours.iter().map(|month| month.month).collect::<Vec<_>>(),
        &count(|h| h.s5x16),
        &count(|h| h.s2x16),
        &count(|h| h.s7x8),
        &count(|h| h.s7x24),
        &count(|h| h.wd),
        &count(|h| h.we),
        &count(|h| h.on_peak),
        &count(|h| h.off_peak)
    )
    .execute(connection)
    .await?;
    Ok(())
}
