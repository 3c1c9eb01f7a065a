//! The tools that are compared, each asked for a set within a budget on a fresh session and an empty cache.

use std::collections::BTreeMap;
use std::time::Instant;

use super::super::algorithms::{Set, auto_admin, db2advis, extend};
use super::super::program;
use super::super::whatif::{Whatif, create};
use super::Axis;

/// Columns of an index at most, for the algorithms that enumerate.
const WIDTH: usize = 2;
/// No limit on the number of indexes: the budget is the limit.
const N_INDEXES: usize = 100;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Pgadvise,
    Extend,
    Db2advis,
    AutoAdmin,
}

/// What a tool chose, and what that took.
pub struct Choice {
    pub creates: Vec<String>,
    pub n_calls: f64,
    pub wall_s: f64,
    pub cpu_s: f64,
    /// Indexes that were declined, by reason. The algorithms give none.
    pub declined: BTreeMap<String, Vec<String>>,
    /// What the tool itself says that the workload costs with its set, against without.
    pub own_ratio: Option<f64>,
}

impl Tool {
    pub const ALL: [Tool; 4] = [Tool::Pgadvise, Tool::Extend, Tool::Db2advis, Tool::AutoAdmin];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pgadvise => "pgadvise",
            Self::Extend => "extend",
            Self::Db2advis => "db2advis",
            Self::AutoAdmin => "autoadmin",
        }
    }

    /// Asks for a set of at most `budget_mb` times 10^6 bytes.
    pub fn run(self, axis: &Axis, budget_mb: u64) -> Choice {
        let budget = budget_mb as f64 * 1e6;
        match self {
            Self::Pgadvise => pgadvise(axis, budget),
            Self::Extend => algorithm(axis, |prices| extend::choose(prices, budget, WIDTH)),
            Self::Db2advis => algorithm(axis, |prices| db2advis::choose(prices, budget, WIDTH)),
            Self::AutoAdmin => {
                let limits = auto_admin::Limits { budget, n_indexes: N_INDEXES, width: WIDTH };
                algorithm(axis, |prices| auto_admin::choose(prices, limits))
            }
        }
    }
}

fn algorithm(axis: &Axis, choose: impl FnOnce(&mut Whatif) -> Set) -> Choice {
    let cpu_before = axis.server.cpu_s();
    let started = Instant::now();
    let mut whatif = axis.whatif();
    let chosen = choose(&mut whatif);
    let wall_s = started.elapsed().as_secs_f64();
    let n_calls = whatif.n_calls as f64;
    drop(whatif);
    let cpu_s = axis.server.cpu_s() - cpu_before;
    let creates = chosen.iter().map(create).collect();
    Choice { creates, n_calls, wall_s, cpu_s, declined: BTreeMap::new(), own_ratio: None }
}

fn pgadvise(axis: &Axis, budget: f64) -> Choice {
    let workload = axis.folder.path().join("workload");
    let budget = format!("{budget:.0}");
    let mut arguments = vec!["--what-if", "hypopg-uncorrected", "--weigh", "cost", "--only-workload", "--workload"];
    arguments.extend([workload.to_str().expect("a path in UTF-8"), "--budget", &budget]);
    let cpu_before = axis.server.cpu_s();
    let run = program::analyze(&axis.server.url, axis.folder.path(), &arguments);
    let cpu_s = axis.server.cpu_s() - cpu_before;
    let mut declined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (index, reason) in run.declined() {
        declined.entry(reason).or_default().push(index);
    }
    Choice {
        creates: run.create_statements(),
        n_calls: run.summary("n_whatif_calls"),
        wall_s: run.wall_s,
        cpu_s,
        declined,
        own_ratio: Some(run.summary("cost_after") / run.summary("cost_before")),
    }
}
