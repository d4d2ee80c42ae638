//! Matching, the month rule, the formula.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use rust_decimal::Decimal;

use super::{
    super::{Calendar, ContractMonth, MonthHours},
    Basis, BundledPrice, Inputs, Long, MonthlyLoad, Note, Offer, Outcome, PriceToCompare, Record,
    Remark,
};

/// Compares the offers in places `offers` with every price to compare that they match, on both bases.
#[must_use]
pub fn compute(inputs: &Inputs, offers: Range<usize>) -> Outcome {
    let mut by_matching_id: HashMap<&str, Vec<&PriceToCompare>> = HashMap::new();
    for price in &inputs.prices {
        by_matching_id.entry(&price.matching_id).or_default().push(price);
    }
    let mut outcome = Outcome::default();
    let offers = inputs.offers.get(offers).unwrap_or_default();
    for &basis in Basis::ALL {
        for offer in offers {
            let lookup = offer.lookup_id.as_deref().filter(|id| is_id(id));
            let matches = lookup.and_then(|id| by_matching_id.get(id));
            let matches = matches.map(Vec::as_slice).unwrap_or_default();
            compare(inputs, basis, offer, matches, &mut outcome);
        }
    }
    outcome
}

/// Blank and `N/A` never match.
fn is_id(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !text.eq_ignore_ascii_case("N/A")
}

fn compare(
    inputs: &Inputs,
    basis: Basis,
    offer: &Offer,
    matches: &[&PriceToCompare],
    outcome: &mut Outcome,
) {
    let note = |ptc, remark| Note { offer: offer.id, ptc, basis, remark };
    if matches.len() > 1 {
        outcome.notes.push(note(None, Remark::AmbiguousMatch));
    }
    let price = match &offer.price {
        _ if matches.is_empty() => Err(Remark::NoMatchingId),
        BundledPrice::NoLine => Err(Remark::NoTotalLine),
        BundledPrice::Null => Err(Remark::NullPrice),
        BundledPrice::Value(price, unit) => dollars(*price, unit).ok_or(Remark::NullPrice),
    };
    let price: Long = match price {
        Ok(price) => price,
        Err(remark) => return outcome.notes.push(note(None, remark)),
    };
    let period = Period::of(inputs, basis, offer);
    for ptc in matches {
        let found = period.as_ref().map_err(|remark| *remark);
        let found = found.and_then(|period| mean(inputs, period, ptc));
        match found.and_then(|mean| record(offer, ptc, basis, &mean, &price)) {
            Ok(record) => outcome.records.push(record),
            Err(remark) => outcome.notes.push(note(Some(ptc.id), remark)),
        }
    }
}

/// In $/MWh; none in a unit that is no price of energy.
fn dollars(price: Decimal, unit: &str) -> Option<Long> {
    let factor: u32 = match unit {
        "$/MWh" => 1,
        "c/kWh" => 10,
        "$/kWh" => 1000,
        _ => return None,
    };
    Some(Long::from(price).times(&factor.into()))
}

/// The months that count for an offer, whatever it is compared with, and their weights.
struct Period {
    months: Vec<ContractMonth>,
    weights: Vec<Long>,
}

impl Period {
    fn of(inputs: &Inputs, basis: Basis, offer: &Offer) -> Result<Self, Remark> {
        let beginning = offer.beginning_date.ok_or(Remark::NoPtcMonth)?;
        let first = first_month(&inputs.months, ContractMonth::containing(beginning))?;
        let count = match basis {
            Basis::Prompt => 1,
            Basis::Term => i32::from(offer.term.ok_or(Remark::NoPtcMonth)?),
        };
        let months: Vec<ContractMonth> = (0..count).map(|months| first.plus(months)).collect();
        let weights = match basis {
            Basis::Prompt => vec![Long::from(1)],
            Basis::Term => weights(inputs, offer, &months),
        };
        Ok(Self { months, weights })
    }
}

/// A mean price to compare: Σ(price × weight) in $/MWh, and Σ weight.
struct Mean {
    first: ContractMonth,
    sum: Long,
    weight: Long,
}

fn mean(inputs: &Inputs, period: &Period, ptc: &PriceToCompare) -> Result<Mean, Remark> {
    let (mut sum, mut weight) = (Long::default(), Long::default());
    for (month, share) in period.months.iter().zip(&period.weights) {
        let place = inputs.months.binary_search(month).map_err(|_| Remark::PtcGap)?;
        let value = ptc.values.get(place).copied().flatten();
        let value = value.and_then(|value| dollars(value, &ptc.unit)).ok_or(Remark::PtcGap)?;
        sum = sum.plus(&share.times(&value));
        weight = weight.plus(share);
    }
    let first = *period.months.first().ok_or(Remark::NoPtcMonth)?;
    Ok(Mean { first, sum, weight })
}

