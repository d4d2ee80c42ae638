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

async fn refused(sql: &mut PgConnection, ask: &str) -> String {
    let outcome = sqlx::raw_sql(AssertSqlSafe(ask.to_owned())).execute(sql).await;
    outcome.expect_err(ask).to_string()
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

/// The text of the database's clock.
const CLOCK: &str =
    "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

/// A load that has begun to assign what it changes: as loaders do, under the lock of its scope.
async fn load_begun(server: &TestServer) -> sqlx::Transaction<'static, sqlx::Postgres> {
    gb(&server.app.pool).fetch().await;
    let mut load = server.owner.begin().await.unwrap();
    for step in [
        "select pg_current_xact_id()",
        "select pg_advisory_xact_lock(7427, scope_no) from feed_scope where feed_id = 'gb.intensity'",
        "create temporary table known on commit drop as select clock_timestamp() as at",
    ] {
        sqlx::raw_sql(step).execute(&mut *load).await.unwrap();
    }
    load
}

const INSERT: &str = "insert into carbon_intensity (feed_id, region_id, factor_set_id, start_at, secs, generated, raw_unit,
                          quality, content_hash, first_seen, changed_at, fetch_id)
                      select 'gb.intensity', 'GB', 'NESO', '2025-01-15Z', 1800, 100, 'g/kWh', 'measured', 'hash', at, at,
                             (select max(fetch_id) from feed_fetch) from known";

#[tokio::test]
async fn an_instant_that_a_load_may_still_reach_is_not_answered() {
    let server = TestServer::start().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    let count = "select count(*)::text from trueprice.carbon_intensity";
    let before = texts(&mut sql, CLOCK).await.remove(0);
    let mut load = load_begun(&server).await;
    let at = texts(&mut sql, CLOCK).await.remove(0);
    set(&mut sql, &format!("set app.as_of = '{at}'")).await;
    for view in [
        "carbon_intensity",
        "carbon_intensity_forecast",
        "fuel_mix",
        "meter_usage",
        "usage_daily_summary",
    ] {
        let error = refused(&mut sql, &format!("select * from trueprice.{view}")).await;
        assert!(error.contains("still being prepared"), "{view}: {error}");
    }
    // What was known before it began is settled.
    set(&mut sql, &format!("set app.as_of = '{before}'")).await;
    assert_eq!(texts(&mut sql, count).await, ["0"]);
    sqlx::raw_sql(INSERT).execute(&mut *load).await.unwrap();
    load.commit().await.unwrap();
    set(&mut sql, &format!("set app.as_of = '{at}'")).await;
    assert_eq!(texts(&mut sql, count).await, ["1"]);
    set(&mut sql, &format!("set app.as_of = '{before}'")).await;
    assert_eq!(texts(&mut sql, count).await, ["0"]);
}

#[tokio::test]
async fn a_view_of_the_data_from_before_a_load_ended_is_not_settled() {
    let server = TestServer::start().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    let count = "select count(*)::text from trueprice.carbon_intensity";
    for (begin, ask) in [
        (
            "begin; declare c cursor for select count(*)::text from trueprice.carbon_intensity",
            "fetch c",
        ),
        ("begin isolation level repeatable read; select 1", count),
    ] {
        let mut load = load_begun(&server).await;
        let at = texts(&mut sql, CLOCK).await.remove(0);
        set(&mut sql, &format!("set app.as_of = '{at}'")).await;
        set(&mut sql, begin).await;
        sqlx::raw_sql(INSERT).execute(&mut *load).await.unwrap();
        load.commit().await.unwrap();
        let error = refused(&mut sql, ask).await;
        assert!(error.contains("still being prepared"), "{error}");
        set(&mut sql, "rollback").await;
        assert_eq!(texts(&mut sql, count).await, ["1"]);
        sqlx::query("delete from carbon_intensity").execute(&server.owner).await.unwrap();
    }
    // After the beginning of a transaction anything may come.
    set(&mut sql, "begin").await;
    let later = texts(&mut sql, CLOCK).await.remove(0);
    set(&mut sql, &format!("set app.as_of = '{later}'")).await;
    assert!(refused(&mut sql, count).await.contains("in a new transaction"));
}

/// How many rows of a table the nodes of a plan looked at.
fn looked_at(plan: &serde_json::Value, table: &str) -> f64 {
    let number = |name: &str| plan[name].as_f64().unwrap_or_default();
    let rows = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"];
    let own = if plan["Relation Name"] == table {
        rows.into_iter().map(number).sum::<f64>() * number("Actual Loops")
    } else {
        0.0
    };
    let below = plan["Plans"].as_array().into_iter().flatten();
    own + below.map(|plan| looked_at(plan, table)).sum::<f64>()
}

