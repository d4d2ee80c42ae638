//! One event.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    domain::feed::{IntensityUnit, Quality},
    feeds::{
        Intensity, Shared,
        json::{self, Exact, Members, Stamp, Text},
    },
};

/// The set of an event that names none.
const UNNAMED_SET: &str = "EGRID_u2018";

/// The members of `meta` that say when the provider touched the event; the latest counts.
const TOUCHED: [&str; 3] = ["inserted_at", "updated_at", "consumed_rate_calculated_at"];

/// An event as it is written.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    data: Rates,
    #[serde(borrow)]
    pub region: Text<'a>,
    #[serde(borrow)]
    #[serde(rename = "event_type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    dedup_key: Option<Text<'a>>,
    start_date: Stamp,
    #[serde(borrow)]
    meta: Members<'a>,
}

#[derive(Deserialize)]
struct Rates {
    #[serde(rename = "generated_rate")]
    generated: Option<Exact>,
    #[serde(rename = "consumed_rate")]
    consumed: Option<Exact>,
    #[serde(rename = "marginal_rate")]
    marginal: Option<Exact>,
}

impl Event<'_> {
    /// The set that its rates are under: as `meta` says, else as the key says between type and start.
    pub fn factor_set(&self) -> &str {
        let named = self.meta("generated_emissions_source").and_then(plain);
        named.or_else(|| self.set_of_key()).unwrap_or(UNNAMED_SET)
    }

    /// `CAISO:carbon_intensity:EGRID_u2019:2021-07-07T23:00:00+00:00`; without a set the start follows
    /// the type.
    fn set_of_key(&self) -> Option<&str> {
        let rest = self.dedup_key.as_ref()?.strip_prefix(&*self.region)?;
        let rest = rest.strip_prefix(':')?.strip_prefix(&*self.kind)?.strip_prefix(':')?;
        let (set, _start) = rest.split_once(':')?;
        // The start holds colons, too.
        (!set.is_empty() && !set.starts_with(|c: char| c.is_ascii_digit())).then_some(set)
    }

    fn meta(&self, member: &str) -> Option<&RawValue> {
        self.meta.0.iter().rev().find(|(name, _)| **name == *member).map(|(_, value)| *value)
    }

    /// Its row under `factor_set`. An error says what is wrong with it.
    pub fn row(&self, factor_set: Shared) -> Result<Intensity, String> {
        let src_updated_at = self.touched()?;
        let src_key = self.dedup_key.as_ref().map(|key| key.to_string());
        if !src_key.as_deref().is_none_or(json::is_text) {
            return Err("expected a dedup_key of text, found U+0000 in it".to_owned());
        }
        let is_imputed = self.meta.0.iter().any(|(name, value)| is_flag(name) && says_yes(value));
        Ok(Intensity {
            unit: self.unit()?,
            raw: self.rest(src_updated_at)?,
            start: self.start_date.0,
            secs: 300,
            generated: self.data.generated.map(|rate| rate.0),
            consumed: self.data.consumed.map(|rate| rate.0),
            marginal: self.data.marginal.map(|rate| rate.0),
            quality: if is_imputed { Quality::Imputed } else { Quality::Measured },
            factor_set,
            src_key,
            src_updated_at,
        })
    }

    fn unit(&self) -> Result<IntensityUnit, String> {
        let unit = self.meta("unit");
        if let Some(Ok(unit @ IntensityUnit::LbPerMwh)) = unit.and_then(plain).map(str::parse) {
            return Ok(unit);
        }
        let found = unit.map_or("none", RawValue::get);
        Err(format!("expected rates in lbs/MWh or lb/MWh, found the unit {found}"))
    }

    /// When the provider last touched it.
    fn touched(&self) -> Result<Option<DateTime<Utc>>, String> {
        let stamps = TOUCHED.iter().filter_map(|&name| {
            let stamp = serde_json::from_str::<Option<Stamp>>(self.meta(name)?.get());
            stamp.map_err(|error| format!("meta.{name}: {error}")).transpose()
        });
        stamps
            .map(|stamp| stamp.map(|stamp| stamp.0))
            .try_fold(None, |latest, stamp| Ok(latest.max(Some(stamp?))))
    }

    /// What of `meta` no column holds.
    fn rest(&self, src_updated_at: Option<DateTime<Utc>>) -> Result<Option<Box<RawValue>>, String> {
        let is_told = |value: &RawValue| {
            let stamp = serde_json::from_str::<Option<Stamp>>(value.get()).ok().flatten();
            stamp.map(|stamp| stamp.0) == src_updated_at
        };
        let rest = self.meta.object(|name, value| match name {
            "unit" | "generated_emissions_source" => false,
            _ => !(TOUCHED.contains(&name) && is_told(value)),
        });
        match rest {
            Some(rest) if !json::is_storable(&rest) => {
                Err("expected meta of plain text and numbers, found what cannot be kept".to_owned())
            }
            rest => Ok(rest),
        }
    }
}

/// The text that a value is, where it needs no escapes and is not empty.
fn plain(value: &RawValue) -> Option<&str> {
    let text = value.get().strip_prefix('"')?.strip_suffix('"')?;
    (!text.is_empty() && !text.contains('\\')).then_some(text)
}

/// Whether a member of `meta` tells of imputation.
fn is_flag(name: &str) -> bool {
    name.to_ascii_lowercase().contains("imput")
}

/// Whether a flag is set: it is anything but null, false, zero or empty.
fn says_yes(value: &RawValue) -> bool {
    !matches!(value.get(), "null" | "false" | "0" | "\"\"" | "\"false\"" | "[]" | "{}")
}
