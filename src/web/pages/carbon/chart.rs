//! The chart of 24 hours: drawn here, and again by `static/js/carbon.js` when a slot comes. Both draw
//! by the same measures.

use std::fmt::Write as _;

use chrono::{DateTime, DurationRound as _, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use rust_decimal::prelude::ToPrimitive as _;

/// Width of the drawing; it is stretched to that of the page.
const WIDTH: f64 = 1000.0;

/// Height of the drawing in pixels, without the line of hours below it.
const HEIGHT: f64 = 240.0;

/// Distances of grid lines that read well, g/kWh.
const STEPS: [f64; 10] = [5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0, 250.0, 500.0, 1000.0];

/// A slot to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// g/kWh.
    pub value: rust_decimal::Decimal,
}

impl Point {
    fn end(self) -> DateTime<Utc> {
        self.start + TimeDelta::seconds(self.secs.into())
    }

    fn y(self) -> f64 {
        self.value.to_f64().unwrap_or_default()
    }
}

/// A drawing; all numbers are text in the units of SVG.
#[derive(Debug)]
pub struct Chart {
    /// The line of what was measured.
    pub measured: String,
    /// The line of what is forecast.
    pub forecast: String,
    /// Grid lines: place and label.
    pub lines: Vec<(String, String)>,
    /// Hours of the region: place in percent and label.
    pub hours: Vec<(String, String)>,
    /// Now, in percent of the width.
    pub now: String,
    /// What the script draws by: `[[start, secs, value], ...]`.
    pub points: String,
    /// The same of the forecast.
    pub forecast_points: String,
}

/// Draws slots, oldest first, and a forecast beyond them.
#[must_use]
pub fn draw(measured: &[Point], forecast: &[Point], now: DateTime<Utc>, zone: Tz) -> Chart {
    let last = measured.last().map_or(now, |point| point.end());
    // What ended long ago is shown where it ended.
    let now = if now - last > TimeDelta::hours(24) { last } else { now.max(last) };
    let from = now - TimeDelta::hours(24);
    let ahead: Vec<Point> = forecast
        .iter()
        .filter(|point| point.start >= last && point.start < now + TimeDelta::hours(24))
        .copied()
        .collect();
    let to = ahead.last().map_or(now, |point| point.end()).max(now);
    let highest = measured.iter().chain(&ahead).map(|point| point.y()).fold(1.0, f64::max);
    let step = distance(highest);
    let top = (highest / step).ceil() * step;
    let frame = Frame { from, to, top };
    Chart {
        measured: frame.path(measured),
        forecast: frame.path(&ahead),
        lines: frame.lines(step),
        hours: frame.hours(zone),
        now: format!("{:.2}%", frame.x(now) / WIDTH * 100.0),
        points: json(measured),
        forecast_points: json(forecast),
    }
}

/// The distance of grid lines: four of them reach the highest value, however high that is.
fn distance(highest: f64) -> f64 {
    let far = || (highest / 4000.0).ceil() * 1000.0;
    STEPS.into_iter().find(|step| highest / step <= 4.0).unwrap_or_else(far)
}

struct Frame {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    top: f64,
}

impl Frame {
    fn x(&self, at: DateTime<Utc>) -> f64 {
        (at - self.from).as_seconds_f64() / (self.to - self.from).as_seconds_f64() * WIDTH
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - value / self.top * HEIGHT
    }

    /// A line from middle to middle of slots; it breaks where a slot is missing.
    fn path(&self, points: &[Point]) -> String {
        let mut path = String::new();
        let mut before: Option<DateTime<Utc>> = None;
        for point in points.iter().filter(|point| point.end() > self.from) {
            let joined = before == Some(point.start);
            let x = self.x(point.start + (point.end() - point.start) / 2);
            let command = if joined { 'L' } else { 'M' };
            // A slot alone is a dot: a line of no length with round ends.
            let dot = if joined { "" } else { "h0" };
            _ = write!(path, "{command}{x:.1} {:.1}{dot}", self.y(point.y()));
            before = Some(point.end());
        }
        path
    }

