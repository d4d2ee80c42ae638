//! The same query as text to copy: curl, Python and Excel.

use super::{
    query::{Query, encode},
    words::{Curve, Form, Format, Selector},
};

/// Where downloads are.
const PATH: &str = "api/v1/data";

/// Where the token goes.
const TOKEN: &str = "YOUR_TOKEN";

/// A query as others run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyBox {
    /// A shell line; it stores the file that the download button gives.
    pub curl: String,
    /// Python with pandas.
    pub python: String,
    /// Power Query M.
    pub excel: String,
}

/// Makes the texts for `query` at `base_url`, without a slash at its end.
#[must_use]
pub fn copy_box(query: &Query, base_url: &str) -> CopyBox {
    let format = query.format.unwrap_or(Format::Csv);
    let wide = matches!(format, Format::Csv | Format::Xlsx);
    let form = query.layout.unwrap_or(if wide { Form::Wide } else { Form::Long });
    // Tables are read best from the long CSV: one header record, one value a record.
    let table = Query { format: Some(Format::Csv), layout: Some(Form::Long), ..query.clone() };
    let pairs = table.normalised(Form::Long, Format::Csv);
    let (several, versions) = (query.combinations().nth(1).is_some(), may_be_several(query));
    let python = if several || versions { python_archive } else { python_table };
    CopyBox {
        curl: curl(PATH, &encode(&query.normalised(form, format)), base_url),
        python: python(&format!("{base_url}/{PATH}?{}", encode(&pairs))),
        excel: match (several, versions) {
            (false, true) => {
                "// Several versions of a matrix are an archive, which Excel does not \
                              open: name one by version_id."
                    .to_owned()
            }
            (true, _) => excel_of_all(query, &pairs, base_url),
            (false, false) => excel(PATH, &pairs, base_url),
        },
    }
}

/// Whether a matrix may come in several versions, each in a file of its own.
fn may_be_several(query: &Query) -> bool {
    let window = query.days.is_some_and(|(first, last)| first < last);
    let every = query.selector() == Selector::All;
    query.curve == Curve::Matrix && (window || every || query.version_ids.len() > 1)
}

/// Makes the texts for the table in CSV that `path`, without a slash in front, gives for `pairs`.
#[must_use]
pub fn copy_box_of(path: &str, pairs: &[(String, String)], base_url: &str) -> CopyBox {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    CopyBox {
        curl: curl(path, &query, base_url),
        python: python_table(&format!("{base_url}/{path}?{query}")),
        excel: excel(path, pairs, base_url),
    }
}

fn curl(path: &str, query: &str, base_url: &str) -> String {
    let url = format!("{base_url}/{path}?{query}").replace('\'', "%27");
    format!("curl -fsSOJ -H 'Authorization: Bearer {TOKEN}' '{url}'")
}

fn python_table(url: &str) -> String {
    let url = python_text(url);
    format!(
        "import pandas\n\nurl = {url}\nheaders = {{\"Authorization\": \"Bearer {TOKEN}\"}}\n\
         curve = pandas.read_csv(url, storage_options=headers)\n"
    )
}

/// An archive has a table per curve type and ISO.
fn python_archive(url: &str) -> String {
    let url = python_text(url);
    format!(
        "import io, urllib.request, zipfile\n\nimport pandas\n\nurl = {url}\n\
         headers = {{\"Authorization\": \"Bearer {TOKEN}\"}}\n\
         answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers))\n\
         archive = zipfile.ZipFile(io.BytesIO(answer.read()))\n\
         curves = {{name: pandas.read_csv(archive.open(name))\n          \
         for name in archive.namelist() if name.endswith(\".csv\")}}\n"
    )
}

fn python_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn excel<N: AsRef<str>>(path: &str, pairs: &[(N, String)], base_url: &str) -> String {
    format!(
        "let\n    Answer = Web.Contents({}, [\n        RelativePath = {},\n        \
         Query = [{}],\n        Headers = [Authorization = \"Bearer {TOKEN}\"]]),\n    \
         Table = {TABLE},\n    Curve = {CURVE}\nin\n    Curve\n",
        excel_text(base_url),
        excel_text(path),
        excel_query(pairs)
    )
}

