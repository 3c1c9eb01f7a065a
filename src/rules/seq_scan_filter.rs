//! Rule `seq_scan_filter`.

use super::meta::declare_rule;
use super::scan::{Seen, merged, scans};
use super::{Finding, Rule, RuleMeta, Subject};

declare_rule! {
    /// A sequential scan reads many rows and throws nearly all of them away.
    ///
    /// ## Why it hurts
    /// `Filter` is evaluated after the row has been fetched, so the scan costs the whole relation however few rows
    /// survive. Inside a nested loop it does so for each outer row.
    ///
    /// ## When it is fine
    /// - The relation fits in a few pages.
    /// - The quals keep a large share of the rows: a sequential scan wins. It is reported only from nine tenths on;
    ///   where between that and a clear gain an index pays is for the planner to say, not for this rule.
    /// - A LIMIT without ORDER BY stops it early: not reported.
    ///
    /// ## What to do
    /// Index the columns of the quals, equalities first. Where that pays, advice proposes it and names this rule.
    ///
    /// ## References
    /// - [Examining Index Usage](https://www.postgresql.org/docs/current/indexes-examine.html)
    SeqScanFilter { id: "seq_scan_filter", severity: Warning, needs: [Plans] }
}

/// Share of the rows read that the filter has to remove: the highest of the three levels at which pev2 marks a
/// filter (10, 40 and 90 %).
const REMOVED_SHARE_MIN: f64 = 0.9;

impl Rule for SeqScanFilter {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        Ok(merged(scans(subject).iter().filter_map(|seen| inspect(subject, seen)).collect()))
    }
}

fn inspect(subject: &Subject<'_>, seen: &Seen<'_>) -> Option<Finding> {
    let is_filtered_scan = seen.scan.node.node_type.ends_with("Seq Scan") && seen.scan.node.filter.is_some();
    if !is_filtered_scan || seen.scan.may_stop_early {
        return None;
    }
    let n_read = seen.relation.n_rows?;
    let n_kept = seen.n_rows_kept().min(n_read);
    if seen.returns_at_least(n_read * (1.0 - REMOVED_SHARE_MIN)) {
        return None;
    }
    let n_removed = n_read - n_kept;
    let n_removed_in_all = n_removed * seen.scan.n_loops;
    if n_removed < REMOVED_SHARE_MIN * n_read || n_removed_in_all < subject.thresholds.min_table_rows {
        return None;
    }
    let loops = if seen.scan.n_loops > 1.0 { format!(", {:.0} times", seen.scan.n_loops) } else { String::new() };
    let message = format!("{n_read:.0} rows read by a sequential scan{loops}, {n_kept:.0} kept by the filter");
    let mut finding = Finding::new(&META, message)
        .on(seen.reported, seen.indexable_columns())
        .with("rows_read", n_read)
        .with("rows_kept", n_kept)
        .with("n_loops", seen.scan.n_loops)
        .with("n_calls", seen.statement.n_calls)
        .with("scan_cost", seen.scan.node.total_cost);
    finding.queryids = vec![seen.statement.queryid];
    finding.impact = subject.impact(seen.statement);
    Some(finding)
}
