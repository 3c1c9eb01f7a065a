//! The shape of the JSON report: the structs that docs/report.schema.json is generated from. Fills nothing in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::SourceKind;
use crate::advice::{Answer, Cause};
use crate::pg::{RelationName, StatisticsKind};
use crate::rules::{Severity, Skipped};
use crate::snapshot::Gap;
use crate::whatif::Backend;
use crate::whatif::shadow::Agreement;
use crate::workload::{PlannedBy, VariantKind};

/// The version of the report's shape, raised when a reader of the old one would misread the new one.
pub const SCHEMA_VERSION: u32 = 1;

/// The report of `pgadvise analyze --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonReport {
    /// 1. Raised only when a reader of the old shape would misread the new one; fields may be added without.
    pub schema_version: u32,
    /// The version of pgadvise that made the report.
    pub pgadvise_version: String,
    /// When it was made, in UTC.
    #[schemars(with = "String")]
    pub generated_at: Timestamp,
    /// What was read.
    pub source: JsonSource,
    /// What ran.
    pub workload: JsonWorkload,
    /// Cost, size and effort in total.
    pub summary: JsonSummary,
    /// What the statements that read each relation cost, where most could be gained first.
    pub relations: Vec<JsonRelation>,
    /// What to do, in the order to do it.
    pub advice: Vec<JsonAdvice>,
    /// What was considered and not proposed.
    pub declined: Vec<JsonDeclined>,
    /// What became of each statement of the workload, the heaviest first.
    pub statements: Vec<JsonAnswer>,
    /// What hurts, the worst first.
    pub findings: Vec<JsonFinding>,
    /// Rules that could not judge.
    pub skipped: Vec<Skipped>,
    /// What could not be read, planned, judged or written.
    pub gaps: Vec<Gap>,
}

/// What was read.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonSource {
    /// What kind of source it was.
    pub kind: SourceKind,
    /// The server's version: `15.18`.
    pub server_version: String,
    /// The database.
    pub database: String,
    /// Since when pg_stat_statements counts; null when unknown or not used.
    #[schemars(with = "Option<String>")]
    pub stats_since: Option<Timestamp>,
    /// What priced the advice; null when no what-if was possible.
    pub what_if: Option<Backend>,
    /// How far the shadow agrees with the server; null with another backend.
    pub shadow: Option<Agreement>,
}

/// What ran.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonWorkload {
    /// Distinct statements.
    pub n_statements: usize,
    /// Statements that the planner planned.
    pub n_planned: usize,
    /// The same by how their parameters were found: `constants`, `statistics`, `generic`.
    pub n_planned_by: BTreeMap<PlannedBy, usize>,
    /// Executions.
    pub n_calls: f64,
    /// Execution time in ms; null when it was not measured.
    pub exec_ms_total: Option<f64>,
}

/// Totals.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonSummary {
    /// Planner cost × calls of the workload as it is.
    pub cost_before: f64,
    /// The same with all advice followed.
    pub cost_after: f64,
    /// The same with every candidate present at once: a bound that no choice goes far below.
    pub cost_floor: f64,
    /// Measured execution time in ms; null when it was not measured.
    pub exec_ms_before: Option<f64>,
    /// The same scaled, statement by statement, as the planner's cost is: an estimate.
    pub exec_ms_after: Option<f64>,
    /// The limit on bytes of new indexes; null when none was given.
    pub budget_bytes: Option<u64>,
    /// Estimated bytes of the indexes to create.
    pub create_bytes: u64,
    /// Bytes of the indexes to drop.
    pub drop_bytes: u64,
    /// Planner units for each microsecond, which write costs are reckoned with.
    pub units_per_us: f64,
    /// Statements whose measured time that was fitted to; 0 where it is a constant.
    pub n_units_fitted: usize,
    /// Statements planned to find the advice.
    pub n_whatif_calls: u64,
    /// How long the run took, in ms.
    pub elapsed_ms: f64,
}

