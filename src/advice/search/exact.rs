//! Every subset of a small pool, for a budget that greedy choice may use badly: a large index that fits can save more
//! than the small ones whose gain per byte is better.

use crate::error::Result;
use crate::whatif::CandidateId;

use super::Limits;
use super::pricer::{Configuration, Pricer};

/// Candidates at most: 4,096 subsets, of which each statement sees few different ones.
pub const POOL_MAX: usize = 12;

/// Prices that an exact check may ask for.
const QUESTIONS_MAX: usize = 4_096;

/// The cheapest subset of `pool` within the budget, the fewest bytes among equals; `None` when there are too many
/// subsets to look at.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn best_subset(
    pricer: &mut Pricer<'_>,
    pool: &[CandidateId],
    limits: &Limits<'_>,
) -> Result<Option<Configuration>> {
    let n_questions: usize = pricer
        .statements
        .iter()
        .map(|weighed| 1_usize << pool.iter().filter(|id| weighed.relevant.contains(id)).count().min(20))
        .sum();
    if pool.len() > POOL_MAX || n_questions > QUESTIONS_MAX {
        return Ok(None);
    }
    let mut best: Option<(f64, u64, Configuration)> = None;
    for bits in 0_u32..(1 << pool.len()) {
        let subset: Configuration =
            pool.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, id)| *id).collect();
        if !limits.fits(&subset) {
            continue;
        }
        let (cost, bytes) = (pricer.total(&subset)?, limits.bytes(&subset).0);
        let is_better = best
            .as_ref()
            .is_none_or(|(best_cost, best_bytes, _)| cost.total_cmp(best_cost).then(bytes.cmp(best_bytes)).is_lt());
        if is_better {
            best = Some((cost, bytes, subset));
        }
    }
    Ok(best.map(|(_, _, subset)| subset))
}
