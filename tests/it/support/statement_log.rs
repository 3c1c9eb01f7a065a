//! A server's log of statements, and what docs/safety.md allows in it. Sends nothing.

use std::path::Path;

use pgadvise::server::{Cluster, ClusterOptions};

const DOCUMENT: &str = include_str!("../../../docs/safety.md");

/// Options of a server that logs every statement with the application's name and the time.
pub fn logging_options() -> ClusterOptions {
    ClusterOptions::default()
        .with_setting("log_statement", "all")
        .with_setting("log_min_error_statement", "panic")
        .with_setting("log_line_prefix", "%a|%p|%n|")
}

/// One statement of the log.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The backend.
    pub process: String,
    /// When, in seconds.
    pub at: f64,
    /// Its text, without leading comments.
    pub text: String,
}

/// Every statement that `application` sent, the several of one message apart.
pub fn sent_statements(cluster: &Cluster, application: &str) -> Vec<Sent> {
    let log = std::fs::read(cluster.log_file()).expect("the log");
    entries(&String::from_utf8_lossy(&log))
        .iter()
        .filter_map(|entry| of_application(entry, application))
        .flatten()
        .collect()
}

/// The log's entries, continued lines joined.
fn entries(log: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match (line.strip_prefix('\t'), entries.last_mut()) {
            (Some(continued), Some(entry)) => {
                entry.push('\n');
                entry.push_str(continued);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    entries
}

fn of_application(entry: &str, application: &str) -> Option<Vec<Sent>> {
    let mut parts = entry.splitn(4, '|');
    let (name, process, at, said) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if !name.starts_with(application) {
        return None;
    }
    let said = said.strip_prefix("LOG:  ")?;
    let text = match said.strip_prefix("statement: ") {
        Some(text) => text,
        None => said.strip_prefix("execute ")?.split_once(": ")?.1,
    };
    // A text that is planned may hold semicolons; it is one command by the protocol.
    let is_foreign = text.starts_with("PREPARE") || text.starts_with("EXPLAIN");
    let pieces: Vec<&str> = if is_foreign { vec![text] } else { text.split(';').collect() };
    let at = at.parse().expect("seconds");
    let sent = |text: String| Sent { process: process.to_owned(), at, text };
    Some(pieces.into_iter().map(without_comments).filter(|text| !text.is_empty()).map(sent).collect())
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The kinds of statements that the document lists.
pub fn documented() -> Vec<&'static str> {
    let (_, after) = DOCUMENT.split_once("```statements\n").expect("a block of statements");
    after.split_once("```").expect("its end").0.lines().collect()
}

/// Whether a statement is of this kind: the pieces between the ellipses follow each other in it.
pub fn is_of_kind(statement: &str, kind: &str) -> bool {
    let mut pieces = kind.split('…');
    let Some(mut rest) = statement.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    kind.ends_with('…') || rest.is_empty()
}

/// The texts of every `src/**/queries/*.sql`, as kinds: the name of a schema, which is not known before, as an ellipsis.
pub fn query_files() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") && folder.ends_with("queries") {
                let text = std::fs::read_to_string(&path).expect("a query");
                files.push(without_comments(&text).replace("{schema}", "…"));
            }
        }
    }
    files
}
