//! The data of a chart, and how each series looks without its colour.

use chrono::{NaiveDate, NaiveTime};
use rust_decimal::Decimal;
use serde_json::json;

use crate::extractors::{
    analysis::{Figure, figure::Difference},
    number,
};

/// Colours of the style sheet.
const COLOURS: usize = 8;

/// Dashes and gaps, in pixels: with the colours, no two of ten series look alike, and within each
/// five none do without colours.
const DASHES: [&[u8]; 5] = [&[], &[8, 4], &[2, 3], &[12, 3, 2, 3], &[16, 4]];

/// Drawn on a line here and there.
const MARKERS: [&str; 5] = ["circle", "square", "triangle", "diamond", "cross"];

/// How a series is drawn.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// 1 to 8.
    pub(super) colour: usize,
    /// As in a `stroke-dasharray`.
    pub(super) dash: String,
    pub(super) marker: &'static str,
}

impl Key {
    /// That of the series at a place.
    pub(super) fn of(place: usize) -> Self {
        let dash: Vec<_> = dash(place).iter().map(ToString::to_string).collect();
        Self { colour: colour(place), dash: dash.join(" "), marker: marker(place) }
    }
}

const fn colour(place: usize) -> usize {
    place % COLOURS + 1
}

const fn dash(place: usize) -> &'static [u8] {
    DASHES[place % DASHES.len()]
}

const fn marker(place: usize) -> &'static str {
    MARKERS[place % MARKERS.len()]
}

/// What the script draws: JSON that can stand in a page. Numbers keep their digits.
pub(super) fn data(figure: &Figure, is_month: bool, percent: bool) -> String {
    let days: Vec<i64> = figure.rows.iter().map(|day| seconds(*day)).collect();
    let mut out = String::from("{\"kind\":");
    out.push_str(if is_month { "\"month\"" } else { "\"day\"" });
    out.push_str(",\"days\":");
    out.push_str(&json!(days).to_string());
    out.push_str(",\"series\":[");
    for (n, column) in figure.columns.iter().enumerate() {
        let head = json!({
            "label": column.label, "unit": column.unit, "places": column.places,
            "colour": colour(column.place), "dash": dash(column.place),
            "marker": marker(column.place),
        });
        member(&mut out, n, &head, &column.values);
    }
    out.push_str("],\"differences\":[");
    let differences = figure.differences.iter().filter(|difference| difference.unit.is_some());
    for (n, difference) in differences.enumerate() {
        let (head, values) = bars(difference, percent);
        member(&mut out, n, &head, values);
    }
    out.push_str("]}");
    // Within a script element nothing may look like its end.
    out.replace('<', "\\u003c")
}

fn bars(difference: &Difference, percent: bool) -> (serde_json::Value, &[Option<Decimal>]) {
    let (unit, places, values) = match percent {
        true => ("%", 2, &difference.percents),
        false => {
            (difference.unit.as_deref().unwrap_or_default(), difference.places, &difference.values)
        }
    };
    let colour = colour(difference.place);
    (json!({"label": difference.label, "unit": unit, "places": places, "colour": colour}), values)
}

/// Appends an object with its values.
fn member(out: &mut String, n: usize, head: &serde_json::Value, values: &[Option<Decimal>]) {
    if n > 0 {
        out.push(',');
    }
    out.push_str(head.to_string().trim_end_matches('}'));
    out.push_str(",\"values\":[");
    let mut digits = Vec::new();
    for (n, value) in values.iter().enumerate() {
        if n > 0 {
            digits.push(b',');
        }
        match value {
            Some(value) => number::put_exact(&mut digits, value),
            None => digits.extend_from_slice(b"null"),
        }
    }
    out.push_str(&String::from_utf8_lossy(&digits));
    out.push_str("]}");
}

fn seconds(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Calendar, Iso},
        extractors::analysis::{Hours, Track},
    };

    #[test]
    fn the_data_is_json_with_exact_digits_and_cannot_end_its_script() {
        let points = [("2024-01-01", "84.57126"), ("2024-02-01", "-")];
        let points = points.map(|(day, v)| (day.parse().unwrap(), v.parse().ok())).into();
        let label = "</script><b>".to_owned();
        let hours = Hours { iso: Iso::Ercot, calendar: Calendar::Flat };
        let track = Track { place: 9, label, unit: "$/MWh".into(), hours, points };
        let text = data(&Figure::new(&[track.clone(), track]), true, false);
        assert!(!text.contains('<') && text.contains("\"values\":[84.57126,null]"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["series"][0]["label"], "</script><b>");
        assert_eq!(value["series"][0]["colour"], 2);
        assert_eq!(value["days"][0], 1_704_067_200);
        assert_eq!(value["differences"][0]["values"][0], 0);
    }

    #[test]
    fn ten_series_look_different() {
        let looks: std::collections::HashSet<_> =
            (0..10).map(Key::of).map(|key| (key.colour, key.dash, key.marker)).collect();
        assert_eq!(looks.len(), 10);
    }
}
