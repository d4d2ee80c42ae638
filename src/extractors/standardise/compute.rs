//! From the stored columns of one version to its output columns.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::recipe::{Attendance, Computed, Formula, Per, Recipe, Source, hours_in};
use crate::{
    db::data::Column,
    domain::{
        MonthHours, Notation,
        exact::{Term, TooLarge, weighted},
    },
    extractors::{layout::GridColumn, printed::PrintedSeries},
};

/// The output columns of a version for `series`, from its stored columns `found`, read from their
/// place `first` on. `hours` are those of the rows. Fails where a value has no place in a decimal.
pub fn compute(
    series: &[PrintedSeries],
    found: Vec<Column>,
    first: usize,
    hours: &[MonthHours],
) -> Result<Vec<Option<GridColumn>>, TooLarge> {
    let stored = Stored { columns: &found, first, places: places(&found) };
    let mut columns = vec![None; series.len()];
    for (column, series) in columns.iter_mut().zip(series) {
        if let Recipe::Computed(computed) = &series.recipe {
            *column = stored.computed(computed, hours)?;
        }
    }
    let places = stored.places;
    let mut found: Vec<Option<Column>> = found.into_iter().map(Some).collect();
    for (column, series) in columns.iter_mut().zip(series) {
        let place = places.get(&series.id).filter(|_| series.recipe == Recipe::Stored);
        let stored = place.and_then(|place| found[*place].take());
        if let Some(stored) = stored {
            *column = Some(GridColumn::new(stored, first).shifted(series.shift));
        }
    }
    Ok(columns)
}

fn places(found: &[Column]) -> HashMap<i64, usize> {
    found.iter().map(|column| column.series_id).zip(0..).collect()
}

/// The stored columns of a version.
struct Stored<'a> {
    columns: &'a [Column],
    first: usize,
    places: HashMap<i64, usize>,
}

impl Stored<'_> {
    fn column(&self, series: i64) -> Option<&Column> {
        self.places.get(&series).map(|place| &self.columns[*place])
    }

    /// A computed column; none where the version has no member of it.
    fn computed(
        &self,
        computed: &Computed,
        hours: &[MonthHours],
    ) -> Result<Option<GridColumn>, TooLarge> {
        let attendance = computed.attendance(|series| self.places.contains_key(&series));
        let Some(attendance) = attendance else { return Ok(None) };
        let (sources, absent) = match attendance {
            Attendance::Sources { sources, absent } => (sources, absent),
            Attendance::Failed(fault) => {
                return Ok(Some(empty(hours.len(), Some(fault.as_str()))));
            }
        };
        if !absent.is_empty() {
            return Ok(Some(empty(hours.len(), Some("missing_strip"))));
        }
        let values = self.values(computed.formula, &sources, hours)?;
        let mut reasons = Vec::new();
        if values.iter().any(Option::is_none) {
            reasons = (0..hours.len()).map(|row| self.reason(computed, &sources, row)).collect();
        }
        // One stored column in another unit is still that column of the file.
        let lookup = match (computed.formula, &*sources) {
            (Formula::Single { .. }, [source]) => self.column(source.series),
            _ => None,
        };
        let lookup = lookup.and_then(|column| column.lookup_id.clone());
        Ok(Some(GridColumn::computed(values).explained(reasons, lookup)))
    }

    fn values(
        &self,
        formula: Formula,
        sources: &[Source],
        hours: &[MonthHours],
    ) -> Result<Vec<Option<Decimal>>, TooLarge> {
        let columns: Vec<_> = sources
            .iter()
            .map(|source| {
                let scaler = source.scaler.map(|scaler| self.tail(scaler));
                (source.block, self.tail(source.series), scaler)
            })
            .collect();
        let mut terms = Vec::with_capacity(columns.len());
        let mut values = Vec::with_capacity(hours.len());
        for (row, hours) in hours.iter().enumerate() {
            terms.clear();
            for (block, column, scaler) in &columns {
                let value = column.get(row).copied().flatten();
                let scaler = scaler.map_or(Some(Decimal::ONE), |s| s.get(row).copied().flatten());
                let weight = match formula {
                    Formula::Mean(_) => hours_in(*block, hours),
                    Formula::Single { .. } => 1,
                };
                let pair = value.zip(scaler);
                terms.extend(pair.map(|(value, scaler)| Term { value, scaler, weight }));
            }
            let complete = terms.len() == columns.len();
            let (times, divisor) = factors(formula, hours);
            values.push(complete.then(|| weighted(&terms, times, divisor)).transpose()?);
        }
        Ok(values)
    }

    /// The values of a stored column from the first row on.
    fn tail(&self, series: i64) -> &[Option<Decimal>] {
        let values = self.column(series).and_then(|column| column.values.0.get(self.first..));
        values.unwrap_or_default()
    }

    /// Why the value of a row is missing; none where it is not.
    fn reason(&self, computed: &Computed, sources: &[Source], row: usize) -> Option<&'static str> {
        let is_missing = |series| self.tail(series).get(row).copied().flatten().is_none();
        let lack = computed.lack(sources, &[], is_missing)?;
        lack.code().or_else(|| self.stored_reason(sources.first()?.series, row))
    }

    fn stored_reason(&self, series: i64, row: usize) -> Option<&'static str> {
        let notation = self.column(series)?.notation.as_ref()?.as_bytes();
        match Notation::from_code(*notation.get(self.first + row)?)? {
            Notation::Missing(reason) => Some(reason.as_str()),
            _ => None,
        }
    }
}

/// What the sum is multiplied by and divided by.
const fn factors(formula: Formula, hours: &MonthHours) -> (u32, u32) {
    match formula {
        Formula::Mean(_) => (1, hours.s7x24),
        Formula::Single { times, per: Per::One } => (times, 1),
        Formula::Single { times, per: Per::Day } => (times, 24),
        Formula::Single { times, per: Per::Month } => (times, hours.s7x24),
    }
}

fn empty(rows: usize, reason: Option<&'static str>) -> GridColumn {
    GridColumn::computed(vec![None; rows]).explained(vec![reason; rows], None)
}
