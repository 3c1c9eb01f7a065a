//! The closing pass over a choice: drop what no longer contributes, take a smaller index where it does nearly as well,
//! and take back what makes a statement worse.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::pg::{IndexColumn, IndexTarget, quote_identifier};
use crate::whatif::CandidateId;

use super::exchange;
use super::pricer::{Configuration, Pricer};
use super::reorder::reorder;
use super::worth::{Change, NARROW_GAIN_MIN, NARROW_GAIN_UNDER_BUDGET_MIN, WITHOUT_INCLUDE_GAIN_MIN};
use super::{Item, Limits};

/// Rounds at most; the choice settles in two or three.
const ROUNDS_MAX: usize = 5;

/// Improves `chosen` until nothing changes. `refused` learns why members were dropped.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn settle(
    pricer: &mut Pricer<'_>,
    mut chosen: Configuration,
    limits: &Limits<'_>,
    refused: &mut BTreeMap<CandidateId, String>,
) -> Result<Configuration> {
    for _ in 0..ROUNDS_MAX {
        let before = chosen.clone();
        drop_idle(pricer, &mut chosen, limits, refused)?;
        narrow(pricer, &mut chosen, limits, refused)?;
        reorder(pricer, &mut chosen, limits, refused)?;
        take_back_regressions(pricer, &mut chosen, limits, refused)?;
        if chosen == before {
            break;
        }
    }
    refused.retain(|id, _| !chosen.contains(id));
    Ok(chosen)
}

/// Removes, the least useful first, every member whose absence costs too little.
fn drop_idle(
    pricer: &mut Pricer<'_>,
    chosen: &mut Configuration,
    limits: &Limits<'_>,
    refused: &mut BTreeMap<CandidateId, String>,
) -> Result<()> {
    let gain_min = limits.gain_min();
    let mut idle: BTreeMap<CandidateId, (f64, String)> = BTreeMap::new();
    let mut unknown = chosen.clone();
    loop {
        for id in std::mem::take(&mut unknown) {
            let gains = contribution(pricer, chosen, id)?;
            match limits.items[id.0 as usize].refusal(&gains, gain_min) {
                Some(reason) => idle.insert(id, (gains.iter().map(Change::gain).sum(), reason)),
                None => idle.remove(&id),
            };
        }
        // Of two that do the same, the larger one goes.
        let bytes = |id: &CandidateId| limits.items[id.0 as usize].bytes;
        let least = idle.iter().min_by(|(a, (gain_a, _)), (b, (gain_b, _))| {
            gain_a.total_cmp(gain_b).then_with(|| bytes(b).cmp(&bytes(a)))
        });
        let Some(id) = least.map(|(id, _)| *id) else { return Ok(()) };
        chosen.remove(&id);
        refused.extend(idle.remove(&id).map(|(_, reason)| (id, reason)));
        // What the others contribute changes only where they share a statement with it.
        let places = pricer.affected(&Configuration::from([id]));
        let shares = |other: &&CandidateId| !pricer.affected(&Configuration::from([**other])).is_disjoint(&places);
        unknown = chosen.iter().filter(shares).copied().collect();
    }
}

/// What `id` changes, given all others.
fn contribution(pricer: &mut Pricer<'_>, chosen: &Configuration, id: CandidateId) -> Result<Vec<Change>> {
    let mut without = chosen.clone();
    without.remove(&id);
    pricer.changes(&Configuration::from([id]), &without, chosen)
}

/// Replaces members by narrower candidates that keep nearly all of their gain.
fn narrow(
    pricer: &mut Pricer<'_>,
    chosen: &mut Configuration,
    limits: &Limits<'_>,
    refused: &mut BTreeMap<CandidateId, String>,
) -> Result<()> {
    for wide in chosen.clone() {
        for narrow in narrower(limits, chosen, wide) {
            if pricer.n_calls() >= limits.n_calls_max {
                return Ok(());
            }
            if !chosen.contains(&wide) || !keeps_gain(pricer, chosen, limits, wide, narrow)? {
                continue;
            }
            chosen.remove(&wide);
            chosen.insert(narrow);
            let name = &limits.items[narrow.0 as usize].name;
            refused.insert(wide, format!("a narrower index does nearly as well: {name}"));
        }
    }
    Ok(())
}

/// Candidates on the same relation whose columns are among those of `wide`, the smallest first.
fn narrower(limits: &Limits<'_>, chosen: &Configuration, wide: CandidateId) -> Vec<CandidateId> {
    let item = &limits.items[wide.0 as usize];
    let columns = columns_of(item);
    let is_narrower = |other: &Item| {
        other.is_buildable
            && other.candidate.relation == item.candidate.relation
            && columns_of(other).is_subset(&columns)
            && !walks_in_order_only(item, other)
            && (width(other), other.bytes) < (width(item), item.bytes)
    };
    let mut narrower: Vec<CandidateId> = limits
        .items
        .iter()
        .enumerate()
        .filter(|(_, other)| is_narrower(other))
        .map(|(id, _)| CandidateId(id as u32))
        .filter(|id| !chosen.contains(id))
        .collect();
    narrower.sort_by_key(|id| {
        let item = &limits.items[id.0 as usize];
        (width(item), item.bytes, item.name.clone())
    });
    narrower
}

