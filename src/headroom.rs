//! The job behind headroom: whenever a Matrix or a PTC version was published, the headroom that it
//! changes is computed and published as a version of its own. What is computed is in
//! [`crate::domain::headroom`], what is stored in [`crate::db::headroom`].
//!
//! The events of kind `headroom` start it, whichever process wrote them: the database tells the
//! running servers at the commit, and a server that starts looks for what nobody has dealt with. An
//! event is marked as done only after all that follows from it is committed, so that each is dealt
//! with at least once; and because a version is unique for its inputs, twice changes nothing.

use std::{ops::Range, sync::Arc, time::Duration};

use sqlx::{Postgres, Transaction, postgres::PgListener};

use crate::{
    app::App,
    db::{
        headroom::{self, Pair, Storing},
        jobs,
    },
    domain::{
        Iso,
        headroom::{Inputs, Outcome, compute},
    },
};

/// How long it sleeps when it hears nothing: a word can be lost with a connection.
const LOOK_AROUND: Duration = Duration::from_mins(5);

/// How long after the first failure it tries again; twice as long after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How often the wait doubles at the most: up to four minutes.
const DOUBLINGS: u32 = 8;

/// Characters of an error that are kept.
const LONGEST_ERROR: usize = 1000;

/// How many offers are compared and stored at a time: where look-ups failed in both files, each of
/// thousands of offers matches each of thousands of prices.
const PART: usize = 32;

/// Works until `stop`. What is unfinished then was not begun: its transaction is given up.
pub async fn run(app: App, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = work(&app) => {}
        () = stop => {}
    }
}

async fn work(app: &App) {
    let (mut ears, mut failures) = (None, 0);
    loop {
        // Ears first: what is not found by this look is heard.
        let listened = listen(app, &mut ears).await;
        match listened.and(catch_up(app).await.map(|_| ())) {
            Ok(()) => failures = 0,
            Err(error) => {
                tracing::warn!(%error, failures, "headroom waits to be computed");
                failures += 1;
            }
        }
        wait(&mut ears, failures).await;
    }
}

async fn listen(app: &App, ears: &mut Option<PgListener>) -> sqlx::Result<()> {
    if ears.is_none() {
        *ears = Some(headroom::listener(&app.pool).await?);
    }
    Ok(())
}

/// Waits for a word, after failures not for long: what failed must not keep what is new waiting.
async fn wait(ears: &mut Option<PgListener>, failures: u32) {
    let pause = match failures.checked_sub(1) {
        None => LOOK_AROUND,
        Some(before) => FIRST_RETRY * 2_u32.pow(before.min(DOUBLINGS)),
    };
    let Some(listener) = ears else { return tokio::time::sleep(pause).await };
    match tokio::time::timeout(pause, listener.try_recv()).await {
        // One look answers all that was said meanwhile.
        Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
        Ok(Err(error)) => {
            tracing::debug!(%error, "nobody hears of new offers and prices for a moment");
            *ears = None;
        }
        // The connection was lost and is made again, or nothing was said.
        Ok(Ok(None)) | Err(_) => {}
    }
}

