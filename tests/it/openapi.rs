//! The description of the REST interface: complete, stable, and its examples are real.

use reqwest::{
    Method, RequestBuilder,
    multipart::{Form, Part},
};
use serde_json::{Map, Value, json};
use trueprice::{
    auth::Role,
    headroom,
    web::{self, middleware::access},
};

use crate::{
    admin_pages::keep_lines,
    auth::{Browser, PASSWORD, user},
    bi, feed_examples, packages,
    support::{Caller, TestServer, files},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn description() -> Value {
    serde_json::to_value(web::openapi()).unwrap()
}

/// A described call.
struct Operation {
    method: Method,
    path: String,
    content: Value,
}

impl Operation {
    /// Such as `GET /api/v1/me`.
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn responses(&self) -> impl Iterator<Item = (&str, &Value)> {
        let responses = self.content["responses"].as_object().unwrap();
        responses.iter().map(|(status, response)| (status.as_str(), response))
    }

    /// Status, media type and the rest of every way to succeed.
    fn successes(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.responses().filter(|(status, _)| status.starts_with('2')).flat_map(
            |(status, found)| {
                let contents = found["content"].as_object().into_iter().flatten();
                contents.map(move |(media, content)| (status, media.as_str(), content))
            },
        )
    }

    fn is_public(&self) -> bool {
        access::is_public(&self.method, &self.path)
    }
}

fn operations(description: &Value) -> Vec<Operation> {
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        let operations = operations.filter(|(method, _)| METHODS.contains(&method.as_str()));
        operations.map(move |(method, content)| Operation {
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            content: content.clone(),
        })
    });
    operations.collect()
}

/// The example of a content: its own, that of its schema, or one put together from those within.
fn example(description: &Value, content: &Value) -> Option<Value> {
    let own = content.get("example").or_else(|| content.get("examples")?.get(0)).cloned();
    own.or_else(|| example_of_schema(description, &content["schema"]))
}

fn example_of_schema(description: &Value, schema: &Value) -> Option<Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = description.pointer(reference.strip_prefix('#')?)?;
        return example_of_schema(description, schema);
    }
    if let Some(example) = schema.get("example").or_else(|| schema.get("examples")?.get(0)) {
        return Some(example.clone());
    }
    if let Some(items) = schema.get("items") {
        return example_of_schema(description, items).map(|item| json!([item]));
    }
    let members = schema["properties"].as_object()?.iter();
    let members: Map<_, _> = members
        .map(|(name, schema)| {
            (name.clone(), example_of_schema(description, schema).unwrap_or_default())
        })
        .collect();
    Some(Value::Object(members))
}

#[test]
fn the_description_is_what_it_was() {
    let mut description = description();
    description["info"]["version"] = json!("VERSION");
    insta::with_settings!({ sort_maps => true, omit_expression => true }, {
        insta::assert_json_snapshot!("description", description);
    });
}

#[test]
fn every_operation_is_described_in_full() {
    let description = description();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&description);
    assert!(operations.len() > 30, "{} operations", operations.len());
    let mut wanting = Vec::new();
    for operation in &operations {
        let mut want = |what: &str, is_there: bool| {
            if !is_there {
                wanting.push(format!("{}: {what}", operation.name()));
            }
        };
        let summary = operation.content["summary"].as_str().unwrap_or_default();
        want("a summary", !summary.is_empty());
        want("a summary in a few words, without a full stop", !summary.ends_with('.'));
        want("one tag", operation.content["tags"].as_array().is_some_and(|tags| tags.len() == 1));
        let illustrated = operation.successes().any(|(_, media, content)| {
            !media.ends_with("json") || example(&description, content).is_some()
        });
        let is_silent = operation.responses().any(|(status, _)| status == "204");
        want("an example", illustrated || is_silent);
        let open = json!([{}]);
        let says_open = operation.content.get("security") == Some(&open);
        let lets_in = operation.responses().any(|(status, _)| status == "401");
        want("401", lets_in || operation.is_public());
        want("security that is true", !says_open || operation.is_public());
        for (status, response) in operation.responses() {
            let is_error = status.starts_with('4') || status.starts_with('5');
            let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
            let what = format!("a problem document for {status}");
            want(&what, !is_error || *problem == "#/components/schemas/ProblemDocument");
        }
    }
    assert!(wanting.is_empty(), "{}", wanting.join("\n"));
}

/// A server with everything that the examples tell of, and who asks it.
struct Loaded {
    server: TestServer,
    caller: Caller,
    browser: Browser,
}

const DAY: &str = "2024-06-03";
const CURVE: &str = "curve=energy&iso=ercot";

