//! Accounts: their meters, what was agreed for them, and the scopes of other feeds that follow.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::{LoadError, Work};
use crate::{
    db::feeds::{
        discovered::{self, NewScope},
        rows::Row,
        usage::{self, AGREEMENTS, NewMeter},
    },
    domain::feed::upsert::{Cell, Manner},
    feeds::{Agreement, Metering},
};

/// Where meters are whose account does not say.
const REGION: &str = "GB";

/// What has tariffs among the prices. Usage of gas is kept, and counts in no sum of electricity.
const ELECTRICITY: &str = "electricity";

/// The id of a meter: its numbers name the place where somebody lives, the id does not.
#[must_use]
pub fn meter_id(fuel_kind: &str, mpan: &str, serial: &str) -> String {
    id("m", &[fuel_kind, mpan, serial])
}

fn id(kind: &str, parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("/"));
    let mut id = kind.to_owned();
    for byte in &digest[..6] {
        // Writing to a string cannot fail.
        _ = write!(id, "{byte:02x}");
    }
    id
}

/// Stores the meters of an account and their agreements, and makes the scopes of their usage and of the
/// prices of their tariffs. Agreements that it lists no more are withdrawn.
pub(super) async fn store(work: &mut Work<'_>, meters: Vec<Metering>) -> Result<(), LoadError> {
    let number = work.page.settings.account.as_deref();
    let account = id("a", &[number.ok_or_else(|| work.page.lacks("account"))?]);
    // A meter may be listed at more than one place.
    let mut listed: BTreeMap<String, Vec<DateTime<Utc>>> = BTreeMap::new();
    for meter in meters {
        let meter_id = meter_id(meter.fuel_kind, &meter.mpan, &meter.serial);
        store_one(work, &meter, &meter_id, &account).await?;
        let starts = meter.agreements.iter().map(|agreement| agreement.valid_from);
        listed.entry(meter_id).or_default().extend(starts);
    }
    for (meter_id, starts) in listed {
        withdraw(work, (&meter_id, &account), &starts).await?;
    }
    Ok(())
}

async fn store_one(
    work: &mut Work<'_>,
    metering: &Metering,
    meter_id: &str,
    account: &str,
) -> Result<(), LoadError> {
    let page = work.page;
    let region_id = page.scope.region_id.as_deref().unwrap_or(REGION);
    let meter = NewMeter {
        meter_id,
        fuel_kind: metering.fuel_kind,
        direction: metering.direction,
        unit: metering.unit,
        mpan: &metering.mpan,
        serial: &metering.serial,
        region_id,
        owner: page.settings.owner.as_deref(),
    };
    let is_owned = usage::put_meter(work.conn, &meter).await?;
    if !is_owned && page.settings.owner.is_some() {
        let message = format!("nobody has the e-mail of the owner, so meter {meter_id} has none");
        work.loaded.note("no_owner", message, page.now, false);
    }
    store_agreements(work, metering, meter_id, account).await?;
    discover(work, metering, meter_id, region_id).await
}

async fn store_agreements(
    work: &mut Work<'_>,
    metering: &Metering,
    meter_id: &str,
    account: &str,
) -> Result<(), LoadError> {
    let row = |agreement: &Agreement| -> Row {
        vec![
            meter_id.into(),
            Cell::Instant(agreement.valid_from),
            agreement.tariff_code.as_str().into(),
            agreement.valid_to.into(),
            account.into(),
        ]
    };
    let rows = metering.agreements.iter().map(row).collect();
    let changes = work.upsert(&AGREEMENTS, Manner::Told, rows).await?;
    let mut new = Vec::new();
    for change in changes {
        // From then on: whether one is in force depends on those that began before it.
        let from = change.after[1].instant().unwrap_or_default();
        work.summaries.meter(meter_id, from, None);
        new.extend(change.before.is_none().then_some(from));
    }
    Ok(usage::go_on_with_agreements(work.conn, meter_id, &new).await?)
}

/// Withdraws what is not listed any more. A meter without any agreement says nothing of those that it had.
async fn withdraw(
    work: &mut Work<'_>,
    meter: (&str, &str),
    listed: &[DateTime<Utc>],
) -> Result<(), LoadError> {
    if listed.is_empty() {
        return Ok(());
    }
    let source = work.page.source();
    for from in usage::withdraw_agreements(work.conn, meter, listed, &source).await? {
        work.loaded.changed += 1;
        work.summaries.meter(meter.0, from, None);
    }
    Ok(())
}

/// Makes the scopes that follow from a meter.
async fn discover(
    work: &mut Work<'_>,
    metering: &Metering,
    meter_id: &str,
    region_id: &str,
) -> Result<(), LoadError> {
    let provider = work.page.feed.about().provider;
    let begins = metering.agreements.iter().map(|agreement| agreement.valid_from);
    let first_available = begins.min().unwrap_or(work.page.settings.not_before);
    let scope = NewScope {
        feed_id: &format!("{provider}.usage"),
        scope: meter_id,
        region_id,
        meter_id: Some(meter_id),
        tariff_code: None,
        first_available,
    };
    discovered::put(work.conn, &scope).await?;
    if metering.fuel_kind != ELECTRICITY {
        return Ok(());
    }
    let rates = format!("{provider}.rates");
    for agreement in &metering.agreements {
        let scope = NewScope {
            feed_id: &rates,
            scope: &agreement.tariff_code,
            region_id,
            meter_id: None,
            tariff_code: Some(&agreement.tariff_code),
            first_available: agreement.valid_from,
        };
        discovered::put(work.conn, &scope).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_meter_is_always_the_same_and_does_not_tell_its_number() {
        let id = meter_id("electricity", "1200023456789", "Z18N999999");
        assert_eq!(id, meter_id("electricity", "1200023456789", "Z18N999999"));
        assert_ne!(id, meter_id("gas", "1200023456789", "Z18N999999"));
        assert!(id.len() == 13 && id.starts_with('m') && !id.contains("23456789"));
    }
}
