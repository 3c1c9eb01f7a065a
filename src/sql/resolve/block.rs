//! A block's conditions brought to its scans: quals, joins, correlation; then its order, grouping and LIMIT.

use std::collections::BTreeSet;

use super::super::logic::{conjuncts, scans_of, strict_scans};
use super::super::print::commuted;
use super::super::quals::{Part, Reader};
use super::super::shape::{Distance, JoinKind, KeyOrder, Limit};
use super::super::target::index_target;
use super::super::tree::{Expr, SortKey, Test, Window};
use super::Resolver;
use super::from::Joined;
use crate::pg::IndexTarget;

/// Operators that measure a distance, and that some operator class orders by.
const DISTANCES: [&str; 5] = ["<->", "<->>", "<<->", "<->>>", "<<<->"];

/// A block while its FROM and WHERE are read.
#[derive(Debug)]
pub(super) struct Block {
    /// Its number.
    pub number: usize,
    /// How its conditions on columns from outside join.
    pub correlation: JoinKind,
    /// Its scans.
    pub local: BTreeSet<usize>,
    /// Scans with TABLESAMPLE: no index is used.
    pub sampled: BTreeSet<usize>,
    /// Row sources other than scans that can drop or repeat rows.
    pub n_sources: usize,
    /// Whether EXISTS, IN (SELECT …) and the like drop rows.
    pub has_semi_join: bool,
    conditions: Vec<Condition>,
    outer_joins: Vec<OuterJoin>,
}

/// One condition and where it stands.
#[derive(Debug)]
struct Condition {
    expr: Expr,
    /// The outer joins below it: it sees their rows of NULLs.
    below: Vec<usize>,
    /// The outer join whose ON it is in.
    outer_join: Option<usize>,
}

/// An outer join.
#[derive(Debug)]
pub(super) struct OuterJoin {
    preserved: BTreeSet<usize>,
    nullable: BTreeSet<usize>,
    is_full: bool,
    /// A condition above it drops its rows of NULLs: it is an inner join.
    is_reduced: bool,
    /// A condition above it keeps its rows of NULLs only.
    is_anti: bool,
}

impl OuterJoin {
    /// A join that keeps every row of `preserved`, for FULL of both.
    pub fn new(preserved: &Joined, nullable: &Joined, is_full: bool) -> Self {
        Self {
            preserved: preserved.scans.clone(),
            nullable: nullable.scans.clone(),
            is_full,
            is_reduced: false,
            is_anti: false,
        }
    }
}

/// What follows FROM and WHERE.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// GROUP BY, DISTINCT ON, or DISTINCT.
    pub group: Vec<Expr>,
    /// The only window.
    pub window: Option<Window>,
    /// LIMIT, where no grouping stands before it.
    pub limit: Option<Limit>,
    /// The arguments of `min` and `max` that are all that is selected.
    pub extremes: Vec<Expr>,
}

impl Block {
    /// A block without anything.
    pub fn new(number: usize, correlation: JoinKind) -> Self {
        Self {
            number,
            correlation,
            local: BTreeSet::new(),
            sampled: BTreeSet::new(),
            n_sources: 0,
            has_semi_join: false,
            conditions: Vec::new(),
            outer_joins: Vec::new(),
        }
    }

    /// Adds an outer join; its number.
    pub fn add_outer_join(&mut self, join: OuterJoin) -> usize {
        self.outer_joins.push(join);
        self.outer_joins.len() - 1
    }

    /// Adds a condition above the joins of `inside`, in the ON of `outer_join` if that is given.
    pub fn add_condition(&mut self, expr: Expr, inside: &Joined, outer_join: Option<usize>) {
        self.conditions.push(Condition { expr, below: inside.outer_joins.clone(), outer_join });
    }

    fn is_applied(&self, condition: &Condition) -> bool {
        condition.outer_join.is_none_or(|join| self.outer_joins[join].is_reduced)
    }

    /// The scans whose rows may be NULLs where the condition stands.
    fn nullable(&self, condition: &Condition) -> BTreeSet<usize> {
        let mut nullable = BTreeSet::new();
        for join in condition.below.iter().map(|join| &self.outer_joins[*join]).filter(|join| !join.is_reduced) {
            nullable.extend(&join.nullable);
            if join.is_full {
                nullable.extend(&join.preserved);
            }
        }
        nullable
    }

    /// Outer joins under a condition that a row of NULLs cannot meet are inner joins, as PostgreSQL's
    /// `reduce_outer_joins` finds; each one found may let another condition count.
    fn reduce_outer_joins(&mut self) {
        loop {
            let mut reduced = BTreeSet::new();
            for condition in self.conditions.iter().filter(|condition| self.is_applied(condition)) {
                let strict = strict_scans(&condition.expr);
                for join in &condition.below {
                    let outer = &self.outer_joins[*join];
                    if !outer.is_reduced && !outer.is_full && !outer.nullable.is_disjoint(&strict) {
                        reduced.insert(*join);
                    }
                }
            }
            if reduced.is_empty() {
                return;
            }
            reduced.into_iter().for_each(|join| self.outer_joins[join].is_reduced = true);
        }
    }

