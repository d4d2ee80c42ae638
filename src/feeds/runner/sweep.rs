//! What the upstream fills in late: windows whose rows still lack a value are read again.

use chrono::TimeDelta;

use super::work::{Ended, RunError, Work};
use crate::{
    db::feeds::progress,
    domain::feed::{FetchClass, Window},
};

/// Reads each window again that still holds rows without a consumed value.
pub async fn run(work: &Work<'_>) -> Result<Ended, RunError> {
    let windows = windows(work).await?;
    if windows.is_empty() {
        return Ok(Ended::Done(FetchClass::Unchanged));
    }
    let run_id = work.begin().await?;
    work.pass(run_id, windows).await
}

async fn windows(work: &Work<'_>) -> sqlx::Result<Vec<Window>> {
    let reach = work.feed.about().sweep.and_then(|reach| TimeDelta::from_std(reach).ok());
    let (Some(reach), Some(region_id)) = (reach, work.scope.region_id.as_deref()) else {
        return Ok(Vec::new());
    };
    let now = work.app.clock.now();
    let from = (now - reach).max(work.history_start());
    let Ok(range) = Window::new(from, now) else { return Ok(Vec::new()) };
    let mut conn = work.app.pool.acquire().await?;
    let place = (&*work.task.feed_id, region_id);
    let days = progress::days_without_consumed(&mut conn, place, from, now).await?;
    let lacks = |window: &Window| {
        days.iter().any(|day| *day < window.to() && *day + TimeDelta::days(1) > window.from())
    };
    let windows = work.feed.windows(work.settings, &work.scope, range);
    Ok(windows.into_iter().filter(lacks).collect())
}
