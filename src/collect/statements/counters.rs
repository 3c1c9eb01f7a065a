//! Reads the counters of pg_stat_statements without texts, and adds them up. Knows no SQL of the application.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::collect::query::STATEMENT_COUNTERS;
use crate::collect::time;
use crate::db::{Failure, Row, Transaction};
use crate::pg::QueryId;
use crate::snapshot::StatementEntry;

/// What tells one row from another: the queryid, the role's oid, and whether a client sent it.
pub(super) type Key = (QueryId, u32, bool);

/// The rows of this database.
#[derive(Default)]
pub(super) struct Counters {
    /// Rows that the role may see.
    pub rows: Vec<CounterRow>,
    /// Rows of other roles.
    pub n_hidden_rows: u64,
    /// Their execution time, in ms.
    pub hidden_exec_ms: f64,
    /// Rows of all databases.
    pub n_entries_of_cluster: i64,
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct CounterRow {
    pub key: Key,
    pub role: String,
    pub n_calls: i64,
    pub n_rows: i64,
    pub exec_ms_total: f64,
    pub exec_ms_mean: f64,
    pub exec_ms_stddev: f64,
    pub exec_ms_max: f64,
    pub n_shared_blocks_hit: i64,
    pub n_shared_blocks_read: i64,
    pub n_temp_blocks_written: i64,
    pub wal_bytes: f64,
    pub stats_since: Option<Timestamp>,
}

pub(super) fn read(transaction: &mut Transaction<'_>, schema: &str) -> Result<Counters, Failure> {
    let mut counters = Counters::default();
    transaction.query_each_in_schema(&STATEMENT_COUNTERS, schema, &[], |row| {
        counters.n_entries_of_cluster = row.get("n_entries_of_cluster")?;
        match row.optional::<QueryId>("queryid")? {
            Some(queryid) => counters.rows.push(counter_row(&row, queryid)?),
            None => {
                counters.n_hidden_rows += 1;
                counters.hidden_exec_ms += row.get::<f64>("exec_ms_total")?;
            }
        }
        Ok(())
    })?;
    counters.rows.sort_by_key(|row| row.key);
    Ok(counters)
}

fn counter_row(row: &Row, queryid: QueryId) -> Result<CounterRow, Failure> {
    Ok(CounterRow {
        key: (queryid, row.get("userid")?, row.get("is_top_level")?),
        role: row.text("role")?,
        n_calls: row.get("n_calls")?,
        n_rows: row.get("n_rows")?,
        exec_ms_total: row.get("exec_ms_total")?,
        exec_ms_mean: row.get("exec_ms_mean")?,
        exec_ms_stddev: row.get("exec_ms_stddev")?,
        exec_ms_max: row.get("exec_ms_max")?,
        n_shared_blocks_hit: row.get("n_shared_blocks_hit")?,
        n_shared_blocks_read: row.get("n_shared_blocks_read")?,
        n_temp_blocks_written: row.get("n_temp_blocks_written")?,
        wal_bytes: row.get("wal_bytes")?,
        stats_since: time::of_row(row, "stats_since")?,
    })
}

/// The queryids that took most time, at most `n_max` of them, sorted.
pub(super) fn heaviest(rows: &[CounterRow], n_max: usize) -> Vec<QueryId> {
    let mut time: BTreeMap<QueryId, f64> = BTreeMap::new();
    for row in rows {
        *time.entry(row.key.0).or_default() += row.exec_ms_total;
    }
    let mut ranked: Vec<(QueryId, f64)> = time.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut chosen: Vec<QueryId> = ranked.into_iter().take(n_max).map(|(queryid, _)| queryid).collect();
    chosen.sort();
    chosen
}

/// One entry for each queryid, the most time first: rows of several roles, and of top level and nested calls, added up.
pub(super) fn merge(rows: &[CounterRow]) -> Vec<StatementEntry> {
    let mut by_queryid: BTreeMap<QueryId, Vec<&CounterRow>> = BTreeMap::new();
    for row in rows {
        by_queryid.entry(row.key.0).or_default().push(row);
    }
    let mut entries: Vec<StatementEntry> =
        by_queryid.into_iter().map(|(queryid, rows)| merged(queryid, &rows)).collect();
    entries.sort_by(|a, b| b.exec_ms_total.total_cmp(&a.exec_ms_total).then(a.queryid.cmp(&b.queryid)));
    entries
}

fn merged(queryid: QueryId, rows: &[&CounterRow]) -> StatementEntry {
    let count = |value: fn(&CounterRow) -> i64| rows.iter().map(|row| value(row)).fold(0, i64::saturating_add);
    let sum = |value: fn(&CounterRow) -> f64| rows.iter().map(|row| value(row)).sum::<f64>();
    let n_calls = count(|row| row.n_calls);
    let mut roles: Vec<String> = rows.iter().map(|row| row.role.clone()).collect();
    roles.sort();
    roles.dedup();
    let (exec_ms_mean, exec_ms_stddev) = moments(rows, n_calls);
    StatementEntry {
        queryid,
        text: None,
        is_top_level: rows.iter().any(|row| row.key.2),
        roles,
        n_calls,
        n_rows: count(|row| row.n_rows),
        exec_ms_total: sum(|row| row.exec_ms_total),
        exec_ms_mean,
        exec_ms_stddev,
        exec_ms_max: rows.iter().map(|row| row.exec_ms_max).fold(0.0, f64::max),
        n_shared_blocks_hit: count(|row| row.n_shared_blocks_hit),
        n_shared_blocks_read: count(|row| row.n_shared_blocks_read),
        n_temp_blocks_written: count(|row| row.n_temp_blocks_written),
        wal_bytes: sum(|row| row.wal_bytes),
        stats_since: rows.iter().filter_map(|row| row.stats_since).min(),
    }
}

/// Mean and population standard deviation over all rows: the variance of the whole is the mean of each row's variance
/// and of the square of its mean's distance from the mean of the whole.
fn moments(rows: &[&CounterRow], n_calls: i64) -> (f64, f64) {
    if let [row] = rows {
        return (row.exec_ms_mean, row.exec_ms_stddev);
    }
    if n_calls <= 0 {
        return (0.0, 0.0);
    }
    let n_calls = n_calls as f64;
    let mean = rows.iter().map(|row| row.exec_ms_mean * row.n_calls as f64).sum::<f64>() / n_calls;
    let squares =
        |row: &&CounterRow| row.n_calls as f64 * (row.exec_ms_stddev.powi(2) + (row.exec_ms_mean - mean).powi(2));
    (mean, (rows.iter().map(squares).sum::<f64>() / n_calls).sqrt())
}

/// The role that took most time.
pub(super) fn main_role(rows: &[CounterRow]) -> Option<String> {
    let mut time: BTreeMap<&str, f64> = BTreeMap::new();
    for row in rows {
        *time.entry(&row.role).or_default() += row.exec_ms_total;
    }
    time.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(a.0))).map(|(role, _)| role.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(queryid: i64, user: u32, n_calls: i64, mean: f64, stddev: f64) -> CounterRow {
        CounterRow {
            key: (QueryId(queryid), user, true),
            role: format!("role{user}"),
            n_calls,
            n_rows: n_calls,
            exec_ms_total: mean * n_calls as f64,
            exec_ms_mean: mean,
            exec_ms_stddev: stddev,
            exec_ms_max: mean + stddev,
            n_shared_blocks_hit: 1,
            n_shared_blocks_read: 2,
            n_temp_blocks_written: 3,
            wal_bytes: 4.0,
            stats_since: None,
        }
    }

    #[test]
    fn rows_of_several_roles_become_one_entry() {
        // 1, 3 by one role and 5, 7 by another: mean 4, variance (9 + 1 + 1 + 9) / 4.
        let entries = merge(&[row(7, 1, 2, 2.0, 1.0), row(7, 2, 2, 6.0, 1.0), row(8, 1, 1, 100.0, 0.0)]);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].queryid, QueryId(8));
        let merged = &entries[1];
        assert_eq!((merged.n_calls, merged.exec_ms_total, merged.exec_ms_mean), (4, 16.0, 4.0));
        assert!((merged.exec_ms_stddev - 5.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(merged.roles, ["role1", "role2"]);
        assert_eq!((merged.n_shared_blocks_read, merged.exec_ms_max), (4, 7.0));
    }

    #[test]
    fn the_heaviest_are_chosen_by_time_over_all_roles() {
        let rows = [row(1, 1, 1, 6.0, 0.0), row(2, 1, 1, 5.0, 0.0), row(2, 2, 1, 5.0, 0.0), row(3, 1, 1, 1.0, 0.0)];
        assert_eq!(heaviest(&rows, 2), [QueryId(1), QueryId(2)]);
        assert_eq!(heaviest(&rows, 1), [QueryId(2)]);
        assert_eq!(main_role(&rows).as_deref(), Some("role1"));
    }
}
