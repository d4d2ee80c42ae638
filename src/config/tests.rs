use std::io::Write as _;

use clap::Parser as _;

use super::*;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

fn config(flags: &[&str], environment: &[(&str, &str)], file: &str) -> Result<Config, String> {
    let mut path = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    path.write_all(file.as_bytes()).unwrap();
    let flags = Cli::parse_from(["trueprice"].iter().chain(flags)).flags;
    let name = path.path().display().to_string();
    let sources = Sources::for_tests(&flags, environment, Some(path.path()));
    sources.and_then(Config::resolve).map_err(|error| error.to_string().replace(&name, "FILE"))
}

#[test]
fn without_a_word_the_defaults_hold() {
    let config = config(&[], &[], "").unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.bands.len(), 1);
    assert_eq!(config.auth.session_absolute, Duration::from_hours(12));
}

#[test]
fn a_flag_beats_the_environment_and_the_environment_beats_the_file() {
    let file = "listen = '127.0.0.1:1'\ndata_dir = '/f'\ncurve_timezone = 'America/New_York'";
    let environment = [("TRUEPRICE_LISTEN", "127.0.0.1:2"), ("TRUEPRICE_DATA_DIR", "/e")];
    let config = config(&["--listen", "127.0.0.1:3"], &environment, file).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data_dir.to_str(), Some("/e"));
    assert_eq!(config.curve_timezone, Tz::America__New_York);
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    let wrong = |flags: &[&str], environment: &[_], file| {
        config(flags, environment, file).expect_err("it is wrong")
    };
    let error = wrong(&["--listen", "here"], &[], "");
    assert!(error.starts_with("flag --listen: \"here\" is not understood"), "{error}");
    let error = wrong(&[], &[("TRUEPRICE_CURVE_TIMEZONE", "Mars")], "");
    assert!(
        error.starts_with("environment variable TRUEPRICE_CURVE_TIMEZONE: \"Mars\""),
        "{error}"
    );
    let error = wrong(&[], &[], "\n[limits]\nrows = 0");
    assert_eq!(error, "FILE, line 3, limits.rows: 0 is not from 1 to 1048576");
    let error = wrong(&[], &[], "\nlisten_to = 'x'");
    assert_eq!(error, "FILE, line 2, listen_to: there is no such setting; did you mean listen?");
    let error = wrong(&[], &[], "a = 1\nb = [");
    assert!(error.starts_with("FILE, line 2"), "{error}");
}

#[test]
fn passwords_are_never_hashed_more_weakly_than_the_floor() {
    let error = config(&[], &[("TRUEPRICE_AUTH_ARGON2_MEMORY_KIB", "1024")], "").unwrap_err();
    assert!(error.contains("TRUEPRICE_AUTH_ARGON2_MEMORY_KIB: 1024 is not from 19456"), "{error}");
}

#[test]
fn plain_http_for_other_machines_needs_a_declared_proxy() {
    let error = config(&["--listen", "0.0.0.0:80"], &[], "").unwrap_err();
    assert!(error.contains("--behind-tls-proxy"), "{error}");
    assert!(config(&["--listen", "0.0.0.0:80", "--behind-tls-proxy"], &[], "").is_ok());
    assert!(config(&["--listen", "[::1]:80"], &[], "").is_ok());
}

#[test]
fn a_secret_is_not_shown() {
    let environment = [
        ("DATABASE_URL", "postgres://u:hush@h/d"),
        ("TRUEPRICE_ADMIN_PASSWORD", "hush, four words"),
    ];
    let config = config(&[], &environment, "").unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    assert_eq!(config.first_administrator.password.unwrap().expose(), "hush, four words");
}

#[test]
fn wrong_secrets_are_named_and_not_shown() {
    let wrong = |name, value| config(&[], &[(name, value)], "").unwrap_err();
    for address in ["foo", "mysql://u:hush@h/d", "postgres://u:hush@h:port/d"] {
        let error = wrong("DATABASE_URL", address);
        let start = "environment variable DATABASE_URL: this is no address such as postgres://";
        assert!(error.starts_with(start) && !error.contains("hush"), "{error}");
    }
    let error = wrong("TRUEPRICE_ADMIN_PASSWORD", "hush");
    let start = "environment variable TRUEPRICE_ADMIN_PASSWORD: the password is too short";
    assert!(error.starts_with(start) && !error.contains("hush"), "{error}");
}

#[test]
fn a_variable_that_is_no_setting_is_refused() {
    let error = config(&[], &[("TRUEPRICE_LISTN", "127.0.0.1:1")], "").unwrap_err();
    assert_eq!(
        error,
        "environment variable TRUEPRICE_LISTN: there is no such setting; did you mean \
         TRUEPRICE_LISTEN?"
    );
    for known in ["TRUEPRICE_TEST_NO_BROWSER", "TRUEPRICE_LIMITS_ROWS"] {
        config(&[], &[(known, "1")], "").unwrap();
    }
    config(&[], &[("TRUEPRICE_LISTN", "")], "").unwrap();
}

#[test]
fn a_data_directory_that_cannot_be_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &std::path::Path| {
        let config = config(&["--data-dir", path.to_str().unwrap()], &[], "").unwrap();
        config.check_data_dir().map_err(|error| error.to_string())
    };
    for path in [file.path().to_owned(), file.path().join("data")] {
        let error = check(&path).unwrap_err();
        assert!(error.starts_with("flag --data-dir: ") && error.contains("is a file"), "{error}");
    }
    assert!(check("/proc/none/data".as_ref()).unwrap_err().contains("cannot be made"));
    assert_eq!(check(&folder.path().join("a/b")), Ok(()));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing stays behind");
}

