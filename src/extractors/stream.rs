//! A selection as a body: one version is written while the next is read, and the client's pace
//! holds both back.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use tokio::{runtime::Handle, sync::mpsc};

use super::{
    headroom,
    layout::Grid,
    printed::PrintedSeries,
    query::Query,
    selection::{Part, Selection},
    standardise::{self, Recipe},
    turns::Turn,
    writers::{self, Grids},
};
use crate::{
    audit::download::{Download, Rows},
    db::{data, snapshot::Snapshot},
    domain::{Axis, Calendar, MonthHours, Source},
};

/// A client that takes nothing for this long is given up, and its connection to the database freed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Pieces that wait for the client.
const PIECES: usize = 4;

/// Starts reading and writing; the body yields what is written. A failure breaks the transfer: the
/// body ends cleanly only after its last byte. The `turn` ends when both are done; how the transfer
/// ends is written down by `download`.
pub fn body(selection: Selection, snapshot: Snapshot, turn: Turn, download: Download) -> Body {
    let turn = Arc::new(turn);
    let selection = Arc::new(selection);
    let (grid_sender, grids) = mpsc::channel(1);
    let reading = read(Arc::clone(&selection), snapshot, grid_sender);
    tokio::spawn(holding(Arc::clone(&turn), reading));
    let mut grids = ReadGrids(grids);
    written(turn, download, move |out| writers::write(&selection, &mut grids, out))
}

/// A body of what `write` writes, in a thread of its own; it tells how many rows that were. A failure
/// breaks the transfer. What is `held` is let go before the end.
pub fn written<T: Send + 'static>(
    held: T,
    download: Download,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<u64> + Send + 'static,
) -> Body {
    let (pieces, body) = channel(download);
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut out = Output { pieces, handle };
        let outcome = write(&mut out);
        // Before the end: who has seen it may ask for the next at once.
        drop(held);
        out.handle.block_on(out.pieces.end(outcome));
    });
    body
}

async fn holding(_turn: Arc<Turn>, work: impl Future<Output = ()>) {
    work.await;
}

/// What the writer hands to the body.
#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    Broken(io::Error),
    End,
}

type Received = mpsc::Receiver<Piece>;

/// The writing end of a body: the client's pace holds it back.
#[derive(Debug)]
pub struct Pieces {
    pieces: mpsc::Sender<Piece>,
    rows: Rows,
}

impl Pieces {
    /// Hands on some bytes. Fails when the client went away or takes nothing.
    pub async fn send(&self, bytes: Bytes) -> io::Result<()> {
        self.put(Piece::Bytes(bytes)).await
    }

    /// Ends the body, cleanly only after success: then so many rows were written.
    pub async fn end(&self, outcome: io::Result<u64>) {
        let last = match outcome {
            Ok(rows) => {
                self.rows.are(rows);
                Piece::End
            }
            Err(error) => {
                tracing::warn!(%error, "a download broke off");
                Piece::Broken(error)
            }
        };
        // A client that went away needs no end.
        let _ = self.put(last).await;
    }

    async fn put(&self, piece: Piece) -> io::Result<()> {
        match tokio::time::timeout(PATIENCE, self.pieces.send(piece)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client went away")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")),
        }
    }
}

/// The body of a download, and its writing end.
pub fn channel(download: Download) -> (Pieces, Body) {
    let (pieces, receiver) = mpsc::channel(PIECES);
    let writing = Pieces { pieces, rows: download.rows() };
    (writing, download.over(Body::from_stream(stream::unfold(Some(receiver), next_piece))))
}

async fn next_piece(receiver: Option<Received>) -> Option<(io::Result<Bytes>, Option<Received>)> {
    let mut receiver = receiver?;
    match receiver.recv().await {
        Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
        Some(Piece::End) => None,
        Some(Piece::Broken(error)) => Some((Err(error), None)),
        None => Some((Err(io::Error::other("the writer stopped before the end")), None)),
    }
}

/// The writer's end of the body.
struct Output {
    pieces: Pieces,
    handle: Handle,
}

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if !buffer.is_empty() {
            self.handle.block_on(self.pieces.send(Bytes::copy_from_slice(buffer)))?;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The reader's end: grids in the order of the selection.
struct ReadGrids(mpsc::Receiver<sqlx::Result<Grid>>);

impl Grids for ReadGrids {
    fn next(&mut self) -> io::Result<Grid> {
        match self.0.blocking_recv() {
            Some(grid) => grid.map_err(io::Error::other),
            None => Err(io::Error::other("the reader stopped before the end")),
        }
    }
}

async fn read(
    selection: Arc<Selection>,
    mut snapshot: Snapshot,
    grids: mpsc::Sender<sqlx::Result<Grid>>,
) {
    for part in &selection.parts {
        let reader = PartReader::new(&selection.query, part);
        for index in 0..part.versions.len() {
            // Room first: with the grid that is being written, at most two are held.
            let Ok(room) = grids.reserve().await else { return };
            let grid = reader.grid(index, &mut snapshot).await;
            let failed = grid.is_err();
            room.send(grid);
            if failed {
                return;
            }
        }
    }
    if let Err(error) = snapshot.finish().await {
        tracing::debug!(%error, "the snapshot ended badly");
    }
}

/// Reads the grids of a part.
pub(super) struct PartReader<'a> {
    query: &'a Query,
    part: &'a Part,
    series: Vec<i64>,
}

impl<'a> PartReader<'a> {
    pub(super) fn new(query: &'a Query, part: &'a Part) -> Self {
        let mut series: Vec<i64> = part.series.iter().flat_map(PrintedSeries::sources).collect();
        series.sort_unstable();
        series.dedup();
        Self { query, part, series }
    }

    /// Reads one version, cut to the requested months.
    pub(super) async fn grid(&self, index: usize, snapshot: &mut Snapshot) -> sqlx::Result<Grid> {
        let (part, header) = (self.part, &self.part.versions[index]);
        let (version, connection) = (header.id, snapshot.connection());
        let cells = || part.series.iter().map(|series| part.cells(header, series));
        let Source::Stored(dataset) = part.source else {
            let grid = headroom::grid(connection, version, &part.series).await?;
            return Ok(if part.masked { grid.as_far_as(cells()) } else { grid });
        };
        let axis = data::axis(connection, version).await?;
        let found = data::columns(connection, dataset, version, &self.series).await?;
        let rows = self.query.rows(self.part.combination.curve, &axis);
        let first = rows.start;
        let axis = if rows == (0..axis.len()) { axis } else { axis.cut(rows) };
        let hours = self.hours(&axis);
        let columns = standardise::compute(&self.part.series, found, first, &hours)
            .map_err(|error| sqlx::Error::Decode(error.into()))?;
        let grid = Grid { axis, columns };
        Ok(if part.masked { grid.as_far_as(cells()) } else { grid })
    }

    /// The hours of the rows, where something is computed from them.
    fn hours(&self, axis: &Axis) -> Vec<MonthHours> {
        let computes = self.part.series.iter().any(|series| series.recipe != Recipe::Stored);
        let calendar = self.query.calendar.unwrap_or(Calendar::Flat);
        let of = |month| MonthHours::of(self.part.source.iso(), calendar, month);
        axis.months().filter(|_| computes).map(of).collect()
    }
}
