//! Prices of tariffs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{LoadError, Work, event::Figure};
use crate::{
    db::feeds::{
        outbox::NewEvent,
        prices::{EXC_VAT, INC_VAT, PAYMENT_METHOD, RATE_KIND, TABLE, UNIT, VALID_FROM, VALID_TO},
        rows::{Change, Row},
    },
    domain::feed::{
        Grain, RateKind, Topic, Window, period,
        upsert::{Cell, Manner},
    },
    feeds::Price,
};

/// The way of payment of a price that applies to all.
const ANY: &str = "-";

/// What prices are in.
const CURRENCY: &str = "GBP";

/// Stores prices as an upstream tells them, with what is told of them.
pub(super) async fn store(work: &mut Work<'_>, prices: Vec<Price>) -> Result<(), LoadError> {
    let page = work.page;
    let tariff = page.scope.tariff_code.as_deref().ok_or_else(|| page.lacks("tariff"))?;
    let provider = page.feed.about().provider;
    let key = (Cell::from(provider), Cell::from(tariff));
    let rows: Vec<Row> = prices.iter().map(|price| cells(&key, price)).collect();
    let changes = work.upsert(&TABLE, Manner::Told, rows).await?;
    for row in changes.iter().flat_map(|change| change.before.iter().chain([&change.after])) {
        let from = row[VALID_FROM].instant().unwrap_or_default();
        work.summaries.tariff(tariff, from, row[VALID_TO].instant());
    }
    let (told, old): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| page.tells_of(valid_from(change)));
    tell(work, (provider, tariff), &told).await?;
    tell_days(work, (provider, tariff), &old).await
}

fn valid_from(change: &Change) -> DateTime<Utc> {
    change.after[VALID_FROM].instant().unwrap_or_default()
}

/// Tells of spans one by one.
async fn tell(
    work: &mut Work<'_>,
    (provider, tariff): (&str, &str),
    changes: &[&Change],
) -> Result<(), LoadError> {
    let keys: Vec<String> =
        changes.iter().map(|change| series_key(provider, tariff, change)).collect();
    let mut events = Vec::with_capacity(changes.len());
    for (change, series_key) in changes.iter().zip(&keys) {
        let told = Told::of(change);
        events.push(NewEvent {
            topic: Topic::RetailPrice,
            subject: tariff,
            series_key,
            feed_id: work.page.feed_id(),
            time: told.valid_from,
            rev: change.rev.into(),
            data: to_raw_value(&told)?,
        });
    }
    Ok(work.tell(&events).await?)
}

/// Tells of the days on which old spans begin that a backfill brought. There is nothing to compute of
/// them first, as there is of slots; each load that changes a day is a revision of it.
async fn tell_days(
    work: &mut Work<'_>,
    (provider, tariff): (&str, &str),
    changes: &[&Change],
) -> Result<(), LoadError> {
    let day = |change: &&Change| period::holding(Grain::Day, Tz::UTC, valid_from(change));
    let days: BTreeSet<Window> = changes.iter().map(day).collect();
    let series_key = [provider, tariff].join("/");
    let mut events = Vec::with_capacity(days.len());
    for day in days {
        let data = TellDay {
            grain: Grain::Day,
            period_start: day.from(),
            period_end: day.to(),
            zone: "UTC",
            series_kind: "price",
        };
        events.push(NewEvent {
            topic: Topic::Rollup,
            subject: tariff,
            series_key: &series_key,
            feed_id: work.page.feed_id(),
            time: day.from(),
            rev: work.page.fetch_id,
            data: to_raw_value(&data)?,
        });
    }
    Ok(work.tell(&events).await?)
}

/// What an event says of a day.
#[derive(Serialize)]
struct TellDay {
    grain: Grain,
    period_start: DateTime<Utc>,
    period_end: DateTime<Utc>,
    zone: &'static str,
    series_kind: &'static str,
}

fn cells((provider, tariff): &(Cell, Cell), price: &Price) -> Row {
    let unit = if price.rate_kind == RateKind::Standing { "pence/day" } else { "pence/kWh" };
    vec![
        provider.clone(),
        tariff.clone(),
        price.rate_kind.as_str().into(),
        price.payment_method.as_deref().unwrap_or(ANY).into(),
        Cell::Instant(price.valid_from),
        price.valid_to.into(),
        Cell::Number(price.exc_vat),
        Cell::Number(price.inc_vat),
        CURRENCY.into(),
        unit.into(),
    ]
}

fn series_key(provider: &str, tariff: &str, change: &Change) -> String {
    let word = |place: usize| change.after[place].text().unwrap_or_default();
    [provider, tariff, word(RATE_KIND), word(PAYMENT_METHOD)].join("/")
}

/// What an event says of a span.
#[derive(Serialize)]
struct Told<'a> {
    valid_from: DateTime<Utc>,
    valid_to: Option<DateTime<Utc>>,
    rate_kind: &'a str,
    /// Null: it applies to all.
    payment_method: Option<&'a str>,
    exc_vat: Figure,
    inc_vat: Figure,
    unit: &'a str,
    rev: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Old>,
}

#[derive(Serialize)]
struct Old {
    valid_to: Option<DateTime<Utc>>,
    exc_vat: Figure,
    inc_vat: Figure,
}

impl<'a> Told<'a> {
    fn of(change: &'a Change) -> Self {
        let row = &change.after;
        let word = |place: usize| row[place].text().unwrap_or_default();
        Self {
            valid_from: row[VALID_FROM].instant().unwrap_or_default(),
            valid_to: row[VALID_TO].instant(),
            rate_kind: word(RATE_KIND),
            payment_method: Some(word(PAYMENT_METHOD)).filter(|method| *method != ANY),
            exc_vat: Figure(row[EXC_VAT].number()),
            inc_vat: Figure(row[INC_VAT].number()),
            unit: word(UNIT),
            rev: change.rev,
            old: change.before.as_ref().map(|row| Old {
                valid_to: row[VALID_TO].instant(),
                exc_vat: Figure(row[EXC_VAT].number()),
                inc_vat: Figure(row[INC_VAT].number()),
            }),
        }
    }
}
