//! The relay: gives committed events their places in the stream, and lets go of old ones.
//!
//! One server of all that share a database leads. Whoever waits for its place takes over within
//! seconds of its end, however it ended: the lock is that of a connection.

use std::{pin::pin, time::Duration};

use chrono::TimeDelta;
use serde_json::value::RawValue;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

use super::mqtt::external;
use crate::{
    app::App,
    config::MqttMode,
    db::feeds::{
        outbox::{self, NewEvent},
        relay,
    },
    domain::feed::Topic,
    feeds::numbers,
    web::assets,
};

/// How many events get their numbers in one statement.
const BATCH: i64 = 1000;

/// How often the place of the leader is asked for.
const TAKE_OVER: Duration = Duration::from_secs(2);

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Looked at at least this often, whatever is heard.
const EVERY: Duration = Duration::from_secs(30);

/// How long events are kept.
pub const KEPT: TimeDelta = TimeDelta::days(7);

/// How many events are let go of in one statement.
const FORGOTTEN: i64 = 5000;

/// Works until `stop` is done.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    let stop = pin!(stop);
    let relaying = async {
        loop {
            if let Err(error) = lead(&app).await {
                tracing::warn!(%error, "events wait for a moment");
            }
            sleep(RETRY).await;
        }
    };
    tokio::select! {
        () = relaying => {}
        () = stop => {}
    }
}

/// Leads, as soon as nobody else does, until something fails.
async fn lead(app: &App) -> sqlx::Result<()> {
    let mut conn = relay::connect(&app.pool).await?;
    while !relay::try_lead(&mut conn).await? {
        sleep(TAKE_OVER).await;
    }
    tracing::info!("this server numbers the events");
    have_pages_reload(app, &mut conn, &assets::program()).await?;
    // Who leads tells the broker elsewhere, too: there is one voice.
    let publishing = async {
        if let MqttMode::External(config) = &app.config.live.mqtt {
            external::publish(app, config).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        numbered = number(app, &mut conn) => numbered,
        () = publishing => Ok(()),
    }
}

/// Has pages load themselves again that a former program has made: this one may make others.
async fn have_pages_reload(app: &App, conn: &mut PgConnection, program: &str) -> sqlx::Result<()> {
    let mut transaction = conn.begin().await?;
    if relay::takes_over(&mut transaction, program).await? {
        let now = app.clock.now();
        let reload = NewEvent {
            topic: Topic::PageReload,
            subject: "-",
            series_key: program,
            feed_id: "trueprice",
            time: now,
            rev: 1,
            data: RawValue::from_string("{}".to_owned()).map_err(sqlx::Error::decode)?,
        };
        outbox::write(&mut transaction, &[reload], now).await?;
    }
    transaction.commit().await
}

async fn number(app: &App, conn: &mut PgConnection) -> sqlx::Result<()> {
    let mut listener = relay::listener(&app.pool, relay::OUTBOX).await?;
    loop {
        // What was heard of so far is seen by what follows.
        while listener.next_buffered().is_some() {}
        while round(conn).await? >= BATCH {}
        while relay::forget(conn, app.clock.now() - KEPT, FORGOTTEN).await? >= FORGOTTEN {}
        if let Ok(heard) = timeout(EVERY, listener.try_recv()).await {
            heard?;
        }
    }
}

/// Numbers a batch; tells how many events it had.
async fn round(conn: &mut PgConnection) -> sqlx::Result<i64> {
    let numbered = relay::number(conn, BATCH).await?;
    for of in &numbered {
        let topic = of.topic.clone();
        metrics::counter!(numbers::EVENTS, "topic" => topic).increment(of.events.unsigned_abs());
    }
    Ok(numbered.iter().map(|of| of.events).sum())
}
