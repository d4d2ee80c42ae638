//! `GET /download/carbon`: carbon intensity as a form over `GET /api/v1/carbon-intensity`.

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use futures::TryStreamExt as _;

use super::{
    super::{
        Page,
        context::PageContext,
        form::{Choice, url},
    },
    base_url,
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, Slot},
        regions::{self, Series},
        snapshot::FeedSnapshot,
    },
    domain::feed::{IntensityUnit, Metric, Window},
    error::{Problem, Result},
    extractors::{
        copy_box::{CopyBox, copy_box_of},
        number,
        words::Day,
    },
    web::parameters::{self, Parameters},
};

/// How many slots the preview shows.
const SHOWN: usize = 12;

/// The choices that the page has, and their words.
const GRANULARITIES: [(&str, &str); 5] = [
    ("native", "As measured"),
    ("hour", "Hours"),
    ("day", "Days"),
    ("week", "ISO weeks"),
    ("month", "Months"),
];
const METRICS: [(&str, &str); 4] = [
    ("", "All that are known"),
    ("generated", "Generated"),
    ("consumed", "Consumed"),
    ("marginal", "Marginal"),
];
const ZONES: [(&str, &str); 2] = [("UTC", "UTC"), ("local", "The region's clock")];
const FORMATS: [(&str, &str); 2] = [("xlsx", "Excel (xlsx)"), ("csv", "CSV")];

#[derive(Template, WebTemplate)]
#[template(path = "download_carbon.html")]
struct CarbonPage {
    page: Page,
    selects: Vec<(&'static str, &'static str, Vec<Choice>)>,
    first: NaiveDate,
    last: NaiveDate,
    link: String,
    answer: Answer,
}

/// What the query gives.
enum Answer {
    /// There is no series yet.
    Nothing,
    /// It cannot be asked like this.
    Refused(String),
    Preview(Box<Shown>),
}

