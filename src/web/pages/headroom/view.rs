//! The address of the page, and the choices that its form offers.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::{
    db::headroom::reads::{RecordRow, Wanted},
    domain::headroom::Basis,
    error::Result,
    extractors::words::{Area, Instant},
    web::{
        pages::{
            form::{Choice, filled, url},
            format::iso_name,
        },
        parameters::{FromParameters, Parameters},
    },
};

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) iso: Option<Area>,
    pub(super) basis: Option<Basis>,
    pub(super) state: Option<String>,
    pub(super) customer_type: Option<String>,
    pub(super) term: Option<i16>,
    pub(super) day: Option<NaiveDate>,
    pub(super) version: Option<i64>,
    pub(super) as_of: Option<DateTime<Utc>>,
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] =
        &["iso", "basis", "state", "customer_type", "term", "day", "version", "as_of"];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        Ok(Self {
            iso: filled(p, "iso")?,
            basis: filled(p, "basis")?,
            state: filled(p, "state")?,
            customer_type: filled(p, "customer_type")?,
            term: filled(p, "term")?,
            day: filled(p, "day")?,
            version: filled(p, "version")?,
            as_of: filled::<Instant>(p, "as_of")?.map(|instant| instant.0),
        })
    }
}

impl View {
    pub(super) fn area(&self) -> Area {
        self.iso.unwrap_or(Area::All)
    }

    pub(super) fn basis(&self) -> Basis {
        self.basis.unwrap_or(Basis::Prompt)
    }

    pub(super) fn as_of_text(&self) -> String {
        self.as_of.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)).unwrap_or_default()
    }

    /// What to read; the labels are chosen among what was read, so that their choices stay whole.
    pub(super) fn wanted(&self, limit: i64) -> Wanted {
        Wanted {
            isos: self.area().members().to_vec(),
            day: self.day.filter(|_| self.version.is_none()),
            version: self.version,
            limit,
            ..Wanted::default()
        }
    }

    /// Whether the labels that were chosen let a record through.
    pub(super) fn shows(&self, row: &RecordRow) -> bool {
        self.state.as_ref().is_none_or(|state| *state == row.state)
            && self.customer_type.as_ref().is_none_or(|kind| *kind == row.cost_component)
            && self.term.is_none_or(|term| Some(term) == row.term)
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        url(
            "/headroom",
            [
                ("iso", self.area().to_string()),
                ("basis", self.basis.map(|basis| basis.to_string()).unwrap_or_default()),
                ("state", self.state.clone().unwrap_or_default()),
                ("customer_type", self.customer_type.clone().unwrap_or_default()),
                ("term", number(self.term.map(i64::from))),
                ("day", self.day.map(|day| day.to_string()).unwrap_or_default()),
                ("version", number(self.version)),
                ("as_of", self.as_of_text()),
            ],
        )
    }

    /// The newest of the same ISOs, whatever was chosen besides.
    pub(super) fn newest(&self) -> String {
        Self { iso: self.iso, basis: self.basis, ..Self::default() }.url()
    }

    /// The same records from the interface: in its own form, or unmatched ones.
    pub(super) fn list(&self, path: &str, labels: bool) -> String {
        let text = |text: &Option<String>| text.clone().filter(|_| labels).unwrap_or_default();
        let version = self.version.map(|id| id.to_string()).unwrap_or_default();
        let day = self.day.filter(|_| self.version.is_none());
        url(
            path,
            [
                ("iso", self.area().to_string()),
                ("basis", self.basis().to_string()),
                ("operating_day", day.map(|day| day.to_string()).unwrap_or_default()),
                ("version_id", version),
                ("state", text(&self.state)),
                ("customer_type", text(&self.customer_type)),
                ("term", self.term.filter(|_| labels).map(|t| t.to_string()).unwrap_or_default()),
                ("as_of", self.as_of_text()),
                ("format", "csv".to_owned()),
            ],
        )
    }

    /// The download: of basis prompt, without a choice of labels.
    pub(super) fn data(&self, format: &str) -> String {
        let version = self.version.map(|id| id.to_string()).unwrap_or_default();
        let alone = self.version.is_none();
        url(
            "/api/v1/data",
            [
                ("curve", "headroom".to_owned()),
                ("iso", self.area().to_string()),
                (
                    "operating_day",
                    self.day.filter(|_| alone).map(|d| d.to_string()).unwrap_or_default(),
                ),
                ("version_id", version),
                ("as_of", if alone { self.as_of_text() } else { String::new() }),
                ("format", format.to_owned()),
            ],
        )
    }
}

/// What the form offers.
pub(super) struct Choices {
    pub(super) isos: Vec<Choice>,
    pub(super) bases: Vec<Choice>,
    pub(super) states: Vec<Choice>,
    pub(super) customer_types: Vec<Choice>,
    pub(super) terms: Vec<Choice>,
}

impl Choices {
    pub(super) fn of(view: &View, rows: &[RecordRow]) -> Self {
        let area = view.area().to_string();
        let mut isos = vec![Choice::new("all", "All ISOs", &area)];
        isos.extend(
            crate::domain::Iso::ALL.iter().map(|&iso| Choice::new(iso, iso_name(iso), &area)),
        );
        let chosen = view.basis().as_str();
        let bases = [
            (Basis::Prompt, "The month in which the offer begins"),
            (Basis::Term, "The mean over its term"),
        ];
        let term = view.term.map(|term| term.to_string());
        let mut terms: Vec<i16> = rows.iter().filter_map(|row| row.term).collect();
        terms.extend(view.term);
        terms.sort_unstable();
        terms.dedup();
        let months = terms.iter().map(|term| (term.to_string(), format!("{term} months")));
        Self {
            isos,
            bases: bases.map(|(b, name)| Choice::new(b, name, chosen)).into(),
            states: texts("All states", view.state.as_deref(), rows.iter().map(|row| &*row.state)),
            customer_types: texts(
                "All customers",
                view.customer_type.as_deref(),
                rows.iter().map(|row| &*row.cost_component),
            ),
            terms: choices("All terms", term.as_deref(), months),
        }
    }
}

/// Each text once, and the one that was chosen even if no record has it.
fn texts<'a>(
    all: &str,
    chosen: Option<&'a str>,
    found: impl Iterator<Item = &'a str>,
) -> Vec<Choice> {
    let mut found: Vec<&str> = found.chain(chosen).collect();
    found.sort_unstable();
    found.dedup();
    choices(all, chosen, found.into_iter().map(|text| (text.to_owned(), text.to_owned())))
}

fn choices(
    all: &str,
    chosen: Option<&str>,
    found: impl Iterator<Item = (String, String)>,
) -> Vec<Choice> {
    let chosen = chosen.unwrap_or_default();
    let first = std::iter::once(Choice::new("", all, chosen));
    first.chain(found.map(|(value, name)| Choice::new(value, name, chosen))).collect()
}
