//! `trueprice feed emissions`: what it takes, and what it prints.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use tokio_util::sync::CancellationToken;

use super::{
    Calendar,
    live::{self, By},
    report::{Report, duration_type, piece, reports, stamp},
};
use crate::{
    app::App,
    audit::Actor,
    db::feeds::{
        regions::{self, Choice, Named, Series},
        snapshot::FeedSnapshot,
    },
    domain::{
        feed::{Grain, IntensityUnit, Metric, Window},
        words,
    },
    error::Problem,
    extractors::{feed::held, number},
};

words! {
    /// How reports are printed.
    Printed("a format") {
        /// One array.
        Json = "json",
        /// A header record and a record for each report.
        Csv = "csv",
    }
}

/// A span of the calendar; none: slots. The name keeps clap from taking it for an argument that may be left out.
type Span = Option<Grain>;

/// Which emissions.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// The region: its id or a provider's code
    region: String,
    /// From then on, RFC 3339 with an offset
    #[arg(long)]
    start: DateTime<Utc>,
    /// Until then
    #[arg(long)]
    end: DateTime<Utc>,
    /// 5m (slots), hour, day, week or month
    #[arg(long, default_value = "5m", value_parser = granularity)]
    granularity: Span,
    /// g/kWh, kg/MWh or lb/MWh
    #[arg(long, default_value = "g/kWh")]
    unit: IntensityUnit,
    /// Ask the upstream first; its rows are kept
    #[arg(long)]
    live: bool,
    /// json or csv
    #[arg(long, default_value = "json")]
    format: Printed,
}

/// `5m` and `native` are slots.
fn granularity(text: &str) -> Result<Span, String> {
    match text {
        "5m" | "native" => Ok(None),
        text => {
            text.parse().map(Some).map_err(|_| "known are 5m, hour, day, week, month".to_owned())
        }
    }
}

/// Why nothing was printed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It cannot be asked like this.
    #[error("{}", .0.detail)]
    Problem(Problem),
    /// The output is gone.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

/// Prints the reports as they are read. With a server at work that one brings what is asked live; without
/// one this process does, until it is told to halt.
pub async fn print(
    app: &App,
    arguments: &Arguments,
    halt: &CancellationToken,
    out: &mut (dyn Write + Send),
) -> Result<(), Refused> {
    let window = Window::new(arguments.start, arguments.end)
        .map_err(|error| Problem::bad_parameter("end", &arguments.end.to_rfc3339(), error))?;
    let region = region(app, &arguments.region).await?;
    if arguments.live {
        let (feed, by) = (live::source(app, &region).await?, By::Whoever(halt));
        live::bring(app, &Actor::COMMAND, (&feed, &region), window, by).await?;
    }
    let choice = Choice { regions: vec![region], ..Choice::default() };
    let Some(series) = regions::series(&app.pool, &choice).await?.pop() else {
        return Ok(write(out, arguments, None, &[], (true, true))?);
    };
    let mut snapshot = FeedSnapshot::begin(&app.pool, &series.scopes, None).await?;
    let calendar = arguments.granularity.map(|grain| Calendar { grain, zone: chrono_tz::Tz::UTC });
    let hours = Calendar { grain: Grain::Hour, zone: chrono_tz::Tz::UTC };
    let held = held(&mut snapshot, &series, calendar.unwrap_or(hours), window).await?;
    let mut is_first = true;
    for part in held.iter().flat_map(|window| window.cut(piece(&series, calendar))) {
        let reports = reports(&mut snapshot, &series, calendar, (part, arguments.unit)).await?;
        write(out, arguments, Some(&series), &reports, (is_first, false))?;
        is_first &= reports.is_empty();
    }
    snapshot.finish().await?;
    Ok(write(out, arguments, Some(&series), &[], (is_first, true))?)
}

async fn region(app: &App, text: &str) -> Result<String, Problem> {
    match regions::named(&app.pool, &[text.to_owned()]).await?.pop() {
        Some(Named::Region(id)) => Ok(id),
        _ => Err(Problem::not_found(format!("there is no region {text}, or several are meant"))),
    }
}

const COLUMNS: &str = "start_time,end_time,duration_type,generated_rate,marginal_rate,consumed_rate,region,unit,\
                       factor_set,n_expected,n_present";

/// A piece of what is printed: (whether nothing was printed before, whether this is the end).
fn write(
    out: &mut (dyn Write + Send),
    arguments: &Arguments,
    series: Option<&Series>,
    reports: &[Report],
    (is_first, is_last): (bool, bool),
) -> io::Result<()> {
    let is_json = arguments.format == Printed::Json;
    let mut is_first = is_first;
    if let (true, false, Some(_)) = (is_first, is_json, reports.first()) {
        writeln!(out, "{COLUMNS}")?;
    }
    for report in reports {
        let series = series.map_or(("", ""), |one| (&*one.region_id, &*one.factor_set_id));
        if is_json {
            out.write_all(if is_first { b"[\n" } else { b",\n" })?;
            out.write_all(json(arguments, series, report).to_string().as_bytes())?;
        } else {
            writeln!(out, "{}", record(arguments, series, report))?;
        }
        is_first = false;
    }
    match (is_last, is_json, is_first) {
        (true, true, true) => writeln!(out, "[]"),
        (true, true, false) => writeln!(out, "\n]"),
        (true, false, true) => writeln!(out, "{COLUMNS}"),
        _ => Ok(()),
    }
}

fn exact(value: Option<Decimal>) -> String {
    let mut text = Vec::new();
    if let Some(value) = &value {
        number::put_exact(&mut text, value);
    }
    text.into_iter().map(char::from).collect()
}

fn record(arguments: &Arguments, (region, set): (&str, &str), report: &Report) -> String {
    let rate = |metric: Metric| exact(report.rates[metric as usize]);
    [
        stamp(report.start),
        stamp(report.end),
        duration_type(arguments.granularity).to_owned(),
        rate(Metric::Generated),
        rate(Metric::Marginal),
        rate(Metric::Consumed),
        region.to_owned(),
        arguments.unit.to_string(),
        set.to_owned(),
        report.n_expected.to_string(),
        report.n_present[0].to_string(),
    ]
    .join(",")
}

/// As `GET /api/v1/emissions/region/{region}` has it: rates are strings with exact digits.
fn json(arguments: &Arguments, (region, set): (&str, &str), report: &Report) -> serde_json::Value {
    let rate = |metric: Metric| report.rates[metric as usize].map(|value| exact(Some(value)));
    serde_json::json!({
        "duration": { "start_time": stamp(report.start), "end_time": stamp(report.end) },
        "duration_type": duration_type(arguments.granularity),
        "generated_rate": rate(Metric::Generated),
        "marginal_rate": rate(Metric::Marginal),
        "consumed_rate": rate(Metric::Consumed),
        "region": region,
        "unit": arguments.unit.as_str(),
        "factor_set": set,
        "n_expected": report.n_expected,
        "n_present": report.n_present[0],
    })
}
