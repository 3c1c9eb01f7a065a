//! A snapshot for what-if tests, read with the tests' own SQL, so that they judge `whatif` alone and not `collect`.

use pgadvise::snapshot::Snapshot;

use super::Database;

const RELATIONS: &str = include_str!("snapshot.sql");

/// The tables, columns, statistics and indexes of a database.
pub fn snapshot(database: &Database) -> Snapshot {
    serde_json::from_str(&database.value(RELATIONS)).expect("a snapshot")
}
