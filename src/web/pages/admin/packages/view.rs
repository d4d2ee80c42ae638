//! What the editor shows of a draft: its grants in words, what can be chosen, what it comes to today.

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::draft::EditForm;
use crate::{
    app::App,
    db::packages as store,
    domain::{
        Iso, Source,
        grant::{Grant, GrantFields, GrantLabel, GrantedCurve},
    },
    error::{Problem, Result},
    web::pages::{
        form::Choice,
        format::{family_name, iso_name},
    },
};

/// Values of a label that are offered at the most.
const OFFERED: i64 = 200;
/// Datasets whose windows are shown.
const SHOWN: usize = 12;

/// A grant of the draft beside the others.
pub struct Card {
    pub place: usize,
    /// In words, or what is wrong with it.
    pub words: String,
    pub faulty: bool,
    pub open: bool,
}

/// A label and what can be chosen of it.
pub struct Labels {
    pub member: &'static str,
    pub name: &'static str,
    pub choices: Vec<LabelChoice>,
    pub chosen: usize,
    /// There are more than are offered.
    pub cut: bool,
}

/// A value of a label.
pub struct LabelChoice {
    pub value: String,
    pub chosen: bool,
    /// Nothing that goes with what is chosen before it has it.
    pub unknown: bool,
}

/// What a grant comes to today for one dataset.
pub struct Window {
    pub dataset: String,
    pub months: String,
    pub days: String,
}

/// Everything that is shown of a draft.
pub struct View {
    pub cards: Vec<Card>,
    pub grant: GrantFields,
    pub curves: Vec<Choice>,
    pub isos: Vec<Choice>,
    pub labels: Vec<Labels>,
    pub windows: Vec<Window>,
    pub more_windows: usize,
    /// Chosen curves that no month policy limits.
    pub without_months: String,
    /// Curves are chosen of which none closes its days.
    pub without_cob: bool,
    /// What is wrong with the open grant, once something is chosen.
    pub fault: Option<String>,
    pub carried: String,
}

impl View {
    pub(super) async fn of(app: &App, form: &EditForm) -> Result<Self> {
        let grant = form.grant();
        let parsed = Grant::try_from(grant.clone());
        let curves: Vec<GrantedCurve> =
            grant.curves.iter().filter_map(|word| word.parse().ok()).collect();
        let mut windows = match &parsed {
            Ok(parsed) => windows(app, parsed).await?,
            Err(_) => Vec::new(),
        };
        let more_windows = windows.len().saturating_sub(SHOWN);
        windows.truncate(SHOWN);
        let untouched = grant == GrantFields::default();
        let without_months = curves.iter().filter(|curve| !curve.has_month_policy());
        Ok(Self {
            cards: cards(form),
            curves: GrantedCurve::ALL.iter().map(|&curve| curve_choice(curve, &curves)).collect(),
            isos: Iso::ALL.iter().map(|&iso| iso_choice(iso, grant.isos.as_deref())).collect(),
            labels: labels(app, &grant).await?,
            windows,
            more_windows,
            without_months: without_months
                .map(|&curve| curve_name(curve))
                .collect::<Vec<_>>()
                .join(", "),
            without_cob: !curves.is_empty() && !curves.iter().any(|curve| curve.has_cob()),
            fault: parsed.err().filter(|_| !untouched).map(|error| error.to_string()),
            carried: form.carried().map_err(|error| Problem::internal(&error))?,
            grant,
        })
    }
}

impl View {
    /// As the field of the first month takes it.
    pub fn first_month(&self) -> &str {
        year_and_month(self.grant.first_month.as_deref())
    }

    /// As the field of the last month takes it.
    pub fn last_month(&self) -> &str {
        year_and_month(self.grant.last_month.as_deref())
    }
}

fn year_and_month(month: Option<&str>) -> &str {
    let month = month.unwrap_or_default();
    month.get(..7).unwrap_or(month)
}

fn cards(form: &EditForm) -> Vec<Card> {
    let card = |(place, fields): (usize, &GrantFields)| {
        let parsed = Grant::try_from(fields.clone());
        let empty = *fields == GrantFields::default();
        let faulty = parsed.is_err() && !empty;
        let words = match parsed {
            _ if empty => "nothing chosen yet".to_owned(),
            Ok(grant) => grant.to_string(),
            Err(error) => error.to_string(),
        };
        Card { place, words, faulty, open: place == form.open }
    };
    form.grants.iter().enumerate().map(card).collect()
}

