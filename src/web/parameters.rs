//! Query parameters, strictly: an unknown one, or one given twice, is a 400.

use std::{
    any::Any,
    fmt::Display,
    num::{IntErrorKind, ParseIntError},
    str::{FromStr, ParseBoolError},
};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};

use crate::{
    domain::UnknownWord,
    error::{Problem, Result, shown},
};

/// A request's query, of which each parameter is taken out by name.
#[derive(Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads a form, or a query string that [`Parameters::of_query`] has looked at. 400
    /// `unknown_parameter` for a name that is not in `known`.
    pub fn parse(query: Option<&str>, known: &[&str]) -> Result<Self> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(unknown_parameter(name, known)),
            None => Ok(Self { pairs }),
        }
    }

    /// Reads the query of a request. As [`Parameters::parse`], and 400 `bad_parameter` for U+0000,
    /// which no stored text can hold. A form may hold it: a wrong password is no malformed one, and
    /// is never repeated in an answer.
    pub fn of_query(query: Option<&str>, known: &[&str]) -> Result<Self> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let nul = pairs.into_iter().find(|(name, value)| has_nul(name) || has_nul(value));
        if let Some((name, value)) = nul {
            let name = shown(&name.replace('\0', "\\0"));
            return Err(Problem::bad_parameter(&name, &value, "it holds the character U+0000"));
        }
        Self::parse(query, known)
    }

    /// What was given under a name, which stays to be taken.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| &**value)
    }

    /// Takes a parameter that may be given once.
    pub fn text(&mut self, name: &str) -> Result<Option<String>> {
        let mut values = self.texts(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(Problem::bad_parameter(name, &values.join(", "), "give it once")),
        }
    }

    /// Takes a parameter that may be repeated.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        self.pairs.extract_if(.., |(n, _)| n == name).map(|(_, value)| value).collect()
    }

    /// Takes a parameter that may be given once and reads its value.
    pub fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>>
    where
        T::Err: Display + 'static,
    {
        self.text(name)?.map(|text| read(name, &text)).transpose()
    }

    /// Takes a parameter that may be repeated and reads its values.
    pub fn values<T: FromStr>(&mut self, name: &str) -> Result<Vec<T>>
    where
        T::Err: Display + 'static,
    {
        self.texts(name).iter().map(|text| read(name, text)).collect()
    }
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

/// Reads the value of a parameter. 400 `bad_parameter` says why it cannot be.
pub fn read<T: FromStr>(name: &str, text: &str) -> Result<T>
where
    T::Err: Display + 'static,
{
    let read = text.parse().or_else(|error: T::Err| {
        // Spreadsheets write TRUE.
        let is_flag = (&error as &dyn Any).is::<ParseBoolError>();
        if is_flag { text.to_ascii_lowercase().parse() } else { Err(error) }
    });
    read.map_err(|error| Problem::bad_parameter(name, text, reason(&error)))
}

/// Why a text could not be read, for a person. The errors of the standard library speak to
/// programmers, and words need not be repeated.
fn reason<E: Display + 'static>(error: &E) -> String {
    let any: &dyn Any = error;
    if let Some(UnknownWord { what, known, .. }) = any.downcast_ref() {
        return format!("it is not {what}; known are {known}");
    }
    if let Some(error) = any.downcast_ref::<ParseIntError>() {
        let range = matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
        return if range { "the number is out of range" } else { "it is not a whole number" }
            .into();
    }
    if any.is::<ParseBoolError>() {
        return "give true or false".to_owned();
    }
    if any.is::<uuid::Error>() {
        return "it is not an id, such as 0195d0a0-3c1e-7a10-9f6e-2f1f6f0c7a11".to_owned();
    }
    error.to_string()
}

/// What the download and the scripts' interface call alike things.
const SYNONYMS: [(&str, &str); 4] =
    [("curve", "curve_type"), ("format", "type"), ("version", "idcob"), ("mode", "strip")];

/// 400 `unknown_parameter`, naming the nearest known.
#[must_use]
pub fn unknown_parameter(name: &str, known: &[&str]) -> Problem {
    let shown = shown(name);
    let hint = match nearest(&shown, known) {
        Some(nearest) => format!("did you mean {nearest}? "),
        None => String::new(),
    };
    let known = match known {
        [] => "this call takes no parameters".to_owned(),
        known => format!("known are: {}", known.join(", ")),
    };
    Problem::new(
        StatusCode::BAD_REQUEST,
        "unknown_parameter",
        format!("parameter {shown:?} is unknown; {hint}{known}"),
    )
    .with("parameter", shown)
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    let ranked = known.iter().filter_map(|known| Some((remoteness(&name, known)?, *known)));
    ranked.min().map(|(_, known)| known)
}

