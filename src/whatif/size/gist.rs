//! How large a GiST index will be: leaf rows as the operator classes compress keys (layout), and how full pages are left
//! by their ways of splitting (measured). Knows no heights: the planner derives them from the pages.

use super::estimated::IndexSize;
use super::gin;
use super::key_part::KeyPart;
use super::operator_class;
use super::sample;
use super::subject::Subject;
use crate::pg::IndexColumn;

/// 8192 less page header and special space (`GISTPageOpaqueData`).
const PAGE_SPACE: f64 = 8152.0;
/// `IndexTupleData`, and with its bitmap of NULLs, aligned.
const TUPLE_HEADER: f64 = 8.0;
const TUPLE_HEADER_WITH_NULLS: f64 = 16.0;
/// `ItemIdData`
const LINE_POINTER: f64 = 4.0;
/// Larger arrays of lexemes become signatures (`TOAST_INDEX_TARGET`, `gtsvector_compress`).
const LEXEMES_BYTES_MAX: f64 = 510.0;
/// Header of a set of lexemes (`GTHDRSIZE`, `tsgistidx.c`) and of trigrams (`TRGMHDRSIZE`, `trgm.h`).
const LEXEMES_HEADER: f64 = 8.0;
const TRIGRAMS_HEADER: f64 = 5.0;
/// Bytes of signatures by default (`SIGLEN_DEFAULT`, `tsgistidx.c` and `trgm_gist.c`).
const LEXEMES_SIGNATURE: f64 = 124.0;
const TRIGRAMS_SIGNATURE: f64 = 12.0;
/// Lexemes and trigrams for each byte of a value that is not known: see `gin`.
const LEXEMES_PER_BYTE: f64 = 1.0 / 15.0;

/// How full pages are once the index is built: measured on PostgreSQL 13, 14, 15 and 18 over the tables of
/// benches/fidelity/sizes/others.sql, 20,000, 60,000 and 150,000 rows.
mod fill {
    /// Ranges: `range_gist_picksplit`; 0.46 to 0.55.
    pub const RANGES: f64 = 0.48;
    /// Ranges that are sorted before (18 and later): 0.48 where they overlap much to 0.98 where they have no upper bound.
    pub const RANGES_SORTED: f64 = 0.66;
    /// Boxes, polygons, circles: `gist_box_picksplit`.
    pub const BOXES: f64 = 0.595;
    /// Points in the order of a Z-curve, page after page (14: `GIST_DEFAULT_FILLFACTOR`).
    pub const POINTS_PAGE_BY_PAGE: f64 = 0.9;
    /// Points in that order, four pages split together (15 and later: `GIST_SORTED_BUILD_PAGE_NUM`).
    pub const POINTS_SORTED: f64 = 0.666;
    /// Addresses: `inet_gist_picksplit`; 0.61 to 0.76.
    pub const ADDRESSES: f64 = 0.70;
    /// Scalars of btree_gist that come in any order: halves that fill up again.
    pub const SCALARS: f64 = 0.66;
    /// Scalars that come in order: halves that stay behind.
    pub const SCALARS_IN_ORDER: f64 = 0.45;
    /// Texts and numerics of btree_gist.
    pub const TEXTS: f64 = 0.54;
    /// Scalars and texts that are sorted before (18 and later, where btree_gist knows how): whole pages.
    pub const SCALARS_SORTED: f64 = 0.985;
    /// Sets of lexemes.
    pub const LEXEMES: f64 = 0.85;
    /// Sets of trigrams; 0.6 where they have few in common to 0.75 where they have many.
    pub const TRIGRAMS: f64 = 0.67;
}

/// The version from which on points are sorted, the one from which on whole pages are split again, and the one in which
/// ranges and btree_gist learned to sort (`gistbuild.c`, release notes of 14, 15 and 18).
const SORTS_POINTS_SINCE: u32 = 14;
const SPLITS_SORTED_SINCE: u32 = 15;
const SORTS_RANGES_AND_SCALARS_SINCE: u32 = 18;

/// A column above this correlation counts as in order.
const CORRELATION_IN_ORDER: f64 = 0.999;

/// What an operator class stores of a value, and how its pages fill.
struct Stored {
    leaf: f64,
    inner: f64,
    alignment: f64,
    fill: f64,
}

