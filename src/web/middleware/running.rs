//! What is still being sent when its user is shut out breaks off, within seconds.

use std::{io, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::{StreamExt as _, stream};
use tokio::time::{Interval, MissedTickBehavior};
use uuid::Uuid;

use crate::{app::App, auth::Principal, db::users};

/// How often it is asked whether the user of a long answer may still have it.
const EVERY: Duration = Duration::from_secs(2);

pub(super) async fn stop_with_user(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let user = request.extensions().get::<Principal>().map(|principal| principal.user_id);
    let response = next.run(request).await;
    match user {
        // What is whole already is sent; what is still being made may take its time.
        Some(user) if response.body().size_hint().exact().is_none() => {
            response.map(|body| watched(app, user, body))
        }
        _ => response,
    }
}

/// The same body; it breaks off, and does not end cleanly, once its user is shut out.
pub fn watched(app: App, user: Uuid, body: Body) -> Body {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let state = Some((body.into_data_stream(), ticks));
    Body::from_stream(stream::unfold(state, move |state| {
        let app = app.clone();
        async move {
            let (mut pieces, mut ticks) = state?;
            tokio::select! {
                biased;
                () = is_out(&app, user, &mut ticks) => {
                    let error = io::Error::new(io::ErrorKind::PermissionDenied, "shut out");
                    Some((Err(axum::Error::new(error)), None))
                }
                piece = pieces.next() => piece.map(|piece| (piece, Some((pieces, ticks)))),
            }
        }
    }))
}

/// Waits until the user is shut out. A database that is away for a moment stops nothing.
async fn is_out(app: &App, user: Uuid, ticks: &mut Interval) {
    loop {
        ticks.tick().await;
        if let Ok(false) = users::is_enabled(&app.pool, user).await {
            return;
        }
    }
}
