//! Pages of every feed, from bytes to rows or to a sentence that says why not.

use chrono::{DateTime, Datelike as _, Utc};
use rust_decimal::Decimal;
use trueprice::{
    domain::feed::Window,
    feeds::{
        self, Ask, BadBody, Feed, Finding, MeterPoint, Metering, Next, PageRef, Parsed, Records,
        Scope, Settings,
    },
};

/// What a page answers: of which feed, scope and days of January 2025, and where a link led to it.
struct Question {
    feed: &'static str,
    scope: &'static str,
    days: i64,
    link: Option<&'static str>,
}

/// The first byte of an input chooses one. A new one goes to the end: the others keep their inputs.
const QUESTIONS: [Question; 13] = [
    first("carbonara.intensity", "CAISO"),
    first("gb.factors", "GB"),
    first("gb.forecast", "GB"),
    first("gb.intensity", "GB"),
    first("gb.mix", "GB"),
    first("nyiso.rtfuelmix", "NYISO"),
    Question { days: 31, ..first("nyiso.rtfuelmix", "NYISO") },
    first("octopus.account", "account"),
    first("octopus.rates", "E-1R-AGILE-SAMPLE-25-C"),
    linked(
        "octopus.rates",
        "E-1R-AGILE-SAMPLE-25-C",
        "/v1/products/AGILE-SAMPLE-25/electricity-tariffs/E-1R-AGILE-SAMPLE-25-C/standing-charges/?page=2",
    ),
    first("octopus.rates", "E-2R-VAR-SAMPLE-24-C"),
    first("octopus.usage", "m-1"),
    linked(
        "octopus.usage",
        "m-1",
        "/v1/electricity-meter-points/1900000000001/meters/21X0000001/consumption/?page=2",
    ),
];

const fn first(feed: &'static str, scope: &'static str) -> Question {
    Question { feed, scope, days: 1, link: None }
}

const fn linked(feed: &'static str, scope: &'static str, link: &'static str) -> Question {
    Question { feed, scope, days: 1, link: Some(link) }
}

/// The most characters that say what is odd about a row or a page.
const SENTENCE_MAX: usize = 500;

/// The first byte chooses the question, the others are the page.
pub fn check(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let question = &QUESTIONS[usize::from(*choice) % QUESTIONS.len()];
    let feed = feeds::find(question.feed).expect("a feed");
    let page = question.link.map_or(PageRef::FIRST, |link| PageRef::Link {
        number: 2,
        path_and_query: link.to_owned(),
    });
    let parse = || ask(feed, question, &page, |ask| feed.parse(body, ask));
    let parsed = parse();
    // A kept page gives the same rows when it is read again.
    assert_eq!(format!("{parsed:?}"), format!("{:?}", parse()));
    match parsed {
        Ok(parsed) => check_parsed(&parsed, &page, body),
        Err(BadBody(why)) => assert!(is_sentence(&why), "{why}"),
    }
}

/// Whether every feed is asked something.
pub fn knows_every_feed() -> bool {
    let ids = feeds::FEEDS.iter().map(|feed| feed.about().id);
    ids.into_iter().all(|id| QUESTIONS.iter().any(|question| question.feed == id))
}

fn ask<T>(
    feed: &dyn Feed,
    question: &Question,
    page: &PageRef,
    of: impl FnOnce(&Ask<'_>) -> T,
) -> T {
    let account = Some("A-00000000".to_owned());
    let settings = Settings { account, ..Settings::unset(feed.about()) };
    let meter = MeterPoint {
        meter_id: "m-1".to_owned(),
        mpan: "1900000000001".to_owned(),
        serial: "21X0000001".to_owned(),
    };
    let scope = Scope {
        scope: question.scope.to_owned(),
        region_id: None,
        meter: Some(meter),
        tariff_code: Some(question.scope.to_owned()),
        first_available: DateTime::UNIX_EPOCH,
    };
    let from = DateTime::<Utc>::from_timestamp(1_735_707_600, 0).expect("midnight in New York");
    let window = Window::new(from, from + chrono::TimeDelta::days(question.days)).expect("a range");
    of(&Ask { settings: &settings, scope: &scope, window, page, now: window.to() })
}

/// What is read can be stored, and costs no more than its bytes are worth.
fn check_parsed(parsed: &Parsed, page: &PageRef, body: &[u8]) {
    // A finding takes some hundred bytes: many of them need a long page.
    assert!(parsed.findings.len() <= 10_000 + body.len() / 40);
    for Finding { message, at, .. } in &parsed.findings {
        assert!(is_sentence(message), "{message}");
        assert!(at.as_deref().is_none_or(is_short), "{at:?}");
    }
    match &parsed.next {
        Some(Next::Page(next)) => assert!(next.number() > page.number()),
        Some(Next::Link(link)) => assert!(link.len() <= body.len()),
        None => {}
    }
    // An archive unpacks.
    let is_archive = matches!(parsed.records, Records::Samples(_)) && body.starts_with(b"PK");
    assert!(is_archive || parsed.records.len() <= body.len());
    check_records(&parsed.records, body);
}

fn check_records(records: &Records, body: &[u8]) {
    match records {
        Records::Intensity(rows) => {
            for row in rows {
                assert!(is_known(row.start) && matches!(row.secs, 300 | 1800));
                assert!(is_text(&row.factor_set) && row.src_key.as_deref().is_none_or(is_text));
                assert!(row.src_updated_at.is_none_or(is_known));
            }
        }
        Records::Forecast(rows) => {
            assert!(rows.iter().all(|row| is_known(row.start) && is_known(row.issued_at)));
        }
        Records::Samples(rows) => {
            assert!(rows.iter().all(|row| is_known(row.sampled_at) && is_name(&row.fuel)));
        }
        Records::Mix(rows) => {
            assert!(rows.iter().all(|row| is_known(row.start) && is_name(&row.fuel)));
        }
        Records::Usage(rows) => {
            assert!(rows.iter().all(|row| is_known(row.start) && row.secs == 1800));
        }
        Records::Prices(rows) => {
            for row in rows {
                assert!(is_known(row.valid_from) && row.valid_to.is_none_or(is_known));
                assert!(row.valid_to.is_none_or(|to| to > row.valid_from));
                assert!(row.payment_method.as_deref().is_none_or(is_text));
            }
        }
        Records::Account(meters) => check_account(meters, body),
        Records::Factors(rows) => {
            let below = Decimal::from(1_000_000_000);
            assert!(rows.iter().all(|row| is_name(&row.fuel) && row.g_per_kwh.abs() < below));
        }
    }
}

fn check_account(meters: &[Metering], body: &[u8]) {
    // Each meter of a point has all agreements of the point.
    let agreements: usize = meters.iter().map(|meter| meter.agreements.len()).sum();
    assert!(agreements <= body.len().max(10_000));
    for meter in meters {
        assert!(is_text(&meter.mpan) && is_name(&meter.serial));
        for agreed in &meter.agreements {
            assert!(is_text(&agreed.tariff_code) && is_known(agreed.valid_from));
            assert!(agreed.valid_to.is_none_or(|to| to > agreed.valid_from && is_known(to)));
        }
    }
}

/// Whether an instant is one that a column can hold and a row can be counted on from.
fn is_known(at: DateTime<Utc>) -> bool {
    (-1..=10_000).contains(&at.year())
}

fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && is_text(text)
}

fn is_sentence(text: &str) -> bool {
    !text.is_empty() && is_short(text)
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= SENTENCE_MAX
}
