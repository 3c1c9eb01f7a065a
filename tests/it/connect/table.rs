//! The table `outcomes.txt`: each row is connected by psql and by pgadvise in the same run.

use std::collections::BTreeMap;

use super::fixture::{self, Fixture, fixture};
use super::oracle::Attempt;

const TABLE: &str = include_str!("outcomes.txt");

/// How many rows the table has at least.
const ROWS_MIN: usize = 60;

/// How many rows are tried at once: some only wait.
const THREADS: usize = 4;

/// A line of the table.
struct Row {
    what: String,
    attempt: Attempt,
    by_psql: String,
    by_pgadvise: String,
    _home: tempfile::TempDir,
}

#[test]
fn every_row_ends_as_in_psql() {
    let fixture = fixture();
    let rows: Vec<Row> = TABLE
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| row(fixture, line))
        .collect();
    assert!(rows.len() >= ROWS_MIN, "only {} rows", rows.len());
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts = rows.chunks(rows.len().div_ceil(THREADS));
        let workers: Vec<_> = parts.map(|part| scope.spawn(|| differences(fixture, part))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no password in what is said")).collect()
    });
    assert!(wrong.is_empty(), "{} of {} rows differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// What each row that ends otherwise than expected came to.
fn differences(fixture: &Fixture, rows: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows {
        let (psql, pgadvise) = (row.attempt.by_psql(fixture), row.attempt.by_pgadvise(fixture));
        if (psql.0 != row.by_psql && row.by_psql != "*") || pgadvise.0 != row.by_pgadvise {
            wrong.push(format!(
                "{}: {}\n   psql     {}, expected {}; {}\n   pgadvise {}, expected {}; {}",
                row.what, row.attempt.source, psql.0, row.by_psql, psql.1, pgadvise.0, row.by_pgadvise, pgadvise.1
            ));
        }
    }
    wrong
}

/// Reads `what | source | environment | files | outcome of psql | outcome of pgadvise, where it differs`.
fn row(fixture: &Fixture, line: &str) -> Row {
    let mut filled = line.to_owned();
    for (name, value) in fixture.places() {
        filled = filled.replace(name, &value);
    }
    let cells: Vec<&str> = filled.split(" | ").map(str::trim).collect();
    assert!(matches!(cells.len(), 5 | 6), "a row of the table has five or six cells: {line}");
    let (folder, home) = fixture::home();
    let mut environment = BTreeMap::from([("HOME".to_owned(), home.display().to_string())]);
    for variable in cells[2].split(" ; ").filter(|text| *text != "-") {
        let (name, value) = variable.split_once('=').expect("NAME=value");
        environment.insert(name.to_owned(), value.replace("{home}", &home.display().to_string()));
    }
    for file in cells[3].split(" ; ").filter(|text| *text != "-") {
        let (name, text) = file.split_once(": ").expect("name mode: text");
        let (name, mode) = name.split_once(' ').unwrap_or((name, "600"));
        let text = match text.strip_prefix('=') {
            Some(copied) => std::fs::read_to_string(copied).expect("a file to copy"),
            None => text.replace("\\n", "\n").replace("\\r", "\r") + "\n",
        };
        fixture::write_file(&home.join(name), &text, u32::from_str_radix(mode, 8).expect("an octal mode"));
    }
    Row {
        what: cells[0].to_owned(),
        attempt: Attempt {
            source: if cells[1] == "-" {
                String::new()
            } else {
                cells[1].replace("{home}", &home.display().to_string())
            },
            environment,
        },
        by_psql: cells[4].to_owned(),
        by_pgadvise: cells.last().copied().unwrap_or_default().to_owned(),
        _home: folder,
    }
}
