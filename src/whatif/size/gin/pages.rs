//! Pages of a GIN index that is built over given keys: posting lists as `ginpostinglist.c` compresses them, entries as
//! `ginentrypage.c` splits them, posting trees as `gindatapage.c` packs them. Knows no statistics.

use crate::whatif::size::poisson;

/// `IndexTupleData`
const TUPLE_HEADER: f64 = 8.0;
/// `ItemIdData`
const LINE_POINTER: f64 = 4.0;
/// A posting list before its first difference: the first heap position and a length (`GinPostingList`).
const LIST_HEADER: f64 = 8.0;
/// The largest entry; one whose posting list is longer gets a posting tree (`GinMaxItemSize`, `ginblock.h`).
const ENTRY_BYTES_MAX: f64 = 2712.0;
/// 8192 less page header and special space (`GinPageOpaqueData`).
const PAGE_SPACE: f64 = 8160.0;
/// The largest segment of a page of a posting tree (`GinPostingListSegmentMaxSize`, `gindatapage.c`).
const SEGMENT_BYTES: f64 = 384.0;
/// Segments that fit the 8152 bytes of such a page (`GinDataPageMaxDataSize`).
const SEGMENTS_PER_PAGE: f64 = 21.0;
/// Children of an inner page of a posting tree: 8152 bytes of 10 (`PostingItem`).
const CHILDREN_PER_PAGE: f64 = 815.0;
/// Differences below 2^7, 2^14, 2^21 … take one, two, three … bytes (`encode_varbyte`); one block is 2^11 of them
/// (`MaxHeapTuplesPerPageBits`). So these are the blocks that so many bytes reach on average.
const BLOCKS_OF_TWO_BYTES: f64 = 7.5;
const BLOCKS_OF_THREE_BYTES: f64 = 1023.5;
const BLOCKS_OF_FOUR_BYTES: f64 = 131_071.5;
/// Rows of a page that one byte reaches.
const ROWS_OF_ONE_BYTE: f64 = 127.0;

/// Keys that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Keys {
    pub n_keys: f64,
    /// Rows that each of them is in, on average.
    pub n_rows: f64,
    /// Bytes of a key as stored, and its alignment.
    pub width: f64,
    pub alignment: f64,
    /// How much the rows of a key lie together: 0 anywhere in the relation, 1 one after the other.
    pub order: f64,
}

/// What the pages depend on beside the keys.
pub(super) struct Build {
    pub rows_per_page: f64,
    pub n_all: f64,
    /// Whether every entry says which column it is of.
    pub has_column_number: bool,
}

/// The pages, without the metapage.
pub(super) struct Pages {
    pub n_entry: f64,
    pub n_data: f64,
    pub n_entries: f64,
}

impl Build {
    /// The pages of an index over `groups` of keys.
    pub fn pages(&self, groups: &[Keys]) -> Pages {
        let (mut bytes, mut key_bytes, mut n_entries, mut n_data) = (0.0, 0.0, 0.0, 0.0);
        for keys in groups {
            let list = |more: f64| self.entry(keys, 1.0 + more);
            let mean =
                |part: fn(&Entry) -> f64| poisson::mean_over((keys.n_rows - 1.0).max(0.0), |more| part(&list(more)));
            bytes += keys.n_keys * (mean(|entry| entry.bytes) + LINE_POINTER);
            n_data += keys.n_keys * mean(|entry| entry.n_data_pages);
            key_bytes += keys.n_keys * (self.key_bytes(keys) + LINE_POINTER);
            n_entries += keys.n_keys;
        }
        let per_entry = bytes / n_entries.max(1.0);
        let n_entry = entry_pages(bytes, per_entry, key_bytes / n_entries.max(1.0));
        Pages { n_entry, n_data: n_data.round(), n_entries: n_entries.round() }
    }

    /// The entry of a key that is in `n_rows` rows (`buildFreshLeafTuple`).
    fn entry(&self, keys: &Keys, n_rows: f64) -> Entry {
        let key_bytes = self.key_bytes(keys);
        let per_row = self.bytes_per_row(keys, n_rows);
        let list = LIST_HEADER + (n_rows - 1.0) * per_row;
        let bytes = aligned(key_bytes + aligned(list, 2.0), 8.0);
        if bytes <= ENTRY_BYTES_MAX {
            return Entry { bytes, n_data_pages: 0.0 };
        }
        let rows_per_segment = 1.0 + (SEGMENT_BYTES - LIST_HEADER) / per_row;
        let mut n_data_pages = (n_rows / (rows_per_segment * SEGMENTS_PER_PAGE)).ceil();
        let mut level = n_data_pages;
        while level > 1.0 {
            level = (level / CHILDREN_PER_PAGE).ceil();
            n_data_pages += level;
        }
        Entry { bytes: key_bytes, n_data_pages }
    }

    /// An entry without its posting list (`GinFormTuple`).
    fn key_bytes(&self, keys: &Keys) -> f64 {
        let start = TUPLE_HEADER + if self.has_column_number { 2.0 } else { 0.0 };
        aligned(aligned(start, keys.alignment) + keys.width, 8.0)
    }

    /// Mean bytes of the difference between two neighbours in a posting list of `n_rows` rows.
    fn bytes_per_row(&self, keys: &Keys, n_rows: f64) -> f64 {
        let free = 1.0 - (n_rows / self.n_all.max(1.0)).min(1.0);
        let per_page = self.rows_per_page.max(1.0);
        let same_block = if free < 1.0 { 1.0 - (1.0 - free.powf(per_page)) / (per_page * (1.0 - free)) } else { 0.0 };
        let beyond = |n_blocks: f64| (1.0 - same_block) * free.powf(per_page * n_blocks);
        let within = 1.0 + (1.0 - ROWS_OF_ONE_BYTE / per_page).max(0.0).powi(2);
        let scattered = same_block * within
            + (1.0 - same_block) * 2.0
            + beyond(BLOCKS_OF_TWO_BYTES)
            + beyond(BLOCKS_OF_THREE_BYTES)
            + beyond(BLOCKS_OF_FOUR_BYTES);
        keys.order * within.min(scattered) + (1.0 - keys.order) * scattered
    }
}

struct Entry {
    bytes: f64,
    n_data_pages: f64,
}

/// Pages of the tree of keys. Entries come in order, and a page that is full is split in the middle by
/// `entrySplitPage`, so that half a page and half an entry stay behind on the left.
fn entry_pages(bytes: f64, per_entry: f64, per_key: f64) -> f64 {
    let mut level = half_filled(bytes, per_entry);
    let mut n_pages = level;
    while level > 1.0 {
        level = half_filled(level * per_key, per_key);
        n_pages += level;
    }
    n_pages
}

fn half_filled(bytes: f64, per_item: f64) -> f64 {
    1.0 + ((bytes - PAGE_SPACE) / ((PAGE_SPACE + per_item) / 2.0)).ceil().max(0.0)
}

fn aligned(offset: f64, alignment: f64) -> f64 {
    (offset / alignment).ceil() * alignment
}
