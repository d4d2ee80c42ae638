//! Several files, or an archive of them: each by itself, in a fixed order.

use std::collections::HashMap;

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Answer, Sender, Submission, receive, refuse};
use crate::{
    app::App,
    domain::{Code, CurveFileName, Finding},
    error::{Problem, Result},
    grid::zip::Archive,
};

/// What became of one file of several.
#[derive(Debug)]
pub struct BatchResult {
    /// The file's name; with the archive's, where there are several.
    pub file: String,
    /// The status that it would have had alone.
    pub status: StatusCode,
    /// The answer or problem.
    pub body: Map<String, Value>,
}

impl BatchResult {
    /// The member of `results`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = self.body.clone();
        body.insert("file".into(), json!(self.file));
        body.insert("status".into(), json!(self.status.as_u16()));
        Value::Object(body)
    }

    fn refused(file: &str, finding: &Finding) -> Self {
        let body = refusal(finding).to_json();
        Self { file: file.to_owned(), status: finding.code.status_code(), body }
    }
}

/// A file as it came in a request.
#[derive(Debug, Clone)]
pub struct Part {
    /// The client's name for it.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Whether a name is that of an archive.
fn is_archive(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".zip")
}

/// The answer to a whole request.
#[derive(Debug)]
pub enum BatchAnswer {
    /// One plain file.
    One(Box<Answer>),
    /// Several, or an archive.
    Several(Vec<BatchResult>),
}

/// Takes in the files of one request. A problem if the one plain file is refused, if the one archive
/// is unusable as a whole, or if there is no file.
pub async fn receive_all(app: &App, sender: &Sender, mut parts: Vec<Part>) -> Result<BatchAnswer> {
    if parts.is_empty() {
        let finding = Finding::new(Code::NoFile, "the request has no part named file")
            .hint("send multipart/form-data with one or more parts named file: curl -F file=@NAME");
        return Err(refusal(&finding));
    }
    let is_alone = parts.len() == 1;
    if is_alone && !is_archive(&parts[0].file_name) {
        let submission = submission(parts.remove(0), None, sender);
        return receive(app, submission).await.map(Box::new).map(BatchAnswer::One);
    }
    let (archives, plain): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| is_archive(&part.file_name));
    let mut results = Vec::new();
    receive_in_order(app, plain, sender, &mut results).await?;
    for archive in archives {
        let Some(finding) = receive_archive(app, &archive, sender, &mut results).await? else {
            continue;
        };
        let file = archive.file_name.clone();
        let refused = refuse_unread(app, archive, None, sender, finding).await;
        if is_alone {
            return refused.map(Box::new).map(BatchAnswer::One);
        }
        results.push(one_of_several(file, refused));
    }
    Ok(BatchAnswer::Several(results))
}

fn refusal(finding: &Finding) -> Problem {
    let code = finding.code;
    Problem::new(code.status_code(), code.as_str(), finding.message.clone())
        .with("errors", json!([finding]))
        .with("counts", json!({"error": 1, "warning": 0}))
        .with("by_code", json!({ code.as_str(): 1 }))
}

/// Refuses an archive, or an entry that is not looked into; it is logged like any file.
async fn refuse_unread(
    app: &App,
    part: Part,
    archive_name: Option<&str>,
    sender: &Sender,
    finding: Finding,
) -> Result<Answer> {
    let submission = submission(part, archive_name, sender);
    let answer = Answer::begin(app, &submission).await?;
    refuse(app, &submission, answer, finding).await
}

fn submission(part: Part, archive_name: Option<&str>, sender: &Sender) -> Submission {
    Submission {
        file_name: part.file_name,
        bytes: part.bytes,
        archive_name: archive_name.map(str::to_owned),
        sender: sender.clone(),
    }
}

/// Takes plain files in by dataset, curve timestamp, plain before cob; those without a readable name
/// last.
async fn receive_in_order(
    app: &App,
    mut parts: Vec<Part>,
    sender: &Sender,
    results: &mut Vec<BatchResult>,
) -> Result<()> {
    parts.sort_by_cached_key(|part| order(app, &part.file_name));
    for part in parts {
        let file = part.file_name.clone();
        let result = receive(app, submission(part, None, sender)).await;
        results.push(one_of_several(file, result));
    }
    Ok(())
}

type Order = (bool, Option<(crate::domain::Dataset, chrono::DateTime<chrono::Utc>, bool)>, String);

fn order(app: &App, file_name: &str) -> Order {
    let name = CurveFileName::parse(file_name, app.config.curve_timezone, app.clock.now()).ok();
    let place = name.map(|name| (name.dataset, name.timestamp.instant(), name.cob));
    (place.is_none(), place, file_name.to_owned())
}

