//! `GET /api/v1/diff`: what changed between two versions of a dataset.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::listing;
use crate::{
    app::App,
    audit::download::{self, Asker, Wanted},
    auth::{Principal, SignedIn},
    db::{
        catalogue,
        data::{self, VersionFilter},
        snapshot::{Snapshot, View},
    },
    domain::{Dataset, words},
    error::{Problem, Result},
    extractors::{
        diff::{self, Comparison, Status},
        negotiate,
        query::{Query, canonical, contradiction},
        words::{
            Area, Block, Calendar, Combination, Curve, Day, Format, Instant, Mode, MonthBound,
        },
    },
    web::parameters::{FromParameters, Parameters, StrictQuery},
};

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(compare))
}

words! {
    /// How a diff is written.
    DiffFormat("a format") {
        /// Rows, summary, versions.
        Json = "json",
        /// A header record and the rows.
        Csv = "csv",
        /// A row a line.
        Ndjson = "ndjson",
    }
}

impl From<DiffFormat> for Format {
    fn from(format: DiffFormat) -> Self {
        match format {
            DiffFormat::Json => Self::Json,
            DiffFormat::Csv => Self::Csv,
            DiffFormat::Ndjson => Self::Ndjson,
        }
    }
}

/// The parameters as the documentation shows them; [`DiffQuery`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by utoipa only")]
struct DiffParams {
    /// The earlier version.
    #[param(example = "17")]
    from: Option<String>,
    /// The later version, of the same dataset.
    #[param(example = "18")]
    to: Option<String>,
    /// Instead of from and to: curve type.
    curve: Option<String>,
    /// Instead of from and to: ISO.
    iso: Option<String>,
    /// Instead of from and to: the operating day whose newest versions are compared.
    operating_day: Option<String>,
    /// Instead of from: the version that was the newest of the day at this instant.
    from_as_of: Option<String>,
    /// Instead of to: the version that was the newest of the day at this instant; now if omitted.
    to_as_of: Option<String>,
    /// standardized or unstandardized (default).
    mode: Option<String>,
    /// flat (default) or nerc.
    calendar: Option<String>,
    /// Only these blocks; may be repeated.
    strip: Option<Vec<String>>,
    /// First contract month.
    start: Option<String>,
    /// Last contract month.
    end: Option<String>,
    /// Only rows that were added, removed or changed. The summary counts all.
    only: Option<String>,
    /// json, csv or ndjson; without it `Accept` decides.
    format: Option<String>,
}

/// Which two versions.
#[derive(Debug, Clone, Copy)]
enum Sides {
    Versions(i64, i64),
    /// The newest of an operating day at two instants.
    Instants(Dataset, NaiveDate, DateTime<Utc>, Option<DateTime<Utc>>),
}

/// What is asked for.
#[derive(Debug)]
struct DiffQuery {
    sides: Sides,
    mode: Option<Mode>,
    calendar: Option<Calendar>,
    strips: Vec<Block>,
    months: (Option<NaiveDate>, Option<NaiveDate>),
    only: Option<Status>,
    format: Option<DiffFormat>,
}

impl FromParameters for DiffQuery {
    const NAMES: &'static [&'static str] = &[
        "from",
        "to",
        "curve",
        "iso",
        "operating_day",
        "from_as_of",
        "to_as_of",
        "mode",
        "calendar",
        "strip",
        "start",
        "end",
        "only",
        "format",
    ];

    fn from_parameters(p: &mut Parameters) -> Result<Self> {
        let month = |bound: MonthBound| bound.0;
        Ok(Self {
            sides: sides(p)?,
            mode: p.value("mode")?,
            calendar: p.value("calendar")?,
            strips: canonical(&p.values("strip")?),
            months: (p.value("start")?.map(month), p.value("end")?.map(month)),
            only: p.value("only")?,
            format: p.value("format")?,
        })
    }
}

/// Two ids, or a day and two instants, but nothing of both.
fn sides(p: &mut Parameters) -> Result<Sides> {
    const INSTEAD: [&str; 5] = ["curve", "iso", "operating_day", "from_as_of", "to_as_of"];
    let (from, to) = (p.value("from")?, p.value("to")?);
    if from.is_none() && to.is_none() {
        let instant = |at: Instant| at.0;
        let dataset = listing::dataset(p)?;
        let day: Day =
            p.value("operating_day")?.ok_or_else(|| listing::required("operating_day"))?;
        let from = p.value("from_as_of")?.map(instant);
        let from = from.ok_or_else(|| listing::required("from_as_of"))?;
        let to = p.value("to_as_of")?.map(instant);
        return Ok(Sides::Instants(dataset, day.0, from, to));
    }
    for name in INSTEAD {
        if let Some(value) = p.text(name)? {
            return Err(contradiction(name, value, "cannot be combined with from and to"));
        }
    }
    let from = from.ok_or_else(|| listing::required("from"))?;
    Ok(Sides::Versions(from, to.ok_or_else(|| listing::required("to"))?))
}

