//! Slows down whoever guesses passwords, per account and per network, and one-time links, per
//! network: counted in the database.
//!
//! An attempt is counted as failed before the password is looked at and taken back when it turns
//! out right, so that many at once cannot slip through between looking and counting.

use std::net::IpAddr;

use axum::http::{HeaderValue, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};

use super::address::counted_on;
use crate::{
    app::App,
    db::throttle::{self, Counter},
    domain::Sha256,
    error::{Problem, Result},
};

/// How long a failure counts, and the longest delay.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// Failures of an account that cost nothing.
pub const FREE_PER_ACCOUNT: i32 = 5;
/// Failures of a network within the window.
pub const ALLOWED_PER_NETWORK: i32 = 20;

/// An attempt that was counted.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    account: Sha256,
    network: Sha256,
}

impl Attempt {
    /// Counts an attempt on `email` from `address`. 429 `too_many_attempts` with `Retry-After`
    /// when it comes too soon; then nothing is counted, so nobody is shut out for ever.
    pub async fn begin(app: &App, email: &str, address: IpAddr) -> Result<Self> {
        let subject = |kind: &str, text: &str| Sha256::of(format!("{kind}:{text}").as_bytes());
        let attempt = Self {
            account: subject("account", email),
            network: subject("network", &counted_on(address).to_string()),
        };
        let now = app.clock.now();
        let mut transaction = app.pool.begin().await?;
        // Always the account first: two attempts never wait for each other in a circle.
        for (subject, next) in [
            (attempt.account, next_of_account as fn(Counter, DateTime<Utc>) -> Next),
            (attempt.network, next_of_network),
        ] {
            let counter = throttle::lock(&mut transaction, subject.as_bytes(), now).await?;
            let counter = next(counter, now).map_err(too_many)?;
            throttle::set(&mut transaction, subject.as_bytes(), counter).await?;
        }
        transaction.commit().await?;
        Ok(attempt)
    }

    /// The password was right: the account starts anew, the network gets its attempt back.
    pub async fn succeeded(self, app: &App) -> Result<()> {
        let mut transaction = app.pool.begin().await?;
        throttle::clear(&mut transaction, self.account.as_bytes()).await?;
        throttle::take_back(&mut transaction, self.network.as_bytes()).await?;
        Ok(transaction.commit().await?)
    }

    /// The password was not looked at: both get their attempt back.
    pub async fn not_made(self, app: &App) -> Result<()> {
        let mut transaction = app.pool.begin().await?;
        throttle::take_back(&mut transaction, self.account.as_bytes()).await?;
        throttle::take_back(&mut transaction, self.network.as_bytes()).await?;
        Ok(transaction.commit().await?)
    }
}

/// What is counted of a network beside its sign-ins.
#[derive(Debug, Clone, Copy)]
pub enum Knock {
    /// A one-time link that was followed.
    Link,
    /// A link that was asked for on `/forgot`.
    Forgot,
}

impl Knock {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Forgot => "forgot",
        }
    }

    /// Counts one from `address`, as [`Attempt::begin`] does. 429 `too_many_attempts`.
    pub async fn count(self, app: &App, address: IpAddr) -> Result<Knocked> {
        let subject = format!("{}:{}", self.as_str(), counted_on(address));
        let subject = Sha256::of(subject.as_bytes());
        let now = app.clock.now();
        let mut transaction = app.pool.begin().await?;
        let counter = throttle::lock(&mut transaction, subject.as_bytes(), now).await?;
        let counter = next_of_network(counter, now).map_err(too_many_links)?;
        throttle::set(&mut transaction, subject.as_bytes(), counter).await?;
        transaction.commit().await?;
        Ok(Knocked(subject))
    }
}

/// A knock that was counted.
#[derive(Debug, Clone, Copy)]
pub struct Knocked(Sha256);

impl Knocked {
    /// It was a good one: the network gets it back.
    pub async fn succeeded(self, app: &App) -> Result<()> {
        let mut connection = app.pool.acquire().await?;
        Ok(throttle::take_back(&mut connection, self.0.as_bytes()).await?)
    }
}

fn too_many_links(wait: TimeDelta) -> Problem {
    let seconds = whole_seconds(wait);
    let detail = format!("There were too many attempts with links. Please wait {seconds} s.");
    Problem { detail, ..too_many(wait) }
}

/// The counter after one more attempt, or how long to wait before it is allowed.
type Next = std::result::Result<Counter, TimeDelta>;

/// 1 s after the fifth failure, doubling to 15 minutes.
fn delay_of_account(failures: i32) -> TimeDelta {
    match failures - FREE_PER_ACCOUNT {
        ..0 => TimeDelta::zero(),
        over => TimeDelta::seconds(1_i64 << over.min(20)).min(WINDOW),
    }
}

fn next_of_account(counter: Counter, now: DateTime<Utc>) -> Next {
    let free_at = counter.last_at + delay_of_account(counter.failures);
    if now < free_at {
        return Err(free_at - now);
    }
    Ok(if now - free_at >= WINDOW { fresh(now) } else { one_more(counter, now) })
}

fn next_of_network(counter: Counter, now: DateTime<Utc>) -> Next {
    let ends_at = counter.first_at + WINDOW;
    if now >= ends_at || counter.failures == 0 {
        return Ok(fresh(now));
    }
    if counter.failures >= ALLOWED_PER_NETWORK {
        return Err(ends_at - now);
    }
    Ok(one_more(counter, now))
}

fn fresh(now: DateTime<Utc>) -> Counter {
    Counter { failures: 1, first_at: now, last_at: now }
}

fn one_more(counter: Counter, now: DateTime<Utc>) -> Counter {
    Counter { failures: counter.failures.saturating_add(1), last_at: now, ..counter }
}

/// Rounded up: coming back on time must succeed.
fn whole_seconds(wait: TimeDelta) -> i64 {
    (wait + TimeDelta::milliseconds(999)).num_seconds().max(1)
}

fn too_many(wait: TimeDelta) -> Problem {
    let seconds = whole_seconds(wait);
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_attempts",
        format!("There were too many failed sign-ins. Please wait {seconds} s and try again."),
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

    #[test]
    fn an_account_waits_longer_and_longer_but_not_for_ever() {
        let waits: Vec<i64> =
            [4, 5, 6, 7, 14, 15, 1000].map(|n| delay_of_account(n).num_seconds()).into();
        assert_eq!(waits, [0, 1, 2, 4, 512, 900, 900]);
        let mut counter = Counter { failures: 0, first_at: START, last_at: START };
        for _ in 0..5 {
            counter = next_of_account(counter, START).unwrap();
        }
        assert_eq!(next_of_account(counter, START), Err(TimeDelta::seconds(1)));
        let later = START + TimeDelta::seconds(1);
        counter = next_of_account(counter, later).unwrap();
        assert_eq!(next_of_account(counter, later), Err(TimeDelta::seconds(2)));
        let much_later = later + TimeDelta::seconds(2) + WINDOW;
        assert_eq!(next_of_account(counter, much_later).unwrap().failures, 1);
    }

    #[test]
    fn a_network_has_twenty_in_a_quarter_of_an_hour() {
        let mut counter = Counter { failures: 0, first_at: START, last_at: START };
        for _ in 0..20 {
            counter = next_of_network(counter, START).unwrap();
        }
        let later = START + TimeDelta::minutes(5);
        assert_eq!(next_of_network(counter, later), Err(TimeDelta::minutes(10)));
        assert_eq!(next_of_network(counter, START + WINDOW).unwrap().failures, 1);
    }
}
