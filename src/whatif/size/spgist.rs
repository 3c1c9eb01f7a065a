//! How large an SP-GiST index will be: leaf rows from their layout (`spgist_private.h`), and how full pages are left and
//! what inner rows take from measurements. Knows no heights: the planner derives them from the pages.

use super::estimated::IndexSize;
use super::key_part::KeyPart;
use super::operator_class;
use super::subject::Subject;

/// Metapage, root, and root of the NULLs (`SPGIST_LAST_FIXED_BLKNO`).
const FIXED_PAGES: f64 = 3.0;
/// 8192 less page header and special space (`SpGistPageOpaqueData`).
const PAGE_SPACE: f64 = 8160.0;
/// `SpGistLeafTupleData`, aligned (`SGLTHDRSZ`).
const LEAF_HEADER: f64 = 16.0;
/// `ItemIdData`
const LINE_POINTER: f64 = 4.0;
/// Leaf rows below an inner row when it is split: about a page of them.
const ROWS_PER_LEAF_LIST: f64 = 100.0;

/// From so many rows on, those with the same text end up with nothing of it below one inner row.
const ROWS_PER_TEXT_WHOLE: f64 = 10.0;

/// Before this version values of variable length keep a header of four bytes instead of one (`memcpyInnerDatum`).
const SHORT_HEADERS_SINCE: u32 = 14;
const LONG_HEADER: f64 = 3.0;

/// Bytes of leaf rows over bytes of the index: measured on PostgreSQL 13, 15 and 18 over the tables of
/// benches/fidelity/sizes/others.sql, 20,000, 60,000 and 150,000 rows.
mod fill {
    /// Points in quadrants (`spg_quad_picksplit`).
    pub const QUADRANTS: f64 = 0.77;
    /// Points in halves (`spg_kd_picksplit`).
    pub const HALVES: f64 = 0.675;
    /// Ranges in quadrants.
    pub const RANGES: f64 = 0.79;
    /// Addresses; 0.54 to 0.83 in turns, for evenly spread ones fill their pages all at once.
    pub const ADDRESSES: f64 = 0.66;
    /// Boxes and polygons in sixteen parts.
    pub const BOXES: f64 = 0.75;
    /// Texts in a radix tree.
    pub const TEXTS: f64 = 0.81;
}

/// The size that an SP-GiST index will have right after `CREATE INDEX`.
///
/// # Errors
/// When it has more than one key column.
pub(super) fn size(subject: &Subject) -> Result<IndexSize, String> {
    let [part] = subject.keys()?.try_into().map_err(|_| "an SP-GiST index has one key column".to_owned())?;
    let name = subject.definition.key_columns.first().and_then(operator_class::name).unwrap_or_default();
    let included: f64 = subject.included()?.iter().map(|part| (part.mean_width() / 8.0).ceil() * 8.0).sum();
    let (width, fill) = stored(&part, name, subject);
    let leaf = LEAF_HEADER + ((width / 8.0).ceil() * 8.0) + included + LINE_POINTER;
    let n_null = subject.n_rows * part.null_fraction;
    let null = LEAF_HEADER + included + LINE_POINTER;
    let bytes = (subject.n_rows - n_null) * leaf;
    let n_pages = bytes / (PAGE_SPACE * fill) + n_null * null / PAGE_SPACE;
    Ok(IndexSize::of_pages(FIXED_PAGES + (n_pages - 1.0).max(0.0)))
}

/// Bytes that are stored of a value, and how full pages get.
fn stored(part: &KeyPart, name: &str, subject: &Subject) -> (f64, f64) {
    let header = if subject.major < SHORT_HEADERS_SINCE { LONG_HEADER } else { 0.0 };
    match part.type_name.as_str() {
        "point" if name == "kd_point_ops" => (16.0, fill::HALVES),
        "point" => (16.0, fill::QUADRANTS),
        "box" | "polygon" => (32.0, fill::BOXES),
        "inet" | "cidr" => (part.mean_width(), fill::ADDRESSES),
        _ if part.is_range() => (part.mean_width() + header, fill::RANGES),
        _ => (suffix(part, subject.n_rows), fill::TEXTS),
    }
}

/// What is left of a text below the inner rows that its beginning leads through: the letters that tell leaf lists apart
/// are gone, and all of them where many rows have the same text.
fn suffix(part: &KeyPart, n_rows: f64) -> f64 {
    let per_value = n_rows / part.n_distinct.max(1.0);
    if per_value > ROWS_PER_TEXT_WHOLE {
        return 1.0;
    }
    // Sixteen letters to choose from at each place, as in hexadecimal numbers and syllables.
    let depth = (n_rows / ROWS_PER_LEAF_LIST).max(1.0).log2() / 4.0;
    (part.mean_width() - depth).max(1.0)
}
