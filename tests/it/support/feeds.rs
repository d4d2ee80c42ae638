//! Rows of feeds, written straight into the database, as loading would leave them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

/// A feed with one scope, as the server registers it.
pub struct Fed<'a> {
    /// Connections of the server.
    pub pool: &'a PgPool,
    /// Its id.
    pub feed: &'static str,
    /// Who gives it.
    pub provider: &'static str,
    /// Of which region its rows are.
    pub region: &'static str,
    /// Under which set of factors.
    pub set: &'static str,
    /// Length of its slots.
    pub secs: i32,
    /// What tells whether a slot is there; none for forecasts.
    pub primary: Option<&'static str>,
    /// The upstream's unit.
    pub unit: &'static str,
}

/// When the rows of tests became known, unless they say.
pub const KNOWN: &str = "2025-01-16T06:00:00Z";

/// Great Britain by half-hours.
pub fn gb(pool: &PgPool) -> Fed<'_> {
    let (feed, unit) = ("gb.intensity", "g/kWh");
    Fed {
        pool,
        feed,
        provider: "neso",
        region: "GB",
        set: "NESO",
        secs: 1800,
        primary: Some("generated"),
        unit,
    }
}

/// California by five minutes, in pounds.
pub fn caiso(pool: &PgPool) -> Fed<'_> {
    let (feed, provider) = ("carbonara.intensity", "singularity");
    let (region, set) = ("US-CA-CAISO", "EGRID_u2019");
    Fed { pool, feed, provider, region, set, secs: 300, primary: Some("generated"), unit: "lb/MWh" }
}

/// The forecast of Great Britain.
pub fn gb_forecast(pool: &PgPool) -> Fed<'_> {
    Fed { feed: "gb.forecast", primary: None, ..gb(pool) }
}

