//! What a page's form sends: a field that was left empty is a field that was not given.

use std::{fmt::Display, str::FromStr};

use crate::{db::sight::Granted, error::Result, web::parameters::Parameters};

/// Takes a field that may be left empty.
pub fn filled<T: FromStr>(parameters: &mut Parameters, name: &str) -> Result<Option<T>>
where
    T::Err: std::fmt::Display,
{
    let Some(text) = parameters.text(name)? else { return Ok(None) };
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| crate::error::Problem::bad_parameter(name, text, error))
}

/// `path?name=value&...` of what has a value.
pub fn url<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if !value.is_empty() {
            query.append_pair(name, &value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// An entry of a select or of a group of checkboxes.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl Choice {
    /// An entry, chosen if its value is `chosen`.
    pub fn new(value: impl Display, name: impl Display, chosen: &str) -> Self {
        let value = format!("{value}");
        Self { chosen: value == chosen, value, name: format!("{name}") }
    }
}

/// Leaves of curve types and ISOs those that there is a grant for, and whatever is chosen.
pub fn keep_granted(granted: &Granted, curves: &mut Vec<Choice>, isos: &mut Vec<Choice>) {
    let is_word = |choice: &Choice| choice.chosen || matches!(&*choice.value, "" | "all");
    curves.retain(|choice| is_word(choice) || granted.has_curve(&choice.value));
    isos.retain(|choice| is_word(choice) || granted.has_iso(&choice.value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_was_not_given_and_a_wrong_one_is_named() {
        let mut parameters = Parameters::parse(Some("a=&b=+7+&c=x"), &["a", "b", "c"]).unwrap();
        assert_eq!(filled::<u8>(&mut parameters, "a").unwrap(), None);
        assert_eq!(filled::<u8>(&mut parameters, "b").unwrap(), Some(7));
        assert!(filled::<u8>(&mut parameters, "c").unwrap_err().detail.contains("parameter c"));
    }

    #[test]
    fn links_escape_their_values() {
        let pairs = [("file", "a&b c".to_owned()), ("day", String::new())];
        assert_eq!(url("/uploads", pairs), "/uploads?file=a%26b+c");
        assert_eq!(url("/uploads", []), "/uploads");
    }
}
