//! How large a BRIN index will be: one summary per range of blocks (`brin_tuple.c`), found through the range map
//! (`brin_revmap.c`). Knows the summaries of minmax, inclusion, bloom and minmax-multi operator classes.

use super::estimated::{IndexSize, Metapage};
use super::key_part::KeyPart;
use super::operator_class;
use super::subject::Subject;
use crate::pg::IndexColumn;

/// `BRIN_DEFAULT_PAGES_PER_RANGE`
const PAGES_PER_RANGE: f64 = 128.0;
/// Ranges on a page of the range map (`REVMAP_PAGE_MAXITEMS`, `brin_page.h`).
const RANGES_PER_REVMAP_PAGE: f64 = 1360.0;
/// 8192 less page header and special space (`BrinSpecialSpace`).
const PAGE_SPACE: f64 = 8160.0;
/// `ItemIdData`
const LINE_POINTER: f64 = 4.0;
/// `BrinTuple`, its bits of NULLs, aligned: up to twelve columns.
const TUPLE_HEADER: usize = 8;
/// `MaxHeapTuplesPerPage` (`htup_details.h`), for which bloom filters are laid out.
const ROWS_PER_PAGE_MAX: f64 = 291.0;
/// Defaults of bloom operator classes and the least they take (`brin_bloom.c`).
const BLOOM_DISTINCT_SHARE: f64 = -0.1;
const BLOOM_FALSE_POSITIVES: f64 = 0.01;
const BLOOM_DISTINCT_MIN: f64 = 16.0;
/// `BloomFilter` before its bits.
const BLOOM_HEADER: f64 = 16.0;
/// Bytes that pglz makes of a lone set byte among zeros, and of a run of zeros of the greatest length.
/// Its runs are at most 273 bytes; see `pg_lzcompress.c`.
const PGLZ_BYTES_PER_SET_BYTE: f64 = 4.0;
const PGLZ_BYTES_PER_ZERO: f64 = 3.0 / 273.0;
/// The share of the size that pglz must save to be of use (`PGLZ_strategy_default`).
const PGLZ_GAIN_MIN: f64 = 0.25;
/// Summaries above this are compressed (`TOAST_INDEX_TARGET`, `brin_form_tuple`).
const COMPRESSED_ABOVE: f64 = 510.0;
/// `SerializedRanges` before its values, and the values that a range keeps (`brin_minmax_multi.c`).
const MULTI_HEADER: f64 = 20.0;
const MULTI_VALUES: f64 = 32.0;

/// The size that a BRIN index will have right after `CREATE INDEX`.
///
/// # Errors
/// When it names a column that does not exist.
pub(super) fn size(subject: &Subject) -> Result<IndexSize, String> {
    let pages_per_range = subject.option("pages_per_range").unwrap_or(PAGES_PER_RANGE).max(1.0);
    let n_ranges = (subject.n_heap_pages / pages_per_range).ceil().max(1.0);
    let mut end = TUPLE_HEADER as f64;
    for (key, part) in subject.definition.key_columns.iter().zip(subject.keys()?) {
        let summary =
            Summary { part: &part, n_rows: subject.n_rows / n_ranges, n_all: subject.n_rows, pages_per_range };
        end = summary.end(end, key);
    }
    let tuple = (end / 8.0).ceil() * 8.0 + LINE_POINTER;
    let per_page = (PAGE_SPACE / tuple).floor().max(1.0);
    let n_revmap_pages = (n_ranges / RANGES_PER_REVMAP_PAGE).ceil();
    let n_pages = 1.0 + n_revmap_pages + (n_ranges / per_page).ceil();
    Ok(IndexSize { metapage: Metapage::Brin { n_revmap_pages: n_revmap_pages as u64 }, ..IndexSize::of_pages(n_pages) })
}

/// What is kept of one column for one range.
struct Summary<'p> {
    part: &'p KeyPart,
    /// Rows of the range, and of all ranges.
    n_rows: f64,
    n_all: f64,
    pages_per_range: f64,
}

impl Summary<'_> {
    /// Where the summary ends when it begins at `start`.
    fn end(&self, start: f64, key: &IndexColumn) -> f64 {
        let name = operator_class::name(key).unwrap_or_default();
        if self.part.null_fraction >= 1.0 {
            start
        } else if name.ends_with("_bloom_ops") {
            aligned(start, 4) + self.bloom_bytes(key)
        } else if name.ends_with("_minmax_multi_ops") {
            aligned(start, 4) + self.multi_bytes(key)
        } else if self.is_inclusion(name) {
            self.value_end(start) + 2.0
        } else {
            self.value_end(self.value_end(start))
        }
    }

    /// Whether the union of the values is kept: the default of types without an order, and of addresses.
    fn is_inclusion(&self, name: &str) -> bool {
        name.ends_with("_inclusion_ops")
            || name.is_empty()
                && (self.part.is_range() || matches!(self.part.type_name.as_str(), "box" | "inet" | "cidr"))
    }

    fn value_end(&self, start: f64) -> f64 {
        aligned(start, self.part.alignment) + self.part.mean_width().floor()
    }

    /// Distinct values of the range: a clustered column has its share of them, a scattered one as many as rows hit.
    fn n_distinct(&self) -> f64 {
        let n_rows = self.n_rows * (1.0 - self.part.null_fraction);
        let scattered = self.part.distinct_among(n_rows);
        let clustered = (self.part.n_distinct * self.n_rows / self.n_all.max(1.0)).max(1.0);
        let order = self.part.correlation.powi(2);
        (order * clustered.min(scattered) + (1.0 - order) * scattered).min(n_rows.max(1.0))
    }

    fn bloom_bytes(&self, key: &IndexColumn) -> f64 {
        let n_rows_max = ROWS_PER_PAGE_MAX * self.pages_per_range;
        let planned = operator_class::parameter(key, "n_distinct_per_range").unwrap_or(BLOOM_DISTINCT_SHARE);
        let planned = if planned < 0.0 { -planned * n_rows_max } else { planned };
        let planned = planned.max(BLOOM_DISTINCT_MIN).min(n_rows_max).floor();
        let rate = operator_class::parameter(key, "false_positive_rate").unwrap_or(BLOOM_FALSE_POSITIVES);
        let n_bits = (-planned * rate.ln() / std::f64::consts::LN_2.powi(2)).ceil();
        let n_bytes = (n_bits / 8.0).ceil();
        let n_hashes = (std::f64::consts::LN_2 * n_bits / planned).round();
        let n_set = n_bytes * (1.0 - (-n_hashes * self.n_distinct() / n_bytes).exp());
        let compressed = n_set * PGLZ_BYTES_PER_SET_BYTE + n_bytes * PGLZ_BYTES_PER_ZERO;
        let is_compressed = BLOOM_HEADER + n_bytes > COMPRESSED_ABOVE && compressed < (1.0 - PGLZ_GAIN_MIN) * n_bytes;
        BLOOM_HEADER + if is_compressed { compressed } else { n_bytes }
    }

    fn multi_bytes(&self, key: &IndexColumn) -> f64 {
        let n_kept = operator_class::parameter(key, "values_per_range").unwrap_or(MULTI_VALUES);
        MULTI_HEADER + n_kept.min(self.n_distinct()) * self.part.mean_width()
    }
}

fn aligned(offset: f64, alignment: usize) -> f64 {
    (offset / alignment as f64).ceil() * alignment as f64
}
