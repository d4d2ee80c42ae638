//! Daily summaries of meters, and what they are made of.
//!
//! Whoever computes the summaries of a meter holds its lock from before it reads what they are made of
//! until its commit, so that of two loads at once the later sees what the earlier brought; whoever looks
//! which summaries a load changes waits for its turn before that. A reader that takes the lock shared before
//! its view begins sees all that was changed by its cut-off.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, value::RawValue};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::rows::{ATTRIBUTE, Kind, Part, Row, Table, column};
use crate::domain::feed::{
    Window,
    summary::Carbon,
    tariff::{AgreementSpan, Pence, PriceBook, PriceSpan},
    upsert::Cell,
};

/// Advisory lock: who computes the summaries of a meter.
const SUMMARY_LOCK: i32 = 7430;

/// Rows of `usage_daily_summary`. They are computed: every change is a computation anew.
pub const TABLE: Table = Table {
    name: "usage_daily_summary",
    columns: &[
        column("meter_id", Kind::Text, Part::Fixed),
        column("local_date", Kind::Date, Part::Start),
        column("feed_id", Kind::Text, Part::Further),
        column("factor_set_id", Kind::Text, Part::Further),
        column("zone", Kind::Text, ATTRIBUTE),
        column("slots_expected", Kind::Int, ATTRIBUTE),
        column("slots_used", Kind::Int, ATTRIBUTE),
        column("slots_estimated", Kind::Int, ATTRIBUTE),
        column("missing_by_feed", Kind::Json, ATTRIBUTE),
        column("kwh", Kind::Number, ATTRIBUTE),
        column("grams_co2", Kind::Number, ATTRIBUTE),
        column("average_g_per_kwh", Kind::Number, ATTRIBUTE),
        column("cost_exc_vat", Kind::Number, ATTRIBUTE),
        column("cost_inc_vat", Kind::Number, ATTRIBUTE),
        column("standing_exc_vat", Kind::Number, ATTRIBUTE),
        column("standing_inc_vat", Kind::Number, ATTRIBUTE),
        column("mix_percent", Kind::Json, ATTRIBUTE),
        column("complete", Kind::Bool, ATTRIBUTE),
    ],
    series: &["meter_id", "feed_id", "factor_set_id"],
    updated_at: None,
    reconcile: None,
};

/// The summary of a day of a meter.
#[derive(Debug, Clone)]
pub struct Day {
    /// Whose.
    pub meter_id: String,
    /// Which day of the zone.
    pub local_date: NaiveDate,
    /// Where its intensities are from.
    pub feed_id: String,
    /// Under which set of factors.
    pub factor_set_id: String,
    /// Whose midnight.
    pub zone: String,
    /// Slots of the day.
    pub slots_expected: i32,
    /// Slots with usage.
    pub slots_used: i32,
    /// Slots weighed with an intensity that was not measured.
    pub slots_estimated: i32,
    /// Starts of the slots that lack a part, by the feed that brings it.
    pub missing_by_feed: Value,
    /// Energy.
    pub kwh: Option<Decimal>,
    /// g of CO2.
    pub grams_co2: Option<Decimal>,
    /// Weighted by usage.
    pub average_g_per_kwh: Option<Decimal>,
    /// Pence.
    pub cost_exc_vat: Option<Decimal>,
    /// Pence.
    pub cost_inc_vat: Option<Decimal>,
    /// Pence for the day.
    pub standing_exc_vat: Option<Decimal>,
    /// Pence for the day.
    pub standing_inc_vat: Option<Decimal>,
    /// Percent by fuel, with their exact digits.
    pub mix_percent: Option<Json<BTreeMap<String, Box<RawValue>>>>,
    /// Whether every slot has every part.
    pub complete: bool,
    /// Which content.
    pub rev: i32,
}

