//! Joining what a plan scans with what the statement asks of it, for the rules that read plans.

use super::{Finding, Subject};
use crate::plan::PlanScan;
use crate::snapshot::Relation;
use crate::sql::{Comparison, Qual, Scan};
use crate::workload::Statement;

/// A scan of a plan, with its relation and the part of the statement's shape that it serves.
pub(super) struct Seen<'w> {
    /// The statement.
    pub statement: &'w Statement,
    /// The scan in the plan.
    pub scan: PlanScan<'w>,
    /// What it scans: a partition, where the statement names the partitioned table.
    pub relation: &'w Relation,
    /// The relation to report: the partitioned table above a partition.
    pub reported: &'w Relation,
    /// What the statement asks of it; `None` where the shape has no such scan.
    pub asked: Option<&'w Scan>,
    /// Rows of the relation for one row that the plan speaks of: the number of processes that share a parallel scan.
    pub n_processes: f64,
}

/// Every scan of every plan, over relations that advice may touch.
pub(super) fn scans<'w>(subject: &Subject<'w>) -> Vec<Seen<'w>> {
    let mut seen = Vec::new();
    for statement in &subject.workload.statements {
        let Some(planned) = &statement.planned else { continue };
        let n_processes = planned.plan.n_processes();
        for scan in planned.plan.scans() {
            if let Some(seen_scan) = see(subject, statement, scan, n_processes) {
                seen.push(seen_scan);
            }
        }
    }
    seen
}

fn see<'w>(subject: &Subject<'w>, statement: &'w Statement, scan: PlanScan<'w>, n_processes: f64) -> Option<Seen<'w>> {
    let name = scan.relation.as_ref()?;
    let relation = subject.catalog.find(Some(&name.schema), &name.name).filter(|relation| relation.is_indexable())?;
    let reported = subject.catalog.relation(subject.catalog.partition_root(relation.oid))?;
    let asked = statement.shape.as_ref().and_then(|shape| {
        let of_relation =
            || shape.scans.iter().filter(|asked| asked.relation == relation.oid || asked.relation == reported.oid);
        of_relation().find(|asked| asked.alias == scan.alias).or_else(|| of_relation().next())
    });
    Some(Seen { statement, scan, relation, reported, asked, n_processes })
}

impl Seen<'_> {
    /// The rows that the scan returns, for one loop, over all processes.
    pub(super) fn n_rows_kept(&self) -> f64 {
        let n_processes = if self.scan.node.node_type.starts_with("Seq Scan") { self.n_processes } else { 1.0 };
        self.scan.node.plan_rows * n_processes
    }

    /// Whether a call returns `n_rows` or more, as counted: then the scan keeps as many, whatever its plan was made with.
    pub(super) fn returns_at_least(&self, n_rows: f64) -> bool {
        let is_alone = self.statement.shape.as_ref().is_some_and(|shape| shape.scans.len() == 1);
        is_alone && self.statement.n_rows.is_some_and(|n| n / self.statement.n_calls.max(1.0) >= n_rows)
    }

    /// The columns of the statement's quals that an index could answer, each once, equalities first.
    pub(super) fn indexable_columns(&self) -> Vec<String> {
        let Some(asked) = self.asked else { return Vec::new() };
        let arms = asked.or_groups.iter().flatten().flatten();
        let quals: Vec<&Qual> = asked.quals.iter().chain(arms).filter(|qual| is_indexable(&qual.comparison)).collect();
        let (equal, other): (Vec<&Qual>, Vec<&Qual>) = quals.into_iter().partition(|q| q.comparison.is_equality());
        let mut columns: Vec<String> = Vec::new();
        for name in equal.into_iter().chain(other).filter_map(|qual| qual.target.column()) {
            if !columns.iter().any(|column| column == name) {
                columns.push(name.to_owned());
            }
        }
        columns
    }
}

fn is_indexable(comparison: &Comparison) -> bool {
    comparison.is_equality() || comparison.is_range() || *comparison == Comparison::LikePrefix
}

/// Findings about the same relation, columns and index as one: the heaviest speaks for all, with the statements and
/// the impact of all.
pub(super) fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut merged: Vec<Finding> = Vec::new();
    let mut findings = findings;
    findings.sort_by(Finding::worst_first);
    for finding in findings {
        let same = merged.iter_mut().find(|other| {
            other.relation == finding.relation && other.columns == finding.columns && other.index == finding.index
        });
        match same {
            Some(other) => {
                other.queryids.extend(finding.queryids);
                other.queryids.sort();
                other.queryids.dedup();
                other.impact += finding.impact;
            }
            None => merged.push(finding),
        }
    }
    merged
}
