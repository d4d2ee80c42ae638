//! What the form offers, what was chosen, and the defaults of the rest.

use chrono::NaiveDate;

use crate::{
    app::App,
    db::{
        pages::{self, OperatingDay},
        snapshot::Snapshot,
    },
    domain::{ContractMonth, Dataset, Family, Iso},
    error::{Problem, Result},
    web::{
        pages::{
            form::{Choice, filled},
            format::{family_name, iso_name},
        },
        parameters::{FromParameters, Parameters},
    },
};

/// Days that the pickers offer.
const DAYS: i64 = 750;

/// Months from that of the operating day to the first and the last that are preselected.
const PRESELECTED: (i32, i32) = (1, 61);

const FORMATS: [(&str, &str); 4] = [
    ("xlsx", "Excel (.xlsx)"),
    ("csv", "CSV"),
    ("json", "JSON"),
    ("ndjson", "NDJSON, a record a line"),
];

const LAYOUTS: [(&str, &str); 2] =
    [("wide", "Wide: a column per series"), ("long", "Long: a row per value")];

/// The form as it was sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    curve: Option<String>,
    iso: Option<String>,
    operating_day: Option<NaiveDate>,
    operating_day_end: Option<NaiveDate>,
    version: Option<String>,
    start: Option<ContractMonth>,
    end: Option<ContractMonth>,
    strip: Vec<String>,
    layout: Option<String>,
    format: Option<String>,
    bom: Option<bool>,
    as_of: Option<String>,
    previous: Option<String>,
}

impl FromParameters for Wish {
    const NAMES: &'static [&'static str] = &[
        "curve",
        "iso",
        "operating_day",
        "operating_day_end",
        "version",
        "start",
        "end",
        "strip",
        "layout",
        "format",
        "bom",
        "as_of",
        "previous",
    ];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            curve: filled(parameters, "curve")?,
            iso: filled(parameters, "iso")?,
            operating_day: filled(parameters, "operating_day")?,
            operating_day_end: filled(parameters, "operating_day_end")?,
            version: filled(parameters, "version")?,
            start: filled(parameters, "start")?,
            end: filled(parameters, "end")?,
            strip: parameters.texts("strip"),
            layout: filled(parameters, "layout")?,
            format: filled(parameters, "format")?,
            bom: filled(parameters, "bom")?,
            as_of: filled(parameters, "as_of")?,
            previous: filled(parameters, "previous")?,
        })
    }
}

/// Everything that the form shows.
#[derive(Debug)]
pub(super) struct Choices {
    pub(super) curves: Vec<Choice>,
    pub(super) isos: Vec<Choice>,
    pub(super) days: Vec<Choice>,
    pub(super) last_days: Vec<Choice>,
    pub(super) versions: Vec<Choice>,
    pub(super) strips: Vec<Choice>,
    pub(super) formats: Vec<Choice>,
    pub(super) layouts: Vec<Choice>,
    pub(super) start: String,
    pub(super) end: String,
    /// Offered for CSV only.
    pub(super) bom: Option<bool>,
    pub(super) as_of: String,
    /// What the form held, to see which field was changed last.
    pub(super) previous: String,
    /// What was asked for and is not there.
    pub(super) note: Option<String>,
    blocks: bool,
}

/// The value that is chosen, as far as one is.
fn chosen(choices: &[Choice]) -> &str {
    choices.iter().find(|choice| choice.chosen).map(|choice| &*choice.value).unwrap_or_default()
}

fn fixed(known: &[(&str, &str)], wanted: Option<&str>) -> Vec<Choice> {
    let default = known.first().map(|(value, _)| *value).unwrap_or_default();
    let wanted = wanted.filter(|wanted| known.iter().any(|(value, _)| value == wanted));
    let chosen = wanted.unwrap_or(default);
    known.iter().map(|(value, name)| Choice::new(value, name, chosen)).collect()
}

impl Choices {
    pub(super) async fn load(app: &App, wish: Wish) -> Result<Self> {
        let (curves, isos) = (curves(wish.curve.as_deref()), isos(wish.iso.as_deref()));
        let datasets = datasets(chosen(&curves), chosen(&isos))?;
        let ids: Vec<i16> = datasets.iter().map(|dataset| dataset.id()).collect();
        let mut snapshot = Snapshot::begin(&app.pool, &datasets, None).await?;
        let days = pages::operating_days(&mut snapshot, &ids, DAYS).await?;
        let blocks = pages::block_types(&mut snapshot, &ids).await?;
        snapshot.finish().await?;
        Ok(Self::settle(wish, curves, isos, &days, &blocks))
    }

