//! What a rule reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RuleMeta;
use crate::pg::{QueryId, RelationName};
use crate::snapshot::Relation;

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

impl Finding {
    /// A finding of the rule behind `meta`, certain, about nothing yet.
    pub fn new(meta: &RuleMeta, message: impl Into<String>) -> Self {
        Self {
            rule: meta.id.to_owned(),
            severity: meta.severity,
            confidence: 1.0,
            relation: None,
            columns: Vec::new(),
            index: None,
            queryids: Vec::new(),
            message: message.into(),
            evidence: serde_json::Map::new(),
            fix: None,
            impact: 0.0,
        }
    }

    /// About `relation` and these columns of it.
    pub fn on<I: IntoIterator<Item = S>, S: Into<String>>(mut self, relation: &Relation, columns: I) -> Self {
        self.relation = Some(relation.name.clone());
        self.columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// With one more number behind the message.
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }

    /// The order of a report: severity, then impact, then what makes it stable.
    pub fn worst_first(&self, other: &Self) -> std::cmp::Ordering {
        other
            .severity
            .cmp(&self.severity)
            .then_with(|| other.impact.total_cmp(&self.impact))
            .then_with(|| self.rule.cmp(&other.rule))
            .then_with(|| self.relation.cmp(&other.relation))
            .then_with(|| self.index.cmp(&other.index))
            .then_with(|| self.columns.cmp(&other.columns))
            .then_with(|| self.message.cmp(&other.message))
    }
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
