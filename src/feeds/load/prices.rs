//! Prices of tariffs.

use chrono::{DateTime, Utc};
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
        RateKind, Topic,
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
    let keys: Vec<String> =
        changes.iter().map(|change| series_key(provider, tariff, change)).collect();
    let mut events = Vec::with_capacity(changes.len());
    for (change, series_key) in changes.iter().zip(&keys) {
        let told = Told::of(change);
        events.push(NewEvent {
            topic: Topic::RetailPrice,
            subject: tariff,
            series_key,
            feed_id: page.feed_id(),
            time: told.valid_from,
            rev: change.rev.into(),
            data: to_raw_value(&told)?,
        });
    }
    Ok(work.tell(&events).await?)
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
