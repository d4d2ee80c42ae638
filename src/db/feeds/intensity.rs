//! Intensities of slots.

use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::rows::{ATTRIBUTE, Kind, METRIC, Part, Row, Table, column};
use crate::domain::feed::{IntensityUnit, Quality, upsert::Cell};

/// Rows of `carbon_intensity`.
pub const TABLE: Table = Table {
    name: "carbon_intensity",
    columns: &[
        column("feed_id", Kind::Text, Part::Fixed),
        column("region_id", Kind::Text, Part::Fixed),
        column("factor_set_id", Kind::Text, Part::Further),
        column("start_at", Kind::Instant, Part::Start),
        column("secs", Kind::Int, ATTRIBUTE),
        column("generated", Kind::Number, METRIC),
        column("consumed", Kind::Number, METRIC),
        column("marginal", Kind::Number, METRIC),
        column("raw_generated", Kind::Number, METRIC),
        column("raw_consumed", Kind::Number, METRIC),
        column("raw_marginal", Kind::Number, METRIC),
        column("raw_unit", Kind::Text, ATTRIBUTE),
        column("quality", Kind::Text, ATTRIBUTE),
        column("raw", Kind::Json, Part::Beside),
        column("src_key", Kind::Text, Part::Beside),
        column("src_updated_at", Kind::Instant, Part::Beside),
    ],
    series: &["feed_id", "region_id", "factor_set_id"],
    updated_at: Some("src_updated_at"),
    reconcile: Some(reconcile),
};

/// Where the cells of a row stand.
pub const FACTOR_SET: usize = 2;
/// See [`FACTOR_SET`].
pub const START: usize = 3;
/// See [`FACTOR_SET`].
pub const SECS: usize = 4;
/// Of the first of the three metrics.
pub const GRAMS: usize = 5;
/// Of the first of the three as the upstream wrote them.
pub const RAW: usize = 8;
/// See [`FACTOR_SET`].
pub const RAW_UNIT: usize = 11;
/// See [`FACTOR_SET`].
pub const QUALITY: usize = 12;

/// The highest plausible intensity in g/kWh.
const HIGHEST: Decimal = Decimal::from_parts(5000, 0, 0, false, 0);

/// Whether an intensity in g/kWh is one that there can be.
#[must_use]
pub fn is_plausible(grams: Decimal) -> bool {
    grams.is_zero() || (grams.is_sign_positive() && grams <= HIGHEST)
}

/// What the upstream does not tell again stays, in the unit that it tells in now; one implausible
/// figure makes the whole row suspect.
fn reconcile(stored: &[Cell], came: &mut Row) {
    let unit = |row: &[Cell]| row[RAW_UNIT].text().and_then(|u| u.parse::<IntensityUnit>().ok());
    let units = unit(stored).zip(unit(came));
    for metric in 0..3 {
        let (grams, raw) = (GRAMS + metric, RAW + metric);
        if !came[grams].is_null() || stored[grams].is_null() {
            continue;
        }
        came[grams] = stored[grams].clone();
        let converted = units
            .zip(stored[raw].number())
            .and_then(|((from, to), number)| from.convert(number, to));
        came[raw] = converted.map_or_else(|| stored[raw].clone(), Cell::Number);
        if !stored[grams].number().is_none_or(is_plausible) {
            came[QUALITY] = Quality::Suspect.as_str().into();
        }
    }
}

/// Makes the series of a feed's region under sets of factors; a set that nobody described yet is the
/// provider's own.
pub async fn ensure_series(
    conn: &mut PgConnection,
    (feed_id, region_id): (&str, &str),
    provider: &str,
    factor_sets: &[String],
) -> sqlx::Result<()> {
    let known = sqlx::query_scalar!(
        r#"select count(*) as "n!" from intensity_series
           where feed_id = $1 and region_id = $2 and factor_set_id = any($3)"#,
        feed_id,
        region_id,
        factor_sets
    );
    if usize::try_from(known.fetch_one(&mut *conn).await?) == Ok(factor_sets.len()) {
        return Ok(());
    }
    sqlx::query!(
        "insert into factor_set (factor_set_id, provider, basis, note)
         select s, $2, 'provider', 'named by the provider; not described here' from unnest($1::text[]) s
         on conflict do nothing",
        factor_sets,
        provider
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into intensity_series (feed_id, region_id, factor_set_id)
         select $1, $2, s from unnest($3::text[]) s on conflict do nothing",
        feed_id,
        region_id,
        factor_sets
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row with one metric as the upstream wrote it and in g/kWh, or none.
    fn row(metric: usize, raw: &str, unit: IntensityUnit, quality: Quality) -> Row {
        let mut row = vec![Cell::Null; TABLE.columns.len()];
        let raw: Decimal = raw.parse().unwrap();
        row[GRAMS + metric] = Cell::from(unit.canonical(raw));
        row[RAW + metric] = Cell::Number(raw);
        row[RAW_UNIT] = unit.as_str().into();
        row[QUALITY] = quality.as_str().into();
        row
    }

    #[test]
    fn the_places_are_those_of_the_columns() {
        for (place, name) in [
            (FACTOR_SET, "factor_set_id"),
            (START, "start_at"),
            (SECS, "secs"),
            (GRAMS, "generated"),
            (RAW, "raw_generated"),
            (RAW_UNIT, "raw_unit"),
            (QUALITY, "quality"),
        ] {
            assert_eq!(TABLE.place(name), place);
        }
    }

    #[test]
    fn what_is_not_told_again_stays_in_the_new_unit() {
        let stored = row(1, "100", IntensityUnit::LbPerMwh, Quality::Measured);
        let mut came = row(0, "50", IntensityUnit::GPerKwh, Quality::Measured);
        reconcile(&stored, &mut came);
        assert_eq!(came[GRAMS + 1].number(), stored[GRAMS + 1].number());
        assert_eq!(came[RAW + 1].number(), Some("45.359237".parse().unwrap()));
        assert_eq!(came[RAW].number(), Some(50.into()));
        assert_eq!(came[QUALITY].text(), Some("measured"));
    }

    #[test]
    fn a_row_stays_suspect_as_long_as_it_has_an_implausible_figure() {
        let stored = row(2, "5000.1", IntensityUnit::GPerKwh, Quality::Suspect);
        let mut came = row(0, "50", IntensityUnit::GPerKwh, Quality::Measured);
        reconcile(&stored, &mut came);
        assert_eq!(came[QUALITY].text(), Some("suspect"));
        let mut corrected = row(2, "4999", IntensityUnit::GPerKwh, Quality::Measured);
        reconcile(&stored, &mut corrected);
        assert_eq!(corrected[QUALITY].text(), Some("measured"));
    }
}
