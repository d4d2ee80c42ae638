//! What the page says of a region.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive as _};

use super::chart::{self, Chart, Point};
use crate::{
    db::feeds::{
        carbon::RegionRow,
        retained::{ForecastRow, MixRow, NowRow, SeriesRow},
    },
    feeds,
    live::mqtt::state::amount,
    web::pages::format::{count, instant},
};

/// The fuels of New York's operator, in the order in which they are shown; others follow by amount.
pub const ORDER: [&str; 7] = [
    "Nuclear",
    "Hydro",
    "Natural Gas",
    "Dual Fuel",
    "Wind",
    "Other Renewables",
    "Other Fossil Fuels",
];

/// What was read of a region.
#[derive(Debug)]
pub struct Found {
    pub region: RegionRow,
    pub now: Vec<NowRow>,
    pub series: Vec<SeriesRow>,
    pub forecast: Vec<ForecastRow>,
    pub mix: Vec<MixRow>,
    pub changed_at: Option<DateTime<Utc>>,
}

/// What the page says.
#[derive(Debug)]
pub struct View {
    pub region: RegionRow,
    /// Rounded, `229`; a dash before the first slot.
    pub value: String,
    /// The end of its slot, for the script.
    pub end: String,
    /// How long ago that is.
    pub age: String,
    /// Its slot on the region's clock.
    pub slot: String,
    pub is_stale: bool,
    /// Seconds after which it is stale.
    pub stale_after: i64,
    /// Consumed and marginal: name, word, rounded value, slot.
    pub others: Vec<(&'static str, &'static str, String, String)>,
    pub chart: Chart,
    pub has_forecast: bool,
    /// When the forecast was issued, on the region's clock.
    pub issued: String,
    pub fuels: Vec<Fuel>,
    pub fuel_unit: &'static str,
    pub fuel_slot: String,
    pub fuel_feed: String,
    /// Newest first: slot on the region's clock and value.
    pub rows: Vec<(String, String)>,
    pub feed_name: String,
    pub assumptions: &'static [&'static str],
    pub attributions: Vec<String>,
    pub updated: String,
}

/// A bar.
#[derive(Debug)]
pub struct Fuel {
    pub name: String,
    /// With its digits.
    pub amount: String,
    /// Of all, in whole percent.
    pub share: String,
    /// Length of the bar in percent of the longest.
    pub width: String,
}

/// `14:05` to `14:10`, with its day.
fn slot(start: DateTime<Utc>, secs: i32, zone: Tz) -> String {
    let end = start + TimeDelta::seconds(secs.into());
    let (start, end) = (start.with_timezone(&zone), end.with_timezone(&zone));
    format!("{} to {}", start.format("%-d %b, %H:%M"), end.format("%H:%M %Z"))
}

/// `4 min`, `3 h`, `2 d`.
fn age(span: TimeDelta) -> String {
    match span.num_minutes() {
        ..1 => "less than a minute".to_owned(),
        minutes @ 1..120 => format!("{minutes} min"),
        minutes @ 120..2880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1440),
    }
}

/// Half away from zero, as the script rounds.
fn rounded(value: Decimal) -> String {
    let whole = value.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    count(whole.to_i64().unwrap_or_default())
}

impl View {
    /// What the page says `now`.
    pub fn of(found: Found, now: DateTime<Utc>) -> Self {
        let region = found.region;
        let zone: Tz = region.zone.parse().unwrap_or(Tz::UTC);
        let point =
            |row: &SeriesRow| Point { start: row.start_at, secs: row.secs, value: row.value };
        let measured: Vec<Point> = found.series.iter().map(point).collect();
        let ahead: Vec<Point> = (found.forecast.iter())
            .filter_map(|row| {
                Some(Point { start: row.start_at, secs: row.secs, value: row.value? })
            })
            .collect();
        let newest = found.series.last();
        let end = newest.map(|row| row.start_at + TimeDelta::seconds(row.secs.into()));
        let stale_after = 3 * i64::from(region.step_secs) + region.expected_lag_secs;
        let about = feeds::find(&region.feed_id).map(feeds::Feed::about);
        let other = |word: &'static str, name: &'static str| {
            let row = found.now.iter().find(|row| row.metric == word)?;
            Some((name, word, rounded(row.value), slot(row.start_at, row.secs, zone)))
        };
        let chart = chart::draw(&measured, &ahead, now, zone);
        Self {
            value: newest.map_or_else(|| "–".to_owned(), |row| rounded(row.value)),
            end: end.map_or_else(String::new, |end| end.timestamp().to_string()),
            age: end.map_or_else(String::new, |end| age(now - end)),
            slot: newest.map_or_else(String::new, |row| slot(row.start_at, row.secs, zone)),
            is_stale: end.is_none_or(|end| now - end > TimeDelta::seconds(stale_after)),
            stale_after,
            others: [other("consumed", "Consumed"), other("marginal", "Marginal")]
                .into_iter()
                .flatten()
                .collect(),
            has_forecast: !chart.forecast.is_empty(),
            chart,
            issued: found.forecast.first().map_or_else(String::new, |row| {
                row.issued_at.with_timezone(&zone).format("%-d %b, %H:%M %Z").to_string()
            }),
            fuels: fuels(&found.mix),
            fuel_unit: found.mix.first().map_or("MW", |row| amount(row).1),
            fuel_slot: found
                .mix
                .first()
                .map_or_else(String::new, |row| slot(row.start_at, row.secs, zone)),
            fuel_feed: found.mix.first().map_or_else(String::new, |row| row.feed_id.clone()),
            rows: (found.series.iter().rev())
                .map(|row| (slot(row.start_at, row.secs, zone), row.value.normalize().to_string()))
                .collect(),
            feed_name: about.map_or_else(|| region.feed_id.clone(), |about| about.name.to_owned()),
            assumptions: about.map_or(&[], |about| about.assumptions),
            attributions: vec![region.attribution.clone()],
            updated: found.changed_at.map_or_else(String::new, |at| instant(at, zone)),
            region,
        }
    }
}

