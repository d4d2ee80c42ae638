//! `/admin/audit`: who did what, with its filters, and what it was before and after.

use std::collections::BTreeSet;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::{
    app::App,
    audit::{Action, Outcome},
    db::audit::{self, Event, Filter},
    error::Result,
    web::{
        api::audit::{cursor, read_cursor, read_filter},
        pages::{
            Page,
            context::PageContext,
            form::{Choice, filled, url},
            format::instant,
            uploads::start_of_day,
        },
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// Events of a page.
const PAGE: i64 = 50;

const PATH: &str = "/admin/audit";

/// The page.
pub fn routes() -> Router<App> {
    Router::new().route(PATH, get(show))
}

/// What the form sends.
#[derive(Debug, Default)]
struct Asked {
    filter: Filter,
    /// As it was typed: an id or an e-mail.
    actor: Option<String>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    before: Option<i64>,
}

impl FromParameters for Asked {
    const NAMES: &'static [&'static str] =
        &["actor", "action", "object_type", "object_id", "outcome", "from", "to", "cursor"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let filter = read_filter(p, filled)?;
        let id = filter.actor_id.map(|id| id.to_string());
        let actor = id.or_else(|| filter.actor_email.clone());
        let (from, to) = (filled(p, "from")?, filled(p, "to")?);
        let before = filled::<String>(p, "cursor")?.as_deref().map(read_cursor).transpose()?;
        Ok(Self { filter, actor, from, to, before })
    }
}

impl Asked {
    /// The filter with its days, of which both are in, as instants.
    fn filter(&self, zone: Tz) -> Filter {
        let end = |day: NaiveDate| day.checked_add_days(Days::new(1));
        Filter {
            from: self.from.and_then(|day| start_of_day(day, zone)),
            to: self.to.and_then(end).and_then(|day| start_of_day(day, zone)),
            ..self.filter.clone()
        }
    }

    fn pairs(&self) -> [(&'static str, String); 5] {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        [
            ("actor", text(self.actor.as_deref())),
            ("action", text(self.filter.action)),
            ("object_type", text(self.filter.object_type.as_deref())),
            ("object_id", text(self.filter.object_id.as_deref())),
            ("outcome", text(self.filter.outcome)),
        ]
    }

    /// This view, going on after `cursor`.
    fn url(&self, cursor: String) -> String {
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let more = [("from", day(self.from)), ("to", day(self.to)), ("cursor", cursor)];
        url(PATH, self.pairs().into_iter().chain(more))
    }

    /// The whole of it as a file.
    fn export(&self, zone: Tz, format: &str) -> String {
        let filter = self.filter(zone);
        let text = |at: Option<DateTime<Utc>>| {
            at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
        };
        let more =
            [("from", text(filter.from)), ("to", text(filter.to)), ("format", format.to_owned())];
        url("/api/v1/audit", self.pairs().into_iter().chain(more))
    }
}

/// An event as the page shows it.
struct Row {
    event: Event,
    at: String,
    /// The action in words.
    action: String,
    /// The class of its badge.
    class: &'static str,
    actor_url: Option<String>,
    object_url: Option<String>,
    changes: Vec<Change>,
    facts: Vec<(String, String)>,
    /// The facts that tell most, in a line.
    brief: String,
}

/// What tells most about an event, the most telling first.
const TELLING: [&str; 14] = [
    "file",
    "code",
    "dataset",
    "operating_day",
    "why",
    "email",
    "name",
    "prefix",
    "end",
    "rows",
    "bytes",
    "format",
    "route",
    "reason",
];

/// A member before and after.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    name: String,
    before: String,
    after: String,
}

