//! `Accept` to a format, for requests that name none.

use axum::http::{HeaderMap, StatusCode, header};

use super::{query::Query, words::Format};
use crate::error::{Problem, Result};

/// What is offered, the default first.
const OFFERED: [Format; 5] =
    [Format::Csv, Format::Xlsx, Format::Json, Format::Ndjson, Format::Parquet];

/// The format of the answer: the one given, else what `Accept` likes best; csv where nothing is
/// said.
pub fn format(query: &Query, headers: &HeaderMap) -> Result<Format> {
    if let Some(format) = query.format {
        return Ok(format);
    }
    let archive = query.combinations().nth(1).is_some();
    let media = |format: Format| match format {
        Format::Csv if archive => vec!["text/csv", "application/zip"],
        format => format.media_type().split(';').take(1).collect(),
    };
    best(OFFERED.map(|format| (format, media(format))), headers)
        .ok_or_else(|| not_acceptable(OFFERED.map(Format::media_type), "format=csv"))
}

/// What `Accept` likes best of `offered`, whose first is the default; each has its media types.
/// `None` where it takes none of them.
pub fn best<T, const N: usize>(
    offered: [(T, Vec<&'static str>); N],
    headers: &HeaderMap,
) -> Option<T> {
    let mut accepts = headers.get_all(header::ACCEPT).iter().peekable();
    if accepts.peek().is_none() {
        return offered.into_iter().next().map(|(first, _)| first);
    }
    let ranges: Vec<(&str, u16)> = accepts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(range)
        .collect();
    let best = offered
        .into_iter()
        .map(|(offer, media)| (offer, quality(&media, &ranges)))
        // The first of equals wins: it is the earlier offer.
        .rev()
        .max_by_key(|(_, quality)| *quality);
    best.filter(|(_, quality)| *quality > 0).map(|(offer, _)| offer)
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

/// The quality that the most specific matching range gives to any of `media`.
fn quality(media: &[&str], ranges: &[(&str, u16)]) -> u16 {
    let rank = |media: &str, range: &str| {
        let main = media.split('/').next().unwrap_or_default();
        match range.strip_suffix("/*") {
            _ if range.eq_ignore_ascii_case(media) => Some(2),
            Some(prefix) if prefix.eq_ignore_ascii_case(main) => Some(1),
            Some("*") => Some(0),
            _ => None,
        }
    };
    let of = |media: &str| {
        let matching =
            ranges.iter().filter_map(|(range, quality)| Some((rank(media, range)?, *quality)));
        matching.max()
    };
    media.iter().filter_map(|media| of(media)).max().map_or(0, |(_, quality)| quality)
}

/// 406 that names what is offered, and the parameter that wins over `Accept`.
#[must_use]
pub fn not_acceptable<const N: usize>(offered: [&str; N], instead: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_ACCEPTABLE,
        "not_acceptable",
        format!(
            "Accept allows none of {}; send one of these, or add {instead}",
            offered.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::parameters::{FromParameters as _, Parameters};

    fn chosen_for(iso: &str, accept: Option<&str>) -> Option<Format> {
        let accept = accept.map(|accept| (header::ACCEPT, accept.parse().unwrap()));
        let query = format!("curve=energy&iso={iso}");
        let mut parameters = Parameters::parse(Some(&query), Query::NAMES).unwrap();
        let query = Query::from_parameters(&mut parameters).unwrap();
        format(&query, &HeaderMap::from_iter(accept)).ok()
    }

    fn chosen(accept: &str) -> Option<Format> {
        chosen_for("ercot", Some(accept))
    }

    #[test]
    fn accept_decides_where_no_format_is_given() {
        assert_eq!(chosen_for("ercot", None), Some(Format::Csv));
        assert_eq!(chosen("*/*"), Some(Format::Csv));
        assert_eq!(chosen("application/json"), Some(Format::Json));
        assert_eq!(chosen("application/*"), Some(Format::Xlsx));
        assert_eq!(chosen("text/csv;q=0.5, application/x-ndjson;q=0.9"), Some(Format::Ndjson));
        assert_eq!(chosen("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Format::Csv));
        assert_eq!(chosen("application/json;q=0, */*;q=0.1"), Some(Format::Csv));
        assert_eq!(chosen("application/zip"), None);
        assert_eq!(chosen_for("all", Some("application/zip")), Some(Format::Csv));
        assert_eq!(
            chosen_for("all", Some("application/zip, application/json;q=0.9")),
            Some(Format::Csv)
        );
        assert_eq!(chosen("text/html"), None);
        assert_eq!(chosen("application/vnd.apache.parquet"), Some(Format::Parquet));
    }
}
