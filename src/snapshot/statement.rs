//! What pg_stat_statements counted.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::QueryId;

/// The entries of this database, and how far they can be trusted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Statements {
    /// Where they were read.
    pub source: StatementsSource,
    /// The entries, one for each queryid (rows of several users are added up), the most time first.
    pub entries: Vec<StatementEntry>,
    /// Rows of utility statements left out: they are not planned, and may hold passwords.
    pub n_utility_rows: u64,
    /// Rows whose text the role may not see.
    pub n_hidden_rows: u64,
    /// Total execution time of those rows, in ms.
    pub hidden_exec_ms: f64,
}

/// The extension's version and the state of its counters.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct StatementsSource {
    /// `extversion` of pg_stat_statements.
    pub extension_version: String,
    /// When its counters were reset (`pg_stat_statements_info`, PostgreSQL 14 and later).
    pub stats_reset: Option<Timestamp>,
    /// How often entries were evicted for lack of room since then (`dealloc`): if not 0, what is seen is not all.
    pub n_evictions: Option<i64>,
    /// `pg_stat_statements.max`.
    pub n_entries_max: Option<i64>,
    /// `pg_stat_statements.track`: `top`, `all` or `none`.
    pub track: Option<String>,
}

/// One statement.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StatementEntry {
    /// `queryid`.
    pub queryid: QueryId,
    /// The normalised text; `None` where it was evicted, hidden or not asked for.
    pub text: Option<String>,
    /// Whether a client sent it, rather than a function (`toplevel`; true before PostgreSQL 14).
    pub is_top_level: bool,
    /// The roles that ran it.
    pub roles: Vec<String>,
    /// Executions.
    pub n_calls: i64,
    /// Rows returned or affected, over all calls.
    pub n_rows: i64,
    /// Total execution time, in ms.
    pub exec_ms_total: f64,
    /// Mean execution time, in ms.
    pub exec_ms_mean: f64,
    /// Its population standard deviation, in ms.
    pub exec_ms_stddev: f64,
    /// The longest execution, in ms.
    pub exec_ms_max: f64,
    /// Shared blocks found in the buffer cache.
    pub n_shared_blocks_hit: i64,
    /// Shared blocks read.
    pub n_shared_blocks_read: i64,
    /// Temporary blocks written.
    pub n_temp_blocks_written: i64,
    /// Bytes of WAL.
    pub wal_bytes: f64,
    /// Since when it is counted (PostgreSQL 17 and later).
    pub stats_since: Option<Timestamp>,
}
