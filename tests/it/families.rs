//! Every family with a layout of its own, through HTTP: what a file becomes in the views, what a later
//! one changes, what its document gives when it is read again, how the catalogue names its series.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use trueprice::{auth::Role, db::versions, intake::replay};

use crate::support::{Caller, TestServer, files, store::assert_sound, twin};

/// A small file of a family and what must come of it.
struct Case {
    /// Of the file name: `PTC_NYISO`.
    stem: &'static str,
    /// Below the common eight labels (of two columns) or, where `eight` is none, the whole file.
    text: &'static str,
    /// Blank cells between a label and the columns; `None` for a file of its own form.
    eight: Option<&'static str>,
    /// What the view's rows are told by.
    columns: &'static str,
    /// The rows of the view.
    rows: &'static [&'static str],
    /// Text that the later file has in place of another.
    later: (&'static str, &'static str),
    /// The place and the values of the change.
    change: (&'static str, &'static str, &'static str),
    /// What the report counts: rows, columns, points, months.
    size: [Option<u64>; 4],
    /// Members that the second series of the catalogue has besides those of every series.
    more: fn() -> Value,
}

const CASES: &[Case] = &[
    Case {
        stem: "PTC_NYISO",
        text: "Matching ID,,M-2\nLookup ID1,L-1,L-2\nUtility Name,One,Two\n\
               Rate Class/Load Profile,SC-1 “Residential”,SC-2\n,,\nMonth,PTC,PTC\n\
               5/1/2024,0.0931,#N/A\n6/1/2024,$0.10,0.12345678901\n",
        eight: Some(""),
        columns: "month, load_zone, utility_name, load_profile, matching_id, lookup_id, data, unit",
        rows: &[
            "2024-05-01|ZONE A|One|SC-1 “Residential”|N/A|L-1|0.0931|$/kWh",
            "2024-05-01|ZONE B|Two|SC-2|M-2|L-2|NULL|$/kWh",
            "2024-06-01|ZONE A|One|SC-1 “Residential”|N/A|L-1|0.1|$/kWh",
            "2024-06-01|ZONE B|Two|SC-2|M-2|L-2|0.12345678901|$/kWh",
        ],
        later: ("0.0931", "0.0932"),
        change: ("2024-05", "0.0931", "0.0932"),
        size: [Some(2), Some(2), Some(4), Some(2)],
        more: || json!({"utility_name": "Two", "load_profile": "SC-2", "matching_id": "M-2", "lookup_id": "L-2"}),
    },
    Case {
        stem: "Matrix_PJM",
        text: "Matching ID,M-1,\nLookup ID1,L-1,L-2\nBeginning Date,6/1/2024,6/15/2024\n\
               Load Profile,RS,GS\nTerm (Months),12,24\nPrice build-up,,\nEnergy,41.20,40.85\n\
               ARR (Credit),(0.51),-\nTotal Contract Load (kWh),\"1,250,000\",#N/A\n",
        eight: Some(""),
        columns: "sub_cost_component, unit, load_zone, load_profile, matching_id, lookup_id, term, beginning_date, data",
        rows: &[
            "ARR (Credit)|$/MWh|ZONE A|RS|M-1|L-1|12|2024-06-01|-0.51",
            "ARR (Credit)|$/MWh|ZONE B|GS|N/A|L-2|24|2024-06-15|0",
            "Energy|$/MWh|ZONE A|RS|M-1|L-1|12|2024-06-01|41.2",
            "Energy|$/MWh|ZONE B|GS|N/A|L-2|24|2024-06-15|40.85",
            "Total Contract Load (kWh)|kWh|ZONE A|RS|M-1|L-1|12|2024-06-01|1250000",
            "Total Contract Load (kWh)|kWh|ZONE B|GS|N/A|L-2|24|2024-06-15|NULL",
        ],
        later: ("41.20", "4120"),
        change: ("Energy", "41.2", "4120"),
        size: [Some(3), Some(2), Some(6), None],
        more: || {
            json!({"load_profile": "GS", "matching_id": "N/A", "lookup_id": "L-2", "term": 24,
                "beginning_date": "2024-06-15"})
        },
    },
    Case {
        stem: "LoadProfile_ERCOT",
        text: "Customer Type,,RES,COM\n,,,\nMonth,HE,A,B\n6/1/2024,1,0.0312,1\n5/1/2024,24,0.5,2\n\
               5/1/2024,1,0.25,\n",
        eight: Some(","),
        columns: "month, date, he, customer_type, data, unit",
        rows: &[
            "2024-05-01|2024-05-01|1|COM|NULL|kWh",
            "2024-05-01|2024-05-01|1|RES|0.25|kWh",
            "2024-05-01|2024-05-01|24|COM|2|kWh",
            "2024-05-01|2024-05-01|24|RES|0.5|kWh",
            "2024-06-01|2024-06-01|1|COM|1|kWh",
            "2024-06-01|2024-06-01|1|RES|0.0312|kWh",
        ],
        later: (",0.5,", ",0.75,"),
        change: ("2024-05-01 HE 24", "0.5", "0.75"),
        size: [Some(3), Some(2), Some(6), Some(2)],
        more: || json!({"customer_type": "COM"}),
    },
    Case {
        stem: "Shaping_ISONE",
        text: "Date,HE,A,B\n11/3/2024,2,1.1,0.9\n11/3/2024,25,1.2,95%\n",
        eight: Some(","),
        columns: "month, date, he, load_zone, data, unit",
        rows: &[
            "2024-11-01|2024-11-03|25|ZONE A|1.2|factor",
            "2024-11-01|2024-11-03|25|ZONE B|0.95|%",
            "2024-11-01|2024-11-03|2|ZONE A|1.1|factor",
            "2024-11-01|2024-11-03|2|ZONE B|0.9|%",
        ],
        later: ("95%", "96%"),
        change: ("2024-11-03 HE 25", "0.95", "0.96"),
        size: [Some(2), Some(2), Some(4), Some(1)],
        more: || json!({}),
    },
    Case {
        stem: "Vlr_MISO",
        text: "Month,HE,A,B\n1,1,5.5%,5.1%\n1,2,5.6%,5.2%\n",
        eight: Some(","),
        columns: "month_number, he, load_zone, data, unit",
        rows: &[
            "1|1|ZONE A|0.055|%",
            "1|1|ZONE B|0.051|%",
            "1|2|ZONE A|0.056|%",
            "1|2|ZONE B|0.052|%",
        ],
        later: ("5.1%", "5.3%"),
        change: ("month 1 HE 1", "0.051", "0.053"),
        size: [Some(2), Some(2), Some(4), None],
        more: || json!({}),
    },
    Case {
        stem: "LineLoss_ERCOT",
        text: "State,Control Area,Load Zone,Capacity Zone,Utility,Block Type,Cost Group,Cost Component,Line Loss Factor\n\
               TX,ERCOT,ZONE A,-,U,7x24,Line Loss,Distribution,4.5%\nTX,ERCOT,ZONE B,-,U,7x24,Line Loss,Distribution,5%\n",
        eight: None,
        columns: "load_zone, sub_cost_component, data, unit",
        rows: &["ZONE A|Distribution|0.045|%", "ZONE B|Distribution|0.05|%"],
        later: ("4.5%", "4.6%"),
        change: ("", "0.045", "0.046"),
        size: [Some(2), Some(1), Some(2), None],
        more: || json!({}),
    },
];

