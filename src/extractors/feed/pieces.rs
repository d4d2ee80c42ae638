//! What is read, in pieces.

use chrono_tz::Tz;
use futures::TryStreamExt as _;
use tokio::sync::mpsc;

use super::long::Made;
use crate::{
    db::feeds::{
        reads::{self, ForecastSlot, Issue, MixRow, Slot},
        regions::{MixSeries, Series},
        snapshot::FeedSnapshot,
    },
    domain::feed::Window,
    feeds::read::{Aggregate, Calendar, aggregates},
};

/// Slots of a piece, and of the first one: what begins soon need not wait for much.
const SLOTS: usize = 4096;
const FIRST_SLOTS: usize = 512;
/// Fuels of a piece.
const FUELS: i64 = 8192;

/// Some rows of one series.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Slots.
    Slots(Vec<Slot>),
    /// Spans of the calendar.
    Spans(Vec<Aggregate>),
    /// Fuels of slots.
    Mix(Vec<MixRow>),
    /// A forecast.
    Forecast(Issue, Vec<ForecastSlot>),
    /// Records as they are written.
    Made(Vec<Made>),
}

/// Pieces with the place of their series, in its order.
pub type Pieces = mpsc::Sender<sqlx::Result<(usize, Piece)>>;

/// What is read, series after series.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Slots that begin in a window.
    Slots(Vec<Series>, Window),
    /// Spans of the calendar that begin in a window; each series in its zone.
    Spans(Vec<(Series, Calendar)>, Window),
    /// Fuels of slots that begin in a window.
    Mix(Vec<MixSeries>, Window),
    /// Pieces that were read already: they are short.
    Ready(Vec<Piece>),
}

impl Reading {
    /// Reads everything and hands it on; stops when nobody takes it.
    pub(super) async fn run(self, mut snapshot: FeedSnapshot, pieces: Pieces) {
        match self.read(&mut snapshot, &pieces).await {
            Ok(true) => {
                if let Err(error) = snapshot.finish().await {
                    tracing::debug!(%error, "the snapshot ended badly");
                }
            }
            // Nobody takes it any more.
            Ok(false) => {}
            Err(error) => _ = pieces.send(Err(error)).await,
        }
    }

    async fn read(self, snapshot: &mut FeedSnapshot, pieces: &Pieces) -> sqlx::Result<bool> {
        match self {
            Self::Slots(series, window) => {
                for (place, series) in series.iter().enumerate() {
                    if !slots(snapshot, series, window, (place, pieces)).await? {
                        return Ok(false);
                    }
                }
            }
            Self::Spans(series, window) => {
                for (place, (series, calendar)) in series.iter().enumerate() {
                    if !spans(snapshot, series, (*calendar, window), (place, pieces)).await? {
                        return Ok(false);
                    }
                }
            }
            Self::Mix(series, window) => {
                for (place, series) in series.iter().enumerate() {
                    if !mix(snapshot, series, window, (place, pieces)).await? {
                        return Ok(false);
                    }
                }
            }
            Self::Ready(ready) => {
                for piece in ready.into_iter().enumerate() {
                    if pieces.send(Ok(piece)).await.is_err() {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }
}

async fn slots(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    window: Window,
    (place, pieces): (usize, &Pieces),
) -> sqlx::Result<bool> {
    let mut rows = reads::slots(snapshot, series, window);
    let mut piece = Vec::with_capacity(FIRST_SLOTS);
    while let Some(slot) = rows.try_next().await? {
        piece.push(slot);
        if piece.len() == piece.capacity() {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(SLOTS));
            if pieces.send(Ok((place, Piece::Slots(full)))).await.is_err() {
                return Ok(false);
            }
        }
    }
    Ok(piece.is_empty() || pieces.send(Ok((place, Piece::Slots(piece)))).await.is_ok())
}

async fn spans(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    (calendar, window): (Calendar, Window),
    (place, pieces): (usize, &Pieces),
) -> sqlx::Result<bool> {
    let Some(window) = held(snapshot, series, calendar, window).await? else { return Ok(true) };
    for part in window.cut(calendar.piece()) {
        let spans = aggregates(snapshot, series, calendar, part).await?;
        let piece = Piece::Spans(spans);
        if pieces.send(Ok((place, piece))).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// As much of a window as a series has spans in: years without a row are not looked through.
pub async fn held(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    calendar: Calendar,
    window: Window,
) -> sqlx::Result<Option<Window>> {
    let Some(extent) = reads::extent(snapshot.connection(), series).await? else { return Ok(None) };
    let from = calendar.holding(extent.from()).from();
    Ok(Window::new(from, extent.to()).ok().and_then(|extent| extent.meet(window)))
}

async fn mix(
    snapshot: &mut FeedSnapshot,
    series: &MixSeries,
    window: Window,
    (place, pieces): (usize, &Pieces),
) -> sqlx::Result<bool> {
    let mut last: Option<MixRow> = None;
    loop {
        let after = last.as_ref().map(|row| (row.start, &*row.fuel));
        let rows = reads::mix(snapshot, series, window, after, FUELS).await?;
        let Some(end) = rows.last().cloned() else { return Ok(true) };
        if pieces.send(Ok((place, Piece::Mix(rows)))).await.is_err() {
            return Ok(false);
        }
        last = Some(end);
    }
}

/// The zone of a place; that of the world where its name is not known.
#[must_use]
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}