/// The month in which the offer begins, or the one after if the prices start then; nothing further
/// ahead, and nothing in place of a month that they leave out or have no number for.
fn first_month(
    months: &[ContractMonth],
    beginning: ContractMonth,
) -> Result<ContractMonth, Remark> {
    let starts_later = months.first() == Some(&beginning.plus(1));
    let wanted = if starts_later { beginning.plus(1) } else { beginning };
    if months.binary_search(&wanted).is_ok() { Ok(wanted) } else { Err(Remark::NoPtcMonth) }
}

/// The load of each month where a load profile has them all, else the hours of each month.
fn weights(inputs: &Inputs, offer: &Offer, months: &[ContractMonth]) -> Vec<Long> {
    loads(inputs, offer, months).unwrap_or_else(|| {
        let hours =
            |month: &ContractMonth| MonthHours::of(inputs.iso, Calendar::Flat, *month).s7x24.into();
        months.iter().map(hours).collect()
    })
}

/// Of the load profiles with the offer's state, load zone, block and class: those of its utility, or
/// all where there is none of it. None where a month has no load, or nothing is used at all.
fn loads(inputs: &Inputs, offer: &Offer, months: &[ContractMonth]) -> Option<Vec<Long>> {
    let profile = offer.load_profile.as_deref()?;
    let wanted: HashSet<&ContractMonth> = months.iter().collect();
    let alike: Vec<&MonthlyLoad> = inputs
        .loads
        .iter()
        .filter(|load| {
            load.customer_type == profile
                && load.state == offer.state
                && load.load_zone == offer.load_zone
                && load.block_type.eq_ignore_ascii_case(&offer.block_type)
                && wanted.contains(&load.month)
        })
        .collect();
    let has_own = alike.iter().any(|load| load.utility == offer.utility);
    let mut sums: HashMap<ContractMonth, Long> = HashMap::new();
    for load in alike.iter().filter(|load| !has_own || load.utility == offer.utility) {
        let sum = sums.entry(load.month).or_default();
        *sum = sum.plus(load.kwh.as_ref()?);
    }
    let loads: Vec<Long> = months.iter().map(|month| sums.remove(month)).collect::<Option<_>>()?;
    let total = loads.iter().fold(Long::default(), |sum, load| sum.plus(load));
    (!total.is_zero()).then_some(loads)
}

