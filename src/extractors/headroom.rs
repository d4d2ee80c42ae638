//! Headroom in a download: its series and grids, which are kept as they were computed.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{
    layout::{Grid, GridColumn},
    printed::{Kind, PrintedSeries},
    standardise::Wish,
    warnings::{Warning, Warnings},
};
use crate::{
    db::{data, headroom::reads, snapshot::Snapshot},
    domain::{Axis, Family, Iso, Source, headroom::measures},
    error::Result,
};

/// The records' series of the versions in their order; warns of offers that have several.
pub(super) async fn series(
    snapshot: &mut Snapshot,
    iso: Iso,
    wish: &Wish,
    versions: &[i64],
    warnings: &mut Warnings,
) -> Result<Vec<PrintedSeries>> {
    let (connection, view) = snapshot.parts();
    for (version, offers) in reads::ambiguous(connection, view, versions).await? {
        let detail = format!(
            "in version {version} of {iso} headroom, offers that match several prices to compare, \
             and so have a record of each: {offers}"
        );
        warnings.add(|| Warning::new("ambiguous_match", detail));
    }
    let found = data::series_of(connection, view, Source::Headroom(iso), versions).await?;
    let visible = found.into_iter().filter(|header| !header.admitted.is_empty());
    let printed = visible.map(|header| PrintedSeries {
        kind: Kind::Derived,
        ..PrintedSeries::native(Family::Matrix, header)
    });
    Ok(printed.filter(|series| wish.lists(&series.labels[5])).collect())
}

/// The measures of a version, one row each.
pub(super) async fn grid(
    connection: &mut PgConnection,
    version: i64,
    series: &[PrintedSeries],
) -> sqlx::Result<Grid> {
    let ids: Vec<i64> = series.iter().map(|series| series.id).collect();
    let found = reads::columns(connection, version, &ids).await?;
    let mut found: HashMap<i64, _> = found.into_iter().collect();
    let columns =
        ids.iter().map(|id| found.remove(id).map(|values| GridColumn::computed(values.to_vec())));
    Ok(Grid { axis: Axis::Components(measures()), columns: columns.collect() })
}
