//! What would it cost if …: the `Planner` trait, and the backends that answer it.

pub mod cache;
mod choose;
mod coalesce;
mod declared;
pub mod estimate;
mod explain;
pub mod hypopg;
pub mod sandbox;
pub mod selectivity;
pub mod shadow;
pub mod size;
mod statistics;

pub use cache::Cached;
pub use choose::{Choice, Means, Prepared, no_sandbox, prepare};
pub use estimate::Estimate;
pub use hypopg::Hypopg;
pub use sandbox::Sandbox;
pub use shadow::Shadow;
pub use size::{IndexSize, Metapage};
pub use statistics::{HypotheticalStatistics, StatisticsAnswer, StatisticsPrice};

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::pg::{Bytes, IndexDefinition, Oid};

/// An index that does not exist, to be priced. Its id is its position in the list that was declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hypothetical {
    /// The relation.
    pub relation: Oid,
    /// What it is.
    pub definition: IndexDefinition,
    /// Its size by the size model (`whatif::size`).
    pub estimated_bytes: Bytes,
}

/// A declared hypothetical index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CandidateId(pub u32);

/// One question: what does this statement cost with these hypothetical indexes visible and these existing ones hidden?
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// Position of the statement in the workload. It is planned.
    pub statement: usize,
    /// The hypothetical indexes that exist in this question.
    pub visible: BTreeSet<CandidateId>,
    /// The existing indexes that do not.
    pub hidden: BTreeSet<Oid>,
}

/// The planner's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Price {
    /// Total cost of the plan, in planner units, the backend's known faults corrected.
    pub total_cost: f64,
    /// The hypothetical indexes in the plan.
    pub used: BTreeSet<CandidateId>,
    /// The existing indexes in the plan.
    pub used_existing: BTreeSet<Oid>,
    /// The visible hypothetical indexes that this backend cannot judge in this statement: their absence from the plan
    /// proves nothing. (HypoPG matches predicates and expressions only on a query's first relation.)
    pub unproven: BTreeSet<CandidateId>,
}

/// Answers what-if questions. Everything above it is pure.
pub trait Planner {
    /// Which backend this is.
    fn backend(&self) -> Backend;

    /// Makes hypothetical indexes known, in addition to those declared before. For each the size that the backend
    /// prices it with (for budgets on one axis), or why it can never be built (`access method "gin" is not
    /// supported`, `functions in index expression must be marked IMMUTABLE`).
    ///
    /// # Errors
    /// Only when the backend itself is lost.
    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>>;

    /// Answers a batch, in order. An inner error says why one statement could not be planned in that question.
    ///
    /// # Errors
    /// Only when the backend itself is lost or the run was interrupted.
    fn price(&mut self, asks: &[Ask]) -> Result<Vec<std::result::Result<Price, String>>>;

    /// Tells the planner what `object` would: it counts in every question until it is forgotten. The inner error says why it
    /// cannot.
    ///
    /// # Errors
    /// Only when the backend itself is lost or the run was interrupted.
    fn tell(&mut self, _object: &HypotheticalStatistics) -> Result<std::result::Result<(), String>> {
        Ok(Err(format!("{} cannot be given statistics that nobody has gathered", self.backend().as_str())))
    }

    /// Takes an object away that the planner was told.
    ///
    /// # Errors
    /// As [`Planner::tell`].
    fn forget(&mut self, _object: &HypotheticalStatistics) -> Result<()> {
        Ok(())
    }

    /// What `object`, which the planner was told, changes in the plans of these questions.
    ///
    /// # Errors
    /// As [`Planner::tell`].
    fn price_statistics(&mut self, _object: &HypotheticalStatistics, asks: &[Ask]) -> Result<Vec<StatisticsAnswer>> {
        Ok(asks.iter().map(|_| Err("the planner was not told of it".to_owned())).collect())
    }

    /// How many statements the backend has really planned so far.
    fn n_calls(&self) -> u64;
}

/// A what-if backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// A private server with the schema and the statistics of the analysed one, and none of its rows.
    Shadow,
    /// HypoPG on the analysed server.
    Hypopg,
    /// Candidates really built and toggled in a database that the user named for it.
    Sandbox,
    /// Reckoned in process from the statements' plans and statistics: no planner was asked.
    Estimate,
}

impl Backend {
    /// Its name on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Hypopg => "hypopg",
            Self::Sandbox => "sandbox",
            Self::Estimate => "estimate",
        }
    }
}
