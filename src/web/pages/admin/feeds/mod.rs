//! `/admin/feeds`: how the feeds fare, and what can be asked of them.

mod detail;
mod list;
mod orders;
mod timeline;
mod view;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{app::App, domain::words};

/// The pages and their forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/feeds", get(list::show))
        .route("/admin/feeds/{feed}", post(orders::pause))
        .route("/admin/feeds/{feed}/{scope}", get(detail::show))
        .route("/admin/feeds/{feed}/{scope}/run", post(orders::run))
        .route("/admin/feeds/{feed}/{scope}/backfill", post(orders::backfill))
        .route("/admin/feeds/{feed}/{scope}/backfills/{number}", post(orders::turn))
}

words! {
    /// What was just done.
    Done("something done") {
        /// A run waits.
        Run = "run",
        /// A backfill waits.
        Backfill = "backfill",
        /// A feed is paused.
        Paused = "paused",
        /// A feed goes on.
        Resumed = "resumed",
        /// A backfill was paused, resumed or ended.
        Turned = "turned",
    }
}

impl Done {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Run => "The run waits for its turn; this page shows what becomes of it.",
            Self::Backfill => "The backfill waits for its turn. Polling goes on meanwhile.",
            Self::Paused => "The feed is paused: nothing is asked of it until it is resumed.",
            Self::Resumed => "The feed goes on; what is due is asked now.",
            Self::Turned => "Done. A page that is being loaded comes to its end first.",
        }
    }
}
