//! Many invitations at once, from lines of `e-mail,role`. Each line is a transaction of its own: a
//! bad one leaves nothing behind and keeps no other back.

use axum::http::StatusCode;
use csv::StringRecord;
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::invite;
use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    auth::{Email, EmailError, Role, links::Link},
    domain::UnknownWord,
    error::{Problem, Result},
    mail,
};

/// Lines that are taken at once.
const MOST: usize = 500;
/// Mails that are sent at once.
const MAILS: usize = 8;

/// What became of one line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its number in the text, from 1.
    pub number: u64,
    /// The e-mail as it was sent.
    pub email: String,
    /// The role as it was sent.
    pub role: String,
    /// The link and whether it was mailed, or why nobody was invited.
    pub outcome: Result<(Link, bool)>,
}

/// Invites who is named in `text`, comma-separated, with or without a head `email,role`. 400 for a
/// text without a line, with more than 500, or that is no CSV.
pub async fn invite_all(app: &App, actor: &Actor, text: &str) -> Result<Vec<Line>> {
    let records = read(text)?;
    let mut invited = Vec::with_capacity(records.len());
    for record in records {
        invited.push((invite_one(app, actor, &record.1).await, record));
    }
    let mails = stream::iter(invited).map(|(link, record)| async move {
        let outcome = match link {
            Ok(link) => {
                let mailed = mail::send_link(app, &link).await;
                Ok((link, mailed))
            }
            Err(problem) => Err(problem),
        };
        line(record, outcome)
    });
    let lines: Vec<Line> = mails.buffered(MAILS).collect().await;
    let good = lines.iter().filter(|line| line.outcome.is_ok()).count();
    let detail = json!({ "lines": lines.len(), "invited": good, "refused": lines.len() - good });
    let mut connection = app.pool.acquire().await?;
    audit::write(app, &mut connection, actor, Act::done(Action::BulkInvite).with(detail)).await?;
    Ok(lines)
}

async fn invite_one(app: &App, actor: &Actor, record: &StringRecord) -> Result<Link> {
    if record.len() != 2 {
        let detail = format!("the line has {} fields; it must be e-mail,role", record.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_line", detail));
    }
    let bad = |text: String| Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", text);
    let email: Email = record[0].parse().map_err(|error: EmailError| bad(error.to_string()))?;
    let role: Role = record[1].parse().map_err(|error: UnknownWord| bad(error.to_string()))?;
    invite(app, actor, &email, role).await
}

fn line((number, record): (u64, StringRecord), outcome: Result<(Link, bool)>) -> Line {
    let field = |place| record.get(place).unwrap_or_default().to_owned();
    Line { number, email: field(0), role: field(1), outcome }
}

/// Each line that has something, with its number. No field reaches over the end of its line: neither
/// an address nor a role does.
fn read(text: &str) -> Result<Vec<(u64, StringRecord)>> {
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "bad_csv", detail);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
        let record = reader.records().next().transpose();
        let record = record.map_err(|error| bad(format!("line {number} is no CSV: {error}")))?;
        records.push((number, record.unwrap_or_default()));
    }
    if records.first().is_some_and(|(_, record)| is_head(record)) {
        records.remove(0);
    }
    match records.len() {
        0 => Err(bad("there is no line; each is e-mail,role".to_owned())),
        1..=MOST => Ok(records),
        many => Err(bad(format!("there are {many} lines; at most {MOST} are taken at once"))),
    }
}

fn is_head(record: &StringRecord) -> bool {
    let names: Vec<String> = record.iter().map(|name| name.trim().to_lowercase()).collect();
    matches!(names.iter().map(String::as_str).collect::<Vec<_>>()[..], ["email" | "e-mail", "role"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_no_line_and_lines_keep_their_numbers() {
        let records =
            read("\u{feff}E-Mail,Role\r\na@b,read_only\r\n\r\n\"c@d\",admin\r\n").unwrap();
        let lines: Vec<_> =
            records.into_iter().map(|r| line(r, Err(super::super::erased()))).collect();
        let shown: Vec<_> = lines.iter().map(|l| (l.number, &*l.email, &*l.role)).collect();
        assert_eq!(shown, [(2, "a@b", "read_only"), (4, "c@d", "admin")]);
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        for text in ["", "\n\n", "email,role\n", &"a@b,admin\n".repeat(MOST + 1)] {
            assert_eq!(read(text).unwrap_err().code, "bad_csv");
        }
        assert_eq!(read(&"a@b,admin\n".repeat(MOST)).unwrap().len(), MOST);
    }
}
