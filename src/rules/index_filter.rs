//! Rule `index_filter`.

use super::meta::declare_rule;
use super::scan::{Seen, merged, scans};
use super::{Finding, Rule, RuleMeta, Severity, Subject};
use crate::pg::{IndexDefinition, quote_identifier};
use crate::sql::{Comparand, Comparison};

declare_rule! {
    /// An index finds many rows, and a filter throws most of them away after they were fetched.
    ///
    /// ## Why it hurts
    /// Each row that the index finds is fetched from the relation, mostly from a page of its own, only to be
    /// rejected. A key column more, and the index would not have found it.
    ///
    /// ## When it is fine
    /// - The filter keeps most of what the index finds.
    /// - The filter holds nothing that an index could answer (`<>`, a volatile function): not reported.
    ///
    /// ## What to do
    /// Put the filtered columns behind the index's own: equalities first, then one range. PostgreSQL's rule for
    /// multicolumn indexes: equality constraints on leading columns, plus any inequality constraints on the first
    /// column that has no equality constraint, limit the part of the index that is scanned.
    ///
    /// ## References
    /// - [Multicolumn Indexes](https://www.postgresql.org/docs/current/indexes-multicolumn.html)
    IndexFilter { id: "index_filter", severity: Warning, needs: [Plans] }
}

/// Share of the rows found that the filter has to remove to be reported at all.
const REMOVED_SHARE_MIN: f64 = 0.5;
/// Rows removed by one execution below which nobody waits for them.
const REMOVED_ROWS_MIN: f64 = 100.0;
/// Rows removed for each row kept from which it is a warning: ten, as pgMustard and pganalyze take an index to be
/// inefficient.
const REMOVED_PER_KEPT_WARNING: f64 = 10.0;
/// Rows removed by one execution from which it is a warning; 1,000 as in online_advisor.
const REMOVED_ROWS_WARNING: f64 = 1_000.0;

impl Rule for IndexFilter {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        Ok(merged(scans(subject).iter().filter_map(|seen| inspect(subject, seen)).collect()))
    }
}

fn inspect(subject: &Subject<'_>, seen: &Seen<'_>) -> Option<Finding> {
    let [index_name] = seen.scan.indexes.as_slice() else { return None };
    let [index_cond] = seen.scan.index_conds.as_slice() else { return None };
    if seen.scan.node.filter.is_none() || seen.scan.may_stop_early {
        return None;
    }
    let index = seen.relation.indexes.iter().find(|index| index.name == *index_name)?;
    let found_by = columns_in(index_cond, &index.definition);
    let filtered: Vec<String> =
        seen.indexable_columns().into_iter().filter(|column| !found_by.contains(column)).collect();
    if filtered.is_empty() {
        return None;
    }
    let n_found = n_rows_found(seen, index_cond, &found_by)?;
    let n_kept = seen.n_rows_kept().min(n_found);
    let n_removed = n_found - n_kept;
    let n_removed_in_all = n_removed * seen.scan.n_loops;
    if n_removed < REMOVED_SHARE_MIN * n_found || n_removed_in_all < REMOVED_ROWS_MIN {
        return None;
    }
    let message =
        format!("{n_found:.0} rows found by {}, {n_kept:.0} kept by {}", found_by.join(", "), filtered.join(", "));
    let mut finding = Finding::new(&META, message)
        .on(seen.reported, found_by.iter().chain(&filtered))
        .with("rows_found", n_found.round())
        .with("rows_kept", n_kept)
        .with("n_loops", seen.scan.n_loops)
        .with("n_calls", seen.statement.n_calls);
    let is_bad = n_removed >= REMOVED_PER_KEPT_WARNING * n_kept && n_removed_in_all >= REMOVED_ROWS_WARNING;
    finding.severity = if is_bad { Severity::Warning } else { Severity::Note };
    finding.index = Some(index.name.clone());
    finding.queryids = vec![seen.statement.queryid];
    finding.impact = subject.impact(seen.statement);
    Some(finding)
}

/// The key columns that an `Index Cond` compares.
fn columns_in(index_cond: &str, definition: &IndexDefinition) -> Vec<String> {
    definition.key_column_names().filter(|name| compares(index_cond, name, None)).map(str::to_owned).collect()
}

/// Whether `index_cond`, as EXPLAIN prints it, compares `column` (by `operator`, if one is given).
fn compares(index_cond: &str, column: &str, operator: Option<&str>) -> bool {
    let name = quote_identifier(column);
    index_cond.match_indices(name.as_ref()).any(|(start, _)| {
        let before = index_cond[..start].chars().next_back();
        let rest = index_cond[start + name.len()..].trim_start_matches(')');
        let rest = rest.strip_prefix("::text").unwrap_or(rest).trim_start_matches(')');
        matches!(before, Some('.' | '('))
            && rest.starts_with(' ')
            && operator.is_none_or(|operator| rest[1..].starts_with(operator))
    })
}

/// The rows that the Index Cond finds: as the planner says for a bitmap, else from the number of distinct values.
/// `None` where a range takes part, whose share only the planner knows.
fn n_rows_found(seen: &Seen<'_>, index_cond: &str, columns: &[String]) -> Option<f64> {
    let bitmap = seen.scan.node.children.iter().find(|child| child.node_type == "Bitmap Index Scan");
    if let Some(bitmap) = bitmap {
        return Some(bitmap.plan_rows);
    }
    let n_rows = seen.relation.n_rows?;
    let shares: Option<Vec<f64>> = columns
        .iter()
        .map(
            |column| {
                if compares(index_cond, column, Some("= ")) { share_of_one_value(seen, column, n_rows) } else { None }
            },
        )
        .collect();
    let share: f64 = shares.filter(|shares| !shares.is_empty())?.iter().product();
    Some(n_rows * share)
}

/// The share of the rows that one value of `column` has: its frequency where it is a common one, else the mean of the
/// others (`var_eq_const` in selfuncs.c).
fn share_of_one_value(seen: &Seen<'_>, column: &str, n_rows: f64) -> Option<f64> {
    let statistics = seen.relation.column(column)?.best_statistics()?;
    let literal = seen.asked.and_then(|asked| {
        asked.quals.iter().find_map(|qual| match (&qual.comparison, &qual.comparand) {
            (Comparison::Equal, Comparand::Literal(text)) if qual.target.column() == Some(column) => Some(text),
            _ => None,
        })
    });
    let value = literal.map(|text| text.split("::").next().unwrap_or(text).trim_matches('\''));
    let common = value.and_then(|value| statistics.most_common_values.iter().position(|common| common == value));
    if let Some(frequency) = common.and_then(|position| statistics.most_common_frequencies.get(position)) {
        return Some(*frequency);
    }
    let common_share: f64 = statistics.most_common_frequencies.iter().sum();
    let n_others = statistics.distinct_values(n_rows) - statistics.most_common_frequencies.len() as f64;
    let rest = (1.0 - statistics.null_fraction - common_share).max(0.0);
    if value.is_some() && n_others >= 1.0 {
        return Some(rest / n_others);
    }
    Some((1.0 - statistics.null_fraction) / statistics.distinct_values(n_rows))
}
