//! `GET /api/v1/usage/daily-summary` and `GET /api/v1/usage/daily-summary/{date}`: what meters used by
//! day, and what that came to.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing::{AsOfParams, known_at_headers, required};
use crate::{
    app::App,
    auth::{Principal, SignedIn},
    db::feeds::summary::{self, Day as Row, Readable, Wanted},
    domain::words,
    error::{Problem, Result, shown},
    extractors::{
        query::{as_of, contradiction},
        words::Day,
    },
    feeds::load::summary::{Told, with_forecast},
    web::{
        paging,
        parameters::{FromParameters, Parameters, StrictQuery},
    },
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

words! {
    /// What stands in for an intensity that is not there.
    Fill("a filling") {
        /// The newest forecast.
        Forecast = "forecast",
    }
}

/// Which summaries, as the documentation shows it; [`Which`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct WhichParams {
    /// Of this meter; of all that you may read if omitted.
    #[param(example = "m1f0c2a9be4d7")]
    meter: Option<String>,
    /// Under this set of factors; any if omitted.
    #[param(example = "NESO")]
    factor_set: Option<String>,
}

/// Which summaries.
struct Which {
    meter: Option<String>,
    factor_set: Option<String>,
    as_of: Option<DateTime<Utc>>,
}

impl Which {
    fn read(p: &mut Parameters) -> Result<Self> {
        Ok(Self { meter: p.text("meter")?, factor_set: p.text("factor_set")?, as_of: as_of(p)? })
    }

    /// Of the meters that somebody may read, those that are asked for. 404 for any other.
    async fn meters(
        &self,
        conn: &mut sqlx::PgConnection,
        principal: &Principal,
    ) -> Result<Vec<Readable>> {
        let mut meters = summary::readable(conn, principal.user_id).await?;
        let Some(wanted) = &self.meter else { return Ok(meters) };
        meters.retain(|meter| meter.meter_id == *wanted);
        if meters.is_empty() {
            return Err(Problem::not_found(format!("there is no meter {:?}", shown(wanted))));
        }
        Ok(meters)
    }

    /// Reads summaries of days `from` to `to`, both of them included, and tells up to when they are known.
    async fn summaries(
        &self,
        app: &App,
        principal: &Principal,
        (from, to): (NaiveDate, NaiveDate),
        page: &Page,
    ) -> Result<(DateTime<Utc>, Vec<Row>)> {
        let mut transaction = app.pool.begin().await?;
        let meters = self.meters(&mut transaction, principal).await?;
        let meter_ids: Vec<String> = meters.into_iter().map(|meter| meter.meter_id).collect();
        let now = summary::lock_shared(&mut transaction, &meter_ids).await?;
        let known_at = page.known_at.or(self.as_of).map_or(now, |as_of| as_of.min(now));
        let wanted = Wanted {
            meter_ids,
            factor_set: self.factor_set.clone(),
            from,
            to: to.checked_add_days(Days::new(1)).unwrap_or(to),
            as_of: known_at,
            after: page.after.clone(),
            limit: page.limit + 1,
        };
        let rows = summary::read(&mut transaction, &wanted).await?;
        transaction.commit().await?;
        Ok((known_at, rows))
    }
}

/// Where a page stands: the cut-off of the first one, and the key of the last row before it.
struct Page {
    known_at: Option<DateTime<Utc>>,
    after: Option<(NaiveDate, String, String, String)>,
    limit: i64,
}

impl Page {
    fn read(p: &mut Parameters) -> Result<Self> {
        let limit = paging::limit(p, paging::MOST)?;
        let cursor = p.text("cursor")?;
        let Some((known_at, after)) = cursor.as_deref().map(read_cursor).transpose()? else {
            return Ok(Self { known_at: None, after: None, limit });
        };
        Ok(Self { known_at: Some(known_at), after: Some(after), limit })
    }

    /// Two: one, and whether there is another.
    const fn single() -> Self {
        Self { known_at: None, after: None, limit: 1 }
    }
}

type Cursor = (DateTime<Utc>, (NaiveDate, String, String, String));

fn read_cursor(text: &str) -> Result<Cursor> {
    paging::read_cursor(text, |content| {
        let mut parts = std::str::from_utf8(content).ok()?.split('\n').map(str::to_owned);
        let mut next = || parts.next().filter(|part| !part.contains('\0'));
        let known_at = DateTime::from_timestamp_micros(next()?.parse().ok()?)?;
        let day: Day = next()?.parse().ok()?;
        Some((known_at, (day.0, next()?, next()?, next()?)))
    })
}

fn cursor(known_at: DateTime<Utc>, last: &Row) -> String {
    let micros = known_at.timestamp_micros();
    let (day, meter, feed, set) =
        (last.local_date, &last.meter_id, &last.feed_id, &last.factor_set_id);
    paging::cursor(format!("{micros}\n{day}\n{meter}\n{feed}\n{set}").as_bytes())
}

