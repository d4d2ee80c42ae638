//! The form as it was sent. What cannot be read is told beside its field; the rest still holds.

use std::str::FromStr;

use chrono::NaiveDate;

use super::choices::{CALENDARS, FORMATS, LAYOUTS, MODES, VERSIONS, curve_names, iso_names};
use crate::{
    domain::ContractMonth,
    error::Problem,
    web::{
        pages::form::filled,
        parameters::{Parameters, unknown_parameter},
    },
};

/// The fields of the form.
const NAMES: [&str; 16] = [
    "curve",
    "iso",
    "operating_day",
    "operating_day_end",
    "version",
    "version_id",
    "start",
    "end",
    "strip",
    "mode",
    "calendar",
    "layout",
    "format",
    "bom",
    "as_of",
    "previous",
];

/// What was chosen, as far as it could be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    pub(super) curve: Option<String>,
    pub(super) iso: Option<String>,
    pub(super) operating_day: Option<NaiveDate>,
    pub(super) operating_day_end: Option<NaiveDate>,
    pub(super) version: Option<String>,
    pub(super) version_ids: Vec<i64>,
    pub(super) start: Option<ContractMonth>,
    pub(super) end: Option<ContractMonth>,
    pub(super) strip: Vec<String>,
    pub(super) mode: Option<String>,
    pub(super) calendar: Option<String>,
    pub(super) layout: Option<String>,
    pub(super) format: Option<String>,
    pub(super) bom: Option<bool>,
    pub(super) as_of: Option<String>,
    pub(super) previous: Option<String>,
    pub(super) faults: Faults,
}

/// What could not be read: the field, and why.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults(Vec<(String, String)>);

impl Faults {
    /// Whether everything was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub(super) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, fault)| &**fault)
    }

    /// What is wrong with parameters that are no fields.
    pub(super) fn of_no_field(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(name, _)| !NAMES.contains(&&**name)).map(|(_, fault)| &**fault)
    }

    pub(super) fn add(&mut self, field: &str, problem: &Problem) {
        // Beside its field the name would be said twice.
        let named = format!("parameter {field}: ");
        let fault = problem.detail.strip_prefix(&named).unwrap_or(&problem.detail);
        self.0.push((field.to_owned(), fault.to_owned()));
    }
}

impl Wish {
    /// Reads a query.
    pub(super) fn read(query: &str) -> Self {
        let mut faults = Faults::default();
        let mut known = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match NAMES.contains(&&*name) {
                true => drop(known.append_pair(&name, &value)),
                false => faults.add(&name, &unknown_parameter(&name, &NAMES[..NAMES.len() - 1])),
            }
        }
        let parameters = match Parameters::parse(Some(&known.finish()), &NAMES) {
            Ok(parameters) => parameters,
            Err(problem) => {
                faults.add("", &problem);
                Parameters::default()
            }
        };
        Reader { parameters, faults }.read()
    }
}

struct Reader {
    parameters: Parameters,
    faults: Faults,
}

impl Reader {
    fn read(mut self) -> Wish {
        Wish {
            curve: self.word("curve", &curve_names()),
            iso: self.word("iso", &iso_names()),
            operating_day: self.value("operating_day"),
            operating_day_end: self.value("operating_day_end"),
            version: self.word("version", &VERSIONS),
            version_ids: self.version_ids(),
            start: self.value("start"),
            end: self.value("end"),
            strip: self.parameters.texts("strip"),
            mode: self.word("mode", &MODES),
            calendar: self.word("calendar", &CALENDARS),
            layout: self.word("layout", &LAYOUTS),
            format: self.word("format", &FORMATS),
            bom: self.value("bom"),
            as_of: self.value("as_of"),
            previous: self.value("previous"),
            faults: self.faults,
        }
    }

    fn value<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        filled(&mut self.parameters, name).unwrap_or_else(|problem| {
            self.faults.add(name, &problem);
            None
        })
    }

    fn word(&mut self, name: &str, known: &[(&str, &str)]) -> Option<String> {
        let word: String = self.value(name)?;
        if known.iter().any(|(value, _)| *value == word) {
            return Some(word);
        }
        let words: Vec<&str> = known.iter().map(|(value, _)| *value).collect();
        let wanted = format!("known are {}", words.join(", "));
        self.faults.add(name, &Problem::bad_parameter(name, &word, wanted));
        None
    }

    /// Ids parted by commas or spaces, or repeated.
    fn version_ids(&mut self) -> Vec<i64> {
        let text = self.parameters.texts("version_id").join(" ");
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let ids: Result<Vec<i64>, _> = words.map(str::parse).collect();
        ids.unwrap_or_else(|_| {
            let wanted = "give the numbers of versions, parted by commas";
            self.faults.add("version_id", &Problem::bad_parameter("version_id", &text, wanted));
            Vec::new()
        })
    }
}
