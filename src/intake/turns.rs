//! Who decides about an operating day: one at a time in this process, so that those who wait hold no
//! connection. Between processes the database's lock does the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use chrono::NaiveDate;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::domain::Dataset;

type Day = (Dataset, NaiveDate);

/// A lock for each operating day that somebody decides about.
#[derive(Debug, Clone, Default)]
pub struct DayTurns(Arc<Mutex<HashMap<Day, Weak<AsyncMutex<()>>>>>);

impl DayTurns {
    /// Locks that nobody holds are forgotten when there are more than this.
    const KEPT: usize = 256;

    /// Waits for the turn at a day of a dataset.
    pub async fn take(&self, dataset: Dataset, day: NaiveDate) -> OwnedMutexGuard<()> {
        self.lock_of((dataset, day)).lock_owned().await
    }

    fn lock_of(&self, day: Day) -> Arc<AsyncMutex<()>> {
        let mut days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if days.len() > Self::KEPT {
            days.retain(|_, lock| lock.strong_count() > 0);
        }
        if let Some(lock) = days.get(&day).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(AsyncMutex::new(()));
        days.insert(day, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Family, Iso};

    #[tokio::test]
    async fn one_day_waits_for_itself_and_for_no_other() {
        let turns = DayTurns::default();
        let dataset = Dataset::new(Family::Energy, Iso::Ercot).unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let held = turns.take(dataset, day("2024-05-22")).await;
        turns.take(dataset, day("2024-05-23")).await;
        assert!(turns.lock_of((dataset, day("2024-05-22"))).try_lock().is_err());
        drop(held);
        turns.take(dataset, day("2024-05-22")).await;
    }
}
