//! How large a hash index will be: buckets as `_hash_init` allocates them (`hashpage.c`), overflow pages as the hash
//! values fall into the buckets. Key widths do not matter: an entry is a hash code and a heap position.

use super::estimated::IndexSize;
use super::key_part::KeyPart;
use super::poisson;
use super::subject::Subject;

/// An entry with its line pointer: `IndexTupleData`, the hash code, aligned (`item_width` in `_hash_init`).
const ENTRY_BYTES: f64 = 20.0;
/// Entries that a page holds: 8192 bytes less page header and special space (`HashPageOpaqueData`).
const ENTRIES_PER_PAGE: f64 = 407.0;
/// `HASH_DEFAULT_FILLFACTOR`, in percent.
const FILLFACTOR: f64 = 75.0;
/// `ffactor` is at least this (`_hash_init`).
const ENTRIES_PER_BUCKET_MIN: f64 = 10.0;
/// Split points up to 2⁹ buckets are allocated at once, larger ones in four phases
/// (`HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE`, `HASH_SPLITPOINT_PHASE_BITS`, `hash.h`).
const BUCKETS_ONE_PHASE_MAX: f64 = 512.0;
const PHASES: f64 = 4.0;
/// Overflow pages that one bitmap page keeps track of (`BMPGSZ_BIT`).
const PAGES_PER_BITMAP: f64 = 32_768.0;

/// The size that a hash index will have right after `CREATE INDEX`.
///
/// # Errors
/// When it has more than one column.
pub(super) fn size(subject: &Subject) -> Result<IndexSize, String> {
    let [key] = subject.keys()?.try_into().map_err(|_| "a hash index has one column".to_owned())?;
    let per_bucket = (8192.0 * subject.option("fillfactor").unwrap_or(FILLFACTOR) / 100.0 / ENTRY_BYTES).floor();
    let per_bucket = per_bucket.max(ENTRIES_PER_BUCKET_MIN);
    let n_entries = subject.n_rows * (1.0 - key.null_fraction);
    // Buckets are allocated for every row of the relation, NULLs and rows outside the predicate among them.
    let planned = allocated((subject.n_all / per_bucket).floor().max(2.0));
    let n_buckets = planned.max((n_entries / per_bucket).ceil());
    let n_overflow = overflow(&key, n_entries, n_buckets);
    let n_bitmaps = 1.0 + (n_overflow / PAGES_PER_BITMAP).floor();
    Ok(IndexSize::of_pages(1.0 + allocated(n_buckets) + n_bitmaps + n_overflow.round()))
}

/// The buckets that are there once `n_buckets` are needed (`_hash_spareindex`, `_hash_get_totalbuckets`).
fn allocated(n_buckets: f64) -> f64 {
    let double = 2.0_f64.powf(n_buckets.max(1.0).log2().ceil());
    if double <= BUCKETS_ONE_PHASE_MAX {
        return double;
    }
    let half = double / 2.0;
    let phase = half / PHASES;
    half + ((n_buckets - half) / phase).ceil() * phase
}

/// Overflow pages of all buckets. While the number of buckets is no power of two, those that are not split yet hold
/// twice as much as the others (`_hash_hashkey2bucket`).
fn overflow(key: &KeyPart, n_entries: f64, n_buckets: f64) -> f64 {
    let half = 2.0_f64.powf(n_buckets.log2().floor());
    let n_split = 2.0 * (n_buckets - half);
    let n_whole = n_buckets - n_split;
    let common: Vec<f64> = key.shares().map(|share| share * n_entries).collect();
    let n_rest = (n_entries - common.iter().sum::<f64>()).max(0.0);
    let n_values = (key.n_distinct - common.len() as f64).clamp(1.0, n_rest.max(1.0));
    let per_value = n_rest / n_values;
    let of_bucket = |share: f64| poisson::mean_over(n_values * share, |n| pages_beyond_first(n * per_value));
    let of_rest = n_split * of_bucket(0.5 / half) + n_whole * of_bucket(1.0 / half);
    let per_bucket = n_rest / n_buckets;
    let of_common = |n: &f64| pages_beyond_first(n + per_bucket) - pages_beyond_first(per_bucket);
    of_rest + common.iter().map(of_common).sum::<f64>()
}

fn pages_beyond_first(n_entries: f64) -> f64 {
    ((n_entries / ENTRIES_PER_PAGE).ceil() - 1.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_come_in_powers_of_two_and_then_in_quarters() {
        for (needed, there) in [
            (2.0, 2.0),
            (65.0, 128.0),
            (512.0, 512.0),
            (513.0, 640.0),
            (977.0, 1024.0),
            (1025.0, 1280.0),
            (2443.0, 2560.0),
        ] {
            assert_eq!(allocated(needed), there, "{needed}");
        }
    }
}
