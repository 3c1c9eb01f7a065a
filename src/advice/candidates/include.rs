//! INCLUDE columns: whether a few more columns would let a scan answer from the index alone.

use std::collections::BTreeSet;

use super::access::Access;
use super::keys::KeyList;

/// The share of blocks that must be all-visible: an index-only scan visits the heap for every row of the others.
const VISIBLE_SHARE_MIN: f64 = 0.8;

/// INCLUDE columns at most. Each makes every entry wider and keeps every UPDATE of it from being HOT.
const COLUMNS_MAX: usize = 3;

/// Bytes of a fixed-width type at most: a `uuid`, an `interval`.
const COLUMN_BYTES_MAX: i16 = 16;

/// The INCLUDE columns that make an index with these keys answer the scan alone; `None` when there are none, too many,
/// of variable width or `updated`, or when the visibility map would send the scan to the heap anyway.
pub fn included_columns(access: &Access<'_>, list: &KeyList, updated: &BTreeSet<String>) -> Option<Vec<String>> {
    if access.needs_whole_row || access.extent.visible_share() < VISIBLE_SHARE_MIN {
        return None;
    }
    if list.keys.iter().any(|key| key.opclass.is_some() || key.target.column().is_none()) {
        return None;
    }
    let is_key = |name: &str| list.keys.iter().any(|key| key.target.column() == Some(name));
    let columns: Vec<String> = access.columns_read.iter().filter(|name| !is_key(name)).cloned().collect();
    let is_cheap = |name: &String| {
        access
            .relation
            .column(name)
            .is_some_and(|column| (1..=COLUMN_BYTES_MAX).contains(&column.base_type.length) && !updated.contains(name))
    };
    (!columns.is_empty() && columns.len() <= COLUMNS_MAX && columns.iter().all(is_cheap)).then_some(columns)
}