    fn settle(
        wish: Wish,
        curves: Vec<Choice>,
        isos: Vec<Choice>,
        days: &[OperatingDay],
        blocks: &[String],
    ) -> Self {
        let found = wish.operating_day.and_then(|day| days.iter().find(|d| d.day == day));
        let note = wish.operating_day.filter(|_| found.is_none()).map(|day| {
            format!("There is no such curve of {day}; the newest day was chosen instead.")
        });
        let day = found.or(days.first());
        let last = wish.operating_day_end.filter(|last| day.is_some_and(|day| day.day < *last));
        let (start, end) = months(&wish, day.map(|day| day.day));
        let format = fixed(&FORMATS, wish.format.as_deref());
        let tabular = ["csv", "xlsx"].contains(&chosen(&format));
        Self {
            blocks: chosen(&curves) != "rec",
            curves,
            isos,
            days: day_choices(days, day.map(|day| day.day)),
            last_days: last_day_choices(days, day.map(|day| day.day), last),
            versions: versions(days, day, last, wish.version.as_deref()),
            strips: blocks
                .iter()
                .map(|block| Choice {
                    chosen: wish.strip.contains(block),
                    ..Choice::new(block, block, "")
                })
                .collect(),
            layouts: fixed(if tabular { &LAYOUTS } else { &LAYOUTS[1..] }, wish.layout.as_deref()),
            bom: (chosen(&format) == "csv").then_some(wish.bom.unwrap_or_default()),
            formats: format,
            previous: previous(day.map(|day| day.day), &start, &end),
            start,
            end,
            as_of: wish.as_of.unwrap_or_default(),
            note,
        }
    }

    /// Whether there is anything to download.
    pub(super) fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The parameters of `GET /api/v1/data`, without those that are its defaults.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let unless = |value: &str, default: &str| match value {
            value if value == default => String::new(),
            value => value.to_owned(),
        };
        let format = chosen(&self.formats);
        let default_layout = if ["csv", "xlsx"].contains(&format) { "wide" } else { "long" };
        let mut query = vec![
            ("curve", chosen(&self.curves).to_owned()),
            ("iso", chosen(&self.isos).to_owned()),
            ("operating_day", chosen(&self.days).to_owned()),
            ("operating_day_end", chosen(&self.last_days).to_owned()),
            ("version", unless(chosen(&self.versions), "latest")),
            ("start", self.start.clone()),
            ("end", self.end.clone()),
            ("mode", if self.blocks { "unstandardized".to_owned() } else { String::new() }),
        ];
        let strips = self.strips.iter().filter(|strip| strip.chosen);
        query.extend(strips.map(|strip| ("strip", strip.value.to_lowercase())));
        query.push(("layout", unless(chosen(&self.layouts), default_layout)));
        query.push(("as_of", self.as_of.clone()));
        query.push(("format", format.to_owned()));
        query.push((
            "bom",
            self.bom.filter(|bom| *bom).map(|_| "true".to_owned()).unwrap_or_default(),
        ));
        query.retain(|(_, value)| !value.is_empty());
        query
    }
}

fn curves(wanted: Option<&str>) -> Vec<Choice> {
    let names: Vec<_> = Family::ALL.iter().map(|f| (f.as_str(), family_name(*f))).collect();
    with_all(names, "All curves (.zip)", wanted)
}

fn isos(wanted: Option<&str>) -> Vec<Choice> {
    let names: Vec<_> = Iso::ALL.iter().map(|i| (i.as_str(), iso_name(*i))).collect();
    with_all(names, "All ISOs (.zip)", wanted)
}

