//! One index for two statements: the equalities of one first, then the rest of the other's key columns.

use crate::pg::{AccessMethod, IndexDefinition, KeyRoles};

use super::Candidate;
use super::keys::KEY_COLUMNS_MAX;

/// The candidate that serves both `a` and `b`, when reordering the equalities of the wider one makes it so: every
/// equality of `a` is one of `b`'s, and `a` is nothing but equalities. `None` when they do not merge, or when one of
/// them is that candidate already.
pub fn merged(a: &Candidate, b: &Candidate) -> Option<Candidate> {
    let (narrow, wide) = (&a.definition, &b.definition);
    let is_mergeable = a.relation == b.relation
        && narrow.access_method == AccessMethod::Btree
        && wide.access_method == AccessMethod::Btree
        && narrow.predicate.is_none()
        && wide.predicate.is_none()
        && narrow.included_columns.is_empty()
        && a.roles.n_equality == narrow.key_columns.len()
        && a.roles.n_equality < b.roles.n_equality
        && wide.key_columns.len() <= KEY_COLUMNS_MAX;
    if !is_mergeable {
        return None;
    }
    let (equalities, tail) = wide.key_columns.split_at(b.roles.n_equality);
    if !narrow.key_columns.iter().all(|key| equalities.contains(key)) {
        return None;
    }
    let rest = equalities.iter().filter(|key| !narrow.key_columns.contains(key));
    let key_columns: Vec<_> = narrow.key_columns.iter().chain(rest).chain(tail).cloned().collect();
    if key_columns == wide.key_columns {
        return None;
    }
    Some(Candidate {
        relation: b.relation,
        definition: IndexDefinition { key_columns, ..wide.clone() },
        roles: KeyRoles { n_equality: b.roles.n_equality, ..b.roles },
        asked_by: a.asked_by.union(&b.asked_by).copied().collect(),
        statements: a.statements.union(&b.statements).copied().collect(),
    })
}
