//! What administrators do with packages. Each change writes its row of the audit log in its own
//! transaction; what a package or a user shows is counted in [`overview`].

mod dates;
mod difference;
pub mod overview;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

pub use dates::{Dates, midnight};
pub use difference::{Difference, Part, difference};

use crate::{
    app::App,
    audit::{self, Act, Action, Actor},
    db::packages::{
        self as store, Attached, Attachment, Content, PackageList, PackageRow, StoreError,
    },
    domain::grant::{Grant, GrantFields, GrantLabel, MOST_GRANTS},
    error::{Problem, Result},
};

/// Days before its end in which an attachment counts as expiring.
pub const EXPIRY_WARNING: i64 = 30;
/// Characters of a name at the most.
const NAME: usize = 100;
/// Characters of a note at the most.
const NOTE: usize = 2000;

/// What a package is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// 1 to 100 characters, trimmed.
    pub name: String,
    /// Up to 2000 characters.
    pub note: String,
    /// In their order.
    pub grants: Vec<Grant>,
}

impl Draft {
    /// Reads what was sent. 400 naming the member.
    pub fn parse(name: &str, note: &str, grants: Vec<GrantFields>) -> Result<Self> {
        let (name, note) = (name.trim(), note.trim());
        if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
            return Err(bad("name", format!("must be 1 to {NAME} characters on one line")));
        }
        if note.chars().count() > NOTE {
            return Err(bad("note", format!("is longer than {NOTE} characters")));
        }
        Ok(Self { name: name.to_owned(), note: note.to_owned(), grants: parse_grants(grants)? })
    }

    /// The grants as they are stored.
    #[must_use]
    pub fn rows(&self) -> Value {
        rows(&self.grants)
    }

    fn told(&self) -> Value {
        json!({"name": self.name, "note": self.note, "grants": self.rows()})
    }
}

/// Reads the grants of a package. 400 naming the member.
pub fn parse_grants(grants: Vec<GrantFields>) -> Result<Vec<Grant>> {
    if grants.len() > MOST_GRANTS {
        return Err(bad("grants", format!("are more than {MOST_GRANTS}")));
    }
    let grants = grants.into_iter().enumerate().map(|(place, fields)| {
        Grant::try_from(fields)
            .map_err(|error| bad(&format!("grants[{place}].{}", error.member), error.why))
    });
    grants.collect()
}

/// Grants as rows of `package_grant`, in an array.
#[must_use]
pub fn rows(grants: &[Grant]) -> Value {
    grants.iter().map(|grant| json!(GrantFields::from(grant))).collect()
}

/// 400 `bad_parameter` about a member.
fn bad(member: &str, what: impl std::fmt::Display) -> Problem {
    let detail = format!("{member} {what}");
    Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail).with("parameter", member)
}

fn gone() -> Problem {
    Problem::not_found("There is no such package.")
}

/// 404 for a user who is not there.
#[must_use]
pub fn no_such_user() -> Problem {
    Problem::not_found("There is no such user.")
}

/// The grants of a row. A row that no program of ours wrote is a fault of the server.
pub fn grants_of(row: &PackageRow) -> Result<Vec<Grant>> {
    let fields: Vec<GrantFields> =
        serde_json::from_value(row.grants.clone()).map_err(|error| Problem::internal(&error))?;
    let grants = fields.into_iter().map(Grant::try_from);
    grants.collect::<std::result::Result<_, _>>().map_err(|error| Problem::internal(&error))
}

/// Until when an end of an attachment counts as near.
#[must_use]
pub fn expiring_until(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::days(EXPIRY_WARNING)
}

/// A package. 404 where there is none.
pub async fn find(connection: &mut PgConnection, app: &App, id: Uuid) -> Result<PackageRow> {
    let now = app.clock.now();
    let list = PackageList {
        now,
        until: expiring_until(now),
        only_expiring: false,
        before: None,
        id: Some(id),
        limit: 1,
    };
    store::list(connection, list).await?.pop().ok_or_else(gone)
}

