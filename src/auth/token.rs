//! Tokens of scripts: made, shown once, looked up by their digest.

use axum::http::{StatusCode, request::Parts};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::{Credential, Principal, Role, Scopes, Secret, store::is_stale};
use crate::{
    app::App,
    audit::{self, Act, Action, Actor, identity},
    db::tokens::{self, LiveToken, NewToken},
    error::{Problem, Result},
};

/// What a token was made for; it is told by its first letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `tpk_`: made by its owner for a program.
    Api,
    /// `tpl_`: made by `POST /login` for a script; ends with the password.
    Login,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Api => "tpk_",
            Self::Login => "tpl_",
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Login => "login",
        }
    }
}

/// Whether a text looks like a token of this server, whatever comes after its first letters.
#[must_use]
pub fn looks_like_token(text: &str) -> bool {
    text.starts_with(Kind::Api.prefix()) || text.starts_with(Kind::Login.prefix())
}

/// The longest life of an API token.
pub const LONGEST_DAYS: u16 = 365;
/// The life of an API token when none was asked for.
pub const DEFAULT_DAYS: u16 = 90;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// For what.
    pub kind: Kind,
    /// Whose.
    pub user_id: Uuid,
    /// What the owner calls it; 1 to 100 characters.
    pub name: String,
    /// What it is good for; all that the role allows when none is named.
    pub scopes: Option<Scopes>,
    /// How long it lives.
    pub life: TimeDelta,
}

/// A token that was made; the only time that its text is known.
#[derive(Debug, Clone)]
pub struct Made {
    /// Row id.
    pub id: Uuid,
    /// The token.
    pub token: Secret,
    /// What it is good for.
    pub scopes: Scopes,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Makes a token for a user of this role, as `actor` wishes. 400 for a name or scopes that cannot be.
pub async fn make(app: &App, actor: &Actor, role: Role, wanted: Wanted) -> Result<Made> {
    let name = checked_name(&wanted.name)?;
    let scopes = checked_scopes(wanted.scopes, role)?;
    let token = Secret::random(wanted.kind.prefix())?;
    let now = app.clock.now();
    let made = Made { id: app.clock.new_id(), token, scopes, expires_at: now + wanted.life };
    let row = NewToken {
        id: made.id,
        secret_sha256: made.token.digest(),
        prefix: made.token.expose().get(..8).unwrap_or_default(),
        kind: wanted.kind.as_str(),
        user_id: wanted.user_id,
        name: &name,
        scopes: &made.scopes.words(),
        created_at: now,
        expires_at: made.expires_at,
    };
    let acts = acts(&row, wanted.kind);
    let mut transaction = app.pool.begin().await?;
    tokens::insert(&mut *transaction, row).await?;
    for act in acts {
        audit::write(app, &mut transaction, actor, act).await?;
    }
    transaction.commit().await?;
    Ok(made)
}

/// What making a token is in the audit log: that of `POST /login` is a sign-in, too.
fn acts(row: &NewToken<'_>, kind: Kind) -> Vec<Act> {
    let login = (kind == Kind::Login).then(|| identity::login("token", row.id));
    let made = Act::done(Action::TokenCreated).to("token", row.id).with(json!({
        "kind": row.kind,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "expires_at": row.expires_at,
        "owner": row.user_id,
    }));
    login.into_iter().chain([made]).collect()
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if (1..=100).contains(&name.chars().count()) && !name.contains(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Problem::bad_parameter("name", name, "a token's name has 1 to 100 characters"))
}

fn checked_scopes(scopes: Option<Scopes>, role: Role) -> Result<Scopes> {
    let scopes = scopes.unwrap_or_else(|| Scopes::of_role(role));
    if scopes.is_empty() {
        return Err(Problem::bad_parameter(
            "scopes",
            "",
            "name at least one of read, upload, admin",
        ));
    }
    if !scopes.within(role) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("Your role {role} does not allow all of these scopes."),
        ));
    }
    Ok(scopes)
}

/// The life that `days` asks for. 400 unless 1 to [`LONGEST_DAYS`].
pub fn life(days: Option<i64>) -> Result<TimeDelta> {
    let days = days.unwrap_or_else(|| DEFAULT_DAYS.into());
    if (1..=i64::from(LONGEST_DAYS)).contains(&days) {
        return Ok(TimeDelta::days(days));
    }
    let wanted = format!("a token lives 1 to {LONGEST_DAYS} days");
    Err(Problem::bad_parameter("expires_in_days", &days.to_string(), wanted))
}

/// Whose token this is that came with the request of `parts`; none when it is unknown, expired,
/// revoked, or its owner is shut out.
pub async fn principal(app: &App, parts: &Parts, token: &Secret) -> Result<Option<Principal>> {
    if !looks_like_token(token.expose()) {
        return Ok(None);
    }
    let now = app.clock.now();
    let found = tokens::live(&app.pool, token.digest().as_bytes(), now).await?;
    let Some(live) = found else {
        if let Some(dead) = tokens::dead(&app.pool, token.digest().as_bytes(), now).await? {
            identity::token_refused(app, parts, &dead).await?;
        }
        return Ok(None);
    };
    match live.last_used_at {
        None => touch_first(app, parts, &live).await?,
        Some(used) if is_stale(used, now) => tokens::touch(&app.pool, live.id, now).await?,
        Some(_) => {}
    }
    let role: Role = live.role.parse().map_err(|error| Problem::internal(&error))?;
    let (scopes, role) = Scopes::from_words(&live.scopes).meet(role);
    Ok(Some(Principal {
        user_id: live.user_id,
        email: live.email,
        role,
        scopes,
        credential: Credential::Token(live.id),
        prefix: live.prefix,
        must_change_password: live.must_change_password,
        shut: live.shut,
    }))
}

async fn touch_first(app: &App, parts: &Parts, live: &LiveToken) -> Result<()> {
    let mut transaction = app.pool.begin().await?;
    if tokens::touch_first(&mut transaction, live.id, app.clock.now()).await? {
        identity::token_first_used(app, &mut transaction, parts, live).await?;
    }
    Ok(transaction.commit().await?)
}
