//! Every subset of a small pool: no step by step choice is better than looking at all.

use crate::error::Result;
use crate::whatif::CandidateId;

use super::Limits;
use super::explore;
use super::pricer::{Configuration, Pricer};

/// Candidates at most: 4,096 subsets, of which each statement sees few different ones.
pub const POOL_MAX: usize = 12;

/// Prices that an exact check may ask for.
const QUESTIONS_MAX: usize = 4_096;

/// The subset of `pool` within the budget that is worth most, the fewest bytes among equals; `None` when there are too many
/// subsets to look at.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn best_subset(
    pricer: &mut Pricer<'_>,
    pool: &Configuration,
    limits: &Limits<'_>,
) -> Result<Option<Configuration>> {
    let pool: Vec<CandidateId> = pool.iter().copied().collect();
    let n_questions: usize = pricer
        .statements
        .iter()
        .map(|weighed| 1_usize << pool.iter().filter(|id| weighed.relevant.contains(id)).count().min(20))
        .sum();
    let n_calls_left = limits.n_calls_max.saturating_sub(pricer.n_calls()) as usize;
    if pool.len() > POOL_MAX || n_questions > QUESTIONS_MAX.min(n_calls_left) {
        return Ok(None);
    }
    let mut subsets = Vec::new();
    for bits in 0_u32..(1 << pool.len()) {
        let subset: Configuration =
            pool.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, id)| *id).collect();
        if limits.fits(&subset) {
            pricer.total(&subset)?;
            subsets.push(subset);
        }
    }
    Ok(explore::best_of(pricer, limits, &subsets))
}
