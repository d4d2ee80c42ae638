//! Pieces to bytes.

use std::io::{self, Write};

use axum::body::Body;
use chrono::{DateTime, NaiveTime, Utc};
use tokio::sync::mpsc;

use super::{
    long::{self, Cells, Kind, Lines, More, Records, Row, Subject},
    pieces::{Piece, Reading},
};
use crate::{
    audit::download::Download,
    db::feeds::{
        reads::{ForecastSlot, Issue, MixRow, Slot},
        snapshot::FeedSnapshot,
    },
    domain::feed::{IntensityUnit, Metric, Window},
    extractors::{
        stream,
        turns::Turn,
        writers::{csv::Csv, xlsx},
    },
    feeds::read::Aggregate,
};

/// What is written, and how.
#[derive(Debug)]
pub struct File {
    /// A workbook rather than CSV.
    pub is_xlsx: bool,
    /// Which columns come last.
    pub kind: Kind,
    /// Whose rows, in the order in which they are read.
    pub subjects: Vec<Subject>,
    /// These metrics, known or not; none: each where it is known, and the first in any case.
    pub metrics: Option<Vec<Metric>>,
    /// The unit of intensities.
    pub unit: IntensityUnit,
    /// What stands at the end: attribution, disclaimer.
    pub trailer: Option<String>,
    /// What dates a workbook inside, so that the same rows have the same bytes.
    pub dated: DateTime<Utc>,
}

/// Starts reading and writing; the body yields what is written. A failure breaks the transfer.
pub fn body(
    file: File,
    reading: Reading,
    snapshot: FeedSnapshot,
    turn: Turn,
    download: Download,
) -> Body {
    let (sender, pieces) = mpsc::channel(2);
    tokio::spawn(reading.run(snapshot, sender));
    stream::written(turn, download, move |out| file.write(pieces, out))
}

type Received = mpsc::Receiver<sqlx::Result<(usize, Piece)>>;

impl File {
    fn write(mut self, pieces: Received, out: &mut (dyn Write + Send)) -> io::Result<u64> {
        let (kind, trailer) = (self.kind, self.trailer.take());
        if self.is_xlsx {
            let dated = self.dated;
            return xlsx::write(out, (1, 0), dated, trailer.as_deref(), |sheet| {
                long::header(sheet, kind)?;
                self.records(pieces, &mut Cells(sheet))
            });
        }
        let mut csv = Csv::new(out, false);
        long::header(&mut csv, kind)?;
        let rows = self.records(pieces, &mut Lines::new(&mut csv))?;
        csv.finish(trailer.as_deref())?;
        Ok(rows)
    }

    /// Everything until the sender is gone. It says so when it fails.
    fn records(&mut self, mut pieces: Received, records: &mut impl Records) -> io::Result<u64> {
        let (metrics, unit) = (self.metrics.take(), self.unit);
        let mut count = 0;
        while let Some(piece) = pieces.blocking_recv() {
            let (place, piece) = piece.map_err(io::Error::other)?;
            let subject = self.subjects.get_mut(place).ok_or(io::ErrorKind::InvalidData)?;
            let mut put = |row: &Row<'_>| {
                count += 1;
                records.record(subject, row)
            };
            let wanted = metrics.as_deref();
            match piece {
                Piece::Slots(slots) => {
                    slots.iter().try_for_each(|s| slot(s, wanted, unit, &mut put))
                }
                Piece::Spans(spans) => {
                    spans.iter().try_for_each(|s| span(s, wanted, unit, &mut put))
                }
                Piece::Mix(rows) => rows.iter().try_for_each(|row| fuel(row, &mut put)),
                Piece::Forecast(issue, slots) => {
                    slots.iter().try_for_each(|s| foretold(issue, s, wanted, unit, &mut put))
                }
                Piece::Made(made) => made.iter().try_for_each(|made| put(&made.row())),
            }?;
        }
        Ok(count)
    }
}

/// Whether a metric has a record: where it was asked for, where it is known, and the first always.
#[must_use]
pub fn has_record(metric: Metric, wanted: Option<&[Metric]>, is_known: bool) -> bool {
    wanted.map_or(is_known || metric == Metric::Generated, |wanted| wanted.contains(&metric))
}

type Put<'a> = dyn FnMut(&Row<'_>) -> io::Result<()> + 'a;