/// The bars, in the order of New York's operator; what it does not know follows by amount.
fn fuels(mix: &[MixRow]) -> Vec<Fuel> {
    let value = |row: &MixRow| amount(row).0.unwrap_or_default().max(Decimal::ZERO);
    let longest = mix.iter().map(value).max().unwrap_or_default();
    let total: Decimal = mix.iter().map(value).sum();
    let of = |part: Decimal, whole: Decimal| part * Decimal::ONE_HUNDRED / whole.max(Decimal::ONE);
    let mut rows: Vec<&MixRow> = mix.iter().collect();
    rows.sort_by_key(|row| {
        let place = ORDER.iter().position(|known| *known == row.fuel).unwrap_or(ORDER.len());
        (place, Reverse(value(row)))
    });
    let bar = |row: &MixRow| Fuel {
        name: name(&row.fuel),
        amount: amount(row).0.map_or_else(|| "–".to_owned(), printed),
        share: format!("{} %", of(value(row), total).round()),
        width: format!("{:.1}%", of(value(row), longest)),
    };
    rows.into_iter().map(bar).collect()
}

/// As a heading has it.
fn name(fuel: &str) -> String {
    let mut letters = fuel.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// `3,391`, `32.9`: its digits, grouped.
fn printed(value: Decimal) -> String {
    let text = value.normalize().to_string();
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let grouped = whole.parse().map_or_else(|_| whole.to_owned(), count);
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fuel: &str, mw: Option<&str>) -> MixRow {
        MixRow {
            region_id: "US-NY-NYISO".into(),
            feed_id: "nyiso.rtfuelmix".into(),
            fuel: fuel.into(),
            start_at: DateTime::UNIX_EPOCH,
            secs: 300,
            mw: mw.map(|mw| mw.parse().unwrap()),
            percent: None,
        }
    }

    #[test]
    fn bars_stand_in_the_operators_order_and_unknown_is_not_zero() {
        let mix = [
            row("Energy Storage", Some("-35")),
            row("Wind", None),
            row("Hydro", Some("1000")),
            row("tidal", Some("500")),
            row("Nuclear", Some("2500.5")),
        ];
        let bars = fuels(&mix);
        let names: Vec<&str> = bars.iter().map(|bar| bar.name.as_str()).collect();
        assert_eq!(names, ["Nuclear", "Hydro", "Wind", "Tidal", "Energy Storage"]);
        let amounts: Vec<&str> = bars.iter().map(|bar| bar.amount.as_str()).collect();
        assert_eq!(amounts, ["2,500.5", "1,000", "–", "500", "-35"]);
        assert_eq!((bars[0].width.as_str(), bars[0].share.as_str()), ("100.0%", "63 %"));
        assert_eq!(bars[4].width, "0.0%");
    }

    #[test]
    fn the_number_is_rounded_as_by_the_script() {
        let rounded = |text: &str| rounded(text.parse().unwrap());
        assert_eq!((rounded("228.5"), rounded("229.5")), ("229".to_owned(), "230".to_owned()));
        assert_eq!((rounded("228.499999999"), rounded("1234.5")), ("228".into(), "1,235".into()));
    }

    #[test]
    fn ages_are_short() {
        for (minutes, words) in [
            (0, "less than a minute"),
            (7, "7 min"),
            (119, "119 min"),
            (180, "3 h"),
            (3000, "2 days"),
        ] {
            assert_eq!(age(TimeDelta::minutes(minutes)), words);
        }
    }
}
