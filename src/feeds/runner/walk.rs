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
    /// The class of the answer before.
    last: FetchClass,
    /// Windows that were passed over, and why the last of them was.
    pub passed_over: (usize, Option<Ended>),
}

/// So many windows may be passed over in one run: what fails again and again fails as a whole.
const MOST_PASSED_OVER: usize = 3;

impl<'a> Walk<'a> {
    /// A run that has not begun.
    pub fn new(work: &'a Work<'a>, run_id: i64) -> Self {
        let totals = Totals::default();
        let last = FetchClass::Ok;
        Self { work, run_id, totals, tracker: None, is_dry: false, last, passed_over: (0, None) }
    }

    /// Asks for the windows, the first from `page` on. What follows is fetched while a page is loaded,
    /// and no more than one page ahead. A window whose page is refused or damaged does not stop those
    /// after it: it is passed over, and the run fails at its end.
    pub async fn through(
        &mut self,
        windows: &mut VecDeque<Window>,
        page: PageRef,
    ) -> Result<Ended, RunError> {
        let work = self.work;
        let Some(window) = windows.pop_front() else { return Ok(Ended::Done(self.last)) };
        let mut ahead = fetch(work, self.run_id, Place { window, page }).await?;
        while let Some((place, fetched)) = ahead {
            if !fetched.class.is_success() {
                let (class, failed) = (fetched.class, failed(fetched));
                let Some(window) = self.after_failed(class, windows) else { return Ok(failed) };
                self.passed_over = (self.passed_over.0 + 1, Some(failed));
                let place = Place { window, page: PageRef::FIRST };
                ahead = fetch(work, self.run_id, place).await?;
                continue;
            }
            self.last = fetched.class;
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
            (self.totals, self.tracker) = (after.totals, after.tracker);
            ahead = match (goes_on, following) {
                (false, _) => break,
                (true, None) => {
                    let passed_over = self.passed_over.1.take();
                    return Ok(passed_over.unwrap_or(Ended::Done(self.last)));
                }
                (true, Some(_)) => fetched,
            };
        }
        Ok(Ended::Stopped)
    }

    /// The window to go on with after one that failed: a backfill stops there, so that its cursor does.
    fn after_failed(&self, class: FetchClass, windows: &mut VecDeque<Window>) -> Option<Window> {
        let of_page = [FetchClass::BadBody, FetchClass::ClientError, FetchClass::TooLarge];
        let goes_on = of_page.contains(&class) && self.passed_over.0 < MOST_PASSED_OVER;
        windows.pop_front().filter(|_| goes_on && self.tracker.is_none())
    }

    /// What loading a page changes about it.
    fn after(&mut self) -> page::After<'a> {
        page::After {
            work: self.work,
            run_id: self.run_id,
            totals: self.totals,
            tracker: self.tracker.take(),
            is_dry: self.is_dry,
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

fn failed(fetched: Fetched) -> Ended {
    let message = fetched.message.unwrap_or_else(|| fetched.class.to_string());
    Ended::Failed { class: fetched.class, message, not_before: fetched.not_before }
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
