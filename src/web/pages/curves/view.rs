//! The address of a view.

use chrono::NaiveDate;

use crate::{
    domain::{Calendar, words},
    error::{Problem, Result},
    extractors::{
        analysis::{DayWish, Period, Series, VersionWish, Wish},
        words::Instant,
    },
    web::{
        pages::form::{filled, url},
        parameters::{FromParameters, Parameters},
    },
};

words! {
    /// What a view shows of its series.
    Shape("a view") {
        /// Prices by contract month.
        Curves = "curves",
        /// One month or strip by operating day.
        Evolution = "evolution",
        /// One series less another.
        Spread = "spread",
    }
}

/// The suffixes of the parameters of each series.
pub(super) const SUFFIXES: [&str; 10] = ["", "2", "3", "4", "5", "6", "7", "8", "9", "10"];

/// The names of every parameter, and `more` names.
macro_rules! names {
    ($($more:literal),*) => {
        names!(@ ("" "2" "3" "4" "5" "6" "7" "8" "9" "10") $($more)*)
    };
    (@ ($($n:literal)*) $($more:literal)*) => {
        &[
            $(
                concat!("curve", $n), concat!("iso", $n), concat!("zone", $n), concat!("block", $n),
                concat!("day", $n), concat!("version", $n), concat!("as_of", $n),
                concat!("start", $n), concat!("end", $n),
            )*
            "view", "calendar", "year", "bars", "period", "from", "to", "a", "b", $($more),*
        ]
    };
}
pub(super) use names;

/// What is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    /// The series; at least one, though it may be empty.
    pub(super) wishes: Vec<Wish>,
    pub(super) shape: Option<Shape>,
    /// How hours are counted, for every series.
    pub(super) calendar: Option<Calendar>,
    /// The calendar strip of the summary.
    pub(super) year: Option<i32>,
    /// Whether the bars of differences are percentages.
    pub(super) percent: bool,
    /// What is followed over operating days.
    pub(super) period: Option<Period>,
    pub(super) from: Option<NaiveDate>,
    pub(super) to: Option<NaiveDate>,
    /// The series of a spread, from 1: `a` less `b`.
    pub(super) a: Option<usize>,
    pub(super) b: Option<usize>,
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] = names!();

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let mut wishes = Vec::new();
        for suffix in SUFFIXES {
            let wish = wish(p, suffix)?;
            // The first may leave out everything; a line that was emptied is gone.
            if suffix.is_empty() || !wish.is_empty() {
                wishes.push(wish);
            }
        }
        let view = Self {
            wishes,
            shape: filled(p, "view")?,
            calendar: filled(p, "calendar")?,
            year: filled(p, "year")?,
            percent: filled::<Bars>(p, "bars")? == Some(Bars::Percent),
            period: filled(p, "period")?,
            from: filled(p, "from")?,
            to: filled(p, "to")?,
            a: filled(p, "a")?,
            b: filled(p, "b")?,
        };
        view.check()
    }
}

words! {
    /// What the bars of differences stand for.
    Bars("a kind of bars") {
        /// In the unit of the prices.
        Unit = "unit",
        /// In percent of the first series.
        Percent = "percent",
    }
}

fn wish(p: &mut Parameters, suffix: &str) -> Result<Wish> {
    let name = |name: &str| format!("{name}{suffix}");
    let wish = Wish {
        curve: filled(p, &name("curve"))?,
        iso: filled(p, &name("iso"))?,
        zone: filled(p, &name("zone"))?,
        block: filled(p, &name("block"))?,
        day: filled(p, &name("day"))?,
        version: filled(p, &name("version"))?,
        as_of: filled::<Instant>(p, &name("as_of"))?.map(|instant| instant.0),
        start: filled(p, &name("start"))?,
        end: filled(p, &name("end"))?,
    };
    if let (Some(start), Some(end)) = (wish.start, wish.end)
        && start > end
    {
        let why = format!("it comes after {}={end}", name("end"));
        return Err(Problem::bad_parameter(&name("start"), &start.to_string(), why));
    }
    if suffix.is_empty() && !matches!(wish.day, None | Some(DayWish::On(_))) {
        let day = wish.day.map(|day| day.to_string()).unwrap_or_default();
        let why = "the first series has no other to be before: give YYYY-MM-DD";
        return Err(Problem::bad_parameter("day", &day, why));
    }
    Ok(wish)
}