/// How far a name is from a known one: first by the kind of likeness, then by edits; `None` where
/// nobody would mix them up.
fn remoteness(name: &str, known: &str) -> Option<(u8, usize)> {
    let lower = known.to_lowercase();
    let edits = strsim::damerau_levenshtein(name, &lower);
    let alike = |(one, other)| (name, known) == (one, other) || (name, known) == (other, one);
    let contains = name.len() > 1 && (lower.contains(name) || name.contains(&*lower));
    let kind = if edits == 0 {
        0
    } else if edits == 1 {
        1
    } else if SYNONYMS.into_iter().any(alike) {
        2
    } else if contains || abbreviates(name, &lower) {
        3
    } else if edits <= lower.len().max(name.len()) / 2 {
        4
    } else {
        return None;
    };
    Some((kind, edits))
}

/// Whether the letters of `name` stand in `known` in their order, the first in front: `fmt`.
fn abbreviates(name: &str, known: &str) -> bool {
    let mut letters = known.chars();
    name.chars().next() == known.chars().next()
        && name.chars().count() > 1
        && name.chars().all(|letter| letters.any(|known| known == letter))
}

/// A type that is read from the query.
pub trait FromParameters: Sized {
    /// The names that it takes.
    const NAMES: &'static [&'static str];

    /// Takes its values out of `parameters`.
    fn from_parameters(parameters: &mut Parameters) -> Result<Self>;
}

/// Extracts `T` from the query, strictly. Use [`NoQuery`] where there is none.
#[derive(Debug, Clone, Copy)]
pub struct StrictQuery<T>(pub T);

impl<S: Send + Sync, T: FromParameters> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut parameters = Parameters::of_query(parts.uri.query(), T::NAMES)?;
        T::from_parameters(&mut parameters).map(Self)
    }
}

/// A request that takes no parameter at all: any is a 400.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Parameters::of_query(parts.uri.query(), &[]).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_parameter_names_the_nearest() {
        let problem = Parameters::parse(Some("crve=energy"), &["curve", "iso"]).unwrap_err();
        assert_eq!(problem.code, "unknown_parameter");
        assert!(problem.detail.contains("did you mean curve?"), "{}", problem.detail);
    }

    #[test]
    fn the_nearest_is_what_a_person_would_mean() {
        let data = ["curve", "iso", "start", "end", "strip", "version", "layout", "format", "bom"];
        let scripts = ["curve_type", "iso", "start", "end", "strip", "type", "idcob", "offset"];
        for (known, pairs) in [
            (
                &data[..],
                [
                    ("CURVE", "curve"),
                    ("fmt", "format"),
                    ("curve_type", "curve"),
                    ("type", "format"),
                ],
            ),
            (
                &scripts[..],
                [
                    ("curve", "curve_type"),
                    ("format", "type"),
                    ("version", "idcob"),
                    ("STRIPS", "strip"),
                ],
            ),
        ] {
            for (name, meant) in pairs {
                assert_eq!(nearest(name, known), Some(meant), "{name}");
            }
        }
        assert_eq!(nearest("qqqqqq", &data), None);
        assert!(unknown_parameter("x", &[]).detail.ends_with("this call takes no parameters"));
    }

    #[test]
    fn no_parameter_holds_the_character_zero() {
        for query in ["a=%00", "a=x%00y", "%00=x", "a%00=x"] {
            let problem = Parameters::of_query(Some(query), &["a"]).unwrap_err();
            assert_eq!(problem.code, "bad_parameter", "{query}");
            assert!(!problem.detail.contains('\0'));
        }
    }

    #[test]
    fn reasons_are_for_people() {
        let reason = |problem: Problem| problem.detail;
        assert_eq!(
            reason(read::<i64>("limit", "ten").unwrap_err()),
            "parameter limit=\"ten\": it is not a whole number"
        );
        assert!(
            reason(read::<u8>("a", "300").unwrap_err()).ends_with("the number is out of range")
        );
        assert!(reason(read::<bool>("a", "yes").unwrap_err()).ends_with("give true or false"));
        assert!(read::<bool>("a", "TRUE").unwrap());
        let iso = reason(read::<crate::domain::Iso>("iso", "caiso").unwrap_err());
        assert!(iso.starts_with("parameter iso=\"caiso\": it is not an ISO; known are "), "{iso}");
    }

    #[test]
    fn a_parameter_given_twice_is_refused_unless_it_repeats() {
        let mut parameters = Parameters::parse(Some("a=1&a=2&b=3&b=4"), &["a", "b"]).unwrap();
        assert_eq!(parameters.text("a").unwrap_err().code, "bad_parameter");
        assert_eq!(parameters.values::<u8>("b").unwrap(), [3, 4]);
    }
}
