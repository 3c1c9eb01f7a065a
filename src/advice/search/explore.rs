//! Search and question in turn: the best set by the plans that are known is priced, what is learned changes what is best,
//! and where nothing changes any more the questions that could change it are asked, the most promising first.
//!
//! This is column generation: the plans are the columns, the planner is the oracle that finds new ones.

use std::collections::BTreeSet;

use crate::error::Result;

use super::Limits;
use super::local::Local;
use super::model::{Bound, Model, Set, Standing, configuration, index};
use super::pricer::{Configuration, Pricer};

/// Questions between two looks at what is best, at least: few, so that each is asked by what those before have told.
const QUESTIONS_MIN: usize = 48;

/// Statements for each such question in a large workload, whose relations have little to do with each other: a look takes
/// time in proportion to the workload, and the number of looks should not grow with it.
const STATEMENTS_PER_QUESTION: usize = 4;

/// The share of all questions after which no further ones are explored: settling asks, too.
const EXPLORING_SHARE: f64 = 0.9;

/// Turns at most: each asks something new or is the last but one.
const TURNS_MAX: usize = 400;

/// A set that nothing within reach is worth more than, by the planner's own prices, as far as `limits` lets it ask.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn best(pricer: &mut Pricer<'_>, pool: &Configuration, limits: &Limits<'_>) -> Result<Configuration> {
    let mut best = Configuration::new();
    let mut n_known_restarted = None;
    for _ in 0..TURNS_MAX {
        let is_new_start = n_known_restarted.is_none();
        let turn = look(pricer, limits, pool, &best, is_new_start);
        n_known_restarted = n_known_restarted.or(Some(pricer.n_known()));
        if turn.proposal != best {
            price(pricer, &turn.proposal)?;
            let names: Vec<&str> = turn.proposal.iter().map(|id| limits.items[id.0 as usize].name.as_str()).collect();
            let saved = limits.workload_cost - pricer.total(&turn.proposal)?;
            tracing::debug!(n_calls = pricer.n_calls(), saved, ?names, "looked at a set");
            if is_better(pricer, limits, &best, &turn.proposal) {
                best = turn.proposal;
            }
            continue;
        }
        if !turn.questions.is_empty() && (pricer.n_calls() as f64) < EXPLORING_SHARE * limits.n_calls_max as f64 {
            pricer.fetch(turn.questions)?;
            continue;
        }
        // Nothing better near by: once more from everywhere, if anything was learned since.
        if n_known_restarted == Some(pricer.n_known()) {
            break;
        }
        n_known_restarted = None;
    }
    Ok(best)
}

/// Whether `new` is worth more than `old` by what is known now.
pub fn is_better(pricer: &Pricer<'_>, limits: &Limits<'_>, old: &Configuration, new: &Configuration) -> bool {
    let model = Model::new(pricer, limits);
    let pool = model.set([]);
    let local = Local::new(&model, &pool, limits.workload_cost, limits.budget.is_some());
    local.is_better(&model.standing(model.set(old)), &model.set(new))
}

/// The one of these sets that is worth most by what is known now; `None` when there are none.
pub fn best_of(pricer: &Pricer<'_>, limits: &Limits<'_>, sets: &[Configuration]) -> Option<Configuration> {
    let model = Model::new(pricer, limits);
    let pool = model.set([]);
    let local = Local::new(&model, &pool, limits.workload_cost, limits.budget.is_some());
    let better = |best: Standing, other: Standing| if local.is_better(&best, &other.set) { other } else { best };
    sets.iter().map(|set| model.standing(model.set(set))).reduce(better).map(|best| configuration(&best.set))
}

/// Prices every statement to which a member can matter.
fn price(pricer: &mut Pricer<'_>, members: &Configuration) -> Result<()> {
    let questions: Vec<(usize, Configuration)> =
        pricer.affected(members).into_iter().map(|place| (place, pricer.visible(place, members))).collect();
    pricer.fetch(questions)
}

/// What one look at the model says.
struct Turn {
    /// The best set by the plans that are known.
    proposal: Configuration,
    /// Where that is the set that is best already: what could show something better.
    questions: Vec<(usize, Configuration)>,
}

fn look(
    pricer: &Pricer<'_>,
    limits: &Limits<'_>,
    pool: &Configuration,
    best: &Configuration,
    is_new_start: bool,
) -> Turn {
    let model = Model::new(pricer, limits);
    let (pool, best) = (model.set(pool), model.set(best));
    let local = Local::new(&model, &pool, limits.workload_cost, limits.budget.is_some());
    let proposal = if is_new_start { local.restarted(&best) } else { local.climbed(&best) };
    let questions = match proposal == best {
        true => open_questions(pricer, &model, &local, &pool, &model.standing(best)),
        false => Vec::new(),
    };
    Turn { proposal: configuration(&proposal), questions }
}

