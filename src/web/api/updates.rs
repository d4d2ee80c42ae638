//! `GET /api/v1/updates`: what was published, in order, for those who keep a copy.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing;
use crate::{
    app::App,
    auth::{Principal, SignedIn},
    db::updates::{self, UpdateFilter, UpdateKind, UpdatePage, UpdateRow},
    domain::{Dataset, Family},
    error::{Problem, Result},
    extractors::words::{Area, Combination, Curve},
    web::{
        paging,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The longest wait in seconds.
const LONGEST_WAIT: u64 = 30;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Oldest,
    After(i64),
    Now,
}

/// Which updates, and how long to wait for one.
struct Query {
    start: Start,
    filter: UpdateFilter,
    limit: i64,
    wait: Duration,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &["after", "limit", "curve", "iso", "wait"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let start = match p.text("after")?.as_deref() {
            None => Start::Oldest,
            Some("now") => Start::Now,
            Some(cursor) => Start::After(decode(cursor)?),
        };
        let wait: u64 = p.value("wait")?.unwrap_or_default();
        if wait > LONGEST_WAIT {
            let wanted = format!("it is a number of seconds from 0 to {LONGEST_WAIT}");
            return Err(Problem::bad_parameter("wait", &wait.to_string(), wanted));
        }
        Ok(Self {
            start,
            filter: filter(p)?,
            limit: paging::limit(p, paging::MOST)?,
            wait: Duration::from_secs(wait),
        })
    }
}

/// What `curve` and `iso` let through; all that they do not name.
fn filter(p: &mut Parameters) -> Result<UpdateFilter> {
    let curve: Curve = p.value("curve")?.unwrap_or(Curve::All);
    let area: Area = p.value("iso")?.unwrap_or(Area::All);
    let mut filter = UpdateFilter::default();
    for &curve in curve.members() {
        for &iso in area.members() {
            let (into, dataset) = match curve {
                Curve::Headroom => (&mut filter.headroom, Dataset::new(Family::Matrix, iso)),
                _ => (&mut filter.datasets, Combination { curve, iso }.dataset()),
            };
            into.extend(dataset.map(Dataset::id));
        }
    }
    match (&*filter.datasets, &*filter.headroom) {
        ([], []) => Err(listing::no_such_dataset(curve.as_str(), area.as_str())),
        _ => Ok(filter),
    }
}

fn encode(position: i64) -> String {
    paging::cursor(&position.to_be_bytes())
}

fn decode(cursor: &str) -> Result<i64> {
    let position = paging::read_cursor(cursor, |content| {
        content.try_into().ok().map(i64::from_be_bytes).filter(|position| *position >= 0)
    });
    let wanted = "take it from the field next of an earlier answer, or give now";
    position.map_err(|_| Problem::bad_parameter("after", cursor, wanted))
}

/// Something that happened to a version.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(example = json!({"kind": "version_published", "curve": "energy", "iso": "ercot",
    "version_id": "17", "curve_timestamp": "2031-03-04T09:30:00Z", "operating_day": "2031-03-04",
    "cob": false, "known_at": "2031-03-04T09:30:41.000512Z", "superseded_by": null,
    "ptc_version_id": null, "note": null}))]
struct UpdateItem {
    /// `version_published`, `version_superseded`, `day_reopened` or `headroom_recomputed`.
    kind: &'static str,
    /// Curve type; `headroom` for headroom.
    curve: &'static str,
    /// ISO.
    iso: &'static str,
    /// The version that it happened to; for headroom the Matrix version.
    version_id: String,
    /// When the version's curve was published.
    curve_timestamp: DateTime<Utc>,
    /// The day that the version belongs to.
    operating_day: NaiveDate,
    /// Whether the version closes the day.
    cob: bool,
    /// The instant from which reads know of it: `as_of` gives the state with it.
    known_at: DateTime<Utc>,
    /// Of `version_superseded`: the version at whose timestamp the validity now ends.
    superseded_by: Option<String>,
    /// Of `headroom_recomputed`: the version of prices to compare.
    ptc_version_id: Option<String>,
    /// A remark: why a day was reopened.
    note: Option<String>,
}

impl From<UpdateRow> for UpdateItem {
    fn from(row: UpdateRow) -> Self {
        let is_headroom = row.kind == UpdateKind::HeadroomRecomputed;
        let other = row.other_version_id.map(|id| id.to_string());
        let (superseded_by, ptc_version_id) =
            if is_headroom { (None, other) } else { (other, None) };
        let curve =
            if is_headroom { Curve::Headroom.as_str() } else { row.dataset.family.as_str() };
        Self {
            kind: row.kind.as_str(),
            curve,
            iso: row.dataset.iso.as_str(),
            version_id: row.version_id.to_string(),
            curve_timestamp: row.curve_timestamp,
            operating_day: row.operating_day,
            cob: row.cob,
            known_at: row.known_at,
            superseded_by,
            ptc_version_id,
            note: row.note,
        }
    }
}