impl Row {
    fn new(event: Event, zone: Tz) -> Self {
        let class = match event.outcome.as_str() {
            "ok" => "good",
            "refused" => "warn",
            _ => "bad",
        };
        let by = |pairs: [(&'static str, &str); 2]| {
            url(PATH, pairs.map(|(name, value)| (name, value.to_owned())))
        };
        let actor = event.actor_id.map(|id| id.to_string()).or_else(|| event.actor_email.clone());
        let object = event.object_type.as_deref().zip(event.object_id.as_deref());
        Self {
            at: instant(event.at, zone),
            action: event.action.replace('_', " "),
            class,
            actor_url: actor.map(|actor| by([("actor", &actor), ("", "")])),
            object_url: object.map(|(kind, id)| by([("object_type", kind), ("object_id", id)])),
            changes: changes(&event.detail),
            brief: brief(&event.detail),
            facts: facts(&event.detail),
            event,
        }
    }
}

/// What is different before and after, member by member.
fn changes(detail: &Value) -> Vec<Change> {
    let side = |name: &str| {
        let mut found = Vec::new();
        if let Some(value) = detail.get(name) {
            flatten("", value, &mut found);
        }
        found
    };
    let (before, after) = (side("before"), side("after"));
    let names: BTreeSet<&String> = before.iter().chain(&after).map(|(name, _)| name).collect();
    let of = |side: &[(String, String)], name: &str| {
        let found = side.iter().find(|(known, _)| known == name);
        found.map_or_else(|| "–".to_owned(), |(_, value)| value.clone())
    };
    let change = |name: &String| Change {
        before: of(&before, name),
        after: of(&after, name),
        name: if name.is_empty() { "value".to_owned() } else { name.clone() },
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

/// Three telling facts at the most, shortened.
fn brief(detail: &Value) -> String {
    let told = TELLING.iter().filter_map(|name| {
        let value = detail.get(name).filter(|value| !value.is_null())?;
        let text: String = plain(value).chars().take(60).collect();
        Some(format!("{name} {text}"))
    });
    let words: Vec<String> = told.take(3).collect();
    if words.is_empty() { "more".to_owned() } else { words.join(" · ") }
}

/// Everything else.
fn facts(detail: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in detail.as_object().into_iter().flatten() {
        if name != "before" && name != "after" {
            flatten(name, value, &mut found);
        }
    }
    found
}

/// Members of members get the names of both; lists of plain values stay in one line.
fn flatten(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    let within = |member: &str| match name {
        "" => member.to_owned(),
        name => format!("{name}.{member}"),
    };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(member, value)| flatten(&within(member), value, out));
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (place, item) in items.iter().enumerate() {
                flatten(&within(&(place + 1).to_string()), item, out);
            }
        }
        Value::Array(items) => {
            let words: Vec<String> = items.iter().map(plain).collect();
            out.push((name.to_owned(), words.join(", ")));
        }
        other => out.push((name.to_owned(), plain(other))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Page,
    actor: String,
    actions: Vec<Choice>,
    outcomes: Vec<Choice>,
    object_type: String,
    object_id: String,
    from: String,
    to: String,
    filtered: bool,
    days: i32,
    zone: Tz,
    rows: Vec<Row>,
    next: Option<String>,
    csv: String,
    ndjson: String,
}

async fn show(
    context: PageContext,
    StrictQuery(asked): StrictQuery<Asked>,
    State(app): State<App>,
) -> Result<Response> {
    let context = context.admin()?;
    let zone = app.config.curve_timezone;
    // One more than is shown tells whether there is a next page.
    let mut events = audit::list(&app.pool, &asked.filter(zone), asked.before, PAGE + 1).await?;
    let more = crate::web::paging::cut(&mut events, PAGE);
    let next = events.last().filter(|_| more).map(|last| asked.url(cursor(last.id)));
    let rows = events.into_iter().map(|event| Row::new(event, zone)).collect();
    let [(_, actor), (_, action), (_, object_type), (_, object_id), (_, outcome)] = asked.pairs();
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let words = |word: &str| word.replace('_', " ");
    let page = AuditPage {
        page: context.page("Audit log"),
        actions: Action::ALL.iter().map(|a| Choice::new(a, words(a.as_str()), &action)).collect(),
        outcomes: Outcome::ALL.iter().map(|o| Choice::new(o, o.as_str(), &outcome)).collect(),
        actor,
        object_type,
        object_id,
        from: day(asked.from),
        to: day(asked.to),
        filtered: asked.url(String::new()) != PATH,
        days: app.config.audit_days,
        zone,
        rows,
        next,
        csv: asked.export(zone, "csv"),
        ndjson: asked.export(zone, "ndjson"),
    };
    Ok(page.into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_changed_stands_side_by_side() {
        let detail = json!({
            "before": {"role": "read_only", "name": "a", "scopes": ["read"]},
            "after": {"role": "admin", "name": "a", "note": "x"}, "why": {"deep": [1, 2]},
        });
        let changes = changes(&detail);
        let shown: Vec<_> =
            changes.iter().map(|c| (c.name.as_str(), &*c.before, &*c.after)).collect();
        assert_eq!(
            shown,
            [("note", "–", "x"), ("role", "read_only", "admin"), ("scopes", "read", "–")]
        );
        assert_eq!(facts(&detail), [("why.deep".to_owned(), "1, 2".to_owned())]);
        let told = json!({"rows": 61, "end": "complete", "archive": null, "other": 1});
        assert_eq!(brief(&told), "end complete · rows 61");
        assert_eq!(brief(&json!({"other": 1})), "more");
        let scalar = super::changes(&json!({"before": 400, "after": 500}));
        assert_eq!(
            (&*scalar[0].name, &*scalar[0].before, &*scalar[0].after),
            ("value", "400", "500")
        );
    }
}