#[test]
fn bands_are_given_by_family_and_unit() {
    let file = "[bands.rec.'$/MWh']\nhigh = 80\nhard = true\n[bands.energy.'$/MWh']\nlow = -50.5";
    let bands = config(&[], &[], file).unwrap().bands;
    let shown: Vec<_> = bands
        .iter()
        .map(|b| (b.family.to_string(), b.low.map(|l| l.to_string()), b.high.is_some(), b.hard))
        .collect();
    assert_eq!(
        shown,
        [
            ("energy".to_owned(), Some("-50.5".to_owned()), false, false),
            ("rec".to_owned(), None, true, true)
        ]
    );
}

#[test]
fn lists_and_spans_are_read() {
    let file = "trusted_proxies = ['10.0.0.0/8', '::1']\n[auth]\nsession_idle = '90s'";
    let auth = config(&[], &[], file).unwrap().auth;
    assert_eq!(auth.trusted_proxies.len(), 2);
    let allow = |text| config(&[], &[("TRUEPRICE_METRICS_ALLOW", text)], "");
    assert_eq!(allow("10.0.0.0/8, ::1").unwrap().metrics_allow.len(), 2);
    assert!(allow("10.0.0.0/33").unwrap_err().contains("TRUEPRICE_METRICS_ALLOW"));
    assert_eq!(auth.session_idle, Duration::from_secs(90));
    assert!(config(&[], &[], "[auth]\nsession_idle = '90'").is_err());
}

#[test]
fn mail_needs_a_server_that_can_be_and_a_sender() {
    let url = ("TRUEPRICE_SMTP_URL", "smtps://u:hush@mail.example.com");
    let from = ("TRUEPRICE_MAIL_FROM", "TRUEPrice <curves@example.com>");
    let mail = config(&[], &[url, from], "").unwrap().mail.unwrap();
    assert_eq!(mail.from.email.to_string(), "curves@example.com");
    assert!(!format!("{mail:?}").contains("hush"));
    assert!(config(&[], &[from], "").unwrap().mail.is_none());
    let error = config(&[], &[url], "").unwrap_err();
    assert!(error.starts_with("setting mail_from: is missing"), "{error}");
    for wrong in ["mail.example.com", "http://hush@h", "smtp://", "smtp://u:hush@h:port"] {
        let error = config(&[], &[("TRUEPRICE_SMTP_URL", wrong), from], "").unwrap_err();
        let start = "environment variable TRUEPRICE_SMTP_URL: give an address such as";
        assert!(error.starts_with(start) && !error.contains("hush"), "{wrong}: {error}");
    }
    let error = config(&[], &[url, (from.0, "nobody")], "").unwrap_err();
    assert!(error.starts_with("environment variable TRUEPRICE_MAIL_FROM: \"nobody\""), "{error}");
    let proxy = config(&["--behind-tls-proxy"], &[url, from], "").unwrap_err();
    assert!(proxy.starts_with("setting public_url: is missing"), "{proxy}");
}

#[test]
fn links_begin_with_the_public_address_or_else_with_our_own() {
    let base = |file| config(&[], &[], file).unwrap().base_url();
    assert_eq!(base(""), "http://127.0.0.1:8080");
    assert_eq!(base("public_url = 'https://curves.example.com/'"), "https://curves.example.com");
}

#[test]
fn sql_is_opened_with_a_certificate_only() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("both.pem");
    std::fs::write(&pem, "").unwrap();
    let shown = pem.display();
    let wrong = |file: &str| config(&[], &[], file).unwrap_err();
    assert!(wrong("[bi]\nlisten = '0.0.0.0:5433'").contains("name a certificate and its key"));
    assert!(wrong("[bi]\nlisten = '0.0.0.0:0'").contains("name a port"));
    let missing = "[bi]\nlisten = '0.0.0.0:5433'\ntls_cert = '/none.pem'\ntls_key = '/none.pem'";
    assert!(wrong(missing).contains("/none.pem cannot be read"));
    let good = format!("[bi]\nlisten = '0.0.0.0:5433'\ntls_cert = '{shown}'\ntls_key = '{shown}'");
    assert_eq!(config(&[], &[], &good).unwrap().bi.opening.unwrap().listen.port(), 5433);
    assert!(config(&[], &[], "").unwrap().bi.opening.is_none());
}

#[test]
fn every_setting_is_in_the_readme() {
    const README: &str = include_str!("../../README.md");
    let mut sources = Sources::default();
    let s = &mut sources;
    bi::read(s).unwrap();
    auth(s).unwrap();
    database(s).unwrap();
    feeds::read(s).unwrap();
    first_administrator(s).unwrap();
    limits(s).unwrap();
    listen(s).unwrap();
    mail::read(s).unwrap();
    mqtt::read(s).unwrap();
    assert!(sources.asked().count() > 100);
    for name in sources.asked() {
        let (section, last) = name.rsplit_once('.').unwrap_or(("", name));
        let is_told = |row: &str| {
            row.contains(&format!("`{name}`"))
                || row.contains(&format!("`{last}`"))
                    && (section.starts_with("feed.") || row.contains(&format!("`{section}.")))
        };
        let mut rows = README.lines().filter(|line| line.starts_with('|'));
        assert!(rows.any(is_told), "{name} is not in the README");
    }
}