impl Case {
    fn iso(&self) -> &str {
        self.stem.split_once('_').unwrap().1
    }

    fn family(&self) -> String {
        self.stem.split_once('_').unwrap().0.to_lowercase()
    }

    fn file(&self) -> String {
        let Some(beside) = self.eight else { return self.text.to_owned() };
        let area = self.iso();
        let rows = [
            ("Control Area", area, area),
            ("State", "NY", "NY"),
            ("Load Zone", "ZONE A", "ZONE B"),
            ("Capacity Zone", "-", "-"),
            ("Utility", "ALL", "ALL"),
            ("Block Type", "7X24", "7x24"),
            ("Cost Group", "Group", "Group"),
            ("Cost Component", "Component", "Component"),
        ];
        let rows = rows.map(|(name, a, b)| format!("{name}{beside},{a},{b}\n"));
        rows.concat() + self.text
    }

    fn later(&self) -> String {
        assert!(self.text.contains(self.later.0), "{}", self.stem);
        self.file().replacen(self.later.0, self.later.1, 1)
    }

    fn view(&self) -> String {
        format!("trueprice.{}_{}", self.iso().to_lowercase(), self.family())
    }

    /// The rows of a view, told by the case's columns.
    async fn rows(&self, pool: &PgPool, view: &str) -> Vec<String> {
        let text = |column: &str| match column.trim() {
            "data" => "coalesce(trim_scale(data)::text, 'NULL')".to_owned(),
            column => format!("coalesce({column}::text, 'null')"),
        };
        let columns: Vec<String> = self.columns.split(',').map(text).collect();
        let statement = format!(
            "select concat_ws('|', {}) collate \"C\" from {view} order by 1",
            columns.join(", ")
        );
        sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(pool).await.unwrap()
    }
}

