//! What a download would warn of, said beside the line in a few sentences.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::{block::Block, strips::Strip};
use crate::{
    db::{analysis::Version, sight::Cells},
    domain::{ContractMonth, Dataset},
    extractors::{
        printed::PrintedSeries,
        standardise::{self, Look},
        warnings::{Warning, Warnings},
    },
};

/// Why prices of a block are missing in a version, among the months that are wanted.
pub(super) async fn missing(
    connection: &mut PgConnection,
    dataset: Dataset,
    version: &Version,
    block: &Block,
    is_wanted: impl Fn(NaiveDate) -> bool,
) -> sqlx::Result<Vec<String>> {
    let mut found = Warnings::default();
    let series = std::slice::from_ref(&block.series);
    let look = Look { is_wanted, cells: None::<fn(usize, &PrintedSeries) -> Cells> };
    standardise::scan(connection, dataset, &[version.id], series, look, &mut found).await?;
    Ok(sentences(&found.listed))
}

/// One sentence for each kind of fault.
fn sentences(warnings: &[Warning]) -> Vec<String> {
    let mut kinds: BTreeMap<(&str, String), Vec<ContractMonth>> = BTreeMap::new();
    for warning in warnings {
        let place = warning.place.as_ref();
        let blocks = place.map(|place| place.blocks.join(" and ")).unwrap_or_default();
        let month = place.and_then(|place| place.contract_month.as_ref());
        let month: Option<ContractMonth> = month.and_then(|month| month.parse().ok());
        kinds.entry((warning.code, blocks)).or_default().extend(month);
    }
    let sentence = |((code, blocks), months): ((&str, String), Vec<ContractMonth>)| {
        let when = Strip { name: String::new(), months }.span();
        let when = if when.is_empty() { when } else { format!(" in {when}") };
        format!("No price{when}: {} ({code}).", why(code, &blocks))
    };
    kinds.into_iter().map(sentence).collect()
}

/// What a fault means.
fn why(code: &str, blocks: &str) -> String {
    match code {
        "missing_strip" if blocks.contains(' ') => format!("blocks {blocks} have no value"),
        "missing_strip" => format!("block {blocks} has no value"),
        "missing_scaler" => "the scaler has no value".to_owned(),
        "mixed_uom" => "the members have different units".to_owned(),
        _ => "two series claim to be the same member or scaler".to_owned(),
    }
}

/// How many days have no price, by the word that says why.
pub(super) fn of_days(lacks: &BTreeMap<&'static str, usize>, days: usize) -> Vec<String> {
    let sentence = |(code, count): (&&str, &usize)| {
        let words = code.replace('_', " ");
        format!("{count} of {days} days lack a price that is needed: {words} ({code}).")
    };
    lacks.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extractors::warnings::Place;

    #[test]
    fn months_of_one_kind_are_one_sentence() {
        let warning = |code, month: Option<&str>, blocks: &[&'static str]| {
            let contract_month = month.map(str::to_owned);
            let (series, blocks) = (String::new(), blocks.to_vec());
            let place = Place { series, version_id: None, contract_month, blocks };
            Warning { code, detail: String::new(), place: Some(place) }
        };
        let found = [
            warning("missing_strip", Some("2024-08"), &["2x16"]),
            warning("missing_strip", Some("2024-09"), &["2x16"]),
            warning("missing_strip", Some("2025-01"), &["2x16", "7x8"]),
            warning("mixed_uom", None, &[]),
        ];
        assert_eq!(
            sentences(&found),
            [
                "No price in 2024-08 to 2024-09: block 2x16 has no value (missing_strip).",
                "No price in 2025-01: blocks 2x16 and 7x8 have no value (missing_strip).",
                "No price: the members have different units (mixed_uom).",
            ]
        );
    }
}
