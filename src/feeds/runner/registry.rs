//! The feeds, scopes and tasks in the database are those of code and settings.

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{
    app::App,
    db::feeds::registry::{self, FeedRow},
    feeds::{FEEDS, Feed, Secrecy, Settings, find},
};

/// Whose settings count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// Ours: we poll.
    Settle,
    /// Those of whoever polls; only what is not there at all is made.
    Ensure,
}

/// Writes down every feed, its sets of factors, scopes and tasks.
pub async fn sync(app: &App, how: Upkeep) -> sqlx::Result<()> {
    let mut tx = app.pool.begin().await?;
    for settings in &app.config.feeds.each {
        if let Some(feed) = find(settings.feed.id) {
            put(&mut tx, feed, settings, how == Upkeep::Settle).await?;
        }
    }
    registry::choose_default_feeds(&mut tx, &by_openness()).await?;
    tx.commit().await?;
    settle_tasks(app).await
}

/// The feeds, those first that need no key.
fn by_openness() -> Vec<String> {
    let mut abouts: Vec<_> = FEEDS.iter().map(|feed| feed.about()).collect();
    abouts.sort_by_key(|about| about.secrecy != Secrecy::Open);
    abouts.into_iter().map(|about| about.id.to_owned()).collect()
}

/// Gives scopes their tasks, also those that documents told of since the last time.
pub async fn settle_tasks(app: &App) -> sqlx::Result<()> {
    let swept = FEEDS.iter().map(|feed| feed.about()).filter(|about| about.sweep.is_some());
    let swept: Vec<String> = swept.map(|about| about.id.to_owned()).collect();
    let mut conn = app.pool.acquire().await?;
    registry::settle_tasks(&mut conn, &swept, app.clock.now()).await
}

async fn put(
    conn: &mut PgConnection,
    feed: &'static dyn Feed,
    settings: &Settings,
    settle: bool,
) -> sqlx::Result<()> {
    let about = feed.about();
    for factor_set in &settings.factor_sets {
        registry::put_factor_set(conn, factor_set, about.provider).await?;
    }
    registry::put_feed(conn, &row(settings), settle).await?;
    for scope in feed.scopes(settings) {
        let named = settings.scopes.as_ref();
        let wanted = named.is_none_or(|named| named.contains(&scope.scope));
        let of = (&*scope.scope, scope.region_id.as_deref(), scope.first_available);
        registry::put_scope(conn, about.id, of, settings.enabled && wanted, settle).await?;
    }
    if settle {
        let named = settings.scopes.as_deref();
        registry::choose_scopes(conn, about.id, settings.enabled, named).await?;
    }
    Ok(())
}

fn row(settings: &Settings) -> FeedRow<'_> {
    let about = settings.feed;
    FeedRow {
        feed_id: about.id,
        provider: about.provider,
        step_secs: about.step_secs.and_then(|step| i32::try_from(step).ok()),
        time_semantics: about.time_semantics.as_str(),
        primary_metric: about.primary_metric,
        not_before: settings.not_before,
        look_back: settings.look_back.as_seconds_f64(),
        poll_every: settings.poll_every.as_secs_f64(),
        expected_lag: settings.expected_lag.as_seconds_f64(),
        enabled: settings.enabled,
        default_factor_set: settings.default_factor_set(),
        attribution: about.attribution,
        config: config(settings),
    }
}

/// The settings in force. Neither keys nor whose account it is.
fn config(settings: &Settings) -> Value {
    json!({
        "base_url": settings.base_url,
        "allowed_hosts": settings.allowed_hosts,
        "window_seconds": settings.window.num_seconds(),
        "page_size": settings.page_size,
        "scopes": settings.scopes,
        "factor_sets": settings.factor_sets,
        "filter_upstream": settings.filter_upstream,
        "payment_method": settings.payment_method,
        "gas_in_m3": settings.gas_in_m3,
        "has_api_key": settings.api_key.is_some(),
        "has_account": settings.account.is_some(),
    })
}
