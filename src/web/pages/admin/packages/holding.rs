//! An attachment as the pages show it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::{
    db::packages::Attachment,
    packages::{EXPIRY_WARNING, midnight},
    web::pages::format::instant,
};

/// A user and a package, with its dates in words.
pub struct Holding {
    pub user_id: Uuid,
    pub email: String,
    pub package_id: Uuid,
    pub name: String,
    /// `in force`, `begins 2031-01-01`, `ended`.
    pub state: String,
    /// The class of its badge.
    pub class: &'static str,
    /// The last day, or the instant of the end.
    pub until: String,
    /// The first day, or the instant of the beginning.
    pub since: String,
    /// Of the form: empty where an instant is no whole day.
    pub first_day: String,
    pub last_day: String,
}

impl Holding {
    /// Of a row, at an instant.
    #[must_use]
    pub fn of(row: Attachment, now: DateTime<Utc>, zone: Tz) -> Self {
        let (state, class) = state(&row, now, zone);
        let first = row
            .starts_at
            .map(|at| whole_day(at, zone).map_or_else(|| instant(at, zone), |day| day.to_string()));
        let ends = row.ends_at.map(|at| last_day(at, zone));
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        Self {
            user_id: row.user_id,
            email: row.email,
            package_id: row.package_id,
            name: row.name,
            state,
            class,
            since: first.unwrap_or_else(|| "always".to_owned()),
            until: ends.unwrap_or_else(|| "for good".to_owned()),
            first_day: day(row.starts_at.and_then(|at| whole_day(at, zone))),
            last_day: day(row
                .ends_at
                .and_then(|at| whole_day(at, zone))
                .and_then(|day| day.pred_opt())),
        }
    }
}

fn state(row: &Attachment, now: DateTime<Utc>, zone: Tz) -> (String, &'static str) {
    match (row.starts_at, row.ends_at) {
        (_, Some(ends)) if ends <= now => ("ended".to_owned(), ""),
        (Some(starts), _) if starts > now => {
            (format!("begins {}", starts.with_timezone(&zone).date_naive()), "info")
        }
        (_, Some(ends)) if ends - now <= TimeDelta::days(EXPIRY_WARNING) => {
            let days = (ends - now).num_days();
            let words = match days {
                0 => "ends today".to_owned(),
                1 => "ends in 1 day".to_owned(),
                days => format!("ends in {days} days"),
            };
            (words, "warn")
        }
        _ => ("in force".to_owned(), "good"),
    }
}

/// The day that begins at an instant.
fn whole_day(at: DateTime<Utc>, zone: Tz) -> Option<NaiveDate> {
    let day = at.with_timezone(&zone).date_naive();
    (midnight(day, zone) == at).then_some(day)
}

/// The last day before an end, or the instant of one that lies within a day.
#[must_use]
pub fn last_day(ends_at: DateTime<Utc>, zone: Tz) -> String {
    let day = whole_day(ends_at, zone).and_then(|day| day.pred_opt());
    day.map_or_else(|| instant(ends_at, zone), |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_whole_days_where_they_can_be() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let row = |starts_at: Option<&str>, ends_at: Option<&str>| Attachment {
            user_id: Uuid::nil(),
            email: String::new(),
            package_id: Uuid::nil(),
            name: String::new(),
            starts_at: starts_at.map(at),
            ends_at: ends_at.map(at),
            attached_at: at("2031-01-01T00:00:00Z"),
        };
        let now = at("2031-03-01T12:00:00Z");
        for (starts, ends, told) in [
            (None, None, ["in force", "always", "for good", ""]),
            (
                None,
                Some("2031-03-11T00:00:00Z"),
                ["ends in 9 days", "always", "2031-03-10", "2031-03-10"],
            ),
            (
                Some("2031-04-01T00:00:00Z"),
                None,
                ["begins 2031-04-01", "2031-04-01", "for good", ""],
            ),
            (
                None,
                Some("2031-03-01T12:00:00Z"),
                ["ended", "always", "2031-03-01 12:00:00 UTC", ""],
            ),
        ] {
            let holding = Holding::of(row(starts, ends), now, Tz::UTC);
            assert_eq!(
                [&*holding.state, &*holding.since, &*holding.until, &*holding.last_day],
                told
            );
        }
    }
}
