//! The address of a view.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::{
    domain::{Dataset, Family, Iso},
    error::{Problem, Result},
    extractors::words::Instant,
    web::{
        pages::form::{filled, url},
        parameters::{FromParameters, Parameters},
    },
};

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) curve: Option<Family>,
    pub(super) iso: Option<Iso>,
    pub(super) day: Option<NaiveDate>,
    pub(super) version: Option<i64>,
    pub(super) series: Vec<i64>,
    pub(super) compare: Option<i64>,
    /// Of hourly curves: a day, or the number of a month.
    pub(super) part: Option<String>,
    /// Only what was known then.
    pub(super) as_of: Option<DateTime<Utc>>,
}

impl FromParameters for View {
    const NAMES: &'static [&'static str] =
        &["curve", "iso", "day", "version", "series", "compare", "part", "as_of"];

    fn from_parameters(parameters: &mut Parameters) -> Result<Self> {
        Ok(Self {
            curve: filled(parameters, "curve")?,
            iso: filled(parameters, "iso")?,
            day: filled(parameters, "day")?,
            version: filled(parameters, "version")?,
            series: parameters.values("series")?,
            compare: filled(parameters, "compare")?,
            part: filled(parameters, "part")?,
            as_of: filled::<Instant>(parameters, "as_of")?.map(|instant| instant.0),
        })
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl View {
    /// The dataset that was asked for; a curve alone means ERCOT's, an ISO alone its energy.
    pub(super) fn dataset(&self) -> Result<Option<Dataset>> {
        if self.curve.is_none() && self.iso.is_none() {
            return Ok(None);
        }
        let family = self.curve.unwrap_or(Family::Energy);
        let iso = self.iso.unwrap_or(Iso::Ercot);
        let none = || Problem::not_found(format!("There are no {family} curves for {iso}."));
        Dataset::new(family, iso).map(Some).ok_or_else(none)
    }

    /// This view of a dataset and day that were settled.
    pub(super) fn of(self, dataset: Dataset, day: NaiveDate) -> Self {
        Self { curve: Some(dataset.family), iso: Some(dataset.iso), day: Some(day), ..self }
    }

    /// The names and values that make this view.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("curve", self.curve.map(|curve| curve.to_string()).unwrap_or_default()),
            ("iso", self.iso.map(|iso| iso.to_string()).unwrap_or_default()),
            ("day", self.day.map(|day| day.to_string()).unwrap_or_default()),
            ("version", self.version.map(|id| id.to_string()).unwrap_or_default()),
            ("compare", self.compare.map(|id| id.to_string()).unwrap_or_default()),
            ("part", self.part.clone().unwrap_or_default()),
            ("as_of", self.as_of.map(instant).unwrap_or_default()),
        ];
        pairs.extend(self.series.iter().map(|id| ("series", id.to_string())));
        pairs
    }

    /// The pairs but for those that a form has as fields of its own.
    pub(super) fn hidden(&self, fields: &str) -> Vec<(&'static str, String)> {
        let own = |name: &str| fields.split(' ').any(|field| field == name);
        self.pairs().into_iter().filter(|(name, value)| !own(name) && !value.is_empty()).collect()
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        url("/curves/versions", self.pairs())
    }

    /// The version alone, without the comparison.
    pub(super) fn without_comparison(&self) -> String {
        Self { compare: None, ..self.clone() }.url()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_its_address() {
        let query = "curve=energy&iso=pjm&day=2026-11-20&version=5&compare=4&series=1&series=2";
        let mut parameters = Parameters::parse(Some(query), View::NAMES).unwrap();
        let view = View::from_parameters(&mut parameters).unwrap();
        assert_eq!(view.url(), format!("/curves/versions?{query}"));
        let names: Vec<_> = view.hidden("series day").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["curve", "iso", "version", "compare"]);
    }

    #[test]
    fn a_dataset_that_cannot_be_is_not_found() {
        let view = View { curve: Some(Family::Rec), iso: Some(Iso::Miso), ..View::default() };
        assert_eq!(view.dataset().unwrap_err().code, "not_found");
    }
}
