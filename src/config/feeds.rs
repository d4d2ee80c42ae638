//! The settings of feeds: `[feed."carbonara.intensity"]`, `TRUEPRICE_FEED_CARBONARA_INTENSITY_…`.

use std::{fs, path::PathBuf, str::FromStr, time::Duration};

use chrono::TimeDelta;

use super::{
    ConfigError, Sources,
    values::{Instant, Span, Words},
};
use crate::{
    auth::Secret,
    domain::feed::Metric,
    feeds::{About, FEEDS, Feed, Settings, http::Manners, settings::FeedsConfig},
};

/// Reads the settings of every feed.
pub(super) fn read(s: &mut Sources) -> Result<FeedsConfig, ConfigError> {
    let poll = s.value("feeds.poll")?.unwrap_or(true);
    let facade_metric = s.value("feeds.facade_metric")?.unwrap_or(Metric::Generated);
    let concurrency = s.number("feeds.concurrency", 2..=64, 4)?;
    let each = FEEDS.iter().map(|feed| known(s, *feed)).collect::<Result<_, _>>()?;
    Ok(FeedsConfig { poll, facade_metric, concurrency, each, manners: Manners::default() })
}

/// Reads the settings of one feed.
struct Section<'a> {
    sources: &'a mut Sources,
    about: &'static About,
}

impl Section<'_> {
    fn name(&self, setting: &str) -> String {
        format!("feed.{}.{setting}", self.about.id)
    }

    fn value<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        setting: &str,
    ) -> Result<Option<T>, ConfigError> {
        let name = self.name(setting);
        self.sources.value(&name)
    }

    fn span(&mut self, setting: &str) -> Result<Option<Duration>, ConfigError> {
        Ok(self.value::<Span>(setting)?.map(|span| span.0))
    }

    fn delta(&mut self, setting: &str) -> Result<Option<TimeDelta>, ConfigError> {
        let Some(span) = self.span(setting)? else { return Ok(None) };
        let error = |error| self.sources.error(&self.name(setting), error);
        TimeDelta::from_std(span).map(Some).map_err(error)
    }

    fn words(&mut self, setting: &str) -> Result<Option<Vec<String>>, ConfigError> {
        Ok(self.value::<Words>(setting)?.map(|words| words.0))
    }

    /// The key itself, or the file that holds it. It is not repeated when it is wrong.
    fn api_key(&mut self) -> Result<Option<Secret>, ConfigError> {
        let (key, file) =
            (self.value::<Secret>("api_key")?, self.value::<PathBuf>("api_key_file")?);
        let wrong = |section: &Self, setting: &str, problem: String| {
            Err(section.sources.error(&section.name(setting), problem))
        };
        match (key, file) {
            (Some(_), Some(_)) => {
                wrong(self, "api_key_file", "api_key is set, too; give one of them".to_owned())
            }
            (None, Some(file)) => match fs::read_to_string(&file) {
                Ok(text) if !text.trim().is_empty() => Ok(Some(Secret::new(text.trim()))),
                Ok(_) => wrong(self, "api_key_file", format!("{} is empty", file.display())),
                Err(error) => wrong(
                    self,
                    "api_key_file",
                    format!("{} cannot be read: {error}", file.display()),
                ),
            },
            (key, None) => Ok(key),
        }
    }

    /// Scheme and host, maybe a path.
    fn base_url(&mut self) -> Result<Option<String>, ConfigError> {
        const WANTED: &str =
            "give an address such as https://api.example.com, without user, password or query";
        let Some(text) = self.value::<String>("base_url")? else { return Ok(None) };
        let parsed = reqwest::Url::parse(&text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if parsed.is_some() {
            return Ok(Some(text.trim_end_matches('/').to_owned()));
        }
        Err(self.sources.error(&self.name("base_url"), WANTED))
    }
}

/// Reads the settings of a feed; a scope that the feed does not have is refused. Scopes that only
/// documents tell of cannot be known here.
fn known(sources: &mut Sources, feed: &'static dyn Feed) -> Result<Settings, ConfigError> {
    let settings = one(sources, feed.about())?;
    let Some(wanted) = &settings.scopes else { return Ok(settings) };
    let all = feed.scopes(&Settings { scopes: None, ..settings.clone() });
    let named = feed.scopes(&settings);
    let is_known = |name: &String| all.iter().chain(&named).any(|scope| scope.scope == *name);
    match wanted.iter().find(|name| !is_known(name)) {
        Some(unknown) if !all.is_empty() => {
            let known: Vec<&str> = all.iter().map(|scope| &*scope.scope).collect();
            let problem =
                format!("{unknown:?} is no scope of this feed; known are {}", known.join(", "));
            Err(sources.error(&format!("feed.{}.scopes", feed.about().id), problem))
        }
        _ => Ok(settings),
    }
}

fn one(sources: &mut Sources, about: &'static About) -> Result<Settings, ConfigError> {
    let unset = Settings::unset(about);
    let mut s = Section { sources, about };
    let api_key = s.api_key()?;
    let factor_sets = s.words("factor_sets")?.unwrap_or(unset.factor_sets);
    let page_size = s.name("page_size");
    Ok(Settings {
        feed: about,
        enabled: s.value("enabled")?.unwrap_or(unset.enabled || api_key.is_some()),
        base_url: s.base_url()?.unwrap_or(unset.base_url),
        allowed_hosts: s.words("allowed_hosts")?.unwrap_or(unset.allowed_hosts),
        poll_every: s.span("poll_every")?.unwrap_or(unset.poll_every),
        look_back: s.delta("look_back")?.unwrap_or(unset.look_back),
        window: s.delta("window")?.unwrap_or(unset.window),
        page_size: s.sources.number(
            &page_size,
            1..=about.default.page_size_max,
            unset.page_size,
        )?,
        not_before: s.value::<Instant>("not_before")?.map_or(unset.not_before, |at| at.0),
        expected_lag: s.delta("expected_lag")?.unwrap_or(unset.expected_lag),
        scopes: s.words("scopes")?,
        factor_sets: match s.value::<String>("default_factor_set")? {
            None => factor_sets,
            Some(first) => {
                let others = factor_sets.into_iter().filter(|set| *set != first);
                std::iter::once(first.clone()).chain(others).collect()
            }
        },
        api_key,
        filter_upstream: s.value("filter_upstream")?.unwrap_or(unset.filter_upstream),
        account: s.value("account")?,
        owner: s.value("owner")?,
        payment_method: s.value("payment_method")?.unwrap_or(unset.payment_method),
        gas_in_m3: s.value("gas_in_m3")?,
    })
}