/// Updates in commit order.
#[derive(Debug, serde::Serialize, ToSchema)]
struct Updates {
    /// None where nothing happened.
    items: Vec<UpdateItem>,
    /// The cursor to go on after: always there.
    next: String,
}

/// List what was published
///
/// In commit order: version published, version superseded, day reopened, headroom recomputed. Ask
/// again with `after` = `next`; nothing ever appears before a cursor that was given, and a cursor
/// may be used any number of times. The cursor also passes what `curve` and `iso` leave out.
#[utoipa::path(
    get,
    path = "/api/v1/updates",
    tag = "catalogue",
    params(
        ("after" = Option<String>, Query,
         description = "`next` of an earlier answer; `now` for a cursor only; from the oldest kept update if omitted."),
        ("limit" = Option<u32>, Query, description = "Updates at the most.", minimum = 1, maximum = 1000),
        ("curve" = Option<String>, Query, description = "Only of this curve type.", example = "energy"),
        ("iso" = Option<String>, Query, description = "Only of this ISO.", example = "ercot"),
        ("wait" = Option<u32>, Query, description = "Where there is nothing yet: seconds to wait for an update.",
         minimum = 0, maximum = 30),
    ),
    responses(
        (status = 200, description = "The updates after the cursor, and the cursor after them.", body = Updates),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_such_dataset`"),
        (status = 410, description = "`cursor_expired`: older than what is kept; read everything, then go on from `now`."),
    ),
)]
async fn list(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(query): StrictQuery<Query>,
) -> Result<Response> {
    let page = query.wait_and_read(&app, &principal).await?;
    let cut = page.updates.len() == usize::try_from(query.limit).unwrap_or(usize::MAX);
    let last = page.updates.last().filter(|_| cut).map(|update| update.id);
    let items = page.updates.into_iter().map(UpdateItem::from).collect();
    let next = encode(last.unwrap_or(page.newest));
    let headers = [(header::CACHE_CONTROL, "private, no-store")];
    Ok((headers, Json(Updates { items, next })).into_response())
}

impl Query {
    /// What there is, at once or as soon as there is something; nothing when the time is up or the
    /// server ends.
    async fn wait_and_read(&self, app: &App, principal: &Principal) -> Result<UpdatePage> {
        let (mut start, until) = (self.start, Instant::now() + self.wait);
        let waits = !self.wait.is_zero() && start != Start::Now;
        let mut hearing = waits.then(|| app.bell.hear(&app.pool));
        loop {
            let page = self.read(app, principal, start).await?;
            let Some(bell) = hearing.as_mut().filter(|_| page.updates.is_empty()) else {
                return Ok(page);
            };
            // What the filter left out need not be looked at again.
            start = Start::After(page.newest);
            if timeout_at(until, bell.next()).await != Ok(true) {
                // Read once more, even if nothing rang: nobody may have listened for a moment.
                hearing = None;
            }
        }
    }

    /// The grants are those of the moment, also after a wait.
    async fn read(&self, app: &App, principal: &Principal, start: Start) -> Result<UpdatePage> {
        let (after, limit) = match start {
            Start::Oldest => (0, self.limit),
            Start::After(position) => (position, self.limit),
            Start::Now => (i64::MAX, 0),
        };
        let page =
            updates::page(&app.pool, app.viewer(principal), after, &self.filter, limit).await?;
        match start {
            Start::After(at) if at < page.forgotten || at > page.newest => Err(expired()),
            _ => Ok(page),
        }
    }
}

/// A cursor below the oldest kept, or beyond the newest: the database is an older one then.
fn expired() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "cursor_expired",
        "The updates after this cursor are not kept any more. Take a cursor with after=now, read \
         everything anew, then go on from that cursor.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query> {
        Query::from_parameters(&mut Parameters::parse(Some(query), Query::NAMES)?)
    }

    #[test]
    fn cursors_are_read_as_they_were_written() {
        for position in [0, 1, i64::MAX] {
            assert_eq!(decode(&encode(position)).unwrap(), position);
        }
        for text in ["", "nonsense", "now2", &encode(-1), &paging::cursor(b"1")] {
            assert_eq!(decode(text).unwrap_err().code, "bad_parameter", "{text}");
        }
    }

    #[test]
    fn filters_name_datasets_and_headroom() {
        let filter = |query: &str| read(query).map(|query| query.filter).unwrap();
        assert_eq!(filter("").datasets.len(), Dataset::all().count());
        assert_eq!(filter("").headroom.len(), 5);
        assert!(filter("curve=headroom&iso=pjm").datasets.is_empty());
        assert_eq!(filter("curve=headroom&iso=pjm").headroom.len(), 1);
        assert!(filter("curve=matrix").headroom.is_empty());
        assert_eq!(read("curve=rec&iso=miso").err().unwrap().code, "no_such_dataset");
        for query in ["wait=31", "wait=-1", "limit=0", "limit=1001", "curve=gas", "after="] {
            assert_eq!(read(query).err().unwrap().code, "bad_parameter", "{query}");
        }
    }
}
