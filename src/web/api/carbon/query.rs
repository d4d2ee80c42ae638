//! The parameters that the reads of feeds share.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use utoipa::IntoParams;

use super::answer::Page;
use crate::{
    app::App,
    db::feeds::{
        regions::{self, Choice, MixSeries, Named, Series},
        snapshot::FeedSnapshot,
    },
    domain::{
        feed::{Grain, IntensityUnit, Metric, Window},
        words,
    },
    error::{Problem, Result, shown},
    extractors::{
        feed::{
            File,
            long::{Kind, Subject},
            zone,
        },
        query::{self, contradiction},
        words::Instant,
    },
    feeds::read::Calendar,
    web::parameters::Parameters,
};

words! {
    /// Whose clock spans of the calendar and printed instants go by.
    Zone("a zone") {
        /// The world's.
        Utc = "UTC",
        /// The region's.
        Local = "local",
    }
}

words! {
    /// How values are written in JSON.
    Numbers("a way to write numbers") {
        /// Strings with exact digits: no reader can round them by mistake.
        Exact = "string",
        /// JSON numbers with the same digits.
        Float = "float",
    }
}

words! {
    /// How the answer is written.
    Format("a format") {
        /// A page of items.
        Json = "json",
        /// Everything, one record for each slot and metric.
        Csv = "csv",
        /// The same as a workbook.
        Xlsx = "xlsx",
    }
}

words! {
    /// What an item is of.
    Granularity("a granularity") {
        /// A slot of the feed.
        Native = "native",
        /// A slot, where slots are five minutes.
        FiveMinutes = "5m",
        /// An hour.
        Hour = "hour",
        /// A day.
        Day = "day",
        /// An ISO week.
        Week = "week",
        /// A calendar month.
        Month = "month",
    }
}

impl Granularity {
    /// The span of the calendar; none for slots.
    #[must_use]
    pub const fn grain(self) -> Option<Grain> {
        match self {
            Self::Native | Self::FiveMinutes => None,
            Self::Hour => Some(Grain::Hour),
            Self::Day => Some(Grain::Day),
            Self::Week => Some(Grain::Week),
            Self::Month => Some(Grain::Month),
        }
    }
}

/// Some lists of names as one, for [`FromParameters::NAMES`](crate::web::parameters::FromParameters::NAMES).
macro_rules! names {
    ($($list:expr),+ $(,)?) => {{
        const LISTS: &[&[&str]] = &[$($list),+];
        const ALL: [&str; $crate::web::api::carbon::query::count(LISTS)] =
            $crate::web::api::carbon::query::join(LISTS);
        &ALL
    }};
}
pub(crate) use names;

/// How many names there are in lists.
#[must_use]
pub const fn count(lists: &[&[&str]]) -> usize {
    let (mut count, mut list) = (0, 0);
    while list < lists.len() {
        count += lists[list].len();
        list += 1;
    }
    count
}

/// The names of lists, of which there are `N`.
#[must_use]
pub const fn join<const N: usize>(lists: &[&[&'static str]]) -> [&'static str; N] {
    let mut all = [""; N];
    let (mut list, mut place, mut count) = (0, 0, 0);
    while count < N {
        if place < lists[list].len() {
            all[count] = lists[list][place];
            (place, count) = (place + 1, count + 1);
        } else {
            (list, place) = (list + 1, 0);
        }
    }
    all
}

/// Where, unless the path says it.
pub const REGION: &[&str] = &["region"];
/// When.
pub const RANGE: &[&str] = &["start", "end"];
/// What every read of what feeds loaded takes.
pub const COMMON: &[&str] =
    &["feed", "factor_set", "metric", "unit", "zone", "as_of", "asOf", "numbers", "format"];
/// What lists take.
pub const PAGE: &[&str] = &["limit", "cursor"];

/// Where, as the documentation shows it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct RegionParams {
    /// Regions by id or by a provider's code, repeatable.
    #[param(example = json!(["GB"]))]
    region: Vec<String>,
}

/// What every read takes, as the documentation shows it; [`Common`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct CommonParams {
    /// This feed rather than the region's own.
    #[param(example = "gb.intensity")]
    feed: Option<String>,
    /// This set of emission factors rather than the feed's own.
    #[param(example = "NESO")]
    factor_set: Option<String>,
    /// Which intensities, repeatable: generated, consumed, marginal. All of them if omitted.
    #[param(example = json!(["generated"]))]
    metric: Option<Vec<String>>,
    /// g/kWh (the default), kg/MWh or lb/MWh: exact from what the upstream wrote.
    #[param(example = "g/kWh")]
    unit: Option<String>,
    /// UTC (the default) or local: whose midnights begin days, and how instants are printed.
    #[param(example = "UTC")]
    zone: Option<String>,
    /// Only what was known then, RFC 3339 with an offset; `asOf` is the same.
    as_of: Option<String>,
    /// `string` (the default): values as strings with exact digits. `float`: as JSON numbers.
    #[param(example = "string")]
    numbers: Option<String>,
    /// json, or csv or xlsx: everything, one record for each slot and metric; without it `Accept` decides.
    #[param(example = "json")]
    format: Option<String>,
}