/// The days of a list, as the documentation shows them; [`ListQuery`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct DaysParams {
    /// The first day.
    #[param(example = "2025-01-15")]
    from: String,
    /// The last day, inclusive; the first if omitted.
    #[param(example = "2025-01-21")]
    to: Option<String>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

struct ListQuery {
    which: Which,
    days: (NaiveDate, NaiveDate),
    page: Page,
}

impl FromParameters for ListQuery {
    const NAMES: &'static [&'static str] =
        &["from", "to", "meter", "factor_set", "as_of", "asOf", "limit", "cursor"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let from: Day = p.value("from")?.ok_or_else(|| required("from"))?;
        let to: Day = p.value("to")?.unwrap_or(from);
        if to.0 < from.0 {
            return Err(contradiction("to", to.0, "lies before from"));
        }
        Ok(Self { which: Which::read(p)?, days: (from.0, to.0), page: Page::read(p)? })
    }
}

/// List daily summaries
///
/// Of the meters that are yours or that you were given to read, by day. A day without usage has none.
#[utoipa::path(
    get,
    path = "/api/v1/usage/daily-summary",
    tag = "usage",
    params(DaysParams, WhichParams, AsOfParams),
    responses(
        (status = 200, description = "A page of summaries: `{\"items\": [...], \"next\": cursor}`.",
         body = paging::Listing<Told>, headers(("X-Known-At" = String, description = "The cut-off really used, UTC."))),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`not_found`: no such meter, or not yours."),
    ),
)]
async fn list(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    uri: Uri,
    StrictQuery(ListQuery { which, days, page }): StrictQuery<ListQuery>,
) -> Result<Response> {
    let (known_at, mut rows) = which.summaries(&app, &principal, days, &page).await?;
    let more = paging::cut(&mut rows, page.limit);
    let next = rows.last().filter(|_| more).map(|last| cursor(known_at, last));
    let mut headers = known_at_headers(known_at)?;
    if let Some(next) = &next {
        let query = uri.query().unwrap_or_default();
        headers.insert(header::LINK, paging::next_link(uri.path(), query, next)?);
    }
    let items: Vec<Told<'_>> = rows.iter().map(Told::of).collect();
    Ok((headers, Json(super::listing::Page { items, next })).into_response())
}

struct OneQuery {
    which: Which,
    fill: Option<Fill>,
}

impl FromParameters for OneQuery {
    const NAMES: &'static [&'static str] = &["meter", "factor_set", "fill", "as_of", "asOf"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let (which, fill) = (Which::read(p)?, p.value("fill")?);
        match which.as_of {
            Some(as_of) if fill.is_some() => {
                let why = "cannot be combined with fill: forecasts fill what is missing now";
                Err(contradiction("as_of", as_of.to_rfc3339(), why))
            }
            _ => Ok(Self { which, fill }),
        }
    }
}

/// Read a daily summary
///
/// What a meter used on a day of its zone: grams of CO2, pence, and of which fuels. A figure counts the
/// half-hours that have both of its parts; `missing_by_feed` names the others, and `complete` says that
/// there are none. The standing charge is not in the cost.
#[utoipa::path(
    get,
    path = "/api/v1/usage/daily-summary/{date}",
    tag = "usage",
    params(
        ("date" = String, Path, example = "2025-01-15"),
        WhichParams,
        ("fill" = Option<String>, Query, description = "`forecast`: the newest forecast stands in for \
            intensities that are not there; `slots_estimated` counts them. Nothing of it is stored."),
        AsOfParams,
    ),
    responses(
        (status = 200, description = "The summary.", body = Told,
         headers(("X-Known-At" = String, description = "The cut-off really used, UTC."))),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`; also where several meters have a \
            summary of the day and none is named"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`not_found`: no usage on that day, no such meter, or not yours."),
    ),
)]
async fn one(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    Path(date): Path<String>,
    StrictQuery(OneQuery { which, fill }): StrictQuery<OneQuery>,
) -> Result<Response> {
    let none = || Problem::not_found(format!("there is no summary of {:?}", shown(&date)));
    let day: Day = date.parse().map_err(|_| none())?;
    let days = (day.0, day.0);
    let (known_at, rows) = which.summaries(&app, &principal, days, &Page::single()).await?;
    let [row] = rows.as_slice() else {
        return Err(if rows.is_empty() { none() } else { several(&rows) });
    };
    let filled = match fill {
        Some(Fill::Forecast) => fill_in(&app, row).await?,
        None => None,
    };
    let headers: HeaderMap = known_at_headers(known_at)?;
    Ok((headers, Json(Told::of(filled.as_ref().unwrap_or(row)))).into_response())
}

/// 400 where a parameter must say which is meant.
fn several(rows: &[Row]) -> Problem {
    let differ = rows.windows(2).any(|two| two[0].meter_id != two[1].meter_id);
    required(if differ { "meter" } else { "factor_set" })
}

/// The same day with forecasts, where they can help.
async fn fill_in(app: &App, row: &Row) -> Result<Option<Row>> {
    let mut transaction = app.pool.begin().await?;
    let filled = with_forecast(&mut transaction, row).await?;
    transaction.commit().await?;
    Ok(filled)
}