/// The statements that read one relation. A statement that reads several counts for each.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonRelation {
    /// The relation; of partitions, the partitioned table.
    pub relation: RelationName,
    /// How many statements that have a price read it.
    pub n_statements: usize,
    /// Their planner cost × calls as they are.
    pub cost_before: f64,
    /// The same with all advice followed.
    pub cost_after: f64,
    /// The same with every candidate present at once: a bound that no choice goes far below.
    pub cost_floor: f64,
}

/// One thing to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonAdvice {
    /// The name of the index or the statistics object, with its schema where several schemas get one of that name. Findings
    /// and statements refer to it.
    pub id: String,
    /// The same number for steps that are the same in several schemas; left out where a step is the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<usize>,
    /// What to do.
    pub action: JsonAction,
    /// The relation.
    pub relation: RelationName,
    /// The index; left out where the step is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<JsonIndex>,
    /// The statistics object; left out where the step is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<JsonStatistics>,
    /// For a drop, the name of the index that does all that this one does, and must be valid before; left out where nothing
    /// has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_over_by: Option<String>,
    /// Statements that do it, to be sent one by one and outside a transaction. Empty when none can be written (a gap
    /// says why).
    pub ddl: Vec<String>,
    /// Statements that undo it.
    pub rollback: Vec<String>,
    /// Estimated size; for a drop, its size now; 0 for a statistics object.
    pub index_bytes: u64,
    /// Planner cost × calls of the statements it serves, without this step but with all others. For a statistics object:
    /// what today's plans cost at the numbers of rows that it tells.
    pub cost_before: f64,
    /// The same with it.
    pub cost_after: f64,
    /// What maintaining it costs, in planner cost over the workload; negative for a drop.
    pub write_cost: f64,
    /// What that consists of.
    pub writes: JsonWrites,
    /// Whether it ends HOT updates that the relation has now.
    pub breaks_hot: bool,
    /// The rules whose findings it answers.
    pub answers: Vec<String>,
    /// What to know before following it.
    pub cautions: Vec<String>,
    /// The statements that gain, the largest gain first.
    pub statements: Vec<JsonStatement>,
}

/// What maintaining an index takes; negative where an index is dropped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonWrites {
    /// Where the number of writes comes from.
    pub source: JsonWriteSource,
    /// Microseconds for each row that is inserted, updated or deleted.
    pub us_per_write: f64,
    /// Bytes of WAL for each such row.
    pub wal_bytes_per_write: f64,
    /// HOT updates that end.
    pub n_hot_lost: f64,
    /// The indexed columns that these set.
    pub hot_columns: Vec<String>,
}

/// Where the number of writes comes from.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonWriteSource {
    /// Nothing is known to write the relation.
    Nothing,
    /// The rows of the statements in pg_stat_statements.
    Statements,
    /// The calls of workload files, and the rows that are planned.
    Files,
    /// The relation's counters, scaled to the time that pg_stat_statements covers.
    Counters,
}

/// What a step does.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonAction {
    /// `CREATE INDEX CONCURRENTLY`
    CreateIndex,
    /// `DROP INDEX CONCURRENTLY`
    DropIndex,
    /// `CREATE STATISTICS`, then `ANALYZE`
    CreateStatistics,
}

/// A statistics object; it lives in its relation's schema.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonStatistics {
    /// Its name.
    pub name: String,
    /// The columns.
    pub columns: Vec<String>,
    /// What is gathered.
    pub kinds: Vec<StatisticsKind>,
    /// What was counted and what is expected without it.
    pub evidence: String,
}

/// An index.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonIndex {
    /// Its name; left out for indexes that were declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The access method: `btree`.
    pub access_method: String,
    /// Whether it enforces uniqueness.
    pub is_unique: bool,
    /// `NULLS NOT DISTINCT`; left out when false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub nulls_not_distinct: bool,
    /// The key columns, leading column first.
    pub key_columns: Vec<JsonKeyColumn>,
    /// The INCLUDE columns.
    pub included_columns: Vec<String>,
    /// The predicate of a partial index.
    pub predicate: Option<String>,
}