    /// `LEFT JOIN u ON u.id = t.u_id WHERE u.id IS NULL`
    fn find_anti_joins(&mut self) {
        let mut anti = Vec::new();
        for condition in self.conditions.iter().filter(|condition| self.is_applied(condition)) {
            let Expr::Is { expr, test: Test::Null, is_negated: false } = &condition.expr else { continue };
            let Expr::ScanColumn { scan, .. } = &**expr else { continue };
            for join in &condition.below {
                let is_joined_on = self
                    .conditions
                    .iter()
                    .any(|on| on.outer_join == Some(*join) && on.expr.any(&mut |part| part == &**expr));
                if self.outer_joins[*join].nullable.contains(scan) && is_joined_on && !self.outer_joins[*join].is_full {
                    anti.push(*join);
                }
            }
        }
        anti.into_iter().for_each(|join| self.outer_joins[join].is_anti = true);
    }
}

impl Resolver<'_, '_> {
    /// Brings a block's conditions to its scans, and its order, grouping and LIMIT to the scan that they are about.
    pub(super) fn finish(&mut self, mut block: Block, tail: Tail) {
        block.reduce_outer_joins();
        block.find_anti_joins();
        let conditions = std::mem::take(&mut block.conditions);
        let mut filtered: BTreeSet<usize> = BTreeSet::new();
        let mut is_filtered_elsewhere = block.has_semi_join;
        for condition in &conditions {
            self.read(&condition.expr);
            let scans = scans_of(&condition.expr);
            let local: BTreeSet<usize> = scans.intersection(&block.local).copied().collect();
            match (local.len(), block.is_applied(condition)) {
                (1, true) => filtered.extend(&local),
                (0, _) | (_, false) => {}
                _ => is_filtered_elsewhere = true,
            }
            self.apply(condition, &scans, &block);
        }
        let driving = self.driving_scan(&block);
        is_filtered_elsewhere |= filtered.iter().any(|scan| Some(*scan) != driving);
        self.finish_tail(&block, tail, driving.filter(|_| !is_filtered_elsewhere));
    }

    fn apply(&mut self, condition: &Condition, scans: &BTreeSet<usize>, block: &Block) {
        let nullable = block.nullable(condition);
        let strict = strict_scans(&condition.expr);
        let restricts = |scan: usize| {
            let is_allowed = match condition.outer_join {
                Some(join) if !block.outer_joins[join].is_reduced => {
                    !block.outer_joins[join].is_full && block.outer_joins[join].nullable.contains(&scan)
                }
                _ => true,
            };
            is_allowed && (!nullable.contains(&scan) || strict.contains(&scan))
        };
        let kind = match condition.outer_join.map(|join| &block.outer_joins[join]) {
            Some(join) if join.is_anti => JoinKind::Anti,
            Some(join) if !join.is_reduced => JoinKind::Outer,
            _ => JoinKind::Inner,
        };
        let mut in_scans = scans.iter().copied();
        match (in_scans.next(), in_scans.next(), scans.len()) {
            (None, _, _) => self.apply_behind(&condition.expr),
            (Some(scan), None, _) if block.local.contains(&scan) && restricts(scan) => {
                self.add_quals(scan, &condition.expr);
            }
            (Some(one), Some(other), 2) => {
                let kind =
                    if block.local.contains(&one) && block.local.contains(&other) { kind } else { block.correlation };
                let preserved = condition.outer_join.map(|join| &block.outer_joins[join].preserved);
                let left = match preserved {
                    Some(preserved) if preserved.contains(&other) => other,
                    _ if !block.local.contains(&other) => other,
                    _ => one,
                };
                self.add_join(&condition.expr, left, kind, &restricts);
            }
            _ => self.apply_to_each(&condition.expr, scans, &restricts),
        }
    }

    /// Adds what one condition on one scan says.
    pub(super) fn add_quals(&mut self, scan: usize, condition: &Expr) {
        let reader = Reader { scan, known: self.known(scan) };
        let parts = reader.parts(condition);
        let scan = &mut self.scans[scan];
        for part in parts {
            match part {
                Part::Qual(qual) if !scan.quals.contains(&qual) => scan.quals.push(qual),
                Part::Qual(_) => {}
                Part::Or(arms) => scan.or_groups.push(arms),
                Part::Row(row) => scan.row_comparisons.push(row),
                Part::Unindexable(qual) => {
                    scan.n_other_quals += 1;
                    if !scan.unindexable.contains(&qual) {
                        scan.unindexable.push(qual);
                    }
                }
                Part::Other => scan.n_other_quals += 1,
            }
        }
    }

