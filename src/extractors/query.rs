//! The parameters of a download, read strictly.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use super::{
    standardise::Wish,
    words::{
        Area, Block, Calendar, Combination, Curve, Day, Form, Format, Instant, Mode, MonthBound,
        Selector,
    },
};
use crate::{
    domain::{Axis, ContractMonth},
    error::{Problem, Result, shown},
    web::parameters::{FromParameters, Parameters},
};

/// What a download asks for, as given: what was omitted stays `None`.
#[derive(Debug, Clone)]
pub struct Query {
    /// Curve type.
    pub curve: Curve,
    /// Where.
    pub iso: Area,
    /// First contract month.
    pub start: Option<NaiveDate>,
    /// Last contract month.
    pub end: Option<NaiveDate>,
    /// Blocks, in the order of [`Block::ALL`], each once; empty when omitted.
    pub strips: Vec<Block>,
    /// First and last operating day.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Which versions of a day.
    pub version: Option<Selector>,
    /// These versions and no others.
    pub version_ids: Vec<i64>,
    /// The cut-off.
    pub as_of: Option<DateTime<Utc>>,
    /// Stored or derived.
    pub mode: Option<Mode>,
    /// How hours are counted.
    pub calendar: Option<Calendar>,
    /// Wide or long.
    pub layout: Option<Form>,
    /// How it is written.
    pub format: Option<Format>,
    /// A byte-order mark before CSV.
    pub bom: bool,
}

impl FromParameters for Query {
    const NAMES: &'static [&'static str] = &[
        "curve",
        "iso",
        "start",
        "end",
        "strip",
        "operating_day",
        "operating_day_end",
        "version",
        "version_id",
        "as_of",
        "asOf",
        "mode",
        "calendar",
        "layout",
        "format",
        "bom",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let curve = p.value("curve")?.ok_or_else(|| missing("curve", Curve::ALL))?;
        let iso = match p.value("iso")? {
            Some(iso) => iso,
            None if curve == Curve::LineLoss => Area::All,
            None => return Err(missing("iso", Area::ALL)),
        };
        let query = Self {
            curve,
            iso,
            start: p.value::<MonthBound>("start")?.map(|bound| bound.0),
            end: p.value::<MonthBound>("end")?.map(|bound| bound.0),
            strips: canonical(&p.values("strip")?),
            days: days(p)?,
            version: p.value("version")?,
            version_ids: version_ids(p)?,
            as_of: as_of(p)?,
            mode: p.value("mode")?,
            calendar: p.value("calendar")?,
            layout: p.value("layout")?,
            format: p.value("format")?,
            bom: p.value("bom")?.unwrap_or_default(),
        };
        query.check()?;
        Ok(query)
    }
}

/// 400 for a word that must be given.
pub fn missing<W: std::fmt::Display>(name: &str, words: &[W]) -> Problem {
    let known: Vec<String> = words.iter().map(ToString::to_string).collect();
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_parameter",
        format!("parameter {name} is required; known are {}", known.join(", ")),
    )
    .with("parameter", name)
}

/// 400 `contradictory_parameters`.
pub fn contradiction(name: &str, value: impl std::fmt::Display, why: &str) -> Problem {
    let value = shown(&value.to_string());
    Problem::new(
        StatusCode::BAD_REQUEST,
        "contradictory_parameters",
        format!("{name}={value} {why}"),
    )
    .with("parameter", name)
    .with("value", value)
}

/// Each once, in the order of [`Block::ALL`]; `all` stands alone.
#[must_use]
pub fn canonical(strips: &[Block]) -> Vec<Block> {
    if strips.contains(&Block::All) {
        return vec![Block::All];
    }
    Block::ALL.iter().copied().filter(|block| strips.contains(block)).collect()
}

/// The window of operating days: its end defaults to its start.
pub fn days(p: &mut Parameters) -> Result<Option<(NaiveDate, NaiveDate)>> {
    let first = p.value::<Day>("operating_day")?.map(|day| day.0);
    let last = p.value::<Day>("operating_day_end")?.map(|day| day.0);
    match (first, last) {
        (None, None) => Ok(None),
        (None, Some(last)) => {
            Err(contradiction("operating_day_end", last, "needs operating_day, the first day"))
        }
        (Some(first), Some(last)) if first > last => Err(contradiction(
            "operating_day",
            first,
            &format!("comes after operating_day_end={last}"),
        )),
        (Some(first), last) => Ok(Some((first, last.unwrap_or(first)))),
    }
}

