//! Existing indexes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::{Bytes, IndexDefinition, Oid};

/// An index of a relation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Index {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// Its name; it lives in its relation's schema.
    pub name: String,
    /// What it is.
    pub definition: IndexDefinition,
    /// Whether the planner may use it (`indisvalid`).
    pub is_valid: bool,
    /// Whether writes maintain it (`indisready`).
    pub is_ready: bool,
    /// Whether it is not being dropped (`indislive`).
    pub is_live: bool,
    /// Whether it is the primary key's.
    pub is_primary: bool,
    /// Whether it enforces an exclusion constraint.
    pub is_exclusion: bool,
    /// Whether it is the replica identity.
    pub is_replica_identity: bool,
    /// Whether the relation was last clustered on it.
    pub is_clustered: bool,
    /// The constraint that it enforces, if any.
    pub constraint: Option<String>,
    /// The partitioned index that it is attached to.
    pub parent: Option<Oid>,
    /// Storage parameters as `name=value`.
    pub options: Vec<String>,
    /// `relpages`: blocks at the last VACUUM, ANALYZE or build; where the relation was never analysed, blocks now.
    pub n_pages: u64,
    /// `relpages` where `n_pages` is blocks now instead.
    #[serde(default)]
    pub n_pages_counted: Option<u64>,
    /// Blocks now (`pg_relation_size`), which is what the planner counts with; `None` without storage, and where it was
    /// locked.
    #[serde(default)]
    pub n_blocks: Option<u64>,
    /// The tablespace; `None` for the database's own.
    #[serde(default)]
    pub tablespace: Option<String>,
    /// `reltuples`; `None` when unknown.
    pub n_rows: Option<f64>,
    /// How often it was used, on this node; `None` where there are no counters (partitioned indexes).
    pub usage: Option<IndexUsage>,
    /// Planner statistics of its expression columns, by key position from 0; `None` for plain columns and where never
    /// analysed. Empty for an index without expressions.
    pub expression_statistics: Vec<Option<super::ColumnStatistics>>,
    /// Whether a `CREATE INDEX CONCURRENTLY` or `REINDEX` is building it at this moment.
    pub is_being_built: bool,
}

impl Index {
    /// Whether the planner may use it now.
    pub fn is_usable(&self) -> bool {
        self.is_valid && self.is_ready && self.is_live
    }

    /// Its size from `relpages`.
    pub fn bytes(&self) -> Bytes {
        Bytes::of_blocks(self.n_pages)
    }
}

/// Counters of `pg_stat_all_indexes` since the last reset of the statistics, on the node that was read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct IndexUsage {
    /// Scans started.
    pub n_scans: i64,
    /// Entries returned.
    pub n_entries_read: i64,
    /// Live rows fetched by simple index scans.
    pub n_rows_fetched: i64,
    /// The last scan (PostgreSQL 16 and later).
    pub last_scan: Option<Timestamp>,
}
