//! What an answer holds: versions and series, decided in one snapshot before the first byte.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{
    absence, part,
    query::Query,
    warnings::Warnings,
    words::{Combination, Curve, Form, Format, Selector},
};
pub use super::{part::Part, warnings::Warning};
use crate::{
    app::App,
    auth::Principal,
    db::{
        data::{self, VersionFilter, VersionHeader},
        sight,
        snapshot::{Snapshot, View},
    },
    domain::{Sha256, Source},
    error::Result,
};

/// The output's revision: raised when the same versions print differently, so that no cache keeps
/// the older print.
pub const REVISION: u32 = 5;

/// The window of a request that pins versions.
pub(super) const EVERY_DAY: (NaiveDate, NaiveDate) =
    (NaiveDate::from_ymd_opt(1, 1, 1).unwrap(), NaiveDate::from_ymd_opt(9999, 12, 31).unwrap());

/// A combination without an answer.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Skipped {
    /// Which.
    #[serde(flatten)]
    pub combination: Combination,
    /// `no_data`, `no_grant` or `no_such_dataset`.
    pub reason: &'static str,
}

/// Everything about an answer but its points.
#[derive(Debug)]
pub struct Selection {
    /// What was asked.
    pub query: Query,
    /// Wide or long, in force.
    pub form: Form,
    /// In force.
    pub format: Format,
    /// The cut-off.
    pub known_at: DateTime<Utc>,
    /// At least one.
    pub parts: Vec<Part>,
    /// Asked for, but empty.
    pub skipped: Vec<Skipped>,
    /// What the caller should know.
    pub warnings: Warnings,
    /// Parameters without effect.
    pub not_applied: Vec<&'static str>,
    /// Whether it answers an existing script: JSON is a plain array of flat records then, and a
    /// single result comes without an archive.
    pub script: bool,
    /// Printed at the end of every answer.
    pub disclaimer: Option<String>,
    /// The digest of the caller's grants and their windows.
    pub fingerprint: Sha256,
    /// Whether the same grants show the same for ever: none rolls or runs out. Told where versions or
    /// a cut-off are pinned.
    pub lasts: bool,
}

/// Decides what `query` is answered with, in a snapshot that later reads the points. 404 names the
/// nearest operating day.
pub async fn select(
    app: &App,
    principal: &Principal,
    query: Query,
    format: Format,
) -> Result<(Selection, Snapshot)> {
    let form = form(&query, format)?;
    let combinations: Vec<Combination> = query.combinations().collect();
    let sources: Vec<Source> = combinations.iter().filter_map(|c| c.source()).collect();
    let mut snapshot = app.snapshot(principal, &sources, query.as_of).await?;
    let (mut parts, mut skipped) = (Vec::new(), Vec::new());
    let mut warnings = selector_warnings(&query, &combinations);
    for &combination in &combinations {
        match parts_of(&mut snapshot, combination, &query, &mut warnings).await? {
            Ok(found) => parts.extend(found),
            Err(reason) => skipped.push(Skipped { combination, reason }),
        }
    }
    let lost = absence::lost_pins(&query, &parts);
    if parts.is_empty() || !lost.is_empty() {
        // Without a grant nothing is said about versions either.
        let is_refused = skipped.len() == combinations.len()
            && skipped.iter().all(|skipped| skipped.reason != "no_data");
        let problem = if lost.is_empty() || is_refused {
            absence::nothing(&mut snapshot, &query, &skipped).await?
        } else {
            absence::no_such_versions(&mut snapshot, &query, &lost).await?
        };
        snapshot.finish().await?;
        return Err(problem);
    }
    let not_applied = not_applied(&query);
    let View { known_at, sight } = &snapshot.view;
    let (known_at, fingerprint) = (*known_at, sight.fingerprint());
    let is_pinned = !query.version_ids.is_empty() || query.as_of.is_some();
    let viewer = app.viewer(principal);
    let lasts = is_pinned && sight::lasts(snapshot.connection(), viewer).await?;
    let selection = Selection {
        query,
        form,
        format,
        known_at,
        parts,
        skipped,
        warnings,
        not_applied,
        script: false,
        disclaimer: app.config.downloads.disclaimer.clone(),
        fingerprint,
        lasts,
    };
    Ok((selection, snapshot))
}

fn form(query: &Query, format: Format) -> Result<Form> {
    if query.bom && format != Format::Csv {
        let why = format!("is for csv, not for {format}, which Accept chose");
        return Err(super::query::contradiction("bom", true, &why));
    }
    match (query.layout, format) {
        (Some(Form::Wide), Format::Json | Format::Ndjson | Format::Parquet) => {
            Err(super::query::contradiction(
                "layout",
                Form::Wide,
                &format!("is for csv and xlsx; {format}, which Accept chose, is always long"),
            ))
        }
        (Some(form), _) => Ok(form),
        (None, Format::Csv | Format::Xlsx) => Ok(Form::Wide),
        (None, _) => Ok(Form::Long),
    }
}

