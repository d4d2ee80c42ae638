//! Who is asking, and what their role allows.
//!
//! A request has one [`Principal`], from exactly one credential: a token ([`token`]) in its
//! `Authorization` header, or the browser's cookie ([`session`]). `web::middleware` finds it once,
//! with one statement; everything after it uses that value. Of every secret the database has a
//! digest only.

pub mod accounts;
pub mod address;
mod bootstrap;
mod csrf;
mod email;
pub mod links;
pub mod login;
pub mod password_rules;
mod passwords;
mod principal;
pub mod return_to;
mod scope;
mod secret;
pub mod session;
pub mod store;
pub mod throttle;
pub mod token;

use std::time::Duration;

use chrono::TimeDelta;

pub use bootstrap::{DEFAULT_EMAIL, FirstAdministrator, MakeUserError, bootstrap};
pub use csrf::CsrfToken;
pub use email::{Email, EmailError};
pub use passwords::{HashError, Passwords};
pub use principal::{Admin, Credential, Principal, Role, SignedIn, Writer};
pub use scope::{Scope, Scopes};
pub use secret::{NoRandomness, SECRET_NAMES, Secret};

use crate::{app::App, db, packages};

/// Forgets what has ended, every hour, for as long as the server runs. Nothing depends on it: what
/// has ended is never looked at.
pub async fn sweep_hourly(app: App) {
    let mut hours = tokio::time::interval(Duration::from_hours(1));
    loop {
        hours.tick().await;
        if let Err(error) = sweep(&app).await {
            tracing::warn!(%error, "what has ended could not be forgotten; the next hour tries again");
        }
    }
}

/// How long a link that is over is kept, so that whoever follows it is told why it is.
const LINKS_KEPT: TimeDelta = TimeDelta::days(30);

/// Forgets what has ended: sessions, login tokens, links, counters of failed sign-ins, old issues of
/// forecasts; and tells the audit log of packages that ran out. Tells how many.
pub async fn sweep(app: &App) -> sqlx::Result<u64> {
    db::audit::drop_old(&app.pool).await?;
    let day_ago = app.clock.now() - TimeDelta::days(1);
    let sessions = db::sessions::sweep(&app.pool, store::in_force_since(app)).await?;
    let tokens = db::tokens::sweep(&app.pool, day_ago).await?;
    let links = db::links::sweep(&app.pool, app.clock.now() - LINKS_KEPT).await?;
    let packages = packages::sweep(app).await?;
    let counters = db::throttle::sweep(&app.pool, day_ago).await?;
    let points = db::feeds::forecasts::thin(&app.pool, app.clock.now()).await?;
    Ok(sessions + tokens + links + packages + counters + points)
}
