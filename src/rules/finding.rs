//! What a rule reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::{QueryId, RelationName};

/// One thing that hurts, with the evidence for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id: `seq_scan_filter`.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the rule is, 0 to 1.
    pub confidence: f64,
    /// The relation that it is about.
    pub relation: Option<RelationName>,
    /// The columns, in the order that matters to the rule.
    pub columns: Vec<String>,
    /// The existing index that it is about, by name.
    pub index: Option<String>,
    /// The statements that show it, sorted.
    pub queryids: Vec<QueryId>,
    /// One sentence: condition and effect. Holds no value of the user's.
    pub message: String,
    /// The numbers behind the message, by name. Holds no value of the user's.
    pub evidence: serde_json::Map<String, serde_json::Value>,
    /// What to do about it, where the remedy is not an index that advice proposes: SQL or a sentence.
    pub fix: Option<String>,
    /// What the finding costs now, to rank by: ms where time is measured, else planner cost × calls. 0 when it has none.
    pub impact: f64,
}

/// How bad a finding is. Ordered: a note is less than a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth mending.
    Warning,
    /// Wrong now: an invalid index that every write maintains, say.
    Error,
}
