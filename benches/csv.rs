//! Rows per second of analyzing a file of 200,000 rows (encoding, delimiter, headers, mapping, every row checked), against the csv
//! crate merely reading the same file record by record, in turns. Each runs in a process of its own, so that the peak of memory
//! (VmHWM) is that of the analysis.
//!
//! `make bench-csv`; the last line is one JSON object. ARGS=ROWS for another size.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // what is measured here has no clock of its own

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use msi_actions::clock::{SystemClock, Timestamp};
use msi_actions::ids::TeamId;
use msi_actions::imports::csv::{AnalysisBudget, AnalysisLimits, analyze};
use msi_actions::members::{Team, Teams};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const ROWS: u64 = 200_000;
const ROUNDS: usize = 5;
/// Runs within a round; the best counts, since others use the machine, too.
const RUNS: usize = 5;

/// A file as people export them: names, address, role, teams and columns that nobody needs.
fn write_file(path: &Path, rows: u64) {
    let mut file = BufWriter::new(File::create(path).expect("the file can be made"));
    let firsts = ["Ann", "Bo", "Käthe", "François", "María", "Giulia", "Søren", "Zoë"];
    let lasts = ["Lee", "O'Neil", "Müller", "Dubois", "García", "Rossi", "Smith", "Young"];
    writeln!(file, "Employee ID,First Name,Last Name,Email,Role,Team,Department,Office,Start Date").expect("the file can be written");
    for row in 0..rows {
        let (first, last) = (firsts[(row % 8) as usize], lasts[(row / 8 % 8) as usize]);
        let role = if row % 50 == 0 { "Administrator" } else { "User" };
        let team = if row % 3 == 0 { "\"EMEA sales, Enterprise\"" } else { "EMEA sales" };
        let (month, day) = (row % 12 + 1, row % 28 + 1);
        writeln!(
            file,
            "{:07},{first},{last},person.{row}@mail.example.com,{role},{team},Marketing operations,\"Berlin, Germany\",2019-{month:02}-{day:02}",
            1_000_000 + row
        )
        .expect("the file can be written");
    }
    file.flush().expect("the file can be written");
}

fn teams() -> Teams {
    let names = ["Everyone", "EMEA sales", "EMEA sales, Enterprise", "APAC sales", "Support"];
    let team = |(at, name): (usize, &&str)| Team {
        id: TeamId(uuid::Uuid::from_u128(at as u128 + 1)),
        name: (*name).to_owned(),
        is_everyone: at == 0,
        members: 0,
        created_at: Timestamp::parse("2026-03-02T08:05:00Z").expect("a time"),
    };
    Teams(names.iter().enumerate().map(team).collect())
}

/// The peak of this process's memory in MB, as Linux counts it.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn read_merely(path: &Path) -> u64 {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).expect("the file opens");
    let (mut record, mut rows) = (csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).expect("the file can be read") {
        rows += 1;
    }
    rows - 1
}

fn analyze_all(path: &Path, teams: &Teams) -> u64 {
    let mut file = File::open(path).expect("the file opens");
    let bytes = file.metadata().expect("the file is there").len();
    let budget = AnalysisBudget::new(AnalysisLimits::for_file(bytes), bytes, Arc::new(SystemClock), CancellationToken::new());
    let analysis = analyze(&mut file, None, teams, None, &budget).expect("the file can be read");
    assert_eq!((analysis.valid_rows, analysis.error_count), (analysis.rows, 0), "{:?}", analysis.errors);
    assert!(analysis.mapping.role.is_some() && analysis.mapping.teams.is_some(), "all is mapped, so all is checked");
    analysis.rows
}

/// A part of a round in this process: prints rows a second and the peak of memory.
fn part(name: &str, path: &Path) {
    let teams = teams();
    let mut best: f64 = 0.0;
    for _ in 0..RUNS {
        let began = Instant::now();
        let rows = if name == "analyze" { analyze_all(path, &teams) } else { read_merely(path) };
        best = best.max(rows as f64 / began.elapsed().as_secs_f64());
    }
    println!("{}", json!({ "rows_per_second": best, "peak_mb": peak() }));
}

fn part_in_own_process(name: &str, path: &Path) -> (f64, f64) {
    let own = std::env::current_exe().expect("this program has a path");
    let run = Command::new(own).arg("--part").arg(name).arg(path).output().expect("this program starts again");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said: Value = serde_json::from_slice(&run.stdout).expect("it prints JSON");
    (said["rows_per_second"].as_f64().expect("a figure"), said["peak_mb"].as_f64().expect("a figure"))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, name, path] = arguments.as_slice()
        && flag == "--part"
    {
        return part(name, Path::new(path));
    }
    let rows = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(ROWS);
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("people.csv");
    write_file(&path, rows);
    let bytes = std::fs::metadata(&path).expect("the file is there").len();
    read_merely(&path);
    let (mut ours, mut theirs, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (reading, _) = part_in_own_process("read", &path);
        let (analyzing, peak) = part_in_own_process("analyze", &path);
        println!("round {round}: reading {reading:.0} rows/s, analyzing {analyzing:.0} rows/s, peak {peak:.1} MB");
        theirs.push(reading);
        ours.push(analyzing);
        peaks.push(peak);
    }
    let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
    let figures = json!({
        "name": "csv", "rows": rows, "file_bytes": bytes, "analysed_per_second": median(ours).round(),
        "read_per_second": median(theirs).round(), "rounds": ROUNDS, "ratio": (ratio * 1000.0).round() / 1000.0,
        "peak_mb": (peaks.into_iter().fold(0.0, f64::max) * 10.0).round() / 10.0,
    });
    println!("{figures}");
}
