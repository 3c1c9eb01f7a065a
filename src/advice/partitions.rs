//! The indexes of partitions that make up the index of a partitioned table. Prices nothing.

use std::collections::HashMap;

use crate::pg::{IndexDefinition, Oid, RelationName};
use crate::snapshot::{Catalog, Index, Relation, RelationKind};

use super::candidates::spelled_as_existing;
use super::naming::Names;

/// The index of a partition, a part of the index of the partitioned table above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionIndex {
    /// The partition's oid in the snapshot.
    pub relation_oid: Oid,
    /// The partition.
    pub relation: RelationName,
    /// The index's name; it lives in the partition's schema.
    pub name: String,
    /// Whether the partition is a partitioned table itself.
    pub is_partitioned: bool,
    /// The index that it is attached to, by position in the list; `None` for that of the step's own relation.
    pub attached_to: Option<usize>,
    /// Whether it is there already, with whatever is below it, and is only attached.
    pub is_there: bool,
}

/// The indexes that a new one of `root` consists of, each before those that are attached to it. An index of a partition
/// that is the same and belongs to no other is taken as it is, with what is attached to it.
pub fn to_create(
    catalog: &Catalog<'_>,
    root: &Relation,
    definition: &IndexDefinition,
    names: &mut Names,
) -> Vec<PartitionIndex> {
    let mut parts = Parts::of(root);
    for partition in catalog.partitions(root.oid) {
        let wanted = spelled_as_existing(partition, definition);
        let is_same = |index: &&Index| {
            index.is_usable() && index.constraint.is_none() && index.parent.is_none() && index.definition == *wanted
        };
        match parts.above(partition) {
            Some(Above { existing: Some(above), .. }) => {
                if let Some(index) = partition.indexes.iter().find(|index| index.parent == Some(above)) {
                    parts.add(partition, index.name.clone(), Some(index.oid));
                }
            }
            Some(_) => match partition.indexes.iter().find(is_same) {
                Some(index) => parts.add(partition, index.name.clone(), Some(index.oid)),
                None => parts.add(partition, names.choose(&partition.name, definition), None),
            },
            None => {}
        }
    }
    parts.list
}

/// The part above a partition's.
#[derive(Debug, Clone, Copy)]
struct Above {
    /// Its position in the list; `None` for the index of the root.
    position: Option<usize>,
    /// The index, if it is in the snapshot.
    existing: Option<Oid>,
}

struct Parts {
    list: Vec<PartitionIndex>,
    by_relation: HashMap<Oid, Above>,
}

impl Parts {
    fn of(root: &Relation) -> Self {
        let above = Above { position: None, existing: None };
        Self { list: Vec::new(), by_relation: HashMap::from([(root.oid, above)]) }
    }

    fn above(&self, partition: &Relation) -> Option<Above> {
        self.by_relation.get(&partition.parent?).copied()
    }

    fn add(&mut self, partition: &Relation, name: String, existing: Option<Oid>) {
        let above = self.above(partition).and_then(|above| above.position);
        self.by_relation.insert(partition.oid, Above { position: Some(self.list.len()), existing });
        self.list.push(PartitionIndex {
            relation_oid: partition.oid,
            relation: partition.name.clone(),
            name,
            is_partitioned: partition.kind == RelationKind::PartitionedTable,
            attached_to: above,
            is_there: existing.is_some(),
        });
    }
}
