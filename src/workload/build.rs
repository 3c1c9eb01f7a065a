//! Statements of a snapshot and of workload files → a workload: merged, filtered, each with its shape. Asks no server.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::merge::merge;
use super::{Origin, ScriptFile, Statement, Weigh, Workload};
use crate::pg::{QueryId, quote_identifier};
use crate::snapshot::{Catalog, Gap, Snapshot, StatementEntry};
use crate::sql::tokens::{TokenKind, identifier, significant_tokens};
use crate::sql::{self, FileStatement, ShapeError, TextClass};

/// How many lines of a file a gap names.
const LINES_SHOWN: usize = 10;

/// Which statements count, and what.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// What a statement counts; `None` for its time where any was measured, else its cost.
    pub weigh: Option<Weigh>,
    /// Statements with fewer calls are left out.
    pub n_calls_min: f64,
    /// Statements whose mean time is known to be below this many ms are left out.
    pub mean_ms_min: f64,
}

/// The workload of `snapshot`'s pg_stat_statements and of `scripts`; either may be without statements.
///
/// The same statement under several queryids (IN lists of different length, other order of conditions, other
/// aliases) is one statement whose counts are added up. Statements on system catalogs alone and utility statements
/// are left out; everything else that cannot be used is a gap with its share of the measured time.
pub fn build(snapshot: Arc<Snapshot>, scripts: &[ScriptFile], options: &BuildOptions) -> Workload {
    let mut gaps = Vec::new();
    let mut found = from_server(&snapshot, &mut gaps);
    for script in scripts {
        gaps.extend(without_queries(script));
        found.extend(script.statements.iter().map(|statement| from_file(statement, &script.path)));
    }
    found.retain(|statement| matches!(sql::classify(&statement.text), TextClass::Plannable(_)));
    let merged = merged(found);
    let exec_ms_total: f64 = merged.iter().filter_map(|statement| statement.exec_ms_total).sum();
    let (kept, dropped): (Vec<Statement>, Vec<Statement>) =
        merged.into_iter().partition(|statement| is_kept(statement, options));
    gaps.extend(left_out(&dropped, exec_ms_total));
    let statements = with_shapes(kept, &snapshot);
    let is_measured = statements.iter().any(|statement| statement.exec_ms_total.is_some());
    let weigh = options.weigh.unwrap_or(if is_measured { Weigh::Time } else { Weigh::Cost });
    let mut workload = Workload { snapshot, statements, weigh, gaps };
    workload.sort();
    workload
}

fn from_server(snapshot: &Snapshot, gaps: &mut Vec<Gap>) -> Vec<Statement> {
    let Some(statements) = &snapshot.statements else { return Vec::new() };
    let total: f64 = statements.entries.iter().map(|entry| entry.exec_ms_total).sum();
    let (with_text, without_text): (Vec<_>, Vec<_>) = statements.entries.iter().partition(|entry| entry.text.is_some());
    if !without_text.is_empty() {
        let lost: f64 = without_text.iter().map(|entry| entry.exec_ms_total).sum();
        let reason = format!(
            "{} entries have no text, for lack of room or rights{}; GRANT pg_read_all_stats TO {} shows hidden ones",
            without_text.len(),
            share(lost, total),
            quote_identifier(&snapshot.server.role)
        );
        gaps.push(Gap::new("workload", "pg_stat_statements", reason));
    }
    with_text.into_iter().filter_map(statement_of).collect()
}

/// What a file holds beside queries, by line: a typing error in the first word looks like that, too.
fn without_queries(script: &ScriptFile) -> Option<Gap> {
    if script.statements.is_empty() {
        return Some(Gap::new("workload", &script.path, "the file holds no statement"));
    }
    let is_query = |statement: &FileStatement| matches!(sql::classify(&statement.text), TextClass::Plannable(_));
    let lines: Vec<String> =
        script.statements.iter().filter(|other| !is_query(other)).map(|other| other.line.to_string()).collect();
    let (first, more) = lines.split_at(lines.len().min(LINES_SHOWN));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    (!lines.is_empty()).then(|| {
        let reason = format!(
            "not a SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES or TABLE, and left out: line {}{more}",
            first.join(", ")
        );
        Gap::new("workload", &script.path, reason)
    })
}

