//! Which indexes must stay whatever their use: those that enforce or carry something. Says why; judges no usage.

use std::collections::BTreeSet;
use std::fmt;

use super::foreign_key::{serves_foreign_key, would_serve_foreign_key};
use super::overlap::NewIndex;
use super::{Catalog, ConstraintKind, Index, Relation, RelationKind};
use crate::pg::Oid;

/// Why an index must not be dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepReason {
    /// It is the primary key's.
    PrimaryKey,
    /// It enforces uniqueness, which no scan counter shows.
    Unique,
    /// It enforces an exclusion constraint.
    Exclusion,
    /// It enforces the constraint of this name.
    Constraint(String),
    /// Logical replication identifies rows by it.
    ReplicaIdentity,
    /// The relation was last clustered on it, and `CLUSTER` without an index name would use it again.
    Clustered,
    /// It is a partition's part of a partitioned index.
    AttachedToPartitionedIndex,
    /// It is a partitioned table's: it cannot be dropped concurrently.
    OfPartitionedTable,
    /// The foreign key of this name refers to it.
    ReferencedByForeignKey(String),
    /// It is the only index by which the foreign key of this name finds referencing rows.
    OnlyServerOfForeignKey(String),
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrimaryKey => f.write_str("it is the primary key's"),
            Self::Unique => f.write_str("it enforces uniqueness"),
            Self::Exclusion => f.write_str("it enforces an exclusion constraint"),
            Self::Constraint(name) => write!(f, "it enforces constraint {name}"),
            Self::ReplicaIdentity => f.write_str("it is the replica identity"),
            Self::Clustered => f.write_str("the relation is clustered on it"),
            Self::AttachedToPartitionedIndex => f.write_str("it is attached to a partitioned index"),
            Self::OfPartitionedTable => f.write_str("an index of a partitioned table cannot be dropped concurrently"),
            Self::ReferencedByForeignKey(name) => write!(f, "foreign key {name} refers to it"),
            Self::OnlyServerOfForeignKey(name) => write!(f, "it is the only index that serves foreign key {name}"),
        }
    }
}

/// Every reason why `index` of `relation` must stay when the indexes in `dropped` are gone and those in `coming` are
/// there; empty when there is none.
pub fn must_keep(
    catalog: &Catalog<'_>,
    relation: &Relation,
    index: &Index,
    dropped: &BTreeSet<Oid>,
    coming: &[NewIndex],
) -> Vec<KeepReason> {
    let mut reasons = BTreeSet::new();
    let mut keep_if = |is_true: bool, reason: KeepReason| {
        if is_true {
            reasons.insert(reason);
        }
    };
    keep_if(index.is_primary, KeepReason::PrimaryKey);
    keep_if(index.definition.is_unique, KeepReason::Unique);
    keep_if(index.is_exclusion, KeepReason::Exclusion);
    keep_if(index.is_replica_identity, KeepReason::ReplicaIdentity);
    keep_if(index.is_clustered, KeepReason::Clustered);
    keep_if(index.parent.is_some(), KeepReason::AttachedToPartitionedIndex);
    keep_if(relation.kind == RelationKind::PartitionedTable, KeepReason::OfPartitionedTable);
    if let Some(name) = &index.constraint {
        keep_if(true, KeepReason::Constraint(name.clone()));
    }
    for name in referring_foreign_keys(catalog, index.oid) {
        keep_if(true, KeepReason::ReferencedByForeignKey(name));
    }
    for name in foreign_keys_served_alone(relation, index, dropped, coming) {
        keep_if(true, KeepReason::OnlyServerOfForeignKey(name));
    }
    reasons.into_iter().collect()
}

/// Foreign keys, of any relation, that rely on the index `oid`.
fn referring_foreign_keys(catalog: &Catalog<'_>, oid: Oid) -> Vec<String> {
    let constraints = catalog.snapshot().relations.iter().flat_map(|relation| &relation.constraints);
    constraints
        .filter(|constraint| constraint.foreign_key.as_ref().is_some_and(|key| key.referenced_index == Some(oid)))
        .map(|constraint| constraint.name.clone())
        .collect()
}

/// Foreign keys of `relation` that `index` serves and none of the other indexes that stay does.
fn foreign_keys_served_alone(
    relation: &Relation,
    index: &Index,
    dropped: &BTreeSet<Oid>,
    coming: &[NewIndex],
) -> Vec<String> {
    let stays = |other: &&Index| other.oid != index.oid && !dropped.contains(&other.oid);
    let is_served_otherwise = |columns: &[String]| {
        relation.indexes.iter().filter(stays).any(|other| serves_foreign_key(other, columns))
            || coming.iter().any(|new| would_serve_foreign_key(&new.definition, columns))
    };
    relation
        .constraints
        .iter()
        .filter(|constraint| constraint.kind == ConstraintKind::ForeignKey)
        .filter(|constraint| serves_foreign_key(index, &constraint.columns))
        .filter(|constraint| !is_served_otherwise(&constraint.columns))
        .map(|constraint| constraint.name.clone())
        .collect()
}
