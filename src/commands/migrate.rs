//! `trueprice migrate`: the schema, for those who change it apart from starting the server.

use std::process::ExitCode;

use trueprice::{
    config::Config,
    db::pool::{self, Database, Sharing},
};

use super::Outcome;

pub async fn run(config: Config) -> Outcome {
    config.check_data_dir()?;
    let database = Database::open(&config, Sharing::Joining).await?;
    let pending = pool::pending_migrations(&database.pool).await?;
    pool::migrate(&database.pool).await?;
    let all = pool::MIGRATIONS.iter().count();
    match pending {
        0 => println!("nothing to do: all {all} steps of the schema were done before"),
        _ => println!("did {pending} of the {all} steps; the schema is up to date"),
    }
    database.close().await;
    Ok(ExitCode::SUCCESS)
}
