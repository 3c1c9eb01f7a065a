//! What joins add to a scan: keys by which the inner side of a nested loop is looked up, and constants that the
//! planner carries over an equality.

use std::collections::BTreeMap;

use crate::pg::IndexTarget;
use crate::sql::{Comparand, Comparison, JoinKind, JoinQual, Qual, Scan, Shape, commuted};

use super::search_keys::JoinedOperator;

/// The join keys of scan number `scan`, one list for each scan that it is joined to and that `is_partner` admits: the
/// columns of a composite key stay together.
pub fn join_keys(shape: &Shape, scan: usize, is_partner: impl Fn(&Scan) -> bool) -> Vec<Vec<IndexTarget>> {
    let mut by_partner: BTreeMap<usize, Vec<IndexTarget>> = BTreeMap::new();
    for join in shape.joins.iter().filter(|join| join.comparison == Comparison::Equal) {
        let (target, partner) = match () {
            () if join.right_scan == scan => (&join.right, join.left_scan),
            // The left side of a per-row subquery is never looked up from the right.
            () if join.left_scan == scan && join.kind != JoinKind::PerRow => (&join.left, join.right_scan),
            () => continue,
        };
        if !shape.scans.get(partner).is_some_and(&is_partner) {
            continue;
        }
        let keys = by_partner.entry(partner).or_default();
        if !keys.contains(target) {
            keys.push(target.clone());
        }
    }
    let mut lists: Vec<Vec<IndexTarget>> = Vec::new();
    for keys in by_partner.into_values() {
        if !lists.contains(&keys) {
            lists.push(keys);
        }
    }
    lists
}

/// The operators by which the values of scan number `scan` are searched for each row of another: `a.span @> b.at`.
pub fn joined_operators(shape: &Shape, scan: usize) -> Vec<JoinedOperator> {
    let operator_of = |join: &JoinQual| {
        let Comparison::Operator(operator) = &join.comparison else { return None };
        match () {
            () if join.right_scan == scan => Some((join.right.clone(), commuted(operator)?.to_owned())),
            () if join.left_scan == scan && join.kind != JoinKind::PerRow => {
                Some((join.left.clone(), operator.clone()))
            }
            () => None,
        }
    };
    shape.joins.iter().filter_map(operator_of).collect()
}

/// Equalities with a constant that scan number `scan` has by way of a join: from `a.id = b.a_id AND a.id = $1` the
/// planner concludes `b.a_id = $1` (equivalence classes; over an outer join only towards the nullable side).
pub fn carried_constants(shape: &Shape, scan: usize) -> Vec<Qual> {
    let mut carried = Vec::new();
    for join in shape.joins.iter().filter(|join| join.comparison == Comparison::Equal) {
        let (own, other_scan, other) = if join.right_scan == scan {
            (&join.right, join.left_scan, &join.left)
        } else if join.left_scan == scan && carries_both_ways(join) {
            (&join.left, join.right_scan, &join.right)
        } else {
            continue;
        };
        let Some(partner) = shape.scans.get(other_scan) else { continue };
        let is_constant = |qual: &&Qual| {
            qual.target == *other && qual.comparison == Comparison::Equal && qual.comparand != Comparand::None
        };
        if let Some(qual) = partner.quals.iter().find(is_constant) {
            carried.push(Qual { target: own.clone(), ..qual.clone() });
        }
    }
    carried
}

fn carries_both_ways(join: &JoinQual) -> bool {
    matches!(join.kind, JoinKind::Inner | JoinKind::Semi)
}
