//! Lazy greedy choice: take the move with the best score, again and again, re-pricing only the move that looks best.
//!
//! A gain found earlier is an upper bound of the gain now as long as indexes are substitutes for each other; where they
//! need each other, they are one move. 187 prices instead of 955 for the same choice on TPC-H.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::whatif::CandidateId;

use super::Limits;
use super::pricer::{Configuration, Pricer};
use super::worth::{self, Change, WORKLOAD_GAIN_MIN};

/// What moves are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The gain itself.
    Gain,
    /// The gain for each byte: better where bytes are short.
    GainPerByte,
}

/// Candidates that are taken together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move(pub Configuration);

/// A move with its score as of some round.
struct Ranked {
    members: Configuration,
    score: f64,
    round: usize,
}

/// Adds to `chosen` from `moves`. Returns the configuration, and for each candidate that was looked at and not taken why not.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn choose(
    pricer: &mut Pricer<'_>,
    mut chosen: Configuration,
    moves: &BTreeSet<Move>,
    limits: &Limits<'_>,
    score: Score,
) -> Result<(Configuration, BTreeMap<CandidateId, String>)> {
    let mut refused = BTreeMap::new();
    prefetch(pricer, &chosen, moves)?;
    let mut ranked = Vec::new();
    for Move(members) in moves.iter().filter(|Move(members)| !members.is_subset(&chosen)) {
        let score = evaluate(pricer, limits, &chosen, members, score)?.0;
        ranked.push(Ranked { members: members.clone(), score, round: 0 });
    }
    let mut round = 0;
    while let Some(position) = best(&ranked, limits) {
        if ranked[position].round < round {
            let (fresh, _) = evaluate(pricer, limits, &chosen, &ranked[position].members, score)?;
            ranked[position].score = fresh;
            ranked[position].round = round;
            continue;
        }
        let members = ranked.swap_remove(position).members;
        let (_, changes) = evaluate(pricer, limits, &chosen, &members, score)?;
        let with: Configuration = chosen.union(&members).copied().collect();
        match refusal(&changes, &with, limits) {
            Some(reason) => {
                for id in members.difference(&chosen) {
                    refused.entry(*id).or_insert_with(|| reason.clone());
                }
            }
            None => {
                chosen = with;
                round += 1;
            }
        }
    }
    refused.retain(|id, _| !chosen.contains(id));
    Ok((chosen, refused))
}

fn refusal(changes: &[Change], with: &Configuration, limits: &Limits<'_>) -> Option<String> {
    if !limits.fits(with) {
        return Some("it does not fit the budget beside indexes that gain more".to_owned());
    }
    worth::refusal(changes, limits.gain_min(WORKLOAD_GAIN_MIN))
}

/// The move with the highest score; the smaller one, then the one named first, where scores are equal.
fn best(ranked: &[Ranked], limits: &Limits<'_>) -> Option<usize> {
    (0..ranked.len()).max_by(|a, b| {
        let (a, b) = (&ranked[*a], &ranked[*b]);
        a.score
            .total_cmp(&b.score)
            .then_with(|| limits.bytes(&b.members).cmp(&limits.bytes(&a.members)))
            .then_with(|| limits.names(&b.members).cmp(&limits.names(&a.members)))
    })
}

/// Asks for the prices of all moves at once.
fn prefetch(pricer: &mut Pricer<'_>, chosen: &Configuration, moves: &BTreeSet<Move>) -> Result<()> {
    let mut questions = Vec::new();
    for Move(members) in moves {
        let with: Configuration = chosen.union(members).copied().collect();
        for place in pricer.affected(members) {
            questions.push((place, pricer.visible(place, chosen)));
            questions.push((place, pricer.visible(place, &with)));
        }
    }
    pricer.fetch(questions)
}

/// The score of adding `members` to `chosen`, and what it changes.
fn evaluate(
    pricer: &mut Pricer<'_>,
    limits: &Limits<'_>,
    chosen: &Configuration,
    members: &Configuration,
    score: Score,
) -> Result<(f64, Vec<Change>)> {
    let with: Configuration = chosen.union(members).copied().collect();
    let changes = changes(pricer, members, chosen, &with)?;
    let gain: f64 = changes.iter().map(Change::gain).sum();
    let new: Configuration = members.difference(chosen).copied().collect();
    let value = match score {
        Score::Gain => gain,
        Score::GainPerByte => gain / (limits.bytes(&new).0.max(1) as f64),
    };
    Ok((value, changes))
}

/// What becomes of the statements that `candidates` can matter to, between two configurations.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn changes(
    pricer: &mut Pricer<'_>,
    candidates: &Configuration,
    before: &Configuration,
    after: &Configuration,
) -> Result<Vec<Change>> {
    let places = pricer.affected(candidates);
    let before = pricer.costs(&places, before)?;
    let after = pricer.costs(&places, after)?;
    Ok(places
        .into_iter()
        .map(|place| {
            let weighed = &pricer.statements[place];
            Change { weight: weighed.weight, is_join: weighed.is_join, before: before[&place], after: after[&place] }
        })
        .collect())
}
