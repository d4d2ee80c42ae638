//! From a kept document every row can be made again: reads documents anew and holds the stored
//! versions against them.

use std::collections::HashMap;

use super::StoredVersion;
use crate::{
    app::App,
    db::versions::{self, StoredCurve},
    domain::{CurveFileName, SeriesKey},
    ingestors::{self, Context, Curve},
    objects::StoreError,
};

/// Why a stored version is not what its document says.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The document is away or damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database is away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Today's rules refuse the document.
    #[error("the document is refused today: {0}")]
    Refused(String),
    /// The points differ.
    #[error("{0} of {1} points differ from the document")]
    Different(usize, usize),
}

/// Reads a version's document again and compares every point; answers how many there are.
pub async fn replay(app: &App, version: &StoredVersion) -> Result<usize, ReplayError> {
    let bytes = app.documents.get(version.sha256).await?;
    let now = app.clock.now();
    let name = CurveFileName::parse(&version.file_name, version.zone, now)
        .map_err(|error| ReplayError::Refused(error.to_string()))?;
    let config = app.config.clone();
    let reading = app
        .in_reader_turn(move || {
            let context = Context { name, bands: &config.bands };
            ingestors::read(&bytes, &context, &config.limits)
        })
        .await
        .map_err(|problem| ReplayError::Refused(problem.detail))?;
    let Some(curve) = reading.curve else {
        let why = reading.findings.first_error().map(|error| error.message.clone());
        return Err(ReplayError::Refused(why.unwrap_or_default()));
    };
    let stored = versions::content(&app.pool, name.dataset, version.id).await?;
    let points = curve.axis.len() * curve.series.len();
    match differences(&curve, stored) {
        0 => Ok(points),
        different => Err(ReplayError::Different(different, points)),
    }
}

fn differences(curve: &Curve, stored: StoredCurve) -> usize {
    let mut known: HashMap<SeriesKey, Vec<_>> = stored.series.into_iter().collect();
    let axes_agree = stored.axis == curve.axis;
    let of_series = curve.series.iter().map(|series| match known.remove(&series.key) {
        Some(values) if axes_agree => {
            series.values().zip(values).filter(|(new, old)| new != old).count()
        }
        _ => series.numbers.len(),
    });
    let different: usize = of_series.sum();
    different + known.values().map(Vec::len).sum::<usize>()
}