fn from_file(statement: &FileStatement, path: &str) -> Statement {
    // The file has no queryid; this one depends on nothing but what the statement is.
    let queryid = QueryId(sql::fingerprint(&statement.text).cast_signed());
    Statement {
        queryid,
        queryids: vec![queryid],
        text: statement.text.clone(),
        origin: Origin::File { path: path.to_owned(), line: statement.line },
        has_other_texts: false,
        is_top_level: true,
        n_calls: statement.n_calls.unwrap_or(1.0),
        n_rows: None,
        exec_ms_total: None,
        exec_ms_mean: None,
        exec_ms_stddev: None,
        n_shared_blocks: None,
        shape: None,
        planned: None,
    }
}

fn statement_of(entry: &StatementEntry) -> Option<Statement> {
    Some(Statement {
        queryid: entry.queryid,
        queryids: vec![entry.queryid],
        text: entry.text.clone()?,
        origin: Origin::PgStatStatements,
        has_other_texts: false,
        is_top_level: entry.is_top_level,
        n_calls: entry.n_calls as f64,
        n_rows: Some(entry.n_rows as f64),
        exec_ms_total: Some(entry.exec_ms_total),
        exec_ms_mean: Some(entry.exec_ms_mean),
        exec_ms_stddev: Some(entry.exec_ms_stddev),
        n_shared_blocks: Some((entry.n_shared_blocks_hit + entry.n_shared_blocks_read) as f64),
        shape: None,
        planned: None,
    })
}

/// One entry for each statement that is the same when aliases, constants and the order of conditions are left aside.
fn merged(found: Vec<Statement>) -> Vec<Statement> {
    let mut merged: BTreeMap<String, Statement> = BTreeMap::new();
    for statement in found {
        let key = sql::normalise(&statement.text).text;
        match merged.get_mut(&key) {
            Some(known) => merge(known, statement),
            None => {
                merged.insert(key, statement);
            }
        }
    }
    merged.into_values().collect()
}

fn is_kept(statement: &Statement, options: &BuildOptions) -> bool {
    statement.n_calls >= options.n_calls_min
        && statement.exec_ms_mean.is_none_or(|mean_ms| mean_ms >= options.mean_ms_min)
}

fn left_out(dropped: &[Statement], exec_ms_total: f64) -> Option<Gap> {
    let lost: f64 = dropped.iter().filter_map(|statement| statement.exec_ms_total).sum();
    let reason =
        format!("{} statements are below --min-calls or --min-mean-ms{}", dropped.len(), share(lost, exec_ms_total));
    (!dropped.is_empty()).then(|| Gap::new("workload", "filters", reason))
}

/// Computes shapes; statements on system catalogs alone are dropped. A text without a shape stays: its plan may give one.
fn with_shapes(statements: Vec<Statement>, snapshot: &Snapshot) -> Vec<Statement> {
    let catalog = Catalog::new(snapshot);
    let mut kept = Vec::with_capacity(statements.len());
    for mut statement in statements {
        match sql::shape(&statement.text, &catalog) {
            Ok(shape) => statement.shape = Some(shape),
            Err(ShapeError::SystemRelation(_)) if !names_relation(&statement.text, &catalog) => continue,
            Err(_) => {}
        }
        kept.push(statement);
    }
    kept
}

/// Whether a statement on a system catalog seems to read a relation of the database too.
fn names_relation(text: &str, catalog: &Catalog<'_>) -> bool {
    let tokens = significant_tokens(text);
    tokens.iter().any(|token| {
        matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdentifier)
            && !catalog.find_in_any_schema(&identifier(token, text)).is_empty()
    })
}

