//! What one index entry costs the writer, by access method: CPU, WAL, pages at random places. Counts no writes.
//!
//! Measured on 15.18: 80,000 rows by INSERT … SELECT into 400,000, CPU of the backend and WAL less those without the
//! index, everything cached.

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition};
use crate::snapshot::{Catalog, Column, ColumnStatistics, Relation};
use crate::whatif::{selectivity, size};

/// A btree entry at a random place: 4.3 to 4.9 µs for one to three integers and uuid.
const BTREE_RANDOM_US: f64 = 4.6;

/// The same where entries come in the order of the key: 1.3 to 1.6 µs; and at the ends of few runs of equal keys: 0.4 to
/// 0.8 (4 values), 1.3 (50 values), 1.8 (50 values before a column in order), but 3.5 for 1,000 values.
const BTREE_IN_ORDER_US: f64 = 1.4;

/// Runs of equal keys whose ends stay in the processor's cache.
const RUNS_MAX: f64 = 100.0;

/// Microseconds for each byte of a btree's key beyond [`KEY_BYTES_FREE`]: 5.6 and 5.9 µs for a text of 32 bytes.
const KEY_BYTE_US: f64 = 0.04;

/// Bytes of a key whose entry costs no more than that.
const KEY_BYTES_FREE: f64 = 8.0;

/// Correlation from which a column's values are taken to come in order.
const CORRELATION_IN_ORDER: f64 = 0.95;

/// 3.1 and 3.6 µs.
const HASH_US: f64 = 3.3;

/// 0.5 and 0.9 µs: an entry is written for a range of pages only.
const BRIN_US: f64 = 0.7;

/// Ranges 6.1, boxes 7.9, scalars (btree_gist) 7.7, points 8.8 µs.
const GIST_US: f64 = 7.5;

/// Signatures: 20 µs for the trigrams of a text of 41 bytes, 33 µs for ten lexemes.
const GIST_SIGNATURE_US: f64 = 25.0;

/// Texts 4.1, ranges 4.6, points 5.9, addresses 7.7 µs.
const SPGIST_US: f64 = 5.5;

/// For each key with `fastupdate`, its share of the cleanup included: 0.5 (jsonb paths), 0.7 (jsonb, expressions),
/// 0.8 (trigrams), 0.85 (arrays), 1.65 µs (lexemes).
const GIN_KEY_US: f64 = 0.8;

/// The same without: 4.1 (jsonb), 4.9 (arrays), 6.2 (trigrams), 6.4 µs (lexemes).
const GIN_KEY_NOW_US: f64 = 5.0;

/// What VACUUM spends for each dead row of an index, when a fifth of the rows is dead, as autovacuum waits for
/// (`autovacuum_vacuum_scale_factor`): btree 0.9 to 1.7, hash 0.5, GiST 0.8, GIN 0.6 µs a key.
const BTREE_VACUUM_US: f64 = 1.3;
const HASH_VACUUM_US: f64 = 0.5;
const GIST_VACUUM_US: f64 = 0.8;
const GIN_KEY_VACUUM_US: f64 = 0.6;

/// Bytes of WAL for a btree entry of eight bytes: 64 to 73.
const BTREE_WAL_BYTES: f64 = 66.0;
/// Hash 72 to 94, GiST 89 to 196 (signatures 390 to 505, for they split pages often), SP-GiST 121 to 145.
const HASH_WAL_BYTES: f64 = 80.0;
const GIST_WAL_BYTES: f64 = 155.0;
const GIST_SIGNATURE_WAL_BYTES: f64 = 450.0;
const SPGIST_WAL_BYTES: f64 = 130.0;
/// For each key with `fastupdate` 41 to 105, without 60 to 760.
const GIN_KEY_WAL_BYTES: f64 = 80.0;
const GIN_KEY_NOW_WAL_BYTES: f64 = 400.0;

/// Keys of a value in a GIN index of which nothing is known.
const GIN_KEYS_UNKNOWN: f64 = 10.0;