impl DiffQuery {
    /// The dataset and the two versions.
    async fn versions(&self, app: &App, principal: &Principal) -> Result<(Dataset, i64, i64)> {
        match self.sides {
            Sides::Versions(from, to) => {
                let (dataset, other) = (
                    dataset_of(app, principal, from).await?,
                    dataset_of(app, principal, to).await?,
                );
                if dataset != other {
                    let why = format!(
                        "is of {other}, from={from} of {dataset}: compare versions of one dataset"
                    );
                    return Err(contradiction("to", to, &why));
                }
                Ok((dataset, from, to))
            }
            Sides::Instants(dataset, day, from, to) => {
                let mut snapshot = app.snapshot(principal, &[dataset], None).await?;
                let now = snapshot.view.known_at;
                let from = newest(&mut snapshot, dataset, day, ("from_as_of", from)).await?;
                let to = ("to_as_of", to.unwrap_or(now));
                let to = newest(&mut snapshot, dataset, day, to).await?;
                snapshot.finish().await?;
                Ok((dataset, from, to))
            }
        }
    }

    /// The same as a download of both versions.
    fn download(&self, dataset: Dataset) -> Result<Query> {
        let curve = Curve::ALL.iter().find(|curve| curve.family() == Some(dataset.family));
        let area = Area::ALL.iter().find(|area| area.members() == [dataset.iso]);
        let (Some(&curve), Some(&iso)) = (curve, area) else {
            return Err(Problem::internal(&dataset));
        };
        let query = Query {
            curve,
            iso,
            start: self.months.0,
            end: self.months.1,
            strips: self.strips.clone(),
            days: None,
            version: None,
            version_ids: Vec::new(),
            as_of: None,
            mode: if curve.has_modes() {
                self.mode.or(Some(Mode::Unstandardized))
            } else {
                self.mode
            },
            calendar: self.calendar,
            layout: None,
            format: None,
            bom: false,
        };
        query.check()?;
        Ok(query)
    }

    /// What the audit log says of it.
    fn wanted(&self, comparison: &Comparison, format: Format) -> Wanted {
        let Combination { curve, iso } = comparison.combination;
        let parameters = json!({
            "mode": self.mode.map(Mode::as_str),
            "calendar": self.calendar.map(Calendar::as_str),
            "strip": self.strips.iter().map(|strip| strip.as_str()).collect::<Vec<_>>(),
            "start": self.months.0,
            "end": self.months.1,
            "only": self.only.map(Status::as_str),
        });
        Wanted {
            object: ("dataset", format!("{curve}/{iso}")),
            format: format.as_str(),
            parameters,
            known_at: Some(comparison.known_at),
            parts: vec![download::part((curve, iso), comparison.version_ids())],
        }
    }

    fn format(&self, headers: &HeaderMap) -> Result<DiffFormat> {
        const MEDIA: [&str; 3] = ["application/json", "text/csv", "application/x-ndjson"];
        if let Some(format) = self.format {
            return Ok(format);
        }
        let formats = [DiffFormat::Json, DiffFormat::Csv, DiffFormat::Ndjson];
        let [json, csv, ndjson] = std::array::from_fn(|place| (formats[place], vec![MEDIA[place]]));
        negotiate::best([json, csv, ndjson], headers)
            .ok_or_else(|| negotiate::not_acceptable(MEDIA, "format=json"))
    }
}

async fn dataset_of(app: &App, principal: &Principal, version: i64) -> Result<Dataset> {
    let place = catalogue::place_of_version(&app.pool, app.viewer(principal), version).await?;
    let (dataset, _) =
        place.ok_or_else(|| Problem::not_found(format!("there is no version {version}")))?;
    Ok(dataset)
}

/// The version that was the newest of a day at an instant.
async fn newest(
    snapshot: &mut Snapshot,
    dataset: Dataset,
    day: NaiveDate,
    (name, at): (&str, DateTime<Utc>),
) -> Result<i64> {
    let text = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    if at > snapshot.view.known_at {
        return Err(Problem::bad_parameter(name, &text, "it lies in the future"));
    }
    let filter = VersionFilter { days: Some((day, day)), ..VersionFilter::default() };
    let view = View { known_at: at, sight: snapshot.view.sight.clone() };
    let found = data::versions(snapshot.connection(), &view, dataset, &filter).await?;
    let none = || {
        Problem::new(
            axum::http::StatusCode::NOT_FOUND,
            "no_data",
            format!("{dataset} had no version of operating day {day} at {text} ({name})"),
        )
    };
    found.last().map(|version| version.id).ok_or_else(none)
}