/// Makes a package. 409 `name_taken`.
pub async fn create(app: &App, actor: &Actor, draft: &Draft) -> Result<PackageRow> {
    let (id, now) = (app.clock.new_id(), app.clock.now());
    let mut transaction = app.pool.begin().await?;
    let rows = draft.rows();
    store::insert(&mut transaction, id, content(draft, &rows), now).await.map_err(refused)?;
    let act = Act::done(Action::PackageCreated).to("package", id);
    audit::write(app, &mut transaction, actor, act.with(json!({"after": draft.told()}))).await?;
    let made = find(&mut transaction, app, id).await?;
    transaction.commit().await?;
    Ok(made)
}

/// Puts `draft` in the place of a package. 409 `stale_edit` where it is not at `revision` any more.
pub async fn change(
    app: &App,
    actor: &Actor,
    id: Uuid,
    revision: i32,
    draft: &Draft,
) -> Result<PackageRow> {
    let mut transaction = app.pool.begin().await?;
    let current = store::lock(&mut transaction, id).await?.ok_or_else(gone)?;
    if current != revision {
        return Err(stale(current, revision));
    }
    let before = find(&mut transaction, app, id).await?;
    let (rows, now) = (draft.rows(), app.clock.now());
    store::replace(&mut transaction, id, content(draft, &rows), now).await.map_err(refused)?;
    let detail = json!({"before": told(&before), "after": draft.told()});
    let act = Act::done(Action::PackageChanged).to("package", id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    let changed = find(&mut transaction, app, id).await?;
    transaction.commit().await?;
    Ok(changed)
}

fn content<'a>(draft: &'a Draft, grants: &'a Value) -> Content<'a> {
    Content { name: &draft.name, note: &draft.note, grants }
}

fn told(row: &PackageRow) -> Value {
    json!({"name": row.name, "note": row.note, "grants": row.grants})
}

fn stale(current: i32, revision: i32) -> Problem {
    let detail = format!(
        "The package was changed meanwhile: it is at revision {current}, and this edit began at \
         {revision}. Load it again and repeat the edit."
    );
    Problem::new(StatusCode::CONFLICT, "stale_edit", detail).with("revision", current)
}

fn refused(error: StoreError) -> Problem {
    match error {
        StoreError::NameTaken => Problem::new(
            StatusCode::CONFLICT,
            "name_taken",
            "Another package has this name; choose a different one.",
        )
        .with("parameter", "name"),
        StoreError::Database(error) => error.into(),
    }
}

/// Deletes a package; whoever holds it loses it at once.
pub async fn delete(app: &App, actor: &Actor, id: Uuid) -> Result<PackageRow> {
    let mut transaction = app.pool.begin().await?;
    store::lock(&mut transaction, id).await?.ok_or_else(gone)?;
    let before = find(&mut transaction, app, id).await?;
    store::delete(&mut transaction, id).await?;
    let detail = json!({"before": told(&before), "holders": before.holders});
    let act = Act::done(Action::PackageDeleted).to("package", id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    transaction.commit().await?;
    Ok(before)
}

/// Attaches a package to a user, or gives it other dates.
pub async fn attach(
    app: &App,
    actor: &Actor,
    user_id: Uuid,
    package_id: Uuid,
    dates: Dates,
) -> Result<Attachment> {
    let mut transaction = app.pool.begin().await?;
    store::user(&mut transaction, user_id).await?.ok_or_else(no_such_user)?;
    let before = held(&mut transaction, user_id, package_id).await?;
    let Dates { starts_at, ends_at } = dates;
    let wanted = Attached { user_id, package_id, starts_at, ends_at };
    if !store::attach(&mut transaction, wanted, app.clock.now()).await? {
        return Err(gone());
    }
    let attached = held(&mut transaction, user_id, package_id).await?.ok_or_else(gone)?;
    let before = before.as_ref().map(attachment_told);
    let detail = json!({"before": before, "after": attachment_told(&attached)});
    let act = Act::done(Action::PackageAttached).to("user", user_id).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    transaction.commit().await?;
    Ok(attached)
}

/// Takes a package from a user. 404 where they do not hold it.
pub async fn detach(app: &App, actor: &Actor, user: Uuid, package: Uuid) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    let none = || Problem::not_found("The user does not hold this package.");
    let before = held(&mut transaction, user, package).await?.ok_or_else(none)?;
    if !store::detach(&mut transaction, user, package).await? {
        return Err(none());
    }
    let detail = json!({"before": attachment_told(&before)});
    let act = Act::done(Action::PackageDetached).to("user", user).with(detail);
    audit::write(app, &mut transaction, actor, act).await?;
    transaction.commit().await?;
    Ok(())
}

/// Gives a user what another one holds; tells what was attached.
pub async fn copy(app: &App, actor: &Actor, from: Uuid, to: Uuid) -> Result<Vec<Attachment>> {
    let mut transaction = app.pool.begin().await?;
    let source = store::user(&mut transaction, from).await?.ok_or_else(no_such_user)?;
    store::user(&mut transaction, to).await?.ok_or_else(no_such_user)?;
    let new = store::copy(&mut transaction, from, to, app.clock.now()).await?;
    let mut attached = store::attachments_of(&mut transaction, to).await?;
    attached.retain(|one| new.iter().any(|new| new.package_id == one.package_id));
    for one in &attached {
        let detail = json!({"after": attachment_told(one), "copied_from": source.email});
        let act = Act::done(Action::PackageAttached).to("user", to).with(detail);
        audit::write(app, &mut transaction, actor, act).await?;
    }
    transaction.commit().await?;
    Ok(attached)
}

async fn held(
    connection: &mut PgConnection,
    user: Uuid,
    package: Uuid,
) -> sqlx::Result<Option<Attachment>> {
    let held = store::attachments_of(connection, user).await?;
    Ok(held.into_iter().find(|one| one.package_id == package))
}

fn attachment_told(one: &Attachment) -> Value {
    json!({
        "package": one.package_id, "name": one.name,
        "starts_at": one.starts_at, "ends_at": one.ends_at,
    })
}

/// Tells the audit log of attachments that ran out, each once. Nothing else depends on it: what has
/// ended is not in force.
pub async fn sweep(app: &App) -> sqlx::Result<u64> {
    let mut transaction = app.pool.begin().await?;
    let expired = store::expire(&mut transaction, app.clock.now()).await?;
    for one in &expired {
        let detail = json!({"package": one.package_id, "name": one.name, "ends_at": one.ends_at, "email": one.email});
        let act = Act::done(Action::PackageExpired).to("user", one.user_id).with(detail);
        audit::write(app, &mut transaction, &Actor::SERVER, act).await?;
    }
    transaction.commit().await?;
    Ok(expired.len() as u64)
}

/// What may be meant otherwise, though it is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "code": "unknown_label", "grant": 1, "member": "load_zones", "label": "NRTH ZONE",
    "detail": "grant 1: no series has the load zone \"NRTH ZONE\""
}))]
pub struct Warning {
    /// `unknown_label`: no series of what the grant is about has it.
    pub code: &'static str,
    /// The grant, from 1 on.
    pub grant: i32,
    /// The member that names the label.
    pub member: &'static str,
    /// The label.
    pub label: String,
    /// For a person.
    pub detail: String,
}

/// The warnings about grants.
pub async fn warnings(connection: &mut PgConnection, rows: &Value) -> sqlx::Result<Vec<Warning>> {
    let unknown = store::unknown_labels(connection, rows).await?;
    let warning = |one: store::UnknownLabel| Warning {
        code: "unknown_label",
        grant: one.grant,
        member: one.member.as_str(),
        detail: format!(
            "grant {}: no series has the {} {:?}",
            one.grant,
            GrantLabel::name(one.member).to_lowercase(),
            one.label
        ),
        label: one.label,
    };
    Ok(unknown.into_iter().map(warning).collect())
}
