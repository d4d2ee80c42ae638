//! `GET /get_data`: the download as existing scripts call it, and what became of their other paths.

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
    routing::any,
};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    audit::download::Asker,
    auth::SignedIn,
    domain::{UnknownWord, words},
    error::{Problem, Result},
    extractors::{
        query::{self, Query},
        selection,
        words::{Area, BadForm, Block, Curve, Day, Format, Mode, MonthBound, Selector},
    },
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// Paths of older scripts, and where what they gave is now.
const MOVED: [(&str, &str); 12] = [
    ("/get_catalog", "GET /api/v1/datasets"),
    ("/get_cob_availability", "GET /api/v1/cob-availability"),
    ("/get_components", "GET /api/v1/exports/components"),
    ("/get_curve", "GET /api/v1/data"),
    ("/get_curves", "GET /api/v1/data"),
    ("/get_intraday_timestamps", "GET /api/v1/intraday-timestamps"),
    ("/get_labels", "GET /api/v1/labels"),
    ("/get_operating_days", "GET /api/v1/operating-days"),
    ("/get_series", "GET /api/v1/series"),
    ("/get_token", "POST /api/v1/tokens"),
    ("/get_uploads", "GET /api/v1/uploads"),
    ("/get_versions", "GET /api/v1/versions"),
];

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    let mut router = OpenApiRouter::new().routes(routes!(download));
    describe_moved(router.get_openapi_mut());
    MOVED.iter().fold(router, |router, (path, _)| router.route(path, any(gone)))
}

/// The paths that are no more answer nothing but 410, so they stand in the text of what stayed.
fn describe_moved(openapi: &mut OpenApi) {
    let item = openapi.paths.paths.get_mut("/get_data").and_then(|item| item.get.as_mut());
    let Some(operation) = item else { return };
    let text = operation.description.get_or_insert_default();
    text.push_str(
        "\n\nOther paths of older scripts answer 410 `gone` and name what replaces them:\n",
    );
    for (path, replacement) in MOVED {
        text.push_str("\n- `");
        text.push_str(path);
        text.push_str("`: `");
        text.push_str(replacement);
        text.push('`');
    }
}

/// 410 that names the replacement.
async fn gone(OriginalUri(uri): OriginalUri) -> Problem {
    let place = MOVED.iter().find(|(path, _)| *path == uri.path());
    let replacement = place.map_or("GET /api/v1/datasets", |(_, replacement)| replacement);
    Problem::new(
        StatusCode::GONE,
        "gone",
        format!("{} is no more; use {replacement}, described at /apidocs", uri.path()),
    )
    .with("replacement", replacement)
}

words! {
    /// What scripts call the version selector.
    IdCob("an idcob") {
        /// The newest.
        All = "all",
        /// The newest.
        LatestAll = "latestall",
        /// Close of business.
        CobOnly = "cobonly",
        /// Not close of business.
        IntradayOnly = "intradayonly",
    }
}

words! {
    /// What scripts call the format.
    Type("a type") {
        /// Wide CSV.
        Csv = "csv",
        /// An array of flat records.
        Json = "json",
        /// A wide workbook.
        Xlsx = "xlsx",
    }
}

/// A day as scripts write it: `YYYYMMDD` or `YYYY-MM-DD`.
struct ScriptDay(NaiveDate);

impl std::str::FromStr for ScriptDay {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        let compact = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = if compact {
            format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])
        } else {
            text.to_owned()
        };
        let wanted = BadForm { what: "a day", form: "YYYYMMDD or YYYY-MM-DD" };
        text.parse().map(|Day(day)| Self(day)).map_err(|_| wanted)
    }
}

/// One end of a range of months: also `YYYYMMDD`.
struct ScriptMonth(NaiveDate);

impl std::str::FromStr for ScriptMonth {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        let day = text.parse().map(|ScriptDay(day)| day);
        let day = day.or_else(|_| text.parse().map(|MonthBound(day)| day));
        let form = "YYYY-MM, YYYY-MM-DD or YYYYMMDD";
        day.map(Self).map_err(|_| BadForm { what: "a contract month", form })
    }
}

/// A script's query as that of a download.
struct ScriptQuery {
    query: Query,
    format: Format,
}

impl FromParameters for ScriptQuery {
    const NAMES: &'static [&'static str] = &[
        "curve_type",
        "iso",
        "start",
        "end",
        "operating_day",
        "operating_day_end",
        "strip",
        "type",
        "idcob",
        "history",
        "offset",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let curve: Curve =
            p.value("curve_type")?.ok_or_else(|| query::missing("curve_type", Curve::ALL))?;
        let iso = match p.value("iso")? {
            Some(iso) => iso,
            None if curve == Curve::LineLoss => Area::All,
            None => return Err(query::missing("iso", Area::ALL)),
        };
        let (strips, mode) = strips(p)?;
        let format = match p.value("type")?.unwrap_or(Type::Csv) {
            Type::Csv => Format::Csv,
            Type::Json => Format::Json,
            Type::Xlsx => Format::Xlsx,
        };
        let query = Query {
            curve,
            iso,
            start: p.value::<ScriptMonth>("start")?.map(|bound| bound.0),
            end: p.value::<ScriptMonth>("end")?.map(|bound| bound.0),
            strips,
            days: days(p)?,
            version: version(p, curve)?,
            version_ids: Vec::new(),
            as_of: None,
            mode,
            calendar: None,
            layout: None,
            format: Some(format),
            bom: false,
        };
        query.check()?;
        Ok(Self { query, format })
    }
}

