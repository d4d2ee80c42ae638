//! Feeds and their scopes as pages show them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    feeds::{
        Feed, Secrecy, find,
        overview::{BackfillStatus, FeedStatus, ScopeStatus},
    },
    web::pages::format::{count, instant},
};

/// What a segment of a path may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The page of a scope.
pub fn path(feed: &str, scope: &str) -> String {
    let segment = |name| utf8_percent_encode(name, SEGMENT);
    format!("/admin/feeds/{}/{}", segment(feed), segment(scope))
}

/// The class of the chip of a state.
pub fn chip(state: &str) -> &'static str {
    match state {
        "ok" => "good",
        "late" => "warn",
        "failing" | "auth" => "bad",
        "waiting" => "info",
        _ => "",
    }
}

/// A length of time in its two largest units: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
pub fn span(length: TimeDelta) -> String {
    let secs = length.num_seconds().max(0);
    let (minutes, hours, days) = (secs / 60, secs / 3600, secs / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => joined((hours, "h"), (minutes % 60, "min")),
        (1..=13, ..) => joined((days, "d"), (hours % 24, "h")),
        _ => format!("{days} d"),
    }
}

fn joined((large, of): (i64, &str), (small, and): (i64, &str)) -> String {
    if small == 0 { format!("{large} {of}") } else { format!("{large} {of} {small} {and}") }
}

/// By which clock, and when it is.
#[derive(Debug, Clone, Copy)]
pub struct Today {
    /// Now.
    pub now: DateTime<Utc>,
    /// The clock.
    pub zone: Tz,
}

impl Today {
    /// An instant, to the minute where that is all there is.
    pub fn at(self, at: DateTime<Utc>) -> String {
        if at.timestamp() % 60 == 0 {
            return at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M %Z").to_string();
        }
        instant(at, self.zone)
    }

    /// How far ahead an instant is.
    fn ahead(self, at: DateTime<Utc>) -> String {
        if at <= self.now { "now".to_owned() } else { format!("in {}", span(at - self.now)) }
    }
}

/// A feed with the rows of its scopes.
#[derive(Debug)]
pub struct FeedView {
    pub id: String,
    pub name: &'static str,
    pub is_paused: bool,
    pub has_history: bool,
    /// Why there is no row.
    pub note: Option<String>,
    pub rows: Vec<RowView>,
}

impl FeedView {
    /// Of what is not polled only the scopes that hold something are shown.
    pub fn of(feed: FeedStatus, today: Today) -> Self {
        let note = note(&feed);
        let shown = |scope: &&ScopeStatus| scope.enabled || scope.high_water.is_some();
        let rows = feed.scopes.iter().filter(shown);
        Self {
            rows: rows.map(|scope| RowView::of(&feed.feed, scope, today)).collect(),
            has_history: has_history(&feed.feed),
            is_paused: feed.scopes.iter().any(|scope| scope.state == "paused"),
            id: feed.feed,
            name: feed.name,
            note,
        }
    }
}

/// Whether there is a past to load.
pub fn has_history(feed_id: &str) -> bool {
    find(feed_id).is_some_and(Feed::has_history)
}

fn note(feed: &FeedStatus) -> Option<String> {
    let id = &feed.feed;
    let secrecy = find(id).map_or(Secrecy::Open, |feed| feed.about().secrecy);
    let has_key = feed.config.others.get("has_api_key") == Some(&true.into());
    match (feed.enabled, secrecy) {
        (false, Secrecy::ApiKey) if !has_key => Some(format!(
            "Off: it needs a key. Set feed.\"{id}\".api_key and start the server again."
        )),
        (false, _) => Some("Off by its settings.".to_owned()),
        (true, _) if feed.scopes.iter().all(|scope| !scope.enabled) => Some(
            "On, but there is nothing to ask for yet: no scope is known or named in its settings."
                .to_owned(),
        ),
        (true, _) => None,
    }
}

