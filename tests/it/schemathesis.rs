//! The described interface as schemathesis sees it: thousands of requests, right and wrong ones, made
//! from the description that is served, as each role.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use bytes::Bytes;
use tokio::process::Command;
use trueprice::{auth::Role, clock::Clock};

use crate::support::{Home, Program, User, accounts::Account, files};

/// Where `tests/run` installs it.
fn tool() -> PathBuf {
    let tool = files::repository("target/schemathesis/bin/schemathesis");
    assert!(tool.exists(), "tests/run installs schemathesis; run that");
    tool
}

async fn tried_as(program: &Program, account: &Account, folder: &Path) -> Output {
    let mut command = Command::new(tool());
    command.current_dir(folder).kill_on_drop(true);
    command.env("TRUEPRICE_TEST_TOKEN", &account.token);
    command.arg("--config-file").arg(files::repository("tests/schemathesis.toml"));
    command.args(["run", &format!("{}/openapi.json", program.base)]);
    command.output().await.unwrap()
}

#[tokio::test]
#[ignore = "needs schemathesis, which tests/run installs before it runs this"]
async fn every_role_gets_what_is_described() {
    let home = Home::of(User::Same);
    let program = home.serve().await;
    let pool = home.pool();
    let mut accounts = Vec::new();
    for role in Role::ALL {
        accounts.push(Account::insert(&pool, &Clock::system(), *role).await);
    }
    let name = "all_families.zip";
    let archive = std::fs::read(files::repository("good_test_data/good").join(name)).unwrap();
    let admin = program.anonymous().with_token(&accounts.last().unwrap().token);
    let stored = admin.send("/api/v1/uploads", &[(name, Bytes::from(archive))]).await;
    assert!(stored.results().iter().all(|(_, status, _)| *status == 201));
    let folder = tempfile::tempdir().unwrap();
    for (role, account) in Role::ALL.iter().zip(&accounts) {
        let output = tried_as(&program, account, folder.path()).await;
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "as {role}:\n{report}");
        assert!(report.contains("No issues found"), "as {role}:\n{report}");
    }
}
