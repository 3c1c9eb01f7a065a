//! Why a candidate that some plan used is not chosen, by what is known when the search ends. Asks nothing.

use std::collections::BTreeMap;

use crate::whatif::CandidateId;

use super::Limits;
use super::pricer::{Configuration, Pricer};
use super::worth::Change;

/// Adds the reason for every member of `pool` that is neither in `chosen` nor in `refused` yet.
pub fn explain(
    pricer: &Pricer<'_>,
    limits: &Limits<'_>,
    pool: &Configuration,
    chosen: &Configuration,
    refused: &mut BTreeMap<CandidateId, String>,
) {
    for id in pool.difference(chosen) {
        let with: Configuration = chosen.iter().copied().chain([*id]).collect();
        let reason = reason(pricer, limits, *id, chosen, &with);
        refused.entry(*id).or_insert(reason);
    }
    refused.retain(|id, _| !chosen.contains(id));
}

fn reason(
    pricer: &Pricer<'_>,
    limits: &Limits<'_>,
    id: CandidateId,
    chosen: &Configuration,
    with: &Configuration,
) -> String {
    let places = pricer.affected(&Configuration::from([id]));
    let changes: Vec<Change> = places
        .into_iter()
        .map(|place| {
            let known = pricer.plans(place);
            let (now, then) = (pricer.visible(place, chosen), pricer.visible(place, with));
            pricer.statements[place].change(known.at_most(&now), known.at_least(&then))
        })
        .collect();
    match limits.items[id.0 as usize].refusal(&changes, limits.gain_min()) {
        Some(reason) => reason,
        None if !limits.fits(with) => "it does not fit the budget beside indexes that gain more".to_owned(),
        None => "other indexes serve its statements better".to_owned(),
    }
}
