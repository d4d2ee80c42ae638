//! Feeds as SQL tools read them.

use sqlx::{AssertSqlSafe, PgConnection};
use trueprice::auth::Role;

use crate::{
    bi::Analyst,
    support::{
        TestServer,
        feeds::{gb, gb_forecast, load_gb},
    },
};

async fn texts(sql: &mut PgConnection, ask: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(ask.to_owned())).fetch_all(sql).await.unwrap()
}

async fn set(sql: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(sql).await.unwrap();
}

const VIEWS: [&str; 10] = [
    "region",
    "factor_set",
    "emission_factor",
    "carbon_intensity",
    "carbon_intensity_forecast",
    "fuel_mix",
    "meter_usage",
    "usage_daily_summary",
    "carbon_rollup",
    "ercot_energy",
];

#[tokio::test]
async fn whoever_has_access_reads_feeds_as_they_were_known() {
    let server = TestServer::start().await;
    load_gb(&server.app.pool, include_str!("wire/uk_intensity_date.json")).await;
    gb(&server.app.pool).mix("2025-01-15T00:00:00Z", &[("gas", None, Some("36"))]).await;
    gb_forecast(&server.app.pool)
        .issue("2025-01-15T12:00:00Z", "2025-01-15T12:00:00Z", &["110"])
        .await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    for view in VIEWS {
        texts(&mut sql, &format!("select count(*)::text from trueprice.{view}")).await;
    }
    let slot =
        "select concat_ws(' ', generated::float8, start_local, rev) from trueprice.carbon_intensity
                where region_id = 'GB' and start_at = '2025-01-15T12:00Z'";
    let before = texts(&mut sql, slot).await;
    gb(&server.app.pool).revise("2025-01-15T12:00:00Z", "77.5", "2025-02-01T00:00:00Z").await;
    assert_eq!(texts(&mut sql, slot).await, ["77.5 2025-01-15 12:00:00 2"]);
    set(&mut sql, "set app.as_of = '2025-01-31T00:00:00Z'").await;
    assert_eq!(texts(&mut sql, slot).await, before);
    assert_eq!(
        texts(&mut sql, "select count(*)::text from trueprice.carbon_intensity").await,
        ["48"]
    );
    set(&mut sql, "set app.as_of = '2025-01-15T00:00:00Z'").await;
    assert_eq!(
        texts(&mut sql, "select count(*)::text from trueprice.carbon_intensity").await,
        ["0"]
    );
    assert_eq!(
        texts(&mut sql, "select count(*)::text from trueprice.carbon_intensity_forecast").await,
        ["0"]
    );
    set(&mut sql, "set app.as_of = 'yesterday'").await;
    let wrong = sqlx::raw_sql("select * from trueprice.fuel_mix").execute(&mut sql).await;
    assert!(wrong.unwrap_err().to_string().contains("app.as_of"));
    // The tables themselves are nobody's, and no function tells of others' meters.
    for statement in [
        "select * from public.carbon_intensity",
        "select * from public.meter",
        "select bi_meters()",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&mut sql).await.unwrap_err().to_string();
        assert!(
            refused.contains("permission denied") || refused.contains("does not exist"),
            "{statement}: {refused}"
        );
    }
}

#[tokio::test]
async fn usage_is_read_by_its_owner_and_by_whom_they_let_in() {
    let server = TestServer::start().await;
    let pool = &server.app.pool;
    let (ann, bob) =
        (Analyst::new(&server, Role::Admin).await, Analyst::new(&server, Role::ReadOnly).await);
    let cat = Analyst::new(&server, Role::ReadOnly).await;
    let fetch = gb(pool).fetch().await;
    for (meter, owner) in [("home", ann.account.id), ("shop", bob.account.id)] {
        sqlx::query(
            "with m as (insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial, region_id, owner_user_id)
                        values ($1, 'electricity', 'import', 'kWh', 'Europe/London', $1, '1', 'GB', $2)),
                  s as (insert into usage_daily_summary (meter_id, local_date, feed_id, factor_set_id, zone, slots_expected,
                            slots_used, slots_estimated, missing_by_feed, complete, content_hash, first_seen, changed_at)
                        values ($1, '2025-01-15', 'gb.intensity', 'NESO', 'Europe/London', 48, 48, 0, '{}', true, 'hash',
                                now(), now())),
                  r as (insert into rollup (series_kind, feed_id, subject_id, measure, grain, zone, period_start, period_end,
                            n_expected, n_present, n_estimated, complete, computed_at)
                        values ('usage', 'gb.intensity', $1, 'kwh', 'day', 'UTC', '2025-01-15Z', '2025-01-16Z', 48, 48, 0,
                                true, now()))
             insert into meter_usage (meter_id, start_at, secs, quantity, quality, content_hash, first_seen, changed_at, fetch_id)
             values ($1, '2025-01-15Z', 1800, 0.25, 'measured', 'hash', now(), now(), $3)",
        )
        .bind(meter)
        .bind(owner)
        .bind(fetch)
        .execute(&server.owner)
        .await
        .unwrap();
    }
    sqlx::query("insert into meter_reader (meter_id, user_id) values ('shop', $1)")
        .bind(cat.account.id)
        .execute(&server.owner)
        .await
        .unwrap();
    let dan = Analyst::new(&server, Role::ReadWrite).await;
    for (who, meters) in [(&ann, &["home"][..]), (&bob, &["shop"]), (&cat, &["shop"]), (&dan, &[])]
    {
        let mut sql = who.connect(&server).await;
        for (view, meter) in [
            ("meter_usage", "meter_id"),
            ("usage_daily_summary", "meter_id"),
            ("carbon_rollup", "subject_id"),
        ] {
            assert_eq!(
                texts(&mut sql, &format!("select {meter} from trueprice.{view}")).await,
                meters,
                "{view}"
            );
        }
        // A condition that tells what it sees is asked of nothing else.
        let leak = "select meter_id from trueprice.meter_usage where 1 / (quantity - 0.25 + length(meter_id) - 4) is null";
        let outcome = sqlx::raw_sql(AssertSqlSafe(leak.to_owned())).execute(&mut sql).await;
        assert_eq!(outcome.is_err(), !meters.is_empty());
    }
}

#[tokio::test]
async fn the_switch_of_the_api_shuts_them_too() {
    let server = TestServer::start().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    texts(&mut sql, "select count(*)::text from trueprice.region").await;
    sqlx::query("update site set api_open = false").execute(&server.owner).await.unwrap();
    for view in ["region", "carbon_intensity", "meter_usage", "carbon_rollup"] {
        let shut = sqlx::raw_sql(AssertSqlSafe(format!("select * from trueprice.{view}")))
            .execute(&mut sql)
            .await;
        assert!(shut.unwrap_err().to_string().contains("switched off"), "{view}");
    }
}