/// Compare two versions
///
/// Row by row: a series at a contract month, or whatever the curve has instead. Rows that only one
/// version has are added or removed; a value that comes or goes is a change; equal rows are counted
/// only. Without `mode` stored values are compared in their native units. `percent` is of the old
/// value; `largest_move` is the changed row with the largest delta, up or down.
#[utoipa::path(
    get,
    path = "/api/v1/diff",
    tag = "data",
    params(DiffParams),
    responses(
        (status = 200, description = "The rows that differ, and a summary of all.", content(
            (serde_json::Value = "application/json", example = json!({"data": [{
                "curve": "energy", "iso": "ercot", "from_version_id": "17", "to_version_id": "18",
                "dims": {"control_area": "ERCOT", "state": "TX", "load_zone": "NORTH ZONE",
                         "capacity_zone": "-", "utility": "ONCOR", "block_type": "5x16",
                         "cost_group": "Energy", "cost_component": "Energy", "sub_component": "Energy"},
                "customer_type": null, "load_profile": null, "matching_id": null, "lookup_id": null,
                "uom": "$/MWh", "kind": "native", "contract_month": "2031-04-01", "date": null,
                "month": null, "he": null, "term": null, "beginning_date": null,
                "status": "changed", "old": 40, "new": 41, "delta": 1, "percent": 2.50000
            }], "summary": {"added": 0, "removed": 0, "changed": 1, "unchanged": 1439,
                            "largest_move": null, "from_note": null, "to_note": null},
            "meta": {
                "from": {"id": "17", "curve_timestamp": "2031-03-04T09:30:00Z",
                         "operating_day": "2031-03-04", "cob": false,
                         "known_at": "2031-03-04T09:30:41.000512Z",
                         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
                "to": {"id": "18", "curve_timestamp": "2031-03-04T16:30:00Z",
                       "operating_day": "2031-03-04", "cob": true,
                       "known_at": "2031-03-04T16:31:07.123456Z",
                       "sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"},
                "known_at": "2031-03-04T16:32:00.123456Z", "disclaimer": null
            }})),
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        ), headers(
            ("X-Known-At" = String, description = "The cut-off that was read at, UTC."),
            ("X-Not-Applied" = String, description = "Given parameters without effect."),
        )),
        (status = 400, description = "`unknown_parameter`, `bad_parameter`, `contradictory_parameters`: two datasets among them"),
        (status = 401, description = "No valid credential."),
        (status = 404, description = "`not_found`: no such version; `no_data`, `no_such_dataset`"),
        (status = 406, description = "`not_acceptable`"),
        (status = 429, description = "`too_many_downloads`: as many of yours run as may."),
        (status = 503, description = "`busy`; try again after Retry-After seconds."),
    ),
)]
async fn compare(
    State(app): State<App>,
    SignedIn(principal): SignedIn,
    StrictQuery(query): StrictQuery<DiffQuery>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response> {
    let format = Format::from(query.format(&headers)?);
    let (dataset, from, to) = query.versions(&app, &principal).await?;
    let download = query.download(dataset)?;
    let turn = app.downloads.take(&principal).await?;
    let comparison = diff::read(&app, &principal, download, (from, to)).await?;
    let headers = answer_headers(&comparison, format)?;
    let download = asker.begin(query.wanted(&comparison, format)).await?;
    Ok((headers, comparison.body(format, query.only, (turn, download))).into_response())
}

fn answer_headers(comparison: &Comparison, format: Format) -> Result<HeaderMap> {
    let mut headers = listing::known_at_headers(comparison.known_at)?;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if !comparison.not_applied.is_empty() {
        let names = HeaderValue::try_from(comparison.not_applied.join(", "));
        let names = names.map_err(|error| Problem::internal(&error))?;
        headers.insert(HeaderName::from_static("x-not-applied"), names);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_named_in_one_way() {
        let read = |query: &str| {
            let mut parameters = Parameters::parse(Some(query), DiffQuery::NAMES)?;
            DiffQuery::from_parameters(&mut parameters)
        };
        let day = "curve=energy&iso=ercot&operating_day=2031-03-04";
        assert!(read("from=1&to=2").is_ok());
        assert!(read(&format!("{day}&from_as_of=2031-03-04T10:00:00Z")).is_ok());
        for (query, code) in [
            ("", "bad_parameter"),
            ("from=1", "bad_parameter"),
            ("to=1", "bad_parameter"),
            ("from=x&to=2", "bad_parameter"),
            (day, "bad_parameter"),
            ("from=1&to=2&only=moved", "bad_parameter"),
            ("from=1&to=2&format=xlsx", "bad_parameter"),
            ("from=1&to=2&iso=ercot", "contradictory_parameters"),
            ("curve=rec&iso=miso", "no_such_dataset"),
        ] {
            assert_eq!(read(query).unwrap_err().code, code, "{query}");
        }
    }
}