impl Loaded {
    async fn start() -> Self {
        keep_lines();
        let server = TestServer::start().await;
        user(&server, "ann@example.com", Role::ReadWrite).await;
        let caller = server.caller(Role::Admin).await;
        let browser = Browser::signed_in(&server, "ann@example.com").await;
        let loaded = Self { server, caller, browser };
        let answer = loaded.send("/api/v1/uploads", &["good/all_families.zip"]).await;
        assert!(answer["results"].as_array().unwrap().iter().all(|one| one["status"] == 201));
        headroom::catch_up(&loaded.server.app).await.unwrap();
        feed_examples::fill(&loaded.server).await;
        loaded
    }

    async fn json(&self, request: RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}: {}", answer.url(), answer.status());
        answer.json().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.json(self.caller.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.json(self.caller.request(Method::POST, path).json(&body)).await
    }

    async fn send(&self, path: &str, files: &[&str]) -> Value {
        let form = files.iter().fold(Form::new(), |form, file| {
            let bytes = std::fs::read(files::repository("good_test_data").join(file)).unwrap();
            let name = file.rsplit('/').next().unwrap().to_owned();
            form.part("file", Part::bytes(bytes).file_name(name))
        });
        self.json(self.caller.request(Method::POST, path).multipart(form)).await
    }