/// The beginning of what is downloaded.
struct Shown {
    series: Series,
    slots: Vec<[String; 5]>,
    copies: [(&'static str, String); 3],
}

/// What is chosen, each a word of the API.
struct Wish {
    region: String,
    words: [String; 5],
    days: Option<(NaiveDate, NaiveDate)>,
    fault: Option<Problem>,
}

impl Wish {
    const NAMES: [&'static str; 8] =
        ["region", "granularity", "metric", "unit", "zone", "format", "first", "last"];

    fn read(query: Option<&str>) -> Result<Self> {
        let mut p = Parameters::of_query(query, &Self::NAMES)?;
        let text = |p: &mut Parameters, name| p.text(name).map(Option::unwrap_or_default);
        let region = text(&mut p, "region")?;
        let words = [
            text(&mut p, "granularity")?,
            text(&mut p, "metric")?,
            text(&mut p, "unit")?,
            text(&mut p, "zone")?,
            text(&mut p, "format")?,
        ];
        let (first, last) = (text(&mut p, "first")?, text(&mut p, "last")?);
        let day = |name, text: &str| parameters::read::<Day>(name, text).map(|day| day.0);
        let (days, fault) = match (&*first, &*last) {
            ("", "") => (None, None),
            (first, last) => match day("first", first).and_then(|a| Ok((a, day("last", last)?))) {
                Ok((first, last)) if first <= last => (Some((first, last)), None),
                Ok(_) => (
                    None,
                    Some(Problem::bad_parameter("last", last, "it comes before the first day")),
                ),
                Err(problem) => (None, Some(problem)),
            },
        };
        Ok(Self { region, words, days, fault })
    }
}

/// Days as instants of UTC, the last one included.
fn window((first, last): (NaiveDate, NaiveDate)) -> Option<Window> {
    let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
    Window::new(midnight(first), midnight(last.checked_add_days(Days::new(1))?)).ok()
}

pub(super) async fn carbon(
    context: PageContext,
    RawQuery(query): RawQuery,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    let wish = Wish::read(query.as_deref())?;
    let all = regions::list(&app.pool, "", None, i64::MAX).await?;
    let choice = regions::Choice {
        regions: all.iter().map(|r| r.region_id.clone()).collect(),
        ..Default::default()
    };
    let every = regions::series(&app.pool, &choice).await?;
    let series = every.iter().find(|one| one.region_id == wish.region).or(every.first()).cloned();
    let region = series.as_ref().map_or("", |one| &*one.region_id);
    let names = every.iter().map(|one| Choice::new(&one.region_id, &one.name, region)).collect();
    let (fields, mut selects) = (words(&wish), vec![("region", "Region", names)]);
    selects.extend(fields.iter().map(|(name, label, choices, chosen)| {
        (
            *name,
            *label,
            choices.iter().map(|(value, shown)| Choice::new(value, shown, chosen)).collect(),
        )
    }));
    let today = app.clock.now().date_naive();
    let (first, last) = match wish.days {
        Some(days) => days,
        None => newest(&app, series.as_ref()).await?.unwrap_or((today, today)),
    };
    let mut pairs = vec![("region", region.to_owned())];
    pairs.extend(
        window((first, last))
            .iter()
            .flat_map(|w| [("start", stamp(w.from())), ("end", stamp(w.to()))]),
    );
    pairs.extend(fields.iter().map(|(name, _, _, chosen)| (*name, chosen.clone())));
    let link = url("/api/v1/carbon-intensity", pairs.clone());
    let answer = match (series, window((first, last)), wish.fault) {
        (None, ..) => Answer::Nothing,
        (_, _, Some(fault)) => Answer::Refused(fault.detail),
        (_, None, _) => Answer::Refused("The last day comes before the first one.".to_owned()),
        (Some(series), Some(window), None) => {
            let copied = (&pairs[..], &*base_url(&app, &headers));
            Answer::Preview(Box::new(shown(&app, series, window, copied).await?))
        }
    };
    let status =
        if matches!(answer, Answer::Refused(_)) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = context.page("Download carbon intensity");
    Ok((status, CarbonPage { page, selects, first, last, link, answer }))
}

type Field = (&'static str, &'static str, Vec<(&'static str, &'static str)>, String);

/// The selects besides the region: name, label, choices, and what is chosen; what is no choice is none.
fn words(wish: &Wish) -> [Field; 5] {
    let units = IntensityUnit::ALL.iter().map(|unit| (unit.as_str(), unit.as_str())).collect();
    let [granularity, metric, unit, zone, format] = &wish.words;
    let field = |name, label, choices: Vec<(&'static str, &'static str)>, chosen: &String| {
        let known = choices.iter().find(|(value, _)| value == chosen).or(choices.first());
        let chosen = known.map(|(value, _)| (*value).to_owned()).unwrap_or_default();
        (name, label, choices, chosen)
    };
    [
        field("granularity", "Granularity", GRANULARITIES.to_vec(), granularity),
        field("metric", "Intensity", METRICS.to_vec(), metric),
        field("unit", "Unit", units, unit),
        field("zone", "Days and weeks begin by", ZONES.to_vec(), zone),
        field("format", "Format", FORMATS.to_vec(), format),
    ]
}

/// The last seven days that a series has.
async fn newest(app: &App, series: Option<&Series>) -> Result<Option<(NaiveDate, NaiveDate)>> {
    let Some(series) = series else { return Ok(None) };
    let mut connection = app.pool.acquire().await?;
    let extent = reads::extent(&mut connection, series).await?;
    Ok(extent.and_then(|extent| {
        let last = (extent.to() - chrono::TimeDelta::seconds(1)).date_naive();
        Some((last.checked_sub_days(Days::new(6))?.max(extent.from().date_naive()), last))
    }))
}

async fn shown(
    app: &App,
    series: Series,
    window: Window,
    (pairs, base): (&[(&'static str, String)], &str),
) -> Result<Shown> {
    let mut snapshot = FeedSnapshot::begin(&app.pool, &series.scopes, None).await?;
    let mut slots = Vec::new();
    // A year has no more to show than its first days.
    let short = window.cut(chrono::TimeDelta::days(7)).next().unwrap_or(window);
    let mut rows = reads::slots(&mut snapshot, &series, short);
    while let Some(slot) = rows.try_next().await? {
        if slots.len() < SHOWN {
            slots.push(cells(&slot));
        }
    }
    drop(rows);
    snapshot.finish().await?;
    let table = pairs.iter().filter(|(name, value)| *name != "format" && !value.is_empty());
    let mut table: Vec<(String, String)> =
        table.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    table.push(("format".to_owned(), "csv".to_owned()));
    let CopyBox { curl, python, excel } = copy_box_of("api/v1/carbon-intensity", &table, base);
    let copies = [("curl", curl), ("Python with pandas", python), ("Excel, Power Query", excel)];
    Ok(Shown { series, slots, copies })
}

fn cells(slot: &Slot) -> [String; 5] {
    let value = |metric: Metric| {
        let mut text = Vec::new();
        if let Some(value) = slot.value(metric, IntensityUnit::GPerKwh) {
            number::put_exact(&mut text, &value);
        }
        text.into_iter().map(char::from).collect()
    };
    let start = slot.start.format("%Y-%m-%d %H:%M").to_string();
    let [generated, consumed, marginal] =
        [Metric::Generated, Metric::Consumed, Metric::Marginal].map(value);
    [start, generated, consumed, marginal, slot.quality.to_string()]
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
