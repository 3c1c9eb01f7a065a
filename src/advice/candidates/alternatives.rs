//! Smaller indexes for what a btree answers too: BRIN for ranges over rows that are stored in order, hash for single
//! values that are wide. They compete with the btree; which one is worth more is for the search to say.

use std::collections::BTreeSet;

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget, Oid};
use crate::snapshot::{Catalog, Column, Relation};
use crate::sql::{Comparison, Scan, Shape};
use crate::whatif::size;

use super::access::Access;
use super::operator_class::ValueType;
use super::target::is_too_wide;

/// Blocks of a relation from which a BRIN index is thought of: 256 MB are 256 of its ranges (`pages_per_range` of 128
/// blocks, 1 MB). In fewer, one range that has to be read whole is as much as many a btree's answer, and the btree
/// itself is a few MB.
const BRIN_PAGES_MIN: u64 = 32_768;

/// The correlation of a column with the order of storage from which the values of a range of blocks are close together:
/// the planner expects a scan to read `1 / correlation` times the blocks that it has to (`brincostestimate`).
const BRIN_CORRELATION_MIN: f64 = 0.95;

/// Mean bytes of a value from which a hash index, whose entries are as long for every value, may be much smaller.
const HASH_BYTES_MIN: i32 = 64;

/// How many times smaller than the btree a hash index has to be: it orders nothing, and serves one operator.
const HASH_TIMES_SMALLER: u64 = 2;

/// Targets that some statement sorts, groups or compares by otherwise than for one value.
#[derive(Debug, Default)]
pub struct Ordered(BTreeSet<(Oid, IndexTarget)>);

impl Ordered {
    /// Those of all `shapes`.
    pub fn of<'s>(catalog: &Catalog<'_>, shapes: impl Iterator<Item = &'s Shape>) -> Self {
        let mut ordered = Self::default();
        for scan in shapes.flat_map(|shape| &shape.scans) {
            let relation = catalog.partition_root(scan.relation);
            let quals = scan.quals.iter().chain(scan.or_groups.iter().flatten().flatten());
            let other = quals.filter(|qual| qual.comparison != Comparison::Equal).map(|qual| &qual.target);
            let sorted = scan.order.iter().map(|key| &key.target).chain(&scan.group).chain(&scan.extremes);
            let rows = scan.row_comparisons.iter().flat_map(|row| &row.targets);
            ordered.0.extend(other.chain(sorted).chain(rows).map(|target| (relation, target.clone())));
        }
        ordered
    }
}

/// BRIN indexes on the columns of which the scan asks a range, where the relation is large and stored in their order.
pub fn block_ranges(access: &Access<'_>) -> Vec<IndexDefinition> {
    if access.extent.n_pages < BRIN_PAGES_MIN {
        return Vec::new();
    }
    let is_in_order = |key: &&IndexColumn| {
        let column = key.target.column().and_then(|name| access.relation.column(name));
        let correlation = column.and_then(Column::best_statistics).and_then(|statistics| statistics.correlation);
        key.opclass.is_none()
            && correlation.is_some_and(|correlation| correlation.abs() >= BRIN_CORRELATION_MIN)
            && ValueType::of(access.relation, &key.target).is_some_and(|value| value.is_scalar())
    };
    let keys = access.ranges.iter().filter(is_in_order);
    keys.map(|key| of_one(AccessMethod::Brin, key.target.clone())).collect()
}

/// Hash indexes on the wide columns that the scan compares with one value each, and no statement otherwise, where they
/// are much smaller than the btree or no btree can be.
pub fn hashes(catalog: &Catalog<'_>, relation: &Relation, scan: &Scan, ordered: &Ordered) -> Vec<IndexDefinition> {
    let mut hashes = Vec::new();
    for qual in scan.quals.iter().filter(|qual| qual.comparison == Comparison::Equal) {
        let Some(column) = qual.target.column().and_then(|name| relation.column(name)) else { continue };
        let width = column.best_statistics().map_or(0, |statistics| statistics.average_width);
        let is_known = ValueType::of(relation, &qual.target).is_some_and(|value| value.is_scalar());
        if width < HASH_BYTES_MIN || !is_known || ordered.0.contains(&(relation.oid, qual.target.clone())) {
            continue;
        }
        let hash = of_one(AccessMethod::Hash, qual.target.clone());
        let btree = IndexDefinition::btree([qual.target.clone()]);
        let bytes = |definition| size::estimate(catalog, relation, definition).map(|size| size.bytes().0).ok();
        let is_smaller =
            || bytes(&hash).zip(bytes(&btree)).is_some_and(|(hash, btree)| hash * HASH_TIMES_SMALLER <= btree);
        if (is_too_wide(column) || is_smaller()) && !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    hashes
}

fn of_one(access_method: AccessMethod, target: IndexTarget) -> IndexDefinition {
    IndexDefinition { access_method, ..IndexDefinition::btree([target]) }
}
