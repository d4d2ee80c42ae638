//! `GET /api/v1/usage/daily-summary` and `GET /api/v1/usage/daily-summary/{date}`: what meters used by
//! day, and what that came to.

use axum::{extract::Path, response::Response};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde_json::{Value, value::RawValue};
use sqlx::PgPool;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    carbon::{
        answer::{Asking, Page, Whole, trailer},
        query::{Format, Numbers, PAGE, PageParams, names},
    },
    listing::{AsOfParams, required},
};
use crate::{
    app::App,
    auth::Principal,
    db::{
        feeds::summary::{self, Day as Row, Readable, Wanted},
        snapshot::SnapshotError,
    },
    domain::words,
    error::{Problem, Result, shown},
    extractors::{
        feed::table::{Datum, Records, Table},
        query::{as_of, contradiction},
        words::Day,
    },
    feeds::{
        find,
        load::summary::{SOURCES, Told, decimals, with_forecast},
    },
    web::{
        paging,
        parameters::{FromParameters, Parameters},
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

/// Which summaries and how they are written, as the documentation shows it; [`Which`] reads it.
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
    /// `string` (the default): figures as strings with exact digits. `float`: as JSON numbers.
    #[param(example = "string")]
    numbers: Option<String>,
    /// json, or csv or xlsx: everything, one record for each summary; without it `Accept` decides.
    #[param(example = "json")]
    format: Option<String>,
}

/// Which summaries, and how they are written.
struct Which {
    meter: Option<String>,
    factor_set: Option<String>,
    as_of: Option<DateTime<Utc>>,
    numbers: Numbers,
    page: Page,
}

impl Which {
    /// The names that it takes, but for those of pages.
    const NAMES: &'static [&'static str] =
        &["meter", "factor_set", "as_of", "asOf", "numbers", "format"];

    fn read(p: &mut Parameters) -> Result<Self> {
        Ok(Self {
            meter: p.text("meter")?,
            factor_set: p.text("factor_set")?,
            as_of: as_of(p)?,
            numbers: p.value("numbers")?.unwrap_or(Numbers::Exact),
            page: Page::read(p)?,
        })
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

    /// The summaries of days `from` to `to`, both of them included, as far as they are known when the
    /// transaction begins; of a page and one more. 400 for a cut-off that has not come yet.
    async fn wanted(
        &self,
        conn: &mut sqlx::PgConnection,
        principal: &Principal,
        (from, to): (NaiveDate, NaiveDate),
    ) -> Result<Wanted> {
        let meters = self.meters(conn, principal).await?;
        let meter_ids: Vec<String> = meters.into_iter().map(|meter| meter.meter_id).collect();
        let now = summary::lock_shared(conn, &meter_ids).await?;
        let as_of = self.page.as_of(self.as_of).unwrap_or(now);
        if as_of > now {
            return Err(SnapshotError::Future { as_of, now }.into());
        }
        let after = self.page.after::<4>()?;
        let after = after.map(|[day, meter, feed, set]| {
            let day: Day = day.parse().map_err(|_| paging::bad_cursor(day))?;
            Ok::<_, Problem>((day.0, meter.to_owned(), feed.to_owned(), set.to_owned()))
        });
        Ok(Wanted {
            meter_ids,
            factor_set: self.factor_set.clone(),
            from,
            to: to.checked_add_days(Days::new(1)).unwrap_or(to),
            as_of,
            after: after.transpose()?,
            limit: i64::try_from(self.page.limit).unwrap_or(paging::MOST) + 1,
        })
    }

    /// What is known of a file of all of them before it is written.
    async fn whole(
        &self,
        conn: &mut sqlx::PgConnection,
        wanted: &Wanted,
        ((from, to), format): ((NaiveDate, NaiveDate), Format),
    ) -> Result<Whole> {
        let (count, changes) = summary::state(conn, wanted).await?;
        let meters = wanted.meter_ids.join(",");
        // What was known then is the same for ever.
        let state = match self.as_of {
            Some(_) => meters.clone(),
            None => format!("{meters} {count} {changes}"),
        };
        Ok(Whole {
            name: format!("usage_{from}_{to}.{format}"),
            object: format!("usage/{meters}"),
            state,
            most: u64::try_from(count).unwrap_or_default(),
        })
    }

    /// A summary as it is written in JSON.
    fn told<'a>(&self, row: &'a Row) -> Told<'a> {
        match self.numbers {
            Numbers::Exact => Told::of(row).in_strings(),
            Numbers::Float => Told::of(row),
        }
    }
}

