//! One-time links: how a user comes to a password that nobody else has seen.
//!
//! A link is 256 random bits after `/link/`, kept as their digest, for one user and one purpose.
//! Looking at it changes nothing; it is used up in the transaction that sets the password. A new
//! link of the same purpose takes the force from the former one.

mod forgot;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Email, Secret, address,
    login::{Change, Password, replace_password},
    password_rules,
    throttle::{Knock, Knocked},
};
use crate::{
    app::App,
    audit::{self, Act, Action, Actor, Proof},
    config::Config,
    db::{
        links::{self, LinkRow, NewLink},
        tokens::Which,
        users,
    },
    domain::words,
    error::{Problem, Result},
};

pub use forgot::forgot;

words! {
    /// What a link is for.
    Purpose("a purpose", exact) {
        /// A first password.
        Invite = "invite",
        /// A new password.
        Reset = "reset",
        /// A way back in, when no enabled administrator is left.
        Recover = "recover",
    }
}

impl Purpose {
    /// How long such a link is good.
    #[must_use]
    pub const fn life(self) -> TimeDelta {
        match self {
            Self::Invite => TimeDelta::hours(72),
            Self::Reset | Self::Recover => TimeDelta::hours(1),
        }
    }
}

/// A link that was made; the only time that its secret is known.
#[derive(Debug, Clone)]
pub struct Link {
    /// Whose.
    pub user_id: Uuid,
    /// Their e-mail.
    pub email: Email,
    /// For what.
    pub purpose: Purpose,
    /// What comes after `/link/`.
    pub secret: Secret,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

impl Link {
    /// The address to be followed. It is a secret.
    #[must_use]
    pub fn url(&self, config: &Config) -> String {
        format!("{}/link/{}", config.base_url(), self.secret.expose())
    }
}

/// Makes a link and tells so in the log. The caller has the user's row locked.
pub(super) async fn make(
    app: &App,
    connection: &mut PgConnection,
    actor: &Actor,
    (user_id, email): (Uuid, Email),
    purpose: Purpose,
) -> Result<Link> {
    let now = app.clock.now();
    let secret = Secret::random("")?;
    let expires_at = now + purpose.life();
    let row = NewLink {
        id: app.clock.new_id(),
        secret_sha256: secret.digest(),
        user_id,
        purpose: purpose.as_str(),
        created_at: now,
        expires_at,
    };
    links::replace(connection, row).await?;
    let detail = json!({ "purpose": purpose, "link": row.id, "expires_at": expires_at });
    let act = Act::done(Action::LinkCreated).to("user", user_id).with(detail);
    audit::write(app, connection, actor, act).await?;
    Ok(Link { user_id, email, purpose, secret, expires_at })
}

/// A link that is in force, as its page shows it.
#[derive(Debug, Clone)]
pub struct Open {
    /// Row of `one_time_link`.
    id: Uuid,
    /// Whose.
    user_id: Uuid,
    /// Their e-mail.
    pub email: Email,
    /// For what.
    pub purpose: Purpose,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Looks a link up; nothing is used up. 404 for an unknown one, 410 for one that is expired, used or
/// replaced, 429 for a network that has tried too many of them.
pub async fn look(app: &App, actor: &Actor, secret: &Secret) -> Result<Open> {
    let knocked = knock(app, actor).await?;
    let open = open(app, actor, secret).await?;
    knocked.succeeded(app).await?;
    Ok(open)
}

/// Sets the password of the link's user, uses the link up with all others of theirs, and ends what
/// the former password had opened. As [`look`], and 422 for a password that may not be, which uses
/// nothing up.
pub async fn set_password(
    app: &App,
    actor: Actor,
    secret: &Secret,
    password: &Secret,
) -> Result<()> {
    let knocked = knock(app, &actor).await?;
    let open = open(app, &actor, secret).await?;
    knocked.succeeded(app).await?;
    password_rules::check(password, &open.email)?;
    let hash = app.passwords.hash(password).await?;
    let actor = actor.proven(open.user_id, open.email.as_str(), Proof::Link);
    let mut transaction = app.pool.begin().await?;
    users::lock(&mut transaction, open.user_id).await?;
    if !links::consume(&mut transaction, open.id, app.clock.now()).await? {
        drop(transaction);
        return Err(refuse(app, &actor, &open, "used").await?);
    }
    let act = Act::done(Action::LinkUsed).to("user", open.user_id);
    let act = act.with(json!({ "purpose": open.purpose, "link": open.id }));
    audit::write(app, &mut transaction, &actor, act).await?;
    let change = Change { must_change: false, end: Which::Login };
    let new = Password { user_id: open.user_id, hash: &hash };
    replace_password(app, &mut transaction, &actor, new, change).await?;
    Ok(transaction.commit().await?)
}

async fn knock(app: &App, actor: &Actor) -> Result<Knocked> {
    Knock::Link.count(app, address::of_actor(actor)).await
}

async fn open(app: &App, actor: &Actor, secret: &Secret) -> Result<Open> {
    let Some(row) = links::find(&app.pool, secret.digest().as_bytes()).await? else {
        return Err(unknown());
    };
    let why = why_not(&row, app.clock.now());
    let internal = |error: &dyn std::fmt::Debug| Problem::internal(error);
    let open = Open {
        id: row.id,
        user_id: row.user_id,
        email: row.email.parse().map_err(|error| internal(&error))?,
        purpose: row.purpose.parse().map_err(|error| internal(&error))?,
        expires_at: row.expires_at,
    };
    match why {
        None => Ok(open),
        Some(why) => Err(refuse(app, actor, &open, why).await?),
    }
}

fn why_not(row: &LinkRow, now: DateTime<Utc>) -> Option<&'static str> {
    if row.used_at.is_some() {
        Some("used")
    } else if row.replaced_at.is_some() || row.disabled {
        Some("replaced")
    } else if row.expires_at <= now {
        Some("expired")
    } else {
        None
    }
}

/// Tells the log, and what to say: 410 `link_over`.
async fn refuse(app: &App, actor: &Actor, open: &Open, why: &'static str) -> Result<Problem> {
    let act = Act::refused(Action::LinkRefused).to("user", open.user_id);
    let act = act.with(json!({ "purpose": open.purpose, "link": open.id, "why": why }));
    let mut connection = app.pool.acquire().await?;
    audit::write(app, &mut connection, actor, act).await?;
    let detail = match why {
        "used" => {
            "This link has set a password already, and each link does so once. Sign in with that \
             password; if it was not you who set it, tell your administrator."
        }
        "expired" => {
            "This link is too old. Ask your administrator for a new one, or ask for one yourself \
             with \u{201c}Forgot your password?\u{201d} on the sign-in page."
        }
        _ => {
            "This link is no longer good: a newer one was made, or it was withdrawn. Use the newest \
             one, or ask your administrator for another."
        }
    };
    Ok(Problem::new(StatusCode::GONE, "link_over", detail).with("reason", why))
}

fn unknown() -> Problem {
    Problem::not_found(
        "There is no such link. Perhaps it was not copied whole: open it once more from where you \
         got it, or ask your administrator for a new one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_over_says_why() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let link = LinkRow {
            id: Uuid::nil(),
            user_id: Uuid::nil(),
            email: "a@b".into(),
            purpose: "invite".into(),
            expires_at: now + TimeDelta::seconds(1),
            used_at: None,
            replaced_at: None,
            disabled: false,
        };
        assert_eq!(why_not(&link, now), None);
        assert_eq!(why_not(&link, link.expires_at), Some("expired"));
        assert_eq!(why_not(&LinkRow { used_at: Some(now), ..link.clone() }, now), Some("used"));
        let replaced = LinkRow { replaced_at: Some(now), ..link.clone() };
        assert_eq!(why_not(&replaced, now), Some("replaced"));
        assert_eq!(why_not(&LinkRow { disabled: true, ..link }, now), Some("replaced"));
    }
}