/// With u = sum / weight: u, b, u - b and (u - b) / u × 100, each cut once from its exact
/// quotient.
fn record(
    offer: &Offer,
    ptc: &PriceToCompare,
    basis: Basis,
    mean: &Mean,
    price: &Long,
) -> Result<Record, Remark> {
    let over = &mean.sum;
    let below = over.minus(&price.times(&mean.weight));
    let one = Long::from(1);
    // Stored prices have twelve whole digits at the most, so that all fit.
    let all = [(over, &mean.weight), (price, &one), (&below, &mean.weight)]
        .map(|(over, under)| over.cut_quotient(under));
    let [Some(u), Some(b), Some(headroom)] = all else { return Err(Remark::PtcGap) };
    Ok(Record {
        offer: offer.id,
        ptc: ptc.id,
        basis,
        month: mean.first,
        measures: ([u, b, headroom], below.times(&Long::from(100)).cut_quotient(over)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Iso;

    fn month(text: &str) -> ContractMonth {
        text.parse().unwrap()
    }

    fn decimal(text: &str) -> Option<Decimal> {
        text.parse().ok()
    }

    fn offer(lookup: &str, price: &str) -> Offer {
        Offer {
            id: 1,
            state: "TX".into(),
            load_zone: "NORTH ZONE".into(),
            utility: "LSP".into(),
            block_type: "7x24".into(),
            load_profile: Some("RES".into()),
            lookup_id: Some(lookup.into()),
            term: Some(3),
            beginning_date: Some("2031-04-17".parse().unwrap()),
            price: decimal(price)
                .map_or(BundledPrice::Null, |price| BundledPrice::Value(price, "$/MWh".into())),
        }
    }

    fn ptc(id: i64, matching: &str, values: &[&str]) -> PriceToCompare {
        let values = values.iter().map(|value| decimal(value)).collect();
        PriceToCompare { id, matching_id: matching.into(), unit: "$/kWh".into(), values }
    }

    fn inputs(offer: Offer, first: &str, prices: Vec<PriceToCompare>) -> Inputs {
        let count = prices.first().map_or(0, |price| price.values.len());
        let months = (0..).take(count).map(|n| month(first).plus(n)).collect();
        Inputs { iso: Iso::Ercot, offers: vec![offer], months, prices, loads: Vec::new() }
    }

    fn all(inputs: &Inputs) -> Outcome {
        compute(inputs, 0..inputs.offers.len())
    }

    /// The measures of a basis, or the remarks about it.
    fn outcome(inputs: &Inputs, basis: Basis) -> Result<[String; 4], Vec<Remark>> {
        let Outcome { records, notes } = all(inputs);
        let notes: Vec<Remark> =
            notes.iter().filter(|note| note.basis == basis).map(|note| note.remark).collect();
        let record = records.into_iter().find(|record| record.basis == basis).ok_or(notes)?;
        let ([u, b, headroom], percent) = record.measures;
        let percent = percent.map(|percent| percent.to_string()).unwrap_or_default();
        Ok([u.to_string(), b.to_string(), headroom.to_string(), percent])
    }

    #[test]
    fn the_example_of_the_specification_is_met() {
        let inputs = inputs(offer("A", "90.00"), "2031-04", vec![ptc(7, "A", &["0.12000"])]);
        assert_eq!(outcome(&inputs, Basis::Prompt).unwrap(), ["120", "90", "30", "25"]);
        assert_eq!(outcome(&inputs, Basis::Term), Err(vec![Remark::PtcGap]));
    }

    #[test]
    fn a_price_of_nothing_has_no_percentage() {
        let inputs = inputs(offer("A", "90"), "2031-04", vec![ptc(7, "A", &["0", "0", "0"])]);
        for &basis in Basis::ALL {
            assert_eq!(outcome(&inputs, basis).unwrap(), ["0", "90", "-90", ""]);
        }
    }

    #[test]
    fn prices_are_compared_in_one_unit_or_not_at_all() {
        let measures = |ptc_unit: &str, ptc_value: &str, unit: &str, price: &str| {
            let price = BundledPrice::Value(price.parse().unwrap(), unit.into());
            let ptc = PriceToCompare { unit: ptc_unit.into(), ..ptc(7, "A", &[ptc_value]) };
            let asked = Offer { price, ..offer("A", "") };
            outcome(&inputs(asked, "2031-04", vec![ptc]), Basis::Prompt)
        };
        for (unit, value) in [("$/kWh", "0.12"), ("c/kWh", "12"), ("$/MWh", "120")] {
            for (of, price) in [("$/MWh", "90"), ("c/kWh", "9"), ("$/kWh", "0.09")] {
                let told = measures(unit, value, of, price);
                assert_eq!(told.unwrap(), ["120", "90", "30", "25"], "{unit} {of}");
            }
        }
        assert_eq!(measures("%", "0.12", "$/MWh", "90"), Err(vec![Remark::PtcGap]));
        assert_eq!(measures("$/kWh", "0.12", "%", "0.9"), Err(vec![Remark::NullPrice]));
    }

    #[test]
    fn every_reason_has_its_case() {
        use Remark::*;
        let prompt = |inputs: &Inputs| outcome(inputs, Basis::Prompt).map(|_| ());
        let one = || vec![ptc(7, "A", &["0.1", "0.2", "0.3"])];
        for lookup in ["B", "", " ", "N/A", "n/a", "a", "A "] {
            let asked = inputs(offer(lookup, "90"), "2031-04", one());
            assert_eq!(prompt(&asked), Err(vec![NoMatchingId]), "{lookup:?}");
        }
        let blank = vec![ptc(7, "N/A", &["0.1"]), ptc(8, "", &["0.1"])];
        assert_eq!(prompt(&inputs(offer("N/A", "90"), "2031-04", blank)), Err(vec![NoMatchingId]));
        assert_eq!(prompt(&inputs(offer("A", ""), "2031-04", one())), Err(vec![NullPrice]));
        let without = Offer { price: BundledPrice::NoLine, ..offer("A", "") };
        assert_eq!(prompt(&inputs(without, "2031-04", one())), Err(vec![NoTotalLine]));
        let undated = Offer { beginning_date: None, ..offer("A", "90") };
        assert_eq!(prompt(&inputs(undated, "2031-04", one())), Err(vec![NoPtcMonth]));
        let gap = vec![ptc(7, "A", &["", "0.2", "0.3"])];
        assert_eq!(prompt(&inputs(offer("A", "90"), "2031-04", gap)), Err(vec![PtcGap]));
    }

    #[test]
    fn the_prompt_month_is_that_of_the_beginning_or_the_next() {
        let first = |first: &str| {
            let prices = vec![ptc(7, "A", &["0.1", "0.2", "0.3"])];
            outcome(&inputs(offer("A", "90"), first, prices), Basis::Prompt).map(|m| m[0].clone())
        };
        assert_eq!(first("2031-03"), Ok("200".into()));
        assert_eq!(first("2031-04"), Ok("100".into()));
        assert_eq!(first("2031-05"), Ok("100".into()), "the prices start a month later");
        assert_eq!(first("2031-06"), Err(vec![Remark::NoPtcMonth]), "nothing further ahead");
        assert_eq!(first("2031-01"), Err(vec![Remark::NoPtcMonth]), "the prices end before");
    }

    #[test]
    fn a_month_that_the_prices_leave_out_is_not_replaced() {
        let mut asked =
            inputs(offer("A", "90"), "2031-03", vec![ptc(7, "A", &["0.1", "0.2", "0.3"])]);
        asked.months[1] = month("2031-05");
        asked.months[2] = month("2031-06");
        assert_eq!(outcome(&asked, Basis::Prompt), Err(vec![Remark::NoPtcMonth]));
        asked.offers[0].beginning_date = Some("2031-03-01".parse().unwrap());
        assert_eq!(outcome(&asked, Basis::Term), Err(vec![Remark::PtcGap]));
    }

    #[test]
    fn a_term_is_weighted_by_hours_or_by_its_load() {
        let mut asked =
            inputs(offer("A", "90"), "2031-04", vec![ptc(7, "A", &["0.1", "0.2", "0.3"])]);
        // April, May and June: 720, 744 and 720 hours.
        let hours = "200";
        assert_eq!(outcome(&asked, Basis::Term).unwrap()[0], hours);
        let load = |zone: &str, utility: &str, n: i32, kwh: &str| MonthlyLoad {
            state: "TX".into(),
            load_zone: zone.into(),
            utility: utility.into(),
            block_type: "7X24".into(),
            customer_type: "RES".into(),
            month: month("2031-04").plus(n),
            kwh: kwh.parse().ok(),
        };
        asked.loads = vec![
            load("NORTH ZONE", "ALL", 0, "1"),
            load("NORTH ZONE", "ALL", 1, "1"),
            load("SOUTH ZONE", "ALL", 2, "99"),
        ];
        assert_eq!(outcome(&asked, Basis::Term).unwrap()[0], hours, "a month without a load");
        asked.loads.push(load("NORTH ZONE", "ALL", 2, "2"));
        let measures = outcome(&asked, Basis::Term).unwrap();
        assert_eq!(measures[..3], ["225", "90", "135"]);
        for (n, kwh) in (0..).zip(["3", "0", "0"]) {
            asked.loads.push(load("NORTH ZONE", "LSP", n, kwh));
        }
        assert_eq!(outcome(&asked, Basis::Term).unwrap()[0], "100", "the utility's own profile");
        asked.loads[0].kwh = None;
        assert_eq!(outcome(&asked, Basis::Term).unwrap()[0], "100");
        asked.loads[4].kwh = None;
        assert_eq!(outcome(&asked, Basis::Term).unwrap()[0], hours, "an hour is missing");
    }

    #[test]
    fn an_offer_of_several_prices_has_a_record_of_each() {
        let prices = vec![ptc(7, "A", &["0.1"]), ptc(8, "A", &["0.2"]), ptc(9, "A", &[""])];
        let Outcome { records, notes } = all(&inputs(offer("A", "90"), "2031-04", prices));
        let prompt = records.iter().filter(|record| record.basis == Basis::Prompt);
        assert_eq!(prompt.map(|record| record.ptc).collect::<Vec<_>>(), [7, 8]);
        let notes = notes.iter().filter(|note| note.basis == Basis::Prompt);
        let notes: Vec<_> = notes.map(|note| (note.ptc, note.remark)).collect();
        assert_eq!(notes, [(None, Remark::AmbiguousMatch), (Some(9), Remark::PtcGap)]);
    }

    #[test]
    fn offers_are_compared_part_by_part() {
        let mut asked = inputs(offer("A", "90"), "2031-04", vec![ptc(7, "A", &["0.1"])]);
        asked.offers = (0..5).map(|id| Offer { id, ..offer("A", "90") }).collect();
        let of = |places| compute(&asked, places).records.into_iter().map(|record| record.offer);
        assert_eq!(of(0..2).chain(of(2..4)).chain(of(4..5)).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn headroom_of_one_month_is_the_exact_difference(
            ptc_mantissa in 0_i64..100_000_000, price in -100_000_i64..100_000,
        ) {
            let value = Decimal::new(ptc_mantissa, 8);
            let price = Decimal::new(price, 2);
            let text = (value.to_string(), price.to_string());
            let asked = inputs(offer("A", &text.1), "2031-04", vec![ptc(7, "A", &[&text.0])]);
            let record = all(&asked).records.remove(0);
            let u = value * Decimal::ONE_THOUSAND;
            prop_assert_eq!(record.measures.0, [u, price, u - price]);
            prop_assert_eq!(record.measures.1.is_none(), u.is_zero());
        }
    }
}
