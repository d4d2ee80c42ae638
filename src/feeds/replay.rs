//! From kept documents every row can be made again: the answers of a scope are parsed and loaded anew,
//! in the order in which they once were, beside the stored rows, and the two are compared.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    Ask, BadBody, Feed, PageRef, Scope, Settings,
    load::{self, LoadError, Page},
    runner,
};
use crate::{
    app::App,
    db::feeds::{
        registry,
        replay::{self as store, Compared, LoadedFetch, Whose},
    },
    domain::feed::{TaskKind, Window},
    objects::StoreError,
};

/// Answers asked for at a time.
const BATCH: i64 = 500;

/// Why a scope cannot be made again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The database is away, or does not let its user make temporary tables.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A document is away or damaged.
    #[error("the document of fetch {0}: {1}")]
    Store(i64, StoreError),
    /// Today's parser refuses a document.
    #[error("the document of fetch {0} is refused today: {1}")]
    Refused(i64, BadBody),
    /// Rows cannot be loaded.
    #[error("the rows of fetch {0}: {1}")]
    Load(i64, LoadError),
    /// A record of a fetch lacks what is needed.
    #[error("fetch {0} has no document, or no window")]
    Lacks(i64),
}

/// What came of a scope.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Documents that were read.
    pub documents: u64,
    /// Documents that were let go: a later one holds the same keys.
    pub expired: u64,
    /// How its rows compare, table by table.
    pub tables: Vec<Compared>,
}

/// Makes all rows of a scope again and compares them with the stored ones.
pub async fn scope(
    app: &App,
    conn: &mut PgConnection,
    feed: &'static dyn Feed,
    settings: &Settings,
    scope: &Scope,
) -> Result<Replayed, ReplayError> {
    store::begin(conn).await?;
    let place = (feed.about().id, &*scope.scope);
    let (mut done, mut last) = (Replayed::default(), None);
    loop {
        let batch = store::loaded(&app.pool, place, last, BATCH).await?;
        let Some(end) = batch.last() else { break };
        last = Some((end.loaded_at, end.fetch_id));
        for fetch in &batch {
            if fetch.is_expired {
                done.expired += 1;
                continue;
            }
            page(app, conn, (feed, settings, scope), fetch).await?;
            done.documents += 1;
        }
    }
    let whose = Whose {
        feed_id: place.0,
        region_id: scope.region_id.as_deref(),
        meter_id: scope.meter.as_ref().map(|meter| &*meter.meter_id),
        tariff_code: scope.tariff_code.as_deref(),
    };
    done.tables = store::compare(conn, whose).await?;
    Ok(done)
}

/// Parses and loads one document again, as of then.
async fn page(
    app: &App,
    conn: &mut PgConnection,
    (feed, settings, scope): (&'static dyn Feed, &Settings, &Scope),
    fetch: &LoadedFetch,
) -> Result<(), ReplayError> {
    let id = fetch.fetch_id;
    let window = Window::new(fetch.from_at, fetch.to_at).map_err(|_| ReplayError::Lacks(id))?;
    let sha256 = fetch.document.ok_or(ReplayError::Lacks(id))?;
    let body = app.documents.get(sha256).await.map_err(|error| ReplayError::Store(id, error))?;
    let page = page_ref(fetch).ok_or(ReplayError::Lacks(id))?;
    let ask = Ask { settings, scope, window, page: &page, now: fetch.fetched_at };
    let parsed = feed.parse(&body, &ask).map_err(|bad| ReplayError::Refused(id, bad))?;
    let known_at: DateTime<Utc> = fetch.loaded_at;
    let page = Page {
        feed,
        settings,
        scope,
        window,
        fetch_id: id,
        fetched_at: fetch.fetched_at,
        known_at,
        now: known_at,
        task_kind: fetch.task_kind.parse().unwrap_or(TaskKind::Backfill),
        every_slot: false,
    };
    let loaded = load::load(conn, &page, parsed.records).await;
    loaded.map(drop).map_err(|error| ReplayError::Load(id, error))
}

/// By what a page was asked: what a page is of may be told by its link alone.
fn page_ref(fetch: &LoadedFetch) -> Option<PageRef> {
    let number = u32::try_from(fetch.page).ok()?;
    let told = fetch.page_ref.clone().and_then(|told| serde_json::from_value(told).ok());
    Some(told.unwrap_or(PageRef::Number(number)))
}

/// The feeds and scopes that there are, those that are off among them.
pub async fn scopes(app: &App) -> sqlx::Result<Vec<(&'static dyn Feed, &Settings, Scope)>> {
    let mut conn = app.pool.acquire().await?;
    let mut all = Vec::new();
    for settings in &app.config.feeds.each {
        let Some(feed) = super::find(settings.feed.id) else { continue };
        for row in registry::scopes(&mut conn, settings.feed.id).await? {
            all.push((feed, settings, runner::scope_of(row)));
        }
    }
    Ok(all)
}