impl View {
    fn check(self) -> Result<Self> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            let why = format!("it comes after to={to}");
            return Err(Problem::bad_parameter("from", &from.to_string(), why));
        }
        for (name, place) in [("a", self.a), ("b", self.b)] {
            if let Some(place) = place.filter(|place| !(1..=SUFFIXES.len()).contains(place)) {
                let why = "give the number of a series, from 1";
                return Err(Problem::bad_parameter(name, &place.to_string(), why));
            }
        }
        if let Some(year) = self.year.filter(|year| !(1900..=2200).contains(year)) {
            let why = "give a year such as 2031";
            return Err(Problem::bad_parameter("year", &year.to_string(), why));
        }
        Ok(self)
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape.unwrap_or(Shape::Curves)
    }

    pub(super) fn is(&self, shape: &str) -> bool {
        self.shape().as_str() == shape
    }

    pub(super) fn calendar(&self) -> Calendar {
        self.calendar.unwrap_or(Calendar::Flat)
    }

    pub(super) fn is_nerc(&self) -> bool {
        self.calendar() == Calendar::Nerc
    }

    pub(super) fn period(&self) -> Period {
        self.period.unwrap_or(Period::Prompt)
    }

    /// The places of a spread's series, from 0, as far as there are so many: what is subtracted,
    /// then what it is subtracted from.
    pub(super) fn legs(&self) -> Option<(usize, usize)> {
        let (a, b) = (self.a.unwrap_or(2) - 1, self.b.unwrap_or(1) - 1);
        (a != b && a.max(b) < self.wishes.len()).then_some((b, a))
    }

    /// The names and values that make this view.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let wishes = self.wishes.iter().zip(SUFFIXES);
        let mut pairs: Vec<_> = wishes.flat_map(|(wish, suffix)| wish.pairs(suffix)).collect();
        let shape = self.shape.filter(|shape| *shape != Shape::Curves);
        let calendar = self.calendar.filter(|calendar| *calendar != Calendar::Flat);
        let text = |value: Option<String>| value.unwrap_or_default();
        let rest = [
            ("view", text(shape.map(|shape| shape.to_string()))),
            ("calendar", text(calendar.map(|calendar| calendar.to_string()))),
            ("year", text(self.year.map(|year| year.to_string()))),
            ("bars", text(self.percent.then(|| Bars::Percent.to_string()))),
            ("period", text(self.period.map(|period| period.to_string()))),
            ("from", text(self.from.map(|day| day.to_string()))),
            ("to", text(self.to.map(|day| day.to_string()))),
            ("a", text(self.a.map(|place| place.to_string()))),
            ("b", text(self.b.map(|place| place.to_string()))),
        ];
        let rest = rest.into_iter().filter(|(_, value)| !value.is_empty());
        pairs.extend(rest.map(|(name, value)| (name.to_owned(), value)));
        pairs
    }

    /// The query of its address.
    pub(super) fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        self.url_at("/curves", &[])
    }

    /// The address of another form of it.
    pub(super) fn url_at(&self, path: &str, more: &[(&str, &str)]) -> String {
        let pairs = self.pairs();
        let own = pairs.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        url(path, own.chain(more))
    }

    /// The same in another shape.
    pub(super) fn shaped(&self, shape: Shape) -> Self {
        Self { shape: Some(shape), ..self.clone() }
    }

    /// With one more series; as it is where there is no room.
    pub(super) fn with(&self, wish: Wish) -> Self {
        let mut view = self.clone();
        if view.wishes.len() < SUFFIXES.len() {
            view.wishes.push(wish);
        }
        view
    }

    /// Without the series at `place`.
    pub(super) fn without(&self, place: usize, series: &[Series]) -> Self {
        let mut view = if place == 0 { self.led_by(1, series) } else { self.clone() };
        // What led stands second now.
        view.wishes.remove(if place == 0 { 1 } else { place });
        Self { a: None, b: None, ..view }
    }

    /// With the series at `place` as the first, all others as they are.
    pub(super) fn led_by(&self, place: usize, series: &[Series]) -> Self {
        let dated = self.wishes.iter().any(|wish| wish.day.is_some());
        let mut wishes: Vec<Wish> = series.iter().map(|series| settled(series, dated)).collect();
        if place >= wishes.len() {
            return self.clone();
        }
        let first = wishes.remove(place);
        let mut all = vec![plain(&first)];
        all.extend(wishes.into_iter().map(|wish| less(wish, &first)));
        Self { wishes: all, a: None, b: None, ..self.clone() }
    }
}

