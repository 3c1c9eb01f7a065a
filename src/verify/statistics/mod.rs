//! One statistics object of a manifest against the live catalog: its state. Pure; whether plans gain is not asked.

mod catalog;
mod verdict;

#[cfg(test)]
pub(super) use catalog::QUERIES;
pub(super) use catalog::{LiveStatistics, read};
pub use verdict::{StatisticsState, StatisticsVerdict};

use std::collections::BTreeSet;

use super::catalog::LiveCatalog;
use crate::pg::{ServerVersion, StatisticsDefinition, StatisticsKind, quote_identifier};

/// The first version with the role pg_read_all_data, whose members may read what is in every object.
const READ_ALL_DATA_SINCE: u32 = 14;

/// The verdict on the object `wanted`, on a server of `version`.
pub(super) fn judge(wanted: &StatisticsDefinition, catalog: &LiveCatalog, version: ServerVersion) -> StatisticsVerdict {
    let is_own =
        |object: &LiveStatistics| object.name.schema == wanted.relation.schema && object.name.name == wanted.name;
    let own = catalog.statistics.iter().find(|object| is_own(object));
    let others: Vec<&LiveStatistics> =
        catalog.statistics.iter().filter(|object| !is_own(object) && does_the_same(object, wanted)).collect();
    let mut verdict = StatisticsVerdict {
        definition: wanted.clone(),
        state: StatisticsState::Missing,
        differences: vec![],
        equivalents: others.iter().map(|object| object.name.clone()).collect(),
        note: None,
    };
    if catalog.named(&wanted.relation.schema, &wanted.relation.name).is_none() {
        verdict.state = StatisticsState::MissingRelation;
        return verdict;
    }
    match own {
        None => {}
        Some(own) if does_the_same(own, wanted) => judge_contents(&mut verdict, own, StatisticsState::Ok, version),
        Some(own) => {
            verdict.state = StatisticsState::Different;
            verdict.differences = differences(own, wanted);
        }
    }
    apply_equivalents(&mut verdict, &others, version);
    verdict
}

/// Whether the object tells the planner all that the wanted one would. Other kinds beside do no harm.
fn does_the_same(object: &LiveStatistics, wanted: &StatisticsDefinition) -> bool {
    object.relation == wanted.relation && is_over_columns(object, wanted) && has_kinds(object, wanted)
}

fn is_over_columns(object: &LiveStatistics, wanted: &StatisticsDefinition) -> bool {
    let found: BTreeSet<&String> = object.columns.iter().collect();
    !object.has_expressions && found == wanted.columns.iter().collect()
}

fn has_kinds(object: &LiveStatistics, wanted: &StatisticsDefinition) -> bool {
    wanted.kinds.iter().all(|kind| object.kinds.contains(kind))
}

/// Whether ANALYZE has put anything of what is wanted into `object`; `None` where the role may not see it. A kind can
/// stay empty for good: where no combination is common there is no list of the common ones.
fn is_filled(object: &LiveStatistics, wanted: &StatisticsDefinition) -> Option<bool> {
    object.filled.as_ref().map(|filled| wanted.kinds.iter().any(|kind| filled.contains(kind)))
}

/// The state `there`, unless nothing is in `object`.
fn judge_contents(
    verdict: &mut StatisticsVerdict,
    object: &LiveStatistics,
    there: StatisticsState,
    version: ServerVersion,
) {
    (verdict.state, verdict.note) = match is_filled(object, &verdict.definition) {
        Some(true) => (there, None),
        Some(false) => (StatisticsState::NotAnalysed, Some(empty(&verdict.definition))),
        None => (there, Some(not_shown(&verdict.definition, version))),
    };
}

fn empty(wanted: &StatisticsDefinition) -> String {
    format!("it is empty: run {}; if it stays empty, ANALYZE finds nothing to keep in it", wanted.analyze_sql())
}

fn not_shown(wanted: &StatisticsDefinition, version: ServerVersion) -> String {
    let who_else = match version.major() {
        READ_ALL_DATA_SINCE.. => "members of pg_read_all_data",
        _ => "roles that may SELECT from it",
    };
    let relation = &wanted.relation;
    format!("this role may not see whether ANALYZE has filled it; the owner of {relation} may, and {who_else}")
}

/// An object that does the same under another name does what was promised, if anything is in it.
fn apply_equivalents(verdict: &mut StatisticsVerdict, others: &[&LiveStatistics], version: ServerVersion) {
    let best = others.iter().max_by_key(|object| match is_filled(object, &verdict.definition) {
        Some(true) => 2,
        None => 1,
        Some(false) => 0,
    });
    if let Some(best) = best.filter(|_| verdict.state != StatisticsState::Ok) {
        judge_contents(verdict, best, StatisticsState::OtherName, version);
    }
}

/// What differs, part by part.
fn differences(own: &LiveStatistics, wanted: &StatisticsDefinition) -> Vec<String> {
    let mut differences = Vec::new();
    if own.relation != wanted.relation {
        differences.push(format!("relation is {}, not {}", own.relation, wanted.relation));
    }
    if !is_over_columns(own, wanted) {
        let more = if own.has_expressions { " and expressions" } else { "" };
        differences.push(format!("columns are {}{more}, not {}", list(&own.columns), list(&wanted.columns)));
    }
    if !has_kinds(own, wanted) {
        differences.push(format!("kinds are {}, not {}", kinds(&own.kinds), kinds(&wanted.kinds)));
    }
    differences
}

fn list(columns: &[String]) -> String {
    in_parentheses(columns.iter().map(|column| quote_identifier(column).to_string()))
}

fn kinds(kinds: &[StatisticsKind]) -> String {
    in_parentheses(kinds.iter().map(|kind| kind.as_str().to_owned()))
}

fn in_parentheses(words: impl Iterator<Item = String>) -> String {
    format!("({})", words.collect::<Vec<_>>().join(", "))
}
