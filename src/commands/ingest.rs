//! `trueprice ingest FILE...`: publishes files without a server running, with the same report.

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use trueprice::{
    app::App,
    audit::Actor,
    config::Config,
    db::{pool::Sharing, users},
    intake::{BatchAnswer, Part, Sender, Via, receive_all},
};
use uuid::Uuid;

use super::{Outcome, Parts};

/// What to publish.
#[derive(Debug, clap::Args)]
pub struct IngestArguments {
    /// Curve files, or archives of them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only try: report, and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Store a file before a newer version of its operating day
    #[arg(long)]
    backfill: bool,
    /// The user who is named as the uploader; without it the oldest administrator
    #[arg(long)]
    user: Option<String>,
}

/// Status 0 only when every file is stored; one line of JSON for each on standard output.
pub async fn run(config: Config, arguments: IngestArguments) -> Outcome {
    let parts = Box::pin(Parts::open(config, Sharing::Joining)).await?;
    let outcome = ingest_all(&parts.app, arguments).await;
    parts.database.close().await;
    outcome
}

async fn ingest_all(app: &App, arguments: IngestArguments) -> Outcome {
    let sender = Sender {
        user_id: uploader(app, arguments.user.as_deref()).await?,
        actor: Arc::new(Actor::COMMAND),
        via: Via::Command,
        dry_run: arguments.dry_run,
        backfill: arguments.backfill,
    };
    let bar = ProgressBar::new(arguments.files.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
    let mut all_stored = true;
    for file in arguments.files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        bar.set_message(name.clone());
        for report in ingest(app, &sender, name, &file).await {
            all_stored &= is_stored(&report);
            bar.suspend(|| writeln!(std::io::stdout(), "{report}"))?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(if all_stored { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn uploader(
    app: &App,
    email: Option<&str>,
) -> Result<Uuid, Box<dyn std::error::Error + Send + Sync>> {
    let found = match email {
        Some(email) => {
            users::by_email(&app.pool, &email.trim().to_lowercase()).await?.map(|user| user.id)
        }
        None => users::oldest_administrator(&app.pool).await?,
    };
    found.ok_or_else(|| {
        "no user to name as the uploader; make one with `trueprice user add EMAIL --role admin`"
            .into()
    })
}

/// The reports of one file, or of each entry of an archive.
async fn ingest(app: &App, sender: &Sender, file_name: String, path: &PathBuf) -> Vec<Value> {
    let bytes = match tokio::fs::read(path).await {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            return vec![json!({"file": file_name, "status": 400, "code": "no_file",
                               "detail": format!("{}: {error}", path.display())})];
        }
    };
    match receive_all(app, sender, vec![Part { file_name: file_name.clone(), bytes }]).await {
        Ok(BatchAnswer::One(answer)) => {
            let mut report = answer.to_json();
            report.insert("status".into(), json!(answer.status().as_u16()));
            vec![Value::Object(report)]
        }
        Ok(BatchAnswer::Several(results)) => {
            results.iter().map(trueprice::intake::BatchResult::to_json).collect()
        }
        Err(problem) => {
            let mut report = problem.to_json();
            report.insert("file".into(), json!(file_name));
            vec![Value::Object(report)]
        }
    }
}

/// Stored now or before, or passed a dry run.
fn is_stored(report: &Value) -> bool {
    report["status"].as_u64().is_some_and(|status| status < 300)
}