fn slot(
    slot: &Slot,
    wanted: Option<&[Metric]>,
    unit: IntensityUnit,
    put: &mut Put<'_>,
) -> io::Result<()> {
    let of =
        |metric: &&Metric| has_record(**metric, wanted, slot.values[**metric as usize].is_some());
    Metric::ALL.iter().filter(of).try_for_each(|metric| {
        put(&Row {
            metric: metric.as_str(),
            start: slot.start,
            seconds: slot.secs.into(),
            value: slot.value(*metric, unit),
            unit: unit.as_str(),
            quality: Some(slot.quality.as_str()),
            rev: Some(slot.rev),
            known_at: slot.known_at,
            more: More::Nothing,
        })
    })
}

fn span(
    span: &Aggregate,
    wanted: Option<&[Metric]>,
    unit: IntensityUnit,
    put: &mut Put<'_>,
) -> io::Result<()> {
    let of = |metric: &&Metric| {
        has_record(**metric, wanted, span.figures[**metric as usize].n_present > 0)
    };
    Metric::ALL.iter().filter(of).try_for_each(|metric| {
        let figure = &span.figures[*metric as usize];
        put(&Row {
            metric: metric.as_str(),
            start: span.start,
            seconds: (span.end - span.start).num_seconds(),
            value: figure.mean_in(unit),
            unit: unit.as_str(),
            quality: Some(figure.quality().as_str()),
            rev: Some(span.rev),
            known_at: span.known_at,
            more: More::Coverage {
                weighted: figure.weighted_in(unit),
                expected: figure.n_expected,
                present: figure.n_present,
                complete: figure.complete,
            },
        })
    })
}

fn fuel(row: &MixRow, put: &mut Put<'_>) -> io::Result<()> {
    let told = [(row.mw, "MW"), (row.percent, "percent")];
    // Where neither is known the megawatts of the slot are what is missing.
    let neither = row.mw.is_none() && row.percent.is_none();
    let of = |(value, unit): &&(Option<_>, &str)| value.is_some() || (neither && *unit == "MW");
    told.iter().filter(of).try_for_each(|(value, unit)| {
        put(&Row {
            metric: &row.fuel,
            start: row.start,
            seconds: row.secs.into(),
            value: *value,
            unit,
            quality: None,
            rev: Some(row.rev),
            known_at: row.known_at,
            more: More::Nothing,
        })
    })
}

fn foretold(
    issue: Issue,
    slot: &ForecastSlot,
    wanted: Option<&[Metric]>,
    unit: IntensityUnit,
    put: &mut Put<'_>,
) -> io::Result<()> {
    let of = |metric: &&Metric| has_record(**metric, wanted, slot.value(**metric, unit).is_some());
    Metric::ALL.iter().filter(of).try_for_each(|metric| {
        put(&Row {
            metric: metric.as_str(),
            start: slot.start,
            seconds: slot.secs.into(),
            value: slot.value(*metric, unit),
            unit: unit.as_str(),
            quality: None,
            rev: Some(1),
            known_at: issue.0,
            more: More::Issued(issue.0),
        })
    })
}

/// `<what>_<regions>_<granularity>_<start>_<end>.<ext>` in the characters that names have everywhere.
#[must_use]
pub fn file_name(
    (what, granularity, ext): (&str, &str, &str),
    regions: &[&str],
    window: Window,
) -> String {
    let regions = match regions {
        few @ ([_] | [_, _] | [_, _, _]) => few.join("_").to_lowercase(),
        many => format!("{}_regions", many.len()),
    };
    let stamp = |at: DateTime<Utc>| match at.time() {
        NaiveTime::MIN => at.format("%Y-%m-%d").to_string(),
        _ => at.format("%Y-%m-%dt%H%M%Sz").to_string(),
    };
    format!("{what}_{regions}_{granularity}_{}_{}.{ext}", stamp(window.from()), stamp(window.to()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_where_and_when() {
        let at = |text: &str| text.parse().unwrap();
        let window = Window::new(at("2025-01-15T00:00:00Z"), at("2025-01-16T01:30:00Z")).unwrap();
        assert_eq!(
            file_name(("intensity", "native", "csv"), &["US-NY-NYISO.NYCW"], window),
            "intensity_us-ny-nyiso.nycw_native_2025-01-15_2025-01-16t013000z.csv"
        );
        assert!(
            file_name(("mix", "native", "csv"), &["a", "b", "c", "d"], window)
                .contains("_4_regions_")
        );
    }
}
