//! Why no index is proposed for a scan that searches for few rows among many.

use crate::pg::IndexDefinition;
use crate::pg::number::number;
use crate::snapshot::{Column, Index, Relation};
use crate::sql::{Comparison, Qual, Scan};

use super::super::{Advice, Declined};
use super::conversion::converted;
use super::reading::Reading;
use super::{Because, Cause};

/// The answer for the statement at `position`, whose plan spends most on `reading`.
pub fn because(advice: &Advice, is_priced: bool, position: usize, reading: &Reading<'_>) -> Because {
    let (existing, refused) = declined_for(advice, position, reading.relation);
    let what = searched(reading);
    if let Some((cause, why)) = reading.asked.and_then(|asked| unanswerable(asked, reading)) {
        let more = refused.first().map_or_else(String::new, |declined| format!(" ({})", declined.reason));
        return Because::of(cause, format!("{what}: {why}{more}"));
    }
    let conversion = reading.asked.zip(reading.filter);
    if let Some((column, into)) = conversion.and_then(|(asked, filter)| converted(reading.relation, asked, filter)) {
        let Column { name, type_sql, .. } = column;
        let why = format!(
            "the comparison turns {name} into {into}, so that no index on it serves: compare it with a value of its own \
             type, {type_sql}"
        );
        return Because::of(Cause::NotIndexable, format!("{what}: {why}"));
    }
    if !is_priced {
        return Because::of(Cause::NotPriced, format!("{what}, and nothing could price an index for it"));
    }
    if let Some(reason) = of_declined(&refused) {
        return Because::of(Cause::Declined, format!("{what}; {reason}"));
    }
    let existing = existing.first().and_then(|declined| equal_keys(reading.relation, &declined.index));
    if let Some(index) = existing.or_else(|| leading_index(reading)) {
        let reason = format!("{what}, though there is {}: the planner prefers it so", index.name);
        return Because::of(Cause::ExistingIndexNotPreferred, reason).with_indexes(vec![index.name.clone()]);
    }
    Because::of(Cause::NoCandidate, format!("{what}, and its conditions ask for no index that could be proposed"))
}

/// What was declined for the statement at `position` on `relation`: what an existing index is already, and the rest.
fn declined_for<'d>(
    advice: &'d Advice,
    position: usize,
    relation: &Relation,
) -> (Vec<&'d Declined>, Vec<&'d Declined>) {
    let is_its = |declined: &&Declined| declined.relation == relation.name && declined.statements.contains(&position);
    advice.declined.iter().filter(is_its).partition(|declined| equal_keys(relation, &declined.index).is_some())
}

/// Why the candidates for the statement at `position` on `relations` were declined; `None` where there was none.
pub fn why_declined<'r>(
    advice: &Advice,
    position: usize,
    relations: impl Iterator<Item = &'r Relation>,
) -> Option<String> {
    let refused: Vec<&Declined> = relations.flat_map(|relation| declined_for(advice, position, relation).1).collect();
    of_declined(&refused)
}

/// The most telling of the reasons for which candidates were declined: the one that most of them share.
fn of_declined(declined: &[&Declined]) -> Option<String> {
    let n_with = |reason: &str| declined.iter().filter(|declined| declined.reason == reason).count();
    // `max_by_key` takes the last of equals; the first in order is wanted.
    let telling = declined.iter().rev().max_by_key(|declined| n_with(&declined.reason))?;
    let n_others = declined.len() - 1;
    let others = match n_others {
        0 => String::new(),
        1 => "; 1 other candidate was declined, too".to_owned(),
        _ => format!("; {} other candidates were declined, too", number(n_others as f64)),
    };
    Some(format!("{} was considered: {}{others}", telling.index.body(), telling.reason))
}

/// What the scan does.
fn searched(reading: &Reading<'_>) -> String {
    let (relation, n_kept, n_stored) =
        (&reading.relation.name, number(reading.n_kept.round()), number(reading.n_stored));
    match reading.indexes.as_slice() {
        [] => format!("it reads {n_stored} rows of {relation} to keep {n_kept}"),
        [index, ..] => format!("it reads many more rows of {relation} by {index} than the {n_kept} that it keeps"),
    }
}

/// Why no index can answer the conditions as they are written; `None` when one could answer some of them.
fn unanswerable(asked: &Scan, reading: &Reading<'_>) -> Option<(Cause, &'static str)> {
    let arms = asked.or_groups.iter().flatten().flatten();
    let quals: Vec<&Qual> = asked.quals.iter().chain(arms).collect();
    let is_joined = reading.above.iter().any(|above| matches!(*above, "Nested Loop" | "Hash Join" | "Merge Join"));
    let others_answerable = !asked.row_comparisons.is_empty() || asked.nearest.is_some() || is_joined;
    if others_answerable || quals.iter().any(|qual| !is_pattern(qual) && is_answerable(qual)) {
        return None;
    }
    if quals.iter().any(|qual| is_pattern(qual)) {
        let why = "a pattern that may start with a wildcard names no place in an ordered index";
        return Some((Cause::PatternSearch, why));
    }
    if !asked.unindexable.is_empty() || asked.n_other_quals > 0 {
        return Some((Cause::NotIndexable, "no index can answer its conditions as they are written"));
    }
    quals.iter().any(|qual| qual.comparison == Comparison::NotEqual).then_some((
        Cause::NotIndexable,
        "no index key finds what differs from a value; a partial index could, for one value that never changes",
    ))
}

fn is_pattern(qual: &Qual) -> bool {
    qual.comparison == Comparison::Pattern
}

fn is_answerable(qual: &Qual) -> bool {
    qual.comparison != Comparison::NotEqual
}

/// The usable index whose leading keys are those of `wanted`.
fn equal_keys<'r>(relation: &'r Relation, wanted: &IndexDefinition) -> Option<&'r Index> {
    relation.indexes.iter().find(|index| {
        index.is_usable()
            && index.definition.access_method == wanted.access_method
            && index.definition.predicate == wanted.predicate
            && index.definition.key_columns.starts_with(&wanted.key_columns)
    })
}

/// The usable index whose first key a condition of the scan compares.
fn leading_index<'r>(reading: &Reading<'r>) -> Option<&'r Index> {
    let asked = reading.asked?;
    let is_compared = |index: &&Index| {
        let first = index.definition.key_columns.first();
        first.is_some_and(|key| {
            asked
                .quals
                .iter()
                .any(|qual| qual.target == key.target && (qual.comparison.is_equality() || qual.comparison.is_range()))
        })
    };
    reading
        .relation
        .indexes
        .iter()
        .filter(|index| index.is_usable() && index.definition.predicate.is_none())
        .find(is_compared)
}