/// The curve type as the pages call it.
pub fn curve_name(curve: GrantedCurve) -> String {
    let family = curve.as_str().parse();
    family.map_or_else(|_| "Headroom".to_owned(), |family| family_name(family).to_owned())
}

fn curve_choice(curve: GrantedCurve, chosen: &[GrantedCurve]) -> Choice {
    Choice { value: curve.to_string(), name: curve_name(curve), chosen: chosen.contains(&curve) }
}

fn iso_choice(iso: Iso, chosen: Option<&[String]>) -> Choice {
    let chosen = chosen.unwrap_or_default().iter().any(|word| word.parse() == Ok(iso));
    Choice { value: iso.to_string(), name: iso_name(iso).to_owned(), chosen }
}

async fn labels(app: &App, grant: &GrantFields) -> Result<Vec<Labels>> {
    // A grant without curves is about all of them, as long as none is chosen.
    let curves = (!grant.curves.is_empty()).then_some(&grant.curves);
    let row = json!({
        "curves": curves, "isos": grant.isos, "control_areas": grant.control_areas,
        "states": grant.states, "load_zones": grant.load_zones,
        "capacity_zones": grant.capacity_zones, "utilities": grant.utilities,
        "block_types": grant.block_types, "cost_groups": grant.cost_groups,
        "cost_components": grant.cost_components, "sub_components": grant.sub_components,
    });
    let offered = store::choices(&app.pool, &row, OFFERED).await?;
    let of_label = |&label: &GrantLabel| {
        let offered = offered.iter().filter(|(of, _)| *of == label).map(|(_, value)| &**value);
        let offered: Vec<&str> = offered.collect();
        label_choices(label, &offered, grant.label(label).as_deref().unwrap_or_default())
    };
    Ok(GrantLabel::ALL.iter().map(of_label).collect())
}

/// What is chosen and not offered comes first: there it is seen.
fn label_choices(label: GrantLabel, offered: &[&str], chosen: &[String]) -> Labels {
    let same = |a: &str, b: &str| match label {
        GrantLabel::BlockType => a.eq_ignore_ascii_case(b),
        _ => a == b,
    };
    let unknown = chosen.iter().filter(|value| !offered.iter().any(|one| same(one, value)));
    let unknown =
        unknown.map(|value| LabelChoice { value: value.clone(), chosen: true, unknown: true });
    let known = offered.iter().map(|&value| LabelChoice {
        value: value.to_owned(),
        chosen: chosen.iter().any(|one| same(one, value)),
        unknown: false,
    });
    Labels {
        member: label.as_str(),
        name: label.name(),
        choices: unknown.chain(known).collect(),
        chosen: chosen.len(),
        cut: i64::try_from(offered.len()).is_ok_and(|offered| offered >= OFFERED),
    }
}

#[derive(Deserialize)]
struct Resolved {
    dataset_id: i16,
    first_month: Option<NaiveDate>,
    last_month: Option<NaiveDate>,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
}

/// What the grant comes to today, by the function that every reader goes by.
async fn windows(app: &App, grant: &Grant) -> Result<Vec<Window>> {
    let rows = Value::Array(vec![json!(GrantFields::from(grant))]);
    let sources: Vec<i16> = Source::all().map(Source::id).collect();
    let mut connection = app.pool.acquire().await?;
    let rows = store::resolve(&mut connection, &rows, &sources, app.clock.now()).await?;
    let rows: Vec<Resolved> =
        serde_json::from_value(rows).map_err(|error| Problem::internal(&error))?;
    let window = |row: Resolved| {
        let source = Source::from_id(row.dataset_id)?;
        let curve: GrantedCurve = source.curve().parse().ok()?;
        let month = |day: Option<NaiveDate>| day.map(|day| day.format("%Y-%m").to_string());
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
        Some(Window {
            dataset: format!("{} {}", curve_name(curve), iso_name(source.iso())),
            months: if curve.has_month_policy() {
                span(month(row.first_month), month(row.last_month), "every month")
            } else {
                "no month policy".to_owned()
            },
            days: span(day(row.first_day), day(row.last_day), "every day"),
        })
    };
    Ok(rows.into_iter().filter_map(window).collect())
}

fn span(first: Option<String>, last: Option<String>, all: &str) -> String {
    match (first, last) {
        (None, None) => all.to_owned(),
        (Some(first), Some(last)) if first == last => format!("{first} alone"),
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (Some(first), None) => format!("{first} and later"),
        (None, Some(last)) => format!("up to {last}"),
    }
}
