//! Loads pages without an upstream: bytes or rows, as the feed of the test would bring them.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgPool};
use trueprice::{
    app::App,
    db::feeds::{
        registry::{self, FeedRow},
        turn,
    },
    domain::feed::{TaskKind, Window},
    feeds::{
        Ask, Feed, PageRef, Records, Scope, Settings,
        load::{self, Loaded, Page},
    },
};

use super::TestServer;

/// One scope of one feed.
pub struct Loader {
    app: App,
    owner: PgPool,
    feed: &'static dyn Feed,
    /// Of the feed; to be changed by the test.
    pub settings: Settings,
    /// Whose rows.
    pub scope: Scope,
    /// Why pages are asked for.
    pub task_kind: TaskKind,
    /// Which windows parsers are told.
    pub window: Window,
    /// When pages are fetched; none: now.
    pub fetched_at: Option<DateTime<Utc>>,
}

/// An instant.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The settings of a feed that nobody set.
pub fn settings(feed: &dyn Feed) -> Settings {
    Settings { enabled: true, ..Settings::unset(feed.about()) }
}

impl Loader {
    /// A feed whose rows are of a region.
    pub async fn of_region(
        server: &TestServer,
        feed: &'static dyn Feed,
        scope: &str,
        region: &str,
    ) -> Self {
        Self::of(server, feed, Scope::region(scope, region, at("2015-01-01T00:00:00Z"))).await
    }

    /// A feed and its scope, made in the database.
    pub async fn of(server: &TestServer, feed: &'static dyn Feed, scope: Scope) -> Self {
        let settings = settings(feed);
        let about = feed.about();
        let mut conn = server.owner.acquire().await.unwrap();
        for set in &settings.factor_sets {
            registry::put_factor_set(&mut conn, set, about.provider).await.unwrap();
        }
        let row = FeedRow {
            feed_id: about.id,
            provider: about.provider,
            step_secs: about.step_secs.map(|step| i32::try_from(step).unwrap()),
            time_semantics: about.time_semantics.as_str(),
            primary_metric: about.primary_metric,
            not_before: settings.not_before,
            look_back: 0.0,
            poll_every: 60.0,
            expected_lag: 60.0,
            enabled: true,
            default_factor_set: settings.default_factor_set(),
            attribution: about.attribution,
            config: serde_json::json!({}),
        };
        registry::put_feed(&mut conn, &row, true).await.unwrap();
        sqlx::query(
            "insert into feed_scope (feed_id, scope, region_id, meter_id, tariff_code, first_available, enabled)
             values ($1, $2, $3, $4, $5, $6, true) on conflict do nothing",
        )
        .bind(about.id)
        .bind(&scope.scope)
        .bind(&scope.region_id)
        .bind(scope.meter.as_ref().map(|meter| &meter.meter_id))
        .bind(&scope.tariff_code)
        .bind(scope.first_available)
        .execute(&mut *conn)
        .await
        .unwrap();
        Self {
            app: server.app.clone(),
            owner: server.owner.clone(),
            feed,
            settings,
            scope,
            task_kind: TaskKind::Live,
            window: Window::new(at("2000-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z")).unwrap(),
            fetched_at: None,
        }
    }

    /// Parses bytes as a page of a window, without loading them.
    pub fn parse(&self, body: &[u8], page: u32) -> Records {
        let (settings, scope, now) = (&self.settings, &self.scope, self.app.clock.now());
        let ask = Ask { settings, scope, window: self.window, page: &PageRef::Number(page), now };
        self.feed.parse(body, &ask).unwrap().records
    }

    /// Parses bytes as the first page of a window, and loads them.
    pub async fn load(&self, body: &[u8]) -> Loaded {
        self.put(self.parse(body, 1)).await.0
    }

    /// Loads rows; tells when they are known.
    pub async fn put(&self, records: Records) -> (Loaded, DateTime<Utc>) {
        let now = self.app.clock.now();
        let fetched_at = self.fetched_at.unwrap_or(now);
        let (fetch_id, scope_no) = self.fetch(fetched_at).await;
        let mut tx = self.app.pool.begin().await.unwrap();
        let known_at = turn::take(&mut tx, scope_no).await.unwrap();
        let page = Page {
            feed: self.feed,
            settings: &self.settings,
            scope: &self.scope,
            window: self.window,
            fetch_id,
            fetched_at,
            known_at,
            now,
            task_kind: self.task_kind,
            every_slot: false,
        };
        let loaded = load::load(&mut tx, &page, records).await.unwrap();
        tx.commit().await.unwrap();
        (loaded, known_at)
    }

    /// Notes a fetch; tells its id and that of the scope's turn.
    async fn fetch(&self, fetched_at: DateTime<Utc>) -> (i64, i32) {
        sqlx::query_as(
            "with run as (
                 insert into feed_run (feed_id, scope, task_kind, requested_at, state)
                 values ($1, $2, $3, $4, 'running') returning run_id
             ), fetched as (
                 insert into feed_fetch (run_id, feed_id, scope, task_kind, url_redacted, request_key, page, attempt,
                                         class, fetched_at, duration_ms, parser_version, lease_epoch)
                 select run_id, $1, $2, $3, 'http://upstream/', '\\x00', 1, 1, 'ok', $4, 1, 1, 1 from run
                 returning fetch_id
             )
             select fetch_id, scope_no from fetched, feed_scope where feed_id = $1 and scope = $2",
        )
        .bind(self.feed.about().id)
        .bind(&self.scope.scope)
        .bind(self.task_kind.as_str())
        .bind(fetched_at)
        .fetch_one(&self.owner)
        .await
        .unwrap()
    }
}

/// The first column of the first row of a question, as text.
pub async fn one(pool: &PgPool, question: &str) -> String {
    let question = AssertSqlSafe(format!("select (q.*)::text from ({question}) q"));
    let row: Option<String> = sqlx::query_scalar(question).fetch_optional(pool).await.unwrap();
    row.unwrap_or_default()
}

/// A count.
pub async fn count(pool: &PgPool, of: &str) -> i64 {
    let question = AssertSqlSafe(format!("select count(*) from {of}"));
    sqlx::query_scalar(question).fetch_one(pool).await.unwrap()
}
