//! The daily summaries that a load changes: they are computed anew, once, in its transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use sqlx::{PgConnection, types::Json};
use utoipa::ToSchema;

use super::{LoadError, Page, touched::Touched};
use crate::{
    db::feeds::{
        outbox::{self, NewEvent},
        rows,
        summary::{self, Change, Day, Inputs, MeterDay, Sources, TABLE},
    },
    domain::feed::{
        SeriesKind, Topic, Window,
        day::local_day,
        summary::{Part, Slot, Summary, summarize},
        upsert::Manner,
    },
};

/// What summaries are made of, by region.
pub const SOURCES: &[Sources] = &[Sources {
    region_id: "GB",
    secs: 1800,
    carbon_feed: "gb.intensity",
    factor_set: "NESO",
    forecast_feed: "gb.forecast",
    mix_feed: "gb.mix",
    usage_feed: "octopus.usage",
    price_feed: "octopus.rates",
    price_provider: "octopus",
}];

/// How many days are read at once.
const CHUNK: usize = 31;

/// How far apart two days may be that are read at once.
const NEAR: TimeDelta = TimeDelta::days(7);

/// What a load has changed of which summaries are made.
#[derive(Debug, Default)]
pub(crate) struct Affected(Vec<Change>);

impl Affected {
    /// The prices of a tariff from an instant on, up to another where one is told.
    pub(crate) fn tariff(&mut self, code: &str, from: DateTime<Utc>, to: Option<DateTime<Utc>>) {
        self.add("tariff", code, from, to);
    }

    /// What a meter pays, in the same way.
    pub(crate) fn meter(&mut self, meter_id: &str, from: DateTime<Utc>, to: Option<DateTime<Utc>>) {
        self.add("meter", meter_id, from, to);
    }

    fn add(
        &mut self,
        kind: &'static str,
        subject: &str,
        from: DateTime<Utc>,
        to: Option<DateTime<Utc>>,
    ) {
        // A day beyond the reach of any usage; a span of no length changes nothing.
        let to = to.unwrap_or_else(|| from.max(DateTime::UNIX_EPOCH) + TimeDelta::days(36_525));
        if let Ok(range) = Window::new(from, to) {
            self.0.push(Change { kind, subject: subject.to_owned(), range });
        }
    }

    /// The slots that have changed and are among the sources.
    fn slots(&mut self, touched: &Touched) {
        for (series, slots) in touched.each() {
            let is_source = |sources: &&Sources| match series.kind {
                SeriesKind::Usage => series.feed_id == sources.usage_feed,
                SeriesKind::Intensity => {
                    series.feed_id == sources.carbon_feed && series.subject == sources.region_id
                }
                SeriesKind::Mix => {
                    series.feed_id == sources.mix_feed && series.subject == sources.region_id
                }
            };
            let Some(sources) = SOURCES.iter().find(is_source) else { continue };
            let kind = if series.kind == SeriesKind::Usage { "meter" } else { "region" };
            for range in stretches(slots.iter().copied(), sources.secs) {
                self.0.push(Change { kind, subject: series.subject.clone(), range });
            }
        }
    }

    /// Computes the summaries of the days that are touched.
    pub(super) async fn settle(
        mut self,
        conn: &mut PgConnection,
        page: &Page<'_>,
        touched: &Touched,
    ) -> Result<(), LoadError> {
        self.slots(touched);
        if self.0.is_empty() {
            return Ok(());
        }
        let regions: Vec<String> =
            SOURCES.iter().map(|sources| sources.region_id.to_owned()).collect();
        summary::turn(conn).await?;
        let days = summary::days(conn, &self.0, &regions).await?;
        for of_meter in days.chunk_by(|a, b| a.meter_id == b.meter_id) {
            recompute(conn, page, of_meter).await?;
        }
        Ok(())
    }
}

/// The ranges that slots in order cover.
fn stretches(slots: impl Iterator<Item = DateTime<Utc>>, secs: i32) -> Vec<Window> {
    let mut ranges: Vec<Window> = Vec::new();
    for start in slots {
        let Ok(slot) = Window::new(start, start + TimeDelta::seconds(secs.into())) else {
            continue;
        };
        match ranges.last_mut() {
            Some(last) if last.to() == slot.from() => {
                *last = Window::new(last.from(), slot.to()).unwrap_or(*last);
            }
            _ => ranges.push(slot),
        }
    }
    ranges
}

