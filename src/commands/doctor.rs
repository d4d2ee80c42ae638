//! `trueprice doctor`: looks at everything that the server needs, changes nothing of the data.

use std::{fmt::Display, process::ExitCode};

use trueprice::{
    config::Config,
    db::{
        cluster::Cluster,
        pool::{self, Database, Sharing},
    },
    objects::Documents,
};

use super::Outcome;

/// Free space of the data directory under this many bytes is worth a word.
const LITTLE_SPACE: u64 = 1 << 30;

/// Prints a line for each check; the exit status is 0 only when all is well.
pub async fn run(config: Config) -> Outcome {
    let mut sheet = Sheet { well: true };
    let zone = config.curve_timezone;
    good("settings", format!("listen on {}, curve clock {zone}", config.listen));
    let fresh = !config.data_dir.exists();
    if fresh {
        let folder = config.data_dir.display();
        good("data", format!("{folder} is not there yet; trueprice serve makes it"));
    } else {
        disk(&mut sheet, &config);
    }
    if config.s3_bucket.is_some() || !fresh {
        documents(&mut sheet, &config).await;
    }
    if config.database.url.is_some() || (!fresh && programs(&mut sheet, &config)) {
        database(&mut sheet, &config).await;
    }
    Ok(if sheet.well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Sheet {
    well: bool,
}

fn good(name: &str, fact: impl Display) {
    println!("ok    {name}: {fact}");
}

impl Sheet {
    fn bad(&mut self, name: &str, problem: impl Display, remedy: &str) {
        self.well = false;
        println!("WRONG {name}: {problem}. {remedy}");
    }
}

fn disk(sheet: &mut Sheet, config: &Config) {
    let folder = &config.data_dir;
    let shown = folder.display();
    match (tempfile::tempfile_in(folder), free_space(folder)) {
        (Err(error), _) => {
            sheet.bad("data", format!("{shown}: {error}"), "Make it writable, or set --data-dir.");
        }
        (Ok(_), Some(free)) if free < LITTLE_SPACE => {
            let problem = format!("{shown} has only {} MiB free", free >> 20);
            sheet.bad("data", problem, "Make room.");
        }
        (Ok(_), Some(free)) => {
            good("data", format!("{shown} is writable, {} MiB free", free >> 20));
        }
        (Ok(_), None) => good("data", format!("{shown} is writable")),
    }
}

/// Free bytes, as `df` tells them.
fn free_space(folder: &std::path::Path) -> Option<u64> {
    let output = std::process::Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok().map(|kib| kib << 10)
}

async fn documents(sheet: &mut Sheet, config: &Config) {
    let checked = match Documents::open(config).await {
        Ok(store) => store.check().await.map(|()| store),
        Err(error) => Err(error),
    };
    match checked {
        Ok(store) => good("documents", store),
        Err(error) => sheet.bad(
            "documents",
            error,
            "Look at TRUEPRICE_S3_BUCKET and the AWS_* variables, or at the data directory.",
        ),
    }
}

/// The server programs of the private PostgreSQL; `false` when there are none.
fn programs(sheet: &mut Sheet, config: &Config) -> bool {
    match Cluster::programs(&config.data_dir, config.database.pg_bin.as_deref()) {
        Ok(Some(folder)) => {
            good("postgresql", folder.display());
            return true;
        }
        Ok(None) => sheet.bad("postgresql", "not found", "trueprice serve installs it."),
        Err(error) => sheet.bad("postgresql", error, "Correct the setting, or leave it out."),
    }
    false
}

async fn database(sheet: &mut Sheet, config: &Config) {
    let remedy = match config.database.url {
        Some(_) => "Look at DATABASE_URL and at the server it names.",
        None => "The private PostgreSQL writes its log under the data directory.",
    };
    let database = match Database::open(config, Sharing::Joining).await {
        Ok(database) => database,
        Err(error) => return sheet.bad("database", error, remedy),
    };
    let kind = match (&config.database.url, database.cluster()) {
        (Some(_), _) => "DATABASE_URL",
        (None, Some(_)) => "private PostgreSQL, started for this check",
        (None, None) => "private PostgreSQL of the running server",
    };
    match pool::version(&database.pool).await {
        Ok(version) => good("database", format!("{kind}, PostgreSQL {version}")),
        Err(error) => sheet.bad("database", error, remedy),
    }
    match pool::pending_migrations(&database.pool).await {
        Ok(0) => {
            good("migrations", "all are done");
            log_of_audit(sheet, &database).await;
        }
        Ok(n) => sheet.bad("migrations", format!("{n} are missing"), "Run trueprice migrate."),
        Err(error) => sheet.bad("migrations", error, remedy),
    }
    database.close().await;
}

/// Whether what is in the audit log can be changed by the server.
async fn log_of_audit(sheet: &mut Sheet, database: &Database) {
    match pool::is_separated(&database.pool).await {
        Ok(true) => good("audit", "the server can only add to its audit log"),
        Ok(false) => sheet.bad(
            "audit",
            "the server works as the owner of its tables; triggers alone guard the audit log",
            "Let the user of DATABASE_URL make roles (alter role NAME createrole), and start again.",
        ),
        Err(error) => sheet.bad("audit", error, "Look at the server of the database."),
    }
}
