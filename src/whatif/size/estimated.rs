//! What a size model answers: pages, height, and what the access method's metapage tells the planner. Computes none of
//! it.

use crate::pg::Bytes;

/// The size of an index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexSize {
    /// Blocks, the metapage included; over all partitions for a partitioned table.
    pub n_pages: u64,
    /// Levels above the leaves (`btm_level` of a btree, which is the only access method whose height the planner reads
    /// from the index); the largest of the partitions' for a partitioned table. 0 for access methods without a tree.
    pub height: u32,
    /// What the planner reads from the index itself beside its length.
    pub metapage: Metapage,
}

/// What cost estimators read from the first block of an index (`selfuncs.c`), beside a btree's height. Sums over all
/// partitions for a partitioned table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Metapage {
    /// Nothing: btree (but for the height), hash, GiST, SP-GiST, bloom.
    #[default]
    Silent,
    /// `ginGetStats` for `gincostestimate`: pages of the tree of keys and of the posting trees below it, and keys.
    /// The pending list of an index just built is empty; total pages are the index's own.
    Gin {
        /// `nEntryPages`
        n_entry_pages: u64,
        /// `nDataPages`
        n_data_pages: u64,
        /// `nEntries`
        n_entries: u64,
    },
    /// `brinGetStats` for `brincostestimate`, which also reads `pagesPerRange`, a storage parameter.
    Brin {
        /// Blocks of the range map; it begins at block 1, so this is `lastRevmapPage`.
        n_revmap_pages: u64,
    },
}

impl IndexSize {
    /// An index of `n_pages` blocks without height, whose metapage says nothing.
    pub(super) fn of_pages(n_pages: f64) -> Self {
        Self { n_pages: n_pages.ceil() as u64, ..Self::default() }
    }

    /// The size in bytes.
    pub fn bytes(self) -> Bytes {
        Bytes::of_blocks(self.n_pages)
    }

    /// Two partitions' indexes taken together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            n_pages: self.n_pages.saturating_add(other.n_pages),
            height: self.height.max(other.height),
            metapage: self.metapage.plus(other.metapage),
        }
    }

    /// The same index with its real number of pages.
    pub(super) fn scaled_to(self, n_pages: u64) -> Self {
        let metapage = self.metapage.scaled(n_pages as f64 / self.n_pages.max(1) as f64);
        Self { n_pages, metapage, ..self }
    }
}

impl Metapage {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Gin { n_entry_pages, n_data_pages, n_entries },
                Self::Gin { n_entry_pages: entry, n_data_pages: data, n_entries: entries },
            ) => Self::Gin {
                n_entry_pages: n_entry_pages + entry,
                n_data_pages: n_data_pages + data,
                n_entries: n_entries + entries,
            },
            (Self::Brin { n_revmap_pages }, Self::Brin { n_revmap_pages: more }) => {
                Self::Brin { n_revmap_pages: n_revmap_pages + more }
            }
            (Self::Silent, other) => other,
            (metapage, _) => metapage,
        }
    }

    /// Keys and range maps depend on the rows and not on how full pages are; the pages of a GIN index do.
    fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Gin { n_entry_pages, n_data_pages, n_entries } => {
                let scaled = |n: u64| (n as f64 * factor).round() as u64;
                Self::Gin { n_entry_pages: scaled(n_entry_pages).max(1), n_data_pages: scaled(n_data_pages), n_entries }
            }
            other => other,
        }
    }
}