/// Computes days of one meter, in order, and tells of those that say something else now.
async fn recompute(
    conn: &mut PgConnection,
    page: &Page<'_>,
    days: &[MeterDay],
) -> Result<(), LoadError> {
    let Some(MeterDay { meter_id, region_id, .. }) = days.first() else { return Ok(()) };
    let Some(sources) = SOURCES.iter().find(|sources| sources.region_id == region_id) else {
        return Ok(());
    };
    let known_at = summary::lock(conn, meter_id).await?;
    let mut computed: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    for near in days.chunk_by(|a, b| b.day - a.day <= NEAR) {
        for chunk in near.chunks(CHUNK) {
            compute(conn, sources, chunk, &mut computed).await?;
        }
    }
    let source =
        rows::Source { fetch_id: Some(page.fetch_id), fetched_at: Some(page.fetched_at), known_at };
    let rows = computed.values().map(Day::cells).collect();
    let stored = rows::upsert(conn, &TABLE, Manner::Computed, rows, &source).await?;
    let changed = stored.changes.iter().filter_map(|change| {
        let date = change.after.get(1)?.instant()?.date_naive();
        Some(Day { rev: change.rev, ..computed.get(&date)?.clone() })
    });
    tell(conn, &changed.collect::<Vec<_>>(), sources, known_at).await
}

/// Computes days that are near one another.
async fn compute(
    conn: &mut PgConnection,
    sources: &Sources,
    days: &[MeterDay],
    computed: &mut BTreeMap<NaiveDate, Day>,
) -> Result<(), LoadError> {
    let windows: Vec<(&MeterDay, Window)> =
        days.iter().filter_map(|day| Some((day, local_day(zone(&day.zone), day.day)?))).collect();
    let (Some((first, from)), Some((_, to))) = (windows.first(), windows.last()) else {
        return Ok(());
    };
    let Ok(range) = Window::new(from.from(), to.to()) else { return Ok(()) };
    let inputs = summary::inputs(conn, sources, &first.meter_id, range, false).await?;
    for (of, window) in windows {
        computed.insert(of.day, day(sources, of, window, &inputs));
    }
    Ok(())
}

fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// A stored summary with a forecast for every intensity that is not there. Nothing is stored.
pub async fn with_forecast(conn: &mut PgConnection, stored: &Day) -> sqlx::Result<Option<Day>> {
    let is_of = |sources: &&Sources| {
        sources.carbon_feed == stored.feed_id && sources.factor_set == stored.factor_set_id
    };
    let window = local_day(zone(&stored.zone), stored.local_date);
    let (Some(sources), Some(window)) = (SOURCES.iter().find(is_of), window) else {
        return Ok(None);
    };
    let inputs = summary::inputs(conn, sources, &stored.meter_id, window, true).await?;
    let of = MeterDay {
        meter_id: stored.meter_id.clone(),
        zone: stored.zone.clone(),
        region_id: sources.region_id.to_owned(),
        day: stored.local_date,
    };
    Ok(Some(Day { rev: stored.rev, ..day(sources, &of, window, &inputs) }))
}

/// The summary of a day out of what is known of its slots.
fn day(sources: &Sources, of: &MeterDay, window: Window, inputs: &Inputs) -> Day {
    let slot = |slot: Window| Slot {
        start: slot.from(),
        usage: inputs.usage.get(&slot.from()).copied(),
        carbon: inputs.carbon.get(&slot.from()).copied(),
        price: inputs.prices.energy(slot.from()),
        mix: inputs.mix.get(&slot.from()).into_iter().flatten().cloned().collect(),
    };
    let slots: Vec<Slot> = window.cut(TimeDelta::seconds(sources.secs.into())).map(slot).collect();
    let summary = summarize(&slots, inputs.prices.standing(window.from()));
    row(sources, of, &summary)
}

