//! The flat form of a grant: as it is sent, stored and filled in.

use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Grant, GrantLabel, GrantedCurve, History, Months, RollingFrom};
use crate::domain::{ContractMonth, Iso};

/// Years that contract months have.
const YEARS: std::ops::RangeInclusive<i32> = 1990..=2199;
/// Days at the most: a hundred years.
const DAYS: i64 = 36_500;
/// Months of a rolling window at the most: fifty years.
const ROLLING: i64 = 600;
/// Characters of a label at the most.
const LABEL: usize = 500;

/// A part of a package: a cell is seen if one grant lets all of it through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({
    "curves": ["energy"], "isos": ["ercot"], "control_areas": null, "states": null,
    "load_zones": ["NORTH ZONE"], "capacity_zones": null, "utilities": null,
    "block_types": ["5x16"], "cost_groups": null, "cost_components": null, "sub_components": null,
    "months": "rolling", "first_month": null, "last_month": null,
    "rolling_months": 3, "rolling_from": "balance",
    "cob_only": false, "delay_days": null, "history_days": null, "current_only": false,
    "derived": false
}))]
pub struct GrantFields {
    /// `energy`, `nonenergy`, `rec`, `ptc`, `matrix`, `loadprofile`, `shaping`, `vlr`, `lineloss`,
    /// `headroom`; at least one.
    pub curves: Vec<String>,
    /// `ercot`, `isone`, `miso`, `nyiso`, `pjm`; null or empty: any.
    pub isos: Option<Vec<String>>,
    /// Exactly as stored; null or empty: any.
    pub control_areas: Option<Vec<String>>,
    /// Exactly as stored; null or empty: any.
    pub states: Option<Vec<String>>,
    /// Exactly as stored; null or empty: any.
    pub load_zones: Option<Vec<String>>,
    /// Exactly as stored; null or empty: any.
    pub capacity_zones: Option<Vec<String>>,
    /// Exactly as stored; null or empty: any.
    pub utilities: Option<Vec<String>>,
    /// As stored, without case; null or empty: any.
    pub block_types: Option<Vec<String>>,
    /// Exactly as stored; null or empty: any.
    pub cost_groups: Option<Vec<String>>,
    /// Exactly as stored; null or empty: any.
    pub cost_components: Option<Vec<String>>,
    /// Exactly as stored, of a matrix its price components; null or empty: any.
    pub sub_components: Option<Vec<String>>,
    /// `unlimited`, `fixed` or `rolling`. Limits energy, nonenergy, rec and shaping.
    pub months: String,
    /// Of `fixed`: `YYYY-MM` or `YYYY-MM-DD`; null: no beginning.
    pub first_month: Option<String>,
    /// Of `fixed`, inclusive; null: no end.
    pub last_month: Option<String>,
    /// Of `rolling`: calendar months, 1 to 600.
    pub rolling_months: Option<i64>,
    /// Of `rolling`: from the current month (`balance`) or the next (`prompt`).
    pub rolling_from: Option<String>,
    /// Only versions of close of business, of curves that have them.
    pub cob_only: bool,
    /// Only operating days at least so many days ago; null: no delay.
    pub delay_days: Option<i64>,
    /// Only the newest so many operating days of those visible; null: all.
    pub history_days: Option<i64>,
    /// Nothing that was superseded.
    pub current_only: bool,
    /// Whether 7x24 prices that are derived from blocks may be seen.
    pub derived: bool,
}

impl Default for GrantFields {
    fn default() -> Self {
        Self {
            curves: Vec::new(),
            isos: None,
            control_areas: None,
            states: None,
            load_zones: None,
            capacity_zones: None,
            utilities: None,
            block_types: None,
            cost_groups: None,
            cost_components: None,
            sub_components: None,
            months: "unlimited".to_owned(),
            first_month: None,
            last_month: None,
            rolling_months: None,
            rolling_from: None,
            cob_only: false,
            delay_days: None,
            history_days: None,
            current_only: false,
            derived: false,
        }
    }
}

