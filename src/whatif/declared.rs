//! The hypothetical indexes that a backend was told of, as SQL, and which of them exist already. Sends nothing.

use std::collections::BTreeSet;

use super::{CandidateId, Hypothetical};
use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget, Oid};
use crate::snapshot::{Catalog, Index, Relation};
use crate::sql;

/// A hypothetical index as a backend knows it.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// The relation.
    pub relation: Oid,
    /// What it is.
    pub definition: IndexDefinition,
    /// Existing indexes that are the same: while one of them is visible, this one adds nothing.
    pub same_as: BTreeSet<Oid>,
    /// Why it cannot be built.
    pub refused: Option<String>,
}

impl Declared {
    /// `candidate` with what the snapshot tells of it.
    pub fn new(catalog: &Catalog, candidate: &Hypothetical) -> Self {
        let existing = catalog.relation(candidate.relation).map_or(&[][..], |relation| &relation.indexes);
        let same_as = existing.iter().filter(|index| covers(index, &candidate.definition)).map(|index| index.oid);
        Self {
            relation: candidate.relation,
            definition: candidate.definition.clone(),
            same_as: same_as.collect(),
            refused: None,
        }
    }

    /// Whether it makes a difference while the existing indexes in `hidden` are hidden.
    pub fn counts(&self, hidden: &BTreeSet<Oid>) -> bool {
        self.refused.is_none() && self.same_as.is_subset(hidden)
    }
}

/// `CREATE INDEX name ON relation …`, without a name where there is none.
pub(super) fn create_sql(name: Option<&str>, relation: &Relation, definition: &IndexDefinition) -> String {
    let unique = if definition.is_unique { "UNIQUE " } else { "" };
    let name = name.map(|name| format!("{} ", crate::pg::quote_identifier(name))).unwrap_or_default();
    format!("CREATE {unique}INDEX {name}ON {} {}", relation.name, definition.body())
}

/// The ids in `visible` that make a difference.
pub(super) fn effective(
    declared: &[Declared],
    visible: &BTreeSet<CandidateId>,
    hidden: &BTreeSet<Oid>,
) -> BTreeSet<CandidateId> {
    let counts = |id: &&CandidateId| declared.get(id.0 as usize).is_some_and(|candidate| candidate.counts(hidden));
    visible.iter().filter(counts).copied().collect()
}

/// Whether a usable existing index is the wanted one, or that and more INCLUDE columns.
fn covers(index: &Index, wanted: &IndexDefinition) -> bool {
    let has = &index.definition;
    index.is_usable()
        && has.access_method == AccessMethod::Btree
        && has.access_method == wanted.access_method
        && has.key_columns.len() == wanted.key_columns.len()
        && has.key_columns.iter().zip(&wanted.key_columns).all(|(has, wanted)| is_same_key(has, wanted))
        && is_same_predicate(has.predicate.as_deref(), wanted.predicate.as_deref())
        && (has.is_unique || !wanted.is_unique)
        && wanted.included_columns.iter().all(|column| has.included_columns.contains(column))
}

fn is_same_key(has: &IndexColumn, wanted: &IndexColumn) -> bool {
    let is_same_target = match (&has.target, &wanted.target) {
        (IndexTarget::Expression(has), IndexTarget::Expression(wanted)) => sql::same_expression(has, wanted),
        (has, wanted) => has == wanted,
    };
    is_same_target
        && (has.descending, has.nulls_first) == (wanted.descending, wanted.nulls_first)
        && (&has.opclass, &has.collation) == (&wanted.opclass, &wanted.collation)
}

fn is_same_predicate(has: Option<&str>, wanted: Option<&str>) -> bool {
    match (has, wanted) {
        (Some(has), Some(wanted)) => sql::same_predicate(has, wanted),
        (has, wanted) => has == wanted,
    }
}