/// What it takes to insert one entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    /// Microseconds of CPU.
    pub us: f64,
    /// Microseconds that VACUUM takes to remove it.
    pub vacuum_us: f64,
    /// Bytes of WAL, full-page images left out.
    pub wal_bytes: f64,
    /// Pages at random places that are changed.
    pub n_random_pages: f64,
    /// The share of rows that have an entry: less than 1 with a predicate.
    pub share: f64,
}

/// The entries of an index with `definition` and these storage parameters on `relation`.
pub(super) fn entry(
    catalog: &Catalog<'_>,
    relation: &Relation,
    definition: &IndexDefinition,
    options: &[String],
) -> Entry {
    let predicate = definition.predicate.as_ref();
    let share = predicate.map_or(1.0, |sql| selectivity::of_predicate(relation, sql).selectivity);
    let of = |us: f64, vacuum_us: f64, wal_bytes: f64, n_random_pages: f64| Entry {
        us,
        vacuum_us,
        wal_bytes,
        n_random_pages,
        share,
    };
    match &definition.access_method {
        AccessMethod::Btree | AccessMethod::Other(_) => Entry { share, ..btree(relation, definition) },
        AccessMethod::Hash => of(HASH_US, HASH_VACUUM_US, HASH_WAL_BYTES, 1.0),
        AccessMethod::Brin => of(BRIN_US, 0.0, 0.0, 0.0),
        AccessMethod::Gist if has_signatures(relation, definition) => {
            of(GIST_SIGNATURE_US, GIST_VACUUM_US, GIST_SIGNATURE_WAL_BYTES, 1.0)
        }
        AccessMethod::Gist => of(GIST_US, GIST_VACUUM_US, GIST_WAL_BYTES, 1.0),
        AccessMethod::Spgist => of(SPGIST_US, GIST_VACUUM_US, SPGIST_WAL_BYTES, 1.0),
        AccessMethod::Gin => Entry { share, ..gin(catalog, relation, definition, options) },
    }
}

fn btree(relation: &Relation, definition: &IndexDefinition) -> Entry {
    let columns = definition.key_column_names().chain(definition.included_columns.iter().map(String::as_str));
    let bytes: f64 = columns.filter_map(|name| statistics(relation, name)).map(|s| f64::from(s.average_width)).sum();
    let beyond = (bytes - KEY_BYTES_FREE).max(0.0);
    let (us, n_random_pages) =
        if is_in_order(relation, definition) { (BTREE_IN_ORDER_US, 0.0) } else { (BTREE_RANDOM_US, 1.0) };
    Entry {
        us: us + KEY_BYTE_US * beyond,
        vacuum_us: BTREE_VACUUM_US,
        wal_bytes: BTREE_WAL_BYTES + beyond,
        n_random_pages,
        share: 1.0,
    }
}

/// Whether new entries come behind the last one, or behind the last one of few: equal keys are in the order of the rows,
/// so what follows them decides, in the end the place of the row itself.
fn is_in_order(relation: &Relation, definition: &IndexDefinition) -> bool {
    let n_rows = relation.n_rows.unwrap_or(f64::INFINITY);
    let mut n_runs = 1.0;
    for key in &definition.key_columns {
        let column = key.target.column();
        let Some(known) = column.and_then(|name| statistics(relation, name)) else { return false };
        if known.correlation.is_some_and(|correlation| correlation >= CORRELATION_IN_ORDER) {
            return true;
        }
        n_runs *= known.distinct_values(n_rows);
        if n_runs > RUNS_MAX {
            return false;
        }
    }
    true
}

fn statistics<'r>(relation: &'r Relation, column: &str) -> Option<&'r ColumnStatistics> {
    relation.column(column).and_then(Column::best_statistics)
}

/// Whether a GiST index keeps signatures of sets: trigrams and lexemes.
fn has_signatures(relation: &Relation, definition: &IndexDefinition) -> bool {
    let keeps = |key: &IndexColumn| {
        let is_trigram = key.opclass.as_ref().is_some_and(|opclass| opclass.contains("trgm"));
        let column = key.target.column().and_then(|name| relation.column(name));
        is_trigram || column.is_some_and(|column| column.base_type.name == "tsvector")
    };
    definition.key_columns.iter().any(keeps)
}

