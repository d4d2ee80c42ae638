//! The sessions of tower-sessions, kept in PostgreSQL by the digest of their id.
//!
//! A session holds who signed in and nothing else; what is known of the user is read with it, in
//! one statement, so a change of role or status holds from the next request on. The first request
//! after a change of role gives the session a new secret; its row, and so its life, stays the same.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};
use uuid::Uuid;

use super::Secret;
use crate::{
    app::App,
    audit::{self, Actor, Proof, identity},
    db::sessions::{self, NewSession, Since},
    domain::Sha256,
};

/// Under this name a loaded session has its [`Account`].
pub const ACCOUNT: &str = "account";
/// Under this name a new session gets its [`SignIn`].
pub const SIGN_IN: &str = "sign_in";
/// Under this name a session whose role has changed has the id of its row: it gets a new secret.
pub const RENEWED: &str = "renewed";
/// Under this name a session tells that another request is giving it a new secret at this moment.
const RETIRED: &str = "retired";

/// The user of a session, as they are at this moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Row of `user_session`.
    pub session_id: Uuid,
    /// Row of `app_user`.
    pub user_id: Uuid,
    /// Trimmed and case-folded.
    pub email: String,
    /// The word of the role.
    pub role: String,
    /// Whether the password was chosen by somebody else.
    pub must_change_password: bool,
    /// While the site is closed to browsers: the message of its switch.
    pub shut: Option<String>,
}

/// What a new session is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignIn {
    /// Who.
    pub user_id: Uuid,
    /// Where from.
    pub address: Option<String>,
    /// What the browser says it is.
    pub user_agent: Option<String>,
    /// Where it begins by e-mail and password: the sign-in that is written down with it.
    pub login: Option<Login>,
}

/// A sign-in by e-mail and password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// The user's e-mail.
    pub email: String,
    /// The request.
    pub request_id: Option<Uuid>,
}

/// Keeps sessions in PostgreSQL.
#[derive(Debug, Clone)]
pub struct Sessions(App);

impl Sessions {
    /// The sessions of this server.
    #[must_use]
    pub const fn new(app: App) -> Self {
        Self(app)
    }
}

/// From when on a session must have been seen and made to be in force now.
#[must_use]
pub fn in_force_since(app: &App) -> Since {
    let now = app.clock.now();
    let before = |life: Duration| now - TimeDelta::from_std(life).unwrap_or(TimeDelta::MAX / 2);
    Since {
        seen: before(app.config.auth.session_idle),
        created: before(app.config.auth.session_absolute),
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        if let Some(row) = record.data.get(RENEWED).cloned() {
            let row = serde_json::from_value(row).map_err(encode)?;
            let secret = digest(&record.id);
            return sessions::renew(&self.0.pool, row, secret.as_bytes()).await.map_err(backend);
        }
        let sign_in = record.data.get(SIGN_IN).cloned().unwrap_or_default();
        let sign_in: SignIn = serde_json::from_value(sign_in).map_err(encode)?;
        let session = NewSession {
            id: self.0.clock.new_id(),
            secret_sha256: digest(&record.id),
            user_id: sign_in.user_id,
            now: self.0.clock.now(),
            address: sign_in.address.as_deref(),
            user_agent: sign_in.user_agent.as_deref(),
        };
        let mut transaction = self.0.pool.begin().await.map_err(backend)?;
        sessions::insert(&mut *transaction, session).await.map_err(backend)?;
        if let Some(actor) = actor(&sign_in) {
            let act = identity::login("session", session.id);
            audit::write(&self.0, &mut transaction, &actor, act).await.map_err(backend)?;
        }
        transaction.commit().await.map_err(backend)
    }

    /// A session is never changed once it is made: it is ended and another one begins.
    async fn save(&self, _: &Record) -> Result<()> {
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let (pool, now) = (&self.0.pool, self.0.clock.now());
        let since = in_force_since(&self.0);
        let found = sessions::live(pool, digest(id).as_bytes(), since).await.map_err(backend)?;
        let Some(live) = found else { return Ok(None) };
        let renewed = live.role_changed;
        if renewed && !self.retire(live.id, id).await? {
            return Ok(Some(record(id, HashMap::from([(RETIRED.to_owned(), json!(true))]))));
        }
        if is_stale(live.last_seen_at, now) {
            sessions::touch(pool, live.id, now).await.map_err(backend)?;
        }
        let account = Account {
            session_id: live.id,
            user_id: live.user_id,
            email: live.email,
            role: live.role,
            must_change_password: live.must_change_password,
            shut: live.shut,
        };
        let mut data = HashMap::from([(ACCOUNT.to_owned(), json!(account))]);
        if renewed {
            data.insert(RENEWED.to_owned(), json!(live.id));
        }
        Ok(Some(record(id, data)))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        sessions::delete_by_secret(&self.0.pool, digest(id).as_bytes()).await.map_err(backend)
    }
}

impl Sessions {
    /// Takes the secret of a session away; nobody knows the one that takes its place.
    async fn retire(&self, row: Uuid, id: &Id) -> Result<bool> {
        let placeholder = Secret::random("").map_err(backend)?.digest();
        let (old, new) = (digest(id), placeholder.as_bytes());
        sessions::retire(&self.0.pool, row, old.as_bytes(), new).await.map_err(backend)
    }
}

/// The life of a session is a matter of its row; the library's own date decides nothing.
fn record(id: &Id, data: HashMap<String, Value>) -> Record {
    Record { id: *id, data, expiry_date: OffsetDateTime::UNIX_EPOCH }
}

/// Who signs in with e-mail and password, if that is how the session begins.
fn actor(sign_in: &SignIn) -> Option<Actor> {
    let login = sign_in.login.as_ref()?;
    let somewhere = Actor {
        address: sign_in.address.as_deref().and_then(|address| address.parse().ok()),
        request_id: login.request_id,
        ..Actor::SERVER
    };
    Some(somewhere.proven(sign_in.user_id, &login.email, Proof::Password))
}

/// Whether a "last used" is old enough to be written again.
pub(super) fn is_stale(written: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - written >= TimeDelta::minutes(1)
}

fn digest(id: &Id) -> Sha256 {
    Sha256::of(id.to_string().as_bytes())
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

fn encode(error: impl std::fmt::Display) -> Error {
    Error::Encode(error.to_string())
}
