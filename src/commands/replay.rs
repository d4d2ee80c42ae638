//! `trueprice replay`: reads every kept document again and compares every stored point and row with it.

use std::{io::Write as _, process::ExitCode};

use trueprice::{
    app::App,
    config::Config,
    db::{feeds::replay as beside, pool::Sharing, versions},
    feeds::replay::{self as feeds, Replayed},
    intake::replay,
};

use super::{Outcome, Parts};

/// Versions asked for at a time.
const PAGE: i64 = 500;

/// Status 0 only when every version and every row of a feed is what its documents say; a line for each
/// version that is not, and for each table of a scope.
pub async fn run(config: Config) -> Outcome {
    let parts = Box::pin(Parts::open(config, Sharing::Joining)).await?;
    let outcome = both(&parts.app).await;
    parts.database.close().await;
    outcome
}

async fn both(app: &App) -> Outcome {
    let versions = replay_all(app).await?;
    let rows = replay_feeds(app).await?;
    Ok(if versions && rows { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the rows of every scope again, beside those that are stored.
async fn replay_feeds(app: &App) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let scopes = feeds::scopes(app).await?;
    if scopes.is_empty() {
        return Ok(true);
    }
    let mut conn = beside::beside(&app.pool).await?;
    let (mut documents, mut rows, mut wrong) = (0, 0, 0);
    for (feed, settings, scope) in scopes {
        let place = format!("{} {}", feed.about().id, scope.scope);
        match feeds::scope(app, &mut conn, feed, settings, &scope).await {
            Ok(done) => {
                documents += done.documents;
                rows += done.tables.iter().map(|table| table.same).sum::<i64>();
                wrong += tell(&place, &done)?;
            }
            Err(error) => {
                wrong += 1;
                writeln!(std::io::stdout(), "{place}: {error}")?;
            }
        }
    }
    writeln!(
        std::io::stdout(),
        "{documents} answers of feeds, {rows} rows as in their documents, {wrong} not"
    )?;
    Ok(wrong == 0)
}

/// A line for each table with rows that are not as in their documents; how many rows.
fn tell(place: &str, done: &Replayed) -> std::io::Result<i64> {
    let mut wrong = 0;
    for table in done.tables.iter().filter(|table| table.different > 0) {
        wrong += table.different;
        let (name, different) = (table.table, table.different);
        let example = table.example.as_deref().unwrap_or_default();
        writeln!(
            std::io::stdout(),
            "{place}: {different} rows of {name} differ, such as {example}"
        )?;
    }
    Ok(wrong)
}

async fn replay_all(app: &App) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let (mut count, mut points, mut wrong, mut last) = (0, 0, 0, 0);
    loop {
        let page = versions::after(&app.pool, last, PAGE).await?;
        let Some(end) = page.last() else { break };
        last = end.id;
        for version in &page {
            count += 1;
            match replay(app, version).await {
                Ok(same) => points += same,
                Err(error) => {
                    wrong += 1;
                    let (id, file) = (version.id, &version.file_name);
                    writeln!(std::io::stdout(), "version {id} ({file}): {error}")?;
                }
            }
        }
    }
    writeln!(
        std::io::stdout(),
        "{count} versions, {points} points as in their documents, {wrong} not"
    )?;
    Ok(wrong == 0)
}
