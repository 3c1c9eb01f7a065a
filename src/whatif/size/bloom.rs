//! How large an index of the extension bloom will be: one signature per row (`blutils.c`, `bloom.h`). Values do not matter.

use super::estimated::IndexSize;
use super::subject::Subject;

/// Bits of a signature (`DEFAULT_BLOOM_LENGTH`).
const SIGNATURE_BITS: f64 = 80.0;
/// Bits of a word of a signature (`SIGNWORDBITS`).
const WORD_BITS: f64 = 16.0;
/// The heap position before the signature (`BLOOMTUPLEHDRSZ`).
const ROW_HEADER: f64 = 6.0;
/// 8192 less page header and special space (`BloomPageOpaqueData`).
const PAGE_SPACE: f64 = 8160.0;

/// The size that a bloom index will have right after `CREATE INDEX`.
///
/// # Errors
/// When it names a column that does not exist.
pub(super) fn size(subject: &Subject) -> Result<IndexSize, String> {
    subject.keys()?;
    let n_words = (subject.option("length").unwrap_or(SIGNATURE_BITS) / WORD_BITS).ceil();
    let per_page = (PAGE_SPACE / (ROW_HEADER + n_words * WORD_BITS / 8.0)).floor();
    Ok(IndexSize::of_pages(1.0 + (subject.n_rows / per_page).ceil()))
}
