//! What ran: statements with their counts, shapes and plans, and what each of them weighs. Reads workload files; asks no server.

mod build;
mod files;
mod merge;
#[cfg(test)]
pub(crate) mod test_workload;
mod variant;
mod weigh;

pub use crate::snapshot::{ExplainForm, PlannedBy, Variant, VariantKind};
pub use build::{BuildOptions, build};
pub use files::{ScriptFile, read_scripts};
pub use variant::VariantPlace;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::pg::QueryId;
use crate::plan::Plan;
use crate::snapshot::{Gap, Snapshot};
use crate::sql::Shape;

/// The statements of one run over one snapshot.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The catalog and statistics that the statements were resolved against.
    pub snapshot: Arc<Snapshot>,
    /// The statements, heaviest first, ties by queryid. Their position here names them everywhere else.
    pub statements: Vec<Statement>,
    /// What a statement counts.
    pub weigh: Weigh,
    /// Statements that were left out or could not be understood, and why.
    pub gaps: Vec<Gap>,
}

/// One statement: one shape of text, however many queryids it has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Statement {
    /// The queryid that it is reported under: the one with the most calls.
    pub queryid: QueryId,
    /// All queryids that were merged into it, sorted.
    pub queryids: Vec<QueryId>,
    /// The text, normalised as its source had it. Untrusted.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it was found in several texts, so that the constants in the one that is kept are not all that was sent.
    pub has_other_texts: bool,
    /// Whether a client sent it, rather than a function.
    pub is_top_level: bool,
    /// Executions.
    pub n_calls: f64,
    /// Rows returned or affected, over all calls; `None` when not counted.
    pub n_rows: Option<f64>,
    /// Total execution time in ms; `None` when not measured.
    pub exec_ms_total: Option<f64>,
    /// Mean execution time in ms; `None` when not measured.
    pub exec_ms_mean: Option<f64>,
    /// Standard deviation of the execution time in ms; `None` when not measured.
    pub exec_ms_stddev: Option<f64>,
    /// Shared blocks hit and read, over all calls; `None` when not counted.
    pub n_shared_blocks: Option<f64>,
    /// What it asks for; `None` when neither text nor plan could be understood (a gap says why).
    pub shape: Option<Shape>,
    /// How it is planned; `None` when it could not be (a gap says why).
    pub planned: Option<Planned>,
}

/// Where a statement was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// pg_stat_statements.
    PgStatStatements,
    /// A `--workload` file.
    File {
        /// The file's path as given.
        path: String,
        /// The line where the statement starts, from 1.
        line: usize,
    },
}

impl Statement {
    /// Where the user finds it: its queryid in pg_stat_statements, or its file and line.
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::PgStatStatements => self.queryid.to_string(),
            Origin::File { path, line } => format!("{path}:{line}"),
        }
    }
}

/// A statement made plannable, and its plan without any hypothetical index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Planned {
    /// The text that the planner accepted. May hold values from statistics or from the workload: never reported.
    pub text: String,
    /// How `text` is to be explained.
    pub form: ExplainForm,
    /// How its parameters were found; reported.
    pub by: PlannedBy,
    /// What was changed so that the role may plan it: a DML statement as the SELECT that finds its rows; reported.
    pub is_rewritten_to_select: bool,
    /// The plan on the server as it is.
    pub plan: Plan,
    /// The same statement with more common and rarer values, and without any. Empty where no value stands for a
    /// parameter, or where all values of the compared columns are about as frequent.
    #[serde(default)]
    pub variants: Vec<Variant>,
}

/// What a statement counts in the choice of indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weigh {
    /// Its measured total execution time.
    Time,
    /// Its planner cost × calls.
    Cost,
    /// Its calls: every statement's cost before counts as 1.
    Calls,
}

impl Workload {
    /// Puts the statements in order: the most cost × weight first, those that are not planned behind them by their
    /// measured time and calls, ties by queryid.
    pub fn sort(&mut self) {
        let weights = self.weights();
        let mut weighed: Vec<(f64, Statement)> = std::mem::take(&mut self.statements)
            .into_iter()
            .zip(weights)
            .map(|(statement, weight)| (statement.cost_before().map_or(-1.0, |cost| cost * weight), statement))
            .collect();
        weighed.sort_by(|(left_weight, left), (right_weight, right)| {
            let time = |statement: &Statement| statement.exec_ms_total.unwrap_or_default();
            right_weight
                .total_cmp(left_weight)
                .then(time(right).total_cmp(&time(left)))
                .then(right.n_calls.total_cmp(&left.n_calls))
                .then(left.queryid.cmp(&right.queryid))
        });
        self.statements = weighed.into_iter().map(|(_, statement)| statement).collect();
    }
}

impl Statement {
    /// The planner's total cost on the server as it is; `None` when it could not be planned.
    pub fn cost_before(&self) -> Option<f64> {
        self.planned.as_ref().map(|planned| planned.plan.root.total_cost)
    }
}
