//! What packages show, against a count cell by cell that knows nothing of the server's rule.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, Months, NaiveDate, TimeDelta, Utc};
use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    sample::{select, subsequence},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use trueprice::{auth::Role, domain::Source, headroom};

use crate::{
    packages::{north, package},
    support::{Caller, Reply, TestServer, files},
};

const LABELS: [&str; 9] = [
    "control_areas",
    "states",
    "load_zones",
    "capacity_zones",
    "utilities",
    "block_types",
    "cost_groups",
    "cost_components",
    "sub_components",
];

/// A stored version with the places of its axis: month and component, where they have one.
struct Version {
    source: i16,
    id: i64,
    day: NaiveDate,
    cob: bool,
    current: bool,
    places: Vec<(Option<NaiveDate>, Option<String>)>,
    /// Its series, each as often as it has rows, with their labels.
    series: Vec<(i64, [String; 9])>,
}

/// Everything that is stored, read without any rule.
async fn stored(pool: &PgPool) -> Vec<Version> {
    type Row = (
        i16,
        i64,
        NaiveDate,
        bool,
        bool,
        i32,
        Option<Vec<NaiveDate>>,
        Option<Vec<NaiveDate>>,
        Option<Vec<String>>,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "select dataset_id, id, operating_day, cob, valid_to is null, axis_length, months, dates, components
         from curve_version
         union all
         select dataset_id, id, operating_day, false, ended_at is null, 4, null, null, null
         from headroom_version",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let held: Vec<(i64, i64, Vec<String>)> = sqlx::query_as(
        "select c.version_id, s.id, array[s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility,
                s.block_type, s.cost_group, s.cost_component, s.sub_component]
         from (select version_id, series_id from curve
               union all
               select r.version_id, p.offer_id from headroom_record r join headroom_series p on p.id = r.series_id
               where r.basis = 'prompt') c
         join series s on s.id = c.series_id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut by_version: BTreeMap<i64, Vec<(i64, [String; 9])>> = BTreeMap::new();
    for (version, id, labels) in held {
        by_version.entry(version).or_default().push((id, labels.try_into().unwrap()));
    }
    let version = |(source, id, day, cob, current, length, months, dates, components): Row| {
        let month = |days: Option<Vec<NaiveDate>>| {
            days.map(|days| days.into_iter().map(|d| (d.with_day(1), None)).collect())
        };
        let parts = components.map(|names: Vec<String>| {
            names.into_iter().map(|name| (None, Some(name))).collect::<Vec<_>>()
        });
        let plain = || vec![(None, None); usize::try_from(length).unwrap()];
        let places = month(months).or_else(|| month(dates)).or(parts).unwrap_or_else(plain);
        Version {
            source,
            id,
            day,
            cob,
            current,
            places,
            series: by_version.remove(&id).unwrap_or_default(),
        }
    };
    rows.into_iter().map(version).collect()
}

fn texts(grant: &Value, member: &str) -> Option<Vec<String>> {
    grant.get(member).filter(|set| !set.is_null()).map(|set| {
        set.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    })
}

/// One grant at an instant, as a person would apply it.
struct Naive<'a> {
    grant: &'a Value,
    today: NaiveDate,
}