    fn lines(&self, step: f64) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        let mut value = 0.0;
        while value <= self.top {
            lines.push((format!("{:.1}", self.y(value)), format!("{value}")));
            value += step;
        }
        lines
    }

    /// Every third hour of the region's clock, every sixth where a forecast makes the span longer.
    fn hours(&self, zone: Tz) -> Vec<(String, String)> {
        let every = if self.to - self.from > TimeDelta::hours(30) { 6 } else { 3 };
        let first = self.from.duration_trunc(TimeDelta::hours(1)).unwrap_or(self.from);
        let hours = (1..=72).map(|n| first + TimeDelta::hours(n));
        hours
            .take_while(|at| *at < self.to)
            .map(|at| (at, at.with_timezone(&zone)))
            .filter(|(_, local)| local.hour() % every == 0 && local.minute() == 0)
            .map(|(at, local)| (at, local.format("%H:%M").to_string()))
            .map(|(at, label)| (self.x(at) / WIDTH * 100.0, label))
            // A label at the edge would be cut.
            .filter(|(place, _)| (3.0..97.0).contains(place))
            .map(|(place, label)| (format!("{place:.2}%"), label))
            .collect()
    }
}

fn json(points: &[Point]) -> String {
    let one = |point: &Point| {
        format!("[{},{},{}]", point.start.timestamp(), point.secs, point.value.normalize())
    };
    format!("[{}]", points.iter().map(one).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(start: &str, value: i64) -> Point {
        Point { start: start.parse().unwrap(), secs: 3600, value: value.into() }
    }

    #[test]
    fn a_missing_slot_breaks_the_line() {
        let now = "2025-02-02T00:00:00Z".parse().unwrap();
        let slots = [
            point("2025-02-01T00:00:00Z", 100),
            point("2025-02-01T01:00:00Z", 200),
            point("2025-02-01T03:00:00Z", 200),
        ];
        // The newest ended less than a day ago: the chart ends now.
        let chart = draw(&slots, &[], now, Tz::UTC);
        assert_eq!(chart.measured, "M20.8 120.0h0L62.5 0.0M145.8 0.0h0");
        assert_eq!(chart.lines.first().unwrap(), &("240.0".to_owned(), "0".to_owned()));
        assert_eq!(chart.lines.last().unwrap(), &("0.0".to_owned(), "200".to_owned()));
        assert_eq!(
            chart.points,
            "[[1738368000,3600,100],[1738371600,3600,200],[1738378800,3600,200]]"
        );
    }

    #[test]
    fn there_are_few_grid_lines_however_high_a_value_is() {
        for (highest, step) in
            [(4, 5.0), (4000, 1000.0), (5000, 2000.0), (999_999_999, 250_000_000.0)]
        {
            let slots = [point("2025-02-01T00:00:00Z", highest)];
            let chart = draw(&slots, &[], "2025-02-01T01:00:00Z".parse().unwrap(), Tz::UTC);
            assert!((2..=5).contains(&chart.lines.len()), "{highest}: {} lines", chart.lines.len());
            assert_eq!(chart.lines[1].1, format!("{step}"));
        }
    }

    #[test]
    fn the_forecast_begins_where_the_measured_ends_and_hours_are_the_regions() {
        let now = "2025-02-01T12:00:00Z".parse().unwrap();
        let slots = [point("2025-02-01T11:00:00Z", 100)];
        let ahead = [
            point("2025-02-01T11:00:00Z", 90),
            point("2025-02-01T12:00:00Z", 80),
            point("2025-02-01T13:00:00Z", 70),
        ];
        let chart = draw(&slots, &ahead, now, chrono_tz::America::New_York);
        assert_eq!(chart.forecast.matches('M').count(), 1);
        assert_eq!(chart.forecast.matches('L').count(), 1);
        assert!(chart.hours.iter().any(|(_, label)| label == "06:00"), "{:?}", chart.hours);
        assert_eq!(chart.now, "92.31%");
    }

    #[test]
    fn what_ended_long_ago_is_shown_where_it_ended() {
        let now = "2025-03-01T12:00:00Z".parse().unwrap();
        let chart = draw(&[point("2025-02-01T11:00:00Z", 100)], &[], now, Tz::UTC);
        assert_eq!((chart.now.as_str(), chart.measured.as_str()), ("100.00%", "M979.2 0.0h0"));
    }
}
