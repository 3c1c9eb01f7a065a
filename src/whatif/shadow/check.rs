//! The self-check: do statements cost in the shadow what they cost on the server that it stands for? Plans a sample on
//! the other side through whoever can; judges no index.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Result;
use crate::pg::ServerVersion;
use crate::pg::number::number;
use crate::snapshot::Gap;
use crate::workload::{Planned, Statement, Workload};

/// Statements in the sample: one bad plan in ten is missed by fewer than one sample in ten (0.9^25 = 7 %).
const SAMPLE: usize = 25;
/// Costs are equal within this share. Statistics that were gathered twice differ by more.
const TOLERANCE: f64 = 0.01;
/// Below this share of equal costs the report says what differs: a shadow of the same version, loaded from fresh
/// statistics, reached 99 % in the measurement that this design rests on.
const SHARE_MIN: f64 = 0.95;
/// Differing statements that are named.
const NAMED_MAX: usize = 5;

/// The shadow that priced the advice, and how far it agrees with the server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Agreement {
    /// The version of the shadow's server.
    pub shadow_version: String,
    /// Sampled statements that were planned on both sides.
    pub n_compared: usize,
    /// Those among them whose total costs are equal within 1 %.
    pub n_equal: usize,
    /// The others.
    #[serde(skip)]
    pub differing: Vec<Difference>,
}

/// A statement that costs something else in the shadow.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where the user finds it.
    pub place: String,
    /// Its total cost in the shadow, in planner units.
    pub shadow_cost: f64,
    /// Its total cost on the server, in planner units.
    pub server_cost: f64,
}

/// Compares a sample of the statements of `workload`, which were planned in a shadow of version `version`.
/// `cost_on_server` says what the same text costs on the server; `None` where that is not known.
///
/// # Errors
/// What `cost_on_server` fails with.
pub fn compare(
    workload: &Workload,
    version: ServerVersion,
    mut cost_on_server: impl FnMut(&Statement, &Planned) -> Result<Option<f64>>,
) -> Result<Agreement> {
    let mut agreement =
        Agreement { shadow_version: version.to_string(), n_compared: 0, n_equal: 0, differing: Vec::new() };
    for (statement, planned) in sample(&workload.statements) {
        let Some(server_cost) = cost_on_server(statement, planned)? else { continue };
        let shadow_cost = planned.plan.root.total_cost;
        agreement.n_compared += 1;
        if (shadow_cost - server_cost).abs() <= TOLERANCE * server_cost.abs().max(f64::MIN_POSITIVE) {
            agreement.n_equal += 1;
        } else {
            agreement.differing.push(Difference { place: statement.place(), shadow_cost, server_cost });
        }
    }
    Ok(agreement)
}

/// Planned statements, evenly spread over the workload, which is sorted by weight: the heaviest is among them.
fn sample(statements: &[Statement]) -> Vec<(&Statement, &Planned)> {
    let planned: Vec<_> = statements.iter().filter_map(|one| Some((one, one.planned.as_ref()?))).collect();
    let n = planned.len().min(SAMPLE);
    (0..n).map(|i| planned[i * planned.len() / n]).collect()
}

impl Agreement {
    /// What differs, when too much does.
    pub fn gap(&self) -> Option<Gap> {
        let is_near = self.n_equal as f64 >= SHARE_MIN * self.n_compared as f64;
        if is_near {
            return None;
        }
        let named: Vec<String> = self.differing.iter().take(NAMED_MAX).map(Difference::in_words).collect();
        let more = self.differing.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let reason = format!(
            "only {} of {} sampled statements cost the same in the shadow as on the server: {}{more}. Statistics that \
             changed meanwhile, settings of the session or of its role, and what other gaps name can be the reason; \
             treat costs as approximate.",
            self.n_equal,
            self.n_compared,
            named.join("; ")
        );
        Some(Gap::new("shadow", "agreement", reason))
    }
}

impl Difference {
    fn in_words(&self) -> String {
        format!("{} ({} there, {} in the shadow)", self.place, number(self.server_cost), number(self.shadow_cost))
    }
}