/// Where a summary stands in a list.
fn key(row: &Row) -> String {
    [&row.local_date.to_string(), &row.meter_id, &row.feed_id, &row.factor_set_id]
        .map(|s| &**s)
        .join("\n")
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
}

struct ListQuery {
    which: Which,
    days: (NaiveDate, NaiveDate),
}

impl FromParameters for ListQuery {
    const NAMES: &'static [&'static str] = names!(&["from", "to"], Which::NAMES, PAGE);

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let from: Day = p.value("from")?.ok_or_else(|| required("from"))?;
        let to: Day = p.value("to")?.unwrap_or(from);
        if to.0 < from.0 {
            return Err(contradiction("to", to.0, "lies before from"));
        }
        Ok(Self { which: Which::read(p)?, days: (from.0, to.0) })
    }
}

/// A summary in a list.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Item<'a> {
    told: Told<'a>,
    #[serde(skip)]
    key: String,
}

/// List daily summaries
///
/// Of the meters that are yours or that you were given to read, by day. A day without usage has none.
#[utoipa::path(
    get,
    path = "/api/v1/usage/daily-summary",
    tag = "usage",
    params(DaysParams, WhichParams, AsOfParams, PageParams),
    responses(
        (status = 200, description = "A page of summaries: `{\"items\": [...], \"next\": cursor}`, or a file of all.", content(
            (paging::Listing<Told> = "application/json"),
            (String = "text/csv", example = json!(CSV)),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ), headers(
            ("X-Known-At" = String, description = "The cut-off really used, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`, `too_large_for_xlsx`"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`not_found`: no such meter, or not yours."),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
    ),
)]
async fn list(asking: Asking<ListQuery>) -> Result<Response> {
    let ListQuery { which, days } = &asking.query;
    let format = asking.format(&which.page)?;
    let mut transaction = asking.app.pool.begin().await?;
    let wanted = which.wanted(&mut transaction, &asking.principal, *days).await?;
    let known_at = wanted.as_of;
    if format == Format::Json {
        let rows = summary::read(&mut transaction, &wanted).await?;
        transaction.commit().await?;
        let items = rows.iter().map(|row| Item { told: which.told(row), key: key(row) });
        return asking.page(known_at, &which.page, items.collect(), |item| item.key.clone());
    }
    let whole = which.whole(&mut transaction, &wanted, (*days, format)).await?;
    // Whoever computes summaries need not wait for a download: what it changes is known later.
    transaction.commit().await?;
    let (trailer, dated) = end(&asking.app, days.1);
    let table = Table { is_xlsx: format == Format::Xlsx, columns: COLUMNS, trailer, dated };
    let (sender, records) = mpsc::channel(2);
    tokio::spawn(read_all(asking.app.pool.clone(), wanted, sender));
    asking.table(whole, table, records, known_at).await
}

/// Reads everything and hands it on; stops when nobody takes it.
async fn read_all(pool: PgPool, mut wanted: Wanted, sender: mpsc::Sender<sqlx::Result<Records>>) {
    loop {
        let rows = read(&pool, &wanted).await;
        let last = match rows.as_deref() {
            Ok([]) => break,
            Ok([.., last]) => Some(last),
            Err(_) => None,
        };
        wanted.after = last.map(|last| {
            let Row { local_date, meter_id, feed_id, factor_set_id, .. } = last;
            (*local_date, meter_id.clone(), feed_id.clone(), factor_set_id.clone())
        });
        let (is_over, some) = (last.is_none(), rows.map(|rows| rows.iter().map(record).collect()));
        if sender.send(some).await.is_err() || is_over {
            break;
        }
    }
}

async fn read(pool: &PgPool, wanted: &Wanted) -> sqlx::Result<Vec<Row>> {
    summary::read(&mut *pool.acquire().await?, wanted).await
}

/// The columns of a file: the members of JSON.
const COLUMNS: &[&str] = &[
    "date",
    "meter",
    "feed",
    "factor_set",
    "zone",
    "carbon_grams",
    "average_carbon_intensity",
    "total_energy_used",
    "total_energy_cost_inc_vat",
    "total_energy_cost_ex_vat",
    "standing_inc_vat",
    "standing_exc_vat",
    "mix_percentage",
    "slots_expected",
    "slots_used",
    "slots_estimated",
    "missing_by_feed",
    "complete",
    "rev",
];

/// A file as the documentation shows it.
const CSV: &str = "date,meter,feed,factor_set,zone,carbon_grams,average_carbon_intensity,total_energy_used,\
    total_energy_cost_inc_vat,total_energy_cost_ex_vat,standing_inc_vat,standing_exc_vat,mix_percentage,\
    slots_expected,slots_used,slots_estimated,missing_by_feed,complete,rev\n\
    2025-01-15,m1f0c2a9be4d7,gb.intensity,NESO,Europe/London,3741.903,172.4618,21.697,314.647,299.6638,46.41,44.2,\
    \"{\"\"gas\"\":32.91,\"\"wind\"\":32.43}\",48,48,0,{},True,1\n";

/// What stands at the end of a file, and what dates it.
fn end(app: &App, last: NaiveDate) -> (Option<String>, DateTime<Utc>) {
    let feeds = SOURCES.iter().flat_map(|of| [of.carbon_feed, of.mix_feed]);
    let attributions = feeds.filter_map(|id| Some(find(id)?.about().attribution));
    (trailer(app, attributions), last.and_time(NaiveTime::MIN).and_utc())
}

/// A summary by [`COLUMNS`], with the decimals that JSON has; what has parts of its own is JSON.
fn record(row: &Row) -> Vec<Datum> {
    let text = |text: &str| Datum::Text(Some(text.to_owned()));
    let number = |value, places| Datum::Number(decimals(value, places));
    let count = |count: i32| Datum::Number(Some(count.into()));
    let mix = row.mix_percent.as_ref().map(|mix| {
        let rounded = |text: &RawValue| decimals(text.get().parse().ok(), 2).map(|d| d.normalize());
        let shares = mix.0.iter().filter_map(|(fuel, text)| Some((fuel, rounded(text)?)));
        let shares = shares.map(|(fuel, share)| format!("{}:{share}", Value::from(fuel.as_str())));
        format!("{{{}}}", shares.collect::<Vec<_>>().join(","))
    });
    vec![
        Datum::Day(row.local_date),
        text(&row.meter_id),
        text(&row.feed_id),
        text(&row.factor_set_id),
        text(&row.zone),
        number(row.grams_co2, 3),
        number(row.average_g_per_kwh, 4),
        Datum::Number(row.kwh),
        number(row.cost_inc_vat, 4),
        number(row.cost_exc_vat, 4),
        number(row.standing_inc_vat, 4),
        number(row.standing_exc_vat, 4),
        Datum::Text(mix),
        count(row.slots_expected),
        count(row.slots_used),
        count(row.slots_estimated),
        text(&row.missing_by_feed.to_string()),
        Datum::Flag(row.complete),
        count(row.rev),
    ]
}

struct OneQuery {
    which: Which,
    fill: Option<Fill>,
}

impl FromParameters for OneQuery {
    const NAMES: &'static [&'static str] = names!(&["fill"], Which::NAMES);

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
        (status = 200, description = "The summary, or a file of it.", content(
            (Told = "application/json"),
            (String = "text/csv", example = json!(CSV)),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ), headers(
            ("X-Known-At" = String, description = "The cut-off really used, UTC."),
            ("ETag" = String, description = "Send it as If-None-Match to be told that nothing changed."),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`; also where several meters have a \
            summary of the day and none is named"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`not_found`: no usage on that day, no such meter, or not yours."),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`"),
    ),
)]
async fn one(Path(date): Path<String>, asking: Asking<OneQuery>) -> Result<Response> {
    let OneQuery { which, fill } = &asking.query;
    let format = asking.format(&which.page)?;
    let none = || Problem::not_found(format!("there is no summary of {:?}", shown(&date)));
    let day: Day = date.parse().map_err(|_| none())?;
    let mut transaction = asking.app.pool.begin().await?;
    let wanted = which.wanted(&mut transaction, &asking.principal, (day.0, day.0)).await?;
    let rows = summary::read(&mut transaction, &wanted).await?;
    let [row] = rows.as_slice() else {
        return Err(if rows.is_empty() { none() } else { several(&rows) });
    };
    let filled = match fill {
        Some(Fill::Forecast) => with_forecast(&mut transaction, row).await?,
        None => None,
    };
    transaction.commit().await?;
    let row = filled.as_ref().unwrap_or(row);
    if format == Format::Json {
        return asking.one(wanted.as_of, &which.told(row));
    }
    let names = (format!("usage_{}_{}", row.meter_id, day.0), format!("usage/{}", row.meter_id));
    let (records, end) = (vec![record(row)], end(&asking.app, day.0));
    asking.records(format, names, (COLUMNS, records), end, wanted.as_of).await
}

/// 400 where a parameter must say which is meant.
fn several(rows: &[Row]) -> Problem {
    let differ = rows.windows(2).any(|two| two[0].meter_id != two[1].meter_id);
    required(if differ { "meter" } else { "factor_set" })
}