    async fn first_id(&self, list: &str) -> String {
        self.get(list).await["items"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn new_user(&self, email: &str) -> String {
        let made = self.post("/api/v1/users", json!({"email": email, "role": "read_write"})).await;
        made["user"]["id"].as_str().unwrap().to_owned()
    }

    /// Real answers of a call, one of which must be like its example.
    async fn answers(&self, name: &str) -> Vec<Value> {
        let (method, path) = name.split_once(' ').unwrap();
        if path == "/api/v1/me" || packages::has(path) {
            return vec![packages::answer(&self.server, &self.caller, method, path).await];
        }
        if feed_examples::has(method, path) {
            return feed_examples::answers(&self.caller, method, path).await;
        }
        if path.starts_with("/api/v1/bi") {
            return vec![bi::answer(&self.server, method, path).await];
        }
        let one = match (method, path) {
            ("POST", _) => return self.answers_to_post(path).await,
            ("PATCH", "/api/v1/users/{id}") => {
                let path = format!("/api/v1/users/{}", self.new_user("pat@example.com").await);
                let body = json!({"role": "read_only"});
                return vec![
                    self.json(self.caller.request(Method::PATCH, &path).json(&body)).await,
                ];
            }
            (_, "/api/v1/data") => {
                format!("{path}?{CURVE}&format=json&strip=5x16&start=2024-06&end=2024-07")
            }
            (_, "/api/v1/data/report") => format!("{path}?{CURVE}&layout=wide&format=csv"),
            (_, "/get_data") => format!("{path}?curve_type=energy&iso=ercot&type=json"),
            (_, "/api/v1/diff") => {
                let versions = self.get(&format!("/api/v1/versions?{CURVE}")).await;
                let id = |place: usize| versions["items"][place]["id"].as_str().unwrap().to_owned();
                format!("{path}?from={}&to={}", id(1), id(0))
            }
            (_, "/api/v1/audit") => format!("{path}?action=upload"),
            (_, "/api/v1/labels") => format!("{path}?{CURVE}&next=load_zone"),
            (_, "/api/v1/datasets/{curve}/{iso}") => "/api/v1/datasets/energy/ercot".to_owned(),
            (_, "/api/v1/series/{id}/curve") => {
                let id = self.first_id(&format!("/api/v1/series?{CURVE}")).await;
                format!("/api/v1/series/{id}/curve?operating_day={DAY}")
            }
            (_, "/api/v1/uploads/{id}") => {
                format!("/api/v1/uploads/{}", self.first_id("/api/v1/uploads").await)
            }
            (_, "/api/v1/versions/{id}") => "/api/v1/versions/1".to_owned(),
            (_, path) if path.starts_with("/api/v1/headroom") => format!("{path}?iso=ercot"),
            (_, "/api/v1/sessions") => {
                return vec![self.json(self.browser.request(Method::GET, path)).await];
            }
            (_, "/api/v1/reference-hours" | "/api/v1/reference-hours/hourly") => {
                format!("{path}?iso=ercot&start=2024-02-01&end=2024-02-01&format=json")
            }
            (_, "/readyz") => format!("{path}?verbose"),
            (
                _,
                "/api/v1/datasets" | "/api/v1/jobs" | "/api/v1/me" | "/api/v1/site"
                | "/api/v1/tokens" | "/api/v1/uploads" | "/api/v1/users",
            ) => path.to_owned(),
            (_, path) if path.starts_with("/api/v1/admin/") => path.to_owned(),
            (_, "/api/v1/logs") => format!("{path}?q=answered&limit=5"),
            _ => format!("{path}?{CURVE}"),
        };
        vec![self.get(&one).await]
    }

    /// A job that nobody has begun.
    async fn job(&self) -> Value {
        self.post("/api/v1/jobs", json!({"kind": "headroom", "iso": "pjm"})).await
    }

    async fn answers_to_post(&self, path: &str) -> Vec<Value> {
        match path {
            "/login" => {
                let form = [("email", "ann@example.com"), ("password", PASSWORD)];
                let request = self.server.anonymous().request(Method::POST, path);
                vec![self.json(request.form(&form)).await]
            }
            "/api/v1/tokens" => {
                let body = json!({"email": "ann@example.com", "password": PASSWORD});
                let request = self.server.anonymous().request(Method::POST, path);
                vec![self.json(request.json(&body)).await]
            }
            "/api/v1/datasets/{curve}/{iso}/operating-days/{day}/reopen" => {
                let path = format!("/api/v1/datasets/energy/isone/operating-days/{DAY}/reopen");
                vec![self.post(&path, json!({"reason": "wrong close"})).await]
            }
            "/api/v1/jobs" => vec![self.job().await],
            "/api/v1/jobs/{id}/retry" => {
                let id = self.job().await["id"].as_str().unwrap().to_owned();
                vec![self.post(&format!("/api/v1/jobs/{id}/retry"), Value::Null).await]
            }
            "/api/v1/users" => {
                let body = json!({"email": "new@example.com", "role": "read_write"});
                vec![self.post(path, body).await]
            }
            "/api/v1/users/invite" => {
                let request = self.caller.request(Method::POST, path);
                let request = request.header("content-type", "text/csv");
                vec![self.json(request.body("a@example.com,read_only\nb,boss\n")).await]
            }
            "/api/v1/users/{id}/reset" => {
                let user = self.new_user("ray@example.com").await;
                vec![self.post(&format!("/api/v1/users/{user}/reset"), json!({})).await]
            }
            // Those that store something need a server without it.
            "/api/v1/uploads" | "/upload_csv" => {
                let empty = TestServer::start().await;
                let caller = empty.caller(Role::ReadWrite).await;
                let other = Self { server: empty, caller, browser: Browser::new(&self.server) };
                let miso = ["good/Energy_MISO_20240603_082540.csv"];
                let cob = ["good/Energy_MISO_20240603_082542_cob.csv"];
                let several = ["good/REC_PJM_20240506_142300.csv", "bad/value_words.csv"];
                let try_only = format!("{path}?dry_run=true");
                vec![
                    other.send(path, &miso).await,
                    other.send(&try_only, &cob).await,
                    other.send(path, &cob).await,
                    other.send(path, &several).await,
                ]
            }
            _ => panic!("tell this test how to call POST {path}"),
        }
    }
}

/// Where an example is not like an answer, or nothing.
fn difference(place: &str, example: &Value, real: &Value) -> Option<String> {
    match (example, real) {
        (Value::Object(example), Value::Object(real)) => {
            // Its members are words of the case.
            if place.ends_with("/by_code") {
                return None;
            }
            let unknown = example.keys().find(|name| !real.contains_key(*name));
            let absent = real.keys().find(|name| !example.contains_key(*name));
            let names = unknown.map(|name| format!("{place}/{name} is in no answer"));
            names.or_else(|| absent.map(|name| format!("{place}/{name} is not shown"))).or_else(
                || {
                    example.iter().find_map(|(name, value)| {
                        difference(&format!("{place}/{name}"), value, &real[name])
                    })
                },
            )
        }
        (Value::Array(example), Value::Array(real)) => example.iter().find_map(|item| {
            let differences = real.iter().map(|real| difference(&format!("{place}/0"), item, real));
            let differences: Option<Vec<_>> = differences.collect();
            match differences {
                Some(all) => all.into_iter().next().or(Some(format!("{place} has no items"))),
                None => None,
            }
        }),
        (Value::Null, _) | (_, Value::Null) => None,
        _ => {
            let alike = std::mem::discriminant(example) == std::mem::discriminant(real);
            (!alike).then(|| format!("{place}: {example} is no example of {real}"))
        }
    }
}

#[tokio::test]
async fn every_example_is_like_a_real_answer() {
    let description = description();
    let loaded = Loaded::start().await;
    let mut unreal = Vec::new();
    for operation in operations(&description) {
        let name = operation.name();
        let examples: Vec<_> = operation
            .successes()
            .filter(|(_, media, _)| *media == "application/json")
            .filter_map(|(status, _, content)| Some((status, example(&description, content)?)))
            .collect();
        if examples.is_empty() {
            continue;
        }
        let answers = loaded.answers(&name).await;
        for (status, example) in examples {
            let differences = answers.iter().map(|answer| difference("", &example, answer));
            let differences: Option<Vec<_>> = differences.collect();
            unreal.extend(differences.map(|all| format!("{name} {status}: {}", all.join("; "))));
        }
    }
    assert!(unreal.is_empty(), "{}", unreal.join("\n"));
}
