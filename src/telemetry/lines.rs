//! The last log lines of this process, in memory, for administrators who look at them in a browser.
//!
//! A bounded ring: a line is cut, the oldest is forgotten. What is logged holds no secret in the
//! first place (see `web::middleware::access_log`), so nothing is taken out here.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{clock::Clock, domain::words};

/// Lines that are kept.
pub const KEPT: usize = 4000;

/// Characters of a line that are kept.
const LONGEST: usize = 1000;

/// Who looks at the log must not fill it by looking.
const OWN_ROUTES: [&str; 2] = ["/api/v1/logs", "/admin/logs"];

words! {
    /// How grave a line is, gravest first.
    LogLevel("a level") {
        /// Something failed that should not.
        Error = "error",
        /// Something is amiss and is dealt with.
        Warn = "warn",
        /// What goes on.
        Info = "info",
        /// What goes on inside.
        Debug = "debug",
        /// Every step.
        Trace = "trace",
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            Level::TRACE => Self::Trace,
        }
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Ascends, also over a restart: microseconds since 1970, or the next number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// How grave.
    pub level: LogLevel,
    /// The part of the program that wrote it.
    pub target: String,
    /// The message, then `name=value` of each field.
    pub text: String,
    /// The request that it belongs to.
    pub request_id: Option<String>,
}

/// Which lines.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// At least as grave.
    pub level: Option<LogLevel>,
    /// With these words in text, part or request, without case.
    pub text: Option<String>,
    /// Older than this line.
    pub before: Option<i64>,
    /// Newer than this line.
    pub after: Option<i64>,
}

impl Wanted {
    fn takes(&self, line: &Line, needle: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(needle);
        self.level.is_none_or(|level| line.level <= level)
            && self.before.is_none_or(|before| line.id < before)
            && self.after.is_none_or(|after| line.id > after)
            && (needle.is_empty()
                || has(&line.text)
                || has(&line.target)
                || line.request_id.as_deref().is_some_and(has))
    }
}

static LINES: LazyLock<Mutex<VecDeque<Line>>> = LazyLock::new(Mutex::default);

fn kept() -> MutexGuard<'static, VecDeque<Line>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The newest `most` lines of those that are wanted, newest first.
#[must_use]
pub fn newest(wanted: &Wanted, most: usize) -> Vec<Line> {
    let needle = wanted.text.as_deref().unwrap_or_default().to_lowercase();
    let lines = kept();
    lines.iter().rev().filter(|line| wanted.takes(line, &needle)).take(most).cloned().collect()
}

fn keep(lines: &mut VecDeque<Line>, mut line: Line) {
    let next = lines.back().map_or(i64::MIN, |last| last.id + 1);
    line.id = line.at.timestamp_micros().max(next);
    if lines.len() == KEPT {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// Puts each line into the ring.
#[derive(Debug)]
pub struct Keeper {
    clock: Clock,
}

impl Keeper {
    /// With this clock.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

/// Fields as text, and those that have a place of their own.
#[derive(Debug, Default)]
struct Notes {
    message: String,
    fields: String,
    id: Option<String>,
    route: Option<String>,
}

impl Visit for Notes {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "route" {
            self.route = Some(value.to_owned());
        }
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String does not fail.
        _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "id" => {
                self.id = Some(format!("{value:?}"));
                Ok(())
            }
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut notes = Notes::default();
        attributes.record(&mut notes);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(notes);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = LogLevel::from(*event.metadata().level());
        let mut notes = Notes::default();
        event.record(&mut notes);
        let mut text = notes.message + &notes.fields;
        let mut request_id = None;
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let Some(around) = extensions.get::<Notes>() else { continue };
            let is_own = around.route.as_deref().is_some_and(|route| OWN_ROUTES.contains(&route));
            if is_own && level >= LogLevel::Info {
                return;
            }
            text.push_str(&around.fields);
            request_id = request_id.or_else(|| around.id.clone());
        }
        let text = text.chars().take(LONGEST).collect();
        let target = event.metadata().target().to_owned();
        let line = Line { id: 0, at: self.clock.now(), level, target, text, request_id };
        keep(&mut kept(), line);
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn texts(wanted: &Wanted) -> Vec<String> {
        newest(wanted, 10).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_are_kept_with_their_request_and_found_by_level_and_words() {
        let subscriber = tracing_subscriber::registry().with(Keeper::new(Clock::system()));
        let word = "kept-by-the-ring";
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", id = 7, method = "GET", route = "/a/{b}");
            span.in_scope(|| tracing::info!(status = 200, user = "ann", "{word} answered"));
            let look = tracing::info_span!("request", id = 8, route = OWN_ROUTES[0]);
            look.in_scope(|| {
                tracing::info!("{word} looked at");
                tracing::warn!("{word} {}", "x".repeat(2 * LONGEST));
            });
        });
        let of = |level| Wanted { level, text: Some(word.to_uppercase()), ..Wanted::default() };
        let all = texts(&of(None));
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(all[0].chars().count(), LONGEST);
        assert_eq!(
            all[1],
            format!("{word} answered status=200 user=ann method=GET route=/a/{{b}}")
        );
        assert_eq!(texts(&of(Some(LogLevel::Warn))).len(), 1);
        let lines = newest(&of(None), 10);
        assert_eq!(lines[1].request_id.as_deref(), Some("7"));
        let after = Wanted { after: Some(lines[1].id), ..of(None) };
        assert_eq!(newest(&after, 10), lines[..1]);
        let before = Wanted { before: Some(lines[0].id), ..of(None) };
        assert_eq!(newest(&before, 10), lines[1..]);
    }

    #[test]
    fn the_ring_is_bounded_and_its_numbers_ascend() {
        let mut lines = VecDeque::new();
        let at = DateTime::UNIX_EPOCH;
        for _ in 0..KEPT + 5 {
            let (level, target, text) = (LogLevel::Info, String::new(), String::new());
            keep(&mut lines, Line { id: 0, at, level, target, text, request_id: None });
        }
        assert_eq!(lines.len(), KEPT);
        assert!(lines.iter().zip(lines.iter().skip(1)).all(|(one, next)| next.id == one.id + 1));
        assert_eq!(lines.front().map(|line| line.id), Some(5));
    }
}
