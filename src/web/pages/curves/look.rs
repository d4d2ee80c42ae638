//! Reads what a view shows.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    form::MONTHLY,
    tables::Summary,
    view::{Shape, View},
};
use crate::{
    app::App,
    auth::Principal,
    db::{pages, snapshot::Snapshot},
    domain::{Dataset, Family, Iso},
    error::{Problem, Result},
    extractors::analysis::{
        self, Figure, Series, Track, VersionWish, Wish, figure::Column, strips, summary_strips,
    },
    web::pages::form::Choice,
};

/// One snapshot over every dataset that the view may read.
pub(super) async fn begin(app: &App, principal: &Principal, view: &View) -> Result<Snapshot> {
    let first = &view.wishes[0];
    let of = |wish: &Wish| {
        let family = wish.curve.or(first.curve).unwrap_or(Family::Energy);
        Dataset::new(family, wish.iso.or(first.iso).unwrap_or(Iso::Ercot))
    };
    let open = first.curve.is_none() && first.iso.is_none();
    let mut datasets: Vec<Dataset> = match open {
        true => Dataset::all().collect(),
        false => view.wishes.iter().filter_map(of).collect(),
    };
    datasets.sort_unstable();
    datasets.dedup();
    Ok(app.snapshot(principal, &datasets, None).await?)
}

/// An address that names no market shows the first that has a curve, energy before the others.
pub(super) async fn lead(snapshot: &mut Snapshot, mut view: View) -> Result<View> {
    let first = &mut view.wishes[0];
    if first.curve.is_some() || first.iso.is_some() {
        let family = first.curve.unwrap_or(Family::Energy);
        let iso = first.iso.unwrap_or(Iso::Ercot);
        let none = || Problem::not_found(format!("There are no {family} curves for {iso}."));
        Dataset::new(family, iso).ok_or_else(none)?;
        return Ok(view);
    }
    let newest = pages::newest_versions(snapshot).await?;
    let datasets = newest.iter().filter_map(|version| Dataset::from_id(version.dataset_id));
    let mut monthly = datasets.filter(|dataset| MONTHLY.contains(&dataset.family));
    if let Some(dataset) = monthly.next() {
        (first.curve, first.iso) = (Some(dataset.family), Some(dataset.iso));
    }
    Ok(view)
}

/// A view with all that it shows.
pub(super) struct Look {
    pub(super) view: View,
    pub(super) series: Vec<Series>,
    pub(super) figure: Figure,
    pub(super) summary: Option<Summary>,
    /// Whether rows are contract months, or operating days.
    pub(super) is_month: bool,
    pub(super) known_at: DateTime<Utc>,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
    /// Calendar strips to choose from.
    pub(super) years: Vec<Choice>,
    /// Of every series, shown or not.
    pub(super) labels: Vec<String>,
    pub(super) zone: Tz,
}

impl Look {
    /// Reads everything.
    pub(super) async fn at(app: &App, snapshot: &mut Snapshot, view: View) -> Result<Self> {
        let zone = app.config.curve_timezone;
        let series = analysis::read(snapshot, &view.wishes, view.calendar()).await?;
        let is_month = view.shape() != Shape::Evolution;
        let mut notes = Vec::new();
        let tracks = if is_month {
            let track = |(place, series): (usize, &Series)| track(place, series, zone);
            series.iter().enumerate().filter_map(track).collect()
        } else {
            evolutions(snapshot, &view, &series, &mut notes).await?
        };
        let tracks = if view.is("spread") { spread(&view, tracks, &mut notes) } else { tracks };
        let figure = Figure::new(&tracks);
        notes.extend(incomparable(&figure));
        let known_at = series.first().map_or(snapshot.view.known_at, |first| first.known_at);
        let labels = series.iter().map(|series| series.label(zone)).collect();
        let mut look = Self {
            view,
            series,
            figure,
            summary: None,
            is_month,
            known_at,
            notes,
            years: Vec::new(),
            labels,
            zone,
        };
        look.sum_up();
        Ok(look)
    }

