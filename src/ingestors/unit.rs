//! Units of measure: one per value column, from its cells, its texts, the component registry, or
//! the family, in this order.

use crate::domain::{Dataset, Family, Iso, UNIT_TEXTS, registered_component};

/// The unit of a text that names none we know.
pub const UNKNOWN: &str = "unknown";

/// What a column's unit is decided from.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Family and ISO of the file.
    pub dataset: Dataset,
    /// The column's caption; empty where it is blank.
    pub caption: &'a str,
    /// Label Cost Group.
    pub cost_group: &'a str,
    /// Label Cost Component.
    pub cost_component: &'a str,
    /// Whether a cell of the column has a percent sign.
    pub has_percent: bool,
    /// Whether a cell of the column has a dollar sign.
    pub has_money: bool,
}

/// The unit of a column, and what was odd about finding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Canonical form.
    pub unit: &'static str,
    /// The other unit that was also claimed, in words: warning `unit_conflict`.
    pub conflict: Option<String>,
    /// Text that looks like a unit and is none: warning `unknown_unit`.
    pub unknown: Option<String>,
}

impl Decision {
    const fn clear(unit: &'static str) -> Self {
        Self { unit, conflict: None, unknown: None }
    }
}

/// Decides the unit of a column.
#[must_use]
pub fn decide(evidence: Evidence<'_>) -> Decision {
    let text = in_text(evidence.caption).or_else(|| in_text(evidence.cost_component));
    if evidence.has_percent {
        return match text {
            None | Some("%") => Decision::clear("%"),
            Some(unit) => Decision {
                unit: if is_quantity(unit) { unit } else { "%" },
                conflict: Some(format!("cells with % under a text that names {unit}")),
                unknown: None,
            },
        };
    }
    let registered = registered(evidence);
    if let Some(unit) = text {
        let conflict = registered
            .filter(|other| *other != unit)
            .map(|other| format!("the text names {unit}, the component registry {other}"));
        return Decision { unit, conflict, unknown: None };
    }
    if let Some(found) =
        unknown_in(evidence.caption).or_else(|| unknown_in(evidence.cost_component))
    {
        return Decision { unit: UNKNOWN, conflict: None, unknown: Some(found.to_owned()) };
    }
    match registered {
        Some(unit) if !evidence.has_money || is_money(unit) => Decision::clear(unit),
        _ => Decision::clear(default_of(evidence.dataset.family, evidence.has_money)),
    }
}

const fn default_of(family: Family, has_money: bool) -> &'static str {
    match family {
        Family::Ptc => "$/kWh",
        Family::LoadProfile if !has_money => "kWh",
        Family::Shaping | Family::Vlr | Family::LineLoss if !has_money => "factor",
        _ => "$/MWh",
    }
}

fn is_quantity(unit: &str) -> bool {
    matches!(unit, "MWh" | "kWh" | "MW" | "kW")
}

fn is_money(unit: &str) -> bool {
    unit.starts_with('$') || unit.starts_with("c/")
}

/// Unit texts that count at the end only.
const AT_END: [(&str, &str); 4] = [("mwh", "MWh"), ("kwh", "kWh"), ("mw", "MW"), ("kw", "kW")];

/// The unit that a caption or component names.
fn in_text(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase().replace('_', " ");
    let anywhere = UNIT_TEXTS.iter().find(|(word, _)| contains_word(&text, word));
    let (_, unit) = anywhere
        .or_else(|| {
            let end = text.trim_end_matches([' ', ')', '\u{a0}']);
            AT_END.iter().find(|(word, _)| ends_with_word(end, word))
        })
        .or_else(|| text.trim_end().ends_with("(%)").then_some(&("(%)", "%")))?;
    Some(*unit)
}

fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let joins = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        let is_whole = !word.starts_with(char::is_alphabetic) || !joins(before);
        is_whole && !joins(after)
    })
}

/// Whether `text` ends with `word`, not as the end of a longer word nor behind a slash.
fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word)
        .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '/'))
}

/// Text in parentheses that prices something in a unit we do not know.
fn unknown_in(text: &str) -> Option<&str> {
    let open = text.match_indices('(').map(|(at, _)| at);
    open.filter_map(|at| text[at + 1..].split_once(')'))
        .map(|(inside, _)| inside)
        .find(|inside| inside.contains("$/"))
}

