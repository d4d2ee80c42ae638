//! `POST /api/v1/users/invite`: many at once.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::LinkItem;
use crate::{
    app::App,
    audit::Actor,
    auth::{
        Admin,
        accounts::{self, Line},
    },
    error::{Problem, Result},
    web::{
        body::{self, require_type},
        middleware::BODY_LIMIT,
        parameters::NoQuery,
    },
};

/// What became of each line.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names that the answer has")]
#[schema(example = json!({"invited": 1, "refused": 1, "results": [
    {"line": 1, "email": "ann@example.com", "role": "read_write", "status": 201, "code": "invited",
     "detail": null, "user_id": "0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11", "link": {
        "url": "https://curves.example.com/link/u3n0cQ4f2yW1sZ8hR6kT5vB7xD9mG2jL4pN6qS8tV0w",
        "purpose": "invite", "expires_at": "2026-03-05T08:00:00Z", "mailed": true}},
    {"line": 2, "email": "bob@example.com", "role": "boss", "status": 400, "code": "bad_parameter",
     "detail": "\"boss\" is not a role; known are read_only, read_write, admin",
     "user_id": null, "link": null}
]}))]
pub(super) struct Invited {
    /// Lines that made a user.
    invited: usize,
    /// Lines that left nothing behind.
    refused: usize,
    results: Vec<Invitation>,
}

/// What became of one line.
#[derive(Debug, Serialize, ToSchema)]
struct Invitation {
    /// Its number in the body, from 1.
    line: u64,
    email: String,
    role: String,
    /// As of a call of its own: 201, 400 or 409.
    status: u16,
    /// `invited`, or why not.
    code: &'static str,
    detail: Option<String>,
    user_id: Option<Uuid>,
    /// Shown this once.
    link: Option<LinkItem>,
}

impl Invitation {
    fn of(app: &App, read: Line) -> Self {
        let Line { number, email, role, outcome } = read;
        let empty = |status: StatusCode, code| Self {
            line: number,
            email,
            role,
            status: status.as_u16(),
            code,
            detail: None,
            user_id: None,
            link: None,
        };
        match outcome {
            Ok((link, mailed)) => Self {
                user_id: Some(link.user_id),
                link: Some(LinkItem::new(app, &link, mailed)),
                ..empty(StatusCode::CREATED, "invited")
            },
            Err(problem) => {
                Self { detail: Some(problem.detail), ..empty(problem.status, problem.code) }
            }
        }
    }
}

/// Invite many users
///
/// Lines of `e-mail,role`, at most 500, with or without a head `email,role`. Each is done or refused
/// for itself; a refused one leaves nothing behind.
#[utoipa::path(
    post, path = "/api/v1/users/invite", tag = "administration",
    request_body(content = String, content_type = "text/csv",
        example = "ann@example.com,read_write\nbob@example.com,read_only\n"),
    responses(
        (status = 207, description = "A result for each line", body = Invited),
        (status = 400, description = "`bad_csv`: no CSV, no line, or too many"),
        (status = 401, description = "Not signed in"),
        (status = 403, description = "Not an administrator"),
        (status = 413, description = "More than 64 KiB"),
        (status = 415, description = "Not text/csv"),
    )
)]
pub(super) async fn invite(
    _admin: Admin,
    State(app): State<App>,
    actor: Actor,
    _: NoQuery,
    request: Request,
) -> Result<(StatusCode, Json<Invited>)> {
    require_type(request.headers(), "text/csv")?;
    let bytes = body::read(request.into_body(), BODY_LIMIT).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| not_text())?;
    let lines = accounts::invite_all(&app, &actor, text).await?;
    let results: Vec<_> = lines.into_iter().map(|line| Invitation::of(&app, line)).collect();
    let invited = results.iter().filter(|result| result.link.is_some()).count();
    let refused = results.len() - invited;
    Ok((StatusCode::MULTI_STATUS, Json(Invited { invited, refused, results })))
}

fn not_text() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_csv", "the body is no text in UTF-8")
}
