//! What an answer consists of. Data only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of one statement of the workload.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementAnswer {
    /// Position of the statement in the workload.
    pub statement: usize,
    /// The answer.
    pub answer: Answer,
    /// What exactly; `None` where a step or an index serves it.
    pub cause: Option<Cause>,
    /// The same in one sentence. Holds no value of the user's.
    pub reason: String,
    /// The steps that serve it, by id, the largest gain first.
    pub advice: Vec<String>,
    /// The existing indexes that find its rows, by name, the costliest use first.
    pub indexes: Vec<String>,
    /// The rules whose findings are about it, sorted.
    pub findings: Vec<String>,
}

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// At least one step makes it cheaper.
    Served,
    /// Its plan finds its rows through existing indexes, and that is most of what it costs.
    AlreadyServed,
    /// What it costs is nothing that finding rows faster would save.
    NotAnIndexProblem,
    /// It searches for few rows among many, and no index is proposed for it.
    NothingHelps,
    /// Nothing is known that would allow an answer.
    Unknown,
}

impl Answer {
    /// Every answer, in the order of a report's summary.
    pub const ALL: [Self; 5] =
        [Self::Served, Self::AlreadyServed, Self::NotAnIndexProblem, Self::NothingHelps, Self::Unknown];

    /// In words: `already served`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Served => "served by advice",
            Self::AlreadyServed => "already served",
            Self::NotAnIndexProblem => "not an index problem",
            Self::NothingHelps => "nothing helps",
            Self::Unknown => "unknown",
        }
    }
}

/// What it is, where neither a step nor an index serves a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Not an index problem: it reads no relation that is stored in this database.
    ReadsNoRelation,
    /// Not an index problem: it inserts rows and searches for none.
    InsertsRows,
    /// Not an index problem: a relation of few pages is read as fast without an index.
    SmallRelation,
    /// Not an index problem: it costs about what looking up one row costs, or no measurable time.
    Cheap,
    /// Not an index problem: it returns much of its relation.
    ReturnsMuch,
    /// Not an index problem: it changes much of its relation.
    ChangesMuch,
    /// Not an index problem: it aggregates much of its relation, or many rows.
    AggregatesMuch,
    /// Not an index problem: it joins much of its relations.
    JoinsMuch,
    /// Not an index problem: it sorts rows that no one index returns in order.
    SortsMuch,
    /// Not an index problem: most of its cost is what it computes, not what it reads.
    Computes,
    /// Not an index problem: OFFSET makes it read rows only to skip them.
    DeepOffset,
    /// Not an index problem: it takes far longer than what its plan shows.
    Waits,
    /// Not an index problem as it is written: it searches for a pattern that starts with a wildcard.
    PatternSearch,
    /// Not an index problem as it is written: no index can answer its conditions.
    NotIndexable,
    /// Nothing helps: candidates were considered and declined.
    Declined,
    /// Nothing helps: an existing index could find its rows, and the planner does not prefer it.
    ExistingIndexNotPreferred,
    /// Nothing helps: no index that its conditions could use was found.
    NoCandidate,
    /// Unknown: it could not be planned; a gap says why.
    NotPlanned,
    /// Unknown: nothing could price an index for it; a gap says why.
    NotPriced,
    /// Unknown: what was counted is far from its plan, so the plan is not the one that is used.
    DiffersFromMeasurement,
}

impl Cause {
    /// The answer that it belongs to.
    pub fn answer(self) -> Answer {
        match self {
            Self::Declined | Self::ExistingIndexNotPreferred | Self::NoCandidate => Answer::NothingHelps,
            Self::NotPlanned | Self::NotPriced | Self::DiffersFromMeasurement => Answer::Unknown,
            _ => Answer::NotAnIndexProblem,
        }
    }
}
