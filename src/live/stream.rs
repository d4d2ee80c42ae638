//! The stream, read once by each server for all who listen there.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

use crate::{
    clock::Clock,
    db::feeds::{
        relay,
        stream::{self, EventRow},
    },
    domain::feed::Topic,
};

/// How far behind somebody may be who listens: then they are let go, and go on where they were.
pub const PATIENCE: usize = 1000;

/// How many events are read at once.
const BATCH: i64 = 500;

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Name of the histogram of seconds from the commit of an event to its being handed to those who
/// listen; the commit is taken for the instant at which the event was written.
pub const DELAY: &str = crate::feeds::numbers::EVENT_DELAY;

/// An event as it is handed to everybody.
#[derive(Debug)]
pub struct Told {
    /// Its place in the stream.
    pub seq: i64,
    /// What about.
    pub topic: Topic,
    /// What topics are chosen by: a region, a meter, a tariff, a feed.
    pub subject: String,
    /// The meter that it tells of: then it is for those only who may read it.
    pub meter: Option<String>,
    /// As a server-sent event.
    pub frame: Bytes,
    envelope: std::ops::Range<usize>,
}

impl Told {
    /// `None` for a topic that a newer version of the program has written.
    fn of(row: &EventRow) -> Option<Self> {
        let topic: Topic = row.topic.parse().ok()?;
        let head = format!("id: {}\nevent: {topic}\ndata: ", row.seq);
        let envelope = head.len()..head.len() + row.envelope.len();
        Some(Self {
            seq: row.seq,
            topic,
            subject: row.subject.clone(),
            meter: row.meter.clone(),
            frame: Bytes::from(format!("{head}{}\n\n", row.envelope)),
            envelope,
        })
    }

    /// The event itself: JSON.
    #[must_use]
    pub fn envelope(&self) -> Bytes {
        self.frame.slice(self.envelope.clone())
    }

    #[cfg(test)]
    pub(super) fn for_tests(seq: i64, topic: Topic, subject: &str, meter: Option<&str>) -> Self {
        let row = EventRow {
            seq,
            topic: topic.to_string(),
            subject: subject.to_owned(),
            meter: meter.map(str::to_owned),
            created_at: DateTime::UNIX_EPOCH,
            envelope: "{\"v\":1}".to_owned(),
        };
        Self::of(&row).unwrap()
    }
}

/// Hands the stream on. Cheap to clone; reads from the first who listens on.
#[derive(Debug, Clone, Default)]
pub struct Stream(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    events: broadcast::Sender<Arc<Told>>,
    /// The place of the last event that was handed on; none before the first look.
    at: watch::Sender<Option<i64>>,
    /// Whoever hands on, and whoever begins to listen, one after the other.
    order: Mutex<()>,
    reads: AtomicBool,
    ended: watch::Sender<bool>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            events: broadcast::Sender::new(PATIENCE),
            at: watch::Sender::default(),
            order: Mutex::default(),
            reads: AtomicBool::default(),
            ended: watch::Sender::default(),
        }
    }
}

/// Somebody who listens: what comes after `from`.
#[derive(Debug)]
pub struct Listening {
    /// The place after which events come.
    pub from: i64,
    /// The events.
    pub events: broadcast::Receiver<Arc<Told>>,
    ended: watch::Receiver<bool>,
}

impl Listening {
    /// The next event; `None` where there is none any more for this one: the server ends, or it is
    /// too far behind.
    pub async fn next(&mut self) -> Option<Arc<Told>> {
        tokio::select! {
            biased;
            _ = self.ended.wait_for(|ended| *ended) => None,
            event = self.events.recv() => event.ok(),
        }
    }
}

impl Listening {
    /// Waits until there is more, however much; false when the server ends.
    pub async fn wakes(&mut self) -> bool {
        tokio::select! {
            biased;
            _ = self.ended.wait_for(|ended| *ended) => false,
            event = self.events.recv() => !matches!(event, Err(RecvError::Closed)),
        }
    }
}

impl Stream {
    /// Listens from now on. `None` when the server ends.
    pub async fn listen(&self, pool: &PgPool, clock: &Clock) -> Option<Listening> {
        if !self.0.reads.swap(true, Ordering::Relaxed) {
            tokio::spawn(self.clone().read(pool.clone(), clock.clone()));
        }
        let (mut at, mut ended) = (self.0.at.subscribe(), self.0.ended.subscribe());
        tokio::select! {
            biased;
            _ = ended.wait_for(|ended| *ended) => return None,
            known = at.wait_for(Option::is_some) => { known.ok()?; }
        }
        let _order = self.0.order.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (*self.0.at.borrow())?;
        Some(Listening { from, events: self.0.events.subscribe(), ended })
    }

    /// Lets nobody listen any more: the server ends.
    pub fn end(&self) {
        _ = self.0.ended.send_replace(true);
    }

    async fn read(self, pool: PgPool, clock: Clock) {
        let mut ended = self.0.ended.subscribe();
        let reading = async {
            loop {
                if let Err(error) = self.follow(&pool, &clock).await {
                    tracing::warn!(%error, "the stream of events stands still for a moment");
                }
                tokio::time::sleep(RETRY).await;
            }
        };
        tokio::select! {
            () = reading => {}
            _ = ended.wait_for(|ended| *ended) => {}
        }
    }

    /// Hands on what is new until the connection is lost.
    async fn follow(&self, pool: &PgPool, clock: &Clock) -> sqlx::Result<()> {
        let mut listener = relay::listener(pool, relay::STREAM).await?;
        // For what came while nobody listened.
        self.catch_up(pool, clock).await?;
        while listener.try_recv().await?.is_some() {
            self.catch_up(pool, clock).await?;
        }
        Ok(())
    }

    async fn catch_up(&self, pool: &PgPool, clock: &Clock) -> sqlx::Result<()> {
        let begun = *self.0.at.borrow();
        let mut at = match begun {
            Some(at) => at,
            None => stream::reach(pool).await?.newest,
        };
        self.hand_on(&[], at, clock.now());
        loop {
            let rows = stream::after(pool, at, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            at = last.seq;
            self.hand_on(&rows, at, clock.now());
        }
    }

    fn hand_on(&self, rows: &[EventRow], at: i64, now: DateTime<Utc>) {
        let _order = self.0.order.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let delay = (now - row.created_at).as_seconds_f64().max(0.0);
            metrics::histogram!(DELAY).record(delay);
            if let Some(told) = Told::of(row) {
                // Nobody may listen just now.
                _ = self.0.events.send(Arc::new(told));
            }
        }
        self.0.at.send_replace(Some(at));
    }
}

/// Reads the stream from a place on, page by page.
pub async fn page(pool: &PgPool, after: i64) -> sqlx::Result<(Vec<Told>, Option<i64>)> {
    let rows = stream::after(pool, after, BATCH).await?;
    Ok((rows.iter().filter_map(Told::of).collect(), rows.last().map(|row| row.seq)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_frame_and_its_envelope_a_part_of_it() {
        let told = Told::for_tests(7, Topic::GridFuelMix, "GB", None);
        assert_eq!(told.frame, "id: 7\nevent: grid.fuelmix\ndata: {\"v\":1}\n\n");
        assert_eq!(told.envelope(), "{\"v\":1}");
    }
}