/// Blocks and mode share the parameter `strip`; what stands before the last `_` does not count.
fn strips(p: &mut Parameters) -> Result<(Vec<Block>, Option<Mode>)> {
    let (mut blocks, mut mode) = (Vec::new(), None);
    for text in p.texts("strip") {
        let word = text.rsplit('_').next().unwrap_or_default();
        match (word.parse::<Mode>(), word.parse::<Block>()) {
            (Ok(word), _) if mode.is_some_and(|mode| mode != word) => {
                return Err(query::contradiction("strip", word, "contradicts the other mode"));
            }
            (Ok(word), _) => mode = Some(word),
            (_, Ok(block)) => blocks.push(block),
            (_, Err(UnknownWord { known, .. })) => {
                let why = format!(
                    "it is not a strip; known are {known}, standardized, and unstandardized for stored blocks"
                );
                return Err(Problem::bad_parameter("strip", &text, why));
            }
        }
    }
    Ok((query::canonical(&blocks), mode))
}

/// The window of operating days, both ends moved back by `offset` days and off a weekend. Without
/// an offset, or with 0, a day is taken as it is: data of a weekend must stay within reach.
fn days(p: &mut Parameters) -> Result<Option<(NaiveDate, NaiveDate)>> {
    let offset: u16 = p.value("offset")?.unwrap_or_default();
    let first = p.value::<ScriptDay>("operating_day")?.map(|day| day.0);
    let last = p.value::<ScriptDay>("operating_day_end")?.map(|day| day.0);
    let Some(day) = first else {
        let (name, value) = match (last, offset) {
            (Some(last), _) => ("operating_day_end", last.to_string()),
            (None, 1..) => ("offset", offset.to_string()),
            (None, 0) => return Ok(None),
        };
        return Err(query::contradiction(name, value, "needs operating_day"));
    };
    let first = business_day(day, offset);
    let last = last.map_or(first, |last| business_day(last, offset));
    if first > last {
        let why = format!("comes after operating_day_end={last}");
        return Err(query::contradiction("operating_day", first, &why));
    }
    Ok(Some((first, last)))
}

fn business_day(day: NaiveDate, offset: u16) -> NaiveDate {
    if offset == 0 {
        return day;
    }
    let moved = day.checked_sub_days(Days::new(offset.into())).unwrap_or(day);
    let back = match moved.weekday() {
        Weekday::Sat => 1,
        Weekday::Sun => 2,
        _ => 0,
    };
    moved.checked_sub_days(Days::new(back)).unwrap_or(moved)
}

fn version(p: &mut Parameters, curve: Curve) -> Result<Option<Selector>> {
    let idcob: Option<IdCob> = p.value("idcob")?;
    let history = p.text("history")?.is_some_and(|text| text.eq_ignore_ascii_case("all"));
    let one = match idcob {
        Some(IdCob::CobOnly) if curve.has_cob() || curve == Curve::All => Some(Selector::Cob),
        Some(IdCob::IntradayOnly) if curve.has_cob() || curve == Curve::All => {
            Some(Selector::Intraday)
        }
        _ => None,
    };
    match (one, history) {
        (Some(selector), true) => {
            let why = format!("asks for every version, idcob for {selector}");
            Err(query::contradiction("history", "all", &why))
        }
        (None, true) => Ok(Some(Selector::All)),
        (one, false) => Ok(one),
    }
}

