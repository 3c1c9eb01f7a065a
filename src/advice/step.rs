//! What advice consists of: steps, declined candidates, totals.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::partitions::PartitionIndex;
use super::relation_costs::RelationCosts;
use super::write_cost::{Calibration, WriteCost};
use crate::pg::{Bytes, IndexDefinition, Oid, QueryId, RelationName, StatisticsDefinition, quote_identifier};
use crate::workload::{VariantKind, Workload};

/// The outcome of the search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advice {
    /// What to do, in the order to do it: creates before drops, the largest gain first.
    pub steps: Vec<Step>,
    /// The statistics objects to make, to be made before the steps, the largest gain first.
    pub statistics: Vec<StatisticsStep>,
    /// The statistics objects that the counted rows call for, and that change no plan for the better.
    pub idle_statistics: Vec<StatisticsDefinition>,
    /// The statistics objects that the planner could not be told of, and why: nothing is known of their gain.
    pub untold_statistics: Vec<(StatisticsDefinition, String)>,
    /// What was considered and not proposed, with the reason, sorted.
    pub declined: Vec<Declined>,
    /// Workload cost (planner cost × calls) without any step.
    pub cost_before: f64,
    /// Workload cost with all steps.
    pub cost_after: f64,
    /// Workload cost with every candidate present at once: a bound that no choice goes far below.
    pub cost_floor: f64,
    /// The same of the statements that read each relation, where most could be gained first.
    pub relations: Vec<RelationCosts>,
    /// Measured time of the workload in ms, where known.
    pub exec_ms_before: Option<f64>,
    /// The same scaled by the planner's gain, statement by statement.
    pub exec_ms_after: Option<f64>,
    /// The limit on new bytes, if one was given.
    pub budget: Option<Bytes>,
    /// How many planner units a microsecond is, which write costs are reckoned with.
    pub calibration: Calibration,
    /// How many statements were planned to find it.
    pub n_whatif_calls: u64,
    /// For each statement of the workload, its cost before and after all steps; `None` when it could not be priced.
    pub statement_costs: Vec<Option<(f64, f64)>>,
}

impl Advice {
    /// What reports call `step`: its id, with its schema where steps of several schemas have that id.
    pub fn name_of(&self, step: &Step) -> String {
        let is_shared = self.steps.iter().any(|other| other.id == step.id && other.relation != step.relation);
        let id = &step.id;
        if is_shared {
            format!("{}.{}", quote_identifier(&step.relation.schema), quote_identifier(id))
        } else {
            id.clone()
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The index's name, which names the step in reports and files. Unique within the schema and the advice.
    pub id: String,
    /// What to do with the index.
    pub action: Action,
    /// The relation's oid in the snapshot.
    pub relation_oid: Oid,
    /// The relation.
    pub relation: RelationName,
    /// The index.
    pub index: IndexDefinition,
    /// For a drop, the name of the index that does all that this one does: it must be there before.
    pub taken_over_by: Option<String>,
    /// Of a partitioned table, the indexes of its partitions, each before those that are attached to it.
    pub partitions: Vec<PartitionIndex>,
    /// Its estimated size; for a drop, its size now.
    pub index_bytes: Bytes,
    /// Cost × calls of the statements it serves, without this step but with all others.
    pub cost_before: f64,
    /// The same with it.
    pub cost_after: f64,
    /// What maintaining it costs over the workload's window, in planner cost units; negative for a drop.
    pub write_cost: f64,
    /// What that consists of and where it comes from.
    pub writes: WriteCost,
    /// Whether it ends HOT updates that the relation has now.
    pub breaks_hot: bool,
    /// Ids of the rules whose findings it answers, sorted.
    pub answers: Vec<String>,
    /// The statements that gain, the largest gain first.
    pub statements: Vec<StatementGain>,
    /// What the reviewer should know before signing: `statistics are missing`, `helps only rare values` …
    pub cautions: Vec<String>,
}

/// A statistics object to make, so that the planner expects the rows that were counted.
#[derive(Debug, Clone, PartialEq)]
pub struct StatisticsStep {
    /// The object. Its name is free, and names the step in reports and files.
    pub definition: StatisticsDefinition,
    /// The relation's oid in the snapshot.
    pub relation_oid: Oid,
    /// Cost × calls of the statements that get a better plan: what today's plans cost at the numbers of rows that the object
    /// tells, beside all other steps. Today's own estimate is too low to be held against anything.
    pub cost_before: f64,
    /// The same of the plans that are chosen then.
    pub cost_after: f64,
    /// What was counted and what is expected, in one sentence.
    pub evidence: String,
    /// The statements that gain, the largest gain first.
    pub statements: Vec<StatementGain>,
    /// What the reviewer should know before signing.
    pub cautions: Vec<String>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `CREATE INDEX CONCURRENTLY`
    CreateIndex,
    /// `DROP INDEX CONCURRENTLY`
    DropIndex,
}

impl Action {
    /// The verb for it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::CreateIndex => "create",
            Self::DropIndex => "drop",
        }
    }
}

/// What a step does to one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementGain {
    /// Position of the statement in the workload.
    pub statement: usize,
    /// The queryid it is reported under.
    pub queryid: QueryId,
    /// Executions.
    pub n_calls: f64,
    /// Total execution time in ms, where measured.
    pub exec_ms_total: Option<f64>,
    /// Planner cost of one execution without this step but with all others.
    pub cost_before: f64,
    /// Planner cost of one execution with it.
    pub cost_after: f64,
    /// The same with other values of its parameters; empty where it has none, where all values are about as frequent,
    /// and where the backend prices no other texts.
    pub variants: Vec<VariantGain>,
}

impl StatementGain {
    /// What becomes of the statement at `position` in `workload`; no variants yet.
    pub fn of(workload: &Workload, position: usize, cost_before: f64, cost_after: f64) -> Self {
        let statement = &workload.statements[position];
        Self {
            statement: position,
            queryid: statement.queryid,
            n_calls: statement.n_calls,
            exec_ms_total: statement.exec_ms_total,
            cost_before,
            cost_after,
            variants: Vec::new(),
        }
    }

    /// The order in which a step lists its statements: by what all their calls gain.
    pub fn largest_first(a: &Self, b: &Self) -> Ordering {
        let gain = |gain: &Self| (gain.cost_before - gain.cost_after) * gain.n_calls;
        gain(b).total_cmp(&gain(a)).then(a.statement.cmp(&b.statement))
    }
}

/// What a step does to a statement with other values of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantGain {
    /// Which values.
    pub kind: VariantKind,
    /// The compared column whose values differ most in frequency; `None` for the generic plan.
    pub column: Option<String>,
    /// The share of that column's rows with this value, 0 to 1.
    pub share: Option<f64>,
    /// Planner cost of one execution without this step but with all others.
    pub cost_before: f64,
    /// Planner cost of one execution with it.
    pub cost_after: f64,
    /// Whether its plan uses the step's index.
    pub is_used: bool,
    /// Whether its plan uses no index at all, with the step.
    pub uses_no_index: bool,
}

/// A candidate that was not proposed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declined {
    /// The relation.
    pub relation: RelationName,
    /// The index.
    pub index: IndexDefinition,
    /// Why not, in one sentence.
    pub reason: String,
    /// Positions of the statements that asked for it.
    pub statements: BTreeSet<usize>,
}