/// A range of time, as the documentation shows it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct RangeParams {
    /// First instant, RFC 3339 with an offset.
    #[param(example = "2025-01-15T00:00:00Z")]
    start: String,
    /// The instant after the last one.
    #[param(example = "2025-01-16T00:00:00Z")]
    end: String,
}

/// Paging, as the documentation shows it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
pub struct PageParams {
    /// Items of a page of JSON.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// What every read takes.
#[derive(Debug, Clone)]
pub struct Common {
    /// As they were written.
    pub regions: Vec<String>,
    /// This feed.
    pub feed: Option<String>,
    /// This set of factors.
    pub factor_set: Option<String>,
    /// These metrics, in their order, each once; none: all.
    pub metrics: Option<Vec<Metric>>,
    /// The unit.
    pub unit: IntensityUnit,
    /// Whose clock.
    pub zone: Zone,
    /// The cut-off.
    pub as_of: Option<DateTime<Utc>>,
    /// How values are written.
    pub numbers: Numbers,
    /// Which page, and in which format.
    pub page: Page,
}

impl Common {
    /// Takes its parameters.
    pub fn read(p: &mut Parameters) -> Result<Self> {
        let mut metrics: Vec<Metric> = p.values("metric")?;
        metrics.sort_unstable();
        metrics.dedup();
        Ok(Self {
            regions: p.texts("region"),
            feed: p.text("feed")?,
            factor_set: p.text("factor_set")?,
            metrics: Some(metrics).filter(|metrics| !metrics.is_empty()),
            unit: p.value("unit")?.unwrap_or(IntensityUnit::GPerKwh),
            zone: p.value("zone")?.unwrap_or(Zone::Utc),
            as_of: query::as_of(p)?,
            numbers: p.value("numbers")?.unwrap_or(Numbers::Exact),
            page: Page::read(p)?,
        })
    }

    /// The cut-off of the answer.
    #[must_use]
    pub fn known(&self) -> Option<DateTime<Utc>> {
        self.page.as_of(self.as_of)
    }

    /// A view of the scopes as of the cut-off.
    pub async fn snapshot(&self, app: &App, scopes: &[i32]) -> Result<FeedSnapshot> {
        let mut snapshot = FeedSnapshot::begin(&app.pool, scopes, self.known()).await?;
        snapshot.continues = self.page.continues(self.as_of);
        Ok(snapshot)
    }

    /// The regions that a file is named by: those of which there is something, else those that were asked for.
    #[must_use]
    pub fn names<'a>(&'a self, found: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let found: Vec<&str> = found.collect();
        if found.is_empty() { self.regions.iter().map(|text| &**text).collect() } else { found }
    }

    /// A file of the records of some subjects, with what stands at its end, and what dates it.
    #[must_use]
    pub fn file(
        &self,
        format: Format,
        kind: Kind,
        subjects: Vec<Subject>,
        (trailer, dated): (Option<String>, DateTime<Utc>),
    ) -> File {
        let is_xlsx = format == Format::Xlsx;
        let (metrics, unit) = (self.metrics.clone(), self.unit);
        File { is_xlsx, kind, subjects, metrics, unit, trailer, dated }
    }

    /// Whether a metric is asked for.
    #[must_use]
    pub fn wants(&self, metric: Metric) -> bool {
        self.metrics.as_ref().is_none_or(|metrics| metrics.contains(&metric))
    }

    /// The one metric that is asked for, generated where none is named. 400 where there are several.
    pub fn one_metric(&self) -> Result<Metric> {
        match self.metrics.as_deref() {
            None => Ok(Metric::Generated),
            Some([metric]) => Ok(*metric),
            Some(several) => {
                let several: Vec<&str> = several.iter().map(|metric| metric.as_str()).collect();
                Err(Problem::bad_parameter("metric", &several.join(", "), "name one metric"))
            }
        }
    }

    /// The clock that a series is shown by.
    #[must_use]
    pub fn clock(&self, zone_of_region: &str) -> Tz {
        match self.zone {
            Zone::Utc => Tz::UTC,
            Zone::Local => zone(zone_of_region),
        }
    }

    /// The spans of a series.
    #[must_use]
    pub fn calendar(&self, series: &Series, grain: Grain) -> Calendar {
        Calendar { grain, zone: self.clock(&series.zone) }
    }