impl Day {
    /// In the order of the columns of [`TABLE`].
    #[must_use]
    pub fn cells(&self) -> Row {
        let json = |value: &Value| Cell::Json(value.to_string().into());
        let mix = |mix: &Json<_>| {
            serde_json::to_string(mix).map_or(Cell::Null, |text| Cell::Json(text.into()))
        };
        vec![
            self.meter_id.as_str().into(),
            Cell::Date(self.local_date),
            self.feed_id.as_str().into(),
            self.factor_set_id.as_str().into(),
            self.zone.as_str().into(),
            Cell::Int(self.slots_expected),
            Cell::Int(self.slots_used),
            Cell::Int(self.slots_estimated),
            json(&self.missing_by_feed),
            self.kwh.into(),
            self.grams_co2.into(),
            self.average_g_per_kwh.into(),
            self.cost_exc_vat.into(),
            self.cost_inc_vat.into(),
            self.standing_exc_vat.into(),
            self.standing_inc_vat.into(),
            self.mix_percent.as_ref().map_or(Cell::Null, mix),
            Cell::Bool(self.complete),
        ]
    }
}

/// The key of [`SUMMARY_LOCK`] that is no meter's: who changes what summaries are made of.
const ANY: i32 = 0;

/// Waits until nobody else looks which summaries a load changes; then nobody does until the transaction
/// ends. A load that looked before could miss what another is about to bring: usage of a day, of which
/// it changes the intensities.
pub async fn turn(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", SUMMARY_LOCK, ANY).execute(conn).await?;
    Ok(())
}

/// Waits until nobody else computes the summaries of a meter; then nobody does until the transaction
/// ends. The answer is the instant at which all changes of it are known.
pub async fn lock(conn: &mut PgConnection, meter_id: &str) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query!("select pg_advisory_xact_lock($1, hashtext($2))", SUMMARY_LOCK, meter_id)
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await
}

/// Waits until nobody computes the summaries of some meters, in the order in which loads lock them. The answer is the instant up to which a
/// view that begins now knows.
pub async fn lock_shared(
    conn: &mut PgConnection,
    meter_ids: &[String],
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query!(
        "select pg_advisory_xact_lock_shared($1, k)
         from (select hashtext(m) as k from unnest($2::text[]) m order by m) keys",
        SUMMARY_LOCK,
        meter_ids
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await
}

/// What has changed: the kind of a subject (`meter`, `region`, `tariff`), its id, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `meter`, `region` or `tariff`.
    pub kind: &'static str,
    /// Its id or code.
    pub subject: String,
    /// Which slots.
    pub range: Window,
}

/// A day of a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterDay {
    /// Whose.
    pub meter_id: String,
    /// Whose midnight.
    pub zone: String,
    /// Where it draws power.
    pub region_id: String,
    /// Which day.
    pub day: NaiveDate,
}

/// The days with usage that changes touch, of meters in some regions, in the order of meter and day.
pub async fn days(
    conn: &mut PgConnection,
    changes: &[Change],
    regions: &[String],
) -> sqlx::Result<Vec<MeterDay>> {
    let kinds: Vec<String> = changes.iter().map(|change| change.kind.to_owned()).collect();
    let subjects: Vec<String> = changes.iter().map(|change| change.subject.clone()).collect();
    let (from, to): (Vec<_>, Vec<_>) =
        changes.iter().map(|change| (change.range.from(), change.range.to())).unzip();
    sqlx::query_file_as!(
        MeterDay,
        "sql/queries/feed_summary_days.sql",
        &kinds,
        &subjects,
        &from,
        &to,
        regions
    )
    .fetch_all(conn)
    .await
}

/// What is stored of the slots of a range, by their starts.
#[derive(Debug, Default)]
pub struct Inputs {
    /// kWh.
    pub usage: HashMap<DateTime<Utc>, Decimal>,
    /// Intensities that are plausible.
    pub carbon: HashMap<DateTime<Utc>, Carbon>,
    /// Percent by fuel.
    pub mix: HashMap<DateTime<Utc>, Vec<(String, Option<Decimal>)>>,
    /// Prices and standing charges.
    pub prices: PriceBook,
}

