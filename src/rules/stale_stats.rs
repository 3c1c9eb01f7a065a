//! Rule `stale_stats`.

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Severity, Subject};
use crate::snapshot::{Relation, RelationActivity, RelationKind};

declare_rule! {
    /// A relation was never analysed, or has changed a lot since: its plans rest on guesses.
    ///
    /// ## Why it hurts
    /// Without statistics the planner takes fixed fractions (0.5 % for `=`, a third for a range), and row counts from
    /// the size of the file. Plans chosen from them, and the advice that pgadvise proves against them, may be wrong.
    ///
    /// ## When it is fine
    /// - The relation is small: whatever the planner thinks, it reads a few pages.
    /// - A bulk load has just ended and autovacuum will analyse it within minutes.
    ///
    /// ## What to do
    /// `ANALYZE` the relation, and analyse again. Where it happens often, lower
    /// `autovacuum_analyze_scale_factor` for it. Partitioned tables are never analysed by autovacuum.
    ///
    /// ## References
    /// - [Updating Planner Statistics](https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS)
    StaleStats { id: "stale_stats", severity: Warning, needs: [Catalog] }
}

/// Changed rows, as a share of all, from which statistics count as stale: twice the share at which autovacuum
/// analyses by default (`autovacuum_analyze_scale_factor` = 0.1), so that a table which autovacuum is about to
/// analyse stays quiet.
const CHANGED_SHARE_MIN: f64 = 0.2;

impl Rule for StaleStats {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        Ok(subject.relations().filter_map(|relation| inspect(relation, subject.thresholds.min_table_rows)).collect())
    }
}

fn inspect(relation: &Relation, n_rows_min: f64) -> Option<Finding> {
    if relation.kind == RelationKind::PartitionedTable {
        return None; // holds no rows of its own; its partitions are looked at one by one
    }
    let activity = relation.activity.as_ref()?;
    let n_rows = relation.n_rows.unwrap_or(0.0).max(activity.n_live_rows as f64);
    if n_rows < n_rows_min {
        return None;
    }
    if was_never_analysed(relation, activity) {
        let message = format!("never analysed, about {n_rows:.0} rows: its plans rest on default selectivities");
        return Some(finding(relation, message, n_rows, activity));
    }
    let n_changed = n_rows_changed(relation, activity);
    if n_changed < CHANGED_SHARE_MIN * n_rows {
        return None;
    }
    let message = format!("{n_changed:.0} of about {n_rows:.0} rows changed since the last ANALYZE");
    let mut finding = finding(relation, message, n_rows, activity);
    finding.severity = if n_changed >= n_rows { Severity::Warning } else { Severity::Note };
    Some(finding)
}

/// Rows changed since the last ANALYZE. A session that loads rows and analyses them reports its insertions only
/// afterwards, so that the counter calls them changes; the row count that ANALYZE stored knows better.
fn n_rows_changed(relation: &Relation, activity: &RelationActivity) -> f64 {
    let n_counted = activity.n_modified_since_analyze as f64;
    let n_unseen = relation.n_rows.map_or(f64::INFINITY, |n_rows| (activity.n_live_rows as f64 - n_rows).abs());
    let n_rewritten = (activity.n_rows_updated + activity.n_rows_deleted) as f64;
    n_counted.min(n_unseen + n_rewritten)
}

fn was_never_analysed(relation: &Relation, activity: &RelationActivity) -> bool {
    activity.last_analyze.is_none() && relation.columns.iter().all(|column| column.statistics.is_none())
}

fn finding(relation: &Relation, message: String, n_rows: f64, activity: &RelationActivity) -> Finding {
    let mut finding = Finding::new(&META, message)
        .on(relation, Vec::<String>::new())
        .with("n_rows", n_rows)
        .with("n_modified_since_analyze", activity.n_modified_since_analyze);
    finding.fix = Some(format!("ANALYZE {};", relation.name));
    finding
}