/// The questions whose answers could show something better than `chosen`: about what adding, dropping or exchanging
/// would do at the very best, a byte counted at what it is worth, the most promising first.
fn open_questions(
    pricer: &Pricer<'_>,
    model: &Model<'_>,
    local: &Local<'_>,
    pool: &Set,
    chosen: &Standing,
) -> Vec<(usize, Configuration)> {
    let byte_value = model.byte_value(chosen, pool);
    let mut promising: Vec<(f64, Set)> = Vec::new();
    for after in neighbours(model, local, pool, &chosen.set) {
        let gain = model.difference(chosen, &after, Bound::AtLeast);
        let promise = gain - byte_value * (model.bytes(&after) as f64 - model.bytes(&chosen.set) as f64);
        if promise > 0.0 {
            promising.push((promise, after));
        }
    }
    promising.sort_by(|(a, set_a), (b, set_b)| b.total_cmp(a).then_with(|| model.compare(set_a, set_b)));
    let mut asked: BTreeSet<(usize, Configuration)> = BTreeSet::new();
    for (promise, after) in promising {
        let changed: Configuration = (&chosen.set ^ &after).ones().map(candidate).collect();
        let relations = model.relations(after.difference(&chosen.set));
        // What could be taken in place of what `after` adds.
        let is_rival = |id: usize| pool.contains(id) && relations.contains(&model.relation(id));
        let places = refuting(model, &pricer.affected(&changed), &after, promise);
        let questions = places.into_iter().filter_map(|place| Some((place, widest(pricer, place, &after, &is_rival)?)));
        asked.extend(questions);
        if asked.len() >= QUESTIONS_MIN.max(pricer.statements.len() / STATEMENTS_PER_QUESTION) {
            break;
        }
    }
    asked.into_iter().collect()
}

/// The fewest of these places whose answers could show that `after`, which at the very best is worth `promise` more than what
/// is chosen, is not: those first of which the least is known. Where it is known what a statement costs, nothing is asked.
fn refuting(model: &Model<'_>, places: &BTreeSet<usize>, after: &Set, promise: f64) -> Vec<usize> {
    let open = places.iter().map(|place| (model.uncertainty(*place, after), *place));
    let mut open: Vec<(f64, usize)> = open.filter(|(uncertainty, _)| *uncertainty > 0.0).collect();
    open.sort_by(|(a, place_a), (b, place_b)| b.total_cmp(a).then(place_a.cmp(place_b)));
    let mut left = promise;
    let refutes = |(uncertainty, _): &(f64, usize)| {
        let is_needed = left > 0.0;
        left -= uncertainty;
        is_needed
    };
    open.into_iter().take_while(refutes).map(|(_, place)| place).collect()
}

/// The question about the statement at `place` that tells most about `after`: with all its rivals beside, but for those that
/// are known to come before the rest. Its answer bounds them all, and names the best of them. `None` where all is known.
fn widest(pricer: &Pricer<'_>, place: usize, after: &Set, is_rival: &dyn Fn(usize) -> bool) -> Option<Configuration> {
    let relevant = pricer.statements[place].relevant.iter().copied();
    let wide = relevant.filter(|id| after.contains(index(*id)) || is_rival(index(*id)));
    let mut visible: Configuration = wide.collect();
    let after: Configuration = visible.iter().copied().filter(|id| after.contains(index(*id))).collect();
    while let Some(answer) = pricer.known(place, &visible) {
        let fewer: Configuration = match answer {
            Some(price) => {
                visible.iter().filter(|id| after.contains(id) || !price.used.contains(id)).copied().collect()
            }
            None => after.clone(),
        };
        if fewer == visible {
            return (!pricer.plans(place).is_asked(&after)).then_some(after);
        }
        visible = fewer;
    }
    Some(visible)
}

/// The sets one step away: one move more, one less, one for another that serves a statement of the same.
fn neighbours(model: &Model<'_>, local: &Local<'_>, pool: &Set, chosen: &Set) -> Vec<Set> {
    let mut neighbours = Vec::new();
    for members in local.moves().iter().filter(|members| !members.is_subset(chosen)) {
        let mut with = chosen.clone();
        with.union_with(members);
        neighbours.push(with);
    }
    for id in chosen.ones() {
        let mut without = chosen.clone();
        without.set(id, false);
        let near = model.sharing(&model.set([&candidate(id)]));
        for other in pool.intersection(&near).filter(|other| !chosen.contains(*other)) {
            let mut exchanged = without.clone();
            exchanged.insert(other);
            neighbours.push(exchanged);
        }
        neighbours.push(without);
    }
    neighbours
}

fn candidate(id: usize) -> crate::whatif::CandidateId {
    crate::whatif::CandidateId(id as u32)
}
