//! How the server planned the statements when the snapshot was taken, so that a machine without it knows as much. Holds
//! plans as text; `plan` reads them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::QueryId;

/// What came of planning one statement of pg_stat_statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedPlan {
    /// The statement: where several queryids are the same statement, the one with the most calls.
    pub queryid: QueryId,
    /// What came of it.
    pub outcome: RecordedOutcome,
}

/// What came of planning a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordedOutcome {
    /// It is planned.
    Planned {
        /// The text that the planner accepted. Holds values from statistics: never reported.
        text: String,
        /// How `text` is explained.
        form: ExplainForm,
        /// How its parameters were found.
        by: PlannedBy,
        /// Whether `text` is the SELECT that finds the rows of a statement that the role may not plan.
        is_rewritten_to_select: bool,
        /// What EXPLAIN (VERBOSE, FORMAT JSON) returned, the keys that pgadvise reads. Text rather than JSON within
        /// JSON, because plans nest deeper than readers of JSON allow.
        plan: String,
        /// The same statement with other values, which is priced beside it.
        #[serde(default)]
        variants: Vec<Variant>,
    },
    /// It reads nothing, so that there is nothing to plan.
    NothingToPlan,
    /// The server refused.
    Refused {
        /// Why, in words for the report.
        reason: String,
        /// Whether the server says that what the text names is not there, or that the text is not whole.
        contradicts_shape: bool,
    },
}

/// How a text is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExplainForm {
    /// Plain EXPLAIN: the text holds no parameters.
    Plain,
    /// A generic plan: the text holds `$n`.
    Generic,
}

/// How a statement's parameters were found, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlannedBy {
    /// It has none: the constants are the application's own.
    Constants,
    /// Values from column statistics stand for the parameters.
    Statistics,
    /// No values could be found: a generic plan.
    Generic,
}

/// Which values stand for the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VariantKind {
    /// The most common values of the compared columns.
    Common,
    /// The rarest values that the statistics know.
    Rare,
    /// None: the generic plan of a prepared statement.
    Generic,
}

/// A text that is planned beside the statement's own, to compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// Which values it has.
    pub kind: VariantKind,
    /// The compared column whose values differ most in frequency; `None` for the generic plan.
    pub column: Option<String>,
    /// The share of that column's rows that has this variant's value, 0 to 1; `None` for the generic plan.
    pub share: Option<f64>,
    /// The text. Holds values from statistics: never reported.
    pub text: String,
    /// How it is to be explained.
    pub form: ExplainForm,
}
