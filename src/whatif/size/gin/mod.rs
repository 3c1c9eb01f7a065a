//! How large a GIN index will be: keys and the rows they are in from `keys`, pages of the tree of keys and of the
//! posting trees from `pages`. Its pending list is empty, as `CREATE INDEX` leaves it. Reads no statistics itself.
//!
//! The build is taken to pass over the keys once. Where `maintenance_work_mem` makes it pass several times, the tree of
//! keys is smaller, for half pages fill up again: by 7 % after eight passes, by 25 % after sixty (measured on 15).

mod array;
mod document;
mod json;
mod keys;
mod pages;
mod tail;
mod text;
mod trigram;

use self::pages::Build;
use super::estimated::{IndexSize, Metapage};
use super::sample;
use super::subject::Subject;
use crate::snapshot::ColumnStatistics;

/// The size that a GIN index will have right after `CREATE INDEX`.
///
/// # Errors
/// When it names a column that does not exist.
pub(super) fn size(subject: &Subject) -> Result<IndexSize, String> {
    let mut groups = Vec::new();
    for key in &subject.definition.key_columns {
        groups.extend(keys::of_column(subject, key)?);
    }
    let build = Build {
        rows_per_page: subject.n_all / subject.n_heap_pages,
        n_all: subject.n_all,
        has_column_number: subject.definition.key_columns.len() > 1,
    };
    let pages = build.pages(&groups);
    let metapage = Metapage::Gin {
        n_entry_pages: pages.n_entry as u64,
        n_data_pages: pages.n_data as u64,
        n_entries: pages.n_entries as u64,
    };
    Ok(IndexSize { metapage, ..IndexSize::of_pages(1.0 + pages.n_entry + pages.n_data) })
}

/// Entries that a row has in a GIN index, on average; `None` without rows or with a column that does not exist.
pub(super) fn keys_per_row(subject: &Subject) -> Option<f64> {
    let mut n_entries = 0.0;
    for key in &subject.definition.key_columns {
        n_entries += keys::of_column(subject, key).ok()?.iter().map(|keys| keys.n_keys * keys.n_rows).sum::<f64>();
    }
    (subject.n_rows >= 1.0).then(|| n_entries / subject.n_rows)
}

/// Mean number of distinct trigrams of a text, where ANALYZE kept any.
pub(super) fn trigrams_per_text(statistics: &ColumnStatistics) -> Option<f64> {
    let values = sample::values(statistics);
    let of_value = |value: &sample::Value| value.share * trigram::of_text(value.text).len() as f64;
    (!values.is_empty()).then(|| values.iter().map(of_value).sum())
}

/// Mean number of lexemes of a tsvector, or of the tsvector that is made of a text.
pub(super) fn lexemes_per_text(statistics: &ColumnStatistics) -> f64 {
    text::per_row(statistics)
}
