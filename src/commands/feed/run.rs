//! `trueprice feed run` and `trueprice feed backfill`. With a server at work, that one does it; without
//! one, the command does it itself, under the same lease.

use std::{io::Write as _, process::ExitCode, time::Duration};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use trueprice::{
    app::App,
    audit::Actor,
    db::feeds::{backfills, runs},
    domain::feed::{BackfillState, RunState, TaskKind, Window},
    error::Problem,
    feeds::{
        Secrecy,
        runner::{
            self,
            backfill::Progress,
            orders::{self, History, Ordered, Turn},
        },
    },
};

use super::{FeedCommandError, ids, instant};

/// How often it looks whether the server is done.
const LOOK: Duration = Duration::from_millis(250);

/// Before it goes on with what did not come to its end: its upstream fails, or wants patience.
const REST: Duration = Duration::from_secs(10);

/// What to ask for.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// The feed
    #[arg(value_parser = ids())]
    feed: String,
    /// A scope, such as a region; may be given several times; all that are polled when left out
    #[arg(long)]
    scope: Vec<String>,
    /// From then on: a day, or an instant with an offset; what is due when left out
    #[arg(long, value_parser = instant)]
    from: Option<DateTime<Utc>>,
    /// Until then; until now when left out
    #[arg(long, value_parser = instant, requires = "from")]
    to: Option<DateTime<Utc>>,
    /// Fetch, parse and report; load nothing
    #[arg(long)]
    dry_run: bool,
}

/// Which history, or what to do with a backfill.
#[derive(Debug, Clone, Args)]
pub struct BackfillArguments {
    /// The feed
    #[arg(value_parser = ids(), required_unless_present_any = ["cancel", "pause", "resume"])]
    feed: Option<String>,
    /// From then on: a day, or an instant with an offset
    #[arg(long, value_parser = instant, required_unless_present_any = ["cancel", "pause", "resume"])]
    from: Option<DateTime<Utc>>,
    /// Until then
    #[arg(long, value_parser = instant, required_unless_present_any = ["cancel", "pause", "resume"])]
    to: Option<DateTime<Utc>>,
    /// A scope; may be given several times; all that are polled when left out
    #[arg(long)]
    scope: Vec<String>,
    /// Tell of each slot by an event of its own, also of those older than seven days
    #[arg(long)]
    every_slot: bool,
    /// Wait until it is done; do it where no server does
    #[arg(long)]
    wait: bool,
    /// End a backfill
    #[arg(long, value_name = "ID", conflicts_with_all = ["feed", "pause", "resume"])]
    cancel: Option<i64>,
    /// Let a backfill wait until it is resumed
    #[arg(long, value_name = "ID", conflicts_with_all = ["feed", "resume"])]
    pause: Option<i64>,
    /// Let a backfill go on
    #[arg(long, value_name = "ID", conflicts_with = "feed")]
    resume: Option<i64>,
}

fn named(scopes: &[String]) -> Option<&[String]> {
    Some(scopes).filter(|scopes| !scopes.is_empty())
}

/// The feed, with the key that it needs.
fn ordered<'a>(app: &'a App, feed_id: &str) -> Result<Ordered<'a>, FeedCommandError> {
    let feed = Ordered::of(app, feed_id)?;
    let about = feed.feed.about();
    if about.secrecy == Secrecy::ApiKey && feed.settings.api_key.is_none() {
        return Err(FeedCommandError::NoKey(about.id));
    }
    Ok(feed)
}