/// A key column: either `column` or `expression` is there; the others are left out where they are the default.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonKeyColumn {
    /// The column's name, unquoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The expression, as SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// `DESC`
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub descending: bool,
    /// `NULLS FIRST`
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub nulls_first: bool,
    /// The operator class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
    /// The collation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
}

/// What a step does to one statement. Costs are of one execution.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonStatement {
    /// The queryid, as a string: JavaScript loses the low bits of such numbers.
    pub queryid: String,
    /// Executions.
    pub calls: f64,
    /// Execution time in ms; null when it was not measured.
    pub exec_ms_total: Option<f64>,
    /// Planner cost without this step but with all others.
    pub cost_before: f64,
    /// Planner cost with it.
    pub cost_after: f64,
    /// The same with other values of its parameters than the typical ones; empty where it has none, where all values are about as frequent,
    /// and where the backend cannot price other texts.
    pub variants: Vec<JsonVariant>,
}

/// A statement with other values of its parameters. No value is told, only how frequent it is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonVariant {
    /// `common`, `rare`, or `generic` for the plan that is made without values.
    pub kind: VariantKind,
    /// The compared column whose values differ most in frequency; null for the generic plan.
    pub column: Option<String>,
    /// The share of that column's rows with the value, 0 to 1; null for the generic plan.
    pub share: Option<f64>,
    /// Planner cost without this step but with all others.
    pub cost_before: f64,
    /// Planner cost with it.
    pub cost_after: f64,
    /// Whether its plan uses the step's index.
    pub is_used: bool,
}

/// A candidate that was not proposed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonDeclined {
    /// The relation.
    pub relation: RelationName,
    /// The index.
    pub index: JsonIndex,
    /// Why not.
    pub reason: String,
}

/// What became of one statement of the workload.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonAnswer {
    /// The queryid, as a string; of a statement from a file, a number made of its text.
    pub queryid: String,
    /// Where it is found: its queryid in pg_stat_statements, or its file and line.
    pub place: String,
    /// Executions.
    pub calls: f64,
    /// Execution time in ms; null when it was not measured.
    pub exec_ms_total: Option<f64>,
    /// Planner cost of one execution as it is; null when it could not be planned.
    pub cost_before: Option<f64>,
    /// The same with all advice followed.
    pub cost_after: Option<f64>,
    /// What became of it.
    pub answer: Answer,
    /// What exactly; null where advice or an existing index serves it.
    pub cause: Option<Cause>,
    /// The same in one sentence.
    pub reason: String,
    /// The advice that serves it, by id, the largest gain first.
    pub advice: Vec<String>,
    /// The existing indexes that find its rows, or that the planner does not prefer, by name.
    pub indexes: Vec<String>,
    /// The rules whose findings are about it.
    pub findings: Vec<String>,
}

/// Something that hurts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonFinding {
    /// The rule's id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the rule is, 0 to 1.
    pub confidence: f64,
    /// The relation that it is about.
    pub relation: Option<RelationName>,
    /// The columns, in the order that matters to the rule.
    pub columns: Vec<String>,
    /// The existing index that it is about.
    pub index: Option<String>,
    /// The statements that show it, as strings.
    pub queryids: Vec<String>,
    /// Condition and effect in one sentence.
    pub message: String,
    /// The numbers behind it; their names depend on the rule.
    pub evidence: Map<String, Value>,
    /// What to do about it where no advice answers it.
    pub fix: Option<String>,
    /// What it costs now: ms where time is measured, else planner cost × calls.
    pub impact: f64,
    /// The advice that answers it, by id.
    pub advice: Vec<String>,
}
