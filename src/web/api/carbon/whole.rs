//! Slots and spans of series, and the files of them.

use super::{
    answer::{Whole, dated, trailer},
    query::{Common, Format, Granularity, range},
};
use crate::{
    app::App,
    db::feeds::{reads, regions::Series, snapshot::FeedSnapshot},
    domain::feed::{Grain, Metric, Window},
    error::Result,
    extractors::feed::{
        File, Piece, Reading, file_name,
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
        let metrics = self.common.metrics.as_ref().map_or(Metric::ALL.len(), Vec::len);
        let most = match format {
            Format::Xlsx => self.most(snapshot, series).await? * metrics as u64,
            Format::Json | Format::Csv => 0,
        };
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

    /// Slots or spans at the most: a sheet has no room for any number of them.
    async fn most(&self, snapshot: &mut FeedSnapshot, series: &[Series]) -> Result<u64> {
        if let Some(grain) = self.granularity.grain() {
            // A span at either end may lie half outside.
            let spans = self.window.length().num_seconds() / least_seconds(grain) + 2;
            return Ok(u64::try_from(spans).unwrap_or_default() * series.len() as u64);
        }
        let mut most = 0;
        for one in series {
            let count = reads::count(snapshot, one, self.window).await?;
            most += u64::try_from(count).unwrap_or_default();
        }
        Ok(most)
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
