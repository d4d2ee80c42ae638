//! What the program believes of its database, against the migrated database.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};
use trueprice::domain::Dataset;

use crate::support::{TestServer, files};

/// The statements that were checked when the program was compiled, by file name.
fn checked_statements() -> BTreeMap<String, Value> {
    let folder = fs::read_dir(files::repository(".sqlx")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), files::json(&format!(".sqlx/{name}")))).collect()
}

/// Whether a description of the database is that which the program was compiled with. What is null
/// depends on the plan, and so on what the tables hold; nothing may be that was said not to be.
fn agrees(found: &Value, known: &Value) -> bool {
    let nullable = |of: &Value| of["nullable"].as_array().cloned().unwrap_or_default();
    let (now, then) = (nullable(found), nullable(known));
    let never = |is: &Value| *is == Value::Bool(false);
    found["columns"] == known["columns"]
        && found["parameters"] == known["parameters"]
        && now.len() == then.len()
        && then.iter().zip(&now).all(|(then, now)| !never(then) || never(now))
}

/// All text of a folder's files, white space folded.
fn text_of(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text_of(&path, text);
        } else {
            let content = fs::read_to_string(path).unwrap();
            // As the compiler reads a string: an escaped line break is nothing.
            text.push_str(&folded(&content.replace("\\\n", " ").replace("\\\"", "\"")));
        }
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().fold(String::new(), |text, word| text + word + " ")
}

#[tokio::test]
async fn every_checked_statement_is_as_the_schema_has_it() {
    let server = TestServer::start().await;
    let mut connection = server.app.pool.acquire().await.unwrap();
    let mut stale = Vec::new();
    let statements = checked_statements();
    assert!(statements.len() > 50, "{} statements", statements.len());
    for (file, known) in statements {
        let text = known["query"].as_str().unwrap().to_owned();
        let described = connection.describe(AssertSqlSafe(text).into_sql_str()).await;
        match described.map(|described| serde_json::to_value(described).unwrap()) {
            Ok(found) if agrees(&found, &known["describe"]) => {}
            Ok(found) => {
                stale.push(format!("{file}\n  is    {found}\n  known {}", known["describe"]));
            }
            Err(error) => stale.push(format!("{file}: {error}")),
        }
    }
    assert!(stale.is_empty(), "compile against a migrated database again:\n{}", stale.join("\n"));
}

#[test]
fn every_checked_statement_is_one_of_the_program() {
    let mut text = String::new();
    text_of(&files::repository("src/db"), &mut text);
    text_of(&files::repository("sql/queries"), &mut text);
    let mut unused = checked_statements();
    unused.retain(|_, known| !text.contains(folded(known["query"].as_str().unwrap()).trim_end()));
    assert!(unused.is_empty(), "remove what nothing asks: {:?}", unused.keys());
}

#[tokio::test]
async fn the_datasets_of_the_program_are_those_of_the_database() {
    let server = TestServer::start().await;
    let rows: Vec<(i16, String, String)> =
        sqlx::query_as("select id, family::text, iso::text from dataset order by id")
            .fetch_all(&server.app.pool)
            .await
            .unwrap();
    let mut known: Vec<_> = Dataset::all()
        .map(|dataset| (dataset.id(), dataset.family.to_string(), dataset.iso.to_string()))
        .collect();
    known.sort();
    assert_eq!(rows, known);
}

#[tokio::test]
async fn every_dataset_has_a_place_for_its_curves() {
    let server = TestServer::start().await;
    let bounds: Vec<String> = sqlx::query_scalar(
        "select pg_get_expr(c.relpartbound, c.oid)
         from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'curve'::regclass",
    )
    .fetch_all(&server.app.pool)
    .await
    .unwrap();
    let mut missing: Vec<_> = Dataset::all().collect();
    missing.retain(|dataset| !bounds.contains(&format!("FOR VALUES IN ('{}')", dataset.id())));
    assert!(missing.is_empty(), "{missing:?}");
}
