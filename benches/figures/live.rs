//! Events to everybody who listens.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, future::join_all};

use crate::{
    server::Server,
    table::{Table, ms},
};

/// How many listen at once.
const LISTENERS: usize = 1000;

/// How many events each is told, one every fifth of a second.
const EVENTS: usize = 25;

/// From the commit of an event to its being read by each of a thousand listeners.
pub async fn listeners(server: &Server, table: &mut Table) {
    let mut ears = Vec::with_capacity(LISTENERS);
    for _ in 0..LISTENERS {
        let answer = server.get("stream?topics=feed.status:bench").await;
        ears.push(tokio::spawn(hear(answer)));
    }
    // Until the last has been greeted.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut told = Vec::with_capacity(EVENTS);
    for n in 0..EVENTS {
        sqlx::query(
            "insert into event_outbox (event_id, topic, subject, series_key, payload, created_at)
             values (gen_random_uuid(), 'feed.status', 'bench', 'bench', jsonb_build_object('n', $1::int), now())",
        )
        .bind(n as i32)
        .execute(&server.pool)
        .await
        .expect("an event");
        told.push(Instant::now());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let heard = join_all(ears).await;
    let delays = heard.into_iter().flat_map(|heard| {
        let heard = heard.expect("a listener");
        assert_eq!(heard.len(), EVENTS, "each is told everything");
        heard
            .into_iter()
            .zip(told.clone())
            .map(|(heard, told)| heard.saturating_duration_since(told))
    });
    let mut delays: Vec<Duration> = delays.collect();
    delays.sort_unstable();
    let p99 = delays[delays.len() * 99 / 100];
    table.add(
        "an event to 1,000 who listen, p99",
        ms(p99),
        &format!("median {}", ms(delays[delays.len() / 2])),
        "at most 1 s",
        p99 <= Duration::from_secs(1),
    );
}

/// When each event came.
async fn hear(answer: reqwest::Response) -> Vec<Instant> {
    const MARK: &[u8] = b"event: feed.status\n";
    let (mut body, mut heard, mut tail) = (answer.bytes_stream(), Vec::new(), Vec::new());
    while heard.len() < EVENTS {
        let piece = body.next().await.expect("the stream goes on").expect("a piece");
        tail.extend_from_slice(&piece);
        while let Some(at) = tail.windows(MARK.len()).position(|window| window == MARK) {
            tail.drain(..at + MARK.len());
            heard.push(Instant::now());
        }
    }
    heard
}