async fn assert_stored(case: &Case, caller: &Caller, pool: &PgPool) {
    let (first, second) = (
        format!("{}_20240603_090000.csv", case.stem),
        format!("{}_20240603_100000.csv", case.stem),
    );
    let reply = caller.upload(&first, case.file()).await;
    assert_eq!(reply.outcome(), (201, "created"), "{}", reply.body);
    let stats = &reply.body["stats"];
    let size = ["rows", "columns", "points", "months"].map(|name| stats[name].as_u64());
    assert_eq!(size, case.size, "{}", case.stem);
    assert_eq!(case.rows(pool, &case.view()).await, case.rows, "{}", case.stem);

    let file = [(second.as_str(), case.later().into())];
    let tried = caller.send("/api/v1/uploads?dry_run=true", &file).await;
    assert_eq!(tried.outcome(), (200, "superseded"), "{}", tried.body);
    let diff = &tried.body["diff"];
    let points = case.size[2].unwrap();
    assert_eq!((&diff["changed"], &diff["unchanged"]), (&json!(1), &json!(points - 1)), "{diff}");
    let (place, old, new) = case.change;
    let largest = &diff["largest"][0];
    assert_eq!(
        (&largest["month"], &largest["old"], &largest["new"]),
        (&json!(place), &json!(old), &json!(new))
    );

    let reply = caller.upload(&second, case.later()).await;
    assert_eq!(reply.outcome(), (201, "superseded"), "{}", reply.body);
    let jumped = case.stem.starts_with("Matrix").then_some(1);
    assert_eq!(reply.body["by_code"]["scale_jump"].as_u64(), jumped, "{}", reply.body["by_code"]);
    let history = format!("{}_history", case.view());
    assert_eq!(case.rows(pool, &history).await, case.rows, "{}", case.stem);
    let current = case.rows(pool, &case.view()).await;
    let differing: Vec<_> =
        current.iter().zip(case.rows).filter(|(new, old)| new != *old).collect();
    assert_eq!(differing.len(), 1, "{differing:?}");
    assert!(differing[0].0.split('|').any(|cell| cell == new), "{differing:?}");
    let same = caller.upload(&second, case.later()).await;
    assert_eq!(same.outcome(), (200, "already_stored"));
}

#[tokio::test]
async fn every_family_is_stored_superseded_and_read_again() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let pool = &server.app.pool;
    for case in CASES {
        assert_stored(case, &caller, pool).await;
    }
    let stored = versions::after(pool, 0, 100).await.unwrap();
    assert_eq!(stored.len(), 2 * CASES.len());
    let mut points = 0;
    for version in &stored {
        points += replay(&server.app, version).await.unwrap_or_else(|e| panic!("{version:?}: {e}"));
    }
    assert_eq!(points, CASES.iter().map(|case| 2 * case.rows.len()).sum::<usize>());
    let announced: Vec<(String, i64)> = sqlx::query_as(
        "select d.family || ' ' || e.kind, count(*) from event e join dataset d on d.id = e.dataset_id
         group by 1 order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(announced, [("matrix headroom".to_owned(), 2), ("ptc headroom".to_owned(), 2)]);
    assert_sound(pool, &server.app.documents).await;
}

