//! What `pgadvise verify` says of a statistics object. Plain values; compares nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::{RelationName, StatisticsDefinition};
use crate::verify::Standing;

/// The outcome for one statistics object.
#[derive(Debug, Clone, PartialEq)]
pub struct StatisticsVerdict {
    /// What was to be made.
    pub definition: StatisticsDefinition,
    /// What became of it.
    pub state: StatisticsState,
    /// In what the object of its name differs from the manifest: `kinds are (dependencies), not (dependencies, mcv)`.
    pub differences: Vec<String>,
    /// Objects of other names that do the same, by schema and name. Not relations: a statistics object may live in
    /// another schema than its relation.
    pub equivalents: Vec<RelationName>,
    /// More about the state: what to do, what the role may not see.
    pub note: Option<String>,
}

/// What became of a statistics object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatisticsState {
    /// It is there as it was meant and, as far as the role may see, filled.
    Ok,
    /// It is there under another name.
    OtherName,
    /// It is not there.
    Missing,
    /// Its relation is not there.
    MissingRelation,
    /// The object of its name is over another relation or other columns, or lacks a kind.
    Different,
    /// It is there, and ANALYZE has put nothing into it: the planner does not use it.
    NotAnalysed,
}

impl StatisticsState {
    /// The word for it in reports: `not_analysed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OtherName => "other_name",
            Self::Missing => "missing",
            Self::MissingRelation => "missing_relation",
            Self::Different => "different",
            Self::NotAnalysed => "not_analysed",
        }
    }
}

impl StatisticsVerdict {
    /// How the state counts. Nothing is undecided: an object is made and filled in one transaction.
    pub fn standing(&self) -> Standing {
        match self.state {
            StatisticsState::Ok | StatisticsState::OtherName => Standing::Expected,
            StatisticsState::Missing
            | StatisticsState::MissingRelation
            | StatisticsState::Different
            | StatisticsState::NotAnalysed => Standing::Wrong,
        }
    }
}