impl Naive<'_> {
    fn flag(&self, member: &str) -> bool {
        self.grant[member] == true
    }

    fn is_about(&self, source: Source) -> bool {
        texts(self.grant, "curves").unwrap().iter().any(|curve| curve == source.curve())
            && texts(self.grant, "isos")
                .is_none_or(|isos| isos.iter().any(|iso| iso == source.iso().as_str()))
    }

    /// Everything but how far back.
    fn header(&self, version: &Version, source: Source) -> bool {
        let old_enough = self.grant["delay_days"]
            .as_i64()
            .is_none_or(|days| version.day <= self.today - TimeDelta::days(days));
        let cob = !self.flag("cob_only") || source.curve() != "energy" || version.cob;
        self.is_about(source)
            && old_enough
            && cob
            && (!self.flag("current_only") || version.current)
    }

    fn version(&self, version: &Version, all: &[Version]) -> bool {
        let source = Source::from_id(version.source).unwrap();
        if !self.header(version, source) {
            return false;
        }
        let Some(newest) = self.grant["history_days"].as_u64() else { return true };
        let of_source = all.iter().filter(|one| one.source == version.source);
        let days: BTreeSet<NaiveDate> =
            of_source.filter(|one| self.header(one, source)).map(|one| one.day).collect();
        days.iter().rev().take(usize::try_from(newest).unwrap()).any(|day| *day == version.day)
    }

    fn labels(&self, source: Source, labels: &[String; 9]) -> bool {
        LABELS.iter().zip(labels).all(|(member, label)| {
            let Some(set) = texts(self.grant, member) else { return true };
            match *member {
                "block_types" => set.iter().any(|one| one.eq_ignore_ascii_case(label)),
                // Of a matrix they are places of the axis.
                "sub_components" if matches!(source.curve(), "matrix" | "headroom") => true,
                _ => set.contains(label),
            }
        })
    }

    fn place(
        &self,
        source: Source,
        (month, component): &(Option<NaiveDate>, Option<String>),
    ) -> bool {
        let part = component.as_ref().zip(texts(self.grant, "sub_components"));
        let part = part.is_none_or(|(component, set)| set.contains(component));
        let limited = matches!(source.curve(), "energy" | "nonenergy" | "rec" | "shaping");
        part && month.filter(|_| limited).is_none_or(|month| {
            let (first, last) = self.window();
            first.is_none_or(|first| first <= month) && last.is_none_or(|last| month <= last)
        })
    }

    fn window(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let month = |member: &str| self.grant[member].as_str().map(|text| text.parse().unwrap());
        match self.grant["months"].as_str() {
            Some("fixed") => (month("first_month"), month("last_month")),
            Some("rolling") => {
                let prompt = u32::from(self.grant["rolling_from"] == "prompt");
                let first = self.today.with_day(1).unwrap() + Months::new(prompt);
                let count = u32::try_from(self.grant["rolling_months"].as_u64().unwrap()).unwrap();
                (Some(first), Some(first + Months::new(count - 1)))
            }
            _ => (None, None),
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    cells: i64,
    series: BTreeSet<i64>,
    versions: BTreeSet<i64>,
    days: BTreeSet<NaiveDate>,
    months: BTreeSet<NaiveDate>,
}

/// Cell by cell: visible if one grant lets all of it through.
fn count(stored: &[Version], grants: &[Value], today: NaiveDate) -> BTreeMap<i16, Count> {
    let grants: Vec<Naive<'_>> = grants.iter().map(|grant| Naive { grant, today }).collect();
    let mut counts: BTreeMap<i16, Count> = BTreeMap::new();
    for version in stored {
        let source = Source::from_id(version.source).unwrap();
        let of_version: Vec<_> =
            grants.iter().filter(|grant| grant.version(version, stored)).collect();
        for (series, labels) in &version.series {
            let of_both: Vec<_> =
                of_version.iter().filter(|grant| grant.labels(source, labels)).collect();
            for place in &version.places {
                if of_both.iter().any(|grant| grant.place(source, place)) {
                    let count = counts.entry(version.source).or_default();
                    count.cells += 1;
                    count.series.insert(*series);
                    count.versions.insert(version.id);
                    count.days.insert(version.day);
                    count.months.extend(place.0);
                }
            }
        }
    }
    counts
}

/// The figures of a preview as the count has them.
fn figures(counts: &BTreeMap<i16, Count>) -> Vec<Value> {
    let figure = |(id, count): (&i16, &Count)| {
        let source = Source::from_id(*id).unwrap();
        json!([
            source.to_string(),
            count.series.len(),
            count.versions.len(),
            count.days.len(),
            count.days.first(),
            count.days.last(),
            count.months.len(),
            count.months.first(),
            count.months.last(),
            count.cells
        ])
    };
    counts.iter().map(figure).collect()
}

fn told(preview: &Value) -> Vec<Value> {
    let figure = |d: &Value| {
        let name = format!("{} {}", d["iso"].as_str().unwrap(), d["curve"].as_str().unwrap());
        json!([
            name,
            d["series"],
            d["versions"],
            d["operating_days"],
            d["first_day"],
            d["last_day"],
            d["months"],
            d["first_month"],
            d["last_month"],
            d["cells"]
        ])
    };
    preview["datasets"].as_array().unwrap().iter().map(figure).collect()
}

/// A server with every synthetic file, and its administrator.
async fn loaded() -> (TestServer, Caller) {
    let server = TestServer::start().await;
    let writer = server.caller(Role::ReadWrite).await;
    let zip = std::fs::read(files::repository("good_test_data/good/all_families.zip")).unwrap();
    assert_eq!(writer.upload("all_families.zip", zip).await.status, 207);
    headroom::catch_up(&server.app).await.unwrap();
    let admin = server.caller(Role::Admin).await;
    (server, admin)
}

async fn preview(admin: &Caller, grants: &[Value], at: &str) -> Value {
    let request = admin.request(Method::POST, &format!("/api/v1/grants/preview?at={at}"));
    let reply = Reply::of(request.json(&json!({"grants": grants})).send().await.unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

/// Grants of what is stored, with every kind of condition.
fn grants(stored: &[Version]) -> impl Strategy<Value = Vec<Value>> {
    let curves: Vec<&str> = [
        "energy",
        "nonenergy",
        "rec",
        "ptc",
        "matrix",
        "loadprofile",
        "shaping",
        "vlr",
        "lineloss",
        "headroom",
    ]
    .to_vec();
    let values: Vec<Vec<String>> = (0..9)
        .map(|place| {
            let of_series =
                stored.iter().flat_map(|v| &v.series).map(|(_, labels)| labels[place].clone());
            let parts = stored.iter().flat_map(|v| &v.places).filter_map(|(_, part)| part.clone());
            let all: BTreeSet<String> = of_series
                .chain(parts.filter(|_| place == 8))
                .filter(|label| !label.is_empty())
                .collect();
            all.into_iter().collect()
        })
        .collect();
    let one_label = (0_usize..9).prop_flat_map(move |place| {
        let most = values[place].len().min(6);
        (proptest::strategy::Just(place), subsequence(values[place].clone(), 1..=most))
    });
    let months = (0_u8..4, 2023..2027, 1_u32..13, 1_u32..18, any::<bool>());
    let versions =
        (any::<[bool; 3]>(), proptest::option::of(0_i64..40), proptest::option::of(1_i64..3));
    let isos =
        proptest::option::of(subsequence(vec!["ercot", "isone", "miso", "nyiso", "pjm"], 1..=3));
    let grant = (subsequence(curves, 1..=6), isos, vec(one_label, 0..3), months, versions).prop_map(
        |(curves, isos, labels, (policy, year, month, count, flag), ([cob, current, derived], delay, history))| {
            let mut grant = json!({
                "curves": curves, "isos": isos, "cob_only": cob, "current_only": current && flag,
                "derived": derived, "delay_days": delay, "history_days": history,
            });
            for (place, values) in labels {
                grant[LABELS[place]] = json!(values);
            }
            if curves.contains(&"headroom") {
                // Refused: headroom has none.
                grant["sub_components"] = Value::Null;
            }
            let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
            match policy {
                0 => {}
                1 => {
                    grant["months"] = json!("fixed");
                    grant["first_month"] = json!(first);
                    grant["last_month"] = if flag { Value::Null } else { json!(first + Months::new(count)) };
                }
                _ => {
                    grant["months"] = json!("rolling");
                    grant["rolling_months"] = json!(count);
                    grant["rolling_from"] = json!(if flag { "prompt" } else { "balance" });
                }
            }
            grant
        },
    );
    vec(grant, 1..4)
}

#[tokio::test]
async fn previews_agree_with_a_count_cell_by_cell() {
    let (server, admin) = loaded().await;
    let stored = stored(&server.app.pool).await;
    assert!(stored.len() > 60, "{} versions", stored.len());
    let everything = [
        json!({"curves": ["energy", "nonenergy", "rec", "ptc", "matrix", "loadprofile", "shaping", "vlr", "lineloss", "headroom"]}),
    ];
    let narrow = [north()];
    let twice = [
        north(),
        north(),
        json!({"curves": ["energy"], "isos": ["ercot"], "block_types": ["5X16"]}),
    ];
    let mut cases: Vec<Vec<Value>> = vec![everything.to_vec(), narrow.to_vec(), twice.to_vec()];
    let mut runner = TestRunner::deterministic();
    let (strategy, instants) = (
        grants(&stored),
        select(vec!["2024-06-05T12:00:00Z", "2024-02-29T23:59:59Z", "2024-07-01T00:00:00Z"]),
    );
    cases.extend((0..40).map(|_| strategy.new_tree(&mut runner).unwrap().current()));
    let (mut shown, mut months) = (0, 0);
    for grants in cases {
        let at = instants.new_tree(&mut runner).unwrap().current();
        let today = at.parse::<DateTime<Utc>>().unwrap().date_naive();
        let counts = count(&stored, &grants, today);
        let preview = preview(&admin, &grants, at).await;
        assert_eq!(told(&preview), figures(&counts), "{} at {at}", json!(grants));
        let cells: i64 = counts.values().map(|count| count.cells).sum();
        assert_eq!(preview["totals"]["cells"], cells);
        let days: BTreeSet<_> = counts.values().flat_map(|count| &count.days).collect();
        assert_eq!(preview["totals"]["operating_days"], days.len());
        shown += usize::from(cells > 0);
        months += usize::from(counts.values().any(|count| count.months.len() == 3));
    }
    assert!(shown > 20 && months > 0, "the cases show something: {shown}, {months}");
}

#[tokio::test]
async fn a_user_sees_what_their_packages_show_at_each_time() {
    let (server, admin) = loaded().await;
    server.clock.set("2024-06-05T12:00:00Z");
    let ann = server.account_without_grants(Role::ReadOnly).await;
    let id = package(&admin, "North", json!([north()])).await;
    let path = format!("/api/v1/users/{}/grants/{id}", ann.id);
    let term = json!({"starts_at": "2024-06-05T00:00:00Z", "ends_at": "2024-08-01T00:00:00Z"});
    let attached = admin.request(Method::PUT, &path).json(&term).send().await.unwrap();
    assert_eq!(attached.status(), 200);
    let sees = async |query: &str| {
        let reply = admin.ask(&format!("/api/v1/users/{}/preview{query}", ann.id)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    };
    let now = sees("").await;
    assert_eq!(told(&now), told(&preview(&admin, &[north()], "2024-06-05T12:00:00Z").await));
    assert_eq!(
        (&now["totals"]["series"], &now["totals"]["first_month"]),
        (&json!(1), &json!("2024-06-01"))
    );
    let july = sees("?at=2024-07-31T23:59:59Z").await;
    assert_eq!(july["totals"]["first_month"], "2024-07-01", "the window goes by the wall clock");
    for outside in ["?at=2024-06-04T23:59:59Z", "?at=2024-08-01T00:00:00Z"] {
        assert_eq!(sees(outside).await["totals"]["cells"], 0, "{outside}");
    }
    assert_eq!(
        sees("?as_of=2020-01-01T00:00:00Z").await["totals"]["cells"],
        0,
        "nothing was known then"
    );
    let path = format!("/api/v1/users/{}/preview", ann.id);
    for wrong in ["?as_of=2999-01-01T00:00:00Z", "?at=2024-06-05", "?on=2024-06-05"] {
        assert_eq!(admin.ask(&format!("{path}{wrong}")).await.status, 400, "{wrong}");
    }

    let boss = server.account_without_grants(Role::Admin).await;
    let all = admin.ask(&format!("/api/v1/users/{}/preview", boss.id)).await;
    let naive = count(
        &stored(&server.app.pool).await,
        &[
            json!({"curves": ["energy", "nonenergy", "rec", "ptc", "matrix", "loadprofile", "shaping", "vlr", "lineloss", "headroom"]}),
        ],
        "2024-06-05".parse().unwrap(),
    );
    assert_eq!(told(&all.body), figures(&naive), "an administrator sees everything");
    sqlx::query("update app_user set disabled_at = now() where id = $1")
        .bind(ann.id)
        .execute(&server.app.pool)
        .await
        .unwrap();
    assert_eq!(sees("").await["totals"]["cells"], 0, "who is shut out sees nothing");
}

#[tokio::test]
async fn a_difference_is_what_only_one_package_shows() {
    let (server, admin) = loaded().await;
    server.clock.set("2024-06-05T12:00:00Z");
    let mut longer = north();
    longer["rolling_months"] = json!(4);
    longer["block_types"] = json!(["5x16", "7x8"]);
    let a = [north(), json!({"curves": ["rec"], "isos": ["pjm"]})];
    let b = [longer, json!({"curves": ["energy"], "isos": ["pjm"], "cob_only": true})];
    let (first, second) =
        (package(&admin, "A", json!(a)).await, package(&admin, "B", json!(b)).await);
    let reply = admin.ask(&format!("/api/v1/grants/{first}/difference/{second}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let stored = stored(&server.app.pool).await;
    let today = "2024-06-05".parse().unwrap();
    let (a_shows, b_shows) = (count(&stored, &a, today), count(&stored, &b, today));
    let both = count(&stored, &[&a[..], &b[..]].concat(), today);
    let nothing = Count::default();
    let mut seen = Vec::new();
    for dataset in reply.body["datasets"].as_array().unwrap() {
        let name =
            format!("{} {}", dataset["iso"].as_str().unwrap(), dataset["curve"].as_str().unwrap());
        let id = Source::all().find(|source| source.to_string() == name).unwrap().id();
        let [a, b] = [&a_shows, &b_shows].map(|shows| shows.get(&id).unwrap_or(&nothing));
        for (part, one, other) in [(&dataset["only_a"], a, b), (&dataset["only_b"], b, a)] {
            assert_eq!(part["series"], one.series.difference(&other.series).count(), "{name}");
            assert_eq!(
                part["versions"],
                one.versions.difference(&other.versions).count(),
                "{name}"
            );
            assert_eq!(part["operating_days"], one.days.difference(&other.days).count(), "{name}");
            let months: Vec<_> = one.months.difference(&other.months).collect();
            assert_eq!(part["months"], json!(months), "{name}");
            assert_eq!(part["cells"], both[&id].cells - other.cells, "{name}");
            assert_eq!(part["dataset"], one.cells > 0 && other.cells == 0, "{name}");
        }
        seen.push(name);
    }
    assert_eq!(seen, ["ercot energy", "pjm energy", "pjm rec"]);
    let ercot = &reply.body["datasets"][0];
    assert_eq!(ercot["only_a"]["cells"], 0);
    assert_eq!(ercot["only_b"]["series_names"], json!(["NORTH ZONE 7x8"]));
    assert_eq!(ercot["only_b"]["months"], json!(["2024-09-01"]));
    let same = admin.ask(&format!("/api/v1/grants/{first}/difference/{first}")).await;
    assert_eq!(same.body["datasets"], json!([]));
}
