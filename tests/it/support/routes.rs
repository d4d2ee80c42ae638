//! Every route of the server with all that it takes, asked of the server itself: what is new is in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use reqwest::{Method, RequestBuilder, header::ALLOW};
use serde_json::{Value, json};

use super::{Caller, TestServer};

/// What a route is sent in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Nothing,
    /// Names of fields.
    Form(Vec<String>),
    /// A right body.
    Json(Value),
    /// A file.
    Multipart,
}

/// A method of a path.
#[derive(Debug, Clone)]
pub struct Route {
    pub method: Method,
    /// As the router has it, such as `/api/v1/tokens/{id}`.
    pub template: String,
    /// Its parameters, and what stands for each when it is right.
    pub path: BTreeMap<String, String>,
    /// The same of the query; nothing for one that may be left out.
    pub query: BTreeMap<String, Option<String>>,
    /// Headers of its own, such as `If-Match`.
    pub headers: Vec<String>,
    pub body: Body,
}

impl Route {
    /// Such as `GET /api/v1/me`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// Whether it is for reading.
    pub fn reads(&self) -> bool {
        self.method == Method::GET
    }

    /// The path, with some of its parameters as they are wanted.
    pub fn address(&self, wanted: &[(&str, &str)]) -> String {
        let mut address = self.template.clone();
        for (name, right) in &self.path {
            let value = wanted.iter().find(|(known, _)| known == name).map_or(&**right, |w| w.1);
            let value = form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
            // A plus is a plus in a path.
            let value = value.replace('+', "%20");
            address = address.replace(&format!("{{{name}}}"), &value);
            address = address.replace(&format!("{{*{name}}}"), &value);
        }
        address
    }

    /// The query that it must have, with some parameters as they are wanted.
    pub fn query(&self, wanted: &[(&str, &str)]) -> Vec<(String, String)> {
        let needed = self.query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let needed = needed.filter(|(name, _)| wanted.iter().all(|(known, _)| known != name));
        let mut pairs: Vec<_> = needed.map(|(name, value)| (name.clone(), value.clone())).collect();
        pairs.extend(wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        pairs
    }
}

impl TestServer {
    /// Every route, as an administrator with this token finds it.
    pub async fn routes(&self, admin: &Caller) -> Vec<Route> {
        let description: Value = admin.get("/openapi.json").await.json().await.unwrap();
        let paths = description["paths"].as_object().unwrap();
        let mut routes = Vec::new();
        for template in templates(paths.keys().cloned()) {
            for method in methods(admin, &template).await {
                let operation = &description["paths"][&template][method.as_str().to_lowercase()];
                let mut route = Route {
                    path: names_in(&template),
                    query: BTreeMap::new(),
                    headers: Vec::new(),
                    body: Body::Nothing,
                    method,
                    template: template.clone(),
                };
                match operation {
                    Value::Null => probe(admin, &mut route).await,
                    operation => describe(&description, operation, &mut route),
                }
                routes.push(route);
            }
        }
        assert!(routes.len() > 60, "{} routes", routes.len());
        routes
    }
}

/// The paths that are described, and those of `.route("...")` in the source.
fn templates(described: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut found = described.collect();
    below(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    found
}

fn below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            below(&entry.path(), found);
        } else {
            let source = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let calls = source.split(".route(").skip(1).map(str::trim_start);
            let paths = calls.filter_map(|call| call.strip_prefix('"')?.split('"').next());
            found.extend(paths.filter(|path| path.starts_with('/')).map(str::to_owned));
        }
    }
}

/// The parameters of a path and a right value for each.
fn names_in(template: &str) -> BTreeMap<String, String> {
    let names = template.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let right = |name: &str| match name {
        "curve" => "energy".to_owned(),
        "iso" => "ercot".to_owned(),
        "day" => "2024-06-03".to_owned(),
        "file" | "path" => "style.css".to_owned(),
        _ => uuid::Uuid::nil().to_string(),
    };
    names
        .map(|name| name.trim_start_matches('*'))
        .map(|name| (name.to_owned(), right(name)))
        .collect()
}

/// What the header `Allow` says to a method that nobody knows.
async fn methods(admin: &Caller, template: &str) -> Vec<Method> {
    let address = Route {
        method: Method::GET,
        template: template.to_owned(),
        path: names_in(template),
        query: BTreeMap::new(),
        headers: Vec::new(),
        body: Body::Nothing,
    };
    let unknown = Method::from_bytes(b"UNKNOWN").unwrap();
    let answer = admin.request(unknown, &address.address(&[])).send().await.unwrap();
    assert_eq!(answer.status(), 405, "{template}");
    let allowed = answer.headers()[ALLOW].to_str().unwrap().to_owned();
    let methods = allowed.split(',').map(|word| word.trim().parse().unwrap());
    methods.filter(|method| *method != Method::HEAD).collect()
}

/// Takes what the description says.
fn describe(description: &Value, operation: &Value, route: &mut Route) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = text(&parameter["name"]);
        let example = parameter.get("example").map(text);
        match parameter["in"].as_str() {
            Some("path") => {
                route.path.extend(example.map(|example| (name, example)));
            }
            Some("query") => {
                let needed = parameter["required"] == true;
                route.query.insert(name, example.filter(|_| needed));
            }
            Some("header") => route.headers.push(name),
            other => panic!("{}: a parameter in {other:?}", route.name()),
        }
    }
    let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
    for (kind, content) in contents {
        let reference = content["schema"]["$ref"].as_str().unwrap_or("#/");
        let schema = description.pointer(&reference[1..]).unwrap_or(&content["schema"]);
        let names =
            || schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
        route.body = match kind.as_str() {
            "application/json" => {
                let example = schema.get("example").or(content.get("example")).cloned();
                Body::Json(
                    example.unwrap_or_else(|| names().map(|name| (name, json!("1"))).collect()),
                )
            }
            "application/x-www-form-urlencoded" => Body::Form(names().collect()),
            _ => Body::Multipart,
        };
    }
}

/// Asks with a parameter and with a field that nobody knows: the answer names those that are known.
async fn probe(admin: &Caller, route: &mut Route) {
    let request = || admin.request(route.method.clone(), &route.address(&[]));
    let known = async |request: RequestBuilder| {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or_default();
        let names = detail.split("known are: ").nth(1).unwrap_or_default().split(", ");
        let names = names.filter(|name| !name.is_empty() && *name != "csrf_token");
        (status.as_u16(), names.map(str::to_owned).collect::<Vec<_>>())
    };
    let (_, query) = known(request().query(&[("qqqqqqqq", "1")])).await;
    let body = match route.reads() {
        true => Body::Nothing,
        false => match known(request().form(&[("qqqqqqqq", "1")])).await {
            (415, _) => Body::Multipart,
            (_, fields) => Body::Form(fields),
        },
    };
    route.query.extend(query.into_iter().map(|name| (name, None)));
    route.body = body;
}
