//! The child's side of a loop: statements that look up one relation by one key.

use std::sync::LazyLock;

use regex::Regex;

use crate::rules::Subject;
use crate::snapshot::{ConstraintKind, Relation};
use crate::sql::{Comparand, Comparison, StatementKind};
use crate::workload::Statement;

/// A statement that reads one relation by one value of one column.
pub(super) struct Lookup<'w> {
    /// The statement.
    pub statement: &'w Statement,
    /// The relation it reads.
    pub relation: &'w Relation,
    /// The column it compares.
    pub column: String,
    /// Whether the column is unique in the relation: at most one row comes back.
    pub is_unique: bool,
}

/// Relations that every request reads by key without any loop: sessions, tokens, migration bookkeeping.
static PER_REQUEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(.*_)?(sessions?|tokens?|api_?keys?|oauth.*|ar_internal_metadata|django_session|schema_migrations|caches?)$")
        .ok()
});

/// The lookups of the workload that ran often enough.
pub(super) fn lookups<'w>(subject: &Subject<'w>) -> Vec<Lookup<'w>> {
    subject
        .workload
        .statements
        .iter()
        .filter(|statement| statement.is_top_level && statement.n_calls >= subject.thresholds.n_plus_one_min_calls)
        .filter_map(|statement| lookup(subject, statement))
        .collect()
}

fn lookup<'w>(subject: &Subject<'w>, statement: &'w Statement) -> Option<Lookup<'w>> {
    let shape = statement.shape.as_ref()?;
    let [scan] = shape.scans.as_slice() else { return None };
    if shape.kind != StatementKind::Select || !scan.or_groups.is_empty() || !scan.row_comparisons.is_empty() {
        return None;
    }
    let relation = subject.catalog.relation(scan.relation)?;
    if is_per_request(&relation.name.name) || takes_work_from_queue(&statement.text) {
        return None;
    }
    let keys: Vec<&str> = scan
        .quals
        .iter()
        .filter(|qual| qual.comparison == Comparison::Equal && is_one_value(&qual.comparand))
        .filter_map(|qual| qual.target.column())
        .collect();
    let column = keys.iter().copied().find(|column| is_unique(relation, column));
    let is_unique = column.is_some();
    let column = column.or_else(|| keys.iter().copied().find(|column| refers(relation, column)))?;
    Some(Lookup { statement, relation, column: column.to_owned(), is_unique })
}

fn is_per_request(name: &str) -> bool {
    PER_REQUEST.as_ref().is_some_and(|pattern| pattern.is_match(name))
}

/// Workers that take jobs one by one do so on purpose.
fn takes_work_from_queue(text: &str) -> bool {
    text.to_ascii_lowercase().contains("skip locked")
}

fn is_one_value(comparand: &Comparand) -> bool {
    matches!(comparand, Comparand::Parameter(_) | Comparand::Literal(_) | Comparand::Stable(_))
}

/// Whether a unique index has `column` as its only key column.
pub(super) fn is_unique(relation: &Relation, column: &str) -> bool {
    relation.indexes.iter().any(|index| {
        index.definition.is_unique
            && index.is_usable()
            && index.definition.predicate.is_none()
            && index.definition.key_columns.len() == 1
            && index.definition.key_columns[0].target.column() == Some(column)
    })
}

/// Whether `column` refers to another relation: by a foreign key, or by a name as ORMs give them.
fn refers(relation: &Relation, column: &str) -> bool {
    let by_constraint = relation
        .constraints
        .iter()
        .any(|constraint| constraint.kind == ConstraintKind::ForeignKey && constraint.columns == [column]);
    by_constraint || column.ends_with("_id") || column.ends_with("Id")
}