/// Runs each scope, and tells what came of it.
pub async fn run(
    app: &App,
    halt: &CancellationToken,
    arguments: RunArguments,
) -> Result<ExitCode, FeedCommandError> {
    let feed = ordered(app, &arguments.feed)?;
    let window = orders::range(arguments.from, arguments.to, app.clock.now())?;
    let scopes = named(&arguments.scope);
    if arguments.dry_run {
        return dry_run(app, &feed, scopes, window).await;
    }
    let run_ids = orders::run(app, &Actor::COMMAND, &feed, scopes, window).await?;
    let mut all_done = true;
    for run_id in run_ids {
        let (scope, state, totals) = until_ended(app, halt, &feed, run_id).await?;
        all_done &= state == RunState::Done.as_str();
        report(&feed, &scope, &state, &totals)?;
    }
    Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for the end of a run; does it where nobody else does.
async fn until_ended(
    app: &App,
    halt: &CancellationToken,
    feed: &Ordered<'_>,
    run_id: i64,
) -> Result<(String, String, Value), FeedCommandError> {
    let mut pause = Duration::ZERO;
    loop {
        let mut conn = app.pool.acquire().await?;
        let run = runs::find(&mut conn, run_id).await?;
        drop(conn);
        let Some(run) = run else {
            return Err(Problem::not_found(format!("there is no run {run_id}")).into());
        };
        let is_open = [RunState::Queued, RunState::Running].iter().any(|s| s.as_str() == run.state);
        if !is_open || halt.is_cancelled() {
            return Ok((run.scope, run.state, run.totals));
        }
        let place = (feed.id(), &*run.scope);
        tokio::time::sleep(pause).await;
        let did = runner::take_part(app, halt, place, TaskKind::Manual).await?;
        pause = if did { REST } else { LOOK };
    }
}

async fn dry_run(
    app: &App,
    feed: &Ordered<'_>,
    scopes: Option<&[String]>,
    window: Option<Window>,
) -> Result<ExitCode, FeedCommandError> {
    let mut conn = app.pool.acquire().await?;
    let scopes = feed.scopes(&mut conn, scopes).await?;
    drop(conn);
    let mut all_done = true;
    for scope in scopes {
        let (totals, error) = runner::dry_run(app, (feed.id(), &scope.scope), window).await?;
        all_done &= error.is_none();
        let state = if error.is_none() { "read, not loaded" } else { "failed" };
        report(feed, &scope.scope, state, &totals.to_json(error.as_deref()))?;
    }
    Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(
    feed: &Ordered<'_>,
    scope: &str,
    state: &str,
    totals: &Value,
) -> Result<(), FeedCommandError> {
    let count = |name: &str| totals[name].as_u64().unwrap_or_default();
    let error = totals["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
    writeln!(
        std::io::stdout(),
        "{} {scope}: {state}, {} pages, {} new, {} changed, {} same, {} rejected, {} findings{error}",
        feed.id(),
        count("pages"),
        count("new"),
        count("changed"),
        count("same"),
        count("rejected"),
        count("findings"),
    )?;
    Ok(())
}

/// Lets history be fetched, or turns a backfill.
pub async fn backfill(
    app: &App,
    halt: &CancellationToken,
    arguments: BackfillArguments,
) -> Result<ExitCode, FeedCommandError> {
    let turns = [
        (arguments.cancel, Turn::Cancel),
        (arguments.pause, Turn::Pause),
        (arguments.resume, Turn::Resume),
    ];
    for (id, turn) in turns {
        if let Some(id) = id {
            orders::turn(app, &Actor::COMMAND, None, id, turn).await?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    let (Some(feed), Some(from), Some(to)) = (&arguments.feed, arguments.from, arguments.to) else {
        return Ok(ExitCode::from(super::USAGE));
    };
    let feed = ordered(app, feed)?;
    let window = Window::new(from, to)
        .map_err(|empty| Problem::bad_parameter("from", &from.to_rfc3339(), empty))?;
    let scopes = named(&arguments.scope);
    let history = History { window, every_slot: arguments.every_slot };
    let ids = orders::backfill(app, &Actor::COMMAND, &feed, scopes, history).await?;
    if !arguments.wait {
        let list: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let list = list.join(", ");
        writeln!(std::io::stdout(), "queued for a server that polls: backfill {list}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut all_done = true;
    for id in ids {
        all_done &= until_done(app, halt, id).await?;
    }
    Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for the end of a backfill; does it where nobody else does. Whether it came to its end.
async fn until_done(
    app: &App,
    halt: &CancellationToken,
    id: i64,
) -> Result<bool, FeedCommandError> {
    let mut pause = Duration::ZERO;
    loop {
        let mut conn = app.pool.acquire().await?;
        let row = backfills::find(&mut conn, id).await?;
        drop(conn);
        let Some(row) = row else { return Ok(false) };
        let progress = Progress::of(&row);
        let waits = [BackfillState::Queued, BackfillState::Running].contains(&progress.state);
        if !waits || halt.is_cancelled() {
            let rows = row.rows_new + row.rows_changed + row.rows_same;
            let error = row.last_error.map(|error| format!(": {error}")).unwrap_or_default();
            let (scope, state) = (row.scope, progress.state);
            writeln!(std::io::stdout(), "backfill {id} {scope}: {state}, {rows} rows{error}")?;
            return Ok(progress.state == BackfillState::Done);
        }
        let place = (&*row.feed_id, &*row.scope);
        tokio::time::sleep(pause).await;
        let did = runner::take_part(app, halt, place, TaskKind::Backfill).await?;
        pause = if did { REST } else { LOOK };
    }
}
