//! What the server said: plain data, no I/O. Collected by `collect`, read by everything after it.

pub mod catalog;
mod check;
mod file;
pub mod foreign_key;
mod index;
pub mod keep;
mod node;
pub mod overlap;
mod plan;
mod relation;
pub mod schema;
mod server;
mod statement;
mod statistics;
mod stream;

pub use catalog::Catalog;
pub use index::{Index, IndexUsage};
pub use node::{Node, Replica, ReplicaIndex};
pub use plan::{ExplainForm, PlannedBy, RecordedOutcome, RecordedPlan, Variant, VariantKind};
pub use relation::{
    Column, Constraint, ConstraintKind, ForeignKey, ForeignKeyAction, NotNullLimit, Persistence, Relation,
    RelationActivity, RelationKind, TypeName,
};
pub use schema::{ColumnDefault, Declaration, Schema};
pub use server::{Extension, Server, Setting, SettingOverride, Tablespace};
pub use statement::{StatementEntry, Statements, StatementsSource};
pub use statistics::{ColumnStatistics, ExtendedImage, ExtendedStatistics};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::RelationName;

/// The version of the snapshot's own format, raised when a reader of the old one would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

/// Everything that one run learns from a server. The same snapshot gives the same advice.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// When it was taken (server time).
    pub taken_at: Timestamp,
    /// The server and the database.
    pub server: Server,
    /// The settings that the planner reads, and those that say how the statistics were gathered.
    pub settings: Vec<Setting>,
    /// What `ALTER ROLE … SET` and `ALTER DATABASE … SET` change of them.
    pub setting_overrides: Vec<SettingOverride>,
    /// The tablespaces whose options change what the planner takes a page to cost, by name.
    #[serde(default)]
    pub tablespaces: Vec<Tablespace>,
    /// Every relation of the database outside the system schemas, by schema and name.
    pub relations: Vec<Relation>,
    /// Names that a new index cannot have beside those of relations and indexes: sequences, composite types, and indexes
    /// whose definition could not be read. By schema and name.
    #[serde(default)]
    pub other_names: Vec<RelationName>,
    /// What else the shadow is built from.
    #[serde(default)]
    pub schema: Schema,
    /// pg_stat_statements of this database; `None` when it could not be read (a gap says why).
    pub statements: Option<Statements>,
    /// How the server planned them, by queryid; empty where that was not asked for.
    #[serde(default)]
    pub plans: Vec<RecordedPlan>,
    /// Other nodes of the replication whose counters were read as well; their statements are among `statements`.
    #[serde(default)]
    pub replicas: Vec<Replica>,
    /// What could not be read, and why.
    pub gaps: Vec<Gap>,
}

/// PostgreSQL's default of `default_statistics_target`.
const STATISTICS_TARGET: f64 = 100.0;

impl Snapshot {
    /// The values, or combinations of values, that ANALYZE keeps of a column without a target of its own
    /// (`default_statistics_target`).
    pub fn statistics_target(&self) -> f64 {
        let setting = self.settings.iter().find(|setting| setting.name == "default_statistics_target");
        setting.and_then(|setting| setting.value.parse().ok()).unwrap_or(STATISTICS_TARGET)
    }
}

/// Something that could not be read, planned or judged. Every gap reaches the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// What kind of thing is missing: `statement`, `relation`, `column_statistics`, `extension`, `workload` …
    pub what: String,
    /// Which one: a queryid, a relation's name, an extension's name.
    pub id: String,
    /// Why, and the statement or command that mends it where there is one.
    pub reason: String,
}

impl Gap {
    /// A gap of kind `what` about `id`.
    pub fn new(what: &str, id: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { what: what.to_owned(), id: id.into(), reason: reason.into() }
    }
}
