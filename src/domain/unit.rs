//! Units of measure in texts.

/// Texts that name a unit wherever they stand, in lower case, the longer ones first, with the
/// canonical form that is stored and printed.
pub const UNIT_TEXTS: [(&str, &str); 10] = [
    ("$/kw-month", "$/kW-mo"),
    ("$/mw-month", "$/MW-mo"),
    ("cents/kwh", "c/kWh"),
    ("$/kw-day", "$/kW-day"),
    ("$/mmbtu", "$/MMBtu"),
    ("$/kw-mo", "$/kW-mo"),
    ("$/mw-mo", "$/MW-mo"),
    ("per mwh", "$/MWh"),
    ("$/mwh", "$/MWh"),
    ("$/kwh", "$/kWh"),
];

/// The canonical form of a unit: `$/kW-Month` is `$/kW-mo`; one that has no other spelling stays.
#[must_use]
pub fn canonical_unit(unit: &str) -> &str {
    let known = UNIT_TEXTS.iter().find(|(text, _)| text.eq_ignore_ascii_case(unit));
    known.map_or(unit, |(_, canonical)| canonical)
}

/// The `$/…` unit text that ends a name, with or without parentheses: what stands before it,
/// without blanks at its end, and the unit in canonical form. An underscore there is a blank.
#[must_use]
pub fn unit_at_end(name: &str) -> Option<(&str, &'static str)> {
    let end = name.trim_end();
    let inside = end.strip_suffix(')');
    let text = inside.unwrap_or(end).trim_end();
    let (head, unit) = UNIT_TEXTS.iter().find_map(|(word, unit)| {
        let (head, tail) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
        (word.starts_with("$/") && tail.eq_ignore_ascii_case(word)).then_some((head, *unit))
    })?;
    let head = match inside {
        Some(_) => head.trim_end().strip_suffix('(')?,
        None => head,
    };
    Some((head.trim_end_matches(|c: char| c.is_whitespace() || c == '_'), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_one_spelling() {
        assert_eq!(canonical_unit("$/kW-Month"), "$/kW-mo");
        assert_eq!(canonical_unit("$/mw-mo"), "$/MW-mo");
        assert_eq!(canonical_unit("$ / MW"), "$ / MW");
        assert_eq!(unit_at_end("Price ($/kw-month)"), Some(("Price", "$/kW-mo")));
        assert_eq!(unit_at_end("Price per MWh"), None);
    }
}
