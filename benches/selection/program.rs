//! One run of the real `pgadvise analyze` and what its report says. Judges nothing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

/// What one run said and took.
pub struct Run {
    pub report: Value,
    pub wall_s: f64,
}

/// Runs `pgadvise analyze URL` with `arguments`; the report is read from a file in `folder`.
pub fn analyze(url: &str, folder: &Path, arguments: &[&str]) -> Run {
    let path = folder.join("report.json");
    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_pgadvise"))
        .args(["analyze", url, "--no-emit", "--format", "json", "--quiet", "--output"])
        .arg(&path)
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .expect("pgadvise starts");
    let wall_s = started.elapsed().as_secs_f64();
    assert!(status.success(), "pgadvise ended with {status}");
    let text = std::fs::read_to_string(&path).expect("the report");
    Run { report: serde_json::from_str(&text).expect("the report is JSON"), wall_s }
}

impl Run {
    /// The steps of an action.
    pub fn steps(&self, action: &str) -> Vec<&Value> {
        let steps = self.report["advice"].as_array().expect("advice");
        steps.iter().filter(|step| step["action"] == action).collect()
    }

    /// The DDL of all steps, in order.
    pub fn statements(&self) -> Vec<String> {
        let steps = self.report["advice"].as_array().expect("advice");
        let ddl = steps.iter().flat_map(|step| step["ddl"].as_array().into_iter().flatten());
        ddl.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The CREATE INDEX of each step.
    pub fn create_statements(&self) -> Vec<String> {
        let is_create = |sql: &String| sql.trim_start().starts_with("CREATE INDEX");
        self.statements().into_iter().filter(is_create).collect()
    }

    /// A number of the summary.
    pub fn summary(&self, name: &str) -> f64 {
        self.report["summary"][name].as_f64().unwrap_or(f64::NAN)
    }

    /// What was declined: the index and why.
    pub fn declined(&self) -> Vec<(String, String)> {
        let declined = self.report["declined"].as_array().expect("declined");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        declined.iter().map(|one| (index_text(one), text(&one["reason"]))).collect()
    }
}

/// `lineitem (l_partkey, l_suppkey)` of a declined index.
fn index_text(declined: &Value) -> String {
    let columns = |name: &str| {
        let columns = declined["index"][name].as_array().into_iter().flatten();
        let texts = columns.map(|column| match column {
            Value::String(name) => name.clone(),
            column => column["column"].as_str().or(column["expression"].as_str()).unwrap_or("?").to_owned(),
        });
        texts.collect::<Vec<_>>().join(", ")
    };
    let relation = declined["relation"]["name"].as_str().unwrap_or("?");
    let included = columns("included_columns");
    let included = if included.is_empty() { included } else { format!(" INCLUDE ({included})") };
    format!("{relation} ({}){included}", columns("key_columns"))
}
