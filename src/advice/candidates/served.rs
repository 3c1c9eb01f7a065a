//! What existing indexes serve already. Asks no planner.

use super::target;
use crate::pg::{IndexDefinition, IndexTarget, KeyRoles, covers};
use crate::snapshot::{Index, Relation};
use crate::sql::{Comparison, Scan};

/// Why a candidate is declined that existing index `name` serves.
pub fn served_by(name: &str) -> String {
    format!("existing index {name} already serves it")
}

/// The usable existing index that serves everything the definition would. A full index serves what a partial one
/// does, but reads the rows that the predicate keeps out: whether that is as good is the planner's to say.
pub fn covering_index<'r>(relation: &'r Relation, definition: &IndexDefinition, roles: KeyRoles) -> Option<&'r Index> {
    let definition = target::spelled_as_existing(relation, definition);
    relation.indexes.iter().find(|index| {
        index.is_usable()
            && index.definition.predicate == definition.predicate
            && covers(&index.definition, &definition, roles)
    })
}

/// Whether every column of a unique index is compared with one constant: the statement finds its row already.
pub(super) fn is_found_by_unique_index(relation: &Relation, scan: &Scan) -> bool {
    let is_fixed = |target: &IndexTarget| {
        scan.quals
            .iter()
            .any(|qual| qual.target == *target && matches!(qual.comparison, Comparison::Equal | Comparison::In))
    };
    let finds = |index: &&Index| {
        let definition = &index.definition;
        index.is_usable()
            && definition.is_unique
            && definition.predicate.is_none()
            && definition.key_columns.iter().all(|key| is_fixed(&key.target))
    };
    relation.indexes.iter().any(|index| finds(&index))
}
