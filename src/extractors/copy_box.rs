//! The same query as text to copy: curl, Python and Excel.

use super::{
    query::{Query, encode},
    words::{Form, Format},
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
    let several = query.combinations().nth(1).is_some();
    let python = if several { python_archive } else { python_table };
    CopyBox {
        curl: curl(PATH, &encode(&query.normalised(form, format)), base_url),
        python: python(&format!("{base_url}/{PATH}?{}", encode(&pairs))),
        excel: excel(PATH, &pairs, base_url),
    }
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
    format!(
        "let\n    Answer = Web.Contents({}, [\n        RelativePath = {},\n        \
         Query = [{}],\n        Headers = [Authorization = \"Bearer {TOKEN}\"]]),\n    \
         Table = Csv.Document(Answer, [Delimiter = \",\", Encoding = 65001, \
         QuoteStyle = QuoteStyle.Csv]),\n    \
         Curve = Table.PromoteHeaders(Table, [PromoteAllScalars = true])\nin\n    Curve\n",
        excel_text(base_url),
        excel_text(path),
        query.join(", ")
    )
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
    }
}