/// A wish that asks for what `series` shows, whatever stands before it.
fn settled(series: &Series, dated: bool) -> Wish {
    let day = series.version.as_ref().map(|version| DayWish::On(version.operating_day));
    let pinned = matches!(series.selector, VersionWish::Id(_));
    let block = series.block.as_ref().map(|block| block.word.clone());
    Wish {
        curve: Some(series.dataset.family),
        iso: Some(series.dataset.iso),
        zone: series.line.as_ref().map(|line| line.name.clone()).or(series.wish.zone.clone()),
        block: series.wish.block.clone().or(block),
        day: day.or(series.wish.day).filter(|_| dated && !pinned),
        version: Some(series.selector),
        as_of: series.wish.as_of,
        start: series.bounds.0,
        end: series.bounds.1,
    }
}

/// Without what the first series has anyway.
fn plain(wish: &Wish) -> Wish {
    Wish { version: wish.version.filter(|version| *version != VersionWish::Latest), ..wish.clone() }
}

/// Without what `first` has alike.
fn less(wish: Wish, first: &Wish) -> Wish {
    fn unless<T: PartialEq>(own: Option<T>, first: Option<&T>) -> Option<T> {
        own.filter(|own| Some(own) != first)
    }
    Wish {
        curve: unless(wish.curve, first.curve.as_ref()),
        iso: unless(wish.iso, first.iso.as_ref()),
        zone: unless(wish.zone, first.zone.as_ref()),
        block: unless(wish.block, first.block.as_ref()),
        day: unless(wish.day, first.day.as_ref()),
        version: unless(wish.version, first.version.as_ref()),
        as_of: unless(wish.as_of, first.as_of.as_ref()),
        start: unless(wish.start, first.start.as_ref()),
        end: unless(wish.end, first.end.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<View> {
        View::from_parameters(&mut Parameters::parse(Some(query), View::NAMES)?)
    }

    #[test]
    fn a_view_is_its_address() {
        let query = "curve=energy&iso=pjm&zone=WESTERN+HUB&day=2026-11-20&day2=previous_day\
                     &zone3=AEP&version3=cob&as_of3=2026-11-20T16%3A00%3A00Z&view=evolution\
                     &calendar=nerc&year=2028&bars=percent&period=cal-2028&from=2026-01-01";
        let view = read(query).unwrap();
        assert_eq!(view.url(), format!("/curves?{query}"));
        assert_eq!(view.wishes.len(), 3);
    }

    #[test]
    fn an_emptied_line_is_gone_and_an_empty_address_has_one() {
        assert_eq!(read("zone2=&iso2=&day3=previous_week").unwrap().wishes.len(), 2);
        assert_eq!(read("").unwrap().wishes, [Wish::default()]);
    }

    #[test]
    fn nonsense_is_refused() {
        for query in [
            "day=previous_day",
            "start=2027-01&end=2026-12",
            "from=2027-01-02&to=2027-01-01",
            "a=0",
            "b=11",
            "year=20",
            "view=x",
            "zone11=A",
            "as_of2=2026-11-20",
            "version=all",
            "calendar=julian",
            "calendar2=nerc",
        ] {
            assert!(read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_spread_has_two_series_that_are_there() {
        assert_eq!(read("zone2=B").unwrap().legs(), Some((0, 1)));
        assert_eq!(read("zone2=B&a=1&b=2").unwrap().legs(), Some((1, 0)));
        assert_eq!(read("zone2=B&a=3").unwrap().legs(), None);
        assert_eq!(read("").unwrap().legs(), None);
    }
}