fn gin(catalog: &Catalog<'_>, relation: &Relation, definition: &IndexDefinition, options: &[String]) -> Entry {
    let n_keys = size::gin_keys_per_row(catalog, relation, definition).unwrap_or(GIN_KEYS_UNKNOWN);
    let vacuum_us = GIN_KEY_VACUUM_US * n_keys;
    let is_written_now = options.iter().any(|option| option == "fastupdate=off");
    let (us, wal_bytes, n_random_pages) = if is_written_now {
        (GIN_KEY_NOW_US, GIN_KEY_NOW_WAL_BYTES, n_keys)
    } else {
        // The pending list is read and written in order, and its cleanup visits a page of the tree once for many keys.
        (GIN_KEY_US, GIN_KEY_WAL_BYTES, 0.0)
    };
    Entry { us: us * n_keys, vacuum_us, wal_bytes: wal_bytes * n_keys, n_random_pages, share: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::test_catalog::orders;
    use crate::workload::test_workload;

    fn of(relation: &Relation, definition: &IndexDefinition, options: &[&str]) -> Entry {
        let mut snapshot = test_workload::snapshot();
        snapshot.relations = vec![relation.clone()];
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        entry(&Catalog::new(&snapshot), relation, definition, &options)
    }

    fn with(access_method: AccessMethod) -> IndexDefinition {
        IndexDefinition { access_method, ..IndexDefinition::btree(["customer"]) }
    }

    #[test]
    fn order_and_width_decide_about_a_btree() {
        let mut relation = orders();
        assert_eq!(of(&relation, &IndexDefinition::btree(["tenant", "customer"]), &[]).us, 4.6);
        assert_eq!(of(&relation, &IndexDefinition::btree(["status"]), &[]).us, 1.4, "the ends of four runs");
        let include =
            IndexDefinition { included_columns: vec!["at".to_owned()], ..IndexDefinition::btree(["id", "tenant"]) };
        assert!((of(&relation, &include, &[]).us - 4.76).abs() < 1e-9, "four bytes beyond eight");
        let at = relation.columns.iter_mut().find(|column| column.name == "at").and_then(|c| c.statistics.as_mut());
        at.expect("statistics").correlation = Some(1.0);
        let monotonic = of(&relation, &IndexDefinition::btree(["at"]), &[]);
        assert_eq!((monotonic.us, monotonic.n_random_pages), (1.4, 0.0));
        assert_eq!(of(&relation, &IndexDefinition::btree(["tenant", "at"]), &[]).us, 1.4, "the ends of fifty runs");
        assert_eq!(of(&relation, &IndexDefinition::btree(["customer", "at"]), &[]).us, 4.6, "of five thousand");
    }

    #[test]
    fn a_partial_index_has_entries_for_its_rows_only() {
        let partial = IndexDefinition { predicate: Some("deleted IS NULL".to_owned()), ..with(AccessMethod::Btree) };
        assert!((of(&orders(), &partial, &[]).share - 0.03).abs() < 1e-9);
    }

    #[test]
    fn access_methods_rank_as_they_were_measured() {
        let us = |method: AccessMethod| of(&orders(), &with(method), &[]).us;
        let ranked =
            [AccessMethod::Brin, AccessMethod::Hash, AccessMethod::Btree, AccessMethod::Spgist, AccessMethod::Gist];
        assert!(ranked.windows(2).all(|pair| us(pair[0].clone()) < us(pair[1].clone())));
        let trigrams = IndexDefinition {
            access_method: AccessMethod::Gist,
            key_columns: vec![IndexColumn { opclass: Some("gist_trgm_ops".to_owned()), ..IndexColumn::from("note") }],
            ..IndexDefinition::btree(["note"])
        };
        assert!(of(&orders(), &trigrams, &[]).us > us(AccessMethod::Gist));
    }

    #[test]
    fn gin_costs_by_the_key_and_more_without_fastupdate() {
        // btree_gin: the value itself is the one key.
        let gin = with(AccessMethod::Gin);
        assert!((of(&orders(), &gin, &[]).us - 0.8).abs() < 1e-6);
        let now = of(&orders(), &gin, &["fastupdate=off"]);
        assert!((now.us - 5.0).abs() < 1e-6 && now.n_random_pages > 0.9);
    }
}
