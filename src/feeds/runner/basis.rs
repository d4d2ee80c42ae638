//! When history begins elsewhere, or another set of factors counts: the marks of a scope are found anew,
//! and what it never asked for is.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{backfill, marks, plan, work::Work};
use crate::{
    db::feeds::{
        progress::{self, Search, Slots, Watermark},
        registry::{self, Basis},
    },
    domain::feed::Window,
};

/// Lets a scope follow the settings, and what documents say of its beginning. To be called before what is
/// due is planned.
pub async fn follow(
    conn: &mut PgConnection,
    work: &Work<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Some(was) = registry::basis(conn, work.place()).await? else { return Ok(()) };
    let is = of(work);
    if was == is {
        return Ok(());
    }
    // Nobody loads into the scope meanwhile.
    let Some(mark) = progress::lock(conn, work.place()).await? else { return Ok(()) };
    let gained = gained(work, &was, &is, now);
    // What has gained may begin earlier than was found.
    let begins_at = mark.begins_at.filter(|_| gained.is_none());
    let found = found(conn, work, begins_at, now).await?;
    if found != mark {
        progress::write(conn, work.place(), found, now).await?;
    }
    registry::set_basis(conn, work.place(), &is).await?;
    let Some(gained) = gained else { return Ok(()) };
    for hole in holes(conn, work, gained).await? {
        backfill::want(conn, work, hole, now).await?;
    }
    Ok(())
}

fn of(work: &Work<'_>) -> Basis {
    let factor_set_id = match work.slots() {
        Some((Slots::Intensity { factor_set_id, .. }, _)) => Some(factor_set_id.to_owned()),
        _ => None,
    };
    Basis { history_start: Some(work.history_start()), factor_set_id }
}

/// The marks by the rows that are there.
async fn found(
    conn: &mut PgConnection,
    work: &Work<'_>,
    begins_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<Watermark> {
    let none = Watermark { high_water: None, contiguous_to: None, begins_at };
    let Some((slots, grid)) = work.slots() else { return Ok(none) };
    let high_water = marks::high_water(conn, work, slots, None).await?;
    let contiguous_to = match Window::new(none.history_start(work.history_start()), now) {
        Ok(history) => marks::contiguous_to(conn, work, (slots, grid), history, none).await?,
        Err(_) => None,
    };
    Ok(Watermark { high_water, contiguous_to, begins_at })
}

/// Where slots may be missing that nobody asked for: what history has gained at its beginning, and of
/// another set of factors all that polling does not reach.
fn gained(work: &Work<'_>, was: &Basis, is: &Basis, now: DateTime<Utc>) -> Option<Window> {
    let began = was.history_start.filter(|_| work.feed.has_history())?;
    let is_same = was.factor_set_id == is.factor_set_id;
    let end = if is_same { began } else { now - plan::LIVE_AT_MOST };
    Window::new(work.history_start(), end).ok()
}

/// The runs of a range that have no rows.
async fn holes(
    conn: &mut PgConnection,
    work: &Work<'_>,
    range: Window,
) -> sqlx::Result<Vec<Window>> {
    let Some((slots, grid)) = work.slots() else { return Ok(vec![range]) };
    let Some(expected) = grid.expected(range, range.from(), range.to()) else {
        return Ok(Vec::new());
    };
    let search = Search {
        feed_id: &work.task.feed_id,
        slots,
        step: grid.seconds(),
        from: expected.from(),
        to: expected.to(),
        known: false,
        limit: i64::MAX,
    };
    let islands = progress::islands(conn, &search).await?;
    Ok(joined(grid.missing(expected, &islands), work.settings.window))
}

/// Holes less than a window apart are asked for as one.
fn joined(holes: Vec<Window>, apart: TimeDelta) -> Vec<Window> {
    let mut joined: Vec<Window> = Vec::new();
    for hole in holes {
        let near = joined.pop_if(|last| hole.from() - last.to() < apart);
        let from = near.map_or(hole.from(), Window::from);
        joined.extend(Window::new(from, hole.to()).ok());
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_that_one_window_would_cover_are_one() {
        let at = |hour: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
        let window = |(from, to)| Window::new(at(from), at(to)).unwrap();
        let holes = |spans: &[(i64, i64)]| spans.iter().copied().map(window).collect::<Vec<_>>();
        let found = joined(holes(&[(0, 1), (3, 4), (6, 9), (20, 21)]), TimeDelta::hours(3));
        assert_eq!(found, holes(&[(0, 9), (20, 21)]));
        assert!(joined(Vec::new(), TimeDelta::hours(3)).is_empty());
    }
}
