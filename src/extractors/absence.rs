//! Why a query has no answer: what it should have asked for instead.

use axum::http::StatusCode;
use chrono::NaiveDate;

use super::{
    query::Query,
    selection::{EVERY_DAY, Part, Skipped, version_filter},
    standardise::printed_block,
    words::Combination,
};
use crate::{
    db::{
        data::{self, SeriesHeader, VersionFilter, VersionHeader},
        snapshot::Snapshot,
    },
    domain::{ContractMonth, Source},
    error::{Problem, Result},
};

/// Versions that were named and are not in the answer.
pub fn lost_pins(query: &Query, parts: &[Part]) -> Vec<i64> {
    let found = |id: i64| parts.iter().flat_map(|part| &part.versions).any(|v| v.id == id);
    query.version_ids.iter().copied().filter(|id| !found(*id)).collect()
}

/// 404 that names each version that gives nothing, and why.
pub async fn no_such_versions(
    snapshot: &mut Snapshot,
    query: &Query,
    lost: &[i64],
) -> Result<Problem> {
    let mut there = Vec::new();
    let (connection, view) = snapshot.parts();
    for source in query.combinations().filter_map(Combination::source) {
        let (days, ids) = (Some(EVERY_DAY), Some(lost.to_vec()));
        let filter = VersionFilter { days, ids, every: true, ..VersionFilter::default() };
        let found = data::versions(connection, view, source, &filter).await?;
        there.extend(found.into_iter().map(|version| version.id));
    }
    let (empty, foreign): (Vec<i64>, Vec<i64>) = lost.iter().partition(|id| there.contains(id));
    let one = |ids: &[i64], is: &str, are: &str| {
        let names: Vec<String> = ids.iter().take(20).map(ToString::to_string).collect();
        let more = if ids.len() > 20 { ", ..." } else { "" };
        match &*names {
            [] => None,
            [name] => Some(format!("version {name} {is}")),
            names => Some(format!("versions {}{more} {are}", names.join(", "))),
        }
    };
    let place = format!("of {} {}", query.curve, query.iso);
    let foreign = one(&foreign, &format!("is not {place}"), &format!("are not {place}"));
    let nothing = "none of the contract months and strips asked for";
    let empty = one(&empty, &format!("has {nothing}"), &format!("have {nothing}"));
    let why: Vec<String> = [foreign, empty].into_iter().flatten().collect();
    let ids: Vec<String> = lost.iter().map(ToString::to_string).collect();
    Ok(Problem::new(StatusCode::NOT_FOUND, "no_data", why.join("; ")).with("version_ids", ids))
}

/// 404 for a query that nothing matches: what the days asked for have, or which day has something.
pub async fn nothing(
    snapshot: &mut Snapshot,
    query: &Query,
    skipped: &[Skipped],
) -> Result<Problem> {
    if let [Skipped { reason: "no_such_dataset", combination }] = skipped {
        return Ok(Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_dataset",
            format!("there are no {} curves for {}", combination.curve, combination.iso),
        ));
    }
    if skipped.iter().all(|s| s.reason != "no_data") {
        return Ok(no_grant(query));
    }
    for combination in query.combinations() {
        let Some(source) = combination.source() else { continue };
        let filter = version_filter(query, combination.curve);
        let filter = VersionFilter { start: None, end: None, ..filter };
        let (connection, view) = snapshot.parts();
        let versions = data::versions(connection, view, source, &filter).await?;
        if !versions.is_empty() {
            return other_months(snapshot, combination, source, &versions).await;
        }
    }
    other_day(snapshot, query).await
}

/// 403 for a query of datasets that the caller has no grant for: it says nothing about the data.
fn no_grant(query: &Query) -> Problem {
    let detail = format!(
        "you have no grant for {} {}; an administrator can give you a package that has one",
        query.curve, query.iso
    );
    Problem::new(StatusCode::FORBIDDEN, "no_grant", detail)
}

/// The days have data, but not of the contract months or strips asked for.
async fn other_months(
    snapshot: &mut Snapshot,
    combination: Combination,
    source: Source,
    versions: &[VersionHeader],
) -> Result<Problem> {
    let ids: Vec<i64> = versions.iter().map(|version| version.id).collect();
    let (connection, view) = snapshot.parts();
    let span = data::span(connection, view, source, &ids).await?;
    let mut series = data::series_of(connection, view, source, &ids).await?;
    series.retain(|header| !header.admitted.is_empty());
    let block = |header: &SeriesHeader| match source {
        Source::Stored(dataset) => printed_block(dataset, header),
        Source::Headroom(_) => header.key.labels.block_type.to_ascii_lowercase(),
    };
    let mut strips: Vec<String> = series.iter().map(block).collect();
    strips.sort_unstable();
    strips.dedup();
    let days = versions.iter().map(|version| version.operating_day);
    let (first, last) = (days.clone().min().unwrap_or_default(), days.max().unwrap_or_default());
    let days = if first == last { first.to_string() } else { format!("{first} to {last}") };
    if series.is_empty() {
        let detail = format!(
            "{} {} was computed for {days}, but no offer has a price to compare; GET \
             /api/v1/headroom/unmatched says why",
            combination.curve, combination.iso
        );
        return Ok(Problem::new(StatusCode::NOT_FOUND, "no_data", detail));
    }
    let month = ContractMonth::containing;
    let months =
        span.map(|(first, last)| format!("the months {} to {}", month(first), month(last)));
    let has = [months, Some(format!("the strips {}", strips.join(", ")))];
    let detail = format!(
        "{} {} has data for {days}, but none in the contract months and strips asked for: it has {}",
        combination.curve,
        combination.iso,
        has.into_iter().flatten().collect::<Vec<_>>().join(" and ")
    );
    Ok(Problem::new(StatusCode::NOT_FOUND, "no_data", detail).with("strips", strips))
}

/// The days have no data: names the nearest that has.
async fn other_day(snapshot: &mut Snapshot, query: &Query) -> Result<Problem> {
    let wanted = query.days.map(|days| days.0);
    let mut nearest: Option<NaiveDate> = None;
    for combination in query.combinations() {
        let Some(source) = combination.source() else { continue };
        let cob = version_filter(query, combination.curve).cob;
        let (connection, view) = snapshot.parts();
        let day = data::nearest_day(connection, view, source, wanted, cob).await?;
        let distance = |day: NaiveDate| wanted.map_or(0, |wanted| (day - wanted).num_days().abs());
        nearest = [nearest, day].into_iter().flatten().min_by_key(|day| distance(*day));
    }
    let hint = match (nearest, query.as_of) {
        (Some(day), _) => format!("the nearest operating day with data is {day}"),
        (None, Some(_)) => "nothing like it was known there by then".to_owned(),
        (None, None) => "nothing like it is stored there".to_owned(),
    };
    let problem = Problem::new(
        StatusCode::NOT_FOUND,
        "no_data",
        format!("nothing matches for {} {}; {hint}", query.curve, query.iso),
    );
    Ok(match nearest {
        Some(day) => problem.with("nearest_operating_day", day.to_string()),
        None => problem,
    })
}