    /// A condition on outputs of a fence that lets conditions through, against constants: to the scans behind it.
    fn apply_behind(&mut self, condition: &Expr) {
        let mut n_arms = None;
        condition.any(&mut |part| {
            if let Expr::Behind(arms) = part {
                n_arms = n_arms.or(Some(arms.len()));
            }
            false
        });
        for arm in 0..n_arms.unwrap_or(0) {
            let moved = condition.rebuilt(&mut |part| match part {
                Expr::Behind(mut arms) if arm < arms.len() => arms.swap_remove(arm),
                part => part,
            });
            for conjunct in conjuncts(moved) {
                if let Some(scan) = Self::only_scan(&conjunct) {
                    self.add_quals(scan, &conjunct);
                }
            }
        }
    }

    /// The scan whose every row comes out of the joins once: the only one, or the one to which others are only
    /// outer-joined.
    fn driving_scan(&self, block: &Block) -> Option<usize> {
        let joins: Vec<&OuterJoin> = block.outer_joins.iter().filter(|join| !join.is_reduced).collect();
        if block.n_sources > 0 || joins.iter().any(|join| join.is_full || join.is_anti) {
            return None;
        }
        let mut driving =
            block.local.iter().copied().filter(|scan| !joins.iter().any(|join| join.nullable.contains(scan)));
        let only = driving.next();
        if driving.next().is_some() { None } else { only }
    }

    fn finish_tail(&mut self, block: &Block, tail: Tail, driving: Option<usize>) {
        let mut order = tail.order;
        if let (true, Some(window)) = (order.is_empty(), tail.window) {
            let partition = window.partition.into_iter();
            order = partition.map(|expr| SortKey { expr, descending: false, nulls_first: false }).collect();
            order.extend(window.order);
        }
        let ordered = self.single_scan(block, order.iter().map(|key| &key.expr));
        if let Some((scan, targets)) = ordered.clone() {
            let keys = targets.into_iter().zip(&order).map(|(target, key)| KeyOrder {
                target,
                descending: key.descending,
                nulls_first: key.nulls_first,
            });
            self.scans[scan].order = keys.collect();
        }
        if let Some((scan, distance)) = order.first().and_then(|key| self.distance(block, key)) {
            self.scans[scan].nearest = Some(distance);
        }
        if let Some((scan, targets)) = self.single_scan(block, tail.group.iter()) {
            self.scans[scan].group = targets;
        }
        if let (1, Some((scan, mut targets))) = (block.local.len(), self.single_scan(block, tail.extremes.iter())) {
            targets.dedup();
            self.scans[scan].extremes = targets;
        }
        let is_served = order.is_empty() || ordered.is_some_and(|(scan, _)| Some(scan) == driving);
        if let (Some(scan), true) = (driving, is_served) {
            self.scans[scan].limit = tail.limit;
        }
        for scan in &block.sampled {
            self.scans[*scan].quals.clear();
            self.scans[*scan].or_groups.clear();
            self.scans[*scan].row_comparisons.clear();
            self.scans[*scan].nearest = None;
        }
    }

    /// The scan of the block whose distance from something else is the sort key, and that distance.
    fn distance(&self, block: &Block, key: &SortKey) -> Option<(usize, Distance)> {
        let Expr::Binary { op, left, right } = &key.expr else { return None };
        if key.descending || !DISTANCES.contains(&op.as_str()) {
            return None;
        }
        let in_block = |expr: &Expr| Self::only_scan(expr).filter(|scan| block.local.contains(scan));
        let is_outside = |expr: &Expr| scans_of(expr).is_disjoint(&block.local);
        let (scan, own, operator) = match (in_block(left), in_block(right)) {
            (Some(scan), None) if is_outside(right) => (scan, left, op.as_str()),
            (None, Some(scan)) if is_outside(left) => (scan, right, commuted(op)?),
            _ => return None,
        };
        let target = index_target(own, self.known(scan))?;
        Some((scan, Distance { target, operator: operator.to_owned() }))
    }

    /// The one scan of the block that all of these are keys of, and the keys; `None` when there are none.
    fn single_scan<'e>(
        &self,
        block: &Block,
        exprs: impl Iterator<Item = &'e Expr>,
    ) -> Option<(usize, Vec<IndexTarget>)> {
        let mut only = None;
        let mut targets = Vec::new();
        for expr in exprs {
            let scan = Self::only_scan(expr).filter(|scan| block.local.contains(scan))?;
            if only.is_some_and(|only| only != scan) {
                return None;
            }
            only = Some(scan);
            targets.push(index_target(expr, self.known(scan))?);
        }
        Some((only?, targets))
    }
}