fn registered(evidence: Evidence<'_>) -> Option<&'static str> {
    let Dataset { family, iso } = evidence.dataset;
    match family {
        Family::Rec => registered_rec(evidence, iso),
        Family::NonEnergy => {
            registered_component(iso, evidence.cost_component).map(|entry| entry.unit)
        }
        _ => None,
    }
}

fn registered_rec(evidence: Evidence<'_>, iso: Iso) -> Option<&'static str> {
    let sub_component = match evidence.caption {
        "" => evidence.cost_component,
        caption => caption,
    };
    match sub_component.to_lowercase().as_str() {
        "prct" if iso == Iso::Ercot => Some("%"),
        "year" if iso == Iso::Ercot => Some("year"),
        _ => evidence.cost_group.eq_ignore_ascii_case("RPS Component").then_some("%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(
        iso: Iso,
        family: Family,
        caption: &'static str,
        component: &'static str,
    ) -> Evidence<'static> {
        Evidence {
            dataset: Dataset { family, iso },
            caption,
            cost_group: "RPS",
            cost_component: component,
            has_percent: false,
            has_money: false,
        }
    }

    #[test]
    fn texts_name_units() {
        for (text, unit) in [
            ("Capacity ($/MWh)", Some("$/MWh")),
            ("Total_Cost_per_MWh", Some("$/MWh")),
            ("Total Cost per MWh (ZEC Rate)", Some("$/MWh")),
            ("Rate $/kWh", Some("$/kWh")),
            ("Capacity $/kW-Month", Some("$/kW-mo")),
            ("Capacity ($/MW-mo)", Some("$/MW-mo")),
            ("Gas ($/MMBtu)", Some("$/MMBtu")),
            ("cents/kWh", Some("c/kWh")),
            ("RPS_Mandate_Mwh", Some("MWh")),
            ("Total Contract Load (kWh)", Some("kWh")),
            ("Obligation (%)", Some("%")),
            ("Peak Load MW", Some("MW")),
            ("TotalMWh", None),
            ("$/MWhx", None),
            ("Energy", None),
            ("MW Adder", None),
        ] {
            assert_eq!(in_text(text), unit, "{text}");
        }
    }

    #[test]
    fn percent_cells_win_but_for_quantities() {
        let cells = |caption| Evidence {
            has_percent: true,
            ..evidence(Iso::Ercot, Family::Rec, caption, "x")
        };
        assert_eq!(decide(cells("Compliance")), Decision::clear("%"));
        let mandate = decide(cells("RPS_Mandate_Mwh"));
        assert_eq!(mandate.unit, "MWh");
        assert!(mandate.conflict.is_some());
        let cost = decide(cells("Cost per MWh"));
        assert_eq!(cost.unit, "%");
        assert!(cost.conflict.is_some());
    }

    #[test]
    fn the_registry_knows_components_and_text_beats_it() {
        let of = |iso, component| decide(evidence(iso, Family::NonEnergy, "", component));
        assert_eq!(of(Iso::Nyiso, "ROS").unit, "$/kW-mo");
        assert_eq!(of(Iso::Miso, "Capacity  Price").unit, "$/kW-day");
        assert_eq!(of(Iso::Ercot, "HH").unit, "$/MMBtu");
        assert_eq!(of(Iso::Pjm, "Reactive Supply Value on-peak").unit, "$/kW-mo");
        assert_eq!(of(Iso::Nyiso, "Reserve"), Decision::clear("$/MWh"));
        let other = of(Iso::Miso, "Capacity Price ($/MW-mo)");
        assert_eq!(other.unit, "$/MW-mo");
        assert!(other.conflict.is_some());
        let unknown = of(Iso::Pjm, "Uplift ($/furlong)");
        assert_eq!((unknown.unit, unknown.unknown.as_deref()), (UNKNOWN, Some("$/furlong")));
    }

    #[test]
    fn rec_columns_of_the_side_table() {
        let of = |caption, component| decide(evidence(Iso::Ercot, Family::Rec, caption, component));
        assert_eq!(of("", "year").unit, "year");
        assert_eq!(of("prct", "year").unit, "%");
        assert_eq!(of("Total_Texas_Competitive_Load_Mwh", "x").unit, "MWh");
        let component = Evidence {
            cost_group: "RPS Component",
            ..evidence(Iso::Nyiso, Family::Rec, "Class I", "x")
        };
        assert_eq!(decide(component).unit, "%");
        assert_eq!(decide(Evidence { has_money: true, ..component }).unit, "$/MWh");
    }
}