impl Fed<'_> {
    /// Registers feed, scope and series; the id of a fetch that its rows are from.
    pub async fn fetch(&self) -> i64 {
        sqlx::query(
            "insert into feed (feed_id, kind, provider, step_secs, time_semantics, primary_metric, not_before,
                               look_back, poll_every, expected_lag, enabled, default_factor_set, attribution, config)
             values ($1, $1, $2, $3, 'explicit', $4, '2018-01-01Z', '2 days', '10 minutes', '30 minutes', true,
                     $5, 'Data by ' || $2, '{}') on conflict do nothing",
        )
        .bind(self.feed)
        .bind(self.provider)
        .bind(self.secs)
        .bind(self.primary)
        .bind(self.set)
        .execute(self.pool)
        .await
        .unwrap();
        for statement in [
            "insert into feed_scope (feed_id, scope, region_id, first_available, enabled)
             values ($1, $2, $2, '2018-01-01Z', true) on conflict do nothing",
            "insert into intensity_series (feed_id, region_id, factor_set_id) values ($1, $2, $3) on conflict do nothing",
        ] {
            let bound = sqlx::query(statement).bind(self.feed).bind(self.region);
            let bound = if statement.contains("$3") { bound.bind(self.set) } else { bound };
            bound.execute(self.pool).await.unwrap();
        }
        sqlx::query_scalar(
            "with run as (
                 insert into feed_run (feed_id, scope, task_kind, requested_at, state)
                 values ($1, $2, 'live', $3, 'done') returning run_id)
             insert into feed_fetch (run_id, feed_id, scope, task_kind, url_redacted, request_key, page, attempt,
                                     class, fetched_at, duration_ms, parser_version, lease_epoch, loaded_at)
             select run_id, $1, $2, 'live', 'https://example.com', 'key', 1, 1, 'ok', $3, 1, 1, 1, $3 from run
             returning fetch_id",
        )
        .bind(self.feed)
        .bind(self.region)
        .bind(at(KNOWN))
        .fetch_one(self.pool)
        .await
        .unwrap()
    }

    /// Writes slots one after the other from `start` on: generated, consumed and marginal as the upstream
    /// wrote them.
    pub async fn slots(&self, start: &str, slots: &[[Option<&str>; 3]], known_at: &str) {
        let fetch = self.fetch().await;
        let column = |place: usize| -> Vec<Option<String>> {
            slots.iter().map(|slot| slot[place].map(str::to_owned)).collect()
        };
        sqlx::query(
            "insert into carbon_intensity (feed_id, region_id, factor_set_id, start_at, secs, generated, consumed,
                 marginal, raw_generated, raw_consumed, raw_marginal, raw_unit, quality, content_hash, first_seen,
                 changed_at, fetch_id)
             select $1, $2, $3, $4 + (place - 1) * make_interval(secs => $5), $5, g * k, c * k, m * k, g, c, m, $9,
                    'measured', 'hash', $10, $10, $11
             from unnest($6::numeric[], $7::numeric[], $8::numeric[]) with ordinality as t (g, c, m, place)
             cross join (select case $9 when 'lb/MWh' then 0.45359237 else 1 end) u (k)",
        )
        .bind(self.feed)
        .bind(self.region)
        .bind(self.set)
        .bind(at(start))
        .bind(self.secs)
        .bind(numbers(&column(0)))
        .bind(numbers(&column(1)))
        .bind(numbers(&column(2)))
        .bind(self.unit)
        .bind(at(known_at))
        .bind(fetch)
        .execute(self.pool)
        .await
        .unwrap();
    }

    /// Writes slots of which only generation is known.
    pub async fn generated(&self, start: &str, values: &[&str]) {
        let slots: Vec<[Option<&str>; 3]> =
            values.iter().map(|value| [Some(*value), None, None]).collect();
        self.slots(start, &slots, KNOWN).await;
    }

    /// Restates the generation of a slot; what it was stays as a revision.
    pub async fn revise(&self, start: &str, value: &str, known_at: &str) {
        for statement in [
            "insert into row_revision (table_name, row_key, rev, series_key, start_at, old_values, valid_from,
                                       valid_to, reason)
             select 'carbon_intensity', jsonb_build_array(feed_id, region_id, factor_set_id, start_at), rev,
                    concat_ws('/', feed_id, region_id, factor_set_id), start_at, to_jsonb(c), changed_at, $4::timestamptz,
                    'revised'
             from carbon_intensity c
             where feed_id = $1 and region_id = $2 and start_at = $3::timestamptz and $5::text is not null",
            "update carbon_intensity set raw_generated = $5::text::numeric, generated = $5::text::numeric, rev = rev + 1,
                    changed_at = $4::timestamptz
             where feed_id = $1 and region_id = $2 and start_at = $3::timestamptz",
        ] {
            sqlx::query(statement)
                .bind(self.feed)
                .bind(self.region)
                .bind(at(start))
                .bind(at(known_at))
                .bind(value)
                .execute(self.pool)
                .await
                .unwrap();
        }
    }

    /// Says that a day of UTC waits to be summed up again.
    pub async fn dirty(&self, day: &str) {
        sqlx::query(
            "insert into rollup_dirty (series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start)
             values ('intensity', $1, $2, $3, 'day', 'UTC', $4) on conflict do nothing",
        )
        .bind(self.feed)
        .bind(self.region)
        .bind(self.set)
        .bind(at(day))
        .execute(self.pool)
        .await
        .unwrap();
    }

    /// Writes the issue of a forecast.
    pub async fn issue(&self, issued_at: &str, start: &str, values: &[&str]) {
        let fetch = self.fetch().await;
        let values: Vec<Option<String>> =
            values.iter().map(|value| Some((*value).to_owned())).collect();
        sqlx::query(
            "insert into carbon_intensity_forecast (feed_id, region_id, factor_set_id, issued_at, start_at, secs,
                 generated, raw_generated, raw_unit, fetch_id, known_at)
             select $1, $2, $3, $4, $5 + (place - 1) * make_interval(secs => $6), $6, v, v, $8, $9, $10
             from unnest($7::numeric[]) with ordinality as t (v, place)",
        )
        .bind(self.feed)
        .bind(self.region)
        .bind(self.set)
        .bind(at(issued_at))
        .bind(at(start))
        .bind(self.secs)
        .bind(numbers(&values))
        .bind(self.unit)
        .bind(fetch)
        .bind(at(KNOWN))
        .execute(self.pool)
        .await
        .unwrap();
    }

    /// Writes the fuels of a slot: name, MW, percent.
    pub async fn mix(&self, start: &str, fuels: &[(&str, Option<&str>, Option<&str>)]) {
        let fetch = self.fetch().await;
        for (fuel, mw, percent) in fuels {
            sqlx::query(
                "insert into fuel_mix (feed_id, region_id, start_at, fuel, secs, mw, percent, n_samples, content_hash,
                                       first_seen, changed_at, fetch_id)
                 values ($1, $2, $3, $4, $5, $6::text::numeric, $7::text::numeric, 1, 'hash', $8, $8, $9)",
            )
            .bind(self.feed)
            .bind(self.region)
            .bind(at(start))
            .bind(fuel)
            .bind(self.secs)
            .bind(mw)
            .bind(percent)
            .bind(at(KNOWN))
            .bind(fetch)
            .execute(self.pool)
            .await
            .unwrap();
        }
    }
}

fn numbers(texts: &[Option<String>]) -> Vec<Option<rust_decimal::Decimal>> {
    texts.iter().map(|text| text.as_deref().map(|text| text.parse().unwrap())).collect()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A document of the Carbon Intensity API: start of the first slot and the actual values.
pub fn gb_actuals(document: &str) -> (String, Vec<String>) {
    let document: Value = serde_json::from_str(document).unwrap();
    let slots = document["data"].as_array().unwrap();
    let first = slots[0]["from"].as_str().unwrap().replace('Z', ":00Z");
    let actual = |slot: &Value| slot["intensity"]["actual"].to_string();
    (first, slots.iter().map(actual).collect())
}

/// Great Britain with a document loaded.
pub async fn load_gb(pool: &PgPool, document: &str) {
    let (first, values) = gb_actuals(document);
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    gb(pool).generated(&first, &values).await;
}

/// The one value of a statement.
pub async fn one<T>(pool: &PgPool, sql: &'static str) -> T
where
    T: Send + Unpin,
    (T,): for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
{
    let (value,) = sqlx::query_as(sql).fetch_one(pool).await.unwrap();
    value
}

/// The rows of a statement.
pub async fn all<T>(pool: &PgPool, sql: &'static str) -> Vec<T>
where
    T: Send + Unpin + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
{
    sqlx::query_as(sql).fetch_all(pool).await.unwrap()
}
