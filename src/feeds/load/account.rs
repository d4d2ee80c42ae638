//! Accounts: their meters, what was agreed for them, and the scopes of other feeds that follow.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{LoadError, Work};
use crate::{
    db::feeds::{
        discovered::{self, NewScope},
        rows::Row,
        usage::{self, AGREEMENTS, NewMeter},
    },
    domain::feed::upsert::{Cell, Manner},
    feeds::Metering,
};

/// Where meters are whose account does not say.
const REGION: &str = "GB";

/// What has tariffs among the prices, and usage among the feeds.
const ELECTRICITY: &str = "electricity";

/// The id of a meter: its numbers name the place where somebody lives, the id does not.
#[must_use]
pub fn meter_id(fuel_kind: &str, mpan: &str, serial: &str) -> String {
    let digest = Sha256::digest([fuel_kind, mpan, serial].join("/"));
    let mut id = "m".to_owned();
    for byte in &digest[..6] {
        // Writing to a string cannot fail.
        _ = write!(id, "{byte:02x}");
    }
    id
}

/// Stores the meters of an account and their agreements, and makes the scopes of their usage and of the
/// prices of their tariffs.
pub(super) async fn store(work: &mut Work<'_>, meters: Vec<Metering>) -> Result<(), LoadError> {
    for meter in meters {
        store_one(work, &meter).await?;
    }
    Ok(())
}

async fn store_one(work: &mut Work<'_>, metering: &Metering) -> Result<(), LoadError> {
    let page = work.page;
    let meter_id = meter_id(metering.fuel_kind, &metering.mpan, &metering.serial);
    let region_id = page.scope.region_id.as_deref().unwrap_or(REGION);
    let meter = NewMeter {
        meter_id: &meter_id,
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
    let key = Cell::from(meter_id.as_str());
    let agreement = |agreement: &crate::feeds::Agreement| -> Row {
        vec![
            key.clone(),
            Cell::Instant(agreement.valid_from),
            agreement.tariff_code.as_str().into(),
            agreement.valid_to.into(),
        ]
    };
    let rows = metering.agreements.iter().map(agreement).collect();
    for change in work.upsert(&AGREEMENTS, Manner::Told, rows).await? {
        // From then on: whether one is in force depends on those that began before it.
        work.summaries.meter(&meter_id, change.after[1].instant().unwrap_or_default(), None);
    }
    discover(work, metering, &meter_id, region_id).await
}

/// Makes the scopes that follow from a meter.
async fn discover(
    work: &mut Work<'_>,
    metering: &Metering,
    meter_id: &str,
    region_id: &str,
) -> Result<(), LoadError> {
    if metering.fuel_kind != ELECTRICITY {
        return Ok(());
    }
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
