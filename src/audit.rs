//! Who did what: every change, every refusal, every download, as one row of `audit_event` that is
//! written in the transaction of what it tells. If it cannot be written, the change fails.
//!
//! An [`Actor`] is found once per request (it is an extractor); [`write`] takes one [`Act`].

pub mod download;
pub mod identity;

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    app::App,
    auth::{Credential, Principal, address},
    db::{self, audit::Row},
    domain::words,
    web::middleware::request_id::RequestId,
};

words! {
    /// What was done.
    Action("an action", exact) {
        /// E-mail and password were right.
        Login = "login",
        /// They were not.
        LoginFailed = "login_failed",
        /// They were not looked at: too many attempts.
        LoginThrottled = "login_throttled",
        /// A session or login token ended by its owner's wish.
        Logout = "logout",
        /// A session was ended from elsewhere.
        SessionEnded = "session_ended",
        /// A new password.
        PasswordChanged = "password_changed",
        /// An invite, reset or recovery link was made.
        LinkCreated = "link_created",
        /// A one-time link set a password.
        LinkUsed = "link_used",
        /// A one-time link was refused: expired, used or replaced.
        LinkRefused = "link_refused",
        /// A token was made.
        TokenCreated = "token_created",
        /// A token was used for the first time.
        TokenFirstUsed = "token_first_used",
        /// A token was revoked.
        TokenRevoked = "token_revoked",
        /// A credential was refused: in the URL, expired, revoked, of a disabled user.
        CredentialRefused = "credential_refused",
        /// A login role of PostgreSQL was made.
        BiRoleCreated = "bi_role_created",
        /// Its password was made anew.
        BiPasswordRotated = "bi_password_rotated",
        /// It was removed.
        BiRoleDropped = "bi_role_dropped",
        /// It was locked, or unlocked.
        BiRoleLocked = "bi_role_locked",
        /// It logged in.
        BiLogin = "bi_login",
        /// How much it asked for.
        BiVolume = "bi_volume",
        /// A statement of it was cancelled.
        BiCancelled = "bi_cancelled",
        /// A user was made.
        UserCreated = "user_created",
        /// A role was changed.
        RoleChanged = "role_changed",
        /// A user was shut out.
        UserDisabled = "user_disabled",
        /// A user was let in again.
        UserEnabled = "user_enabled",
        /// A user's personal data were erased.
        UserErased = "user_erased",
        /// The first administrator was made.
        Bootstrap = "bootstrap",
        /// A way back in was made on the command line.
        Recover = "recover",
        /// Several users were invited at once.
        BulkInvite = "bulk_invite",
        /// A package was made.
        PackageCreated = "package_created",
        /// A package or its grants were changed.
        PackageChanged = "package_changed",
        /// A package was deleted.
        PackageDeleted = "package_deleted",
        /// A user received a package, or its dates were changed.
        PackageAttached = "package_attached",
        /// A user lost a package.
        PackageDetached = "package_detached",
        /// A user's package ran out.
        PackageExpired = "package_expired",
        /// Something was refused: 403, or 404 on an object of somebody else.
        AccessRefused = "access_refused",
        /// A file was sent, whatever became of it.
        Upload = "upload",
        /// A version was published.
        Published = "published",
        /// A version took the place of another.
        Superseded = "superseded",
        /// A version was put in below newer ones.
        Backfilled = "backfilled",
        /// A closed operating day was opened again.
        DayReopened = "day_reopened",
        /// Headroom was computed by somebody's wish.
        HeadroomRun = "headroom_run",
        /// A download began: before its first byte.
        DownloadBegun = "download_begun",
        /// A download ended: complete or broken.
        DownloadEnded = "download_ended",
        /// A source file was fetched.
        DocumentFetched = "document_fetched",
        /// A switch of the site was turned.
        SiteSwitched = "site_switched",
        /// A setting of the site was changed.
        SettingChanged = "setting_changed",
        /// The registry of components or the aliases of series were changed.
        RegistryChanged = "registry_changed",
        /// A user may read a meter.
        MeterShown = "meter_shown",
        /// A user may read a meter no more.
        MeterHidden = "meter_hidden",
        /// A run of a feed was asked for.
        FeedRun = "feed_run",
        /// History of a feed was asked for, paused, resumed or ended.
        FeedBackfill = "feed_backfill",
        /// A feed was paused, or resumed.
        FeedPaused = "feed_paused",
        /// A job was tried again.
        JobRetried = "job_retried",
        /// The schema was brought up to date.
        Migrated = "migrated",
        /// A server began.
        Started = "started",
        /// A server ended.
        Stopped = "stopped",
        /// Rows past retention were dropped.
        AuditDropped = "audit_dropped",
    }
}

words! {
    /// How it ended.
    Outcome("an outcome", exact) {
        /// It was done.
        Ok = "ok",
        /// It was not allowed.
        Refused = "refused",
        /// It was allowed and did not work.
        Failed = "failed",
    }
}

words! {
    /// How an actor proved who they are.
    Proof("a credential") {
        /// The browser's cookie.
        Session = "session",
        /// An API token.
        Token = "token",
        /// A token of POST /login.
        LoginToken = "login_token",
        /// E-mail and password.
        Password = "password",
        /// A one-time link.
        Link = "link",
        /// A login role of PostgreSQL.
        Bi = "bi",
        /// Whoever may start this program on the machine.
        Command = "command",
        /// Nobody: the server itself.
        Server = "server",
        /// Nothing was proved.
        None = "none",
    }
}

