//! Whether the pages that an index entry goes to are in memory. Knows sizes only, not what is read and when.

use crate::pg::Oid;
use crate::pg::units::BLOCK_BYTES;
use crate::snapshot::{Catalog, Relation, Snapshot};

/// The part of `effective_cache_size` that is taken to hold relations and indexes.
const CACHE_SHARE: f64 = 0.75;

/// PostgreSQL's defaults, where the snapshot does not have the settings.
const EFFECTIVE_CACHE_BLOCKS: f64 = 524_288.0;
const RANDOM_PAGE_COST: f64 = 4.0;

/// The cache, and everything that wants to be in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cache {
    /// Bytes that it holds.
    bytes: f64,
    /// Bytes of all relations and their indexes.
    bytes_stored: f64,
    /// `random_page_cost`: what a page costs that is not in it.
    pub random_page_cost: f64,
}

impl Cache {
    pub fn of(snapshot: &Snapshot) -> Self {
        let number = |name: &str, default: f64| {
            let setting = snapshot.settings.iter().find(|setting| setting.name == name);
            setting.and_then(|setting| setting.value.parse().ok()).filter(|n: &f64| n.is_finite()).unwrap_or(default)
        };
        let stored = snapshot.relations.iter().map(|relation| heap_bytes(relation) + own_index_bytes(relation));
        Self {
            bytes: CACHE_SHARE * number("effective_cache_size", EFFECTIVE_CACHE_BLOCKS) * BLOCK_BYTES as f64,
            bytes_stored: stored.sum(),
            random_page_cost: number("random_page_cost", RANDOM_PAGE_COST),
        }
    }

    /// How likely a random page of a relation's indexes is not in the cache, when they have `index_bytes` in all: each
    /// relation has its share of the cache by its size.
    pub fn miss_share(&self, heap_bytes: f64, index_bytes: f64, index_bytes_now: f64) -> f64 {
        let wanted = heap_bytes + index_bytes;
        let stored = (self.bytes_stored + index_bytes - index_bytes_now).max(wanted);
        let held = if stored > 0.0 { self.bytes * wanted / stored } else { self.bytes };
        if index_bytes > 0.0 { (1.0 - held / index_bytes).max(0.0) } else { 0.0 }
    }
}

/// Bytes of a relation's rows; of a partitioned table, of all its partitions.
pub(super) fn heap_bytes_with_partitions(catalog: &Catalog<'_>, relation: &Relation) -> f64 {
    over_partitions(catalog, relation.oid, heap_bytes)
}

/// Bytes of a relation's indexes; of a partitioned table, of all its partitions.
pub(super) fn index_bytes_with_partitions(catalog: &Catalog<'_>, relation: &Relation) -> f64 {
    over_partitions(catalog, relation.oid, own_index_bytes)
}

fn over_partitions(catalog: &Catalog<'_>, root: Oid, bytes: fn(&Relation) -> f64) -> f64 {
    let mut sum = 0.0;
    let mut open = vec![root];
    while let Some(oid) = open.pop() {
        let Some(relation) = catalog.relation(oid) else { continue };
        sum += bytes(relation);
        open.extend(
            catalog
                .children(oid)
                .iter()
                .filter(|child| catalog.relation(**child).is_some_and(|child| child.is_partition)),
        );
    }
    sum
}

fn heap_bytes(relation: &Relation) -> f64 {
    relation.n_blocks.unwrap_or(relation.n_pages) as f64 * BLOCK_BYTES as f64
}

fn own_index_bytes(relation: &Relation) -> f64 {
    relation.indexes.iter().map(|index| index.n_blocks.unwrap_or(index.n_pages) as f64).sum::<f64>()
        * BLOCK_BYTES as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: f64 = 1_073_741_824.0;

    #[test]
    fn what_fits_is_cached_and_what_does_not_misses_by_its_excess() {
        let cache = Cache { bytes: 8.0 * GB, bytes_stored: 4.0 * GB, random_page_cost: 4.0 };
        assert_eq!(cache.miss_share(2.0 * GB, 2.0 * GB, 1.0 * GB), 0.0);
        // One relation of 8 GB with indexes of 24 GB: a quarter of all is held, 8 of the 24 GB.
        let large = Cache { bytes_stored: 32.0 * GB, ..cache };
        assert!((large.miss_share(8.0 * GB, 24.0 * GB, 24.0 * GB) - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(large.miss_share(0.0, 0.0, 0.0), 0.0);
    }
}
