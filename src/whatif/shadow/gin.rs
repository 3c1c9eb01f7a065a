//! What the first block of a GIN index tells the planner (`ginGetStats`, `ginutil.c`; read by `gincostestimate`). Changes
//! the bytes of a block and nothing else: how they reach the server is not known here.

/// `GinMetaPageData` (`ginblock.h`) behind a page header of 24 bytes; the same in PostgreSQL 13 to 18.
mod offset {
    pub const PENDING_PAGES: usize = 36;
    pub const TOTAL_PAGES: usize = 48;
    pub const ENTRY_PAGES: usize = 52;
    pub const DATA_PAGES: usize = 56;
    pub const ENTRIES: usize = 64;
    pub const VERSION: usize = 72;
    /// `flags` in `GinPageOpaqueData`, the last two bytes of the block.
    pub const FLAGS: usize = 8190;
}

/// `GIN_META`
const META: u16 = 1 << 3;
/// `GIN_CURRENT_VERSION`
const VERSION: u32 = 2;

/// Writes what an index of `n_pages` blocks with an empty pending list says of itself into its metapage.
///
/// # Errors
/// When the block is no metapage of a GIN index of the current version.
pub fn patch_metapage(
    page: &mut [u8; 8192],
    n_pages: u64,
    (n_entry_pages, n_data_pages, n_entries): (u64, u64, u64),
) -> Result<(), String> {
    let flags = u16::from_le_bytes([page[offset::FLAGS], page[offset::FLAGS + 1]]);
    let version: [u8; 4] = std::array::from_fn(|n| page[offset::VERSION + n]);
    if flags & META == 0 || u32::from_le_bytes(version) != VERSION {
        return Err("the first block of the index is not a GIN metapage of version 2".to_owned());
    }
    for (offset, n_blocks) in [
        (offset::PENDING_PAGES, 0),
        (offset::TOTAL_PAGES, n_pages),
        (offset::ENTRY_PAGES, n_entry_pages),
        (offset::DATA_PAGES, n_data_pages),
    ] {
        let n_blocks = u32::try_from(n_blocks).unwrap_or(u32::MAX);
        page[offset..offset + 4].copy_from_slice(&n_blocks.to_le_bytes());
    }
    let n_entries = i64::try_from(n_entries).unwrap_or(i64::MAX);
    page[offset::ENTRIES..offset::ENTRIES + 8].copy_from_slice(&n_entries.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_something_else_is_left_alone() {
        let mut page = [7; 8192];
        assert!(patch_metapage(&mut page, 10, (5, 4, 100)).is_err());
        assert_eq!(page, [7; 8192]);
    }
}
