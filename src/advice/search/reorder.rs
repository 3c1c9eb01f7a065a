//! The closing choice between two orders of the same key columns: where the planner is served as well by either, the one
//! that serves more beside this workload is taken. Changes no set of columns.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::pg::{AccessMethod, IndexColumn, IndexTarget, Oid};
use crate::snapshot::{Catalog, ConstraintKind, Relation};
use crate::whatif::CandidateId;

use super::super::candidates::{Candidate, distinct_values};
use super::exchange;
use super::pricer::{Configuration, Pricer};
use super::worth::Change;
use super::{Item, Limits};

/// The share of the gain that another order must keep: what is lost in rounding.
const KEPT_GAIN_MIN: f64 = 0.999;

/// How much the first key column of an index serves beside the statements that asked for the index.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Leading {
    /// Whether a foreign key starts with it: deletes and updates of what it refers to look for rows by it.
    serves_foreign_key: bool,
    /// Its distinct values, 0 where nobody knows: a search by it alone finds the fewer rows, the more there are.
    n_distinct: f64,
    /// The opposite of its number: of two of which nothing is known, that comes first which the table's author put
    /// first.
    precedence: i16,
}

impl Leading {
    /// Of the first key column of `candidate`.
    pub fn of(catalog: &Catalog<'_>, candidate: &Candidate) -> Self {
        let key = candidate.definition.key_columns.first().and_then(|key| key.target.column());
        let relation = catalog.relation(candidate.relation);
        relation.zip(key).map_or_else(Self::default, |(relation, name)| Self::of_column(relation, name))
    }

    fn of_column(relation: &Relation, name: &str) -> Self {
        let is_foreign_key = |kind: ConstraintKind| kind == ConstraintKind::ForeignKey;
        let column = relation.column(name);
        Self {
            serves_foreign_key: relation.constraints.iter().any(|constraint| {
                is_foreign_key(constraint.kind) && constraint.columns.first().is_some_and(|first| first == name)
            }),
            n_distinct: column.and_then(|column| distinct_values(relation, column)).unwrap_or(0.0),
            precedence: column.map_or(i16::MIN, |column| column.number.saturating_neg()),
        }
    }

    fn is_before(&self, other: &Self) -> bool {
        let by_use = self.serves_foreign_key.cmp(&other.serves_foreign_key);
        by_use.then(self.n_distinct.total_cmp(&other.n_distinct)).then(self.precedence.cmp(&other.precedence)).is_gt()
    }
}

/// What two orders of the same index have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Content<'i> {
    relation: Oid,
    keys: BTreeSet<&'i IndexTarget>,
    equalities: BTreeSet<&'i IndexColumn>,
    included: &'i [String],
    predicate: Option<&'i str>,
}

impl<'i> Content<'i> {
    /// `None` for an index whose first keys are not compared for equality: its order is what it is for.
    fn of(item: &'i Item) -> Option<Self> {
        let definition = &item.candidate.definition;
        let n_equality = item.candidate.roles.n_equality.min(definition.key_columns.len());
        (definition.access_method == AccessMethod::Btree && n_equality > 0 && definition.key_columns.len() > 1).then(
            || Self {
                relation: item.candidate.relation,
                keys: definition.key_columns.iter().map(|key| &key.target).collect(),
                equalities: definition.key_columns[..n_equality].iter().collect(),
                included: &definition.included_columns,
                predicate: definition.predicate.as_deref(),
            },
        )
    }
}

/// Replaces members of `chosen` by the same index in a better order.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn reorder(
    pricer: &mut Pricer<'_>,
    chosen: &mut Configuration,
    limits: &Limits<'_>,
    refused: &mut BTreeMap<CandidateId, String>,
) -> Result<()> {
    for old in chosen.clone() {
        for new in better_orders(limits, chosen, old) {
            if pricer.n_calls() >= limits.n_calls_max {
                return Ok(());
            }
            if !keeps_gain(pricer, chosen, limits, old, new)? {
                continue;
            }
            chosen.remove(&old);
            chosen.insert(new);
            let name = &limits.items[new.0 as usize].name;
            refused.insert(old, format!("the same columns in another order serve more beside: {name}"));
            break;
        }
    }
    Ok(())
}

/// The best order first.
fn better_orders(limits: &Limits<'_>, chosen: &Configuration, old: CandidateId) -> Vec<CandidateId> {
    let item = &limits.items[old.0 as usize];
    let Some(content) = Content::of(item) else { return Vec::new() };
    let is_better = |other: &Item| {
        other.is_buildable && other.leading.is_before(&item.leading) && Content::of(other).as_ref() == Some(&content)
    };
    let all = limits.items.iter().enumerate().filter(|(_, other)| is_better(other));
    let mut better: Vec<CandidateId> =
        all.map(|(id, _)| CandidateId(id as u32)).filter(|id| !chosen.contains(id)).collect();
    let leading = |id: &CandidateId| &limits.items[id.0 as usize].leading;
    better.sort_by(|a, b| if leading(a).is_before(leading(b)) { std::cmp::Ordering::Less } else { a.cmp(b) });
    better
}

fn keeps_gain(
    pricer: &mut Pricer<'_>,
    chosen: &Configuration,
    limits: &Limits<'_>,
    old: CandidateId,
    new: CandidateId,
) -> Result<bool> {
    let Some((by_old, by_new)) = exchange::exchanged(pricer, chosen, limits, old, new)? else { return Ok(false) };
    let gain = |changes: &[Change]| changes.iter().map(Change::gain).sum::<f64>();
    Ok(gain(&by_new) >= KEPT_GAIN_MIN * gain(&by_old) && exchange::nobody_notices(&by_old, &by_new))
}
