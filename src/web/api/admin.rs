//! `/api/v1/admin/...`: everybody's tokens and sessions.

pub mod sessions;
pub mod tokens;

use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    app::App,
    db::credentials::OwnerPage,
    error::Result,
    web::{
        paging,
        parameters::{FromParameters, Parameters},
    },
};

/// The calls of these files.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(sessions::routes()).merge(tokens::routes())
}

/// Whose, and which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct OwnerQuery {
    /// In the owner's e-mail address, without case.
    #[param(required = false, value_type = Option<String>)]
    owner: Option<String>,
    /// Items at the most.
    #[param(required = false, default = 100, minimum = 1, maximum = 1000, value_type = u16)]
    limit: i64,
    /// The `next` of the page before.
    #[param(required = false, value_type = Option<String>)]
    cursor: Option<Uuid>,
}

impl FromParameters for OwnerQuery {
    const NAMES: &'static [&'static str] = &["owner", "limit", "cursor"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        let cursor = parameters.text("cursor")?;
        let read = |text: &str| paging::read_cursor(text, |content| Uuid::from_slice(content).ok());
        Ok(Self {
            owner: parameters.text("owner")?,
            limit: paging::limit(parameters, 100)?,
            cursor: cursor.as_deref().map(read).transpose()?,
        })
    }
}

impl OwnerQuery {
    /// One more than the limit, by which it is seen that there is a next page.
    fn page(&self) -> OwnerPage {
        OwnerPage { owner: self.owner.clone(), before: self.cursor, limit: self.limit + 1 }
    }
}