/// `as_of`, or its alias `asOf`.
pub fn as_of(p: &mut Parameters) -> Result<Option<DateTime<Utc>>> {
    match (p.value::<Instant>("as_of")?, p.value::<Instant>("asOf")?) {
        (Some(_), Some(alias)) => {
            Err(contradiction("asOf", alias.0.to_rfc3339(), "is the same as as_of: give it once"))
        }
        (one, other) => Ok(one.or(other).map(|instant| instant.0)),
    }
}

fn version_ids(p: &mut Parameters) -> Result<Vec<i64>> {
    let mut ids: Vec<i64> = p.values("version_id")?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

impl Query {
    /// The places of an axis whose contract month is asked for; all of them where places have no
    /// month, or months do not choose.
    #[must_use]
    pub fn rows(&self, curve: Curve, axis: &Axis) -> std::ops::Range<usize> {
        let (start, end) = (self.start, self.end);
        let months: Vec<_> = axis.months().map(ContractMonth::first_day).collect();
        if months.is_empty() || !curve.has_months() {
            return 0..axis.len();
        }
        let first = months.partition_point(|month| start.is_some_and(|start| *month < start));
        let past = months.partition_point(|month| end.is_none_or(|end| *month <= end));
        first..past.max(first)
    }

    /// 400 where parameters contradict each other, or ask for what is not available.
    pub fn check(&self) -> Result<()> {
        if let (Some(start), Some(end)) = (self.start, self.end)
            && start > end
        {
            return Err(contradiction("start", start, &format!("comes after end={end}")));
        }
        self.check_pins()?;
        self.check_cob()?;
        self.check_form()?;
        self.check_mode()
    }

    fn check_pins(&self) -> Result<()> {
        let Some(id) = self.version_ids.first() else { return Ok(()) };
        let other = [
            ("version", self.version.is_some()),
            ("operating_day", self.days.is_some()),
            ("as_of", self.as_of.is_some()),
        ];
        match other.iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(contradiction(
                "version_id",
                id,
                &format!("names the versions itself and cannot be combined with {name}"),
            )),
            None => Ok(()),
        }
    }

    fn check_cob(&self) -> Result<()> {
        let needs_cob = matches!(self.version, Some(Selector::Cob | Selector::Intraday));
        if needs_cob && self.curve != Curve::All && !self.curve.has_cob() {
            return Err(contradiction(
                "version",
                self.selector(),
                &format!("is for energy: {} curves have no close of business", self.curve),
            ));
        }
        Ok(())
    }

    fn check_form(&self) -> Result<()> {
        let unmarked = self.format.filter(|format| *format != Format::Csv);
        if let Some(format) = unmarked
            && self.bom
        {
            return Err(contradiction("bom", true, &format!("is for csv, not for {format}")));
        }
        if let Some(format @ (Format::Json | Format::Ndjson | Format::Parquet)) = self.format
            && self.layout == Some(Form::Wide)
        {
            return Err(contradiction(
                "layout",
                Form::Wide,
                &format!("is for csv and xlsx; {format} is always long"),
            ));
        }
        Ok(())
    }

    /// A standardized price is one of every hour.
    fn check_mode(&self) -> Result<()> {
        let other = |block: &&Block| !matches!(block, Block::S7x24 | Block::All);
        match self.strips.iter().find(other) {
            Some(strip) if self.curve.has_modes() && self.mode == Some(Mode::Standardized) => {
                let why = "has no standardized price: mode=standardized gives 7x24 only";
                Err(contradiction("strip", strip, why))
            }
            _ => Ok(()),
        }
    }

    /// Which output series of `curve` are asked for. Without a mode, 7x24 is standardized and every
    /// other strip is not; `all` stands for every strip then.
    #[must_use]
    pub fn wish(&self, curve: Curve) -> Wish {
        let every = vec![Block::All];
        // What a curve type cannot use must not choose among its series either.
        let chooses = !self.strips.is_empty() && curve.has_strips();
        let strips = if chooses { self.strips.clone() } else { every };
        if !curve.has_modes() {
            return Wish { standardized: false, stored: strips };
        }
        match self.mode {
            Some(Mode::Unstandardized) => Wish { standardized: false, stored: strips },
            Some(Mode::Standardized) => Wish { standardized: true, stored: Vec::new() },
            None if self.strips.is_empty() => Wish { standardized: true, stored: Vec::new() },
            None => {
                let all = strips.contains(&Block::All);
                let asked = if all { Block::ALL } else { &strips };
                let stored = |block: &Block| !matches!(block, Block::S7x24 | Block::All);
                let stored = asked.iter().copied().filter(stored).collect();
                Wish { standardized: asked.contains(&Block::S7x24), stored }
            }
        }
    }

    /// The mode of all that is answered for `curve`; none where it has no modes, or some strips are
    /// standardized and others not.
    #[must_use]
    pub fn mode_in_force(&self, curve: Curve) -> Option<Mode> {
        let wish = self.wish(curve);
        match (wish.standardized, wish.stored.is_empty()) {
            _ if !curve.has_modes() => None,
            (true, true) => Some(Mode::Standardized),
            (false, _) => Some(Mode::Unstandardized),
            (true, false) => None,
        }
    }

    /// The selector in force.
    #[must_use]
    pub fn selector(&self) -> Selector {
        self.version.unwrap_or(Selector::Latest)
    }

    /// What is asked for, each curve type at each ISO, in the fixed order.
    pub fn combinations(&self) -> impl Iterator<Item = Combination> {
        let isos = self.iso.members();
        self.curve
            .members()
            .iter()
            .flat_map(move |&curve| isos.iter().map(move |&iso| Combination { curve, iso }))
    }

    /// Given parameters that `curve` cannot use.
    #[must_use]
    pub fn not_applied(&self, curve: Curve) -> Vec<&'static str> {
        let months = !curve.has_months();
        let cob = matches!(self.version, Some(Selector::Cob | Selector::Intraday));
        [
            ("start", self.start.is_some() && months),
            ("end", self.end.is_some() && months),
            ("strip", !self.strips.is_empty() && !curve.has_strips()),
            ("version", cob && !curve.has_cob()),
            ("mode", self.mode.is_some() && !curve.has_modes()),
            // Stored blocks need no hours.
            ("calendar", self.calendar.is_some() && !self.wish(curve).standardized),
        ]
        .into_iter()
        .filter_map(|(name, unused)| unused.then_some(name))
        .collect()
    }

    /// The parameters in a fixed order and spelling, defaults left out. `form` and `format` are
    /// those in force.
    #[must_use]
    pub fn normalised(&self, form: Form, format: Format) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("curve", self.curve.to_string()), ("iso", self.iso.to_string())];
        let mut add = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        add("start", self.start.map(|day| day.to_string()));
        add("end", self.end.map(|day| day.to_string()));
        for strip in &self.strips {
            add("strip", Some(strip.to_string()));
        }
        add("operating_day", self.days.map(|days| days.0.to_string()));
        add(
            "operating_day_end",
            self.days.filter(|days| days.0 < days.1).map(|days| days.1.to_string()),
        );
        add("version", self.version.filter(|v| *v != Selector::Latest).map(|v| v.to_string()));
        for id in &self.version_ids {
            add("version_id", Some(id.to_string()));
        }
        add("as_of", self.as_of.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)));
        add("mode", self.mode.map(|mode| mode.to_string()));
        add("calendar", self.calendar.filter(|c| *c != Calendar::Flat).map(|c| c.to_string()));
        add("layout", Some(form.to_string()));
        add("format", Some(format.to_string()));
        add("bom", self.bom.then(|| "true".to_owned()));
        pairs
    }
}

