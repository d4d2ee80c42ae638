//! The heat map: where by whom and for how long, coloured by how much cheaper the best offer is.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::print;
use crate::db::headroom::reads::RecordRow;

/// Percentages from which on a cell is of the next shade, on either side of zero.
const SHADES: [u32; 4] = [1, 5, 10, 20];

/// A row: ISO, state, utility, load zone.
type Place<'a> = (i16, &'a str, &'a str, &'a str);

/// A column: customer type and term.
type Kind<'a> = (&'a str, i16);

/// The map.
pub(super) struct Map {
    /// Customer types, and how many terms each has.
    pub(super) customer_types: Vec<(String, usize)>,
    /// The terms below them, in months.
    pub(super) terms: Vec<i16>,
    pub(super) rows: Vec<MapRow>,
}

/// A load zone of a utility.
pub(super) struct MapRow {
    pub(super) state: String,
    pub(super) utility: String,
    pub(super) load_zone: String,
    pub(super) cells: Vec<Option<MapCell>>,
}

/// The best of the offers to a kind of customer for a term.
pub(super) struct MapCell {
    /// The class of its colour.
    pub(super) shade: String,
    pub(super) percent: String,
    pub(super) ptc: String,
    pub(super) price: String,
    /// How many offers there are.
    pub(super) offers: usize,
    /// In words, for who does not see the colour.
    pub(super) title: String,
    /// The place of its record in the table.
    pub(super) record: usize,
}

impl Map {
    pub(super) fn of(rows: &[RecordRow]) -> Self {
        let mut cells: BTreeMap<(Place<'_>, Kind<'_>), Vec<usize>> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            cells.entry((place_of(row), kind_of(row))).or_default().push(place);
        }
        let places: BTreeSet<Place<'_>> = cells.keys().map(|(place, _)| *place).collect();
        let kinds: BTreeSet<Kind<'_>> = cells.keys().map(|(_, kind)| *kind).collect();
        let mut customer_types: Vec<(String, usize)> = Vec::new();
        for (customer_type, _) in &kinds {
            match customer_types.last_mut() {
                Some((last, terms)) if last == customer_type => *terms += 1,
                _ => customer_types.push(((*customer_type).to_owned(), 1)),
            }
        }
        let mut lines = Vec::with_capacity(places.len());
        for place in places {
            let cell = |kind: &Kind<'_>| cells.get(&(place, *kind)).and_then(|all| best(rows, all));
            lines.push(MapRow {
                state: place.1.to_owned(),
                utility: place.2.to_owned(),
                load_zone: place.3.to_owned(),
                cells: kinds.iter().map(cell).collect(),
            });
        }
        Self { rows: lines, terms: kinds.iter().map(|(_, term)| *term).collect(), customer_types }
    }
}

fn place_of(row: &RecordRow) -> Place<'_> {
    (row.dataset_id, &row.state, &row.utility, &row.load_zone)
}

fn kind_of(row: &RecordRow) -> Kind<'_> {
    (&row.cost_component, row.term.unwrap_or_default())
}

fn best(rows: &[RecordRow], found: &[usize]) -> Option<MapCell> {
    let record = *found.iter().max_by_key(|place| rows[**place].headroom_pct)?;
    let row = &rows[record];
    let percent = row.headroom_pct.map_or("–".to_owned(), |percent| print::signed(percent, 1));
    let (ptc, price) = (print::fixed(row.ptc, 2), print::fixed(row.retail_price, 2));
    let side = if row.headroom.is_sign_negative() { "dearer" } else { "cheaper" };
    let count = match found.len() {
        1 => String::new(),
        offers => format!("; the best of {offers} offers"),
    };
    Some(MapCell {
        shade: shade(row.headroom_pct),
        title: format!(
            "{side} than the price to compare by {} $/MWh: {price} against {ptc}{count}",
            print::fixed(row.headroom.abs(), 2)
        ),
        percent,
        ptc,
        price,
        offers: found.len(),
        record,
    })
}

/// `up1` to `up4` where the offer is cheaper, `down1` to `down4` where it is dearer.
fn shade(percent: Option<Decimal>) -> String {
    let Some(percent) = percent else { return "none".to_owned() };
    let shade = SHADES.iter().filter(|from| percent.abs() >= Decimal::from(**from)).count();
    match (shade, percent.is_sign_negative()) {
        (0, _) => "level".to_owned(),
        (shade, true) => format!("down{shade}"),
        (shade, false) => format!("up{shade}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_diverge_from_zero() {
        let of = |percent: &str| shade(percent.parse().ok());
        for (percent, class) in [
            ("0", "level"),
            ("-0.99", "level"),
            ("1", "up1"),
            ("-4.9", "down1"),
            ("10", "up3"),
            ("-250", "down4"),
            ("", "none"),
        ] {
            assert_eq!(of(percent), class, "{percent}");
        }
    }
}
