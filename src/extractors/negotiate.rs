//! `Accept` to a format, for requests that name none.

use axum::http::{HeaderMap, StatusCode, header};

use super::words::Format;
use crate::error::{Problem, Result};

/// What is offered, the default first.
const OFFERED: [Format; 4] = [Format::Csv, Format::Xlsx, Format::Json, Format::Ndjson];

/// The format of the answer: `given`, else what `Accept` likes best; csv where nothing is said.
pub fn format(given: Option<Format>, headers: &HeaderMap) -> Result<Format> {
    if let Some(format) = given {
        return Ok(format);
    }
    let mut accepts = headers.get_all(header::ACCEPT).iter().peekable();
    if accepts.peek().is_none() {
        return Ok(Format::Csv);
    }
    let ranges: Vec<(&str, u16)> = accepts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(range)
        .collect();
    let best = OFFERED
        .into_iter()
        .map(|format| (format, quality(format, &ranges)))
        // The first of equals wins: it is the earlier offer.
        .rev()
        .max_by_key(|(_, quality)| *quality);
    match best {
        Some((format, quality)) if quality > 0 => Ok(format),
        _ => Err(not_acceptable()),
    }
}

/// A media range without its parameters, and its quality in thousandths.
fn range(text: &str) -> (&str, u16) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    (name, quality.map_or(1000, thousandths))
}

/// `0.85` is 850; what is no quality is 0.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction:0<3}");
    digits.parse::<u16>().ok().filter(|_| fraction.len() <= 3).map_or(0, |q| q.min(1000))
}

/// The quality that the most specific matching range gives to `format`. An archive may hold any
/// format, so a client that takes archives takes the default.
fn quality(format: Format, ranges: &[(&str, u16)]) -> u16 {
    let media = format.media_type().split(';').next().unwrap_or_default();
    let main = media.split('/').next().unwrap_or_default();
    let matches = |range: &str| match range.strip_suffix("/*") {
        _ if range.eq_ignore_ascii_case(media) => Some(3),
        _ if format == Format::Csv && range.eq_ignore_ascii_case("application/zip") => Some(2),
        Some(prefix) if prefix.eq_ignore_ascii_case(main) => Some(1),
        Some("*") => Some(0),
        _ => None,
    };
    ranges
        .iter()
        .filter_map(|(range, quality)| matches(range).map(|rank| (rank, *quality)))
        .max()
        .map_or(0, |(_, quality)| quality)
}

fn not_acceptable() -> Problem {
    let offered: Vec<&str> = OFFERED.iter().map(|format| format.media_type()).collect();
    Problem::new(
        StatusCode::NOT_ACCEPTABLE,
        "not_acceptable",
        format!(
            "Accept allows none of {}; send one of these, or add format=csv",
            offered.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Option<Format> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        format(None, &headers).ok()
    }

    #[test]
    fn accept_decides_where_no_format_is_given() {
        assert_eq!(format(None, &HeaderMap::new()).unwrap(), Format::Csv);
        assert_eq!(chosen("*/*"), Some(Format::Csv));
        assert_eq!(chosen("application/json"), Some(Format::Json));
        assert_eq!(chosen("application/*"), Some(Format::Xlsx));
        assert_eq!(chosen("text/csv;q=0.5, application/x-ndjson;q=0.9"), Some(Format::Ndjson));
        assert_eq!(chosen("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Format::Csv));
        assert_eq!(chosen("application/json;q=0, */*;q=0.1"), Some(Format::Csv));
        assert_eq!(chosen("application/zip"), Some(Format::Csv));
        assert_eq!(chosen("text/html"), None);
        assert_eq!(chosen("application/vnd.apache.parquet"), None);
    }
}
