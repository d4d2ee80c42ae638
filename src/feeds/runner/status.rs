//! How scopes fare, and telling of it when it changes.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json, value::to_raw_value};
use sqlx::PgConnection;

use super::plan::FAILS;
use crate::{
    app::App,
    db::feeds::{
        outbox::{self, NewEvent},
        registry,
        status::{self, ScopeInfo},
        tasks::Task,
    },
    domain::feed::{FetchClass, ScopeState, Topic},
    feeds::Settings,
};

/// How a scope fares that is polled.
#[must_use]
pub fn state(row: &ScopeInfo, settings: &Settings, now: DateTime<Utc>) -> ScopeState {
    let class = row.last_class.as_deref().and_then(|class| class.parse().ok());
    let poll = TimeDelta::from_std(settings.poll_every).unwrap_or(TimeDelta::MAX);
    let late = settings.expected_lag.checked_mul(2).and_then(|lag| lag.checked_add(&poll));
    let lag = row.lag(now);
    match class.unwrap_or(FetchClass::Ok) {
        _ if row.paused => ScopeState::Paused,
        FetchClass::Auth => ScopeState::Auth,
        FetchClass::ClientError | FetchClass::TooLarge | FetchClass::Config => ScopeState::Failing,
        _ if row.fail_count >= FAILS => ScopeState::Failing,
        _ if row.last_ok.is_none() && row.high_water.is_none() => ScopeState::Waiting,
        _ if lag.is_some_and(|lag| late.is_some_and(|late| lag > late)) => ScopeState::Late,
        _ => ScopeState::Ok,
    }
}

/// Finds out how a scope fares after a run, and tells of it if that is news. What somebody must mend is
/// logged as an error, once. To be called when the end of the run is written down.
pub async fn judge(app: &App, conn: &mut PgConnection, task: &Task) -> sqlx::Result<()> {
    let place = (&*task.feed_id, &*task.scope);
    let row = status::scope(conn, place).await?;
    let Some((row, settings)) = row.zip(app.config.feeds.of(place.0)) else { return Ok(()) };
    let now = app.clock.now();
    let found = state(&row, settings, now);
    let before = registry::state(conn, place.0, place.1).await?;
    if before.as_deref() == Some(found.as_str()) {
        // Nobody is told again and again of what fails for long.
        let is_open = [ScopeState::Waiting, ScopeState::Ok, ScopeState::Late].contains(&found);
        if is_open && (row.last_error.is_some() || task.fail_count > 0) {
            tell(conn, place, found, None, now).await?;
        }
        return Ok(());
    }
    let (feed, scope, error) = (place.0, place.1, row.last_error.as_deref().unwrap_or_default());
    match found {
        ScopeState::Auth => tracing::error!(%feed, %scope, error, "the key of a feed is refused"),
        ScopeState::Failing => tracing::error!(%feed, %scope, error, "a feed fails"),
        _ => tracing::info!(%feed, %scope, state = %found, "a feed fares otherwise"),
    }
    tell(conn, place, found, None, now).await
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
    let row = status::scope(conn, place).await?.ok_or(sqlx::Error::RowNotFound)?;
    let rev = registry::tell(conn, feed_id, scope, state.as_str()).await?;
    let data = json!({
        "scope": scope, "state": state, "lag_seconds": row.lag(now).map(|lag| lag.num_seconds()),
        "failures": row.fail_count, "error": row.last_error, "error_at": row.error_at(),
        "backfill": backfill,
    });
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
    let state = state.and_then(|state| state.parse().ok()).unwrap_or(ScopeState::Waiting);
    tell(conn, place, state, Some(backfill), now).await
}
