//! What `pgadvise verify` says: a state for each index, and whether its statements use it; and one for each
//! statistics object. Plain values; decides only the exit code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statistics::StatisticsVerdict;
use crate::advice::Action;
use crate::pg::{QueryId, RelationName, ServerVersion};

/// The outcome for one manifest on one server.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The database that was looked at.
    pub database: String,
    /// The database that the manifest was made for.
    pub manifest_database: String,
    /// The server's version.
    pub server_version: ServerVersion,
    /// Each index of the manifest, in its order.
    pub indexes: Vec<IndexVerdict>,
    /// Each statistics object of the manifest, in its order.
    pub statistics: Vec<StatisticsVerdict>,
}

/// The outcome for one index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexVerdict {
    /// What was to be done.
    pub action: Action,
    /// The relation.
    pub relation: RelationName,
    /// The index's name in the manifest.
    pub name: String,
    /// What became of it.
    pub state: IndexState,
    /// In what it differs from the manifest: `key columns are (a), not (a, b)`.
    pub differences: Vec<String>,
    /// Valid indexes of other names that are the same.
    pub equivalents: Vec<String>,
    /// More about the state: who builds it, what has its name, what to do.
    pub note: Option<String>,
    /// Scans so far on this node, read before anything was planned.
    pub n_scans: Option<i64>,
    /// Whether the planner uses it.
    pub usage: Usage,
    /// What it is called in plans, by schema and name: its equivalents and the parts of a partitioned index as well.
    pub names_in_plans: Vec<(String, String)>,
    /// The statements that it was made for.
    pub statements: Vec<StatementVerdict>,
}

/// Whether a statement's plan uses the index.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementVerdict {
    /// Its queryid in the manifest.
    pub queryid: QueryId,
    /// Whether its plan has the index or an equivalent one; `None` when it could not be planned.
    pub uses_index: Option<bool>,
    /// Planner cost of one execution before, by the manifest.
    pub cost_before: f64,
    /// Planner cost that the manifest promised.
    pub cost_promised: f64,
    /// Planner cost now; `None` when it could not be planned.
    pub cost_now: Option<f64>,
    /// Why it could not be planned.
    pub reason: Option<String>,
}

/// What became of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndexState {
    /// It is there, valid and as it was meant.
    Ok,
    /// It is there and valid under another name.
    OtherName,
    /// It is not there.
    Missing,
    /// Its relation is not there.
    MissingRelation,
    /// Something else has its name.
    NameTaken,
    /// A build of it failed, or a drop of it was interrupted: the planner does not use it.
    Invalid,
    /// It is being built at this moment.
    Building,
    /// The index of its name is defined in another way.
    Different,
    /// The index of its name may be the same, but the role may not do what it takes to tell.
    NotComparable,
    /// It is gone, as it was to be.
    Dropped,
    /// It is still there, though it was to be dropped.
    NotDropped,
}

/// How a state counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// As the manifest says.
    Expected,
    /// Nobody can tell yet.
    Undecided,
    /// Not as the manifest says.
    Wrong,
}

/// Whether the planner uses an index for the statements that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// There is nothing to ask: the index is not there, was dropped, or serves no statement in particular.
    NotApplicable,
    /// At least one of its statements is planned with it.
    Used,
    /// Statements could be planned, and none is planned with it.
    Unused,
    /// None of its statements could be planned.
    Unknown,
}

impl IndexState {
    /// The word for it in reports: `other_name`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OtherName => "other_name",
            Self::Missing => "missing",
            Self::MissingRelation => "missing_relation",
            Self::NameTaken => "name_taken",
            Self::Invalid => "invalid",
            Self::Building => "building",
            Self::Different => "different",
            Self::NotComparable => "not_comparable",
            Self::Dropped => "dropped",
            Self::NotDropped => "not_dropped",
        }
    }

    /// Whether the index exists and the planner may use it.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Ok | Self::OtherName)
    }

    fn standing(self) -> Standing {
        match self {
            Self::Ok | Self::OtherName | Self::Dropped => Standing::Expected,
            Self::Building | Self::NotComparable => Standing::Undecided,
            _ => Standing::Wrong,
        }
    }
}

impl IndexVerdict {
    /// How the index and its use count: an index that no statement uses is not what was promised, and one of which that
    /// could not be looked at is undecided.
    pub fn standing(&self) -> Standing {
        let usage = match self.usage {
            Usage::NotApplicable | Usage::Used => Standing::Expected,
            Usage::Unknown => Standing::Undecided,
            Usage::Unused => Standing::Wrong,
        };
        self.state.standing().max(usage)
    }
}

impl Verdict {
    /// The worst standing of all indexes and statistics objects.
    pub fn standing(&self) -> Standing {
        let statistics = self.statistics.iter().map(StatisticsVerdict::standing);
        self.indexes.iter().map(IndexVerdict::standing).chain(statistics).max().unwrap_or(Standing::Expected)
    }

    /// The process exit code: 0 all is as the manifest says, 1 something is not, 6 something cannot be told yet.
    pub fn exit_code(&self) -> u8 {
        match self.standing() {
            Standing::Expected => 0,
            Standing::Wrong => 1,
            Standing::Undecided => 6,
        }
    }
}
