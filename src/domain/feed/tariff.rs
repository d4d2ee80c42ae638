//! Which price counts when.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// Something that is valid for a while.
pub trait Span {
    /// From then on.
    fn valid_from(&self) -> DateTime<Utc>;

    /// Until then; none: open, until a later one begins.
    fn valid_to(&self) -> Option<DateTime<Utc>>;

    /// Where two begin at once, the greater counts.
    fn rank(&self) -> u8 {
        0
    }
}

/// The span that holds an instant: the one that began last. An open one ends where another begins.
pub fn in_force<'a, S: Span>(
    spans: impl IntoIterator<Item = &'a S>,
    at: DateTime<Utc>,
) -> Option<&'a S> {
    let begun = spans.into_iter().filter(|span| span.valid_from() <= at);
    let key = |span: &S| (span.valid_from(), span.rank());
    let (mut last, mut last_closed) = (None::<&S>, None::<&S>);
    for span in begun {
        if last.is_none_or(|last| key(last) < key(span)) {
            last = Some(span);
        }
        let holds = span.valid_to().is_some_and(|to| at < to);
        if holds && last_closed.is_none_or(|last| key(last) < key(span)) {
            last_closed = Some(span);
        }
    }
    last.filter(|span| span.valid_to().is_none()).or(last_closed)
}

/// A price without and with VAT, in pence per kWh or per day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pence {
    /// Without VAT; may be negative.
    pub exc_vat: Decimal,
    /// With VAT.
    pub inc_vat: Decimal,
}

/// A price of a tariff while it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSpan {
    /// Whether it is for one way of payment rather than for all.
    pub is_own: bool,
    /// From then on.
    pub valid_from: DateTime<Utc>,
    /// Until then; none: open.
    pub valid_to: Option<DateTime<Utc>>,
    /// How much.
    pub price: Pence,
}

impl Span for PriceSpan {
    fn valid_from(&self) -> DateTime<Utc> {
        self.valid_from
    }

    fn valid_to(&self) -> Option<DateTime<Utc>> {
        self.valid_to
    }

    /// The one for the way of payment goes before the one for all.
    fn rank(&self) -> u8 {
        u8::from(self.is_own)
    }
}

/// Which tariff prices a meter, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementSpan {
    /// The tariff.
    pub tariff_code: String,
    /// From then on.
    pub valid_from: DateTime<Utc>,
    /// Until then; none: open.
    pub valid_to: Option<DateTime<Utc>>,
}

impl Span for AgreementSpan {
    fn valid_from(&self) -> DateTime<Utc> {
        self.valid_from
    }

    fn valid_to(&self) -> Option<DateTime<Utc>> {
        self.valid_to
    }
}

/// What a tariff charges, of the prices that count for one way of payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tariff {
    /// Per kWh, at any hour.
    pub energy: Vec<PriceSpan>,
    /// Per day.
    pub standing: Vec<PriceSpan>,
}

/// What a meter pays. A tariff with rates by day and by night has no price by the kWh here: at which
/// hours they change is written in no document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceBook {
    /// Which tariff when.
    pub agreements: Vec<AgreementSpan>,
    /// By code.
    pub tariffs: HashMap<String, Tariff>,
}

impl PriceBook {
    /// The price of a kWh in a slot that starts at an instant.
    #[must_use]
    pub fn energy(&self, start: DateTime<Utc>) -> Option<Pence> {
        in_force(&self.tariff(start)?.energy, start).map(|span| span.price)
    }

    /// The charge of a day that starts at an instant.
    #[must_use]
    pub fn standing(&self, start: DateTime<Utc>) -> Option<Pence> {
        in_force(&self.tariff(start)?.standing, start).map(|span| span.price)
    }

