//! Standardized prices, beside the same work in pandas.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    files,
    server::Server,
    table::{Table, median, ms},
};

const FILE: &str = "NonEnergy_PJM_20250601_120000.csv";
const QUERY: &str = "data?curve=nonenergy&iso=pjm&mode=standardized&operating_day=2025-06-01\
                     &start=2025-07&end=2030-07&format=csv";
const ROUNDS: usize = 50;

/// A month range of PJM's size: from the request to its last byte, and the same with pandas from
/// the file that was uploaded.
pub async fn charges(server: &Server, table: &mut Table) {
    let text = files::charges(files::CHARGE_ZONES);
    server.upload(FILE, text.clone().into_bytes(), &[201, 200]).await;
    let (mut times, mut answer) = (Vec::new(), String::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        answer = server.get(QUERY).await.text().await.expect("a body");
        times.push(begun.elapsed());
    }
    let ours = median(times);
    let is_met = ours <= Duration::from_millis(20);
    let what = "264 x 61 nonenergy, standardized CSV";
    table.add(what, ms(ours), "request to last byte over HTTP", "20 ms", is_met);
    match pandas(&text) {
        Ok(Pandas { versions, time, csv }) => {
            let ratio = time.as_secs_f64() / ours.as_secs_f64();
            let (equal, cells) = agreement(&answer, &csv);
            table.add(
                "the same work in pandas, from its file",
                format!("{} = {ratio:.0} times ours", ms(time)),
                &format!("{versions}; {equal} of {cells} values within 0.00001"),
                "more than 1",
                ratio > 1.0 && equal == cells,
            );
        }
        Err(why) => println!("the same work in pandas: left out, {why}"),
    }
}

struct Pandas {
    versions: String,
    time: Duration,
    csv: String,
}

/// Runs the comparison with the Python that is named by `PYTHON`, else by `python3`; pandas is
/// installed into a folder of its own where that has none.
fn pandas(text: &str) -> Result<Pandas, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/pandas/standardize.py");
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (input, output) = (folder.path().join(FILE), folder.path().join("wide.csv"));
    std::fs::write(&input, text).map_err(|error| error.to_string())?;
    let python = python(folder.path())?;
    let run = Command::new(python).arg(script).arg(input).arg("20").arg(&output).output();
    let run = run.map_err(|error| error.to_string())?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into_owned());
    }
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    let (versions, time) = printed.trim().split_once('\n').ok_or("no figure was printed")?;
    let time: f64 = time.trim().parse().map_err(|_| "the figure is no number")?;
    Ok(Pandas {
        versions: versions.to_owned(),
        time: Duration::from_secs_f64(time / 1e3),
        csv: std::fs::read_to_string(output).map_err(|error| error.to_string())?,
    })
}

fn python(folder: &Path) -> Result<PathBuf, String> {
    let python = PathBuf::from(std::env::var("PYTHON").unwrap_or_else(|_| "python3".into()));
    let run = |program: &Path, arguments: &[&str]| {
        let status = Command::new(program).args(arguments).output().map(|run| run.status.success());
        status.unwrap_or(false)
    };
    if run(&python, &["-c", "import pandas"]) {
        return Ok(python);
    }
    let place = folder.join("python");
    let own = place.join("bin/python");
    let made = run(&python, &["-m", "venv", &place.to_string_lossy()])
        && run(&own, &["-m", "pip", "install", "--quiet", "pandas"]);
    made.then_some(own).ok_or_else(|| "pandas could not be installed".to_owned())
}

/// How many values of both wide files agree, and how many there are: the columns are in one order,
/// the records too.
fn agreement(ours: &str, theirs: &str) -> (usize, usize) {
    let values = |text: &str, skipped: usize, index: usize| -> Vec<f64> {
        let records = text.lines().skip(skipped).filter(|line| !line.is_empty());
        records
            .flat_map(|line| line.split(',').skip(index).map(number).collect::<Vec<_>>())
            .collect()
    };
    let (ours, theirs) = (values(ours, 10, 2), values(theirs, 10, 1));
    let equal = ours.iter().zip(&theirs).filter(|(a, b)| (*a - *b).abs() <= 0.000_010_1).count();
    (equal, ours.len().max(theirs.len()))
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or(f64::NAN)
}
