//! How one scan of a plan finds its rows: by an index, in an index's order, by reading much, or by reading much to keep
//! little. Judges the scan, not the statement.

use crate::plan::PlanScan;
use crate::rules::Finding;
use crate::snapshot::{Catalog, Relation};
use crate::sql::Scan;
use crate::workload::Statement;

use super::super::scope::Extent;
use super::spent::SpentScan;

/// The share of a relation's rows from which reading all of it is right, as in the choice of candidates.
const MUCH_MIN: f64 = super::super::RETURNED_SHARE_MAX;

/// Rows that a scan may look at for each one that it returns, before an index that finds them is a loss and not a
/// service: ten, as the rule `index_filter` has it.
const READ_PER_KEPT_MAX: f64 = 10.0;

/// Rows that may be looked at in vain without anybody waiting for it, as in the rule `index_filter`.
const READ_IN_VAIN_MIN: f64 = 100.0;

/// Rows that a scan may read before a LIMIT stops it and still be cheap: some ten pages.
const FEW_ROWS_MAX: f64 = 1_000.0;

/// Planner units that fetching one row through an index costs at most: a random page at the default
/// `random_page_cost` of 4, and the CPU's part.
const UNITS_PER_ROW_MAX: f64 = 4.1;

/// How a scan finds its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// By conditions that an index answers, or by their address.
    ByIndex,
    /// In the order of an index, until a LIMIT is reached.
    InOrder,
    /// In a relation of few pages.
    Small,
    /// By reading on until a LIMIT is reached, after few rows.
    Few,
    /// By reading much of the relation, most of which it keeps.
    Much,
    /// By reading many rows, few of which it keeps.
    Searching,
}

/// A scan of a plan, judged.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The relation to report: the partitioned table above a partition.
    pub relation: &'a Relation,
    /// What the statement asks of it; `None` where the shape has no such scan.
    pub asked: Option<&'a Scan>,
    /// The condition that it checks row by row, as EXPLAIN prints it.
    pub filter: Option<&'a str>,
    /// The existing indexes that it reads.
    pub indexes: Vec<&'a str>,
    /// The node types above it, the nearest first.
    pub above: Vec<&'a str>,
    /// What it costs in one execution.
    pub cost: f64,
    /// Rows stored, in what is scanned.
    pub n_stored: f64,
    /// Rows returned by one run of it, if nothing stops it.
    pub n_kept: f64,
    /// How it finds them.
    pub found: Found,
}

/// Judges one scan of `statement`'s plan; `None` for what is not in the snapshot: system catalogs, foreign tables.
pub fn read<'a>(
    catalog: &Catalog<'a>,
    statement: &'a Statement,
    spent: SpentScan<'a>,
    n_processes: f64,
    findings: &[&Finding],
) -> Option<Reading<'a>> {
    let name = spent.scan.relation.clone()?;
    let scanned = catalog.find(Some(&name.schema), &name.name)?;
    let relation = catalog.relation(catalog.partition_root(scanned.oid))?;
    let extent = Extent::of(catalog, relation);
    let node = spent.scan.node;
    let n_processes = if node.is_parallel_aware { n_processes } else { 1.0 };
    let n_kept = node.plan_rows * n_processes;
    let n_stored = Extent::of(catalog, scanned).n_rows.unwrap_or(n_kept).max(n_kept);
    let is_loss = findings
        .iter()
        .any(|finding| finding.rule == "index_filter" && finding.relation.as_ref() == Some(&relation.name));
    let found = match () {
        () if extent.is_small() => Found::Small,
        () if returns_much(statement, &extent) => Found::Much,
        () if spent.scan.indexes.is_empty() => without_index(&spent, n_stored, n_kept),
        () if spent.scan.index_conds.is_empty() => along_index(&spent, n_stored, n_kept),
        () if is_loss || finds_in_vain(&spent.scan, n_kept) => Found::Searching,
        () if n_kept * spent.scan.n_loops.max(1.0) * spent.share_read >= MUCH_MIN * n_stored => Found::Much,
        () => Found::ByIndex,
    };
    let asked = statement.shape.as_ref().and_then(|shape| {
        let of_relation =
            || shape.scans.iter().filter(|asked| asked.relation == scanned.oid || asked.relation == relation.oid);
        of_relation().find(|asked| asked.alias == spent.scan.alias).or_else(|| of_relation().next())
    });
    let SpentScan { scan, cost, above, .. } = spent;
    let filter = node.filter.as_deref();
    Some(Reading { relation, asked, filter, indexes: scan.indexes, above, cost, n_stored, n_kept, found })
}

/// Whether the calls of a statement over one relation return much of it, as counted.
fn returns_much(statement: &Statement, extent: &Extent) -> bool {
    let scans = statement.shape.as_ref().map_or(&[][..], |shape| &shape.scans);
    let [scan] = scans else { return false };
    let per_call = statement.n_rows.map_or(0.0, |n_rows| n_rows / statement.n_calls.max(1.0));
    scan.limit.is_none() && extent.n_rows.is_some_and(|n_stored| n_stored > 0.0 && per_call >= MUCH_MIN * n_stored)
}

fn without_index(spent: &SpentScan<'_>, n_stored: f64, n_kept: f64) -> Found {
    let node = spent.scan.node;
    if node.node_type.starts_with("Tid") {
        return Found::ByIndex;
    }
    if spent.share_read < 1.0 && n_stored * spent.share_read * spent.scan.n_loops <= FEW_ROWS_MAX {
        return Found::Few;
    }
    if node.filter.is_none() || n_kept >= MUCH_MIN * n_stored { Found::Much } else { Found::Searching }
}

/// A scan of a whole index, in its order.
fn along_index(spent: &SpentScan<'_>, n_stored: f64, n_kept: f64) -> Found {
    let node = spent.scan.node;
    if node.order_by.is_some() {
        return Found::InOrder;
    }
    let n_read = n_stored * spent.share_read;
    let is_in_vain = node.filter.is_some()
        && n_read > FEW_ROWS_MAX
        && n_read > READ_PER_KEPT_MAX * (n_kept * spent.share_read).max(1.0);
    match (is_in_vain, spent.share_read < 1.0) {
        (true, _) => Found::Searching,
        (false, true) => Found::InOrder,
        (false, false) => Found::Much,
    }
}

/// Whether an index certainly finds many more rows than the filter behind it keeps: as its bitmap says, else by what
/// fetching them costs at the least.
fn finds_in_vain(scan: &PlanScan<'_>, n_kept: f64) -> bool {
    if scan.node.filter.is_none() {
        return false;
    }
    let bitmap = scan.node.children.iter().find(|child| child.node_type.starts_with("Bitmap"));
    let by_cost = (scan.node.total_cost - scan.node.startup_cost) / UNITS_PER_ROW_MAX;
    let n_found = bitmap.map_or(by_cost, |bitmap| bitmap.plan_rows);
    n_found - n_kept >= READ_IN_VAIN_MIN && n_found >= READ_PER_KEPT_MAX * n_kept.max(1.0)
}