    fn tariff(&self, at: DateTime<Utc>) -> Option<&Tariff> {
        self.tariffs.get(&in_force(&self.agreements, at)?.tariff_code)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn span(is_own: bool, from: &str, to: Option<&str>, pence: i64) -> PriceSpan {
        let price = Pence { exc_vat: Decimal::new(pence, 1), inc_vat: Decimal::new(pence, 1) };
        PriceSpan { is_own, valid_from: at(from), valid_to: to.map(at), price }
    }

    fn exc(spans: &[PriceSpan], instant: &str) -> Option<String> {
        in_force(spans, at(instant)).map(|span| span.price.exc_vat.to_string())
    }

    #[test]
    fn a_later_span_closes_an_open_one_for_good() {
        let spans = [
            span(true, "2025-02-01T00:00:00Z", Some("2025-03-01T00:00:00Z"), 300),
            span(true, "2025-01-01T00:00:00Z", None, 241),
            span(true, "2024-10-01T00:00:00Z", Some("2025-01-01T00:00:00Z"), 218),
        ];
        assert_eq!(exc(&spans, "2024-12-31T23:59:59Z").as_deref(), Some("21.8"));
        assert_eq!(exc(&spans, "2025-01-01T00:00:00Z").as_deref(), Some("24.1"));
        assert_eq!(exc(&spans, "2025-02-01T00:00:00Z").as_deref(), Some("30.0"));
        assert_eq!(exc(&spans, "2025-03-01T00:00:00Z"), None);
        assert_eq!(exc(&spans, "2024-09-30T00:00:00Z"), None);
    }

    #[test]
    fn a_closed_span_goes_on_after_one_inside_it() {
        let spans = [
            span(true, "2025-01-01T00:00:00Z", Some("2026-01-01T00:00:00Z"), 241),
            span(true, "2025-02-01T00:00:00Z", Some("2025-02-02T00:00:00Z"), 300),
        ];
        assert_eq!(exc(&spans, "2025-02-01T12:00:00Z").as_deref(), Some("30.0"));
        assert_eq!(exc(&spans, "2025-02-02T12:00:00Z").as_deref(), Some("24.1"));
    }

    #[test]
    fn a_price_for_the_way_of_payment_goes_before_one_for_all() {
        let spans = [
            span(true, "2025-01-01T00:00:00Z", None, 241),
            span(false, "2025-01-01T00:00:00Z", None, 250),
        ];
        assert_eq!(exc(&spans, "2025-01-02T00:00:00Z").as_deref(), Some("24.1"));
    }

    #[test]
    fn a_meter_pays_by_the_agreement_in_force_when_the_slot_starts() {
        let agreement = |tariff: &str, from: &str, to: Option<&str>| AgreementSpan {
            tariff_code: tariff.to_owned(),
            valid_from: at(from),
            valid_to: to.map(at),
        };
        let tariff = |pence| Tariff {
            energy: vec![span(false, "2020-01-01T00:00:00Z", None, pence)],
            standing: vec![span(false, "2025-01-01T00:00:00Z", None, pence + 1)],
        };
        let book = PriceBook {
            agreements: vec![
                agreement("B", "2025-01-01T00:00:00Z", None),
                agreement("A", "2023-05-01T00:00:00Z", Some("2025-01-01T00:00:00Z")),
            ],
            tariffs: [("A".to_owned(), tariff(100)), ("B".to_owned(), tariff(200))].into(),
        };
        let energy = |text| book.energy(at(text)).map(|price| price.exc_vat.to_string());
        assert_eq!(energy("2024-12-31T23:30:00Z").as_deref(), Some("10.0"));
        assert_eq!(energy("2025-01-01T00:00:00Z").as_deref(), Some("20.0"));
        assert_eq!(energy("2023-04-30T00:00:00Z"), None);
        assert_eq!(book.standing(at("2024-12-31T00:00:00Z")), None);
        let standing = book.standing(at("2025-01-01T00:00:00Z")).unwrap();
        assert_eq!(standing.exc_vat.to_string(), "20.1");
    }

    proptest! {
        #[test]
        fn the_order_of_the_rows_does_not_matter(
            rows in prop::collection::btree_map((0_i64..50, any::<bool>()), prop::option::of(1_i64..30), 1..20),
            instant in 0_i64..60,
            turn in 0_usize..20,
        ) {
            let spans: Vec<PriceSpan> = rows.iter().enumerate().map(|(pence, ((from, own), length))| {
                let instant = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
                let price = Pence { exc_vat: pence.into(), inc_vat: pence.into() };
                let valid_to = length.map(|length| instant(from + length));
                PriceSpan { is_own: *own, valid_from: instant(*from), valid_to, price }
            }).collect();
            let mut others = spans.clone();
            others.rotate_left(turn % spans.len());
            others.reverse();
            let at = DateTime::from_timestamp(instant, 0).unwrap();
            prop_assert_eq!(in_force(&spans, at), in_force(&others, at));
        }
    }
}
