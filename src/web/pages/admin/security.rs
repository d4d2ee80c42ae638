//! `/admin/security`: what keeps the data safe, chapter by chapter, and the parameters in force.

mod chapters;

use askama::Template;
use askama_web::WebTemplate;
use axum::{Router, extract::State, routing::get};

use self::chapters::{CHAPTERS, Chapter};
use super::Page;
use crate::{
    app::App,
    auth::{links::Purpose, password_rules, throttle, token},
    config::Config,
    error::Result,
    web::{
        middleware::{BODY_LIMIT, headers, url},
        pages::{PageContext, format},
        parameters::NoQuery,
        server::{HEAD_BYTES, Patience},
    },
};

/// The page's route.
pub fn routes() -> Router<App> {
    Router::new().route("/admin/security", get(security))
}

#[derive(Template, WebTemplate)]
#[template(path = "admin/security.html")]
struct SecurityPage {
    page: Page,
    chapters: &'static [Chapter],
    parameters: Vec<Group>,
    headers: Vec<(String, &'static str)>,
}

/// Parameters that belong together.
struct Group {
    name: &'static str,
    rows: Vec<(&'static str, String)>,
}

async fn security(
    context: PageContext,
    State(app): State<App>,
    _: NoQuery,
) -> Result<SecurityPage> {
    let context = context.admin()?;
    let headers = headers::HEADERS.into_iter().map(|(name, value)| (name.to_string(), value));
    Ok(SecurityPage {
        page: context.page("Security"),
        chapters: &CHAPTERS,
        parameters: parameters(&app.config),
        headers: headers.collect(),
    })
}

/// What is in force, as the program has it.
fn parameters(config: &Config) -> Vec<Group> {
    vec![passwords(config), credentials(config), sign_in(config), requests(config)]
}

fn passwords(config: &Config) -> Group {
    let auth = &config.auth;
    let (memory, passes, lanes) =
        (auth.argon2_memory_kib, auth.argon2_iterations, auth.argon2_lanes);
    let length = format!("{} to {} characters", password_rules::SHORTEST, password_rules::LONGEST);
    Group {
        name: "Passwords",
        rows: vec![
            ("Hash", format!("Argon2id, m = {memory} KiB, t = {passes}, p = {lanes}")),
            ("Hashes at once", auth.hashing_concurrency.to_string()),
            ("Length", length),
        ],
    }
}

fn credentials(config: &Config) -> Group {
    let auth = &config.auth;
    let idle = format!("{} without a request", span(auth.session_idle));
    let api =
        format!("{} days when not said, {} at most", token::DEFAULT_DAYS, token::LONGEST_DAYS);
    Group {
        name: "Sessions and tokens",
        rows: vec![
            ("A session ends after", idle),
            ("and in any case after", span(auth.session_absolute)),
            ("Life of a login token", span(auth.login_token_life)),
            ("Life of an API token", api),
            ("Life of an invitation", life(Purpose::Invite)),
            ("Life of a link to a new password", life(Purpose::Reset)),
        ],
    }
}

fn life(purpose: Purpose) -> String {
    purpose.life().to_std().map(span).unwrap_or_default()
}

fn sign_in(config: &Config) -> Group {
    let window = throttle::WINDOW.to_std().map(span).unwrap_or_default();
    let account = throttle::FREE_PER_ACCOUNT;
    let account = format!("after {account} failures 1 s, doubling to {window}");
    let network = format!("{} failures in {window}", throttle::ALLOWED_PER_NETWORK);
    let proxies: Vec<String> =
        config.auth.trusted_proxies.iter().map(ToString::to_string).collect();
    let proxies = if proxies.is_empty() { "none".to_owned() } else { proxies.join(", ") };
    let tls = match config.auth.behind_tls_proxy {
        true => "by the proxy in front; cookies are Secure and bound to this host",
        false => "none: served on this machine only",
    };
    Group {
        name: "Signing in",
        rows: vec![
            ("Delay of an account", account),
            ("Limit of an address", network),
            ("Proxies whose word counts", proxies),
            ("TLS", tls.to_owned()),
        ],
    }
}

fn requests(config: &Config) -> Group {
    let size = |bytes: u64| format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
    let limits = &config.limits;
    let (cells, entries) = (limits.cells, limits.archive_entries);
    Group {
        name: "Requests and files",
        rows: vec![
            ("Form or JSON", size(BODY_LIMIT as u64)),
            ("Address", size(url::LONGEST as u64)),
            ("Parameters", url::MOST_PARAMETERS.to_string()),
            (
                "Head",
                format!("{}, within {}", size(HEAD_BYTES as u64), span(Patience::default().head)),
            ),
            ("File", format!("{}, {cells} cells", size(limits.file_bytes))),
            ("Archive", format!("{}, {entries} entries", size(limits.archive_bytes))),
            ("Unpacked", size(limits.decompressed_bytes)),
            ("An upload that stalls", format!("is cut off after {}", span(config.upload_idle))),
            ("Downloads of one user at once", config.downloads.concurrent_per_user.to_string()),
        ],
    }
}

/// A time in the largest unit that has no rest: `2 h`, `90 min`.
fn span(span: std::time::Duration) -> String {
    match span.as_secs() {
        seconds if seconds > 0 && seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, shown) in [(7_200, "2 h"), (5_400, "90 min"), (1, "1 s"), (61, "61 s")] {
            assert_eq!(span(Duration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn what_is_shown_is_what_is_in_force() {
        let mut config = Config::under("/nowhere").unwrap();
        config.auth.argon2_memory_kib = 65_536;
        config.auth.session_idle = Duration::from_mins(30);
        let text =
            |group: Group| group.rows.into_iter().map(|(_, value)| value).collect::<String>();
        assert!(text(passwords(&config)).contains("m = 65536 KiB"));
        assert!(text(credentials(&config)).contains("30 min without"));
    }
}
