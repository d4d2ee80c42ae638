//! What the description says of errors and of parameters that are alike in every call: told once,
//! here, so that no call can say something else.

use serde_json::Value;
use utoipa::{
    PartialSchema as _,
    openapi::{
        Components, Content, KnownFormat, OpenApi, Ref, RefOr, Response, SchemaFormat,
        path::{Operation, Parameter},
        schema::{Object, Schema},
    },
};

use super::ProblemDocument;
use crate::domain::{Calendar, Family, Iso};

/// The name of the document that every error is.
const PROBLEM: &str = "ProblemDocument";

/// Completes every call.
pub(super) fn complete(openapi: &mut OpenApi, components: &mut Components) {
    components.schemas.insert(PROBLEM.to_owned(), ProblemDocument::schema());
    let items = openapi.paths.paths.values_mut();
    let operations = items.flat_map(|item| {
        [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
    });
    for operation in operations.flatten() {
        describe_bodies(operation);
        describe_errors(operation);
        operation.parameters.iter_mut().flatten().for_each(narrow);
    }
}

/// Whatever takes a body refuses one that is too long or of another kind.
fn describe_bodies(operation: &mut Operation) {
    if operation.request_body.is_none() {
        return;
    }
    let responses = &mut operation.responses.responses;
    for (status, why) in [
        ("413", "The body is too long; the member `limit` says how long it may be"),
        ("415", "The body is of another content type"),
    ] {
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(Response::new(why)));
    }
}

/// Every error of every call is a problem document.
fn describe_errors(operation: &mut Operation) {
    let problem = Content::new(Some(Ref::from_schema_name(PROBLEM)));
    let responses = operation.responses.responses.iter_mut();
    for (_, response) in responses.filter(|(status, _)| status.starts_with(['4', '5'])) {
        let RefOr::T(response) = response else { continue };
        response.content.clear();
        let media = "application/problem+json".to_owned();
        response.content.insert(media, RefOr::T(problem.clone()));
    }
}

/// Says what a parameter of this name takes, wherever it stands.
fn narrow(parameter: &mut RefOr<Parameter>) {
    let RefOr::T(parameter) = parameter else { return };
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    match parameter.name.as_str() {
        "limit" => {
            schema.minimum = Some(1.into());
            schema.maximum = Some(1000.into());
        }
        "as_of" | "from_as_of" | "to_as_of" => {
            schema.format = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));
        }
        "curve" | "curve_type" => one_of(schema, Family::ALL.iter().map(|family| family.as_str())),
        "iso" => one_of(schema, Iso::ALL.iter().map(|iso| iso.as_str())),
        "calendar" => one_of(schema, Calendar::ALL.iter().map(|calendar| calendar.as_str())),
        _ => {}
    }
}

/// One of these words, or the one that is taken where none is given.
fn one_of<'a>(schema: &mut Object, words: impl Iterator<Item = &'a str>) {
    let mut words: Vec<Value> = words.map(Value::from).collect();
    if let Some(default) = &schema.default
        && !words.contains(default)
    {
        words.push(default.clone());
    }
    schema.enum_values = Some(words);
}
