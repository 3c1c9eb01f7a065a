//! Which relations advice is given for, and how large they are. Partitions stand for the partitioned table above them.

use crate::pg::Oid;
use crate::snapshot::{Catalog, Relation, RelationKind};

use super::AdviseOptions;

/// Blocks below which a relation is read as fast by a sequential scan: an index descent and a heap fetch cost two
/// random pages, eight sequential ones at the default `random_page_cost` of 4.
const PAGES_MIN: u64 = 10;

/// Depth of partition trees that is followed; a loop in a damaged snapshot must not be.
const DEPTH_MAX: usize = 16;

/// The relation that an index for `relation` would be created on: the root of a partition tree, where one index
/// serves every partition.
pub fn indexed_relation<'s>(catalog: &Catalog<'s>, relation: Oid) -> Option<&'s Relation> {
    catalog.relation(catalog.partition_root(relation))
}

/// Why no index is proposed for `relation` whatever the statements ask; `None` when one may be.
pub fn refusal(catalog: &Catalog<'_>, relation: &Relation, options: &AdviseOptions) -> Option<String> {
    if !options.admits(&relation.name) {
        return Some("the relation is excluded by the options of this run".to_owned());
    }
    if let Some(extension) = &relation.extension {
        return Some(format!("the relation belongs to extension {extension}"));
    }
    if !relation.is_indexable() {
        return Some("an index would not outlive the session, or the relation stores no rows".to_owned());
    }
    let extent = Extent::of(catalog, relation);
    if !options.assume_rows && extent.is_small() {
        return Some(format!("the relation has fewer than {PAGES_MIN} pages: a sequential scan is as fast"));
    }
    None
}

/// Whether `relation` is known to have no rows. What is joined with it costs nothing by any index, and the planner, which
/// expects a row, takes a lookup by that row for the best plan.
pub fn is_empty(catalog: &Catalog<'_>, relation: Oid) -> bool {
    has_no_blocks(catalog, relation, DEPTH_MAX)
}

fn has_no_blocks(catalog: &Catalog<'_>, relation: Oid, depth: usize) -> bool {
    let Some(relation) = catalog.relation(relation).filter(|_| depth > 0) else { return false };
    let is_empty_itself = match relation.kind {
        RelationKind::Table | RelationKind::MaterializedView => relation.n_blocks == Some(0),
        RelationKind::PartitionedTable => true,
        RelationKind::View | RelationKind::ForeignTable => false,
    };
    is_empty_itself && catalog.children(relation.oid).iter().all(|child| has_no_blocks(catalog, *child, depth - 1))
}

/// How large a relation is, its partitions included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Rows; `None` when it was never analysed and no counter knows.
    pub n_rows: Option<f64>,
    /// Blocks, as of the last VACUUM or ANALYZE.
    pub n_pages: u64,
    /// Blocks of which every row is visible to all, as of the last VACUUM.
    pub n_all_visible_pages: u64,
    /// Whether `n_pages` is known rather than never measured.
    pub is_measured: bool,
}

impl Extent {
    /// The extent of `relation` and of everything below it.
    pub fn of(catalog: &Catalog<'_>, relation: &Relation) -> Self {
        Self::to_depth(catalog, relation, DEPTH_MAX)
    }

    fn to_depth(catalog: &Catalog<'_>, relation: &Relation, depth: usize) -> Self {
        let is_parent = relation.kind == RelationKind::PartitionedTable;
        if !is_parent || depth == 0 {
            return Self::of_one(relation);
        }
        let children = catalog.children(relation.oid).iter().filter_map(|oid| catalog.relation(*oid));
        let nothing = Self { n_rows: Some(0.0), n_pages: 0, n_all_visible_pages: 0, is_measured: true };
        children.map(|child| Self::to_depth(catalog, child, depth - 1)).fold(nothing, Self::plus)
    }

    fn of_one(relation: &Relation) -> Self {
        let counted = relation.activity.as_ref().map(|activity| activity.n_live_rows as f64);
        Self {
            n_rows: relation.n_rows.or(counted),
            n_pages: relation.n_pages,
            n_all_visible_pages: relation.n_all_visible_pages,
            is_measured: relation.n_rows.is_some(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            n_rows: self.n_rows.zip(other.n_rows).map(|(a, b)| a + b),
            n_pages: self.n_pages.saturating_add(other.n_pages),
            n_all_visible_pages: self.n_all_visible_pages.saturating_add(other.n_all_visible_pages),
            is_measured: self.is_measured && other.is_measured,
        }
    }

    /// Whether it is known to be too small for an index to matter. A relation that was never analysed has no page
    /// count, so only its live rows can say so: a page holds 8 to 200 rows of common width.
    pub fn is_small(&self) -> bool {
        if self.is_measured {
            return self.n_pages < PAGES_MIN;
        }
        self.n_pages < PAGES_MIN && self.n_rows.is_some_and(|n_rows| n_rows < PAGES_MIN as f64 * 20.0)
    }

    /// The share of blocks that an index-only scan does not have to visit.
    pub fn visible_share(&self) -> f64 {
        if self.n_pages == 0 { 0.0 } else { self.n_all_visible_pages as f64 / self.n_pages as f64 }
    }
}