/// Bytes to records, and records to a table.
const TABLE: &str =
    "Csv.Document(Answer, [Delimiter = \",\", Encoding = 65001, QuoteStyle = QuoteStyle.Csv])";
const CURVE: &str = "Table.PromoteHeaders(Table, [PromoteAllScalars = true])";

/// Excel opens no archive, so it asks for each curve type and ISO and stacks what there is: the long
/// layout has the same columns for all.
fn excel_of_all(query: &Query, pairs: &[(&str, String)], base_url: &str) -> String {
    let shared: Vec<_> =
        pairs.iter().filter(|(name, _)| !matches!(*name, "curve" | "iso")).cloned().collect();
    let parts: Vec<String> = query
        .combinations()
        .map(|part| format!("{{\"{}\", \"{}\"}}", part.curve, part.iso))
        .collect();
    format!(
        "let\n    Part = (curve, iso) =>\n        let\n            \
         Answer = Web.Contents({}, [\n                RelativePath = {},\n                \
         Query = [curve = curve, iso = iso, {}],\n                \
         Headers = [Authorization = \"Bearer {TOKEN}\"],\n                \
         ManualStatusHandling = {{403, 404}}]),\n            \
         Table = {TABLE}\n        in\n            \
         if Value.Metadata(Answer)[Response.Status] = 200\n            \
         then {CURVE}\n            else #table({{}}, {{}}),\n    \
         Parts = {{{}}},\n    \
         Curve = Table.Combine(List.Transform(Parts, each Part(_{{0}}, _{{1}})))\nin\n    Curve\n",
        excel_text(base_url),
        excel_text(PATH),
        excel_query(&shared),
        parts.join(", ")
    )
}

/// The members of a query; what is repeated is a list.
fn excel_query<N: AsRef<str>>(pairs: &[(N, String)]) -> String {
    let mut members: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, value) in pairs {
        let (name, value) = (name.as_ref(), excel_text(value));
        match members.iter_mut().find(|(member, _)| *member == name) {
            Some((_, values)) => values.push(value),
            None => members.push((name, vec![value])),
        }
    }
    let query: Vec<String> = members
        .iter()
        .map(|(name, values)| match &**values {
            [value] => format!("{name} = {value}"),
            values => format!("{name} = {{{}}}", values.join(", ")),
        })
        .collect();
    query.join(", ")
}

fn excel_text(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::parameters::{FromParameters as _, Parameters};

    fn of(query: &str) -> CopyBox {
        let mut parameters = Parameters::parse(Some(query), Query::NAMES).unwrap();
        copy_box(&Query::from_parameters(&mut parameters).unwrap(), "https://curves.example.com")
    }

    #[test]
    fn curl_runs_the_query_as_it_is_and_tables_are_long() {
        let text = of("curve=energy&iso=ercot&strip=7x8&strip=5x16&format=xlsx");
        assert_eq!(
            text.curl,
            "curl -fsSOJ -H 'Authorization: Bearer YOUR_TOKEN' 'https://curves.example.com/api/v1/\
             data?curve=energy&iso=ercot&strip=5x16&strip=7x8&layout=wide&format=xlsx'"
        );
        assert!(text.python.contains("layout=long&format=csv\""), "{}", text.python);
        assert!(text.excel.contains("strip = {\"5x16\", \"7x8\"}, layout"), "{}", text.excel);
    }

    #[test]
    fn several_curves_are_read_from_the_archive() {
        assert!(of("curve=energy&iso=all").python.contains("zipfile.ZipFile"));
        assert!(!of("curve=energy&iso=pjm").python.contains("zipfile"));
        let matrix = of("curve=matrix&iso=pjm&version=all");
        assert!(matrix.python.contains("zipfile") && matrix.excel.starts_with("//"));
    }

    #[test]
    fn excel_asks_for_each_part_of_an_archive() {
        let text = of("curve=energy&iso=all&strip=7x8&strip=5x16").excel;
        let query =
            "Query = [curve = curve, iso = iso, strip = {\"5x16\", \"7x8\"}, layout = \"long\"";
        assert!(text.contains(query), "{text}");
        let parts =
            "Parts = {{\"energy\", \"isone\"}, {\"energy\", \"pjm\"}, {\"energy\", \"ercot\"}";
        assert!(text.contains(parts), "{text}");
    }
}