/// `pairs` as a query string.
#[must_use]
pub fn encode(pairs: &[(&'static str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query> {
        Query::from_parameters(&mut Parameters::parse(Some(query), Query::NAMES)?)
    }

    fn refused(query: &str) -> &'static str {
        read(query).map(|query| format!("{query:?}")).unwrap_err().code
    }

    #[test]
    fn bad_values_and_contradictions_are_refused() {
        for query in [
            "iso=ercot",
            "curve=energy",
            "curve=gas&iso=ercot",
            "curve=energy&iso=caiso",
            "curve=energy&iso=ercot&strip=9x9",
            "curve=energy&iso=ercot&start=2024-13",
            "curve=energy&iso=ercot&operating_day=20240101",
            "curve=energy&iso=ercot&as_of=2024-01-01T00:00:00",
            "curve=energy&iso=ercot&bom=yes",
            "curve=energy&iso=ercot&version_id=x",
            "curve=energy&curve=rec&iso=ercot",
        ] {
            assert_eq!(refused(query), "bad_parameter", "{query}");
        }
        for query in [
            "curve=energy&iso=ercot&start=2024-02&end=2024-01",
            "curve=energy&iso=ercot&operating_day_end=2024-01-01",
            "curve=energy&iso=ercot&operating_day=2024-01-02&operating_day_end=2024-01-01",
            "curve=energy&iso=ercot&version_id=1&version=latest",
            "curve=energy&iso=ercot&version_id=1&as_of=2024-01-01T00:00:00Z",
            "curve=rec&iso=ercot&version=cob",
            "curve=energy&iso=ercot&format=json&layout=wide",
            "curve=energy&iso=ercot&format=xlsx&bom=true",
            "curve=energy&iso=ercot&mode=standardized&strip=7x24&strip=5x16",
            "curve=all&iso=ercot&mode=standardized&strip=on-peak",
            "curve=energy&iso=ercot&as_of=2024-01-01T00:00:00Z&asOf=2024-01-01T00:00:00Z",
        ] {
            assert_eq!(refused(query), "contradictory_parameters", "{query}");
        }
        assert_eq!(refused("curve=energy&iso=ercot&zone=x"), "unknown_parameter");
    }

    #[test]
    fn parameters_have_one_spelling() {
        let query =
            read("iso=ERCOT&strip=7x8&strip=5X16&strip=7x8&curve=Energy&start=2024-01").unwrap();
        assert_eq!(
            encode(&query.normalised(Form::Wide, Format::Csv)),
            "curve=energy&iso=ercot&start=2024-01-01&strip=5x16&strip=7x8&layout=wide&format=csv"
        );
        assert_eq!(read("curve=lineloss").unwrap().iso, Area::All);
        let plain = "curve=energy&iso=ercot";
        let spelled = "version=latest&calendar=flat&bom=false&layout=wide&format=csv";
        let text = |query: &str| encode(&read(query).unwrap().normalised(Form::Wide, Format::Csv));
        assert_eq!(text(&format!("{plain}&{spelled}")), text(plain));
        assert_ne!(text(&format!("{plain}&version=all")), text(plain));
    }

    #[test]
    fn without_a_mode_7x24_is_standardized_and_every_other_strip_is_not() {
        let wish = |query: &str| {
            let query = read(&format!("curve=energy&iso=ercot{query}")).unwrap();
            let Wish { standardized, stored } = query.wish(query.curve);
            let stored: Vec<&str> = stored.iter().map(|block| block.as_str()).collect();
            let mode = query.mode_in_force(query.curve).map(Mode::as_str);
            (standardized, stored.join(" "), mode)
        };
        let (standardized, unstandardized) = (Some("standardized"), Some("unstandardized"));
        for (query, expected) in [
            ("", (true, "", standardized)),
            ("&strip=7x24", (true, "", standardized)),
            ("&strip=7X24&strip=wd", (true, "wd", None)),
            ("&strip=5x16&strip=7x8", (false, "5x16 7x8", unstandardized)),
            ("&strip=all", (true, "5x16 2x16 7x8 wd we on-peak off-peak", None)),
            ("&mode=standardized", (true, "", standardized)),
            ("&mode=standardized&strip=all", (true, "", standardized)),
            ("&mode=unstandardized", (false, "all", unstandardized)),
            ("&mode=unstandardized&strip=7x24", (false, "7x24", unstandardized)),
        ] {
            let (one, stored, mode) = expected;
            assert_eq!(wish(query), (one, stored.to_owned(), mode), "{query}");
        }
        let rec = read("curve=rec&iso=pjm&mode=standardized&strip=5x16").unwrap();
        let stored = vec![Block::S5x16];
        assert_eq!(rec.wish(Curve::Rec), Wish { standardized: false, stored });
        assert_eq!(rec.mode_in_force(Curve::Rec), None);
    }

    #[test]
    fn what_a_curve_cannot_use_is_named() {
        let query = read("curve=all&iso=all&version=cob&mode=unstandardized").unwrap();
        assert_eq!(query.combinations().count(), 50);
        assert_eq!(query.not_applied(Curve::Energy), Vec::<&str>::new());
        assert_eq!(query.not_applied(Curve::Rec), ["version", "mode"]);
        let query = read("curve=all&iso=all&calendar=nerc&mode=standardized").unwrap();
        assert_eq!(query.not_applied(Curve::NonEnergy), Vec::<&str>::new());
        assert_eq!(query.not_applied(Curve::Rec), ["mode", "calendar"]);
        let stored = read("curve=energy&iso=pjm&calendar=nerc&strip=5x16").unwrap();
        assert_eq!(stored.not_applied(Curve::Energy), ["calendar"]);
        assert!(read("curve=rec&iso=pjm&mode=standardized&strip=7x24").is_ok());
    }
}
