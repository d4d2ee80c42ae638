//! Whole files of every family, from bytes to a curve or a report.

use std::collections::HashSet;

use chrono::{DateTime, Datelike as _, Utc};
use rust_decimal::Decimal;
use trueprice::{
    domain::{Axis, CurveFileName, Family, Notation, Place, ValueBand},
    ingestors::{self, Context, Curve},
};

use super::LIMITS;

/// The first byte chooses the family, the others are the file.
pub fn check(data: &[u8]) {
    let Some((choice, file)) = data.split_first() else { return };
    let family = Family::ALL[usize::from(*choice) % Family::ALL.len()];
    let name = format!("{family}_nyiso_20240603_090000.csv");
    let now = DateTime::<Utc>::from_timestamp(1_767_323_045, 0).expect("2026-01-02");
    let name = CurveFileName::parse(&name, chrono_tz::Tz::UTC, now).expect("a good name");
    let bands = [ValueBand::energy()];
    let reading = ingestors::read(file, &Context { name, bands: &bands }, &LIMITS);
    assert_eq!(reading.curve.is_none(), reading.findings.has_errors());
    if let Some(curve) = reading.curve {
        check_curve(&curve.in_order());
    }
}

/// What is read can be stored.
fn check_curve(curve: &Curve) {
    let places: HashSet<Place<'_>> = curve.axis.places().collect();
    assert!(!places.is_empty() && places.len() == curve.axis.len() && curve.axis.is_in_order());
    if let Axis::Months(months) = &curve.axis {
        assert!(months.iter().all(|month| (1990..=2100).contains(&month.first_day().year())));
    }
    let keys: HashSet<_> = curve.series.iter().map(|series| &series.key).collect();
    assert!(!keys.is_empty() && keys.len() == curve.series.len());
    let below = Decimal::from(1_000_000_000_000_u64);
    for series in &curve.series {
        assert_eq!(series.numbers.len(), curve.axis.len());
        assert_eq!(series.notations.len(), curve.axis.len());
        for value in series.values().flatten() {
            assert!(value.abs() < below && value.scale() <= 15);
        }
        let codes = series.notations.iter().map(|notation| notation.code());
        assert!(
            codes.eq(series
                .notations
                .iter()
                .filter_map(|n| { Notation::from_code(n.code()).map(Notation::code) }))
        );
    }
}