/// Who did it, and from where.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Row of `app_user`.
    pub user_id: Option<Uuid>,
    /// As it was then. Never an e-mail that somebody merely claims: of a failed login a keyed hash
    /// goes into the detail.
    pub email: Option<String>,
    /// What was proved, and how.
    pub proof: Proof,
    /// The first characters of the token, or of the session's row id.
    pub prefix: Option<String>,
    /// Where from.
    pub address: Option<IpAddr>,
    /// The request.
    pub request_id: Option<Uuid>,
}

impl Actor {
    /// The server itself: jobs, start and stop.
    pub const SERVER: Self = Self::nobody(Proof::Server);
    /// Whoever may start this program on the machine.
    pub const COMMAND: Self = Self::nobody(Proof::Command);

    const fn nobody(proof: Proof) -> Self {
        Self { user_id: None, email: None, proof, prefix: None, address: None, request_id: None }
    }

    /// The same, somewhere else: a user whose session or token is only named.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        Self { prefix: Some(prefix.to_owned()), ..self }
    }

    /// The same request, by a user who proved it in the course of it.
    #[must_use]
    pub fn proven(self, user_id: Uuid, email: &str, proof: Proof) -> Self {
        let email = Some(email.to_owned());
        Self { user_id: Some(user_id), email, proof, prefix: None, ..self }
    }

    /// Who sends this request.
    #[must_use]
    pub fn of(parts: &Parts, app: &App) -> Self {
        let address = address::of_request(parts, &app.config.auth.trusted_proxies);
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0);
        let nobody = Self { address: Some(address), request_id, ..Self::nobody(Proof::None) };
        match parts.extensions.get::<Principal>() {
            None => nobody,
            Some(principal) => nobody.signed_in(principal),
        }
    }

    /// The same request, by whom it turned out to be.
    #[must_use]
    pub fn signed_in(self, principal: &Principal) -> Self {
        let prefix = Some(principal.prefix.clone());
        Self { prefix, ..self.proven(principal.user_id, &principal.email, proof(principal)) }
    }
}

fn proof(principal: &Principal) -> Proof {
    match principal.credential {
        Credential::Session(_) => Proof::Session,
        Credential::Token(_) => proof_of_token(&principal.prefix),
    }
}

fn proof_of_token(prefix: &str) -> Proof {
    if prefix.starts_with("tpl_") { Proof::LoginToken } else { Proof::Token }
}

impl FromRequestParts<App> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts, app))
    }
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Act {
    /// Which kind.
    pub action: Action,
    /// Done, refused or failed.
    pub outcome: Outcome,
    /// To what: its kind (`user`, `token`, `package`, `version`, …) and id.
    pub object: Option<(&'static str, String)>,
    /// Before and after, parameters, counts. Never a secret.
    pub detail: Value,
}

impl Act {
    /// Something that was done.
    #[must_use]
    pub fn done(action: Action) -> Self {
        Self { action, outcome: Outcome::Ok, object: None, detail: Value::Null }
    }

    /// Something that was refused.
    #[must_use]
    pub fn refused(action: Action) -> Self {
        Self { outcome: Outcome::Refused, ..Self::done(action) }
    }

    /// Something that did not work.
    #[must_use]
    pub fn failed(action: Action) -> Self {
        Self { outcome: Outcome::Failed, ..Self::done(action) }
    }

    /// To what it was done.
    #[must_use]
    pub fn to(self, kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self { object: Some((kind, id.to_string())), ..self }
    }

    /// With which particulars: an object.
    #[must_use]
    pub fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

/// Writes it down, in the transaction of `connection`.
pub async fn write(
    app: &App,
    connection: &mut PgConnection,
    actor: &Actor,
    act: Act,
) -> sqlx::Result<()> {
    let (object_type, object_id) = act.object.clone().unzip();
    db::audit::insert(connection, row(app, actor, act, object_type, object_id.as_deref())).await
}

/// Writes down what changed nothing: a refusal, a read.
pub async fn note(app: &App, actor: &Actor, act: Act) -> sqlx::Result<()> {
    let mut connection = app.pool.acquire().await?;
    write(app, &mut connection, actor, act).await
}

/// The same, but once a minute for one object: what anybody can cause must not flood the log.
pub async fn note_seldom(app: &App, actor: &Actor, act: Act) -> sqlx::Result<()> {
    let (object_type, object_id) = act.object.clone().unzip();
    let row = row(app, actor, act, object_type, object_id.as_deref());
    let mut transaction = app.pool.begin().await?;
    let since = app.clock.now() - TimeDelta::minutes(1);
    if !db::audit::is_noted(&mut transaction, &row, since).await? {
        db::audit::insert(&mut transaction, row).await?;
    }
    transaction.commit().await
}

/// Writes down that somebody asked for an object of somebody else, and was told that there is none.
pub async fn refused(
    app: &App,
    actor: &Actor,
    (kind, id): (&'static str, Uuid),
) -> sqlx::Result<()> {
    let act = Act::refused(Action::AccessRefused).to(kind, id).with(json!({ "answer": 404 }));
    note(app, actor, act).await
}

fn row<'a>(
    app: &App,
    actor: &'a Actor,
    act: Act,
    object_type: Option<&'static str>,
    object_id: Option<&'a str>,
) -> Row<'a> {
    Row {
        at: app.clock.now(),
        actor_id: actor.user_id,
        actor_email: actor.email.as_deref(),
        credential: actor.proof.as_str(),
        credential_prefix: actor.prefix.as_deref(),
        address: actor.address.map(|address| address.to_string()),
        request_id: actor.request_id,
        action: act.action.as_str(),
        object_type,
        object_id,
        outcome: act.outcome.as_str(),
        detail: if act.detail.is_null() {
            Value::Object(serde_json::Map::new())
        } else {
            act.detail
        },
    }
}
