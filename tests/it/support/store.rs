//! What is stored, asked of the tables themselves, and whether it is whole.

use sqlx::{AssertSqlSafe, PgPool};
use trueprice::{domain::Sha256, objects::Documents};

/// Counts of what versions are made of. The log of uploads is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Stored {
    pub versions: i64,
    pub current: i64,
    pub series: i64,
    pub curves: i64,
    pub points: i64,
    pub current_points: i64,
    pub events: i64,
}

/// Counts everything.
pub async fn stored(pool: &PgPool) -> Stored {
    sqlx::query_as(
        "select (select count(*) from curve_version) as versions,
                (select count(*) from curve_version where valid_to is null) as current,
                (select count(*) from series) as series,
                (select count(*) from curve) as curves,
                (select coalesce(sum(cardinality(values)), 0)::bigint from curve) as points,
                (select coalesce(sum(cardinality(c.values)), 0)::bigint
                 from curve c join curve_version v on v.id = c.version_id
                 where v.valid_to is null) as current_points,
                (select count(*) from event) as events",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

/// How many entries the log has.
pub async fn logged(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from upload").fetch_one(pool).await.unwrap()
}

/// Each must count nothing.
const UNSOUND: [(&str, &str); 8] = [
    (
        "versions without all their curves",
        "select count(*) from curve_version v
         where series_count <> (select count(*) from curve c
                                where c.dataset_id = v.dataset_id and c.version_id = v.id)",
    ),
    ("versions that nobody may know", "select count(*) from curve_version where known_at = 'infinity'"),
    (
        "days without exactly one current version",
        "select count(*) from (select from curve_version group by dataset_id, operating_day
                               having count(*) filter (where valid_to is null) <> 1) d",
    ),
    (
        "versions that end elsewhere than where the next of their day begins",
        "select count(*)
         from (select valid_to, lead(curve_timestamp) over
                   (partition by dataset_id, operating_day order by curve_timestamp) as next
               from curve_version) v
         where valid_to is distinct from next",
    ),
    (
        "series without a curve",
        "select count(*) from series s where not exists (select from curve c where c.series_id = s.id)",
    ),
    (
        "versions without the entry of their upload",
        "select count(*) from curve_version v join upload u on u.id = v.upload_id
         where u.version_id is distinct from v.id or u.status <> 201 or u.sha256 <> v.sha256",
    ),
    (
        "stored uploads without a version",
        "select count(*) from upload u
         where u.status = 201 and not exists (select from curve_version v where v.upload_id = u.id)",
    ),
    (
        "energy versions that were not announced exactly once",
        "select count(*) from upload u join dataset d on d.id = u.dataset_id
         where d.family = 'energy' and u.status = 201 and u.code in ('created', 'superseded')
           and (select count(*) from event e
                where e.version_id = u.version_id and e.kind = 'price-change') <> 1",
    ),
];

/// Fails unless every version is whole, every day has one current version, and every document that
/// a row names is in the store.
pub async fn assert_sound(pool: &PgPool, documents: &Documents) {
    for (what, count) in UNSOUND {
        let found: i64 = sqlx::query_scalar(count).fetch_one(pool).await.unwrap();
        assert_eq!(found, 0, "{what}");
    }
    let named: Vec<Vec<u8>> = sqlx::query_scalar(
        "select sha256 from document union select sha256 from curve_version
         union select sha256 from upload where sha256 is not null",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    for sha256 in named {
        let sha256 = Sha256::from_bytes(&sha256).unwrap();
        documents.get(sha256).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Points and their exact sum through the views of one kind: `""` or `"_history"`.
pub async fn through_views(pool: &PgPool, suffix: &str) -> (i64, String) {
    let views: Vec<String> = sqlx::query_scalar(
        "select v.viewname::text from pg_views v join dataset d
             on v.viewname in (d.iso || '_' || d.family, d.iso || '_' || d.family || '_history')
         where v.schemaname = 'trueprice' and (v.viewname like '%\\_history') = ($1 <> '')",
    )
    .bind(suffix)
    .fetch_all(pool)
    .await
    .unwrap();
    let parts: Vec<String> =
        views.iter().map(|view| format!("select data from trueprice.{view}")).collect();
    let all = parts.join(" union all ");
    let ask = format!("select count(*), coalesce(trim_scale(sum(data)), 0)::text from ({all}) p");
    sqlx::query_as(AssertSqlSafe(ask)).fetch_one(pool).await.unwrap()
}