/// As it is stored.
fn row(sources: &Sources, of: &MeterDay, summary: &Summary) -> Day {
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let feed = |part: &Part| match part {
        Part::Usage => sources.usage_feed,
        Part::Carbon => sources.carbon_feed,
        Part::Price => sources.price_feed,
        Part::Mix => sources.mix_feed,
    };
    let missing: serde_json::Map<String, Value> = summary
        .missing
        .iter()
        .map(|(part, starts)| (feed(part).to_owned(), json!(starts)))
        .collect();
    let digits = |percent: &Decimal| RawValue::from_string(percent.to_string()).ok();
    let share = |(fuel, percent): (&String, &Decimal)| Some((fuel.clone(), digits(percent)?));
    let mix = summary.mix.as_ref().map(|mix| Json(mix.iter().filter_map(share).collect()));
    Day {
        meter_id: of.meter_id.clone(),
        local_date: of.day,
        feed_id: sources.carbon_feed.to_owned(),
        factor_set_id: sources.factor_set.to_owned(),
        zone: of.zone.clone(),
        slots_expected: count(summary.slots_expected),
        slots_used: count(summary.slots_used),
        slots_estimated: count(summary.slots_estimated),
        missing_by_feed: Value::Object(missing),
        kwh: summary.kwh,
        grams_co2: summary.grams,
        average_g_per_kwh: summary.average,
        cost_exc_vat: summary.cost.map(|cost| cost.exc_vat),
        cost_inc_vat: summary.cost.map(|cost| cost.inc_vat),
        standing_exc_vat: summary.standing.map(|standing| standing.exc_vat),
        standing_inc_vat: summary.standing.map(|standing| standing.inc_vat),
        mix_percent: mix,
        complete: summary.is_complete,
        rev: 0,
    }
}

async fn tell(
    conn: &mut PgConnection,
    days: &[Day],
    sources: &Sources,
    known_at: DateTime<Utc>,
) -> Result<(), LoadError> {
    let key = |day: &Day| [&*day.meter_id, &day.feed_id, &day.factor_set_id].join("/");
    let keys: Vec<String> = days.iter().map(key).collect();
    let mut events = Vec::with_capacity(days.len());
    for (day, series_key) in days.iter().zip(&keys) {
        let start = local_day(zone(&day.zone), day.local_date).map(Window::from);
        events.push(NewEvent {
            topic: Topic::UsageDay,
            subject: &day.meter_id,
            series_key,
            feed_id: sources.usage_feed,
            time: start.unwrap_or_default(),
            rev: day.rev.into(),
            data: to_raw_value(&Told::of(day))?,
        });
    }
    Ok(outbox::write(conn, &events, known_at).await?)
}

/// A summary as it is told and printed: grams with three decimals, averages and pence with four, percent
/// with two, kWh with all that there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailySummary, example = json!({"date": "2025-01-15", "meter": "m1f0c2a9be4d7", "feed": "gb.intensity",
    "factor_set": "NESO", "zone": "Europe/London", "carbon_grams": "3741.903",
    "average_carbon_intensity": "172.4618", "total_energy_used": "21.697",
    "total_energy_cost_inc_vat": "314.6470", "total_energy_cost_ex_vat": "299.6638",
    "standing_inc_vat": "46.4100", "standing_exc_vat": "44.2000",
    "mix_percentage": [{"fuel": "gas", "perc": "32.91"}, {"fuel": "wind", "perc": "32.43"}],
    "slots_expected": 48, "slots_used": 48, "slots_estimated": 0, "missing_by_feed": {},
    "complete": true, "rev": 1}))]
pub struct Told<'a> {
    /// The day of the zone.
    date: NaiveDate,
    /// Whose.
    meter: &'a str,
    /// Where the intensities are from.
    feed: &'a str,
    /// Under which set of factors.
    factor_set: &'a str,
    /// Whose midnight.
    zone: &'a str,
    /// g of CO2.
    #[schema(value_type = Option<String>)]
    carbon_grams: Option<Box<RawValue>>,
    /// g/kWh, weighted by usage.
    #[schema(value_type = Option<String>)]
    average_carbon_intensity: Option<Box<RawValue>>,
    /// kWh.
    #[schema(value_type = Option<String>)]
    total_energy_used: Option<Box<RawValue>>,
    /// Pence with VAT.
    #[schema(value_type = Option<String>)]
    total_energy_cost_inc_vat: Option<Box<RawValue>>,
    /// Pence without VAT.
    #[schema(value_type = Option<String>)]
    total_energy_cost_ex_vat: Option<Box<RawValue>>,
    /// Pence with VAT, not in the cost.
    #[schema(value_type = Option<String>)]
    standing_inc_vat: Option<Box<RawValue>>,
    /// Pence without VAT, not in the cost.
    #[schema(value_type = Option<String>)]
    standing_exc_vat: Option<Box<RawValue>>,
    /// By fuel, weighted by usage.
    mix_percentage: Option<Vec<Share<'a>>>,
    /// Half-hours of the day.
    slots_expected: i32,
    /// Those with usage.
    slots_used: i32,
    /// Those weighed with an intensity that was not measured.
    slots_estimated: i32,
    /// Starts of the half-hours that lack a part, by the feed that brings it.
    #[schema(value_type = std::collections::BTreeMap<String, Vec<DateTime<Utc>>>)]
    missing_by_feed: &'a Value,
    /// Whether every half-hour has every part.
    complete: bool,
    /// Rises with each change.
    rev: i32,
}

