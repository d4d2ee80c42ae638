//! The job behind the computed prices of schema `bi`: whenever a version of energy or nonenergy was
//! stored, its columns that a download would compute are computed by the same code and kept beside it.
//!
//! A version is due from its publication on (a trigger sees to that, whichever process publishes) and
//! is shown only when it is done, in one transaction with its prices. Several servers share the work:
//! who has taken a version holds its row. What was stored before there was this job is due from its
//! migration on, and everything is due again when [`REVISION`] is another.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, postgres::PgListener};

use crate::{
    app::App,
    db::{
        data::{self, SeriesHeader},
        derivation::{self, DerivedColumn, Due, Hours, PrintedName},
        sight::Sight,
        snapshot::View,
    },
    domain::{Axis, Calendar, ContractMonth, Dataset, Iso, MonthHours, exact::TooLarge},
    extractors::{
        layout::GridColumn,
        number,
        printed::{Kind, PrintedSeries},
        standardise::{Formula, Plan, Recipe, Rule, Wish, compute, plan},
        words::Block,
    },
};

/// Raised whenever the same version is computed or printed otherwise than before.
const REVISION: i32 = 1;

/// How long it sleeps when it hears nothing: a word can be lost with a connection.
const LOOK_AROUND: Duration = Duration::from_mins(5);

/// How long it waits after a failure.
const RETRY: Duration = Duration::from_secs(5);

/// Works until `stop`. What is unfinished then was not begun: its transaction is given up.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = work(&app) => {}
        () = stop => {}
    }
}

async fn work(app: &App) {
    let mut ears = None;
    loop {
        let pause = match round(app, &mut ears).await {
            Ok(()) => LOOK_AROUND,
            Err(error) => {
                tracing::warn!(%error, "computed prices wait");
                RETRY
            }
        };
        wait(&mut ears, pause).await;
    }
}

async fn round(app: &App, ears: &mut Option<PgListener>) -> sqlx::Result<()> {
    // Ears first: what is not found by this look is heard.
    if ears.is_none() {
        *ears = Some(derivation::listener(&app.pool).await?);
    }
    catch_up(app).await.map(|_| ())
}

async fn wait(ears: &mut Option<PgListener>, pause: Duration) {
    let Some(listener) = ears else { return tokio::time::sleep(pause).await };
    match tokio::time::timeout(pause, listener.try_recv()).await {
        // One look answers all that was said meanwhile.
        Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
        Ok(Err(error)) => {
            tracing::debug!(%error, "nobody hears of new versions for a moment");
            *ears = None;
            tokio::time::sleep(RETRY.min(pause)).await;
        }
        Ok(Ok(None)) | Err(_) => {}
    }
}

/// Computes every version that is due, and the reference hours; tells how many versions there were.
pub async fn catch_up(app: &App) -> sqlx::Result<usize> {
    let mut tx = app.pool.begin().await?;
    if derivation::begin_revision(&mut tx, REVISION).await? {
        derivation::put_hours(&mut tx, &reference_hours()).await?;
    }
    tx.commit().await?;
    let mut done = 0;
    while step(app).await? {
        done += 1;
    }
    Ok(done)
}

/// One version, in one transaction; `false` where none is due.
async fn step(app: &App) -> sqlx::Result<bool> {
    let mut tx = app.pool.begin().await?;
    let Some(due) = derivation::take(&mut tx).await? else { return Ok(false) };
    let Some(dataset) = Dataset::from_id(due.dataset_id) else { return Ok(false) };
    let version = due.version_id;
    let (names, columns) = derive(&mut tx, dataset, &due).await?;
    derivation::put_names(&mut tx, &names).await?;
    derivation::put_columns(&mut tx, version, &columns).await?;
    derivation::finish(&mut tx, version).await?;
    tx.commit().await?;
    tracing::debug!(%dataset, version, columns = columns.len(), "prices computed");
    Ok(true)
}

async fn derive(
    connection: &mut PgConnection,
    dataset: Dataset,
    due: &Due,
) -> sqlx::Result<(Vec<PrintedName>, Vec<DerivedColumn>)> {
    // Prices are those that everybody sees: the views decide who does.
    let view = View { known_at: DateTime::<Utc>::MAX_UTC, sight: Sight::everything() };
    let headers = data::series_of(connection, &view, dataset, &[due.version_id]).await?;
    let series = computed_series(dataset, &headers);
    let mut sources: Vec<i64> = series.iter().flat_map(PrintedSeries::sources).collect();
    sources.sort_unstable();
    sources.dedup();
    let found = data::columns(connection, dataset, due.version_id, &sources).await?;
    let axis = data::axis(connection, due.version_id).await?;
    let hours = hours(dataset.iso, &axis);
    let names = names(dataset, &headers);
    let job = move || {
        let columns = compute(&series, found, 0, &hours)?;
        Ok::<_, TooLarge>(stored(&series, columns, &headers, hours.len()))
    };
    let computed = tokio::task::spawn_blocking(job).await;
    match computed.map_err(|_| sqlx::Error::WorkerCrashed)? {
        Ok(columns) => Ok((names, columns)),
        Err(error) => {
            // A download of it breaks off: here its files' own prices are shown without.
            let version = due.version_id;
            tracing::warn!(%dataset, version, %error, "the prices of a version are not computed");
            Ok((names, Vec::new()))
        }
    }
}