    /// The strips of the first series' day, over the months that all series have.
    fn sum_up(&mut self) {
        let day = self.series[0].version.as_ref().map(|version| version.operating_day);
        let Some(day) = day.filter(|_| self.is_month && !self.figure.columns.is_empty()) else {
            return;
        };
        let usual = strips::default_year(day);
        let year = self.view.year.unwrap_or(usual);
        let common: Vec<_> = self.figure.common.iter().copied().collect();
        let mut years = strips::complete_years(&common);
        years.extend([usual, year]);
        years.sort_unstable();
        years.dedup();
        let chosen = self.view.year.map(|year| year.to_string()).unwrap_or_default();
        // The usual one has no value: it goes on with the day.
        let value = |year: i32| if year == usual { String::new() } else { year.to_string() };
        let choice = |year: i32| Choice::new(value(year), year, &chosen);
        self.years = years.into_iter().map(choice).collect();
        self.summary = Some(Summary::new(&self.figure, summary_strips(day, year)));
    }

    /// The name of a file with this view.
    pub(super) fn file_name(&self, extension: &str) -> String {
        let first = &self.series[0];
        let what = match self.view.shape() {
            Shape::Curves => String::new(),
            Shape::Spread => "_spread".to_owned(),
            Shape::Evolution => format!("_evolution_{}", self.view.period()),
        };
        let day = first.version.as_ref().filter(|_| self.is_month);
        let day = day.map(|version| format!("_{}", version.operating_day)).unwrap_or_default();
        let Dataset { family, iso } = first.dataset;
        format!("curves_{family}_{iso}{what}{day}.{extension}")
    }
}

fn track(place: usize, series: &Series, zone: Tz) -> Option<Track> {
    series.block.as_ref()?;
    let (label, unit) = (series.label(zone), series.unit().to_owned());
    Some(Track { place, label, unit, hours: series.hours, points: series.points.clone() })
}

async fn evolutions(
    snapshot: &mut Snapshot,
    view: &View,
    series: &[Series],
    notes: &mut Vec<String>,
) -> Result<Vec<Track>> {
    let mut tracks = Vec::new();
    let all = series;
    for (place, series) in all.iter().enumerate().filter(|(_, series)| series.block.is_some()) {
        if let Some(twin) = all[..place].iter().position(|other| is_twin(other, series)) {
            let (number, twin) = (place + 1, twin + 1);
            notes.push(format!(
                "Series {number} differs from series {twin} by its day alone: over days they are one."
            ));
            continue;
        }
        let days = (view.from, view.to);
        let found = analysis::evolution(snapshot, series, view.period(), days).await?;
        let numbered = |warning| format!("Series {}: {warning}", place + 1);
        notes.extend(found.warnings.into_iter().map(numbered));
        let selector = match series.selector.cob() {
            None => "latest",
            Some(true) => "COB",
            Some(false) => "intraday",
        };
        if let VersionWish::Id(id) = series.selector {
            let number = place + 1;
            notes.push(format!(
                "Series {number} names version {id}; over days the latest of each is taken."
            ));
        }
        let (label, unit) = (format!("{}: {selector}", series.name()), series.unit().to_owned());
        tracks.push(Track { place, label, unit, hours: series.hours, points: found.points });
    }
    if tracks.iter().all(|track: &Track| track.points.values().all(Option::is_none)) {
        notes.push(format!("No operating day has a price of {}.", view.period().name()));
    }
    Ok(tracks)
}

/// Whether two series are the same but for their day.
fn is_twin(one: &Series, other: &Series) -> bool {
    let alike = |series: &Series| (series.dataset, series.known_at, series.selector.cob());
    let blocks = one.block.as_ref().zip(other.block.as_ref());
    alike(one) == alike(other) && blocks.is_some_and(|(one, other)| one.is_twin(other))
}

/// What stands in other units than the first series.
fn incomparable(figure: &Figure) -> Vec<String> {
    let Some(base) = figure.columns.first() else { return Vec::new() };
    let others = figure.columns.iter().filter(|column| column.unit != base.unit);
    let note = |column: &Column| {
        format!(
            "Series {} is in {}, series {} in {}: they have no difference.",
            column.place + 1,
            column.unit,
            base.place + 1,
            base.unit
        )
    };
    others.map(note).collect()
}

/// The two legs, what is subtracted first.
fn spread(view: &View, tracks: Vec<Track>, notes: &mut Vec<String>) -> Vec<Track> {
    let Some((b, a)) = view.legs() else {
        notes.push("A spread needs two series: add one, or choose two that are there.".to_owned());
        return tracks;
    };
    let leg = |place: usize| tracks.iter().find(|track| track.place == place).cloned();
    [leg(b), leg(a)].into_iter().flatten().collect()
}
