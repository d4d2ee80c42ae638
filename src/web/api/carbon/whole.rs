//! Slots and spans of series, and the files of them.

use super::{
    answer::{Whole, dated, trailer},
    query::{Common, Format, Granularity, range},
};
use crate::{
    app::App,
    db::feeds::{
        reads::{self, Counts},
        regions::Series,
        snapshot::FeedSnapshot,
    },
    domain::feed::{Grain, Metric, Window},
    error::Result,
    extractors::feed::{
        File, Piece, Reading, file_name, has_record, held,
        long::{Kind, Made, Subject},
    },
    feeds::read::aggregate,
    web::parameters::Parameters,
};

/// Which slots or spans are asked for.
#[derive(Debug)]
pub struct Asked {
    /// What every read takes.
    pub common: Common,
    /// Those that begin in it.
    pub window: Window,
    /// How long they are.
    pub granularity: Granularity,
}

impl Asked {
    /// Takes its parameters.
    pub fn read(p: &mut Parameters) -> Result<Self> {
        Ok(Self {
            common: Common::read(p)?,
            window: range(p)?,
            granularity: p.value("granularity")?.unwrap_or(Granularity::Native),
        })
    }

    /// What is known of a file of `what` before it is written.
    pub async fn whole(
        &self,
        snapshot: &mut FeedSnapshot,
        series: &[Series],
        (what, format): (&str, Format),
    ) -> Result<Whole> {
        let mut state = Vec::new();
        for one in series {
            let Series { region_id, feed_id, factor_set_id, .. } = one;
            let of = (&**feed_id, &**region_id);
            let changes = match self.granularity.grain() {
                None => {
                    let rows = reads::state(snapshot, "carbon_intensity", of, self.window).await?;
                    format!("{rows:?}")
                }
                Some(grain) => {
                    let calendar = self.common.calendar(one, grain);
                    aggregate::state(snapshot, one, calendar, self.window).await?
                }
            };
            state.push(format!("{region_id} {feed_id} {factor_set_id} {changes}\n"));
        }
        let mut most = 0;
        for one in series.iter().filter(|_| format == Format::Xlsx) {
            most += u64::try_from(self.most(snapshot, one).await?).unwrap_or_default();
        }
        let regions = self.common.names(series.iter().map(|one| &*one.region_id));
        let name = (what, self.granularity.as_str(), format.as_str());
        let name = file_name(name, &regions, self.window);
        let object = match what {
            "intensity" => "carbon-intensity",
            what => what,
        };
        let object = format!("{object}/{}", regions.join(","));
        Ok(Whole { name, object, state: state.concat(), most })
    }

    /// Records of a series at the most: a sheet has no room for any number of them.
    async fn most(&self, snapshot: &mut FeedSnapshot, series: &Series) -> Result<i64> {
        let wanted = self.common.metrics.as_deref();
        let Some(grain) = self.granularity.grain() else {
            return Ok(records(reads::counts(snapshot, series, self.window).await?, wanted));
        };
        let calendar = self.common.calendar(series, grain);
        let Some(window) = held(snapshot, series, calendar, self.window).await? else {
            return Ok(0);
        };
        // A span at either end may lie half outside.
        let spans = window.length().num_seconds() / least_seconds(grain) + 2;
        Ok(records(Counts { slots: spans, known: [spans; 3] }, wanted))
    }

    /// The file, and what is read for it.
    #[must_use]
    pub fn file(&self, app: &App, series: &[Series], format: Format) -> (File, Reading) {
        let (kind, reading) = match self.granularity.grain() {
            None => (Kind::Slots, Reading::Slots(series.to_vec(), self.window)),
            Some(grain) => {
                let calendar = |one| self.common.calendar(one, grain);
                let spans = series.iter().map(|one| (one.clone(), calendar(one))).collect();
                (Kind::Spans, Reading::Spans(spans, self.window))
            }
        };
        let trailer = trailer(app, series.iter().map(|one| &*one.attribution));
        let subjects = series.iter().map(Into::into).collect();
        (self.common.file(format, kind, subjects, (trailer, dated(self.window))), reading)
    }
}

/// A file of a few records, which are made before it is begun.
#[derive(Debug, Clone, Copy)]
pub struct Few {
    /// The first and the last part of its name.
    pub what: (&'static str, &'static str),
    /// Which columns come last.
    pub kind: Kind,
    /// CSV or a workbook.
    pub format: Format,
    /// What it is of.
    pub window: Window,
}

impl Few {
    /// What is known of it, and the file. Its state is what its records say, whenever that was known.
    #[must_use]
    pub fn file<'a>(
        self,
        (app, common): (&App, &Common),
        made: Vec<(Subject, Vec<Made>)>,
        attributions: impl Iterator<Item = &'a str>,
    ) -> (Whole, (File, Reading)) {
        let said = |(subject, made): &(Subject, Vec<Made>)| {
            let said = made.iter().map(|one| format!("{:?}\n", one.said()));
            format!("{subject:?}\n{}", said.collect::<String>())
        };
        let ((what, of), format) = (self.what, self.format);
        let regions = common.names(made.iter().map(|(subject, _)| subject.region()));
        let whole = Whole {
            name: file_name((what, of, format.as_str()), &regions, self.window),
            object: format!("carbon-intensity-{of}/{}", regions.join(",")),
            state: made.iter().map(said).collect(),
            most: made.iter().map(|(_, made)| made.len() as u64).sum(),
        };
        let end = (trailer(app, attributions), dated(self.window));
        let (subjects, pieces): (Vec<_>, Vec<_>) =
            made.into_iter().map(|(subject, made)| (subject, Piece::Made(made))).unzip();
        (whole, (common.file(format, self.kind, subjects, end), Reading::Ready(pieces)))
    }
}

/// How many records slots have.
fn records(counts: Counts, wanted: Option<&[Metric]>) -> i64 {
    let of = |metric: &Metric| {
        let [always, known] = [false, true].map(|known| has_record(*metric, wanted, known));
        match (always, known) {
            (true, _) => counts.slots,
            (false, true) => counts.known[*metric as usize],
            (false, false) => 0,
        }
    };
    Metric::ALL.iter().map(of).sum()
}

/// The shortest that a span can be: a day of 23 hours, a February.
const fn least_seconds(grain: Grain) -> i64 {
    const HOUR: i64 = 3600;
    match grain {
        Grain::Hour => HOUR,
        Grain::Day => 23 * HOUR,
        Grain::Week => (7 * 24 - 1) * HOUR,
        Grain::Month => (28 * 24 - 1) * HOUR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_the_metrics_that_are_known_or_asked_for() {
        let counts = Counts { slots: 10, known: [7, 2, 0] };
        let [generated, consumed, marginal] =
            [Metric::Generated, Metric::Consumed, Metric::Marginal];
        for (wanted, most) in [
            (None, 12),
            (Some(&[generated][..]), 10),
            (Some(&[marginal]), 10),
            (Some(&[generated, consumed, marginal]), 30),
        ] {
            assert_eq!(records(counts, wanted), most, "{wanted:?}");
        }
    }
}