fn hours(iso: Iso, axis: &Axis) -> Vec<MonthHours> {
    axis.months().map(|month| MonthHours::of(iso, Calendar::Flat, month)).collect()
}

/// What a download with strip=all computes.
fn computed_series(dataset: Dataset, headers: &[SeriesHeader]) -> Vec<PrintedSeries> {
    let wish = Wish { standardized: true, stored: vec![Block::All] };
    let Plan { mut series, .. } = plan(dataset, &wish, headers);
    series.retain(|series| series.recipe != Recipe::Stored);
    series
}

/// The names that stored series are printed under; those that are never listed are scalers.
fn names(dataset: Dataset, headers: &[SeriesHeader]) -> Vec<PrintedName> {
    let wish = Wish { standardized: false, stored: vec![Block::All] };
    let printed = plan(dataset, &wish, headers).series;
    let name = |header: &SeriesHeader| match printed.iter().find(|series| series.id == header.id) {
        Some(series) => PrintedName {
            series_id: header.id,
            block_type: series.labels[5].clone(),
            cost_component: series.labels[7].clone(),
            sub_component: series.sub_component.clone(),
            uom: series.uom.clone(),
            is_scaler: false,
        },
        None => PrintedName {
            series_id: header.id,
            block_type: header.key.labels.block_type.to_ascii_lowercase(),
            cost_component: header.key.labels.cost_component.clone(),
            sub_component: header.key.sub_component.clone(),
            uom: header.key.unit.clone(),
            is_scaler: true,
        },
    };
    headers.iter().map(name).collect()
}

fn stored(
    series: &[PrintedSeries],
    columns: Vec<Option<GridColumn>>,
    headers: &[SeriesHeader],
    rows: usize,
) -> Vec<DerivedColumn> {
    let pairs = series.iter().zip(columns);
    let columns = pairs.filter_map(|(series, column)| {
        let (Recipe::Computed(computed), Some(column)) = (&series.recipe, column) else {
            return None;
        };
        let members: Vec<i64> = computed.members.iter().map(|member| member.series).collect();
        let values: Vec<_> = (0..rows).map(|row| column.value(row).map(printed)).collect();
        let reasons: Vec<_> =
            (0..rows).map(|row| column.missing_reason(row).map(str::to_owned)).collect();
        Some(DerivedColumn {
            kind: if series.kind == Kind::Derived { "derived" } else { "converted" },
            blocks: blocks(computed.formula, &members, headers),
            members,
            block_type: series.labels[5].clone(),
            uom: series.uom.clone(),
            lookup_id: column.lookup_id().map(str::to_owned),
            reasons: values.contains(&None).then_some(reasons),
            values,
        })
    });
    columns.collect()
}

/// The number that a download prints.
fn printed(value: Decimal) -> Decimal {
    let mut digits = Vec::new();
    number::put_decimals(&mut digits, &value, number::FIVE);
    // Digits and a point: this parses.
    String::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(value)
}

/// The block types that grants are compared with, in lower case: of a price that is derived of blocks all
/// of those, whether or not the version has them; else those that its members are stored under.
fn blocks(formula: Formula, members: &[i64], headers: &[SeriesHeader]) -> Vec<String> {
    if let Formula::Mean(rule @ (Rule::Blocks | Rule::Days)) = formula {
        return rule.blocks().iter().map(|block| block.as_str().to_owned()).collect();
    }
    let of = headers.iter().filter(|header| members.contains(&header.id));
    let mut blocks: Vec<String> = of.map(|h| h.key.labels.block_type.to_lowercase()).collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

/// The hours of every month for which there are reference hours.
fn reference_hours() -> Vec<Hours> {
    let first_days =
        |year| (1..=12).filter_map(move |month| NaiveDate::from_ymd_opt(year, month, 1));
    let mut all = Vec::new();
    for &iso in Iso::ALL {
        for &calendar in Calendar::ALL {
            all.extend((2000..=2100).flat_map(first_days).map(|month| Hours {
                iso: iso.as_str(),
                calendar: calendar.as_str(),
                month,
                hours: MonthHours::of(iso, calendar, ContractMonth::containing(month)),
            }));
        }
    }
    all
}