/// One combination's headers, or the reason why it has none. A file holds one version of a matrix,
/// whose offers differ from one to the next, so several versions are several parts.
async fn parts_of(
    snapshot: &mut Snapshot,
    combination: Combination,
    query: &Query,
    warnings: &mut Warnings,
) -> Result<Result<Vec<Part>, &'static str>> {
    let Some(source) = combination.source() else { return Ok(Err("no_such_dataset")) };
    let (connection, view) = snapshot.parts();
    if !view.sight.has(source) {
        return Ok(Err("no_grant"));
    }
    let filter = version_filter(query, combination.curve);
    let mut versions = data::versions(connection, view, source, &filter).await?;
    versions.retain(|version| version.places > 0);
    let files: Vec<Vec<VersionHeader>> = match combination.curve {
        Curve::Matrix => versions.into_iter().map(|version| vec![version]).collect(),
        _ => vec![versions],
    };
    let mut parts = Vec::new();
    for versions in files {
        parts.extend(part::part(snapshot, (combination, source), query, versions, warnings).await?);
    }
    Ok(if parts.is_empty() { Err("no_data") } else { Ok(parts) })
}

pub(super) fn version_filter(query: &Query, curve: Curve) -> VersionFilter {
    let months = curve.has_months();
    let (start, end) = (query.start.filter(|_| months), query.end.filter(|_| months));
    if !query.version_ids.is_empty() {
        let days = Some(EVERY_DAY);
        let ids = Some(query.version_ids.clone());
        return VersionFilter { cob: None, days, every: true, ids, start, end };
    }
    let cob = match query.selector() {
        Selector::Cob if curve.has_cob() => Some(true),
        Selector::Intraday if curve.has_cob() => Some(false),
        _ => None,
    };
    let every = query.selector() == Selector::All;
    VersionFilter { cob, days: query.days, every, ids: None, start, end }
}

fn not_applied(query: &Query) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for &curve in query.curve.members() {
        for name in query.not_applied(curve) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn selector_warnings(query: &Query, combinations: &[Combination]) -> Warnings {
    let mut warnings = Warnings::default();
    let needs_cob = matches!(query.version, Some(Selector::Cob | Selector::Intraday));
    if needs_cob && combinations.iter().any(|combination| !combination.curve.has_cob()) {
        let detail = format!(
            "version={} is for energy; the other curves have no close of business and give latest",
            query.selector()
        );
        warnings.add(|| Warning::new("selector_replaced", detail));
    }
    warnings
}

impl Selection {
    /// Whether the answer is an archive.
    #[must_use]
    pub fn is_archive(&self) -> bool {
        let several = self.query.combinations().nth(1).is_some();
        self.parts.len() > 1 || several && !self.script
    }

    /// The file name of the whole answer.
    #[must_use]
    pub fn file_name(&self) -> String {
        match &*self.parts {
            [part] if !self.is_archive() => self.file_name_of(part),
            _ => "data.zip".to_owned(),
        }
    }

    /// The file name of a part.
    #[must_use]
    pub fn file_name_of(&self, part: &Part) -> String {
        let alike = self.parts.iter().filter(|other| other.combination == part.combination);
        part.file_name(&self.query, self.format, alike.count() > 1)
    }

    /// The parameters in force, in one spelling.
    #[must_use]
    pub fn normalised(&self) -> Vec<(&'static str, String)> {
        self.query.normalised(self.form, self.format)
    }

    /// The request as documents show it.
    #[must_use]
    pub fn request_json(&self) -> Value {
        let mut request = serde_json::Map::new();
        for (name, value) in self.normalised() {
            match request.get_mut(name) {
                Some(Value::Array(values)) => values.push(value.into()),
                None if matches!(name, "strip" | "version_id") => {
                    request.insert(name.to_owned(), json!([value]));
                }
                _ => {
                    request.insert(name.to_owned(), value.into());
                }
            }
        }
        if let Some(mode) = self.query.mode_in_force(self.query.curve) {
            // Where the request leaves it open.
            request.insert("mode".to_owned(), mode.as_str().into());
        }
        request.into()
    }

    /// `ETag`: a hash of all that decides the bytes. Strong, but weak where the cut-off is printed.
    #[must_use]
    pub fn etag(&self) -> String {
        let mut text =
            format!("{REVISION} {}\n{}\n", self.script, super::query::encode(&self.normalised()));
        for warning in &self.warnings.listed {
            text += warning.code;
        }
        text += &self.warnings.count.to_string();
        for part in &self.parts {
            text += &part.source.to_string();
            for version in &part.versions {
                text.push(' ');
                text += &version.id.to_string();
            }
            text.push('\n');
        }
        text += &self.fingerprint.to_string();
        text += self.disclaimer.as_deref().unwrap_or_default();
        let digest = Sha256::of(text.as_bytes()).to_string();
        let weak = self.is_archive() || self.format == Format::Json;
        format!("{}\"{}\"", if weak { "W/" } else { "" }, &digest[..32])
    }

    /// The cut-off, to the microsecond.
    #[must_use]
    pub fn known_at_text(&self) -> String {
        self.known_at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// When the current state last changed.
    #[must_use]
    pub fn last_modified(&self) -> DateTime<Utc> {
        let versions = self.parts.iter().flat_map(|part| &part.versions);
        versions.map(|version| version.known_at).max().unwrap_or_default()
    }
}
