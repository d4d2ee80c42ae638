//! The interface of the Carbon Aware SDK, for programs that know it: `/emissions/...` and `/locations`,
//! and the same below `/api/v1`. Values are g/kWh and always JSON numbers; names of parameters have no case.

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    carbon::{
        answer::{Asking, digits},
        query::{Common, Numbers, Zone, window},
    },
    listing::required,
};
use crate::{
    app::App,
    db::feeds::{
        reads,
        regions::{self, Series},
        snapshot::FeedSnapshot,
    },
    domain::feed::{IntensityUnit, Mean, Metric, Window},
    error::{Problem, Result},
    extractors::words::Instant,
    feeds::read::{average::reaching, averages, report::stamp},
    web::parameters::{self, Parameters},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