fn with_all(
    mut known: Vec<(&str, &'static str)>,
    all: &'static str,
    wanted: Option<&str>,
) -> Vec<Choice> {
    known.push(("all", all));
    fixed(&known, wanted)
}

fn datasets(curve: &str, iso: &str) -> Result<Vec<Dataset>> {
    let found: Vec<Dataset> = Dataset::all()
        .filter(|d| curve == "all" || d.family.as_str() == curve)
        .filter(|d| iso == "all" || d.iso.as_str() == iso)
        .collect();
    if found.is_empty() {
        return Err(Problem::not_found(format!("There are no {curve} curves for {iso}.")));
    }
    Ok(found)
}

fn day_choices(days: &[OperatingDay], day: Option<NaiveDate>) -> Vec<Choice> {
    let chosen = day.map(|day| day.to_string()).unwrap_or_default();
    days.iter().map(|d| Choice::new(d.day, d.day, &chosen)).collect()
}

/// "The same day", then the days after it.
fn last_day_choices(
    days: &[OperatingDay],
    day: Option<NaiveDate>,
    last: Option<NaiveDate>,
) -> Vec<Choice> {
    let chosen = last.map(|last| last.to_string()).unwrap_or_default();
    let later = days.iter().filter(|d| day.is_some_and(|day| day < d.day));
    let same = Choice::new("", "the same day", &chosen);
    std::iter::once(same).chain(later.map(|d| Choice::new(d.day, d.day, &chosen))).collect()
}

/// Close of business and intraday are offered only where there is one.
fn versions(
    days: &[OperatingDay],
    day: Option<&OperatingDay>,
    last: Option<NaiveDate>,
    wanted: Option<&str>,
) -> Vec<Choice> {
    let first = day.map(|day| day.day);
    let until = last.or(first);
    let window = |d: &&OperatingDay| Some(d.day) >= first && Some(d.day) <= until;
    let cob = days.iter().filter(window).any(|d| d.cob);
    let intraday = days.iter().filter(window).any(|d| d.intraday);
    let mut known = vec![("latest", "Latest of the day")];
    if cob {
        known.push(("cob", "Close of business"));
    }
    if cob && intraday {
        known.push(("intraday", "Latest intraday"));
    }
    known.push(("all", "Every version"));
    fixed(&known, wanted)
}

fn previous(day: Option<NaiveDate>, start: &str, end: &str) -> String {
    day.map(|day| format!("{day}/{start}/{end}")).unwrap_or_default()
}

/// The months: the usual ones after another day was chosen; a bound that passes the other takes it
/// along.
fn months(wish: &Wish, day: Option<NaiveDate>) -> (String, String) {
    let Some(day) = day else { return (String::new(), String::new()) };
    let month = ContractMonth::containing(day);
    let usual = (month.plus(PRESELECTED.0), month.plus(PRESELECTED.1));
    let mut before = wish.previous.as_deref().unwrap_or_default().split('/');
    let other_day = before.next().is_some_and(|was| !was.is_empty() && was != day.to_string());
    if other_day {
        return (usual.0.to_string(), usual.1.to_string());
    }
    let (was_start, was_end) = (before.next(), before.next());
    let (start, end) = (wish.start.unwrap_or(usual.0), wish.end.unwrap_or(usual.1));
    let moved =
        |now: ContractMonth, was: Option<&str>| was.is_some_and(|was| was != now.to_string());
    match start > end {
        true if moved(end, was_end) && !moved(start, was_start) => {
            (end.to_string(), end.to_string())
        }
        true => (start.to_string(), start.to_string()),
        false => (start.to_string(), end.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str, cob: bool) -> OperatingDay {
        OperatingDay { day: text.parse().unwrap(), versions: 2, cob, intraday: true }
    }

    fn settle(query: &str) -> Choices {
        let mut parameters = Parameters::parse(Some(query), Wish::NAMES).unwrap();
        let wish = Wish::from_parameters(&mut parameters).unwrap();
        let days = [day("2026-11-20", false), day("2026-11-19", true)];
        let (curves, isos) = (curves(wish.curve.as_deref()), isos(wish.iso.as_deref()));
        Choices::settle(wish, curves, isos, &days, &["5x16".into(), "7x8".into()])
    }

    #[test]
    fn the_newest_day_brings_its_61_months() {
        let choices = settle("");
        let query: Vec<_> =
            choices.query().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            query.join("&"),
            "curve=energy&iso=ercot&operating_day=2026-11-20&start=2026-12&end=2031-12\
             &mode=unstandardized&format=xlsx"
        );
    }

    #[test]
    fn close_of_business_is_offered_only_where_there_is_one() {
        let values = |query| {
            settle(query).versions.into_iter().map(|v| v.value).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(values(""), "latest all");
        assert_eq!(values("operating_day=2026-11-19"), "latest cob intraday all");
        let window = "operating_day=2026-11-19&operating_day_end=2026-11-20&version=cob";
        assert_eq!(chosen(&settle(window).versions), "cob");
    }

    #[test]
    fn another_day_brings_its_own_months_and_bounds_move_together() {
        let months = |query| {
            let choices = settle(query);
            (choices.start, choices.end)
        };
        let pair = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        let own = "operating_day=2026-11-19&start=2027-01&end=2027-02&previous=2026-11-20/2027-01/2027-02";
        assert_eq!(months(own), pair("2026-12", "2031-12"));
        let later = "start=2027-05&end=2027-02&previous=2026-11-20/2027-01/2027-02";
        assert_eq!(months(later), pair("2027-05", "2027-05"));
        let earlier = "start=2027-01&end=2026-12&previous=2026-11-20/2027-01/2027-02";
        assert_eq!(months(earlier), pair("2026-12", "2026-12"));
    }

    #[test]
    fn a_day_without_a_curve_is_told() {
        assert!(settle("operating_day=2020-01-01").note.is_some());
        assert!(settle("operating_day=2026-11-19").note.is_none());
    }

    #[test]
    fn records_have_one_layout_and_only_csv_has_a_mark() {
        let choices = settle("format=json&layout=wide&bom=true");
        let query = choices.query();
        assert!(!query.iter().any(|(name, _)| ["layout", "bom"].contains(name)), "{query:?}");
        assert!(settle("format=csv&bom=true").query().contains(&("bom", "true".into())));
    }
}
