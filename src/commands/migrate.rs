//! `trueprice migrate`: the schema, for those who change it apart from starting the server.

use std::process::ExitCode;

use trueprice::{
    config::Config,
    db::pool::{self, Database, Sharing},
};

use super::Outcome;

pub async fn run(config: Config) -> Outcome {
    let database = Database::open(&config, Sharing::Joining).await?;
    let pending = pool::pending_migrations(&database.pool).await?;
    pool::migrate(&database.pool).await?;
    println!(
        "{pending} of {} steps done; the schema is up to date",
        pool::MIGRATIONS.iter().count()
    );
    database.close().await;
    Ok(ExitCode::SUCCESS)
}