/// Whatever becomes of one file, the others have their own results.
fn one_of_several(file: String, result: Result<Answer>) -> BatchResult {
    match result {
        Ok(answer) => BatchResult { file, status: answer.status(), body: answer.to_json() },
        Err(problem) => BatchResult { file, status: problem.status, body: problem.to_json() },
    }
}

/// Takes an archive in; answers why it is unusable as a whole.
async fn receive_archive(
    app: &App,
    archive: &Part,
    sender: &Sender,
    results: &mut Vec<BatchResult>,
) -> Result<Option<Finding>> {
    let entries = match look_through(app, archive).await? {
        Ok(entries) => entries,
        Err(finding) => return Ok(Some(finding)),
    };
    let mut files = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        match entry.fate {
            Fate::Skipped => results.push(skipped(&entry.name)),
            // Refused entries first: they have no place in the order of datasets.
            Fate::Refused(code) => files.push((None, index, entry.name, Some(code))),
            Fate::Taken => files.push((Some(order(app, &entry.name)), index, entry.name, None)),
        }
    }
    files.sort();
    for (_, index, file_name, refused) in files {
        results.push(receive_entry(app, archive, sender, (index, file_name, refused)).await?);
    }
    Ok(None)
}

/// Takes one entry in by itself, or refuses it for a code.
async fn receive_entry(
    app: &App,
    archive: &Part,
    sender: &Sender,
    (index, file_name, refused): (usize, String, Option<Code>),
) -> Result<BatchResult> {
    let bytes = match extract(app, archive, index).await? {
        Ok(bytes) => bytes,
        // Too long to be kept.
        Err(finding) => {
            let finding = refused.map_or(finding, fate_finding);
            return Ok(BatchResult::refused(&file_name, &finding));
        }
    };
    let (from, part) = (
        Some(archive.file_name.as_str()),
        Part { file_name: file_name.clone(), bytes: bytes.into() },
    );
    let result = match refused {
        Some(code) => refuse_unread(app, part, from, sender, fate_finding(code)).await,
        None => receive(app, submission(part, from, sender)).await,
    };
    Ok(one_of_several(file_name, result))
}

fn skipped(name: &str) -> BatchResult {
    let mut body = Map::new();
    body.insert("code".into(), json!("skipped"));
    body.insert(
        "detail".into(),
        json!("not a curve file: a folder or a leftover of a file manager"),
    );
    BatchResult { file: name.to_owned(), status: StatusCode::OK, body }
}

struct Entry {
    name: String,
    fate: Fate,
}

#[derive(Clone, Copy)]
enum Fate {
    Taken,
    Skipped,
    Refused(Code),
}

fn fate_finding(code: Code) -> Finding {
    let message = match code {
        Code::NestedArchive => "an archive inside an archive is not opened",
        _ => "the archive holds this name more than once",
    };
    Finding::new(code, message).hint("put each file into the archive once, by itself")
}

/// Opens an archive off the async threads and decides what becomes of each entry.
async fn look_through(app: &App, archive: &Part) -> Result<Result<Vec<Entry>, Finding>> {
    let (bytes, limits) = (archive.bytes.clone(), app.config.limits);
    app.in_reader_turn(move || Archive::open(&bytes, &limits).map(|archive| fates(archive.names())))
        .await
}

async fn extract(app: &App, archive: &Part, index: usize) -> Result<Result<Vec<u8>, Finding>> {
    let (bytes, limits) = (archive.bytes.clone(), app.config.limits);
    app.in_reader_turn(move || Archive::open_checked(&bytes)?.bytes(index, &limits)).await
}

fn fates(names: &[String]) -> Vec<Entry> {
    let base = |name: &String| name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for name in names.iter().filter(|name| !is_leftover(name)) {
        *seen.entry(base(name).to_lowercase()).or_default() += 1;
    }
    names
        .iter()
        .map(|name| {
            if is_leftover(name) {
                return Entry { name: name.clone(), fate: Fate::Skipped };
            }
            let name = base(name);
            let fate = if is_archive(&name) {
                Fate::Refused(Code::NestedArchive)
            } else if seen.get(&name.to_lowercase()).is_some_and(|count| *count > 1) {
                Fate::Refused(Code::DuplicateEntry)
            } else {
                Fate::Taken
            };
            Entry { name, fate }
        })
        .collect()
}

/// Folders, and what file managers leave behind.
fn is_leftover(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or_default();
    name.ends_with('/')
        || name.split('/').any(|part| part == "__MACOSX")
        || matches!(base, ".DS_Store" | "Thumbs.db")
}