/// The size that a GiST index will have right after `CREATE INDEX`.
///
/// # Errors
/// When it names a column that does not exist.
pub(super) fn size(subject: &Subject) -> Result<IndexSize, String> {
    let keys = &subject.definition.key_columns;
    let parts = subject.keys()?;
    let stored: Vec<Stored> = keys.iter().zip(&parts).map(|(key, part)| stored(subject, key, part)).collect();
    let included = subject.included()?;
    let (mut leaf, mut inner, mut share_whole) = (TUPLE_HEADER, TUPLE_HEADER, 1.0);
    for (stored, part) in stored.iter().zip(&parts) {
        share_whole *= 1.0 - part.null_fraction;
        leaf = aligned(leaf, stored.alignment) + stored.leaf * (1.0 - part.null_fraction);
        inner = aligned(inner, stored.alignment) + stored.inner;
    }
    for part in &included {
        share_whole *= 1.0 - part.null_fraction;
        leaf = aligned(leaf, part.alignment as f64) + part.mean_width() * (1.0 - part.null_fraction);
    }
    let header = (1.0 - share_whole) * (TUPLE_HEADER_WITH_NULLS - TUPLE_HEADER);
    let leaf = aligned(leaf + header, 8.0) + LINE_POINTER;
    let fill = stored.first().map_or(fill::SCALARS, |stored| stored.fill);
    let per_inner_page = (PAGE_SPACE * fill / (aligned(inner, 8.0) + LINE_POINTER)).max(2.0);
    let mut level = (subject.n_rows * leaf / (PAGE_SPACE * fill)).ceil().max(1.0);
    if subject.n_rows * leaf <= PAGE_SPACE {
        level = 1.0;
    }
    let mut n_pages = level;
    while level > 1.0 {
        level = (level / per_inner_page).ceil();
        n_pages += level;
    }
    Ok(IndexSize::of_pages(n_pages))
}

fn stored(subject: &Subject, key: &IndexColumn, part: &KeyPart) -> Stored {
    let name = operator_class::name(key).unwrap_or_default();
    let type_name = part.type_name.as_str();
    let statistics = sample::statistics_behind(subject, key);
    let width = statistics.map_or(part.mean_width(), |statistics| f64::from(statistics.average_width));
    if name == "gist_trgm_ops" {
        let n_trigrams = statistics.and_then(gin::trigrams_per_text).unwrap_or(width);
        let signature = operator_class::parameter(key, "siglen").unwrap_or(TRIGRAMS_SIGNATURE);
        let leaf = TRIGRAMS_HEADER + 3.0 * n_trigrams;
        return Stored { leaf, inner: TRIGRAMS_HEADER + signature, alignment: 4.0, fill: fill::TRIGRAMS };
    }
    if name == "tsvector_ops" || type_name == "tsvector" {
        let n_lexemes = statistics.map_or(width * LEXEMES_PER_BYTE, gin::lexemes_per_text);
        let signature = LEXEMES_HEADER + operator_class::parameter(key, "siglen").unwrap_or(LEXEMES_SIGNATURE);
        let leaf = LEXEMES_HEADER + 4.0 * n_lexemes;
        let leaf = if leaf > LEXEMES_BYTES_MAX { signature } else { leaf };
        return Stored { leaf, inner: signature, alignment: 4.0, fill: fill::LEXEMES };
    }
    // Several columns are sorted too, but their pages are left as full as by insertion.
    let is_sorted = subject.major >= SORTS_RANGES_AND_SCALARS_SINCE && subject.definition.key_columns.len() == 1;
    let whole = |width: f64, alignment: f64, fill: f64| Stored { leaf: width, inner: width, alignment, fill };
    match type_name {
        "point" if subject.major >= SPLITS_SORTED_SINCE => whole(32.0, 8.0, fill::POINTS_SORTED),
        "point" if subject.major >= SORTS_POINTS_SINCE => whole(32.0, 8.0, fill::POINTS_PAGE_BY_PAGE),
        "point" | "box" | "polygon" | "circle" => whole(32.0, 8.0, fill::BOXES),
        "inet" | "cidr" if name == "inet_ops" => whole(part.mean_width() + 1.0, 1.0, fill::ADDRESSES),
        // btree_gist makes two numbers of an address.
        "inet" | "cidr" => whole(16.0, 4.0, scalar_fill(part, true, is_sorted)),
        _ if part.is_range() && is_sorted => whole(part.mean_width().floor(), 1.0, fill::RANGES_SORTED),
        _ if part.is_range() => whole(part.mean_width().floor(), 1.0, fill::RANGES),
        _ => scalar(part, is_sorted),
    }
}

/// btree_gist: the least and the greatest value, on leaves too where the length is fixed (`gbt_num_compress`); one value
/// with a header of its own where it is not (`gbt_var_compress`).
fn scalar(part: &KeyPart, is_sorted: bool) -> Stored {
    let is_fixed = part.length > 0;
    let fill = scalar_fill(part, is_fixed, is_sorted);
    let width = part.mean_width();
    if is_fixed {
        return Stored { leaf: 2.0 * width, inner: 2.0 * width, alignment: 4.0, fill };
    }
    Stored { leaf: width + 4.0, inner: 2.0 * width + 4.0, alignment: 1.0, fill }
}

fn scalar_fill(part: &KeyPart, is_fixed: bool, is_sorted: bool) -> f64 {
    let comes_in_order = part.correlation.abs() > CORRELATION_IN_ORDER;
    match (is_sorted, comes_in_order, is_fixed) {
        (true, _, _) => fill::SCALARS_SORTED,
        (false, true, _) => fill::SCALARS_IN_ORDER,
        (false, false, true) => fill::SCALARS,
        (false, false, false) => fill::TEXTS,
    }
}

fn aligned(offset: f64, alignment: f64) -> f64 {
    (offset / alignment).ceil() * alignment
}
