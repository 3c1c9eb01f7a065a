//! What hurts: one file per rule. Rules read a workload and say what they see; they propose nothing and do no I/O.

pub mod docs;
mod duplicate_index;
pub mod finding;
mod fk_without_index;
mod index_filter;
mod invalid_index;
mod meta;
mod n_plus_one;
mod redundant_index;
pub mod rows_misestimated;
mod scan;
mod seq_scan_filter;
mod sort_avoidable;
mod stale_stats;
mod subject;
mod threshold;
mod unused_index;

pub use finding::{Finding, Severity};
pub use meta::{Need, RuleMeta};
pub use subject::Subject;
pub use threshold::Thresholds;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One thing that a DBA would point at.
pub trait Rule: Sync {
    /// What the rule says of itself.
    fn meta(&self) -> &'static RuleMeta;

    /// What it sees in `subject`.
    ///
    /// # Errors
    /// The reason why it could not judge: statistics too young, say. That is not the same as seeing nothing.
    fn check(&self, subject: &Subject<'_>) -> std::result::Result<Vec<Finding>, String>;
}

/// Every rule, by id.
pub static RULES: &[&dyn Rule] = &[
    &duplicate_index::DuplicateIndex,
    &fk_without_index::FkWithoutIndex,
    &index_filter::IndexFilter,
    &invalid_index::InvalidIndex,
    &n_plus_one::NPlusOne,
    &redundant_index::RedundantIndex,
    &rows_misestimated::RowsMisestimated,
    &seq_scan_filter::SeqScanFilter,
    &sort_avoidable::SortAvoidable,
    &stale_stats::StaleStats,
    &unused_index::UnusedIndex,
];

/// Which rules run.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these; all when empty.
    pub only: Vec<String>,
    /// Not these.
    pub except: Vec<String>,
}

impl Selection {
    /// # Errors
    /// Usage, when a name is no rule's.
    pub fn validate(&self) -> Result<()> {
        for id in self.only.iter().chain(&self.except) {
            if !RULES.iter().any(|rule| rule.meta().id == id) {
                return Err(
                    Error::usage(format!("there is no rule \"{id}\"")).with_hint("List the rules with: pgadvise rules")
                );
            }
        }
        Ok(())
    }

    fn includes(&self, id: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|only| only == id)) && !self.except.iter().any(|not| not == id)
    }
}

/// A rule that could not judge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The rule's id.
    pub rule: String,
    /// Why.
    pub reason: String,
}

/// What all rules saw, worst first, and those that could not judge.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// By severity, impact, rule, relation, index and message.
    pub findings: Vec<Finding>,
    /// By rule.
    pub skipped: Vec<Skipped>,
}

/// Runs the selected rules.
pub fn check(subject: &Subject<'_>, selection: &Selection) -> Checked {
    let mut checked = Checked::default();
    for rule in RULES.iter().filter(|rule| selection.includes(rule.meta().id)) {
        let meta = rule.meta();
        let missing = meta.needs.iter().find(|need| !subject.offers(**need));
        let outcome = match missing {
            Some(need) => Err(format!("it needs {}, and there is none", need.as_str())),
            None => rule.check(subject),
        };
        match outcome {
            Ok(findings) => checked.findings.extend(findings),
            Err(reason) => checked.skipped.push(Skipped { rule: meta.id.to_owned(), reason }),
        }
    }
    checked.findings.sort_by(Finding::worst_first);
    checked
}