/// Which rows the summaries of a region are made of.
#[derive(Debug, Clone, Copy)]
pub struct Sources {
    /// The region.
    pub region_id: &'static str,
    /// Length of a slot in seconds.
    pub secs: i32,
    /// Of intensities.
    pub carbon_feed: &'static str,
    /// Under which set of factors.
    pub factor_set: &'static str,
    /// Of forecasts of the same.
    pub forecast_feed: &'static str,
    /// Of shares of fuels.
    pub mix_feed: &'static str,
    /// Of usage.
    pub usage_feed: &'static str,
    /// Of prices.
    pub price_feed: &'static str,
    /// Whose prices.
    pub price_provider: &'static str,
}

/// Reads what the summaries of a meter are made of in a range. With `forecast`, the newest forecast
/// stands in for intensities that are not there.
pub async fn inputs(
    conn: &mut PgConnection,
    sources: &Sources,
    meter_id: &str,
    range: Window,
    forecast: bool,
) -> sqlx::Result<Inputs> {
    let mut carbon = carbon(conn, sources, range).await?;
    if forecast {
        for (start, estimated) in forecasts(conn, sources, range).await? {
            carbon.entry(start).or_insert(estimated);
        }
    }
    Ok(Inputs {
        usage: usage(conn, sources, meter_id, range).await?,
        carbon,
        mix: mix(conn, sources, range).await?,
        prices: prices(conn, sources, meter_id, range).await?,
    })
}

async fn usage(
    conn: &mut PgConnection,
    sources: &Sources,
    meter_id: &str,
    range: Window,
) -> sqlx::Result<HashMap<DateTime<Utc>, Decimal>> {
    let rows = sqlx::query!(
        r#"select start_at, quantity as "quantity!" from meter_usage
           where meter_id = $1 and start_at >= $2 and start_at < $3 and secs = $4 and quantity is not null"#,
        meter_id,
        range.from(),
        range.to(),
        sources.secs
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.start_at, row.quantity)).collect())
}

async fn carbon(
    conn: &mut PgConnection,
    sources: &Sources,
    range: Window,
) -> sqlx::Result<HashMap<DateTime<Utc>, Carbon>> {
    let rows = sqlx::query!(
        r#"select start_at, generated as "generated!", quality <> 'measured' as "is_estimated!"
           from carbon_intensity
           where feed_id = $1 and region_id = $2 and factor_set_id = $3 and start_at >= $4 and start_at < $5
             and secs = $6 and generated is not null and quality <> 'suspect'"#,
        sources.carbon_feed,
        sources.region_id,
        sources.factor_set,
        range.from(),
        range.to(),
        sources.secs
    )
    .fetch_all(conn)
    .await?;
    let carbon = rows.into_iter().map(|row| {
        (row.start_at, Carbon { g_per_kwh: row.generated, is_estimated: row.is_estimated })
    });
    Ok(carbon.collect())
}

async fn forecasts(
    conn: &mut PgConnection,
    sources: &Sources,
    range: Window,
) -> sqlx::Result<HashMap<DateTime<Utc>, Carbon>> {
    let rows = sqlx::query!(
        r#"select distinct on (start_at) start_at, generated as "generated!" from carbon_intensity_forecast
           where feed_id = $1 and region_id = $2 and factor_set_id = $3 and start_at >= $4 and start_at < $5
             and secs = $6 and generated is not null
           order by start_at, issued_at desc"#,
        sources.forecast_feed,
        sources.region_id,
        sources.factor_set,
        range.from(),
        range.to(),
        sources.secs
    )
    .fetch_all(conn)
    .await?;
    let carbon = rows
        .into_iter()
        .map(|row| (row.start_at, Carbon { g_per_kwh: row.generated, is_estimated: true }));
    Ok(carbon.collect())
}

async fn mix(
    conn: &mut PgConnection,
    sources: &Sources,
    range: Window,
) -> sqlx::Result<HashMap<DateTime<Utc>, Vec<(String, Option<Decimal>)>>> {
    let rows = sqlx::query!(
        "select start_at, fuel, percent from fuel_mix
         where feed_id = $1 and region_id = $2 and start_at >= $3 and start_at < $4 and secs = $5",
        sources.mix_feed,
        sources.region_id,
        range.from(),
        range.to(),
        sources.secs
    )
    .fetch_all(conn)
    .await?;
    let mut mix: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        mix.entry(row.start_at).or_default().push((row.fuel, row.percent));
    }
    Ok(mix)
}