impl GrantFields {
    /// The values of a label as they were sent; none for any.
    #[must_use]
    pub const fn label(&self, label: GrantLabel) -> &Option<Vec<String>> {
        match label {
            GrantLabel::ControlArea => &self.control_areas,
            GrantLabel::State => &self.states,
            GrantLabel::LoadZone => &self.load_zones,
            GrantLabel::CapacityZone => &self.capacity_zones,
            GrantLabel::Utility => &self.utilities,
            GrantLabel::BlockType => &self.block_types,
            GrantLabel::CostGroup => &self.cost_groups,
            GrantLabel::CostComponent => &self.cost_components,
            GrantLabel::SubComponent => &self.sub_components,
        }
    }

    /// The same, to be changed.
    pub const fn label_mut(&mut self, label: GrantLabel) -> &mut Option<Vec<String>> {
        match label {
            GrantLabel::ControlArea => &mut self.control_areas,
            GrantLabel::State => &mut self.states,
            GrantLabel::LoadZone => &mut self.load_zones,
            GrantLabel::CapacityZone => &mut self.capacity_zones,
            GrantLabel::Utility => &mut self.utilities,
            GrantLabel::BlockType => &mut self.block_types,
            GrantLabel::CostGroup => &mut self.cost_groups,
            GrantLabel::CostComponent => &mut self.cost_components,
            GrantLabel::SubComponent => &mut self.sub_components,
        }
    }
}

/// What is wrong with a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member} {why}")]
pub struct GrantError {
    /// The member that it is about.
    pub member: &'static str,
    /// What is wrong, or what it should be.
    pub why: String,
}

fn wrong(member: &'static str, why: impl Into<String>) -> GrantError {
    GrantError { member, why: why.into() }
}

impl TryFrom<GrantFields> for Grant {
    type Error = GrantError;

    fn try_from(fields: GrantFields) -> Result<Self, GrantError> {
        let curves = words::<GrantedCurve>("curves", &fields.curves)?;
        if curves.is_empty() {
            return Err(wrong("curves", "is empty: name at least one curve type"));
        }
        if fields.sub_components.is_some() && fields.curves.iter().any(|curve| curve == "headroom")
        {
            return Err(wrong(
                "sub_components",
                "cannot be named beside headroom, which has none: give headroom a grant of its own",
            ));
        }
        let isos = words::<Iso>("isos", fields.isos.as_deref().unwrap_or_default())?;
        let mut labels: [Vec<String>; 9] = Default::default();
        for (values, &label) in labels.iter_mut().zip(GrantLabel::ALL) {
            *values = set(label, fields.label(label).as_deref().unwrap_or_default())?;
        }
        Ok(Self {
            months: months(&fields)?,
            cob_only: fields.cob_only,
            delay_days: whole("delay_days", fields.delay_days, 0, DAYS)?,
            history: match whole("history_days", fields.history_days, 1, DAYS)? {
                None => History::All,
                Some(days) => History::Newest(days),
            },
            current_only: fields.current_only,
            derived: fields.derived,
            curves,
            isos,
            labels,
        })
    }
}

/// Words of a closed list, each once, in the list's order.
fn words<T>(member: &'static str, texts: &[String]) -> Result<Vec<T>, GrantError>
where
    T: std::str::FromStr<Err = crate::domain::UnknownWord> + Ord,
{
    let words = texts.iter().map(|text| text.parse());
    let mut words: Vec<T> =
        words.collect::<Result<_, _>>().map_err(|error| wrong(member, format!("has {error}")))?;
    words.sort_unstable();
    words.dedup();
    Ok(words)
}

/// Labels, each once, ascending.
fn set(label: GrantLabel, texts: &[String]) -> Result<Vec<String>, GrantError> {
    let mut values: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong(label.as_str(), "holds an empty label"));
        }
        if text.chars().count() > LABEL || text.chars().any(char::is_control) {
            let why =
                format!("holds a label that is longer than {LABEL} characters or no plain text");
            return Err(wrong(label.as_str(), why));
        }
        let known = |value: &String| match label {
            GrantLabel::BlockType => value.eq_ignore_ascii_case(text),
            _ => value == text,
        };
        if !values.iter().any(known) {
            values.push(text.to_owned());
        }
    }
    values.sort_unstable();
    Ok(values)
}

