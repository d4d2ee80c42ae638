//! Rows of feeds as loading leaves them, and events with them: what the tests of live things tell of.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, PgPool};
use trueprice::{
    app::App,
    db::feeds::outbox::{self, NewEvent},
    domain::feed::Topic,
    live::relay,
};

use crate::support::TestServer;

/// A region's series with its feed.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    pub feed: &'static str,
    pub provider: &'static str,
    pub region: &'static str,
    pub set: &'static str,
    pub step: i32,
    pub metric: &'static str,
}

/// New York, of the operator's own readings.
pub const NEW_YORK: Series = Series {
    feed: "nyiso.rtfuelmix",
    provider: "nyiso",
    region: "US-NY-NYISO",
    set: "NY-STATE-2016",
    step: 300,
    metric: "mw",
};

/// Great Britain.
pub const BRITAIN: Series = Series {
    feed: "gb.intensity",
    provider: "neso",
    region: "GB",
    set: "NESO",
    step: 1800,
    metric: "generated",
};

/// The seven fuels of New York's operator, MW.
pub const FUELS: [(&str, &str); 7] = [
    ("Nuclear", "5413"),
    ("Hydro", "2814.5"),
    ("Natural Gas", "3310"),
    ("Dual Fuel", "2282"),
    ("Wind", "258"),
    ("Other Renewables", "237"),
    ("Other Fossil Fuels", "0"),
];

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Series {
    /// The feed, its scope and its series; the id of a fetch that rows can name.
    pub async fn make(&self, pool: &PgPool) -> i64 {
        sqlx::query(
            "insert into feed (feed_id, kind, provider, step_secs, time_semantics, primary_metric, not_before,
                 look_back, poll_every, expected_lag, enabled, default_factor_set, attribution, config)
             values ($1, $1, $2, $3, 'instant', $4, '2018-01-01Z', '1 day', '5 minutes', '20 minutes', true, $5,
                 'Source of ' || $1, '{}')
             on conflict (feed_id) do nothing",
        )
        .bind(self.feed)
        .bind(self.provider)
        .bind(self.step)
        .bind(self.metric)
        .bind(self.set)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into feed_scope (feed_id, scope, region_id, first_available, enabled)
             values ($1, $2, $2, '2018-01-01Z', true) on conflict do nothing",
        )
        .bind(self.feed)
        .bind(self.region)
        .execute(pool)
        .await
        .unwrap();
        sqlx::query("insert into intensity_series values ($1, $2, $3) on conflict do nothing")
            .bind(self.feed)
            .bind(self.region)
            .bind(self.set)
            .execute(pool)
            .await
            .unwrap();
        sqlx::query_scalar(
            "with run as (
                 insert into feed_run (feed_id, scope, task_kind, requested_at, state)
                 values ($1, $2, 'live', now(), 'done') returning run_id
             )
             insert into feed_fetch (run_id, feed_id, scope, task_kind, url_redacted, request_key, page, attempt,
                 class, fetched_at, duration_ms, parser_version, lease_epoch)
             select run_id, $1, $2, 'live', 'http://stub/', '', 1, 1, 'ok', now(), 1, 1, 1 from run
             returning fetch_id",
        )
        .bind(self.feed)
        .bind(self.region)
        .fetch_one(pool)
        .await
        .unwrap()
    }

    /// Stores a slot and writes its event.
    pub async fn slot(&self, app: &App, start: DateTime<Utc>, generated: &str) {
        self.reading(app, start, Some(generated), &[]).await;
    }

    /// Stores the mix of a slot and the reading that closes it, and writes its event.
    pub async fn mix(&self, app: &App, start: DateTime<Utc>, fuels: &[(&str, &str)]) {
        self.reading(app, start, None, fuels).await;
    }

    /// Both in one transaction, as loading does.
    pub async fn reading(
        &self,
        app: &App,
        start: DateTime<Utc>,
        generated: Option<&str>,
        fuels: &[(&str, &str)],
    ) {
        let of = (self.make(&app.pool).await, app.clock.now());
        let mut transaction = app.pool.begin().await.unwrap();
        if let Some(generated) = generated {
            self.put_slot(&mut transaction, of, start, generated).await;
        }
        if !fuels.is_empty() {
            self.put_mix(&mut transaction, of, start, fuels).await;
        }
        transaction.commit().await.unwrap();
    }

    async fn put_slot(
        &self,
        conn: &mut PgConnection,
        (fetch, now): (i64, DateTime<Utc>),
        start: DateTime<Utc>,
        generated: &str,
    ) {
        let rev: i32 = sqlx::query_scalar(
            "insert into carbon_intensity as c (feed_id, region_id, factor_set_id, start_at, secs, generated,
                 raw_unit, quality, content_hash, first_seen, changed_at, fetch_id)
             values ($1, $2, $3, $4, $5, $6::numeric, 'g/kWh', 'measured', '', now(), now(), $7)
             on conflict (feed_id, region_id, factor_set_id, start_at)
             do update set generated = excluded.generated, rev = c.rev + 1
             returning rev",
        )
        .bind(self.feed)
        .bind(self.region)
        .bind(self.set)
        .bind(start)
        .bind(self.step)
        .bind(generated)
        .bind(fetch)
        .fetch_one(&mut *conn)
        .await
        .unwrap();
        let series = format!("{}/{}/{}", self.feed, self.region, self.set);
        let data = format!(
            r#"{{"start":"{}","secs":{},"factor_set":"{}","rev":{rev},"generated":{generated},"consumed":null,"marginal":null,"unit":"g/kWh","quality":"measured"}}"#,
            start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            self.step,
            self.set,
        );
        let topic = if rev == 1 { Topic::GridIntensity } else { Topic::GridIntensityRestated };
        let event =
            NewEvent { rev: rev.into(), ..event(topic, self.region, self.feed, start, &data) };
        let event = NewEvent { series_key: &series, ..event };
        outbox::write(conn, &[event], now).await.unwrap();
    }

    async fn put_mix(
        &self,
        conn: &mut PgConnection,
        (fetch, now): (i64, DateTime<Utc>),
        start: DateTime<Utc>,
        fuels: &[(&str, &str)],
    ) {
        let end = start + TimeDelta::seconds(self.step.into());
        let mut told = Vec::new();
        for (fuel, mw) in fuels {
            sqlx::query(
                "insert into fuel_mix (feed_id, region_id, start_at, fuel, secs, mw, n_samples, content_hash,
                     first_seen, changed_at, fetch_id)
                 values ($1, $2, $3, $4, $5, $6::numeric, 1, '', now(), now(), $7)",
            )
            .bind(self.feed)
            .bind(self.region)
            .bind(start)
            .bind(fuel)
            .bind(self.step)
            .bind(mw)
            .bind(fetch)
            .execute(&mut *conn)
            .await
            .unwrap();
            sqlx::query(
                "insert into fuel_sample (feed_id, region_id, sampled_at, fuel, mw, content_hash, first_seen,
                     changed_at, fetch_id)
                 values ($1, $2, $3, $4, $5::numeric, '', now(), now(), $6)",
            )
            .bind(self.feed)
            .bind(self.region)
            .bind(end)
            .bind(fuel)
            .bind(mw)
            .bind(fetch)
            .execute(&mut *conn)
            .await
            .unwrap();
            told.push(format!(r#""{fuel}":{mw}"#));
        }
        let data = format!(
            r#"{{"start":"{}","secs":{},"unit":"MW","fuels":{{{}}}}}"#,
            start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            self.step,
            told.join(",")
        );
        let event = event(Topic::GridFuelMix, self.region, self.feed, start, &data);
        outbox::write(conn, &[event], now).await.unwrap();
    }

    /// Stores a forecast and writes its event.
    pub async fn forecast(&self, app: &App, issued: DateTime<Utc>, values: &[&str]) {
        let fetch = self.make(&app.pool).await;
        let mut transaction = app.pool.begin().await.unwrap();
        let mut points = Vec::new();
        for (place, value) in (0..).zip(values) {
            let start = issued + TimeDelta::seconds(i64::from(self.step) * place);
            sqlx::query(
                "insert into carbon_intensity_forecast (feed_id, region_id, factor_set_id, issued_at, start_at,
                     secs, generated, raw_unit, fetch_id, known_at)
                 values ($1, $2, $3, $4, $5, $6, $7::numeric, 'g/kWh', $8, $4)",
            )
            .bind(self.feed)
            .bind(self.region)
            .bind(self.set)
            .bind(issued)
            .bind(start)
            .bind(self.step)
            .bind(value)
            .bind(fetch)
            .execute(&mut *transaction)
            .await
            .unwrap();
            let start = start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            points.push(format!(r#"{{"start":"{start}","secs":{},"value":{value}}}"#, self.step));
        }
        let issued_at = issued.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let data = format!(
            r#"{{"issued_at":"{issued_at}","factor_set":"{}","unit":"g/kWh","points":[{}]}}"#,
            self.set,
            points.join(",")
        );
        let event = event(Topic::GridForecast, self.region, self.feed, issued, &data);
        outbox::write(&mut transaction, &[event], app.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

/// An event of a series that is named like its subject.
pub fn event<'a>(
    topic: Topic,
    subject: &'a str,
    feed_id: &'a str,
    time: DateTime<Utc>,
    data: &str,
) -> NewEvent<'a> {
    let data = RawValue::from_string(data.to_owned()).unwrap();
    NewEvent { topic, subject, series_key: subject, feed_id, time, rev: 1, data }
}

/// Writes one event.
pub async fn write(app: &App, event: NewEvent<'_>) {
    let mut connection = app.pool.acquire().await.unwrap();
    outbox::write(&mut connection, &[event], app.clock.now()).await.unwrap();
}

impl TestServer {
    /// Numbers events for as long as the test runs.
    pub fn relays(&self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(relay::run(self.app.clone(), std::future::pending()))
    }

    /// The first and last numbers of the stream, and how many events have one.
    pub async fn numbered(&self) -> (i64, i64, i64) {
        sqlx::query_as(
            "select coalesce(min(stream_seq), 0), coalesce(max(stream_seq), 0), count(stream_seq) from event_outbox",
        )
        .fetch_one(&self.app.pool)
        .await
        .unwrap()
    }
}
