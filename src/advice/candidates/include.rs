//! INCLUDE columns: whether a few more columns would let a scan answer from the index alone.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::access::Access;
use super::keys::KeyList;
use crate::snapshot::Column;

/// The share of blocks that must be all-visible: an index-only scan visits the heap for every row of the others.
const VISIBLE_SHARE_MIN: f64 = 0.8;

/// Columns of an entry at most, keys and INCLUDE: `INDEX_MAX_KEYS` is 32, and what needs more than a third of that is
/// not a narrow copy of the relation any more.
const ENTRY_COLUMNS_MAX: usize = 10;

/// Bytes of a value at most: a `uuid`, an `interval`, a short code. Where the type allows more, CREATE INDEX could fail
/// (`BTMaxItemSize`), or one long value would.
const VALUE_BYTES_MAX: i32 = 32;

/// The share of a row's bytes that an entry may take: an index-only scan gains by reading fewer pages.
const ENTRY_SHARE_MAX: f64 = 0.75;

/// Bytes of an entry beside its values: line pointer, tuple header.
const ENTRY_OVERHEAD: f64 = 12.0;

/// A page's bytes (`BLCKSZ`).
const PAGE_BYTES: f64 = 8192.0;

static BOUNDED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:character varying|character)\((\d+)\)$").ok());

/// The INCLUDE columns that make an index with these keys answer the scan alone; `None` when there are none, too many,
/// too wide or `updated`, or when the visibility map would send the scan to the heap anyway.
pub fn included_columns(access: &Access<'_>, list: &KeyList, updated: &BTreeSet<String>) -> Option<Vec<String>> {
    if access.needs_whole_row || access.extent.visible_share() < VISIBLE_SHARE_MIN {
        return None;
    }
    if list.keys.iter().any(|key| key.opclass.is_some() || key.target.column().is_none()) {
        return None;
    }
    let keys: BTreeSet<&str> = list.keys.iter().filter_map(|key| key.target.column()).collect();
    let columns: Vec<String> =
        access.columns_read.iter().filter(|name| !keys.contains(name.as_str())).cloned().collect();
    if columns.is_empty() || keys.len() + columns.len() > ENTRY_COLUMNS_MAX {
        return None;
    }
    let is_cheap = |name: &String| access.relation.column(name).is_some_and(is_short) && !updated.contains(name);
    (columns.iter().all(is_cheap) && is_narrow(access, keys.iter().copied().chain(columns.iter().map(String::as_str))))
        .then_some(columns)
}

/// Whether every value of the column takes few bytes: by its type, since one long value makes CREATE INDEX fail.
fn is_short(column: &Column) -> bool {
    let declared =
        BOUNDED.as_ref().and_then(|bounded| bounded.captures(&column.type_sql)?.get(1)?.as_str().parse().ok());
    match column.base_type.name.as_str() {
        "numeric" => true,
        _ => {
            declared.unwrap_or(i32::from(column.base_type.length)) > 0
                && declared.unwrap_or(i32::from(column.base_type.length)) <= VALUE_BYTES_MAX
        }
    }
}

/// Whether an entry of these columns takes much less room than a row of the relation.
fn is_narrow<'n>(access: &Access<'_>, columns: impl Iterator<Item = &'n str>) -> bool {
    let Some(n_rows) = access.extent.n_rows.filter(|n_rows| *n_rows >= 1.0) else { return false };
    let width = |name: &str| access.relation.column(name)?.best_statistics().map(|s| f64::from(s.average_width));
    let entry: Option<f64> = columns.map(width).sum();
    let row = access.extent.n_pages as f64 * PAGE_BYTES / n_rows;
    entry.is_some_and(|entry| entry + ENTRY_OVERHEAD <= ENTRY_SHARE_MAX * row)
}