/// Deals with every event that is there; tells how many versions that made. What fails does not keep
/// the rest waiting; the first failure is the answer then.
pub async fn catch_up(app: &App) -> sqlx::Result<usize> {
    let (mut published, mut failure) = (0, None);
    for iso in headroom::isos_with_events(&app.pool).await? {
        if let Err(error) = work_off(app, iso, &mut published).await {
            note_failure(app, iso, &error).await;
            failure = failure.or(Some(error));
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(published),
    }
}

/// One attempt at the events of an ISO; `published` counts the versions that it makes.
async fn work_off(app: &App, iso: Iso, published: &mut usize) -> sqlx::Result<()> {
    let (mut failed, mut failure) = (Vec::new(), None);
    loop {
        match step(app, iso, &mut failed).await {
            Ok(Step::Published) => *published += 1,
            Ok(Step::Failed(error)) => failure = failure.or(Some(error)),
            Ok(Step::Finished) => return failure.map_or(Ok(()), Err),
            Err(error) => return Err(failure.unwrap_or(error)),
        }
    }
}

/// Keeps why an attempt failed, for those who look at the queue. Where even that fails, the log has
/// it.
async fn note_failure(app: &App, iso: Iso, error: &sqlx::Error) {
    let noting = async {
        let mut connection = app.pool.acquire().await?;
        let events = headroom::open_events(&mut connection, iso).await?;
        let text: String = error.to_string().chars().take(LONGEST_ERROR).collect();
        let now = app.clock.now();
        jobs::attempted(&mut connection, jobs::HEADROOM, &events, Some(&text), now).await
    };
    if let Err(lost) = noting.await {
        tracing::warn!(%iso, %error, %lost, "an attempt at headroom is not in the queue");
    }
}

enum Step {
    Published,
    /// A pair could not be dealt with; the others may.
    Failed(sqlx::Error),
    Finished,
}

/// One transaction: computes and publishes the headroom of one pair, or finds that none is missing
/// and marks the events as done. The Matrix versions that `failed` names are left for another time,
/// and with them the events.
async fn step(app: &App, iso: Iso, failed: &mut Vec<i64>) -> sqlx::Result<Step> {
    let mut tx = app.pool.begin().await?;
    headroom::lock(&mut tx, iso).await?;
    let events = headroom::open_events(&mut tx, iso).await?;
    if events.is_empty() {
        return Ok(Step::Finished);
    }
    let Some(pair) = headroom::missing_pair(&mut tx, iso, failed).await? else {
        if failed.is_empty() {
            let now = app.clock.now();
            headroom::close_events(&mut tx, &events, now).await?;
            jobs::attempted(&mut tx, jobs::HEADROOM, &events, None, now).await?;
            tx.commit().await?;
        }
        return Ok(Step::Finished);
    };
    let Err(error) = publish(tx, iso, &pair).await else { return Ok(Step::Published) };
    let (matrix, ptc) = (pair.matrix_id, pair.ptc_id);
    tracing::warn!(%iso, matrix, ptc, day = %pair.operating_day, %error, "headroom failed");
    failed.push(matrix);
    Ok(Step::Failed(error))
}

async fn publish(
    mut tx: Transaction<'static, Postgres>,
    iso: Iso,
    pair: &Pair,
) -> sqlx::Result<()> {
    let (inputs, load_profile) = inputs(&mut tx, iso, pair).await?;
    let offers = inputs.offers.len();
    let inputs = Arc::new(inputs);
    let mut storing = Storing::begin(&mut tx, (iso, pair), load_profile, offers).await?;
    for first in (0..offers).step_by(PART) {
        let part = off_thread(&inputs, first..offers.min(first + PART)).await?;
        storing.add(&mut tx, &part).await?;
    }
    let version = storing.finish(&mut tx).await?;
    tx.commit().await?;
    tracing::info!(%iso, version, day = %pair.operating_day, offers, "headroom computed");
    Ok(())
}

async fn inputs(
    conn: &mut sqlx::PgConnection,
    iso: Iso,
    pair: &Pair,
) -> sqlx::Result<(Inputs, Option<i64>)> {
    let offers = headroom::offers(conn, iso, pair.matrix_id).await?;
    let lookups = distinct(offers.iter().filter_map(|offer| offer.lookup_id.as_deref()));
    let (months, prices) = headroom::prices(conn, iso, pair.ptc_id, &lookups).await?;
    let load_profile = headroom::load_profile(conn, iso).await?;
    let classes = distinct(offers.iter().filter_map(|offer| offer.load_profile.as_deref()));
    let loads = match load_profile {
        Some(version) => headroom::loads(conn, iso, version, &classes).await?,
        None => Vec::new(),
    };
    Ok((Inputs { iso, offers, months, prices, loads }, load_profile))
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// Thousands of offers with long terms take a moment, which others should not wait for.
async fn off_thread(inputs: &Arc<Inputs>, offers: Range<usize>) -> sqlx::Result<Outcome> {
    let inputs = Arc::clone(inputs);
    let computed = tokio::task::spawn_blocking(move || compute(&inputs, offers)).await;
    computed.map_err(|_| sqlx::Error::WorkerCrashed)
}
