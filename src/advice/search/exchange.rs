//! One member of a choice for another candidate: what each of them changes, given all others. Decides nothing.

use crate::error::Result;
use crate::whatif::CandidateId;

use super::Limits;
use super::pricer::{Configuration, Pricer};
use super::worth::Change;

/// What `old`, a member of `chosen`, changes beside the others, and what `new` would change in its place, by statement;
/// `None` when that does not fit the budget.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn exchanged(
    pricer: &mut Pricer<'_>,
    chosen: &Configuration,
    limits: &Limits<'_>,
    old: CandidateId,
    new: CandidateId,
) -> Result<Option<(Vec<Change>, Vec<Change>)>> {
    let mut without = chosen.clone();
    without.remove(&old);
    let mut replaced = without.clone();
    replaced.insert(new);
    if !limits.fits(&replaced) {
        return Ok(None);
    }
    let both = Configuration::from([old, new]);
    Ok(Some((pricer.changes(&both, &without, chosen)?, pricer.changes(&both, &without, &replaced)?)))
}

/// Whether no statement would notice the way back from the new one to the old one.
pub fn nobody_notices(by_old: &[Change], by_new: &[Change]) -> bool {
    by_old.iter().zip(by_new).all(|(old, new)| old.is_as_good_at(new.after))
}
