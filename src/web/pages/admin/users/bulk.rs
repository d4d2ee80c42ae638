//! The form that invites many at once: lines typed, or a file.

use axum::{
    extract::{FromRequest as _, Multipart, Request, State, multipart::MultipartError},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use super::{Filter, Many, Shown, UsersPage};
use crate::{
    app::App,
    audit::Actor,
    auth::accounts,
    error::{Problem, Result},
    web::{
        middleware::csrf,
        pages::PageContext,
        parameters::{NoQuery, unknown_parameter},
    },
};

pub(super) async fn invite_many(
    context: PageContext,
    State(app): State<App>,
    actor: Actor,
    _: NoQuery,
    request: Request,
) -> Result<Response> {
    let context = context.admin()?;
    let done = match read(&app, request).await {
        Ok(text) => accounts::invite_all(&app, &actor, &text).await,
        Err(problem) => Err(problem),
    };
    let page = UsersPage::load(&app, &context, &Filter::default()).await?;
    let lines = match done {
        Ok(lines) => lines,
        Err(problem) => {
            let page = UsersPage { error: Some(problem.detail), ..page };
            return Ok((problem.status, page).into_response());
        }
    };
    let shown = lines.iter().filter_map(|line| line.outcome.as_ref().ok());
    let invited = shown.map(|(link, mailed)| Shown::new(&app, link, *mailed)).collect();
    let refused = lines.into_iter().filter(|line| line.outcome.is_err()).collect();
    let page = UsersPage { many: Some(Many { invited, refused }), ..page };
    Ok((StatusCode::MULTI_STATUS, page).into_response())
}

/// The lines that were typed or sent as a file, one of the two.
async fn read(app: &App, request: Request) -> Result<String> {
    let parts = Multipart::from_request(request, app).await;
    let mut parts = parts.map_err(|error| {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_multipart", error.body_text())
    })?;
    let (mut typed, mut file) = (String::new(), String::new());
    while let Some(part) = parts.next_field().await.map_err(|error| unread(&error))? {
        let place = match part.name() {
            Some("lines") => &mut typed,
            Some("file") => &mut file,
            Some(csrf::FIELD) => continue,
            other => return Err(unknown_parameter(other.unwrap_or_default(), &["lines", "file"])),
        };
        let bytes = part.bytes().await.map_err(|error| unread(&error))?;
        let text = str::from_utf8(&bytes).map_err(|_| {
            let detail = "The file is no text in UTF-8; save it as CSV.";
            Problem::new(StatusCode::BAD_REQUEST, "bad_csv", detail)
        })?;
        text.clone_into(place);
    }
    match (typed.trim().is_empty(), file.trim().is_empty()) {
        (true, _) => Ok(file),
        (_, true) => Ok(typed),
        (false, false) => {
            let detail = "Lines were typed and a file was chosen; send one of the two.";
            Err(Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail))
        }
    }
}

fn unread(error: &MultipartError) -> Problem {
    let detail = format!("The form cannot be read: {}", error.body_text());
    Problem::new(error.status(), "bad_multipart", detail)
}