/// Whether `narrow` keeps the order that `wide` returns but not the equality before it. The planner takes such a walk
/// for cheap where the rows that match are spread evenly; where they are not, it reads the whole index.
fn walks_in_order_only(wide: &Item, narrow: &Item) -> bool {
    let (wide, narrow) = (&wide.candidate, &narrow.candidate);
    let equalities = &wide.definition.key_columns[..wide.roles.n_equality.min(wide.definition.key_columns.len())];
    let leads = narrow.definition.key_columns.first();
    let is_fixed_by_predicate = |key: &IndexColumn| {
        let names = |column: &str| narrow.definition.predicate.as_deref().is_some_and(|sql| fixes(sql, column));
        key.target.column().is_some_and(names)
    };
    wide.roles.is_ordered
        && !equalities.is_empty()
        && !equalities.iter().any(|key| Some(key) == leads)
        && !equalities.iter().all(is_fixed_by_predicate)
}

/// Whether a predicate as candidates have it compares the column with a constant.
fn fixes(predicate: &str, column: &str) -> bool {
    let name = quote_identifier(column);
    predicate.split(" AND ").any(|condition| {
        let condition = condition.trim_start_matches('(');
        condition.starts_with(&format!("{name} = ")) || condition.starts_with(&format!("{name})::text = "))
    })
}

fn width(item: &Item) -> usize {
    item.candidate.definition.key_columns.len() + item.candidate.definition.included_columns.len()
}

fn columns_of(item: &Item) -> BTreeSet<IndexTarget> {
    let definition = &item.candidate.definition;
    let keys = definition.key_columns.iter().map(|key| key.target.clone());
    keys.chain(definition.included_columns.iter().map(|name| IndexTarget::Column(name.clone()))).collect()
}

/// Whether `narrow` in the place of `wide` keeps nearly all of its gain, and no statement loses much.
fn keeps_gain(
    pricer: &mut Pricer<'_>,
    chosen: &Configuration,
    limits: &Limits<'_>,
    wide: CandidateId,
    narrow: CandidateId,
) -> Result<bool> {
    let Some((by_wide, by_narrow)) = exchange::exchanged(pricer, chosen, limits, wide, narrow)? else {
        return Ok(false);
    };
    let (gain_wide, gain_narrow): (f64, f64) =
        (by_wide.iter().map(Change::gain).sum(), by_narrow.iter().map(Change::gain).sum());
    if limits.budget.is_some() {
        return Ok(gain_narrow >= NARROW_GAIN_UNDER_BUDGET_MIN * gain_wide);
    }
    if adds_only_include(&limits.items[wide.0 as usize], &limits.items[narrow.0 as usize]) {
        return Ok(gain_narrow >= WITHOUT_INCLUDE_GAIN_MIN * gain_wide);
    }
    Ok(gain_narrow >= NARROW_GAIN_MIN * gain_wide && exchange::nobody_notices(&by_wide, &by_narrow))
}

fn adds_only_include(wide: &Item, narrow: &Item) -> bool {
    let (wide, narrow) = (&wide.candidate.definition, &narrow.candidate.definition);
    wide.key_columns == narrow.key_columns
        && wide.predicate == narrow.predicate
        && wide.included_columns.len() > narrow.included_columns.len()
}

/// Removes, for each statement that became worse than tolerated, the index in its plan that gains least elsewhere.
fn take_back_regressions(
    pricer: &mut Pricer<'_>,
    chosen: &mut Configuration,
    limits: &Limits<'_>,
    refused: &mut BTreeMap<CandidateId, String>,
) -> Result<()> {
    let nothing = Configuration::new();
    while let Some(place) = first_regression(pricer, chosen, &nothing)? {
        let used = pricer.price(place, chosen)?.map(|price| price.used.clone()).unwrap_or_default();
        let mut least: Option<(f64, CandidateId)> = None;
        for id in used.intersection(chosen).copied().collect::<Vec<_>>() {
            let gain: f64 = contribution(pricer, chosen, id)?.iter().map(Change::gain).sum();
            if least.as_ref().is_none_or(|(known, _)| gain < *known) {
                least = Some((gain, id));
            }
        }
        let Some((_, id)) = least else { return Ok(()) };
        chosen.remove(&id);
        let item = &limits.items[id.0 as usize];
        tracing::debug!(index = %item.name, "taken back: it makes a statement worse");
        refused.insert(id, "it makes another statement worse than tolerated".to_owned());
    }
    Ok(())
}

fn first_regression(pricer: &mut Pricer<'_>, chosen: &Configuration, nothing: &Configuration) -> Result<Option<usize>> {
    let places = pricer.affected(chosen);
    let before = pricer.costs(&places, nothing)?;
    let after = pricer.costs(&places, chosen)?;
    let is_worse = |place: &usize| pricer.statements[*place].change(before[place], after[place]).is_regression();
    Ok(places.into_iter().find(is_worse))
}
