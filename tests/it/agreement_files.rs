//! Any small file of the curve types with a layout of their own, uploaded and read in every form.

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use trueprice::auth::Role;

use crate::{
    agreement::{Drawn, any_column, assert_agreement},
    support::TestServer,
};

/// A small file of a curve type with layouts of its own: a column for each of `columns`.
fn file_of(curve: &str, columns: &[Drawn]) -> String {
    // No label may hold a line break.
    let quoted =
        |text: &str| format!("\"{}\"", text.replace('"', "\"\"").replace(['\r', '\n'], ";"));
    let hourly = ["loadprofile", "shaping", "vlr"].contains(&curve);
    let line = |name: &str, cell: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = (0..columns.len()).map(|c| quoted(&cell(c))).collect();
        format!("{name}{}{}\n", if hourly { ",," } else { "," }, cells.join(","))
    };
    let value = |column: usize, row: usize| match columns[column].1[row] {
        Some(value) if curve == "vlr" && column.is_multiple_of(2) => format!("{value}%"),
        Some(value) => value.to_string(),
        None => "#N/A".to_owned(),
    };
    let zone = |column: usize| format!("{}{column}", columns[column].0[0]);
    let component = |column: usize| columns[column].0[2].clone();
    if curve == "lineloss" {
        let record = |c: usize| {
            let (zone, component) = (quoted(&zone(c)), quoted(&component(c)));
            format!("PJM,NJ,{zone},-,U,7x24,Line Loss,{component},{}\n", value(c, 0))
        };
        let head = "Control Area,State,Load Zone,Capacity Zone,Utility,Block Type,Cost Group,Cost Component";
        let records: String = (0..columns.len()).map(record).collect();
        return format!("{head},Line Loss Factor\n{records}");
    }
    let mut text = String::new();
    for (label, cell) in [("Control Area", "PJM"), ("State", "NJ")] {
        text += &line(label, &|_| cell.to_owned());
    }
    text += &line("Load Zone", &zone);
    for (label, cell) in [("Capacity Zone", "-"), ("Utility", "U"), ("Block Type", "7x24")] {
        text += &line(label, &|_| cell.to_owned());
    }
    text += &line("Cost Group", &|_| "Group".to_owned());
    text += &line("Cost Component", &component);
    let (more, places): (&[(&str, &str)], [&str; 3]) = match curve {
        "ptc" => (
            &[
                ("Matching ID", ""),
                ("Lookup ID1", "L"),
                ("Utility Name", "One"),
                ("Rate Class/Load Profile", "RS"),
            ],
            ["5/1/2023", "6/1/2023", "7/1/2023"],
        ),
        "matrix" => (
            &[
                ("Matching ID", "M"),
                ("Lookup ID1", "L"),
                ("Beginning Date", "6/15/2023"),
                ("Load Profile", "GS"),
                ("Term (Months)", "12"),
            ],
            ["Zonal", "\"Energy, all\"", "ARR (Credit)"],
        ),
        "loadprofile" => {
            (&[("Customer Type", "RES")], ["5/1/2023,1", "5/1/2023,24", "11/5/2023,25"])
        }
        "shaping" => (&[], ["5/1/2023,1", "5/1/2023,24", "11/5/2023,25"]),
        _ => (&[], ["1,1", "1,2", "12,24"]),
    };
    for (label, cell) in more {
        text += &line(label, &|_| (*cell).to_owned());
    }
    let head = match curve {
        "ptc" => "Month",
        "vlr" => "Month,HE",
        _ => "Date,HE",
    };
    let cells = |row: usize| (0..columns.len()).map(|c| quoted(&value(c, row))).collect::<Vec<_>>();
    if curve != "matrix" {
        text.extend([head, &",Z".repeat(columns.len()), "\n"]);
    }
    for (row, place) in places.iter().enumerate() {
        text.extend([place, ",", &cells(row).join(","), "\n"]);
    }
    text
}

#[tokio::test]
async fn any_small_file_agrees_in_every_form() {
    let server = TestServer::start().await;
    let caller = server.caller(Role::ReadWrite).await;
    let mut runner = TestRunner::deterministic();
    for curve in ["ptc", "matrix", "loadprofile", "shaping", "vlr", "lineloss"] {
        for day in 1..=4 {
            let some = prop::collection::vec(any_column(3), 1..6);
            let columns = some.new_tree(&mut runner).unwrap().current();
            let name = format!("{curve}_PJM_2023050{day}_080000.csv");
            let reply = caller.upload(&name, file_of(curve, &columns)).await;
            assert_eq!(reply.status, 201, "{name}: {}", reply.body);
            assert_agreement(&caller, &format!("curve={curve}&iso=all")).await;
        }
    }
}
