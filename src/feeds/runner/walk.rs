//! Through the pages of windows, oldest first: one is fetched while the one before is loaded.

use std::collections::VecDeque;

use super::{
    backfill::Tracker,
    page,
    work::{Ended, RunError, Totals, Work},
};
use crate::{
    domain::feed::{FetchClass, Window},
    feeds::{
        Ask, PageRef,
        http::{Errand, Fetched},
    },
};

/// One page of one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The window.
    pub window: Window,
    /// The page.
    pub page: PageRef,
}

/// One way through windows.
#[derive(Debug)]
pub struct Walk<'a> {
    /// What for.
    pub work: &'a Work<'a>,
    /// The run that it is.
    pub run_id: i64,
    /// What came of it so far.
    pub totals: Totals,
    /// The backfill that it brings further.
    pub tracker: Option<Tracker>,
    /// Loads nothing.
    pub is_dry: bool,
    /// The class of the last good answer.
    last: FetchClass,
    /// The last window that was passed over, and why.
    failed: Option<(Window, Ended)>,
}

/// So many windows may be passed over in one run by plan or by hand: what fails again and again fails as
/// a whole. A backfill comes to its end, and counts them.
const MOST_PASSED_OVER: u64 = 3;

impl<'a> Walk<'a> {
    /// A run that has not begun.
    pub fn new(work: &'a Work<'a>, run_id: i64) -> Self {
        let (totals, last) = (Totals::default(), FetchClass::Ok);
        Self { work, run_id, totals, tracker: None, is_dry: false, last, failed: None }
    }

    /// Asks for the windows, the first from `page` on. What follows is fetched while a page is loaded,
    /// and no more than one page ahead. A window whose page is refused or damaged does not stop those
    /// after it: it is passed over, what is missing of it is a gap, and the run fails at its end.
    pub async fn through(
        &mut self,
        windows: &mut VecDeque<Window>,
        page: PageRef,
    ) -> Result<Ended, RunError> {
        let work = self.work;
        let Some(window) = windows.pop_front() else { return Ok(Ended::Done(self.last)) };
        let mut ahead = fetch(work, self.run_id, Place { window, page }).await?;
        while let Some((place, fetched)) = ahead {
            let class = fetched.class;
            if !class.is_success() && !class.is_refusal() {
                return Ok(Ended::of(&fetched));
            }
            self.last = if class.is_success() { class } else { self.last };
            let following = following(&place, &fetched, windows);
            let run_id = self.run_id;
            let next = async {
                match following.clone() {
                    Some(place) => fetch(work, run_id, place).await.map_err(RunError::from),
                    None => Ok(None),
                }
            };
            let mut after = self.after();
            let load = page::load(&mut after, &place, fetched, following.as_ref());
            let (goes_on, fetched) = tokio::try_join!(load, next)?;
            (self.totals, self.tracker, self.failed) = (after.totals, after.tracker, after.failed);
            ahead = match (goes_on, following) {
                (false, _) => break,
                (true, Some(_)) if !self.fails_as_a_whole() => fetched,
                (true, _) => return Ok(self.ended()),
            };
        }
        Ok(Ended::Stopped)
    }

    fn fails_as_a_whole(&self) -> bool {
        self.tracker.is_none() && self.totals.failed > MOST_PASSED_OVER
    }

    fn ended(&mut self) -> Ended {
        let failed = self.failed.take().filter(|_| self.tracker.is_none());
        failed.map_or(Ended::Done(self.last), |(_, failed)| failed)
    }

    /// What loading a page changes about it.
    fn after(&mut self) -> page::After<'a> {
        page::After {
            work: self.work,
            run_id: self.run_id,
            totals: self.totals,
            tracker: self.tracker.take(),
            is_dry: self.is_dry,
            failed: self.failed.take(),
        }
    }
}

/// What comes after a page: the next of its window, or the first of the next window, which begins where
/// this one ends.
fn following(place: &Place, fetched: &Fetched, windows: &mut VecDeque<Window>) -> Option<Place> {
    match &fetched.next {
        Some(page) => Some(Place { window: place.window, page: page.clone() }),
        None => windows.pop_front().map(|window| Place { window, page: PageRef::FIRST }),
    }
}

/// Fetches a page; none: the server ends.
pub async fn fetch(
    work: &Work<'_>,
    run_id: i64,
    place: Place,
) -> sqlx::Result<Option<(Place, Fetched)>> {
    let errand = Errand {
        feed: work.feed,
        ask: Ask {
            settings: work.settings,
            scope: &work.scope,
            window: place.window,
            page: &place.page,
            now: work.app.clock.now(),
        },
        run_id,
        task_kind: work.kind,
        lease_epoch: work.task.lease_epoch,
    };
    let fetched = tokio::select! {
        biased;
        () = work.halt.cancelled() => return Ok(None),
        fetched = work.app.upstreams.fetch(work.app, &errand) => fetched?,
    };
    Ok(Some((place, fetched)))
}
