//! What the form offers, what was chosen, and the defaults of the rest.

use chrono::NaiveDate;

use super::wish::{Faults, Wish};
use crate::{
    app::App,
    auth::Principal,
    db::pages::{self, OperatingDay},
    domain::{ContractMonth, Family, Iso, Source},
    error::{Problem, Result},
    extractors::words::{Block, Curve},
    web::pages::{
        form::{Choice, keep_granted},
        format::{family_name, iso_name},
    },
};

/// Days that the pickers offer.
const DAYS: i64 = 750;

/// Months from that of the operating day to the first and the last that are preselected.
const PRESELECTED: (i32, i32) = (1, 61);

pub(super) const FORMATS: [(&str, &str); 5] = [
    ("xlsx", "Excel (.xlsx)"),
    ("csv", "CSV"),
    ("json", "JSON"),
    ("ndjson", "NDJSON, a record a line"),
    ("parquet", "Parquet"),
];

pub(super) const LAYOUTS: [(&str, &str); 2] =
    [("wide", "Wide: a column per series"), ("long", "Long: a row per value")];

pub(super) const MODES: [(&str, &str); 2] = [
    ("standardized", "Standardized: 7x24 in $/MWh"),
    ("unstandardized", "Unstandardized: stored blocks and units"),
];

/// How hours are counted where prices are computed.
pub(super) const CALENDARS: [(&str, &str); 2] =
    [("flat", "Flat: no holidays, no clock changes"), ("nerc", "NERC holidays and clock changes")];

