//! A B-tree of a given height without rows: a metapage and one page for each level below it. Writes no file.
//!
//! The planner charges each descent by the height that the metapage tells (`btcostestimate`, selfuncs.c), and really
//! descends to both ends for range quals and merge joins (`get_actual_variable_range`), so that the pages must be there:
//! each inner page leads to the next, the leaf is empty. Layout of nbtree.h, version 4, the same on 13 to 18.

use crate::error::{Error, Result};

/// Bytes of a page.
pub(super) const PAGE_BYTES: usize = 8192;

/// A page.
pub(super) type Page = [u8; PAGE_BYTES];

/// `BTREE_MAGIC`, the first number of the metapage's content.
const MAGIC: u32 = 0x0005_3162;
/// Where the metapage keeps `btm_magic`, `btm_root`, `btm_level`, `btm_fastroot` and `btm_fastlevel`
/// (`BTMetaPageData` after the page header).
const META_MAGIC: usize = 24;
const META_ROOT: usize = 32;
const META_LEVEL: usize = 36;
const META_FAST_ROOT: usize = 40;
const META_FAST_LEVEL: usize = 44;

/// `SizeOfPageHeaderData`.
const HEADER_BYTES: u16 = 24;
/// `sizeof(BTPageOpaqueData)`, at the end of the page.
const SPECIAL_BYTES: u16 = 16;
/// Bytes of a pivot tuple without key: `IndexTupleData`.
const TUPLE_BYTES: u16 = 8;
/// `INDEX_ALT_TID_MASK`: the tuple's position holds a downlink and the number of its keys, which is none.
const PIVOT: u16 = 0x2000;
/// `LP_NORMAL`, a line pointer in use.
const LINE_POINTER_NORMAL: u32 = 1;
/// `PG_PAGE_LAYOUT_VERSION`, kept beside the page's size.
const LAYOUT_VERSION: u16 = 4;
/// `BTP_LEAF` and `BTP_ROOT`.
const FLAG_LEAF: u16 = 1;
const FLAG_ROOT: u16 = 2;

/// The height that fits into `n_blocks` blocks: the metapage and one page for each level.
pub(super) fn height_within(height: u32, n_blocks: u64) -> u32 {
    u64::from(height).min(n_blocks.saturating_sub(2)) as u32
}

/// The pages of a B-tree of this height (levels above the leaf), the first of which is `metapage`, changed.
///
/// # Errors
/// `metapage` is none of a B-tree.
pub(super) fn pages(mut metapage: Page, height: u32) -> Result<Vec<Page>> {
    if metapage[META_MAGIC..META_MAGIC + 4] != MAGIC.to_le_bytes() {
        return Err(Error::internal("a file of the shadow is no B-tree, or of another byte order"));
    }
    const ROOT: u32 = 1;
    for (at, value) in [(META_ROOT, ROOT), (META_LEVEL, height), (META_FAST_ROOT, ROOT), (META_FAST_LEVEL, height)] {
        put(&mut metapage, at, &value.to_le_bytes());
    }
    let levels = (0..=height).rev().zip(ROOT..);
    let below = levels.map(|(level, block)| page(level, level == height, (level > 0).then_some(block + 1)));
    Ok(std::iter::once(metapage).chain(below).collect())
}

/// A page of `level` (0 for the leaf) with a downlink to block `child`, below every key.
fn page(level: u32, is_root: bool, child: Option<u32>) -> Page {
    let mut page = [0; PAGE_BYTES];
    let special = PAGE_BYTES as u16 - SPECIAL_BYTES;
    let (mut lower, mut upper) = (HEADER_BYTES, special);
    if let Some(child) = child {
        (lower, upper) = (HEADER_BYTES + 4, special - TUPLE_BYTES);
        let line_pointer = u32::from(upper) | LINE_POINTER_NORMAL << 15 | u32::from(TUPLE_BYTES) << 17;
        put(&mut page, HEADER_BYTES.into(), &line_pointer.to_le_bytes());
        let [high, low, no_keys] = [(child >> 16) as u16, child as u16, 0];
        for (at, part) in [high, low, no_keys, TUPLE_BYTES | PIVOT].into_iter().enumerate() {
            put(&mut page, usize::from(upper) + 2 * at, &part.to_le_bytes());
        }
    }
    // pd_lsn 1, so that the page does not look new; no checksum, no flags.
    put(&mut page, 0, &1_u64.to_le_bytes());
    for (at, value) in [(12, lower), (14, upper), (16, special), (18, PAGE_BYTES as u16 | LAYOUT_VERSION)] {
        put(&mut page, at, &value.to_le_bytes());
    }
    let flags = if is_root { FLAG_ROOT } else { 0 } | if level == 0 { FLAG_LEAF } else { 0 };
    put(&mut page, usize::from(special) + 8, &level.to_le_bytes());
    put(&mut page, usize::from(special) + 12, &flags.to_le_bytes());
    page
}

fn put(page: &mut Page, at: usize, bytes: &[u8]) {
    page[at..at + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_metapage_is_changed() {
        assert!(pages([0; PAGE_BYTES], 1).is_err());
        let mut metapage = [0; PAGE_BYTES];
        put(&mut metapage, META_MAGIC, &MAGIC.to_le_bytes());
        let pages = pages(metapage, 2).expect("a metapage");
        assert_eq!(pages.len(), 4);
        assert_eq!(pages[0][META_LEVEL], 2);
        assert_eq!(pages[1][8176 + 12], FLAG_ROOT as u8);
        assert_eq!(pages[3][8176 + 12], FLAG_LEAF as u8);
    }

    #[test]
    fn a_small_index_is_not_higher_than_its_blocks() {
        assert_eq!([1, 2, 3, 9].map(|n_blocks| height_within(3, n_blocks)), [0, 0, 1, 3]);
    }
}