/// A scope.
#[derive(Debug)]
pub struct RowView {
    pub path: String,
    pub scope: String,
    pub about: String,
    pub state: &'static str,
    pub class: &'static str,
    pub error: Option<ErrorView>,
    /// What its state means.
    pub note: Option<&'static str>,
    pub lag: Option<String>,
    pub whole_to: Option<String>,
    pub gaps: i64,
    pub slots: Option<String>,
    pub due: Option<String>,
    pub due_at: Option<String>,
    pub backfill: Option<BackfillView>,
}

impl RowView {
    pub fn of(feed: &str, scope: &ScopeStatus, today: Today) -> Self {
        Self {
            path: path(feed, &scope.scope),
            scope: scope.scope.clone(),
            about: about(scope),
            state: scope.state,
            class: chip(scope.state),
            note: (scope.state == "waiting").then_some("nothing came yet"),
            error: ErrorView::of(scope, today),
            lag: scope.lag_seconds.map(|secs| span(TimeDelta::seconds(secs))),
            whole_to: scope.contiguous_to.map(|at| today.at(at)),
            gaps: scope.open_gaps,
            slots: scope.open_gap_slots.map(count),
            due: scope.next_due.map(|at| today.ahead(at)),
            due_at: scope.next_due.map(|at| today.at(at)),
            backfill: scope.open_backfill().map(|one| BackfillView::of(one, today)),
        }
    }
}

/// What went wrong last.
#[derive(Debug)]
pub struct ErrorView {
    pub message: String,
    /// When, and how often in a row.
    pub when: String,
}

impl ErrorView {
    fn of(scope: &ScopeStatus, today: Today) -> Option<Self> {
        let ago = span(today.now - scope.last_error_at?);
        let when = match scope.failures {
            0 | 1 => format!("{ago} ago"),
            n => format!("{n} in a row, the last {ago} ago"),
        };
        Some(Self { message: scope.last_error.clone()?, when })
    }
}

/// What the rows of a scope are of.
fn about(scope: &ScopeStatus) -> String {
    let said = [&scope.region_name, &scope.region, &scope.tariff, &scope.meter];
    let said = said.into_iter().flatten().find(|said| **said != scope.scope);
    said.cloned().unwrap_or_default()
}

/// How far a backfill came.
#[derive(Debug)]
pub struct BackfillView {
    pub number: i64,
    pub range: String,
    pub percent: i32,
    pub words: String,
    pub rows: i64,
    pub error: Option<String>,
    pub may_pause: bool,
    pub may_resume: bool,
}

impl BackfillView {
    pub fn of(one: &BackfillStatus, today: Today) -> Self {
        let percent = one.percent;
        let words = match (&*one.state, one.eta_seconds) {
            ("running", Some(eta)) => {
                format!("{percent} %, {} left", span(TimeDelta::seconds(eta)))
            }
            (state, _) => format!("{percent} %, {state}"),
        };
        Self {
            number: one.backfill_id,
            range: format!("{} to {}", today.at(one.from), today.at(one.to)),
            percent,
            words,
            rows: one.rows_new + one.rows_changed,
            error: one.last_error.clone(),
            may_pause: matches!(&*one.state, "queued" | "running"),
            may_resume: matches!(&*one.state, "paused" | "failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_two_largest_units() {
        for (secs, words) in [
            (-5, "0 s"),
            (59, "59 s"),
            (61, "1 min"),
            (3600, "1 h"),
            (12_000, "3 h 20 min"),
            (86_399, "23 h 59 min"),
            (187_200, "2 d 4 h"),
            (14 * 86_400 + 3600, "14 d"),
        ] {
            assert_eq!(span(TimeDelta::seconds(secs)), words);
        }
    }

    #[test]
    fn the_page_of_a_scope_has_its_name_as_one_segment() {
        assert_eq!(path("gb.mix", "GB"), "/admin/feeds/gb.mix/GB");
        assert_eq!(path("a", "x/../y z"), "/admin/feeds/a/x%2F..%2Fy%20z");
    }
}
