//! What the user may ask of the choice of indexes, and what a long run tells while it works. Holds no logic of the search.

use crate::error::Result;
use crate::pg::{Bytes, RelationName};
use crate::rules::Thresholds;

/// Limits on what is proposed, and for which relations.
#[derive(Debug, Clone)]
pub struct AdviseOptions {
    /// The most bytes of new indexes, on the size axis of the backend; no limit when `None`.
    pub budget: Option<Bytes>,
    /// Only these relations, as `name` or `schema.name`; all when empty.
    pub include: Vec<String>,
    /// Not these relations, as `name` or `schema.name`.
    pub exclude: Vec<String>,
    /// Only relations of these schemas; all when empty.
    pub schemas: Vec<String>,
    /// Whether relations that are known to be small or empty are considered too, as the planner would plan them now:
    /// for a schema that has no rows yet.
    pub assume_rows: bool,
    /// Whether maintaining an index counts nothing in the choice: to measure what counting it is worth. Steps say what
    /// they cost either way.
    pub ignores_writes: bool,
    /// Questions to the planner after which the search stops improving what it has; [`calls_max`] when `None`.
    pub n_calls_max: Option<u64>,
    /// Days that the usage counters of every node must cover before an unused index is dropped (the threshold
    /// `min_stats_age_days` of the rules).
    pub unused_days_min: f64,
    /// Bytes below which an unused index is left alone (`unused_index_min_bytes`).
    pub unused_bytes_min: u64,
}

impl Default for AdviseOptions {
    fn default() -> Self {
        let thresholds = Thresholds::default();
        Self {
            budget: None,
            include: Vec::new(),
            exclude: Vec::new(),
            schemas: Vec::new(),
            assume_rows: false,
            ignores_writes: false,
            n_calls_max: None,
            unused_days_min: thresholds.min_stats_age_days,
            unused_bytes_min: thresholds.unused_index_min_bytes as u64,
        }
    }
}

/// Questions to the planner whatever the workload's size: a handful of complex joins needs them.
const CALLS_BASE: u64 = 500;

/// Questions for each statement: what 19 complex joins needed until nothing improved any more; a plain statement needs three
/// or four.
const CALLS_PER_STATEMENT: u64 = 50;

/// Questions at most: two minutes or so of the planner's time, at the 6 ms that a complex join takes.
const CALLS_MAX: u64 = 20_000;

/// The default of [`AdviseOptions::n_calls_max`] for so many statements.
pub fn calls_max(n_statements: usize) -> u64 {
    (CALLS_BASE + CALLS_PER_STATEMENT * n_statements as u64).min(CALLS_MAX)
}

impl AdviseOptions {
    /// Whether advice is wanted for `relation`.
    pub fn admits(&self, relation: &RelationName) -> bool {
        let is_named = |names: &[String]| {
            names
                .iter()
                .any(|name| *name == relation.name || *name == dotted(relation) || *name == relation.to_string())
        };
        (self.schemas.is_empty() || self.schemas.contains(&relation.schema))
            && (self.include.is_empty() || is_named(&self.include))
            && !is_named(&self.exclude)
    }
}

fn dotted(relation: &RelationName) -> String {
    format!("{}.{}", relation.schema, relation.name)
}

/// Where the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Pricing the workload as it is and with every candidate at once.
    Pricing,
    /// Choosing.
    Choosing,
    /// Looking for smaller indexes that do the same, and measuring each step.
    Refining,
    /// Seeing that no statement misses an index that is to be dropped.
    Proving,
}

/// What the run tells while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub phase: Phase,
    /// Questions to the planner so far.
    pub n_calls: u64,
    /// Questions after which the choice is not improved further; `None` while that is not known.
    pub n_calls_max: Option<u64>,
    /// Candidates under consideration.
    pub n_candidates: usize,
}

/// Called between batches: an error ends the run (interrupted, out of time).
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> Result<()>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_named_with_or_without_their_schema() {
        let order = RelationName::new("public", "Order");
        let admits = |include: &[&str], exclude: &[&str], schemas: &[&str]| {
            let own = |names: &[&str]| names.iter().map(ToString::to_string).collect();
            let options = AdviseOptions {
                include: own(include),
                exclude: own(exclude),
                schemas: own(schemas),
                ..Default::default()
            };
            options.admits(&order)
        };
        assert!(admits(&[], &[], &[]));
        assert!(admits(&["Order"], &[], &["public"]));
        assert!(admits(&["public.Order"], &[], &[]));
        assert!(admits(&["public.\"Order\""], &[], &[]));
        assert!(!admits(&["order"], &[], &[]));
        assert!(!admits(&[], &["Order"], &[]));
        assert!(!admits(&[], &[], &["app"]));
    }
}