/// Which versions of a day.
pub(super) const VERSIONS: [(&str, &str); 4] = [
    ("latest", "Latest of the day"),
    ("cob", "Close of business"),
    ("intraday", "Latest intraday"),
    ("all", "Every version"),
];

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
    /// The versions that were named, instead of a day's.
    pub(super) version_ids: String,
    /// Of curves that have two.
    pub(super) modes: Vec<Choice>,
    /// Where prices are computed.
    pub(super) calendars: Vec<Choice>,
    /// Whether contract months choose among its rows.
    pub(super) has_months: bool,
    /// What was asked for and is not there.
    pub(super) note: Option<String>,
    /// What could not be read.
    pub(super) faults: Faults,
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
    pub(super) async fn load(app: &App, principal: &Principal, mut wish: Wish) -> Result<Self> {
        let granted = app.granted(principal).await?;
        // The first choice is one that there is a grant for.
        let first = granted.0.first().copied();
        let curve = wish.curve.as_deref().or(first.map(Source::curve));
        let iso = wish.iso.as_deref().or(first.map(|source| source.iso().as_str()));
        let (curves, isos) = (curves(curve), isos(iso));
        let (sources, curves, isos) = match sources(chosen(&curves), chosen(&isos)) {
            Ok(sources) => (sources, curves, isos),
            Err(problem) => {
                wish.faults.add("iso", &problem);
                let isos = self::isos(Some("all"));
                (sources(chosen(&curves), "all")?, curves, isos)
            }
        };
        let (mut curves, mut isos) = (curves, isos);
        keep_granted(&granted, &mut curves, &mut isos);
        let ids: Vec<i16> = sources.iter().map(|source| source.id()).collect();
        let mut snapshot = app.snapshot(principal, &sources, None).await?;
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
        let curve: Curve = chosen(&curves).parse().unwrap_or(Curve::All);
        let has_months = curve.has_months() || curve == Curve::All;
        let (start, end) = match has_months {
            true => months(&wish, day.map(|day| day.day), curve != Curve::Shaping),
            false => (String::new(), String::new()),
        };
        let format = fixed(&FORMATS, wish.format.as_deref());
        let tabular = ["csv", "xlsx"].contains(&chosen(&format));
        let modes = match curve.has_modes() {
            true => fixed(&MODES, wish.mode.as_deref()),
            false => Vec::new(),
        };
        let is_computed = chosen(&modes) == "standardized";
        let blocks = blocks_of(curve, is_computed, blocks);
        Self {
            calendars: match is_computed {
                true => fixed(&CALENDARS, wish.calendar.as_deref()),
                false => Vec::new(),
            },
            has_months,
            modes,
            version_ids: wish.version_ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
            curves,
            isos,
            days: day_choices(days, day.map(|day| day.day)),
            last_days: last_day_choices(days, day.map(|day| day.day), last),
            versions: versions(days, day, last, wish.version.as_deref()),
            strips: blocks
                .iter()
                .map(|block| Choice {
                    chosen: wish.strip.iter().any(|strip| strip.eq_ignore_ascii_case(block)),
                    ..Choice::new(block, block, "")
                })
                .collect(),
            layouts: fixed(if tabular { &LAYOUTS } else { &LAYOUTS[1..] }, wish.layout.as_deref()),
            bom: (chosen(&format) == "csv").then_some(wish.bom.unwrap_or_default()),
            formats: format,
            previous: previous(day.map(|day| day.day), has_months, (&start, &end)),
            start,
            end,
            as_of: wish.as_of.unwrap_or_default(),
            note,
            faults: wish.faults,
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
        ];
        if self.version_ids.is_empty() {
            query.extend([
                ("operating_day", chosen(&self.days).to_owned()),
                ("operating_day_end", chosen(&self.last_days).to_owned()),
                ("version", unless(chosen(&self.versions), "latest")),
            ]);
        }
        // Named versions say themselves of which day they are.
        let ids = self.version_ids.split(", ");
        query.extend(ids.map(|id| ("version_id", id.to_owned())));
        query.extend([
            ("start", self.start.clone()),
            ("end", self.end.clone()),
            ("mode", chosen(&self.modes).to_owned()),
            ("calendar", unless(chosen(&self.calendars), "flat")),
        ]);
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

/// The families, and all of them.
pub(super) fn curve_names() -> Vec<(&'static str, &'static str)> {
    let names = Family::ALL.iter().map(|family| (family.as_str(), family_name(*family)));
    names.chain([("headroom", "Headroom"), ("all", "All curves (.zip)")]).collect()
}

/// The ISOs, and all of them.
pub(super) fn iso_names() -> Vec<(&'static str, &'static str)> {
    let names = Iso::ALL.iter().map(|iso| (iso.as_str(), iso_name(*iso)));
    names.chain([("all", "All ISOs (.zip)")]).collect()
}

fn curves(wanted: Option<&str>) -> Vec<Choice> {
    fixed(&curve_names(), wanted)
}

fn isos(wanted: Option<&str>) -> Vec<Choice> {
    fixed(&iso_names(), wanted)
}

fn sources(curve: &str, iso: &str) -> Result<Vec<Source>> {
    let found: Vec<Source> = Source::all()
        .filter(|source| curve == "all" || source.curve() == curve)
        .filter(|source| iso == "all" || source.iso().as_str() == iso)
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
    let offered = |value: &str| match value {
        "cob" => cob,
        "intraday" => cob && intraday,
        _ => true,
    };
    let known: Vec<_> = VERSIONS.into_iter().filter(|(value, _)| offered(value)).collect();
    fixed(&known, wanted)
}

/// The day and the months that the form shows; a bound that is shown empty is a dash.
fn previous(day: Option<NaiveDate>, has_months: bool, (start, end): (&str, &str)) -> String {
    let shown = |month: &str| match month {
        "" if has_months => "-".to_owned(),
        month => month.to_owned(),
    };
    day.map(|day| format!("{day}/{}/{}", shown(start), shown(end))).unwrap_or_default()
}

/// The blocks to choose among: standardized prices have one, and some curve types none. A
/// nonenergy series may also be named for its peak hours.
fn blocks_of(curve: Curve, is_computed: bool, stored: &[String]) -> Vec<String> {
    if is_computed || !curve.has_strips() && curve != Curve::All {
        return Vec::new();
    }
    let mut blocks = stored.to_vec();
    if matches!(curve, Curve::NonEnergy | Curve::All) {
        blocks.extend([Block::OnPeak, Block::OffPeak].map(|block| block.to_string()));
    }
    blocks
}

/// The bounds as they were given; the last month is dropped where it comes before the first.
fn given(wish: &Wish) -> (String, String) {
    let text = |month: Option<ContractMonth>| month.map(|m| m.to_string()).unwrap_or_default();
    let end = wish.end.filter(|end| wish.start.is_none_or(|start| start <= *end));
    (text(wish.start), text(end))
}

/// The months: the usual ones after another day was chosen, where `usual`, else all of them; a bound
/// that passes the other takes it along.
fn months(wish: &Wish, day: Option<NaiveDate>, is_usual: bool) -> (String, String) {
    let Some(day) = day else { return (String::new(), String::new()) };
    let month = ContractMonth::containing(day);
    let usual = (month.plus(PRESELECTED.0), month.plus(PRESELECTED.1));
    if !is_usual {
        return given(wish);
    }
    let mut before = wish.previous.as_deref().unwrap_or_default().split('/');
    let other_day = before.next().is_some_and(|was| !was.is_empty() && was != day.to_string());
    if other_day {
        return (usual.0.to_string(), usual.1.to_string());
    }
    let (was_start, was_end) = (before.next(), before.next());
    // A bound that was shown and is gone was emptied: every month.
    let is_emptied = |now: Option<ContractMonth>, was: Option<&str>| {
        now.is_none() && was.is_some_and(|was| !was.is_empty())
    };
    if is_emptied(wish.start, was_start) || is_emptied(wish.end, was_end) {
        return given(wish);
    }
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
        let wish = Wish::read(query);
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
             &mode=standardized&format=xlsx"
        );
    }

    #[test]
    fn each_curve_type_offers_what_it_can_use() {
        let names = |query| {
            settle(query).query().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
        };
        let nerc = "curve=nonenergy&calendar=nerc&strip=7x8";
        assert_eq!(names(nerc), "curve iso operating_day start end mode calendar format");
        let blocks = |query| settle(query).strips.into_iter().map(|s| s.value).collect::<Vec<_>>();
        assert_eq!(
            blocks("curve=nonenergy&mode=unstandardized"),
            ["5x16", "7x8", "on-peak", "off-peak"]
        );
        assert_eq!(blocks("curve=nonenergy"), [""; 0]);
        let matrix = "curve=matrix&start=2027-01&mode=standardized&strip=5x16";
        assert_eq!(names(matrix), "curve iso operating_day strip format");
        assert_eq!(names("curve=vlr&strip=5x16&end=2027-01"), "curve iso operating_day format");
        assert_eq!(names("curve=shaping"), "curve iso operating_day format");
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
        assert_eq!(
            months("start=2027-01&previous=2026-11-20/2027-01/2027-02"),
            pair("2027-01", "")
        );
        assert_eq!(months("end=2027-01&previous=2026-11-20/-/2027-01"), pair("", "2027-01"));
        assert_eq!(months("previous=2026-11-20//"), pair("2026-12", "2031-12"));
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

    #[test]
    fn what_cannot_be_read_is_told_beside_its_field_and_the_rest_holds() {
        let query = "curve=foo&start=2026&mode=flat&version_id=1,x&strips=5x16&end=2027-02";
        let choices = settle(query);
        for (field, words) in [
            ("curve", "curve=\"foo\": known are energy"),
            ("start", "2026"),
            ("mode", "known are standardized, unstandardized"),
            ("version_id", "parted by commas"),
            ("strips", "did you mean strip?"),
        ] {
            let fault = choices.faults.of(field).unwrap();
            assert!(fault.contains(words), "{field}: {fault}");
        }
        assert_eq!(choices.faults.of_no_field().count(), 1);
        assert_eq!(choices.end, "2027-02");
        assert!(settle("layout=wide&format=json&version=cob").faults.is_empty());
    }

    #[test]
    fn named_versions_stand_for_their_days() {
        let query = settle("version_id=7, 9&version=all").query();
        let of = |wanted: &str| query.iter().filter(|(name, _)| *name == wanted).count();
        assert_eq!((of("version_id"), of("operating_day"), of("version")), (2, 0, 0), "{query:?}");
    }
}
