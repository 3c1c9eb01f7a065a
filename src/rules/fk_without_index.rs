//! Rule `fk_without_index`.

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Severity, Subject};
use crate::pg::Oid;
use crate::snapshot::foreign_key::serves_foreign_key;
use crate::snapshot::{Constraint, ConstraintKind, ForeignKey, Relation};
use crate::sql::{Shape, StatementKind};
use crate::workload::Statement;

declare_rule! {
    /// The referencing columns of a foreign key lead no index, and something looks for rows by them.
    ///
    /// ## Why it hurts
    /// Every DELETE of a referenced row, and every UPDATE of its key, looks for referencing rows. Without an index
    /// that is a sequential scan of the referencing relation for each row, inside a trigger: EXPLAIN shows only its
    /// time, and only with ANALYZE. Joins from the referenced side have the same need.
    ///
    /// ## When it is fine
    /// - Referenced rows are never deleted and their keys never change, and no statement joins over the columns:
    ///   then this is a note, not a warning.
    /// - The referencing relation is small.
    /// - An index leads with the same columns in another order, or is partial on `IS NOT NULL` of one of them: such
    ///   an index serves, and the rule is quiet.
    ///
    /// ## References
    /// - [Foreign Keys](https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK)
    FkWithoutIndex { id: "fk_without_index", severity: Warning, needs: [Catalog] }
}

/// Blocks that a referencing relation needs for a scan of it to matter: below, the scan is as cheap as a descent.
const PAGES_MIN: u64 = 10;

impl Rule for FkWithoutIndex {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for relation in subject.relations() {
            for constraint in &relation.constraints {
                let Some(foreign_key) = unserved(relation, constraint) else { continue };
                findings.push(report(subject, relation, constraint, foreign_key));
            }
        }
        Ok(findings)
    }
}

/// The foreign key behind `constraint`, when no index serves it. The copies that partitions inherit are left to the
/// partitioned table.
fn unserved<'r>(relation: &'r Relation, constraint: &'r Constraint) -> Option<&'r ForeignKey> {
    let foreign_key = constraint.foreign_key.as_ref()?;
    let is_served = relation.indexes.iter().any(|index| serves_foreign_key(index, &constraint.columns));
    let is_own = constraint.kind == ConstraintKind::ForeignKey && !constraint.is_inherited_copy;
    (is_own && !is_served).then_some(foreign_key)
}

fn report(subject: &Subject<'_>, relation: &Relation, constraint: &Constraint, foreign_key: &ForeignKey) -> Finding {
    let referenced = subject.catalog.relation(foreign_key.relation);
    let referenced_name = referenced.map_or_else(|| foreign_key.relation.to_string(), |r| r.name.to_string());
    let uses = uses(subject, relation.oid, constraint, foreign_key);
    let n_changed = referenced.and_then(|r| r.activity.as_ref()).map_or(0, |activity| activity.n_rows_deleted);
    let columns = constraint.columns.join(", ");

    let (severity, effect) = if relation.n_pages < PAGES_MIN {
        (Severity::Note, "the relation is small, so a scan of it is cheap".to_owned())
    } else if !uses.is_empty() {
        (Severity::Warning, format!("{} statement(s) look for its rows by them", uses.len()))
    } else if n_changed > 0 {
        (Severity::Warning, format!("{n_changed} rows of {referenced_name} were deleted, each with a scan of it"))
    } else {
        (Severity::Note, "nothing was seen that looks for its rows by them".to_owned())
    };
    let message = format!("foreign key {} to {referenced_name} on ({columns}) has no index: {effect}", constraint.name);
    let mut finding = Finding::new(&META, message)
        .on(relation, constraint.columns.iter())
        .with("constraint", constraint.name.clone())
        .with("n_referenced_rows_deleted", n_changed)
        .with("n_pages", relation.n_pages);
    finding.severity = severity;
    finding.queryids = uses.iter().map(|statement| statement.queryid).collect();
    finding.queryids.sort();
    finding.impact = uses.iter().map(|statement| subject.impact(statement)).sum();
    finding.fix =
        Some(format!("Index ({columns}) of {} where referenced rows are deleted or joined from.", relation.name));
    finding
}

/// The statements that look for referencing rows: joins over the columns, and DELETEs or key UPDATEs of the
/// referenced relation, whose triggers do.
fn uses<'w>(
    subject: &Subject<'w>,
    referencing: Oid,
    constraint: &Constraint,
    foreign_key: &ForeignKey,
) -> Vec<&'w Statement> {
    subject
        .workload
        .statements
        .iter()
        .filter(|statement| {
            statement.shape.as_ref().is_some_and(|shape| {
                joins_over(shape, referencing, &constraint.columns) || changes_keys(shape, foreign_key)
            })
        })
        .collect()
}

fn joins_over(shape: &Shape, relation: Oid, columns: &[String]) -> bool {
    let is_ours = |scan: usize, column: Option<&str>| {
        shape.scans.get(scan).is_some_and(|scan| scan.relation == relation)
            && column.is_some_and(|name| columns.iter().any(|c| c == name))
    };
    shape
        .joins
        .iter()
        .any(|join| is_ours(join.left_scan, join.left.column()) || is_ours(join.right_scan, join.right.column()))
}

fn changes_keys(shape: &Shape, foreign_key: &ForeignKey) -> bool {
    let target = shape.scans.iter().find(|scan| scan.is_target && scan.relation == foreign_key.relation);
    target.is_some_and(|scan| match shape.kind {
        StatementKind::Delete => true,
        StatementKind::Update => foreign_key.columns.iter().any(|column| scan.columns_set.contains(column)),
        _ => false,
    })
}