#[tokio::test]
async fn the_catalogue_shows_the_labels_that_a_family_has() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let extra = [
        "customer_type",
        "utility_name",
        "load_profile",
        "matching_id",
        "lookup_id",
        "term",
        "beginning_date",
    ];
    for case in CASES {
        let name = format!("{}_20240603_090000.csv", case.stem);
        assert_eq!(caller.upload(&name, case.file()).await.status, 201);
        let path =
            format!("/api/v1/series?curve={}&iso={}", case.family(), case.iso().to_lowercase());
        let list = caller.ask(&path).await;
        let items = list.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{}", list.body);
        let second = items.iter().find(|item| item["load_zone"] == "ZONE B").unwrap();
        let mut found = second.clone();
        found.as_object_mut().unwrap().retain(|name, _| extra.contains(&name.as_str()));
        assert_eq!(found, (case.more)(), "{}", case.stem);
        let csv = caller.get(&format!("{path}&format=csv")).await.text().await.unwrap();
        let header = csv.lines().next().unwrap();
        assert!(header.ends_with(&extra.join(",")), "{header}");
        let cells = extra.map(|name| match &second[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let end = format!(",{}", cells.join(","));
        assert!(csv.lines().skip(1).any(|line| line.ends_with(&end)), "{end} in {csv}");
    }
}

#[tokio::test]
async fn a_workbook_with_typed_cells_gives_the_same() {
    let (text, book) = (TestServer::start().await, TestServer::start().await);
    let (text_caller, book_caller) =
        (text.caller(Role::ReadWrite).await, book.caller(Role::ReadWrite).await);
    for case in CASES {
        let stem = format!("{}_20240603_090000", case.stem);
        let csv = text_caller.upload(&format!("{stem}.csv"), case.file()).await;
        let typed = twin::typed(case.file().as_bytes());
        let xlsx = book_caller.upload(&format!("{stem}.xlsx"), typed).await;
        assert_eq!(xlsx.outcome(), (201, "created"), "{}", xlsx.body);
        assert_eq!(csv.body["stats"], xlsx.body["stats"], "{stem}");
        assert_eq!(csv.body["by_code"], xlsx.body["by_code"], "{stem}");
        assert_eq!(case.rows(&book.app.pool, &case.view()).await, case.rows, "{stem}");
    }
}

#[tokio::test]
async fn an_annotated_copy_marks_the_row_of_every_family() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    for (stem, from, to, code) in [
        ("PTC_NYISO", "6/1/2024,", "Total,", "bad_date"),
        ("Matrix_PJM", "Term (Months),12", "Term (Months),0", "bad_term"),
        ("LoadProfile_ERCOT", "5/1/2024,24,", "5/1/2024,26,", "bad_hour"),
        ("Shaping_ISONE", "11/3/2024,2,", "11/3/2024,25,", "duplicate_hour"),
        ("Vlr_MISO", "1,2,", "13,2,", "bad_month"),
        ("LineLoss_ERCOT", "ZONE B", "", "label_blank"),
    ] {
        let case = CASES.iter().find(|case| case.stem == stem).unwrap();
        let text = case.file();
        assert!(text.contains(from), "{stem}");
        // The last of them: labels may hold the same digits.
        let at = text.rfind(from).unwrap();
        let wrong = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
        let reply = caller.upload(&format!("{stem}_20240603_090000.csv"), wrong).await;
        assert_eq!(reply.outcome(), (422, code), "{}", reply.body);
        let id = reply.body["upload_id"].as_str().unwrap();
        let copy = caller.get(&format!("/api/v1/uploads/{id}/report?format=csv")).await;
        let copy = copy.text().await.unwrap();
        let row = reply.body["errors"][0]["row"].as_u64().unwrap();
        let line = copy.lines().nth(usize::try_from(row).unwrap() - 1).unwrap();
        assert!(line.contains(&format!("error {code}: ")), "{stem}: {line}");
    }
}

#[tokio::test]
async fn the_database_refuses_an_axis_that_names_a_place_twice_or_out_of_order() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let curve = files::repository("good_test_data/good/Energy_ERCOT_20240603_080000.csv");
    let reply =
        caller.upload("Energy_ERCOT_20240603_080000.csv", std::fs::read(curve).unwrap()).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    for (columns, axis) in [
        ("months", "'{2024-02-01,2024-01-01}'"),
        ("months", "'{2024-02-01,2024-02-01}'"),
        ("dates, hours", "'{2024-02-01,2024-02-01}', '{2,2}'"),
        ("month_numbers, hours", "'{2,1}', '{1,1}'"),
        ("components, component_units", "'{Energy,Energy}', '{x,y}'"),
        ("components, component_units", "'{Energy,Losses}', '{x}'"),
        ("months, components, component_units", "'{2024-02-01,2024-03-01}', '{a,b}', '{x,y}'"),
    ] {
        let insert = format!(
            "insert into curve_version (dataset_id, curve_timestamp, curve_timestamp_local, curve_timezone,
                 operating_day, cob, sha256, upload_id, axis_length, series_count, points, stats, findings, {columns})
             select dataset_id, curve_timestamp + interval '1 day', curve_timestamp_local, curve_timezone,
                 operating_day + 1, cob, sha256, upload_id, 2, 0, 0, stats, findings, {axis}
             from curve_version"
        );
        let refused = sqlx::query(AssertSqlSafe(insert)).execute(&server.app.pool).await;
        let error = refused.unwrap_err().into_database_error().unwrap();
        assert!(error.is_check_violation(), "{columns} {axis}: {error}");
    }
}
