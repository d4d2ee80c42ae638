//! Makes messages of events, and keeps what is retained equal to what is stored.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    compat,
    state::{self, State},
};
use crate::{
    app::App,
    db::feeds::{retained::Told, stream},
    domain::feed::Topic,
    live::stream::{self as live, Told as Event},
};

/// Takes messages, in this order.
pub trait Sink {
    /// Takes a message; one that is retained and empty clears its topic. An error: it is gone.
    fn put(
        &mut self,
        topic: &str,
        payload: Bytes,
        retain: bool,
    ) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Waits until all that was put is taken, and keeps how far that is.
    fn settle(&mut self, told: &Told) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// It goes on from what was settled last.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    /// The server ends.
    #[error("the server ends")]
    Ended,
    /// The database is away.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The broker is away.
    #[error("the broker: {0}")]
    Broker(String),
}

/// Tells one broker what happens.
pub struct Feeder<'a, S> {
    app: &'a App,
    sink: S,
    held: State,
    told: Told,
}

impl<'a, S: Sink> Feeder<'a, S> {
    /// Tells everything that is so now, after what was told before, and then what happens, until the
    /// sink or the server is gone. Without an earlier `told` it begins with what happens from now on.
    pub async fn run(app: &'a App, sink: S, told: Option<Told>) -> Gone {
        match Self::begin(app, sink, told).await {
            Ok(feeder) => feeder.follow().await,
            Err(gone) => gone,
        }
    }

    async fn begin(app: &'a App, sink: S, told: Option<Told>) -> Result<Self, Gone> {
        let reach = stream::reach(&app.pool).await?;
        let anew = Told { stream_seq: reach.newest, ..Told::default() };
        let mut told = told.unwrap_or_else(|| anew.clone());
        if !reach.holds(told.stream_seq) {
            tracing::warn!("MQTT was away for longer than events are kept; the state is told anew");
            told.stream_seq = reach.newest;
        }
        let formerly = std::mem::take(&mut told.topics);
        let mut feeder = Self { app, sink, held: State::new(), told };
        let status = format!("svc/{}/status", app.config.live.mqtt_name);
        feeder.sink.put(&status, Bytes::from_static(b"online"), true).await?;
        // What it may hold of ours is cleared unless it is told again.
        feeder.held.extend(formerly.into_iter().map(|topic| (topic, Bytes::new())));
        feeder.refresh(None).await?;
        feeder.read_on().await?;
        feeder.clear_untold().await?;
        feeder.settle().await?;
        Ok(feeder)
    }

    async fn follow(mut self) -> Gone {
        let app = self.app;
        let Some(mut listening) = app.stream.listen(&app.pool, &app.clock).await else {
            return Gone::Ended;
        };
        loop {
            if let Err(gone) = self.catch_up().await {
                return gone;
            }
            if !listening.wakes().await {
                return Gone::Ended;
            }
        }
    }

    /// Tells what is new in the stream.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        loop {
            let (page, last) = live::page(&self.app.pool, self.told.stream_seq).await?;
            let Some(last) = last else { return Ok(()) };
            self.tell(&page).await?;
            self.told.stream_seq = last;
            self.settle().await?;
        }
    }

    async fn tell(&mut self, page: &[Event]) -> Result<(), Gone> {
        let mut regions = BTreeSet::new();
        for event in page {
            match event.topic {
                Topic::GridIntensity | Topic::GridIntensityRestated => {
                    let topic = state::topic(&event.subject, "events/intensity");
                    self.sink.put(&topic, event.envelope(), false).await?;
                }
                Topic::PageReload => self.reload().await?,
                _ => {}
            }
            let is_of_grid = event.topic.as_str().starts_with("grid.");
            if is_of_grid || event.topic == Topic::Rollup && event.meter.is_none() {
                regions.insert(event.subject.clone());
            }
        }
        if regions.is_empty() {
            return Ok(());
        }
        let regions: Vec<String> = regions.into_iter().collect();
        self.refresh(Some(&regions)).await?;
        self.read_on().await
    }

    async fn reload(&mut self) -> Result<(), Gone> {
        let Some(prefix) = &self.app.config.live.compat_nyiso else { return Ok(()) };
        let topic = format!("{prefix}/application/webui");
        self.sink.put(&topic, Bytes::from_static(b"reload"), false).await
    }

    /// Tells what of regions is other than what is held, and clears what there is no more.
    async fn refresh(&mut self, regions: Option<&[String]>) -> Result<(), Gone> {
        let wanted = state::read(&self.app.pool, regions).await?;
        let concerned = |topic: &str| {
            state::region_of(topic)
                .is_some_and(|region| regions.is_none_or(|all| all.iter().any(|one| one == region)))
        };
        let gone: Vec<String> = (self.held.keys())
            .filter(|topic| concerned(topic) && !wanted.contains_key(*topic))
            .cloned()
            .collect();
        for topic in gone {
            self.held.remove(&topic);
            self.sink.put(&topic, Bytes::new(), true).await?;
        }
        for (topic, payload) in wanted {
            self.hold(topic, payload).await?;
        }
        Ok(())
    }

    async fn hold(&mut self, topic: String, payload: Bytes) -> Result<(), Gone> {
        if self.held.get(&topic) == Some(&payload) {
            return Ok(());
        }
        self.sink.put(&topic, payload.clone(), true).await?;
        self.held.insert(topic, payload);
        Ok(())
    }

    /// Tells the readings of New York that are new, in the shape of others.
    async fn read_on(&mut self) -> Result<(), Gone> {
        let Some(prefix) = self.app.config.live.compat_nyiso.clone() else { return Ok(()) };
        loop {
            let before = self.told.read_to;
            let readings = compat::read(&self.app.pool, &prefix, before).await?;
            for (topic, payload) in readings.messages {
                self.hold(topic, payload).await?;
            }
            self.told.read_to = readings.read_to;
            if readings.read_to == before || before.is_none() {
                return Ok(());
            }
        }
    }

    /// Clears what was told formerly and was not told again.
    async fn clear_untold(&mut self) -> Result<(), Gone> {
        let untold =
            |(topic, payload): (&String, &Bytes)| payload.is_empty().then(|| topic.clone());
        for topic in self.held.iter().filter_map(untold).collect::<Vec<_>>() {
            self.held.remove(&topic);
            self.sink.put(&topic, Bytes::new(), true).await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Gone> {
        self.told.topics = self.held.keys().cloned().collect();
        self.sink.settle(&self.told).await
    }
}