/// Download curves as existing scripts do
///
/// The data of `/api/v1/data` in the wide layout, with the parameters that scripts have always
/// sent. `type=json` is a plain array of flat records.
#[utoipa::path(
    get,
    path = "/get_data",
    tag = "scripts",
    params(
        ("curve_type" = String, Query, description = "As `curve`.", example = "energy"),
        ("iso" = String, Query, description = "As `iso`.", example = "ercot"),
        ("start" = Option<String>, Query, description = "First contract month, also YYYYMMDD."),
        ("end" = Option<String>, Query, description = "Last contract month, also YYYYMMDD."),
        ("operating_day" = Option<String>, Query, description = "First operating day, also YYYYMMDD.", example = "20310304"),
        ("operating_day_end" = Option<String>, Query, description = "Last operating day, also YYYYMMDD."),
        ("strip" = Option<Vec<String>>, Query, description = "Blocks (`strip_5x16` is `5x16`), all, standardized or unstandardized."),
        ("type" = Option<String>, Query, description = "csv, json or xlsx.", example = "csv"),
        ("idcob" = Option<String>, Query, description = "all, latestall, cobonly or intradayonly."),
        ("history" = Option<String>, Query, description = "all: every version."),
        ("offset" = Option<u16>, Query, description = "Days that operating_day and operating_day_end go back; from a weekend on to Friday. 0 changes nothing."),
    ),
    responses(
        (status = 200, description = "The data.", content(
            (String = "text/csv"),
            (serde_json::Value = "application/json", example = json!([{
                "Curve Start Month": "2031-04-01 00:00:00", "Data": 41.27000,
                "Curve Update Date": "2031-03-04 09:30:00", "Control Area": "ERCOT", "State": "TX",
                "Load Zone": "NORTH ZONE", "Capacity Zone": "-", "Utility": "ONCOR",
                "Block Type": "5x16", "Cost Group": "Energy", "Cost Component": "Energy",
                "Sub Cost Component": "Energy", "UOM": "$/MWh", "COB": false
            }])),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (Vec<u8> = "application/zip"),
        )),
        (status = 304, description = "What If-None-Match names is still the answer."),
        (status = 400, description = "As for `/api/v1/data`."),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`no_data`, `no_such_dataset`"),
        (status = 429, description = "`too_many_downloads`"),
        (status = 503, description = "`busy`"),
    ),
)]
async fn download(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(ScriptQuery { query, format }): StrictQuery<ScriptQuery>,
    asker: Asker,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let turn = app.downloads.take(&principal).await?;
    let (mut selection, snapshot) = selection::select(&app, &principal, query, format).await?;
    selection.script = true;
    super::data::answer(selection, snapshot, (turn, asker), &method, &headers).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query> {
        let mut parameters = Parameters::parse(Some(query), ScriptQuery::NAMES)?;
        ScriptQuery::from_parameters(&mut parameters).map(|script| script.query)
    }

    fn days_of(query: &str) -> (String, String) {
        let query = format!("curve_type=energy&iso=ercot&{query}");
        let (first, last) = read(&query).unwrap().days.unwrap();
        (first.to_string(), last.to_string())
    }

    #[test]
    fn a_script_s_words_are_those_of_a_download() {
        let query = read(
            "curve_type=energy&iso=ERCOT&start=20310401&end=2031-06&strip=strip_5x16&strip=X_7X8\
             &strip=strip_unstandardized&idcob=cobonly&type=json&history=none",
        )
        .unwrap();
        assert_eq!(query.strips, [Block::S5x16, Block::S7x8]);
        assert_eq!(query.mode, Some(Mode::Unstandardized));
        assert_eq!(query.version, Some(Selector::Cob));
        assert_eq!(query.format, Some(Format::Json));
        assert_eq!(query.start.unwrap().to_string(), "2031-04-01");
        assert_eq!(query.end.unwrap().to_string(), "2031-06-01");
        let rec = read("curve_type=rec&iso=pjm&idcob=cobonly&history=all").unwrap();
        assert_eq!(rec.version, Some(Selector::All));
    }

    #[test]
    fn an_offset_goes_back_and_off_the_weekend() {
        // 2031-03-04 is a Tuesday.
        assert_eq!(days_of("operating_day=20310304&offset=1").0, "2031-03-03");
        assert_eq!(days_of("operating_day=20310304&offset=2").0, "2031-02-28");
        assert_eq!(days_of("operating_day=2031-03-04&offset=3").1, "2031-02-28");
        // A Saturday.
        for same in ["", "&offset=0"] {
            assert_eq!(days_of(&format!("operating_day=20310301{same}")).0, "2031-03-01");
        }
        assert_eq!(
            days_of("operating_day=20310303&offset=3&operating_day_end=20310303").1,
            "2031-02-28"
        );
    }

    #[test]
    fn what_is_no_more_is_described() {
        let openapi = serde_json::to_string(&routes().into_openapi()).unwrap();
        for (path, replacement) in MOVED {
            assert!(openapi.contains(&format!("`{path}`: `{replacement}`")), "{path}");
        }
    }

    #[test]
    fn messages_are_in_the_words_of_the_call() {
        let strip = read("curve_type=energy&iso=ercot&strip=9x9").unwrap_err().detail;
        assert!(strip.contains("unstandardized") && !strip.contains("mode"), "{strip}");
        let start = read("curve_type=energy&iso=ercot&start=2031").unwrap_err().detail;
        assert!(start.ends_with("write YYYY-MM, YYYY-MM-DD or YYYYMMDD"), "{start}");
    }

    #[test]
    fn what_scripts_get_wrong_is_a_400() {
        for query in [
            "iso=ercot",
            "curve_type=energy&iso=ercot&type=parquet",
            "curve_type=energy&iso=ercot&strip=strip_9x9",
            "curve_type=energy&iso=ercot&strip=standardized&strip=5x16",
            "curve_type=energy&iso=ercot&operating_day=2031030",
            "curve_type=energy&iso=ercot&idcob=never",
            "curve_type=energy&iso=ercot&offset=3",
            "curve_type=energy&iso=ercot&idcob=cobonly&history=all",
            "curve_type=energy&iso=ercot&as_of=2031-03-04T00:00:00Z",
        ] {
            assert_eq!(read(query).unwrap_err().status, StatusCode::BAD_REQUEST, "{query}");
        }
    }
}