async fn prices(
    conn: &mut PgConnection,
    sources: &Sources,
    meter_id: &str,
    range: Window,
) -> sqlx::Result<PriceBook> {
    let method = sqlx::query_scalar!(
        r#"select coalesce((select config ->> 'payment_method' from feed where feed_id = $1),
                           'DIRECT_DEBIT') as "method!""#,
        sources.price_feed
    );
    let method = method.fetch_one(&mut *conn).await?;
    let agreements = sqlx::query_as!(
        AgreementSpan,
        "select tariff_code, valid_from, valid_to from meter_agreement where meter_id = $1",
        meter_id
    );
    let agreements = agreements.fetch_all(&mut *conn).await?;
    let mut book = PriceBook { agreements, ..PriceBook::default() };
    let rows = sqlx::query_file!(
        "sql/queries/feed_summary_prices.sql",
        meter_id,
        sources.price_provider,
        method,
        range.from(),
        range.to()
    );
    for row in rows.fetch_all(conn).await? {
        let span = PriceSpan {
            is_own: row.is_own,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            price: Pence { exc_vat: row.exc_vat, inc_vat: row.inc_vat },
        };
        let tariff = book.tariffs.entry(row.tariff_code).or_default();
        if row.is_standing { &mut tariff.standing } else { &mut tariff.energy }.push(span);
    }
    Ok(book)
}

/// A meter that somebody may read.
#[derive(Debug, Clone)]
pub struct Readable {
    /// Its id.
    pub meter_id: String,
    /// Whose midnight its days begin at.
    pub zone: String,
    /// Where it draws power.
    pub region_id: Option<String>,
}

/// The meters of electricity that a person owns or was given to read.
pub async fn readable(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<Vec<Readable>> {
    sqlx::query_as!(
        Readable,
        "select m.meter_id, m.zone, m.region_id from meter m
         where m.fuel_kind = 'electricity'
           and (m.owner_user_id = $1
                or exists (select from meter_reader r where r.meter_id = m.meter_id and r.user_id = $1))
         order by m.meter_id",
        user_id
    )
    .fetch_all(conn)
    .await
}

/// Which summaries are read.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of these meters.
    pub meter_ids: Vec<String>,
    /// Under this set of factors; none: any.
    pub factor_set: Option<String>,
    /// From this day on.
    pub from: NaiveDate,
    /// Up to this day, which is not in it.
    pub to: NaiveDate,
    /// As they were known then.
    pub as_of: DateTime<Utc>,
    /// After this one, by day, meter, feed and set.
    pub after: Option<(NaiveDate, String, String, String)>,
    /// At most so many.
    pub limit: i64,
}

/// Summaries by day, meter, feed and set.
pub async fn read(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<Vec<Day>> {
    let after = wanted.after.as_ref();
    sqlx::query_file_as!(
        Day,
        "sql/queries/feed_summaries.sql",
        &wanted.meter_ids,
        wanted.from,
        wanted.to,
        wanted.as_of,
        wanted.factor_set,
        after.map(|after| after.0),
        after.map(|after| after.1.as_str()),
        after.map(|after| after.2.as_str()),
        after.map(|after| after.3.as_str()),
        wanted.limit
    )
    .fetch_all(conn)
    .await
}

/// How many summaries there are by now of what is wanted, and how often they changed: what tells one state
/// from another.
pub async fn state(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", coalesce(sum(rev), 0)::bigint as "changes!" from usage_daily_summary
           where meter_id = any($1) and local_date >= $2 and local_date < $3
             and ($4::text is null or factor_set_id = $4)"#,
        &wanted.meter_ids,
        wanted.from,
        wanted.to,
        wanted.factor_set
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.changes))
}
