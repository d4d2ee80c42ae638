//! Emission factors as an upstream publishes them.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};

use super::{LoadError, Work};
use crate::{db::feeds::factors, feeds::Factor};

/// Decimals of a stored factor.
const PLACES: u32 = 9;

/// Takes factors over from the day on which they were fetched.
pub(super) async fn store(work: &mut Work<'_>, rows: Vec<Factor>) -> Result<(), LoadError> {
    let page = work.page;
    let set = page.settings.default_factor_set().ok_or_else(|| page.lacks("set of factors"))?;
    let round = |g: Decimal| g.round_dp_with_strategy(PLACES, MidpointAwayFromZero);
    let rows: BTreeMap<String, Decimal> =
        rows.into_iter().map(|row| (row.fuel, round(row.g_per_kwh))).collect();
    let rows: Vec<(String, Decimal)> = rows.into_iter().collect();
    let day = page.fetched_at.date_naive();
    let source = format!("{}, as published on {day}", page.feed.about().name);
    let published = factors::publish(work.conn, set, day, &rows, &source).await?;
    let (new, changed) = (published.new.unsigned_abs(), published.changed.unsigned_abs());
    work.loaded.new += new;
    work.loaded.changed += changed;
    work.loaded.same += (rows.len() as u64).saturating_sub(new + changed);
    Ok(())
}