/// The share of a fuel.
#[derive(Debug, Serialize, ToSchema)]
pub struct Share<'a> {
    /// As the upstream names it.
    fuel: &'a str,
    /// Percent.
    #[schema(value_type = Option<String>)]
    perc: Option<Box<RawValue>>,
}

/// With so many decimals, rounded half away from zero.
#[must_use]
pub fn decimals(value: Option<Decimal>, places: u32) -> Option<Decimal> {
    let mut rounded = value?.round_dp_with_strategy(places, MidpointAwayFromZero);
    rounded.rescale(places);
    Some(rounded)
}

/// As a number of JSON.
fn printed(value: Option<Decimal>, places: u32) -> Option<Box<RawValue>> {
    RawValue::from_string(decimals(value, places)?.to_string()).ok()
}

/// A number of JSON as a string with the same digits.
fn quote(number: &mut Option<Box<RawValue>>) {
    *number = number.take().and_then(|text| RawValue::from_string(format!("\"{text}\"")).ok());
}

impl<'a> Told<'a> {
    /// The same with decimals as strings, which no reader can round by mistake.
    #[must_use]
    pub fn in_strings(mut self) -> Self {
        let shares = self.mix_percentage.iter_mut().flatten().map(|share| &mut share.perc);
        let figures = [
            &mut self.carbon_grams,
            &mut self.average_carbon_intensity,
            &mut self.total_energy_used,
            &mut self.total_energy_cost_inc_vat,
            &mut self.total_energy_cost_ex_vat,
            &mut self.standing_inc_vat,
            &mut self.standing_exc_vat,
        ];
        figures.into_iter().chain(shares).for_each(quote);
        self
    }

    /// Of a stored summary, with decimals as numbers.
    #[must_use]
    pub fn of(day: &'a Day) -> Self {
        let mix = day.mix_percent.as_ref().map(|mix| {
            let percent = |text: &RawValue| printed(text.get().parse().ok(), 2);
            mix.0.iter().map(|(fuel, text)| Share { fuel, perc: percent(text) }).collect()
        });
        Self {
            date: day.local_date,
            meter: &day.meter_id,
            feed: &day.feed_id,
            factor_set: &day.factor_set_id,
            zone: &day.zone,
            carbon_grams: printed(day.grams_co2, 3),
            average_carbon_intensity: printed(day.average_g_per_kwh, 4),
            total_energy_used: day
                .kwh
                .and_then(|kwh| RawValue::from_string(kwh.normalize().to_string()).ok()),
            total_energy_cost_inc_vat: printed(day.cost_inc_vat, 4),
            total_energy_cost_ex_vat: printed(day.cost_exc_vat, 4),
            standing_inc_vat: printed(day.standing_inc_vat, 4),
            standing_exc_vat: printed(day.standing_exc_vat, 4),
            mix_percentage: mix,
            slots_expected: day.slots_expected,
            slots_used: day.slots_used,
            slots_estimated: day.slots_estimated,
            missing_by_feed: &day.missing_by_feed,
            complete: day.complete,
            rev: day.rev,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(half_hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(half_hour * 1800, 0).unwrap()
    }

    #[test]
    fn slots_in_a_row_are_one_stretch() {
        let ranges = stretches([0, 1, 2, 5, 7, 8].map(at).into_iter(), 1800);
        let expected =
            [(0, 3), (5, 6), (7, 9)].map(|(from, to)| Window::new(at(from), at(to)).unwrap());
        assert_eq!(ranges, expected);
    }

    #[test]
    fn figures_are_printed_with_their_decimals() {
        let print =
            |text: &str, places| printed(text.parse().ok(), places).map(|raw| raw.get().to_owned());
        assert_eq!(print("3741.903", 3).as_deref(), Some("3741.903"));
        assert_eq!(print("314.647", 4).as_deref(), Some("314.6470"));
        assert_eq!(print("-0.00005", 4).as_deref(), Some("-0.0001"));
        assert_eq!(print("", 4), None);
    }

    #[test]
    fn a_span_without_an_end_reaches_far_and_one_of_no_length_nowhere() {
        let mut affected = Affected::default();
        affected.tariff("A", at(0), None);
        affected.tariff("A", at(5), Some(at(5)));
        assert_eq!(affected.0.len(), 1);
        assert!(affected.0[0].range.length() > TimeDelta::days(36_000));
    }
}