#[tokio::test]
async fn conditions_choose_revisions_by_their_indexes() {
    let server = TestServer::start().await;
    gb(&server.app.pool).fetch().await;
    // Three years of half-hours of two regions, each restated once.
    let restated = "insert into row_revision (table_name, row_key, rev, series_key, start_at, old_values, valid_from,
                        valid_to, reason)
                    select t, jsonb_build_array(t, region, start_at), 1, s, start_at,
                           jsonb_build_object('secs', 1800, 'factor_set_id', 'NESO', 'generated', 90, 'fuel', 'gas'),
                           '2025-01-01Z', '2025-02-01Z', 'revised'
                    from unnest(array['GB', 'US-NY-NYISO']) region
                    cross join lateral (values ('carbon_intensity', 'gb.intensity/' || region || '/NESO'),
                                               ('fuel_mix', 'gb.mix/' || region)) k (t, s)
                    cross join generate_series('2022-01-01Z'::timestamptz, '2024-12-31 23:30Z', '30 minutes') start_at";
    sqlx::raw_sql(restated).execute(&server.owner).await.unwrap();
    sqlx::raw_sql("analyze row_revision").execute(&server.owner).await.unwrap();
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    let mut sql = ann.connect(&server).await;
    set(&mut sql, "set app.as_of = '2025-01-15T00:00:00Z'").await;
    for view in ["carbon_intensity", "fuel_mix"] {
        let ask = format!(
            "select count(*)::text from trueprice.{view}
             where region_id = 'GB' and start_at >= '2024-06-01Z' and start_at < '2024-06-02Z'"
        );
        assert_eq!(texts(&mut sql, &ask).await, ["48"]);
        let plan: serde_json::Value =
            sqlx::query_scalar(AssertSqlSafe(format!("explain (analyze, format json) {ask}")))
                .fetch_one(&mut sql)
                .await
                .unwrap();
        let looked = looked_at(&plan[0]["Plan"], "row_revision");
        assert!((48.0..100.0).contains(&looked), "{view}: {looked} revisions: {plan:#}");
    }
}

#[tokio::test]
async fn days_are_read_as_they_were_and_sums_refuse_to_be() {
    let server = TestServer::start().await;
    let ann = Analyst::new(&server, Role::ReadOnly).await;
    gb(&server.app.pool).fetch().await;
    for (statement, owner) in [
        (
            "insert into meter (meter_id, fuel_kind, direction, unit, zone, mpan, serial, region_id, owner_user_id)
             select m, 'electricity', 'import', 'kWh', 'Europe/London', m, '1', 'GB', case m when 'home' then $1 end
             from unnest(array['home', 'shop']) m",
            true,
        ),
        (
            "insert into usage_daily_summary (meter_id, local_date, feed_id, factor_set_id, zone, slots_expected,
                 slots_used, slots_estimated, missing_by_feed, kwh, complete, rev, content_hash, first_seen, changed_at)
             select m, '2025-01-15', 'gb.intensity', 'NESO', 'Europe/London', 48, 46, 0, '{}', 1.25, false, 1, 'hash',
                    '2025-01-16Z', '2025-01-16Z' from unnest(array['home', 'shop']) m",
            false,
        ),
        (
            "insert into row_revision (table_name, row_key, rev, series_key, start_at, old_values, valid_from, valid_to, reason)
             select 'usage_daily_summary', jsonb_build_array(meter_id), 1, concat_ws('/', meter_id, feed_id, factor_set_id),
                    local_date, to_jsonb(s), changed_at, '2025-02-01Z', 'recomputed' from usage_daily_summary s",
            false,
        ),
        (
            "update usage_daily_summary set kwh = 2.5, slots_used = 48, complete = true, rev = 2, changed_at = '2025-02-01Z'",
            false,
        ),
    ] {
        let query = sqlx::query(statement);
        let query = if owner { query.bind(ann.account.id) } else { query };
        query.execute(&server.owner).await.unwrap();
    }
    let mut sql = ann.connect(&server).await;
    let days =
        "select concat_ws(' ', meter_id, local_date, kwh::float8, complete, rev, known_at::date)
                from trueprice.usage_daily_summary";
    for (as_of, shown) in [
        ("", &["home 2025-01-15 2.5 t 2 2025-02-01"][..]),
        ("2025-02-01T00:00:00Z", &["home 2025-01-15 2.5 t 2 2025-02-01"]),
        ("2025-01-31T23:59:59Z", &["home 2025-01-15 1.25 f 1 2025-01-16"]),
        ("2025-01-15T23:59:59Z", &[]),
    ] {
        set(&mut sql, &format!("set app.as_of = '{as_of}'")).await;
        assert_eq!(texts(&mut sql, days).await, shown, "{as_of}");
    }
    let error = refused(&mut sql, "select * from trueprice.carbon_rollup").await;
    assert!(error.contains("carbon_rollup does not keep what it was: unset app.as_of"), "{error}");
    set(&mut sql, "reset app.as_of").await;
    texts(&mut sql, "select count(*)::text from trueprice.carbon_rollup").await;
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
    for view in ["region", "factor_set", "emission_factor"] {
        let shut = sqlx::raw_sql(AssertSqlSafe(format!("select * from trueprice.{view}")))
            .execute(&mut sql)
            .await;
        assert!(shut.unwrap_err().to_string().contains("switched off"), "{view}");
    }
}
