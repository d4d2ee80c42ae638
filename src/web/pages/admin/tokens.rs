//! `/admin/tokens`: everybody's tokens and sessions.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Router,
    extract::{Path, State},
    response::Redirect,
    routing::{get, post},
};
use uuid::Uuid;

use crate::{
    app::App,
    audit::Actor,
    auth::{Credential, store},
    db::credentials::{self, OwnedSession, OwnedToken, OwnerPage},
    error::Result,
    web::{
        api::admin::{sessions::end_any, tokens::revoke_any},
        body::StrictForm,
        pages::{
            Page, PageContext,
            form::{filled, url},
        },
        paging,
        parameters::{FromParameters, NoQuery, Parameters, StrictQuery},
    },
};

/// Tokens, and sessions, of a page.
const PAGE: i64 = 50;

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/tokens", get(show))
        .route("/admin/tokens/{id}/revoke", post(revoke))
        .route("/admin/sessions/{id}/end", post(end))
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/tokens.html")]
struct TokensPage {
    page: Page,
    notice: Option<&'static str>,
    owner: String,
    tokens: Vec<OwnedToken>,
    older_tokens: Option<String>,
    sessions: Vec<OwnedSession>,
    older_sessions: Option<String>,
    current: Option<Uuid>,
}

impl TokensPage {
    /// Whether it is the session of the reader.
    fn is_current(&self, session: &OwnedSession) -> bool {
        self.current == Some(session.id)
    }
}

/// Whose, from where on, and what was just done.
struct View {
    owner: Option<String>,
    tokens_before: Option<Uuid>,
    sessions_before: Option<Uuid>,
    done: Option<Done>,
}

crate::domain::words! {
    /// What was just done.
    Done("something done") {
        /// A token was revoked.
        Revoked = "revoked",
        /// A session was ended.
        Ended = "ended",
    }
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] = &["owner", "tokens_before", "sessions_before", "done"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            owner: filled(parameters, "owner")?,
            tokens_before: filled(parameters, "tokens_before")?,
            sessions_before: filled(parameters, "sessions_before")?,
            done: filled(parameters, "done")?,
        })
    }
}

impl View {
    fn page(&self, before: Option<Uuid>) -> OwnerPage {
        OwnerPage { owner: self.owner.clone(), before, limit: PAGE + 1 }
    }

    /// This view with other places.
    fn url(&self, tokens_before: Option<Uuid>, sessions_before: Option<Uuid>) -> String {
        let place = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        let pairs = [
            ("owner", self.owner.clone().unwrap_or_default()),
            ("tokens_before", place(tokens_before)),
            ("sessions_before", place(sessions_before)),
        ];
        url("/admin/tokens", pairs)
    }
}

async fn show(
    context: PageContext,
    State(app): State<App>,
    StrictQuery(view): StrictQuery<View>,
) -> Result<TokensPage> {
    let context = context.admin()?;
    let (now, since) = (app.clock.now(), store::in_force_since(&app));
    let mut tokens = credentials::tokens(&app.pool, &view.page(view.tokens_before), now).await?;
    let wanted = view.page(view.sessions_before);
    let mut sessions = credentials::sessions(&app.pool, &wanted, since).await?;
    let more_tokens = paging::cut(&mut tokens, PAGE);
    let more_sessions = paging::cut(&mut sessions, PAGE);
    let last_token = tokens.last().filter(|_| more_tokens).map(|token| token.id);
    let last_session = sessions.last().filter(|_| more_sessions).map(|session| session.id);
    Ok(TokensPage {
        page: context.page("Tokens and sessions"),
        notice: view.done.map(|done| match done {
            Done::Revoked => "The token is revoked.",
            Done::Ended => "The session has ended.",
        }),
        older_tokens: last_token.map(|id| view.url(Some(id), view.sessions_before)),
        older_sessions: last_session.map(|id| view.url(view.tokens_before, Some(id))),
        owner: view.owner.unwrap_or_default(),
        tokens,
        sessions,
        current: match context.principal.credential {
            Credential::Session(id) => Some(id),
            Credential::Token(_) => None,
        },
    })
}

/// Whose tokens were looked at: the page comes back with them.
struct Owner(String);

impl FromParameters for Owner {
    const NAMES: &'static [&'static str] = &["owner"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self(parameters.text("owner")?.unwrap_or_default()))
    }
}

impl Owner {
    fn back(self, done: Done) -> Redirect {
        let pairs = [("owner", self.0), ("done", done.to_string())];
        Redirect::to(&url("/admin/tokens", pairs))
    }
}

async fn revoke(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(owner): StrictForm<Owner>,
) -> Result<Redirect> {
    context.admin()?;
    revoke_any(&app, &actor, &id).await?;
    Ok(owner.back(Done::Revoked))
}

async fn end(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<String>,
    _: NoQuery,
    StrictForm(owner): StrictForm<Owner>,
) -> Result<Redirect> {
    context.admin()?;
    end_any(&app, &actor, &id).await?;
    Ok(owner.back(Done::Ended))
}
