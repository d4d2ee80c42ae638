//! Whether the page that an answer names may be followed.

use reqwest::Url;

use super::address::host;
use crate::feeds::{About, BadBody, Next, PageRef, Settings};

/// Pages of one window.
const MOST_PAGES: u32 = 10_000;

/// Whose links are followed, on the base address alone.
#[derive(Debug)]
pub(super) struct Trusted<'a> {
    base: Url,
    canonical: Option<Url>,
    allowed: &'a [String],
}

impl<'a> Trusted<'a> {
    /// By the settings of a feed; none where its base address is none.
    pub(super) fn of(settings: &'a Settings, about: &About) -> Option<Self> {
        let base = Url::parse(&settings.base_url).ok()?;
        let canonical = Url::parse(about.default.base_url).ok();
        Some(Self { base, canonical, allowed: &settings.allowed_hosts })
    }

    fn trusts(&self, link: &Url) -> bool {
        let name = host(link);
        name == host(&self.base)
            || self.canonical.as_ref().is_some_and(|canonical| name == host(canonical))
            || self.allowed.iter().any(|allowed| {
                allowed.eq_ignore_ascii_case(&name)
                    || link.host_str().is_some_and(|host| allowed.eq_ignore_ascii_case(host))
            })
    }

    /// The page after `page`, which was asked at `asked`.
    pub(super) fn follow(
        &self,
        next: Next,
        page: &PageRef,
        asked: &Url,
    ) -> Result<PageRef, BadBody> {
        let place = page.number().saturating_add(1);
        let followed = match next {
            Next::Page(next) if next.number() < place => {
                return Err(BadBody(format!(
                    "page {} is followed by page {}",
                    page.number(),
                    next.number()
                )));
            }
            Next::Page(next) => next,
            Next::Link(link) => {
                PageRef::Link { number: place, path_and_query: self.reduce(&link, asked)? }
            }
        };
        if followed.number() > MOST_PAGES {
            return Err(BadBody(format!("the window has more than {MOST_PAGES} pages")));
        }
        Ok(followed)
    }

    /// Path and query of a link below the base address. The link itself is not repeated: it may hold
    /// anything.
    fn reduce(&self, link: &str, asked: &Url) -> Result<String, BadBody> {
        let url =
            asked.join(link).map_err(|_| BadBody("the link to the next page is none".into()))?;
        if !matches!(url.scheme(), "http" | "https") || !self.trusts(&url) {
            let host = url.host_str().unwrap_or("nowhere");
            return Err(BadBody(format!(
                "the link to the next page leads to another host, {host}"
            )));
        }
        // A mirror that serves the upstream below a path names that path in its links, the upstream
        // does not.
        let below = self.base.path().trim_end_matches('/');
        let is_mirrors = host(&url) == host(&self.base);
        let path =
            Some(url.path()).filter(|_| is_mirrors).and_then(|path| path.strip_prefix(below));
        let path = path.filter(|path| path.starts_with('/')).unwrap_or(url.path());
        Ok(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(base: &str, link: &str) -> Result<String, BadBody> {
        let trusted = Trusted {
            base: Url::parse(base).unwrap(),
            canonical: Some(Url::parse("https://api.octopus.energy").unwrap()),
            allowed: &["mirror.test".to_owned()],
        };
        let asked = Url::parse(&format!("{base}/v1/x/?page=1")).unwrap();
        let next = trusted.follow(Next::Link(link.to_owned()), &PageRef::FIRST, &asked)?;
        assert_eq!(next.number(), 2);
        match next {
            PageRef::Link { path_and_query, .. } => Ok(path_and_query),
            PageRef::Number(_) => panic!("a link became a number"),
        }
    }

    #[test]
    fn links_of_known_hosts_are_reduced_to_path_and_query() {
        for link in [
            "https://api.octopus.energy/v1/x/?page=2",
            "http://127.0.0.1:8080/v1/x/?page=2",
            "https://MIRROR.test/v1/x/?page=2",
            "https://mirror.test:8443/v1/x/?page=2",
            "https://user:word@mirror.test/v1/x/?page=2#part",
            "/v1/x/?page=2",
            "?page=2",
        ] {
            assert_eq!(follow("http://127.0.0.1:8080", link), Ok("/v1/x/?page=2".into()), "{link}");
        }
    }

    #[test]
    fn links_of_other_hosts_are_refused() {
        for link in [
            "https://evil.test/v1/x/?page=2",
            "https://api.octopus.energy.evil.test/?page=2",
            "https://api.octopus.energy:8443/v1/x/",
            "https://api.octopus.energy@evil.test/",
            "http://127.0.0.1:9090/v1/x/",
            "//evil.test/v1/x/",
            "file:///etc/passwd",
            "mailto:a@mirror.test",
            "https://",
        ] {
            let refused = follow("http://127.0.0.1:8080", link).unwrap_err();
            assert!(!refused.0.contains("page=2"), "{link}");
        }
    }

    #[test]
    fn the_path_of_a_mirror_is_not_doubled() {
        let base = "https://mirror.test/octopus";
        assert_eq!(follow(base, "https://mirror.test/octopus/v1/x/?p=2"), Ok("/v1/x/?p=2".into()));
        assert_eq!(follow(base, "https://api.octopus.energy/v1/x/?p=2"), Ok("/v1/x/?p=2".into()));
        assert_eq!(
            follow(base, "https://mirror.test/octopuses/?p=2"),
            Ok("/octopuses/?p=2".into())
        );
    }

    #[test]
    fn pages_count_upwards_to_a_limit() {
        let base = Url::parse("https://a.test").unwrap();
        let trusted = Trusted { base: base.clone(), canonical: None, allowed: &[] };
        let follow = |from, to| {
            trusted.follow(Next::Page(PageRef::Number(to)), &PageRef::Number(from), &base)
        };
        assert_eq!(follow(1, 2), Ok(PageRef::Number(2)));
        assert!(follow(2, 2).is_err() && follow(2, 1).is_err());
        assert!(follow(9_999, 10_000).is_ok() && follow(10_000, 10_001).is_err());
    }
}
