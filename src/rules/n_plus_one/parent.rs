//! The parent's side of a loop: the statement whose rows the lookups follow, and how sure that is.

use super::lookup::Lookup;
use super::orm;
use crate::rules::Subject;
use crate::snapshot::{Constraint, ConstraintKind, ForeignKey, Relation};
use crate::sql::StatementKind;
use crate::workload::Statement;

/// Smallest and largest share of lookups per row of the parent: an identity map saves some, other callers add some.
const RATIO_MIN: f64 = 0.4;
/// See [`RATIO_MIN`].
const RATIO_MAX: f64 = 1.1;
/// Lookups for each call of the parent below which it is no loop: a user and an account for each request, say.
const FAN_OUT_MIN: f64 = 3.0;
/// Rows for each call of the parent below which it does not return a list.
const PARENT_ROWS_MIN: f64 = 2.0;
/// The most that counts can prove without the order of execution.
const CONFIDENCE_MAX: f64 = 0.9;

/// One parent, or two whose rows add up to the lookups.
pub(super) struct Parent<'w> {
    /// The statements.
    pub statements: Vec<&'w Statement>,
    /// The relation whose rows are followed.
    pub relation: &'w Relation,
    /// Their calls.
    pub n_calls: f64,
    /// The rows they returned.
    pub n_rows: f64,
    /// 0 to 1.
    pub confidence: f64,
}

impl Parent<'_> {
    /// What to call it in a sentence.
    pub fn description(&self) -> String {
        let ids: Vec<String> = self.statements.iter().map(|statement| statement.queryid.to_string()).collect();
        match ids.as_slice() {
            [one] => format!("query {one} over {}", self.relation.name),
            many => format!("queries {} over {}", many.join(" and "), self.relation.name),
        }
    }

    /// The statements' queryids, as strings.
    pub fn queryids(&self) -> Vec<String> {
        self.statements.iter().map(|statement| statement.queryid.to_string()).collect()
    }
}

/// How a parent's relation is tied to the lookup's.
#[derive(Clone, Copy, PartialEq)]
enum Link {
    ForeignKey,
    Name,
}

/// The likeliest parent of `lookup`: one statement, or the two that fit best together.
pub(super) fn best<'w>(subject: &Subject<'w>, lookup: &Lookup<'w>) -> Option<Parent<'w>> {
    let possible = possible_parents(subject, lookup);
    let mut best: Option<Parent<'w>> = None;
    let mut consider = |parts: &[&(&'w Statement, &'w Relation, Link)]| {
        if let Some(parent) = weigh(lookup, parts)
            && best.as_ref().is_none_or(|best| parent.confidence > best.confidence)
        {
            best = Some(parent);
        }
    };
    for one in &possible {
        consider(&[one]);
    }
    for (position, one) in possible.iter().enumerate() {
        for other in possible[position + 1..].iter().filter(|other| other.1.oid == one.1.oid) {
            consider(&[one, other]);
        }
    }
    best
}

fn possible_parents<'w>(subject: &Subject<'w>, lookup: &Lookup<'w>) -> Vec<(&'w Statement, &'w Relation, Link)> {
    let mut parents = Vec::new();
    for statement in &subject.workload.statements {
        let (Some(shape), Some(n_rows)) = (statement.shape.as_ref(), statement.n_rows) else { continue };
        let returns_list = statement.n_calls > 0.0 && n_rows / statement.n_calls >= PARENT_ROWS_MIN;
        if shape.kind != StatementKind::Select || !returns_list || statement.queryid == lookup.statement.queryid {
            continue;
        }
        let linked = shape.scans.iter().filter_map(|scan| {
            let relation = subject.catalog.relation(scan.relation)?;
            Some((statement, relation, link(relation, lookup)?))
        });
        if let Some(parent) = linked.min_by_key(|(_, relation, link)| (*link != Link::ForeignKey, relation.oid)) {
            parents.push(parent);
        }
    }
    parents
}

/// Whether rows of `parent` lead to the lookup: `parent` refers to the looked-up key, or the looked-up column refers
/// to `parent`.
fn link(parent: &Relation, lookup: &Lookup<'_>) -> Option<Link> {
    let (child, column) = (lookup.relation, lookup.column.as_str());
    if lookup.is_unique {
        if foreign_keys(parent, child).any(|(_, key)| key.columns == [column]) {
            return Some(Link::ForeignKey);
        }
        let by_name = parent.columns.iter().any(|other| names(&other.name, &child.name.name));
        return (by_name && parent.oid != child.oid && is_primary(child, column)).then_some(Link::Name);
    }
    if foreign_keys(child, parent).any(|(constraint, _)| constraint.columns == [column]) {
        return Some(Link::ForeignKey);
    }
    names(column, &parent.name.name).then_some(Link::Name)
}

/// The foreign keys by which `from` refers to `to`.
fn foreign_keys<'r>(from: &'r Relation, to: &Relation) -> impl Iterator<Item = (&'r Constraint, &'r ForeignKey)> {
    let referenced = to.oid;
    let keys = from.constraints.iter().filter_map(|constraint| Some((constraint, constraint.foreign_key.as_ref()?)));
    keys.filter(move |(_, key)| key.relation == referenced)
}

/// Whether `column` alone is the primary key: what a column that is merely named after the relation would hold.
fn is_primary(relation: &Relation, column: &str) -> bool {
    relation
        .constraints
        .iter()
        .any(|constraint| constraint.kind == ConstraintKind::PrimaryKey && constraint.columns == [column])
}

/// Whether `column` is called after `relation` as ORMs do: `author_id` or `authorId` after `authors` or `Author`.
fn names(column: &str, relation: &str) -> bool {
    let stem = column.strip_suffix("_id").or_else(|| column.strip_suffix("Id")).unwrap_or_default().to_lowercase();
    let relation = relation.to_lowercase();
    !stem.is_empty()
        && (relation == stem
            || relation == format!("{stem}s")
            || relation == format!("{stem}es")
            || stem.strip_suffix('y').is_some_and(|root| relation == format!("{root}ies")))
}

fn weigh<'w>(lookup: &Lookup<'w>, parts: &[&(&'w Statement, &'w Relation, Link)]) -> Option<Parent<'w>> {
    let (_, relation, _) = **parts.first()?;
    let n_calls: f64 = parts.iter().map(|part| part.0.n_calls).sum();
    let n_rows: f64 = parts.iter().filter_map(|part| part.0.n_rows).sum();
    let child = lookup.statement;
    let ratio = child.n_calls / n_rows;
    let fan_out = child.n_calls / n_calls;
    if !(RATIO_MIN..=RATIO_MAX).contains(&ratio) || fan_out < FAN_OUT_MIN {
        return None;
    }
    let rows_per_lookup = child.n_rows.unwrap_or(0.0) / child.n_calls;
    let fits_relationship = !lookup.is_unique || rows_per_lookup <= 1.05;
    let mut confidence = 0.20 + 0.40 * (1.0 - (1.0 - ratio).abs());
    for (holds, points) in [
        (fan_out >= 5.0, 0.10),
        (child.exec_ms_mean.is_some_and(|mean| mean < 1.0), 0.10),
        (fits_relationship, 0.10),
        (orm::recognise(&child.text).is_some(), 0.10),
        (parts.iter().any(|part| part.2 == Link::Name), -0.10),
        (parts.len() > 1, -0.10),
    ] {
        if holds {
            confidence += points;
        }
    }
    Some(Parent {
        statements: parts.iter().map(|part| part.0).collect(),
        relation,
        n_calls,
        n_rows,
        confidence: confidence.min(CONFIDENCE_MAX),
    })
}
