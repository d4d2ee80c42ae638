//! `trueprice replay`: reads every kept document again and compares every stored point with it.

use std::{io::Write as _, process::ExitCode};

use trueprice::{
    app::App,
    config::Config,
    db::{pool::Sharing, versions},
    intake::replay,
};

use super::{Outcome, Parts};

/// Versions asked for at a time.
const PAGE: i64 = 500;

/// Status 0 only when every version is what its document says; a line for each that is not.
pub async fn run(config: Config) -> Outcome {
    let parts = Box::pin(Parts::open(config, Sharing::Joining)).await?;
    let outcome = replay_all(&parts.app).await;
    parts.database.close().await;
    outcome
}

async fn replay_all(app: &App) -> Outcome {
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
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
