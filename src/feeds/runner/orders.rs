//! What people ask for: runs, backfills, pauses. Written down, with who asked; done by whoever polls.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    backfill::{self, Wish},
    status,
    work::{history_start, scope_of},
};
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::feeds::{
        backfills::{self, BackfillRow},
        registry, runs, status as rows, tasks,
    },
    domain::{
        feed::{BackfillState, TaskKind, Window},
        words,
    },
    error::{Problem, Result},
    feeds::{Feed, Scope, Settings, find},
};

/// A feed with its settings.
#[derive(Debug, Clone, Copy)]
pub struct Ordered<'a> {
    /// The feed.
    pub feed: &'static dyn Feed,
    /// Its settings.
    pub settings: &'a Settings,
}

impl<'a> Ordered<'a> {
    /// The feed with an id. Fails where there is none.
    pub fn of(app: &'a App, feed_id: &str) -> Result<Self> {
        let settings = app.config.feeds.of(feed_id);
        match find(feed_id).zip(settings) {
            Some((feed, settings)) => Ok(Self { feed, settings }),
            None => Err(Problem::not_found(format!("there is no feed {feed_id}"))),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.feed.about().id
    }

    /// The named scopes, or all that are polled. Fails where one is not known.
    pub async fn scopes(
        &self,
        conn: &mut PgConnection,
        named: Option<&[String]>,
    ) -> Result<Vec<Scope>> {
        let all = registry::scopes(conn, self.id()).await?;
        let Some(named) = named else {
            return Ok(all.into_iter().filter(|row| row.enabled).map(scope_of).collect());
        };
        if let Some(unknown) = named.iter().find(|name| all.iter().all(|row| row.scope != **name)) {
            let known: Vec<&str> = all.iter().map(|row| &*row.scope).collect();
            let wanted = format!("known are {}", known.join(", "));
            return Err(Problem::bad_parameter("scopes", unknown, wanted));
        }
        Ok(all.into_iter().filter(|row| named.contains(&row.scope)).map(scope_of).collect())
    }
}

/// The range that is asked for; without an end until now. Fails where it holds nothing.
pub fn range(
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<Window>> {
    let Some(from) = from else {
        return match to {
            None => Ok(None),
            Some(to) => Err(Problem::bad_parameter("to", &to.to_rfc3339(), "give from with it")),
        };
    };
    let window = Window::new(from, to.unwrap_or(now));
    window.map(Some).map_err(|empty| Problem::bad_parameter("from", &from.to_rfc3339(), empty))
}

/// Lets a run of each scope wait for a server. Gives their numbers.
pub async fn run(
    app: &App,
    actor: &Actor,
    feed: &Ordered<'_>,
    scopes: Option<&[String]>,
    window: Option<Window>,
) -> Result<Vec<i64>> {
    let now = app.clock.now();
    if window.is_some() {
        refuse_present(feed)?;
    }
    let mut tx = app.pool.begin().await?;
    let scopes = feed.scopes(&mut tx, scopes).await?;
    refuse_none(feed, &scopes)?;
    let mut run_ids = Vec::new();
    for scope in &scopes {
        let place = (feed.id(), &*scope.scope);
        let range = (window.map(Window::from), window.map(Window::to));
        run_ids.push(runs::queue(&mut tx, place, range, actor.user_id, now).await?);
        tasks::make_due(&mut tx, place.0, place.1, TaskKind::Manual, now).await?;
    }
    let names: Vec<&str> = scopes.iter().map(|scope| &*scope.scope).collect();
    let detail = json!({ "scopes": names, "from": window.map(Window::from), "to": window.map(Window::to), "run_ids": run_ids });
    let act = Act::done(Action::FeedRun).to("feed", feed.id()).with(detail);
    audit::write(app, &mut tx, actor, act).await?;
    tx.commit().await?;
    Ok(run_ids)
}

fn refuse_none(feed: &Ordered<'_>, scopes: &[Scope]) -> Result<()> {
    if !scopes.is_empty() {
        return Ok(());
    }
    let detail = format!("{} has no scope that is polled; name one with scopes", feed.id());
    Err(Problem::new(StatusCode::CONFLICT, "feed_off", detail))
}

/// There is nothing to ask for but what is now.
fn refuse_present(feed: &Ordered<'_>) -> Result<()> {
    if feed.feed.has_history() {
        return Ok(());
    }
    let detail = format!(
        "{} has no history: its upstream tells what is so when it is asked, and nothing of before",
        feed.id()
    );
    Err(Problem::new(StatusCode::CONFLICT, "no_history", detail))
}

/// A piece of history.
#[derive(Debug, Clone, Copy)]
pub struct History {
    /// From when until when.
    pub window: Window,
    /// Whether each slot has an event of its own, however old it is.
    pub every_slot: bool,
}

/// Lets the history of each scope wait for a server. Gives the numbers of the backfills that cover it.
pub async fn backfill(
    app: &App,
    actor: &Actor,
    feed: &Ordered<'_>,
    scopes: Option<&[String]>,
    History { window, every_slot }: History,
) -> Result<Vec<i64>> {
    let now = app.clock.now();
    refuse_present(feed)?;
    let mut tx = app.pool.begin().await?;
    let scopes = feed.scopes(&mut tx, scopes).await?;
    refuse_none(feed, &scopes)?;
    let mut ids = Vec::new();
    for scope in &scopes {
        let window = within_history(feed.settings, scope, window, now)?;
        let wish = Wish {
            feed: feed.feed,
            settings: feed.settings,
            scope,
            window,
            requested_by: actor.user_id,
            by_hand: true,
            every_slot,
        };
        ids.extend(backfill::queue(&mut tx, &wish, now).await?);
    }
    let names: Vec<&str> = scopes.iter().map(|scope| &*scope.scope).collect();
    let detail = json!({
        "scopes": names, "from": window.from(), "to": window.to(), "every_slot": every_slot, "backfill_ids": ids
    });
    let act = Act::done(Action::FeedBackfill).to("feed", feed.id()).with(detail);
    audit::write(app, &mut tx, actor, act).await?;
    tx.commit().await?;
    Ok(ids)
}

/// As far as there is history. Fails where that is nothing.
fn within_history(
    settings: &Settings,
    scope: &Scope,
    window: Window,
    now: DateTime<Utc>,
) -> Result<Window> {
    let start = history_start(settings, scope);
    let history = Window::new(start, now).ok().and_then(|history| history.meet(window));
    history.ok_or_else(|| {
        let wanted = format!(
            "the history of {} that is wanted begins at {} and ends now",
            scope.scope,
            start.to_rfc3339()
        );
        Problem::bad_parameter("from", &window.from().to_rfc3339(), wanted)
    })
}

words! {
    /// What to do with a backfill.
    Turn("something to do with a backfill", exact) {
        /// Let it wait until it is resumed.
        Pause = "pause",
        /// Let it go on.
        Resume = "resume",
        /// End it.
        Cancel = "cancel",
    }
}

impl Turn {
    /// From which states to which.
    const fn states(self) -> (&'static [&'static str], BackfillState) {
        match self {
            Self::Pause => (&["queued", "running"], BackfillState::Paused),
            Self::Resume => (&["paused", "failed"], BackfillState::Queued),
            Self::Cancel => (&["queued", "running", "paused", "failed"], BackfillState::Cancelled),
        }
    }
}

/// Pauses, resumes or ends a backfill; of a feed where one is named. Doing it again changes nothing.
pub async fn turn(
    app: &App,
    actor: &Actor,
    feed_id: Option<&str>,
    backfill_id: i64,
    turn: Turn,
) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.pool.begin().await?;
    let row = backfills::find(&mut tx, backfill_id).await?;
    let row = row.filter(|row| feed_id.is_none_or(|feed_id| row.feed_id == feed_id));
    let Some(row) = row else {
        return Err(Problem::not_found(format!("there is no backfill {backfill_id}")));
    };
    let (from, to) = turn.states();
    // First, as loading does: nobody waits in a circle.
    tasks::make_due(&mut tx, &row.feed_id, &row.scope, TaskKind::Backfill, now).await?;
    if !backfills::turn(&mut tx, backfill_id, from, to.as_str(), now).await? {
        return refuse_turn(&row, to);
    }
    let detail = json!({ "backfill": backfill_id, "scope": row.scope, "state": { "before": row.state, "after": to } });
    let act = Act::done(Action::FeedBackfill).to("feed", &row.feed_id).with(detail);
    audit::write(app, &mut tx, actor, act).await?;
    if let Some(row) = backfills::find(&mut tx, backfill_id).await? {
        let progress = json!(backfill::Progress::of(&row));
        status::tell_progress(&mut tx, (&row.feed_id, &row.scope), progress, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// It is so already, or it is at its end.
fn refuse_turn(row: &BackfillRow, to: BackfillState) -> Result<()> {
    if row.state == to.as_str() || to == BackfillState::Queued && backfill::is_wanted(row) {
        return Ok(());
    }
    let detail = format!("backfill {} is {}: that cannot be changed", row.backfill_id, row.state);
    Err(Problem::new(StatusCode::CONFLICT, "backfill_ended", detail))
}

/// Pauses or resumes what a feed does by itself.
pub async fn pause(app: &App, actor: &Actor, feed: &Ordered<'_>, paused: bool) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.pool.begin().await?;
    let mut scopes = tasks::pause(&mut tx, feed.id(), paused).await?;
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() {
        return Ok(());
    }
    for scope in &scopes {
        let place = (feed.id(), &**scope);
        if let Some(row) = rows::scope(&mut tx, place).await? {
            let state = status::state(&row, feed.settings, now);
            status::tell(&mut tx, place, state, None, now).await?;
        }
    }
    let act = Act::done(Action::FeedPaused)
        .to("feed", feed.id())
        .with(json!({ "paused": paused, "scopes": scopes }));
    audit::write(app, &mut tx, actor, act).await?;
    tx.commit().await?;
    Ok(())
}
