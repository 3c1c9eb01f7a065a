//! What a statement touches of each relation, to tell quickly which candidates can matter to it. Asks no planner.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget, Oid};
use crate::snapshot::Catalog;
use crate::sql::Shape;

use super::super::scope;
use super::predicate;

/// What a statement touches, to tell quickly which candidates can matter to it.
pub struct Footprint {
    /// What each relation's scans compare, sort, group and join by.
    pub targets: BTreeMap<Oid, BTreeSet<IndexTarget>>,
    conditions: BTreeMap<Oid, BTreeSet<String>>,
}

impl Footprint {
    /// What `shape` touches.
    pub fn of(catalog: &Catalog<'_>, shape: &Shape) -> Self {
        let mut footprint = Self { targets: BTreeMap::new(), conditions: BTreeMap::new() };
        for scan in &shape.scans {
            let Some(relation) = scope::indexed_relation(catalog, scan.relation) else { continue };
            let targets = footprint.targets.entry(relation.oid).or_default();
            targets
                .extend(scan.quals.iter().chain(scan.or_groups.iter().flatten().flatten()).map(|q| q.target.clone()));
            targets.extend(scan.order.iter().map(|key| key.target.clone()));
            targets.extend(scan.group.iter().chain(&scan.extremes).cloned());
            targets.extend(scan.nearest.iter().map(|distance| distance.target.clone()));
            targets.extend(scan.row_comparisons.iter().flat_map(|row| row.targets.iter().cloned()));
            let conditions = predicate::conditions_implied(relation, &scan.quals);
            footprint.conditions.entry(relation.oid).or_default().extend(conditions);
        }
        for join in &shape.joins {
            for (scan, target) in [(join.left_scan, &join.left), (join.right_scan, &join.right)] {
                let relation = shape.scans.get(scan).map(|scan| catalog.partition_root(scan.relation));
                if let Some(relation) = relation {
                    footprint.targets.entry(relation).or_default().insert(target.clone());
                }
            }
        }
        footprint
    }

    /// Whether the statement compares or sorts by the leading key column, of an inverted index by any, and implies the
    /// predicate.
    pub fn could_use(&self, relation: Oid, definition: &IndexDefinition) -> bool {
        let n_leading = if definition.access_method == AccessMethod::Gin { definition.key_columns.len() } else { 1 };
        let is_touched =
            |key: &IndexColumn| self.targets.get(&relation).is_some_and(|targets| targets.contains(&key.target));
        let leads = definition.key_columns.iter().take(n_leading).any(is_touched);
        let implies = |predicate: &String| {
            self.conditions.get(&relation).is_some_and(|conditions| {
                conditions.contains(predicate)
                    || predicate
                        .split(" AND ")
                        .map(|part| part.strip_prefix('(').and_then(|part| part.strip_suffix(')')).unwrap_or(part))
                        .all(|part| conditions.contains(part))
            })
        };
        leads && definition.predicate.as_ref().is_none_or(implies)
    }
}
