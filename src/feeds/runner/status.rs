//! How scopes fare, and telling of it when it changes.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json, value::to_raw_value};
use sqlx::PgConnection;

use super::plan::FAILS;
use crate::{
    app::App,
    db::feeds::{
        outbox::{self, NewEvent},
        progress, registry,
        tasks::{self, Task},
    },
    domain::feed::{FetchClass, ScopeState, Topic},
    feeds::Settings,
};

/// How a scope fares after a run that ended with `class`.
#[must_use]
pub fn state(
    class: FetchClass,
    fail_count: i32,
    lag: Option<TimeDelta>,
    settings: &Settings,
) -> ScopeState {
    let poll = TimeDelta::from_std(settings.poll_every).unwrap_or(TimeDelta::MAX);
    let late = settings.expected_lag.checked_mul(2).and_then(|lag| lag.checked_add(&poll));
    match class {
        FetchClass::Auth => ScopeState::Auth,
        FetchClass::ClientError | FetchClass::TooLarge | FetchClass::Config => ScopeState::Failing,
        _ if fail_count >= FAILS => ScopeState::Failing,
        _ if lag.is_some_and(|lag| late.is_some_and(|late| lag > late)) => ScopeState::Late,
        _ => ScopeState::Ok,
    }
}

/// Finds out how a scope fares after a run, and tells of it if that is news. What somebody must mend is
/// logged as an error, once.
pub async fn judge(
    app: &App,
    conn: &mut PgConnection,
    task: &Task,
    class: FetchClass,
    fail_count: i32,
    error: Option<&str>,
) -> sqlx::Result<()> {
    let Some(settings) = app.config.feeds.of(&task.feed_id) else { return Ok(()) };
    let now = app.clock.now();
    let place = (&*task.feed_id, &*task.scope);
    let lag = lag(conn, place, now).await?;
    let is_paused = tasks::is_paused(conn, place.0, place.1).await?;
    let found = match state(class, fail_count, lag, settings) {
        _ if is_paused => ScopeState::Paused,
        found => found,
    };
    let before = registry::state(conn, place.0, place.1).await?;
    if before.as_deref() == Some(found.as_str()) {
        return Ok(());
    }
    let (feed, scope, error) = (place.0, place.1, error.unwrap_or_default());
    match found {
        ScopeState::Auth => tracing::error!(%feed, %scope, error, "the key of a feed is refused"),
        ScopeState::Failing => tracing::error!(%feed, %scope, error, "a feed fails"),
        _ => tracing::info!(%feed, %scope, state = %found, "a feed fares otherwise"),
    }
    tell(conn, place, found, None, now).await
}

/// How old the newest slot of a scope is; none where it has none.
pub async fn lag(
    conn: &mut PgConnection,
    place: (&str, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<Option<TimeDelta>> {
    let mark = progress::read(conn, place).await?;
    Ok(mark.and_then(|mark| mark.high_water).map(|high_water| now - high_water))
}

/// Tells how a scope fares, with how far a backfill came where that is the news.
pub async fn tell(
    conn: &mut PgConnection,
    place: (&str, &str),
    state: ScopeState,
    backfill: Option<Value>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (feed_id, scope) = place;
    let lag = lag(conn, place, now).await?.map(|lag| lag.num_seconds());
    let rev = registry::tell(conn, feed_id, scope, state.as_str()).await?;
    let data = json!({ "scope": scope, "state": state, "lag_seconds": lag, "backfill": backfill });
    let data = to_raw_value(&data).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let series_key = format!("{feed_id}/{scope}");
    let event = NewEvent {
        topic: Topic::FeedStatus,
        subject: feed_id,
        series_key: &series_key,
        feed_id,
        time: now,
        rev,
        data,
    };
    outbox::write(conn, &[event], now).await
}

/// The same, in the state that was last told.
pub async fn tell_progress(
    conn: &mut PgConnection,
    place: (&str, &str),
    backfill: Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let state = registry::state(conn, place.0, place.1).await?;
    let state = state.and_then(|state| state.parse().ok()).unwrap_or(ScopeState::New);
    tell(conn, place, state, Some(backfill), now).await
}