/// ` (3.2 % of the measured time)`, empty where nothing was measured.
fn share(part_ms: f64, total_ms: f64) -> String {
    if total_ms > 0.0 { format!(" ({:.1} % of the measured time)", 100.0 * part_ms / total_ms) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::super::test_workload;
    use super::*;
    use crate::snapshot::Statements;

    fn entry(queryid: i64, text: Option<&str>, n_calls: i64, exec_ms_total: f64) -> StatementEntry {
        StatementEntry {
            queryid: QueryId(queryid),
            text: text.map(str::to_owned),
            is_top_level: true,
            roles: vec!["app".to_owned()],
            n_calls,
            n_rows: n_calls,
            exec_ms_total,
            exec_ms_mean: exec_ms_total / n_calls as f64,
            exec_ms_stddev: 0.0,
            exec_ms_max: 0.0,
            n_shared_blocks_hit: 3,
            n_shared_blocks_read: 4,
            n_temp_blocks_written: 0,
            wal_bytes: 0.0,
            stats_since: None,
        }
    }

    fn snapshot(entries: Vec<StatementEntry>) -> Arc<Snapshot> {
        let statements = Some(Statements { entries, ..Statements::default() });
        Arc::new(Snapshot { statements, ..test_workload::snapshot() })
    }

    fn script(text: &str) -> ScriptFile {
        ScriptFile { path: "shop.sql".to_owned(), statements: sql::split(text).unwrap() }
    }

    #[test]
    fn the_same_statement_is_one_whatever_its_queryid_and_source() {
        let snapshot = snapshot(vec![
            entry(1, Some("SELECT $1 + a FROM generate_series($2, $3) a WHERE a IN ($4, $5)"), 10, 50.0),
            entry(2, Some("select $1 + a from generate_series($2, $3) a where a in ($4, $5, $6)"), 20, 30.0),
        ]);
        let files = [script(
            "-- calls: 5\nSELECT 1 + a FROM generate_series(1, 9) a WHERE a IN (1, 2, 3, 4); SET x = 1; VALUES (1)",
        )];
        let workload = build(snapshot, &files, &BuildOptions::default());
        assert_eq!(workload.statements.len(), 2, "{:?}", workload.statements);
        let merged = &workload.statements[0];
        assert_eq!((merged.queryid, merged.n_calls, merged.exec_ms_total), (QueryId(2), 35.0, Some(80.0)));
        assert_eq!(merged.queryids.len(), 3);
        assert_eq!(merged.n_shared_blocks, Some(14.0));
        assert_eq!(workload.statements[1].origin, Origin::File { path: "shop.sql".to_owned(), line: 2 });
        assert_eq!(workload.weigh, Weigh::Time);
        let gaps: Vec<(&str, bool)> =
            workload.gaps.iter().map(|gap| (gap.id.as_str(), gap.reason.ends_with("left out: line 2"))).collect();
        assert_eq!(gaps, [("shop.sql", true)], "the SET");
    }

    #[test]
    fn a_file_without_a_statement_is_a_gap() {
        let workload =
            build(Arc::new(test_workload::snapshot()), &[script("-- calls: 3\n;")], &BuildOptions::default());
        assert_eq!(workload.gaps, [Gap::new("workload", "shop.sql", "the file holds no statement")]);
    }

    #[test]
    fn files_alone_are_weighed_by_cost() {
        let files = [script("SELECT 1;\n-- calls: 7\nSELECT 1 + 1")];
        let workload = build(Arc::new(test_workload::snapshot()), &files, &BuildOptions::default());
        assert_eq!(workload.weigh, Weigh::Cost);
        let calls: Vec<f64> = workload.statements.iter().map(|statement| statement.n_calls).collect();
        assert_eq!(calls, [7.0, 1.0]);
    }

    #[test]
    fn what_is_left_out_is_said_but_for_catalogs_and_utilities() {
        let snapshot = snapshot(vec![
            entry(1, Some("SELECT 1 + 1"), 100, 60.0),
            entry(2, Some("SELECT 2"), 2, 20.0),
            entry(3, None, 10, 20.0),
            entry(4, Some("SELECT relname FROM pg_class WHERE oid = $1"), 50, 0.0),
            entry(5, Some("ALTER ROLE app PASSWORD 'canary'"), 50, 0.0),
        ]);
        let options = BuildOptions { n_calls_min: 5.0, ..BuildOptions::default() };
        let workload = build(snapshot, &[], &options);
        let kept: Vec<i64> = workload.statements.iter().map(|statement| statement.queryid.0).collect();
        assert_eq!(kept, [1]);
        let reasons: Vec<&str> = workload.gaps.iter().map(|gap| gap.reason.as_str()).collect();
        assert_eq!(reasons.len(), 2);
        assert!(
            reasons[0].starts_with("1 entries have no text") && reasons[0].contains("(20.0 % of the measured time)")
        );
        assert_eq!(reasons[1], "1 statements are below --min-calls or --min-mean-ms (25.0 % of the measured time)");
    }
}
