//! A clock that a test sets.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use trueprice::clock::Clock;

/// Runs with the machine's clock until it is set; then it stands still.
#[derive(Clone, Default)]
pub struct TestClock(Arc<Mutex<Option<DateTime<Utc>>>>);

impl TestClock {
    /// Makes it stand at `now`, an instant in RFC 3339.
    pub fn set(&self, now: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now.parse().unwrap());
    }

    /// Makes it stand later by `span` than it tells now.
    pub fn advance(&self, span: TimeDelta) {
        let later = self.clock().now() + span;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(later);
    }

    /// What the server is given.
    pub fn clock(&self) -> Clock {
        let (set, system) = (Arc::clone(&self.0), Clock::system());
        Clock::from_fn(move || {
            let set = *set.lock().unwrap_or_else(PoisonError::into_inner);
            set.unwrap_or_else(|| system.now())
        })
    }
}

#[tokio::test]
async fn the_server_goes_by_the_clock_of_the_test() {
    let server = super::TestServer::start().await;
    server.clock.set("2026-03-08T06:59:59Z");
    server.clock.advance(TimeDelta::seconds(1));
    assert_eq!(server.app.clock.now().to_rfc3339(), "2026-03-08T07:00:00+00:00");
}
