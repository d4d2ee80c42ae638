//! From stored series to output series with their recipes.

use std::collections::BTreeMap;

use super::{
    Recipe, Wish,
    names::Named,
    recipe::{Computed, Formula, Member, Per, Rule},
};
use crate::{
    db::{data::SeriesHeader, sight::Admitted},
    domain::{Dataset, Family, MoreLabels, Role},
    extractors::{
        printed::{Kind, PrintedSeries},
        warnings::{Place, Warning},
        words::Block,
    },
};

/// The output series of a dataset, in no particular order.
#[derive(Debug, Default)]
pub struct Plan {
    /// With their recipes.
    pub series: Vec<PrintedSeries>,
    /// What is odd about names and units.
    pub warnings: Vec<Warning>,
}

/// Rows of `series` of scalers, by the labels before the block.
type Scalers = BTreeMap<Vec<String>, Vec<i64>>;

/// A derived column: labels, sub-component and rule. Rules never mix.
type Group = ([String; 8], String, Rule);

/// The members of a derived column, and the grants that show what is derived from all of them.
type Members = (Vec<Member>, Option<Admitted>);

/// Decides the output series of energy or nonenergy: those that a grant shows. What they are computed
/// from need not be visible, so that everybody sees the same number.
#[must_use]
pub fn plan(dataset: Dataset, wish: &Wish, headers: &[SeriesHeader]) -> Plan {
    let named: Vec<Named> = headers.iter().map(|header| Named::new(dataset, header)).collect();
    let mut scalers = Scalers::new();
    for scaler in named.iter().filter(|named| named.role == Role::Scaler) {
        scalers.entry(scaler.place().to_vec()).or_default().push(scaler.id);
    }
    let (mut plan, mut groups) = (Plan::default(), BTreeMap::<Group, Members>::new());
    for named in named.iter().filter(|named| named.role != Role::Scaler) {
        let member = member(named, &scalers);
        let listed = listed(named, wish, member.as_ref());
        if listed.is_some() || wish.standardized && !named.admitted.is_empty() {
            plan.warnings.extend(warnings(named));
        }
        plan.series.extend(listed);
        let rule = member.as_ref().and_then(|member| rule(dataset.family, member.block));
        if let Some((rule, member)) = rule.zip(member).filter(|_| wish.standardized) {
            let group = (named.labels_of_all_hours(), named.sub_component.clone(), rule);
            let (members, admitted) = groups.entry(group).or_default();
            members.push(member);
            admitted
                .get_or_insert_with(|| named.derived.clone())
                .retain(|grant| named.derived.contains(grant));
        }
    }
    for (group, (members, admitted)) in groups {
        let admitted = admitted.unwrap_or_default();
        if !admitted.is_empty() {
            plan.series.extend(derived(group, members, &admitted));
        }
    }
    plan
}

/// Energy is derived from its blocks only.
fn rule(family: Family, block: Block) -> Option<Rule> {
    Rule::of(block).filter(|rule| family == Family::NonEnergy || *rule == Rule::Blocks)
}

/// A stored series as a member of a computation; none where its block is none that we know.
fn member(named: &Named, scalers: &Scalers) -> Option<Member> {
    let scalers = match named.role {
        Role::Capacity => scalers.get(named.place()).cloned().unwrap_or_default(),
        _ => Vec::new(),
    };
    Some(Member { series: named.id, block: named.block?, unit: named.uom.clone(), scalers })
}

/// A stored series as an output series of its own, if it is asked for.
fn listed(named: &Named, wish: &Wish, member: Option<&Member>) -> Option<PrintedSeries> {
    let standard = wish.standardized && named.block == Some(Block::S7x24);
    if named.admitted.is_empty() || !standard && !wish.lists(&named.labels[5]) {
        return None;
    }
    let (formula, uom) = match to_energy(&named.uom).filter(|_| standard) {
        Some((times, per)) => (Formula::Single { times, per }, "$/MWh"),
        None => (Formula::Single { times: 1, per: Per::One }, &*named.uom),
    };
    let is_native = formula == Formula::Single { times: 1, per: Per::One };
    let computed = member.filter(|member| !is_native || !member.scalers.is_empty());
    let (kind, recipe) = match computed {
        None => (Kind::Native, Recipe::Stored),
        Some(member) => {
            let members = vec![member.clone()];
            let computed = Computed { formula, members, only_unit: None };
            (Kind::Converted, Recipe::Computed(Box::new(computed)))
        }
    };
    Some(PrintedSeries {
        id: named.id,
        labels: named.labels.clone(),
        sub_component: named.sub_component.clone(),
        uom: uom.to_owned(),
        kind,
        recipe,
        shift: 0,
        more: MoreLabels::default(),
        admitted: named.admitted.clone(),
    })
}

/// How a price of a capacity over time becomes one of energy; none for other units.
fn to_energy(uom: &str) -> Option<(u32, Per)> {
    match uom {
        "$/kW-mo" => Some((1000, Per::Month)),
        "$/MW-mo" => Some((1, Per::Month)),
        "$/kW-day" => Some((1000, Per::Day)),
        _ => None,
    }
}

/// The derived columns of a group: one, or one for each unit that versions give its members.
fn derived(
    (labels, sub_component, rule): Group,
    mut members: Vec<Member>,
    admitted: &Admitted,
) -> impl Iterator<Item = PrintedSeries> {
    let place = |block| rule.blocks().iter().position(|of_rule| *of_rule == block);
    members.sort_by_key(|member| (place(member.block), member.series));
    let mut units: Vec<String> = members.iter().map(|member| member.unit.clone()).collect();
    units.sort_unstable();
    units.dedup();
    let several = units.len() > 1;
    units.into_iter().map(move |unit| PrintedSeries {
        id: members[0].series,
        labels: labels.clone(),
        sub_component: sub_component.clone(),
        uom: unit.clone(),
        kind: Kind::Derived,
        recipe: Recipe::Computed(Box::new(Computed {
            formula: Formula::Mean(rule),
            members: members.clone(),
            only_unit: several.then_some(unit),
        })),
        shift: 0,
        more: MoreLabels::default(),
        admitted: admitted.clone(),
    })
}

/// What is odd about the name of a series.
fn warnings(named: &Named) -> impl Iterator<Item = Warning> {
    let peak = named.ambiguous_peak.then(|| {
        let detail =
            format!("\"{}\" names on-peak and off-peak; it is taken for neither", named.labels[7]);
        ("peak_conflict", detail)
    });
    let unit = named.other_unit.map(|other| {
        let detail = format!(
            "the name of {} says {}, the component registry {other}; the name counts",
            named.labels[7], named.uom
        );
        ("unit_conflict", detail)
    });
    [peak, unit].into_iter().flatten().map(|(code, detail)| {
        let series = named.labels.join(", ");
        let place = Place { series, version_id: None, contract_month: None, blocks: Vec::new() };
        Warning { code, detail, place: Some(place) }
    })
}
