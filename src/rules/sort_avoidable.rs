//! Rule `sort_avoidable`.

use super::meta::declare_rule;
use super::scan::merged;
use super::{Finding, Rule, RuleMeta, Subject};
use crate::plan::PlanSort;
use crate::sql::Scan;
use crate::workload::Statement;

declare_rule! {
    /// Rows are fetched and sorted to keep the first few, in an order that an index could have returned them in.
    ///
    /// ## Why it hurts
    /// A sort has to see every row before it returns the first. With an index on the columns compared by equality
    /// followed by the sort key, a `LIMIT 20` reads twenty entries.
    ///
    /// ## When it is fine
    /// - Few rows are sorted.
    /// - All rows are returned anyway, without LIMIT: sorting them is cheaper than fetching them one by one.
    /// - The order is over a join, an expression that changes, or `random()`: no index returns it; not reported.
    ///
    /// ## What to do
    /// An index on the equality columns, then the sort key with its directions. A btree is read backwards as well as
    /// forwards, so `DESC` matters only where directions are mixed, and `NULLS FIRST` or `LAST` where it is not the
    /// default of the direction.
    ///
    /// ## References
    /// - [Indexes and ORDER BY](https://www.postgresql.org/docs/current/indexes-ordering.html)
    SortAvoidable { id: "sort_avoidable", severity: Warning, needs: [Plans] }
}

/// Rows sorted by one execution below which a sort takes less than a millisecond; 1,000 as in pgexplain.
const SORTED_ROWS_MIN: f64 = 1_000.0;

impl Rule for SortAvoidable {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for statement in &subject.workload.statements {
            let Some(planned) = &statement.planned else { continue };
            let sorts = planned.plan.sorts();
            findings.extend(sorts.iter().filter_map(|sort| inspect(subject, statement, sort)));
        }
        Ok(merged(findings))
    }
}

fn inspect(subject: &Subject<'_>, statement: &Statement, sort: &PlanSort<'_>) -> Option<Finding> {
    let n_sorted = sort.n_rows * sort.n_loops;
    if n_sorted < SORTED_ROWS_MIN || sort.node.node_type != "Sort" {
        return None;
    }
    let name = sort.input_scan.as_ref()?.relation.as_ref()?;
    let scanned = subject.catalog.find(Some(&name.schema), &name.name).filter(|relation| relation.is_indexable())?;
    let relation = subject.catalog.relation(subject.catalog.partition_root(scanned.oid))?;
    let shape = statement.shape.as_ref()?;
    let asked = shape.scans.iter().find(|asked| {
        (asked.relation == relation.oid || asked.relation == scanned.oid)
            && !asked.order.is_empty()
            && asked.limit.is_some()
    })?;
    let columns = columns_of_index(asked)?;
    let message = format!("{n_sorted:.0} rows sorted by {} to return the first of them", sort_key(asked));
    let mut finding = Finding::new(&META, message)
        .on(relation, columns)
        .with("rows_sorted", n_sorted)
        .with("n_calls", statement.n_calls)
        .with("sort_cost", sort.node.total_cost);
    finding.queryids = vec![statement.queryid];
    finding.impact = subject.impact(statement);
    Some(finding)
}

/// Equality columns, then the sort key; `None` when a sort key is an expression.
fn columns_of_index(asked: &Scan) -> Option<Vec<String>> {
    let equal = asked.quals.iter().filter(|qual| qual.comparison.is_equality());
    let mut columns: Vec<String> = Vec::new();
    for qual in equal {
        columns.extend(qual.target.column().filter(|name| !columns.iter().any(|c| c == name)).map(str::to_owned));
    }
    for key in &asked.order {
        let name = key.target.column()?;
        if !columns.iter().any(|column| column == name) {
            columns.push(name.to_owned());
        }
    }
    Some(columns)
}

fn sort_key(asked: &Scan) -> String {
    let key = |key: &crate::sql::KeyOrder| {
        let name = key.target.column().unwrap_or_default();
        if key.descending { format!("{name} DESC") } else { name.to_owned() }
    };
    asked.order.iter().map(key).collect::<Vec<_>>().join(", ")
}
