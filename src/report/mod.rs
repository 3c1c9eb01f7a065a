//! Reports: one input, one file per format. They show what was found; they find nothing.

mod advice_text;
mod answers_text;
mod json;
mod relations_text;
mod text;
mod text_style;
mod verdict_json;
mod verdict_text;
mod writer;

pub use json::{JsonReport, SCHEMA_VERSION, json};
pub use text::text;
pub use text_style::Style;
pub use verdict_json::{VerdictReport, verdict_json};
pub use verdict_text::verdict_text;
pub use writer::{Written, write_file, write_stdout, write_to};

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::advice::{self, Advice, StatementAnswer, Step};
use crate::rules::{Finding, Skipped};
use crate::snapshot::Gap;
use crate::whatif::Backend;
use crate::whatif::shadow::Agreement;
use crate::workload::Workload;

/// Everything that a run of `pgadvise analyze` has to say.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// When the report was made.
    pub generated_at: Timestamp,
    /// What was read.
    pub source_kind: SourceKind,
    /// What priced the advice; `None` when no what-if was possible (a gap says why).
    pub what_if: Option<Backend>,
    /// How far the shadow agrees with the server; `None` with another backend.
    pub shadow: Option<&'a Agreement>,
    /// The statements, and the snapshot that they ran against.
    pub workload: &'a Workload,
    /// What to do.
    pub advice: &'a Advice,
    /// What became of each statement, in the workload's order.
    pub answers: &'a [StatementAnswer],
    /// What hurts, the worst first.
    pub findings: &'a [Finding],
    /// Rules that could not judge, sorted.
    pub skipped: &'a [Skipped],
    /// What could not be read, planned, judged or written, beyond the gaps of the workload and its snapshot, which
    /// are reported too.
    pub gaps: &'a [Gap],
    /// How long the run took, in ms.
    pub elapsed_ms: f64,
    /// The folder that migrations were written to.
    pub migrations: Option<&'a PathBuf>,
    /// Whether the text report lists what it would only count.
    pub is_verbose: bool,
}

/// What a run read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A server.
    Live,
    /// A snapshot file.
    Snapshot,
    /// Log files.
    Logs,
    /// SQL files alone.
    Workload,
}

impl Report<'_> {
    /// Every gap of the run, sorted, each once.
    fn all_gaps(&self) -> Vec<&Gap> {
        let mut gaps: Vec<&Gap> =
            self.workload.snapshot.gaps.iter().chain(&self.workload.gaps).chain(self.gaps).collect();
        gaps.sort();
        gaps.dedup();
        gaps
    }

    /// The steps that answer `finding`, by id: statistics objects over its columns, and steps for its rule, on its
    /// relation, that serve one of its statements, touch its index or lead with one of its columns.
    fn answering_steps(&self, finding: &Finding) -> Vec<String> {
        let statistics = self.advice.statistics.iter().filter(|step| advice::tells(step, finding));
        let steps = self.advice.steps.iter().filter(|step| answers(step, finding));
        let names = statistics.map(|step| step.definition.name.clone());
        names.chain(steps.map(|step| self.advice.name_of(step))).collect()
    }
}

fn answers(step: &Step, finding: &Finding) -> bool {
    let is_about_it = step.answers.contains(&finding.rule) && finding.relation.as_ref() == Some(&step.relation);
    let serves_it = step.statements.iter().any(|gain| finding.queryids.contains(&gain.queryid));
    let is_its_index = finding.index.as_ref() == Some(&step.id);
    let has_its_column = finding.columns.iter().any(|column| step.index.key_column_names().any(|key| key == column));
    is_about_it && (serves_it || is_its_index || has_its_column)
}
