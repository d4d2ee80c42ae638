//! A broker elsewhere, told by the server that leads. What it has not said to have is told again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS,
    TlsConfiguration, Transport,
};
use tokio::{sync::watch, time::sleep};

use super::feeder::{Feeder, Gone, Sink};
use crate::{
    app::App,
    config::PublisherConfig,
    db::feeds::retained::{self, Told},
    feeds::numbers,
};

/// Messages under way at once.
const INFLIGHT: u16 = 100;

/// The most bytes of a message: the last 24 hours of a region take some ten thousand.
const LARGEST: usize = 1 << 20;

/// How long after a failure it is tried again: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Tells the broker what happens, for as long as this is awaited.
pub async fn publish(app: &App, config: &PublisherConfig) {
    let mut wait = RETRY.0;
    loop {
        let gone = match connect(app, config).await {
            Ok((client, events)) => {
                wait = RETRY.0;
                let gone = tell(app, config, client, events).await;
                metrics::gauge!(numbers::MQTT_CONNECTED).set(0);
                gone
            }
            Err(gone) => gone,
        };
        if matches!(gone, Gone::Ended) {
            return;
        }
        tracing::warn!(error = %gone, "the MQTT broker is not told; trying again");
        sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
}

/// A connection that the broker has accepted.
async fn connect(app: &App, config: &PublisherConfig) -> Result<(AsyncClient, EventLoop), Gone> {
    let (client, mut events) = AsyncClient::new(options(app, config)?, usize::from(INFLIGHT));
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) =
            events.poll().await.map_err(|error| broken(&error))?
        {
            metrics::gauge!(numbers::MQTT_CONNECTED).set(1);
            return Ok((client, events));
        }
    }
}

fn options(app: &App, config: &PublisherConfig) -> Result<MqttOptions, Gone> {
    let name = &app.config.live.mqtt_name;
    // A name of its own each time: no session is kept there, what was missed is kept here.
    let id = format!("{name}-{}", app.clock.new_id().simple());
    let mut options = MqttOptions::new(id, &config.host, config.port);
    options.set_keep_alive(Duration::from_secs(30)).set_inflight(INFLIGHT);
    options.set_max_packet_size(LARGEST, LARGEST);
    let status = format!("svc/{name}/status");
    options.set_last_will(LastWill::new(status, "offline", QoS::AtLeastOnce, true));
    if let Some(user) = &config.user {
        let password = config.password.as_ref().map_or("", |password| password.expose());
        options.set_credentials(user, password);
    }
    if config.tls {
        options.set_transport(Transport::Tls(tls()?));
    }
    Ok(options)
}

/// With the roots of the system.
fn tls() -> Result<TlsConfiguration, Gone> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(Gone::Broker("this machine has no root certificates".to_owned()));
    }
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    Ok(TlsConfiguration::Rustls(Arc::new(config.with_no_client_auth())))
}

fn broken(error: &ConnectionError) -> Gone {
    Gone::Broker(error.to_string())
}

async fn tell(app: &App, config: &PublisherConfig, client: AsyncClient, events: EventLoop) -> Gone {
    let broker = config.broker();
    let told = match retained::told(&app.pool, &broker).await {
        Ok(told) => told,
        Err(error) => return error.into(),
    };
    let (acks, acked) = watch::channel(0_u64);
    let publisher = Publisher { app, broker, client, put: 0, acked };
    tokio::select! {
        gone = drive(events, acks) => gone,
        gone = Feeder::run(app, publisher, told) => gone,
    }
}

/// Sends and receives, and counts what the broker has said to have.
async fn drive(mut events: EventLoop, acks: watch::Sender<u64>) -> Gone {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::PubAck(_))) => acks.send_modify(|acks| *acks += 1),
            Ok(Event::Incoming(Packet::Disconnect)) => {
                return Gone::Broker("it ended the connection".to_owned());
            }
            Ok(_) => {}
            Err(error) => return broken(&error),
        }
    }
}

struct Publisher<'a> {
    app: &'a App,
    broker: String,
    client: AsyncClient,
    put: u64,
    acked: watch::Receiver<u64>,
}

impl Sink for Publisher<'_> {
    async fn put(&mut self, topic: &str, payload: Bytes, retain: bool) -> Result<(), Gone> {
        let sent = self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await;
        sent.map_err(|error| Gone::Broker(error.to_string()))?;
        self.put += 1;
        metrics::counter!(numbers::MQTT_PUBLISHED).increment(1);
        Ok(())
    }

    async fn settle(&mut self, told: &Told) -> Result<(), Gone> {
        let all = self.put;
        let waited = self.acked.wait_for(|acked| *acked >= all).await.map(|_| ());
        waited.map_err(|_| Gone::Broker("the connection is lost".to_owned()))?;
        Ok(retained::keep_told(&self.app.pool, &self.broker, told).await?)
    }
}