    /// What it names, for reading. 400 where no region is named, 404 for one that there is not.
    pub async fn series(&self, app: &App, forecast: bool) -> Result<Vec<Series>> {
        let regions = named(app, &self.regions).await?;
        check_words(app, self.feed.as_deref(), self.factor_set.as_deref()).await?;
        let (feed, factor_set) = (self.feed.clone(), self.factor_set.clone());
        let choice = Choice { regions, feed, factor_set, forecast };
        Ok(regions::series(&app.pool, &choice).await?)
    }

    /// The one series that it names; none where there is nothing of it.
    pub async fn one_series(&self, app: &App, forecast: bool) -> Result<Option<Series>> {
        self.one_region()?;
        Ok(self.series(app, forecast).await?.pop())
    }

    /// The id of the one region and the zone of its calendar, whether there is anything of it or not. 400
    /// where several are named, 404 for one that there is not.
    pub async fn place(&self, app: &App) -> Result<(String, String)> {
        self.one_region()?;
        let region = named(app, &self.regions).await?.pop().unwrap_or_default();
        let zone = regions::zone(&app.pool, &region).await?;
        Ok((region, zone))
    }

    /// The one region as it was written. 400 where several are named.
    pub fn one_region(&self) -> Result<&str> {
        match &*self.regions {
            [] => Err(super::super::listing::required("region")),
            [region] => Ok(region),
            several => {
                Err(Problem::bad_parameter("region", &several.join(", "), "name one region"))
            }
        }
    }

    /// The mixes that it names.
    pub async fn mixes(&self, app: &App) -> Result<Vec<MixSeries>> {
        let regions = named(app, &self.regions).await?;
        check_words(app, self.feed.as_deref(), self.factor_set.as_deref()).await?;
        Ok(regions::mixes(&app.pool, &regions, self.feed.as_deref()).await?)
    }
}

/// The ids of regions. 400 for none, and for a code that means several; 404 `no_such_region`.
pub async fn named(app: &App, texts: &[String]) -> Result<Vec<String>> {
    if texts.is_empty() {
        return Err(super::super::listing::required("region"));
    }
    let found = regions::named(&app.pool, texts).await?;
    let mut ids = Vec::new();
    for (text, found) in texts.iter().zip(found) {
        ids.push(match found {
            Named::Region(id) => id,
            Named::Several(several) => {
                let wanted =
                    format!("providers mean several by it: {}; give an id", several.join(", "));
                return Err(Problem::bad_parameter("region", text, wanted));
            }
            Named::Nothing => return Err(no_such_region(text)),
        });
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// 404 `no_such_region`.
pub fn no_such_region(text: &str) -> Problem {
    let detail = format!(
        "there is no region {}; GET /api/v1/regions lists those that there are",
        shown(text)
    );
    Problem::new(StatusCode::NOT_FOUND, "no_such_region", detail).with("parameter", "region")
}

/// 400 for a feed or a set of factors that there is not.
async fn check_words(app: &App, feed: Option<&str>, factor_set: Option<&str>) -> Result<()> {
    if let Some(feed) = feed {
        let known = regions::feed_ids(&app.pool).await?;
        check("feed", feed, &known)?;
    }
    if let Some(set) = factor_set {
        let known = regions::factor_sets(&app.pool).await?;
        let known: Vec<String> = known.into_iter().map(|set| set.factor_set_id).collect();
        check("factor_set", set, &known)?;
    }
    Ok(())
}

fn check(name: &str, text: &str, known: &[String]) -> Result<()> {
    if known.iter().any(|known| known == text) {
        return Ok(());
    }
    let wanted = match known.is_empty() {
        true => "there is none yet".to_owned(),
        false => format!("known are {}", known.join(", ")),
    };
    Err(Problem::bad_parameter(name, text, wanted))
}

/// Takes `start` and `end`, both required. 400 unless the range ends after it begins.
pub fn range(p: &mut Parameters) -> Result<Window> {
    let (start, end) = ends(p, ("start", "end"))?;
    let start = start.ok_or_else(|| super::super::listing::required("start"))?;
    let end = end.ok_or_else(|| super::super::listing::required("end"))?;
    window(("start", start), end)
}

/// The two ends of a range, as far as they are given.
pub type Ends = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Takes the two ends of a range.
pub fn ends(p: &mut Parameters, (first, last): (&str, &str)) -> Result<Ends> {
    let mut end = |name: &str| -> Result<_> { Ok(p.value::<Instant>(name)?.map(|at| at.0)) };
    Ok((end(first)?, end(last)?))
}

/// A range. 400 `contradictory_parameters` unless it ends after it begins.
pub fn window((name, start): (&str, DateTime<Utc>), end: DateTime<Utc>) -> Result<Window> {
    let why = || format!("must come before the end, {}", end.to_rfc3339());
    Window::new(start, end).map_err(|_| contradiction(name, start.to_rfc3339(), &why()))
}
