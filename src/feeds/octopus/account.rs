//! `octopus.account`: the meters of an account, and which tariff prices them when.

use chrono::TimeDelta;
use serde::Deserialize;

use super::{ABOUT, is_empty, nullable, segment};
use crate::{
    domain::feed::Window,
    feeds::{
        About, Agreement, Ask, Auth, BadBody, Feed, Finding, Live, Metering, Parsed, Records,
        Request, Scope, Settings,
        json::{self, Stamp, Text},
    },
};

/// The only scope: the number of the account names a person, and stays in the settings.
const SCOPE: &str = "account";

/// The most agreements that the meters of an account have together: each meter of a point has all of
/// the point's, so that a short body could tell of very many.
const AGREEMENTS_MAX: usize = 10_000;

static ACCOUNT: About = About {
    id: "octopus.account",
    name: "Octopus account",
    assumptions: &["Agreements decide which tariff prices each half-hour of a meter."],
    ..ABOUT
};

/// The feed.
#[derive(Debug)]
pub struct OctopusAccount;

impl Feed for OctopusAccount {
    fn about(&self) -> &'static About {
        &ACCOUNT
    }

    fn scopes(&self, settings: &Settings) -> Vec<Scope> {
        let scope = |_: &String| Scope {
            scope: SCOPE.to_owned(),
            region_id: None,
            meter: None,
            tariff_code: None,
            first_available: settings.not_before,
        };
        settings.account.iter().map(scope).collect()
    }

    /// The account is told whole.
    fn windows(&self, _settings: &Settings, _scope: &Scope, range: Window) -> Vec<Window> {
        vec![range]
    }

    fn has_history(&self) -> bool {
        false
    }

    fn live_range(&self, _settings: &Settings, live: &Live) -> Option<Window> {
        Window::new(live.now - TimeDelta::days(1), live.now).ok()
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let account = ask.settings.account.as_deref().unwrap_or_default();
        let path = format!("/v1/accounts/{}/", segment(account));
        Request { path, query: Vec::new(), auth: Auth::BasicUser, is_archive: false }
    }

    fn parse(&self, body: &[u8], ask: &Ask<'_>) -> Result<Parsed, BadBody> {
        let account: Account<'_> = json::read(body)?;
        if Some(&*account.number) != ask.settings.account.as_deref() {
            return Err(json::bad("expected the account of the settings, found another"));
        }
        let points = account.properties.iter().flat_map(|property| {
            property.electricity_meter_points.iter().chain(&property.gas_meter_points)
        });
        let agreements: usize =
            points.map(|point| point.meters.len() * point.agreements.len()).sum();
        if agreements > AGREEMENTS_MAX {
            return Err(json::bad(&format!(
                "expected at most {AGREEMENTS_MAX} agreements of meters, found {agreements}"
            )));
        }
        let gas_unit = ask.settings.gas_in_m3.map(|in_m3| if in_m3 { "m3" } else { "kWh" });
        let (mut meters, mut findings) = (Vec::new(), Vec::new());
        for property in &account.properties {
            for point in &property.electricity_meter_points {
                let direction = if point.is_export { "export" } else { "import" };
                point.meters(
                    ("electricity", direction, Some("kWh")),
                    &mut meters,
                    &mut findings,
                )?;
            }
            for point in &property.gas_meter_points {
                point.meters(("gas", "import", gas_unit), &mut meters, &mut findings)?;
            }
        }
        Ok(Parsed { records: Records::Account(meters), findings, next: None })
    }
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow)]
    number: Text<'a>,
    #[serde(borrow)]
    properties: Vec<Property<'a>>,
}

#[derive(Deserialize)]
struct Property<'a> {
    #[serde(borrow, default)]
    electricity_meter_points: Vec<MeterPoint<'a>>,
    #[serde(borrow, default)]
    gas_meter_points: Vec<MeterPoint<'a>>,
}

/// A supply point: the number of one of gas is called otherwise.
#[derive(Deserialize)]
struct MeterPoint<'a> {
    #[serde(borrow, alias = "mprn")]
    mpan: Text<'a>,
    #[serde(borrow)]
    meters: Vec<Meter<'a>>,
    #[serde(borrow)]
    agreements: Vec<Agreed<'a>>,
    #[serde(default)]
    is_export: bool,
}

#[derive(Deserialize)]
struct Meter<'a> {
    #[serde(borrow)]
    serial_number: Text<'a>,
}

#[derive(Deserialize)]
struct Agreed<'a> {
    #[serde(borrow)]
    tariff_code: Text<'a>,
    valid_from: Stamp,
    #[serde(deserialize_with = "nullable")]
    valid_to: Option<Stamp>,
}

impl MeterPoint<'_> {
    /// Its meters, each with all that was agreed for the point.
    fn meters(
        &self,
        (fuel_kind, direction, unit): (&'static str, &'static str, Option<&'static str>),
        meters: &mut Vec<Metering>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), BadBody> {
        let texts = self.meters.iter().map(|meter| &meter.serial_number).chain([&self.mpan]);
        if !texts
            .chain(self.agreements.iter().map(|one| &one.tariff_code))
            .all(|text| json::is_text(text))
        {
            return Err(json::bad("expected numbers and codes of text, found U+0000 in one"));
        }
        let agreements = self.agreements(findings);
        for meter in &self.meters {
            // One that is not fitted yet, or was taken away, has no number.
            if meter.serial_number.is_empty() {
                continue;
            }
            meters.push(Metering {
                fuel_kind,
                direction,
                unit,
                mpan: self.mpan.to_string(),
                serial: meter.serial_number.to_string(),
                agreements: agreements.clone(),
            });
        }
        Ok(())
    }

    /// What was agreed; an agreement that never came into force ends where it begins.
    fn agreements(&self, findings: &mut Vec<Finding>) -> Vec<Agreement> {
        let mut agreements = Vec::with_capacity(self.agreements.len());
        for agreed in &self.agreements {
            let what = format!("The agreement on {}", &*agreed.tariff_code);
            if is_empty(agreed.valid_from, agreed.valid_to, &what, findings) {
                continue;
            }
            agreements.push(Agreement {
                tariff_code: agreed.tariff_code.to_string(),
                valid_from: agreed.valid_from.0,
                valid_to: agreed.valid_to.map(|at| at.0),
            });
        }
        agreements
    }
}
