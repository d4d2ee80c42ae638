//! Query parameters, strictly: an unknown one, or one given twice, is a 400.

use std::str::FromStr;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};

use crate::error::{Problem, Result};

/// A request's query, of which each parameter is taken out by name.
#[derive(Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads a query string. 400 `unknown_parameter` for a name that is not in `known`.
    pub fn parse(query: Option<&str>, known: &[&str]) -> Result<Self> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(unknown_parameter(name, known)),
            None => Ok(Self { pairs }),
        }
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
        T::Err: std::fmt::Display,
    {
        self.text(name)?.map(|text| read(name, &text)).transpose()
    }

    /// Takes a parameter that may be repeated and reads its values.
    pub fn values<T: FromStr>(&mut self, name: &str) -> Result<Vec<T>>
    where
        T::Err: std::fmt::Display,
    {
        self.texts(name).iter().map(|text| read(name, text)).collect()
    }
}

fn read<T: FromStr>(name: &str, text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Problem::bad_parameter(name, text, error))
}

/// 400 `unknown_parameter`, naming the nearest known.
#[must_use]
pub fn unknown_parameter(name: &str, known: &[&str]) -> Problem {
    let shown: String = name.chars().take(100).collect();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&shown, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len() / 2 + 1);
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean {nearest}? "),
        None => String::new(),
    };
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Problem::new(
        StatusCode::BAD_REQUEST,
        "unknown_parameter",
        format!("parameter {shown:?} is unknown; {hint}known are: {known}"),
    )
    .with("parameter", shown)
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
        let mut parameters = Parameters::parse(parts.uri.query(), T::NAMES)?;
        T::from_parameters(&mut parameters).map(Self)
    }
}

/// A request that takes no parameter at all: any is a 400.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Parameters::parse(parts.uri.query(), &[]).map(|_| Self)
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
    fn a_parameter_given_twice_is_refused_unless_it_repeats() {
        let mut parameters = Parameters::parse(Some("a=1&a=2&b=3&b=4"), &["a", "b"]).unwrap();
        assert_eq!(parameters.text("a").unwrap_err().code, "bad_parameter");
        assert_eq!(parameters.values::<u8>("b").unwrap(), [3, 4]);
    }
}