fn months(fields: &GrantFields) -> Result<Months, GrantError> {
    let first = month("first_month", fields.first_month.as_deref())?;
    let last = month("last_month", fields.last_month.as_deref())?;
    let count = whole("rolling_months", fields.rolling_months, 1, ROLLING)?;
    let from = fields.rolling_from.as_deref().map(|text| {
        text.parse::<RollingFrom>().map_err(|error| wrong("rolling_from", format!("is {error}")))
    });
    let from = from.transpose()?;
    let only_of = |policy: &str, members: [(&'static str, bool); 2]| {
        let given = members.into_iter().find(|(_, given)| *given);
        let why = format!("belongs to months \"{policy}\" alone");
        given.map_or(Ok(()), |(member, _)| Err(wrong(member, why)))
    };
    let fixed = [("first_month", first.is_some()), ("last_month", last.is_some())];
    let rolling = [("rolling_months", count.is_some()), ("rolling_from", from.is_some())];
    match fields.months.as_str() {
        "unlimited" => {
            only_of("fixed", fixed)?;
            only_of("rolling", rolling)?;
            Ok(Months::Unlimited)
        }
        "fixed" => {
            only_of("rolling", rolling)?;
            in_order(first, last)?;
            Ok(Months::Fixed { first, last })
        }
        "rolling" => {
            only_of("fixed", fixed)?;
            let count = count.ok_or_else(|| wrong("rolling_months", "is missing: 1 to 600"))?;
            let from =
                from.ok_or_else(|| wrong("rolling_from", "is missing: balance or prompt"))?;
            Ok(Months::Rolling { count, from })
        }
        other => {
            let known = "known are unlimited, fixed, rolling";
            Err(wrong("months", format!("has no policy {other:?}; {known}")))
        }
    }
}

fn in_order(first: Option<ContractMonth>, last: Option<ContractMonth>) -> Result<(), GrantError> {
    match (first, last) {
        (None, None) => Err(wrong("first_month", "and last_month are missing: give one or both")),
        (Some(first), Some(last)) if first > last => {
            Err(wrong("last_month", format!("{last} comes before first_month {first}")))
        }
        _ => Ok(()),
    }
}

fn month(member: &'static str, text: Option<&str>) -> Result<Option<ContractMonth>, GrantError> {
    let Some(text) = text else { return Ok(None) };
    let month = text.parse::<ContractMonth>().ok();
    let month = month.filter(|month| YEARS.contains(&month.first_day().year()));
    let why = || format!("{text:?} is no contract month of 1990 to 2199, such as 2031-03");
    month.map(Some).ok_or_else(|| wrong(member, why()))
}

fn whole(
    member: &'static str,
    number: Option<i64>,
    least: i64,
    most: i64,
) -> Result<Option<u16>, GrantError> {
    let Some(number) = number else { return Ok(None) };
    let inside = u16::try_from(number).ok().filter(|_| (least..=most).contains(&number));
    inside.map(Some).ok_or_else(|| {
        wrong(member, format!("{number} is out of range: a whole number from {least} to {most}"))
    })
}

impl From<&Grant> for GrantFields {
    fn from(grant: &Grant) -> Self {
        let day = |month: Option<ContractMonth>| month.map(|month| month.first_day().to_string());
        let mut fields = Self {
            curves: grant.curves.iter().map(ToString::to_string).collect(),
            isos: or_any(&grant.isos.iter().map(ToString::to_string).collect::<Vec<_>>()),
            cob_only: grant.cob_only,
            delay_days: grant.delay_days.map(Into::into),
            history_days: match grant.history {
                History::All => None,
                History::Newest(days) => Some(days.into()),
            },
            current_only: grant.current_only,
            derived: grant.derived,
            ..Self::default()
        };
        for &label in GrantLabel::ALL {
            *fields.label_mut(label) = or_any(grant.values(label));
        }
        match grant.months {
            Months::Unlimited => {}
            Months::Fixed { first, last } => {
                "fixed".clone_into(&mut fields.months);
                (fields.first_month, fields.last_month) = (day(first), day(last));
            }
            Months::Rolling { count, from } => {
                "rolling".clone_into(&mut fields.months);
                fields.rolling_months = Some(count.into());
                fields.rolling_from = Some(from.to_string());
            }
        }
        fields
    }
}

fn or_any(values: &[String]) -> Option<Vec<String>> {
    (!values.is_empty()).then(|| values.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn energy() -> GrantFields {
        GrantFields { curves: vec!["energy".to_owned()], ..GrantFields::default() }
    }

    #[test]
    fn each_fault_names_its_member() {
        let texts = |texts: &[&str]| Some(texts.iter().map(ToString::to_string).collect());
        let rolling = || GrantFields {
            months: "rolling".to_owned(),
            rolling_months: Some(3),
            rolling_from: Some("prompt".to_owned()),
            ..energy()
        };
        for (fields, told) in [
            (GrantFields::default(), "curves is empty"),
            (GrantFields { curves: vec!["gas".into()], ..energy() }, "curves has \"gas\" is not a"),
            (GrantFields { isos: texts(&["caiso"]), ..energy() }, "isos has \"caiso\""),
            (
                GrantFields { states: texts(&["TX", " "]), ..energy() },
                "states holds an empty label",
            ),
            (GrantFields { utilities: texts(&["a\nb"]), ..energy() }, "utilities holds a label"),
            (GrantFields { months: "some".into(), ..energy() }, "months has no policy"),
            (GrantFields { months: "fixed".into(), ..energy() }, "first_month and last_month are"),
            (GrantFields { rolling_months: Some(3), ..energy() }, "rolling_months belongs to"),
            (
                GrantFields { first_month: Some("2031-01".into()), ..rolling() },
                "first_month belongs",
            ),
            (
                GrantFields { rolling_months: Some(601), ..rolling() },
                "rolling_months 601 is out of",
            ),
            (GrantFields { rolling_months: None, ..rolling() }, "rolling_months is missing"),
            (
                GrantFields { rolling_from: Some("now".into()), ..rolling() },
                "rolling_from is \"now\"",
            ),
            (GrantFields { delay_days: Some(-1), ..energy() }, "delay_days -1 is out of range"),
            (GrantFields { delay_days: Some(36_501), ..energy() }, "delay_days 36501"),
            (GrantFields { history_days: Some(0), ..energy() }, "history_days 0 is out of range"),
        ] {
            let error = Grant::try_from(fields).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
        let crossed = GrantFields {
            months: "fixed".into(),
            first_month: Some("2031-02".into()),
            last_month: Some("2031-01".into()),
            ..energy()
        };
        let error = Grant::try_from(crossed).unwrap_err();
        assert_eq!(error.to_string(), "last_month 2031-01 comes before first_month 2031-02");
    }

    #[test]
    fn sets_have_each_value_once_and_blocks_have_no_case() {
        let fields = GrantFields {
            curves: ["rec", "ENERGY", "rec"].map(String::from).to_vec(),
            load_zones: Some([" B", "A", "B", "b"].map(String::from).to_vec()),
            block_types: Some(["7X8", "7x8"].map(String::from).to_vec()),
            ..GrantFields::default()
        };
        let grant = Grant::try_from(fields).unwrap();
        assert_eq!(grant.curves, [GrantedCurve::Energy, GrantedCurve::Rec]);
        assert_eq!(grant.values(GrantLabel::LoadZone), ["A", "B", "b"]);
        assert_eq!(grant.values(GrantLabel::BlockType), ["7X8"]);
    }

    prop_compose! {
        fn labels()(labels in prop::option::of(prop::collection::vec("[A-Z][A-Z ]{0,6}[A-Z]", 1..3)))
            -> Option<Vec<String>> { labels }
    }

    fn policies() -> impl Strategy<Value = GrantFields> {
        let month =
            || prop::option::of((1990..2100, 1..=12).prop_map(|(y, m)| format!("{y}-{m:02}")));
        prop_oneof![
            Just(energy()),
            (month(), month()).prop_map(|(first_month, last_month)| GrantFields {
                months: "fixed".into(),
                first_month,
                last_month,
                ..energy()
            }),
            (1_i64..=600, any::<bool>()).prop_map(|(count, prompt)| GrantFields {
                months: "rolling".into(),
                rolling_months: Some(count),
                rolling_from: Some(if prompt { "prompt" } else { "balance" }.into()),
                ..energy()
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(
            policy in policies(), zones in labels(), blocks in labels(), cob_only: bool,
            delay_days in prop::option::of(0_i64..36_500), history_days in prop::option::of(1_i64..36_500),
        ) {
            let fields = GrantFields {
                load_zones: zones, block_types: blocks, cob_only, delay_days, history_days, ..policy
            };
            if let Ok(grant) = Grant::try_from(fields) {
                let json = serde_json::to_value(GrantFields::from(&grant)).unwrap();
                let again: GrantFields = serde_json::from_value(json).unwrap();
                prop_assert_eq!(Grant::try_from(again).unwrap(), grant);
            }
        }
    }
}
