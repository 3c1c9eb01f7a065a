//! Snapshots that no server wrote: a file is foreign text, and whatever it says, an analysis of it ends in a report or an
//! error.

use std::path::Path;

use pgadvise::analysis::{Request, Source, analyze};
use pgadvise::whatif::{Backend, Choice};
use serde_json::{Value, json};

use crate::support;
use crate::support::cli::{Desk, fill_shop, run_shop};

/// How many changed snapshots are analysed; more with `PGADVISE_TEST_SNAPSHOTS`.
const N_CHANGED: u64 = 150;

/// Marsaglia's xorshift: the same changes in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// Changes one thing somewhere below `value`.
fn change(value: &mut Value, random: &mut Random) {
    let n_children = match &*value {
        Value::Array(values) => values.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    // Rarely at an inner node, always at a leaf.
    if n_children > 0 && random.below(12) > 0 {
        let at = random.below(n_children);
        let child = match value {
            Value::Array(values) => values.get_mut(at),
            Value::Object(fields) => fields.values_mut().nth(at),
            _ => None,
        };
        return child.into_iter().for_each(|child| change(child, random));
    }
    let texts =
        ["", "a", "\"", "'", "\u{0}", "x'; DROP TABLE orders; --", "((((", "SELECT", "orders", "é\u{202e}", "$1"];
    let numbers =
        [json!(0), json!(1), json!(-1), json!(65535), json!(u32::MAX), json!(i64::MAX), json!(1e300), json!(-0.5)];
    *value = match &*value {
        Value::Array(values) if random.below(2) == 0 => values.iter().chain(values).cloned().collect(),
        Value::Array(_) => json!([]),
        Value::String(text) if random.below(2) == 0 => text.chars().rev().collect::<String>().into(),
        Value::String(_) => json!(texts[random.below(texts.len())]),
        Value::Number(_) => numbers[random.below(numbers.len())].clone(),
        Value::Bool(is_true) => json!(!is_true),
        Value::Null => json!("a"),
        Value::Object(_) => Value::Null,
    };
}

/// Analyses the file; whether it was taken for a snapshot.
fn is_analysed(path: &Path) -> bool {
    let mut request = Request::of_source(Source::Snapshot(path.to_owned()));
    request.what_if = Choice::Only(Backend::Estimate);
    match analyze(&request, &|_| {}) {
        Ok(analysis) => {
            let bundle = analysis.bundle(analysis.workload.snapshot.taken_at).expect("a bundle");
            drop((analysis.ddl(), bundle));
            true
        }
        Err(error) => {
            assert!(error.hint().is_some(), "{error}");
            false
        }
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "shown when it fails, or with --nocapture")]
fn an_analysis_of_whatever_a_file_says_ends() {
    let setup = "CREATE EXTENSION pg_stat_statements;
        CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
        CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        CREATE INDEX ON part (at); CREATE INDEX ON part_1 (lower(id::text)) WHERE id > 5";
    let database = support::database_on(support::server_with_hypopg(), "hostile_snapshot", setup);
    fill_shop(&database);
    run_shop(&database);
    database.execute("SELECT * FROM part WHERE at = '2026-05-05' AND id = 7");
    let desk = Desk::new();
    assert_eq!(desk.run(&["snapshot", &database.url(), "-o", "a.json"]).code, Some(0));
    let text = std::fs::read_to_string(desk.path().join("a.json")).expect("a file");
    let honest: Value = serde_json::from_str(&text).expect("JSON");
    let path = desk.path().join("changed.json");
    let n_changed = std::env::var("PGADVISE_TEST_SNAPSHOTS").map_or(N_CHANGED, |n| n.parse().expect("a number"));
    let mut n_analysed = 0;
    for seed in 1..=n_changed {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut changed = honest.clone();
        for _ in 0..1 + random.below(4) {
            change(&mut changed, &mut random);
        }
        std::fs::write(&path, changed.to_string()).expect("written");
        println!("seed {seed}");
        n_analysed += u64::from(is_analysed(&path));
    }
    assert!(n_analysed > n_changed / 4, "only {n_analysed} of {n_changed} changed snapshots could be read");
}

#[test]
fn a_relation_below_itself_is_refused() {
    let desk = Desk::new();
    let database = support::database("snapshot_below", "CREATE TABLE t (a int)");
    assert_eq!(desk.run(&["snapshot", &database.url(), "-o", "a.json"]).code, Some(0));
    let text = std::fs::read_to_string(desk.path().join("a.json")).expect("a file");
    let mut snapshot: Value = serde_json::from_str(&text).expect("JSON");
    let relation = &mut snapshot["relations"][0];
    relation["parent"] = relation["oid"].clone();
    relation["is_partition"] = true.into();
    desk.write("b.json", &snapshot.to_string());
    desk.run(&["analyze", "b.json"]).failed(4, "it contradicts itself", "pgadvise snapshot");
}
