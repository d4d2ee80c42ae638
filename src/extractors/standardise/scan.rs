//! Which cells of an answer will be empty, told from notations and without reading a value.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use futures::TryStreamExt as _;
use sqlx::PgConnection;

use super::recipe::{Attendance, Fault, Lack, Recipe};
use crate::{
    db::{
        presence::{Presence, presence},
        sight::Cells,
    },
    domain::{ContractMonth, Dataset, Notation},
    extractors::{
        printed::PrintedSeries,
        warnings::{Place, Warning, Warnings},
        words::Block,
    },
};

/// What a scan finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Values of all versions: records of the long layout.
    pub values: u64,
    /// For each output series whether any version has it.
    pub used: Vec<bool>,
}

/// What of the versions is looked at.
pub struct Look<W, C> {
    /// Tells the contract months of the answer.
    pub is_wanted: W,
    /// The visible cells of an output series in one of the versions, by its index; without it all.
    pub cells: Option<C>,
}

/// Looks through `versions` (ascending by curve timestamp) for the output series `series`, adding one
/// warning for each cell that stays empty for want of a member or a scaler.
pub async fn scan<W: Fn(NaiveDate) -> bool, C: Fn(usize, &PrintedSeries) -> Cells>(
    connection: &mut PgConnection,
    dataset: Dataset,
    versions: &[i64],
    series: &[PrintedSeries],
    look: Look<W, C>,
    warnings: &mut Warnings,
) -> sqlx::Result<Scanned> {
    let mut scanned = Scanned { values: 0, used: vec![false; series.len()] };
    let mut quiet = Quiet::default();
    let mut found = presence(connection, dataset, versions);
    while let Some(mut presence) = found.try_next().await? {
        let wanted = |month: &NaiveDate| (look.is_wanted)(*month);
        let first = presence.months.iter().position(wanted).unwrap_or_default();
        presence.months.retain(wanted);
        if let Some(cells) = &look.cells {
            let index = versions.iter().position(|id| *id == presence.version_id);
            let version = Version::new(&presence, first);
            for (series, used) in series.iter().zip(&mut scanned.used) {
                let cells = index.map_or(Cells::Within(Vec::new()), |index| cells(index, series));
                let shown = presence.months.iter().filter(|month| cells.shows_month(**month));
                let shown = shown.count() as u64;
                if shown > 0 && version.has(series, &cells, warnings) {
                    *used = true;
                    scanned.values += shown;
                }
            }
            continue;
        }
        if !quiet.is_like(&presence) {
            let before = warnings.count;
            let version = Version::new(&presence, first);
            quiet.columns = 0;
            for (series, used) in series.iter().zip(&mut scanned.used) {
                let has = version.has(series, &Cells::All, warnings);
                *used |= has;
                quiet.columns += u64::from(has);
            }
            quiet.series = if warnings.count == before { presence.series } else { Vec::new() };
        }
        scanned.values += quiet.columns * presence.months.len() as u64;
    }
    Ok(scanned)
}

/// The last version, if it gave no warning: those with the same series and no gap give none either.
#[derive(Default)]
struct Quiet {
    series: Vec<i64>,
    columns: u64,
}

impl Quiet {
    fn is_like(&self, version: &Presence) -> bool {
        version.gapped.is_empty() && !self.series.is_empty() && version.series == self.series
    }
}

/// A version that is looked through.
struct Version<'a> {
    id: i64,
    months: &'a [NaiveDate],
    /// The place of the first wanted month.
    first: usize,
    series: HashSet<i64>,
    notations: HashMap<i64, &'a [u8]>,
}

impl<'a> Version<'a> {
    fn new(presence: &'a Presence, first: usize) -> Self {
        let notations = presence.notations.iter().map(String::as_bytes);
        Self {
            id: presence.version_id,
            months: &presence.months,
            first,
            series: presence.series.iter().copied().collect(),
            notations: presence.gapped.iter().copied().zip(notations).collect(),
        }
    }

    /// Whether the version has a column for `series`, with warnings for its empty cells as far as they
    /// are visible.
    fn has(&self, series: &PrintedSeries, visible: &Cells, warnings: &mut Warnings) -> bool {
        let Recipe::Computed(computed) = &series.recipe else {
            return self.series.contains(&series.id);
        };
        match computed.attendance(|id| self.series.contains(&id)) {
            None => return false,
            Some(Attendance::Failed(fault)) => warnings.add(|| self.failed(series, fault)),
            Some(Attendance::Sources { sources, absent }) => {
                let ids = sources.iter().flat_map(|s| [Some(s.series), s.scaler]).flatten();
                let has_gaps = ids.into_iter().any(|id| self.notations.contains_key(&id));
                if has_gaps || !absent.is_empty() {
                    let lack =
                        |row| computed.lack(&sources, &absent, |id| self.is_missing(id, row));
                    self.cells(series, visible, lack, warnings);
                }
            }
        }
        true
    }

    fn cells(
        &self,
        series: &PrintedSeries,
        visible: &Cells,
        lack: impl Fn(usize) -> Option<Lack>,
        warnings: &mut Warnings,
    ) {
        for (row, month) in self.months.iter().enumerate() {
            if !visible.shows_month(*month) {
                continue;
            }
            let lack = lack(row);
            if let Some((code, lack)) = lack.as_ref().and_then(|lack| Some((lack.code()?, lack))) {
                warnings.add(|| self.empty_cell(series, *month, code, lack));
            }
        }
    }

    fn is_missing(&self, series: i64, row: usize) -> bool {
        let code = self.notations.get(&series).and_then(|codes| codes.get(self.first + row));
        let notation = code.and_then(|code| Notation::from_code(*code));
        matches!(notation, Some(Notation::Missing(_)))
    }

    fn failed(&self, series: &PrintedSeries, fault: Fault) -> Warning {
        let why = match fault {
            Fault::MixedUom => "its members have different units",
            Fault::AmbiguousMember => "two series claim to be the same member or scaler",
        };
        let detail = format!("{}: {why}", series.labels.join(", "));
        Warning { code: fault.as_str(), detail, place: Some(self.place(series, None, &[])) }
    }

    fn empty_cell(
        &self,
        series: &PrintedSeries,
        month: NaiveDate,
        code: &'static str,
        lack: &Lack,
    ) -> Warning {
        let month = ContractMonth::containing(month);
        let (blocks, what) = match lack {
            Lack::Strips(blocks) => (&**blocks, words(blocks).join(" and ")),
            _ => (&[][..], "the scaler".to_owned()),
        };
        let detail = format!("{}: {what} has no value in {month}", series.labels.join(", "));
        Warning { code, detail, place: Some(self.place(series, Some(month), blocks)) }
    }

    fn place(
        &self,
        series: &PrintedSeries,
        month: Option<ContractMonth>,
        blocks: &[Block],
    ) -> Place {
        Place {
            series: series.labels.join(", "),
            version_id: Some(self.id.to_string()),
            contract_month: month.map(|month| month.to_string()),
            blocks: words(blocks),
        }
    }
}

fn words(blocks: &[Block]) -> Vec<&'static str> {
    blocks.iter().map(|block| block.as_str()).collect()
}
