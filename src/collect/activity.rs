//! Reads the scan and write counters of relations.

use std::collections::BTreeMap;

use super::query::ACTIVITY;
use super::time;
use crate::db::{Failure, Transaction};
use crate::pg::Oid;
use crate::snapshot::RelationActivity;

/// The counters of those of `relations` that have any.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
) -> Result<BTreeMap<Oid, RelationActivity>, Failure> {
    let mut counters = BTreeMap::new();
    for row in transaction.query(&ACTIVITY, &[&relations])? {
        let activity = RelationActivity {
            n_seq_scans: row.get("n_seq_scans")?,
            n_seq_rows_read: row.get("n_seq_rows_read")?,
            n_index_scans: row.get("n_index_scans")?,
            n_index_rows_fetched: row.get("n_index_rows_fetched")?,
            n_rows_inserted: row.get("n_rows_inserted")?,
            n_rows_updated: row.get("n_rows_updated")?,
            n_rows_hot_updated: row.get("n_rows_hot_updated")?,
            n_rows_deleted: row.get("n_rows_deleted")?,
            n_live_rows: row.get("n_live_rows")?,
            n_dead_rows: row.get("n_dead_rows")?,
            n_modified_since_analyze: row.get("n_modified_since_analyze")?,
            last_analyze: time::of_row(&row, "last_analyze")?,
            last_vacuum: time::of_row(&row, "last_vacuum")?,
        };
        counters.insert(row.get("relation")?, activity);
    }
    Ok(counters)
}
