//! The JSON report of `pgadvise verify`, version 1.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::json::{JsonAction, SCHEMA_VERSION, action, to_json};
use crate::error::Result;
use crate::pg::{RelationName, StatisticsKind};
use crate::verify::{IndexState, IndexVerdict, StatementVerdict, StatisticsState, StatisticsVerdict, Usage, Verdict};

/// The report of `pgadvise verify --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerdictReport {
    /// 1. Raised only when a reader of the old shape would misread the new one; fields may be added without.
    pub schema_version: u32,
    /// The version of pgadvise that made the report.
    pub pgadvise_version: String,
    /// When it was made, in UTC.
    #[schemars(with = "String")]
    pub generated_at: Timestamp,
    /// The manifest that was verified.
    pub manifest: String,
    /// The database that was looked at.
    pub database: String,
    /// The database that the manifest was made for.
    pub manifest_database: String,
    /// The server's version: `15.18`.
    pub server_version: String,
    /// The exit code: 0 all is as the manifest says, 1 something is not, 6 something cannot be told yet.
    pub exit_code: u8,
    /// Each index of the manifest, in its order.
    pub indexes: Vec<JsonIndexVerdict>,
    /// Each statistics object of the manifest, in its order.
    pub statistics: Vec<JsonStatisticsVerdict>,
}

/// The outcome for one index.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonIndexVerdict {
    /// What was to be done.
    pub action: JsonAction,
    /// The relation.
    pub relation: RelationName,
    /// The index's name in the manifest.
    pub name: String,
    /// What became of it.
    pub state: IndexState,
    /// In what it differs from the manifest.
    pub differences: Vec<String>,
    /// Valid indexes of other names that are the same.
    pub equivalents: Vec<String>,
    /// More about the state; null when there is nothing to add.
    pub note: Option<String>,
    /// Scans so far on this node, read before anything was planned; null where they are not counted.
    pub n_scans: Option<i64>,
    /// Whether the planner uses it for the statements that it was made for.
    pub usage: Usage,
    /// Those statements.
    pub statements: Vec<JsonStatementVerdict>,
}

/// Whether a statement's plan uses the index. Costs are the planner's, of one execution.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonStatementVerdict {
    /// Its queryid in the manifest, as a string.
    pub queryid: String,
    /// Whether its plan has the index or an equivalent one; null when it could not be planned.
    pub uses_index: Option<bool>,
    /// Cost before, by the manifest.
    pub cost_before: f64,
    /// Cost that the manifest promised.
    pub cost_promised: f64,
    /// Cost now; null when it could not be planned.
    pub cost_now: Option<f64>,
    /// Why it could not be planned.
    pub reason: Option<String>,
}

/// The outcome for one statistics object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JsonStatisticsVerdict {
    /// The relation, whose schema the object lives in.
    pub relation: RelationName,
    /// The object's name in the manifest.
    pub name: String,
    /// The columns in the manifest.
    pub columns: Vec<String>,
    /// What is gathered, by the manifest.
    pub kinds: Vec<StatisticsKind>,
    /// What became of it.
    pub state: StatisticsState,
    /// In what the object of that name differs from the manifest.
    pub differences: Vec<String>,
    /// Objects of other names that do the same, by schema and name.
    pub equivalents: Vec<RelationName>,
    /// More about the state; null when there is nothing to add.
    pub note: Option<String>,
}

/// The verdict on the manifest at `manifest` as indented JSON and a line break.
///
/// # Errors
/// Only when it cannot be serialised, which is a defect.
pub fn verdict_json(verdict: &Verdict, manifest: &str, generated_at: Timestamp) -> Result<String> {
    to_json(&VerdictReport {
        schema_version: SCHEMA_VERSION,
        pgadvise_version: env!("CARGO_PKG_VERSION").to_owned(),
        generated_at,
        manifest: manifest.to_owned(),
        database: verdict.database.clone(),
        manifest_database: verdict.manifest_database.clone(),
        server_version: verdict.server_version.to_string(),
        exit_code: verdict.exit_code(),
        indexes: verdict.indexes.iter().map(index).collect(),
        statistics: verdict.statistics.iter().map(statistics).collect(),
    })
}

fn index(index: &IndexVerdict) -> JsonIndexVerdict {
    JsonIndexVerdict {
        action: action(index.action),
        relation: index.relation.clone(),
        name: index.name.clone(),
        state: index.state,
        differences: index.differences.clone(),
        equivalents: index.equivalents.clone(),
        note: index.note.clone(),
        n_scans: index.n_scans,
        usage: index.usage,
        statements: index.statements.iter().map(statement).collect(),
    }
}

fn statement(statement: &StatementVerdict) -> JsonStatementVerdict {
    JsonStatementVerdict {
        queryid: statement.queryid.to_string(),
        uses_index: statement.uses_index,
        cost_before: statement.cost_before,
        cost_promised: statement.cost_promised,
        cost_now: statement.cost_now,
        reason: statement.reason.clone(),
    }
}

fn statistics(statistics: &StatisticsVerdict) -> JsonStatisticsVerdict {
    let definition = &statistics.definition;
    JsonStatisticsVerdict {
        relation: definition.relation.clone(),
        name: definition.name.clone(),
        columns: definition.columns.clone(),
        kinds: definition.kinds.clone(),
        state: statistics.state,
        differences: statistics.differences.clone(),
        equivalents: statistics.equivalents.clone(),
        note: statistics.note.clone(),
    }
}
