//! MQTT: the present state of regions retained, and what happens as it happens.
//!
//! | file | is |
//! | --- | --- |
//! | [`feeder`] | events in, messages out; the same for both brokers |
//! | [`state`], [`compat`] | what the messages say |
//! | [`broker`], [`session`], [`packet`], [`filter`] | the broker in this process: it tells, and takes nothing |
//! | [`listen`], `wire` | where its clients come in |
//! | [`external`] | the client of a broker elsewhere |
//!
//! Clients of the broker sign in with any name and a token as the password. They may subscribe to the
//! grid and to the status of the service, to nothing of meters, and may not publish. Nothing is kept
//! for who is away: what is retained is the present state, and [`super::stream`] goes on where one was.

pub mod broker;
pub mod compat;
pub mod external;
pub mod feeder;
pub mod filter;
pub mod listen;
pub mod packet;
pub mod session;
pub mod state;
mod wire;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::sleep;

use self::{
    broker::Broker,
    feeder::{Feeder, Gone, Sink},
    listen::Doors,
};
use crate::{app::App, config::BrokerConfig, db::feeds::retained::Told};

/// How long after a failure the state is told anew.
const RETRY: Duration = Duration::from_secs(1);

/// Runs the broker of this process until `stop` is done; then everybody is told that it is offline.
pub async fn serve(app: App, doors: Doors, config: BrokerConfig, stop: impl Future<Output = ()>) {
    let broker = Broker::default();
    let serving = doors.serve(app.clone(), broker.clone(), Arc::new(config));
    let serving = tokio::spawn(serving);
    let feeding = async {
        let mut told = None;
        loop {
            let before = told.clone();
            let own = Own { broker: broker.clone(), told: &mut told };
            match Feeder::run(&app, own, before).await {
                Gone::Ended => return,
                error => tracing::warn!(%error, "MQTT stands still for a moment"),
            }
            sleep(RETRY).await;
        }
    };
    tokio::select! {
        () = feeding => {}
        () = stop => {}
    }
    let status = format!("svc/{}/status", app.config.live.mqtt_name);
    broker.publish(&status, Bytes::from_static(b"offline"), true);
    // For the sessions to pass it on.
    sleep(LAST_WORDS).await;
    broker.end();
    _ = serving.await;
}

/// How long clients have to be told that it is offline.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The broker of this process: what is put is taken.
struct Own<'a> {
    broker: Broker,
    told: &'a mut Option<Told>,
}

impl Sink for Own<'_> {
    async fn put(&mut self, topic: &str, payload: Bytes, retain: bool) -> Result<(), Gone> {
        self.broker.publish(topic, payload, retain);
        Ok(())
    }

    async fn settle(&mut self, told: &Told) -> Result<(), Gone> {
        *self.told = Some(told.clone());
        Ok(())
    }
}
