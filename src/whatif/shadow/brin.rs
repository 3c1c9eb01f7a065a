//! What the first block of a BRIN index tells the planner (`brinGetStats`, `brin.c`; read by `brincostestimate`). Changes
//! the bytes of a block and nothing else: how they reach the server is not known here.

/// `BrinMetaPageData` (`brin_page.h`) behind a page header of 24 bytes; the same in PostgreSQL 13 to 18. The pages of a
/// range stand between the version and the last block of the range map, and are right since `CREATE INDEX`.
mod offset {
    pub const MAGIC: usize = 24;
    pub const VERSION: usize = 28;
    pub const LAST_REVMAP_PAGE: usize = 36;
}

/// `BRIN_META_MAGIC` and `BRIN_CURRENT_VERSION`
const MAGIC: u32 = 0xA810_9CFA;
const VERSION: u32 = 1;

/// Writes into a metapage that the range map takes `n_revmap_pages` blocks, which begin at block 1.
///
/// # Errors
/// When the block is no metapage of a BRIN index of the current version.
pub fn patch_metapage(page: &mut [u8; 8192], n_revmap_pages: u64) -> Result<(), String> {
    let number = |offset: usize| u32::from_le_bytes(std::array::from_fn(|n| page[offset + n]));
    if number(offset::MAGIC) != MAGIC || number(offset::VERSION) != VERSION {
        return Err("the first block of the index is not a BRIN metapage of version 1".to_owned());
    }
    let last = u32::try_from(n_revmap_pages.max(1)).unwrap_or(u32::MAX);
    page[offset::LAST_REVMAP_PAGE..offset::LAST_REVMAP_PAGE + 4].copy_from_slice(&last.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_something_else_is_left_alone() {
        let mut page = [7; 8192];
        assert!(patch_metapage(&mut page, 10).is_err());
        assert_eq!(page, [7; 8192]);
    }
}
