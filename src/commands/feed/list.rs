//! `trueprice feed list`.

use std::{io::Write as _, time::Duration};

use serde_json::json;
use trueprice::feeds::{FEEDS, settings::FeedsConfig};

/// A line for each feed.
pub fn print(feeds: &FeedsConfig, as_json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut items = Vec::new();
    for feed in FEEDS {
        let about = feed.about();
        let Some(settings) = feeds.of(about.id) else { continue };
        let state = if settings.enabled { "on" } else { "off" };
        let scopes: Vec<String> = feed.scopes(settings).into_iter().map(|s| s.scope).collect();
        if as_json {
            items.push(json!({
                "id": about.id, "name": about.name, "enabled": settings.enabled,
                "base_url": settings.base_url, "poll_seconds": settings.poll_every.as_secs(),
                "scopes": scopes, "has_api_key": settings.api_key.is_some(),
                "attribution": about.attribution,
            }));
            continue;
        }
        let (id, name, poll) = (about.id, about.name, span(settings.poll_every));
        writeln!(out, "{id:<22} {state:<4} every {poll:<5} {:>3} scopes  {name}", scopes.len())?;
    }
    if as_json { writeln!(out, "{:#}", json!(items)) } else { Ok(()) }
}

/// As settings write it.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86400, "d"), (3600, "h"), (60, "m")];
    let fitting = units.iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    fitting.map_or(format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}
