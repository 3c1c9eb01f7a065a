//! Looking things up in a snapshot: relations by oid and by name along the search path, indexes by oid.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Index, Relation, Snapshot};
use crate::pg::Oid;

/// An index over a snapshot's relations. Cheap to build (one pass), borrowed from the snapshot.
#[derive(Debug)]
pub struct Catalog<'s> {
    snapshot: &'s Snapshot,
    by_oid: HashMap<Oid, &'s Relation>,
    by_name: HashMap<(&'s str, &'s str), &'s Relation>,
    indexes: HashMap<Oid, (&'s Relation, &'s Index)>,
    index_names: HashMap<(&'s str, &'s str), Oid>,
    children: HashMap<Oid, Vec<Oid>>,
}

impl<'s> Catalog<'s> {
    /// Builds the maps.
    pub fn new(snapshot: &'s Snapshot) -> Self {
        let mut catalog = Self {
            snapshot,
            by_oid: HashMap::new(),
            by_name: HashMap::new(),
            indexes: HashMap::new(),
            index_names: HashMap::new(),
            children: HashMap::new(),
        };
        for relation in &snapshot.relations {
            catalog.by_oid.insert(relation.oid, relation);
            catalog.by_name.insert((relation.name.schema.as_str(), relation.name.name.as_str()), relation);
            if let Some(parent) = relation.parent {
                catalog.children.entry(parent).or_default().push(relation.oid);
            }
            for index in &relation.indexes {
                catalog.indexes.insert(index.oid, (relation, index));
                catalog.index_names.insert((relation.name.schema.as_str(), index.name.as_str()), index.oid);
            }
        }
        catalog
    }

    /// The snapshot behind it.
    pub fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    /// The relation with this oid.
    pub fn relation(&self, oid: Oid) -> Option<&'s Relation> {
        self.by_oid.get(&oid).copied()
    }

    /// Whether every function of the database that is called `name`, in whatever schema, is IMMUTABLE, and there is one.
    pub fn is_immutable_function(&self, name: &str) -> bool {
        let mut called_so =
            self.snapshot.schema.functions.iter().filter(|function| function.name.name == name).peekable();
        called_so.peek().is_some() && called_so.all(|function| function.volatility == 'i')
    }

    /// The relation called `name`: in `schema` when one is given, else in the first schema of the search path that
    /// has one. Names are unquoted and already folded.
    pub fn find(&self, schema: Option<&str>, name: &str) -> Option<&'s Relation> {
        match schema {
            Some(schema) => self.by_name.get(&(schema, name)).copied(),
            None => self
                .snapshot
                .server
                .search_path
                .iter()
                .find_map(|schema| self.by_name.get(&(schema.as_str(), name)).copied()),
        }
    }

    /// Every relation called `name`, whatever its schema, in the snapshot's order.
    pub fn find_in_any_schema(&self, name: &str) -> Vec<&'s Relation> {
        self.snapshot.relations.iter().filter(|relation| relation.name.name == name).collect()
    }

    /// The index with this oid, and its relation.
    pub fn index(&self, oid: Oid) -> Option<(&'s Relation, &'s Index)> {
        self.indexes.get(&oid).copied()
    }

    /// The index called `name` in `schema`.
    pub fn index_named(&self, schema: &str, name: &str) -> Option<(&'s Relation, &'s Index)> {
        self.index_names.get(&(schema, name)).and_then(|oid| self.index(*oid))
    }

    /// Partitions and inheritance children of a relation, one level down.
    pub fn children(&self, oid: Oid) -> &[Oid] {
        self.children.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// The partitions below a partitioned table at all levels, each after the one that it is a partition of, by name.
    pub fn partitions(&self, root: Oid) -> Vec<&'s Relation> {
        let mut found: Vec<&'s Relation> = Vec::new();
        let mut seen = HashSet::from([root]);
        let mut open = VecDeque::from([root]);
        while let Some(parent) = open.pop_front() {
            let children = self.children(parent).iter().filter_map(|oid| self.relation(*oid));
            let mut partitions: Vec<&'s Relation> = children.filter(|child| child.is_partition).collect();
            partitions.sort_by(|a, b| a.name.cmp(&b.name));
            // A damaged snapshot may have a relation below itself.
            partitions.retain(|partition| seen.insert(partition.oid));
            open.extend(partitions.iter().map(|partition| partition.oid));
            found.extend(partitions);
        }
        found
    }

    /// The topmost partitioned table above a partition; the relation itself when it is no partition.
    pub fn partition_root(&self, oid: Oid) -> Oid {
        let mut root = oid;
        while let Some(relation) = self.relation(root).filter(|relation| relation.is_partition) {
            match relation.parent {
                Some(parent) if parent != root => root = parent,
                _ => break,
            }
        }
        root
    }
}
