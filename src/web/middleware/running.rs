//! What is still being sent when its user is shut out breaks off, within seconds.

use std::{io, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::{StreamExt as _, stream};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{app::App, auth::Principal, db::users};

/// How often it is asked whether the user of a long answer may still have it.
const EVERY: Duration = Duration::from_secs(2);

/// Put into an answer that itself looks after whether its user may still have it.
#[derive(Debug, Clone, Copy)]
pub struct WatchedByItself;

pub(super) async fn stop_with_user(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let user = request.extensions().get::<Principal>().map(|principal| principal.user_id);
    let response = next.run(request).await;
    let by_itself = response.extensions().get::<WatchedByItself>().is_some();
    match user.filter(|_| !by_itself) {
        // What is whole already is sent; what is still being made may take its time.
        Some(user) if response.body().size_hint().exact().is_none() => {
            response.map(|body| watched(app, user, body))
        }
        _ => response,
    }
}

/// The same body; it breaks off, and does not end cleanly, once its user is shut out.
pub fn watched(app: App, user: Uuid, body: Body) -> Body {
    let (tell, told) = oneshot::channel();
    // In a task of its own: neither a quick body nor a slow reader holds the question up.
    tokio::spawn(watch(app, user, tell));
    let state = Some((body.into_data_stream(), told));
    Body::from_stream(stream::unfold(state, async |state| {
        let (mut pieces, mut told) = state?;
        tokio::select! {
            biased;
            _ = &mut told => {
                let error = io::Error::new(io::ErrorKind::PermissionDenied, "shut out");
                Some((Err(axum::Error::new(error)), None))
            }
            piece = pieces.next() => piece.map(|piece| (piece, Some((pieces, told)))),
        }
    }))
}

/// Tells when the user is shut out; ends with the body. A database that is away for a moment stops
/// nothing.
async fn watch(app: App, user: Uuid, mut tell: oneshot::Sender<()>) {
    loop {
        tokio::select! {
            () = tell.closed() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Ok(false) = users::is_enabled(&app.pool, user).await {
            // Nobody listens any more where the body has just ended.
            _ = tell.send(());
            return;
        }
    }
}
