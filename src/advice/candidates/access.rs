//! What one scan of a statement asks of an index: its equalities, ranges and orders as btree keys. Makes no index yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::{IndexColumn, IndexTarget, Oid};
use crate::snapshot::{Catalog, Relation};
use crate::sql::{Comparand, Comparison, KeyOrder, Qual, Scan};

use super::super::scope::Extent;
use super::predicate::{Constants, Predicate};
use super::target::{KeyUse, distinct_values, key_for};

/// Distinct values from which an equality tells rows apart.
const DISTINCT_MIN: f64 = 2.0;

/// Distinct values from which a column may lead an index because other statements compare it too: with fewer, those
/// statements would still read a large part of the index, and the column is likely a status that changes.
const LEADING_DISTINCT_MIN: f64 = 20.0;

/// A key column that is compared for equality.
#[derive(Debug, Clone, PartialEq)]
pub struct Equality {
    /// The key column.
    pub key: IndexColumn,
    /// Whether it is one value at a time: rows behind it stay in the order of the next key.
    pub is_single: bool,
    /// Distinct values, where statistics say.
    pub n_distinct: Option<f64>,
}

/// What a scan asks.
#[derive(Debug, Clone)]
pub struct Access<'s> {
    /// The catalog.
    pub catalog: &'s Catalog<'s>,
    /// The relation that an index would be created on.
    pub relation: &'s Relation,
    /// Its size.
    pub extent: Extent,
    /// Equalities, the ones that other statements share first, then the most selective.
    pub equalities: Vec<Equality>,
    /// Key columns with a range, in the statement's order.
    pub ranges: Vec<IndexColumn>,
    /// The sort keys that no equality fixes.
    pub order: Vec<IndexColumn>,
    /// Row comparisons.
    pub rows: Vec<Vec<IndexColumn>>,
    /// Grouping keys that no equality fixes.
    pub group: Vec<IndexColumn>,
    /// Columns whose extreme is asked for.
    pub extremes: Vec<IndexColumn>,
    /// The predicate of a partial index for this scan.
    pub predicate: Option<Predicate>,
    /// Columns that the statement reads.
    pub columns_read: &'s BTreeSet<String>,
    /// Whether it reads whole rows.
    pub needs_whole_row: bool,
    /// Why some of what it asks cannot be a key, by target.
    pub refused: Vec<(IndexTarget, String)>,
}

/// How many statements compare a target of a relation for equality.
#[derive(Debug, Default)]
pub struct Sharing(BTreeMap<(Oid, IndexTarget), usize>);

impl Sharing {
    /// Counts one statement.
    pub fn count(&mut self, relation: Oid, target: &IndexTarget) {
        *self.0.entry((relation, target.clone())).or_default() += 1;
    }

    fn of(&self, relation: Oid, target: &IndexTarget) -> usize {
        self.0.get(&(relation, target.clone())).copied().unwrap_or(0)
    }
}

impl<'s> Access<'s> {
    /// What `scan` asks of `relation` by the quals of its own.
    pub fn of_scan(catalog: &'s Catalog<'s>, relation: &'s Relation, scan: &'s Scan, constants: &Constants) -> Self {
        let mut access = Self {
            catalog,
            relation,
            extent: Extent::of(catalog, relation),
            equalities: Vec::new(),
            ranges: Vec::new(),
            order: Vec::new(),
            rows: Vec::new(),
            group: Vec::new(),
            extremes: Vec::new(),
            predicate: Predicate::of_quals(relation, &scan.quals, constants),
            columns_read: &scan.columns_read,
            needs_whole_row: scan.needs_whole_row,
            refused: Vec::new(),
        };
        for qual in &scan.quals {
            access.add_qual(qual);
        }
        for group in &scan.or_groups {
            access.add_disjunction_of_one_column(group);
        }
        if scan.nearest.is_none() {
            access.order = access.order_keys(&scan.order);
        }
        for comparison in &scan.row_comparisons {
            access.add_row_comparison(&comparison.targets);
        }
        access.group = access.unordered_keys(&scan.group);
        access.extremes = access.unordered_keys(&scan.extremes);
        access
    }

    /// The same access with further equalities, each with one value at a time (join keys).
    pub fn with_join_keys(&self, targets: &[IndexTarget]) -> Self {
        let mut access = self.clone();
        for target in targets {
            access.add_equality(target, true);
        }
        access.forget_fixed_order();
        access
    }

    /// Sorts the equalities: single values before lists, those that more statements share first, then the most
    /// selective; the statement's own order where nothing tells them apart.
    pub fn sort_equalities(&mut self, sharing: &Sharing) {
        let oid = self.relation.oid;
        self.equalities.sort_by(|a, b| {
            let leads_well = |equality: &Equality| equality.n_distinct.is_none_or(|n| n >= LEADING_DISTINCT_MIN);
            let shared =
                |equality: &Equality| if leads_well(equality) { sharing.of(oid, &equality.key.target) } else { 0 };
            b.is_single.cmp(&a.is_single).then_with(|| shared(b).cmp(&shared(a))).then_with(|| {
                match (a.n_distinct, b.n_distinct) {
                    (Some(a), Some(b)) => b.total_cmp(&a),
                    _ => std::cmp::Ordering::Equal,
                }
            })
        });
    }

    /// The columns that are compared with one value each, as keys.
    pub fn single_columns(&self) -> Vec<IndexColumn> {
        let single = self.equalities.iter().filter(|equality| equality.is_single);
        single.filter(|equality| equality.key.target.column().is_some()).map(|equality| equality.key.clone()).collect()
    }

    /// Adds what one qual asks.
    pub fn add_qual(&mut self, qual: &Qual) {
        match &qual.comparison {
            Comparison::Equal => self.add_equality(&qual.target, true),
            Comparison::In => self.add_equality(&qual.target, false),
            Comparison::LikePrefix if has_known_prefix(&qual.comparand) => {
                self.add_range(&qual.target, KeyUse::Prefix);
            }
            Comparison::LikePrefix => self.refused.push((
                qual.target.clone(),
                "the pattern of LIKE is a parameter: only one that starts with fixed text can use a btree index"
                    .to_owned(),
            )),
            Comparison::Pattern if is_anchored(&qual.comparand) => self.add_range(&qual.target, KeyUse::Prefix),
            // The planner makes a range of it (`network_subset_support`).
            Comparison::Operator(operator) if is_subnet(self.relation, &qual.target, operator) => {
                self.add_range(&qual.target, KeyUse::Plain);
            }
            comparison if comparison.is_range() => self.add_range(&qual.target, KeyUse::Plain),
            _ => {}
        }
    }

    fn add_equality(&mut self, target: &IndexTarget, is_single: bool) {
        if let Some(known) = self.equalities.iter_mut().find(|equality| equality.key.target == *target) {
            known.is_single |= is_single;
            return;
        }
        let n_distinct = target
            .column()
            .and_then(|name| self.relation.column(name))
            .and_then(|column| distinct_in(self.relation, self.extent, column));
        if n_distinct.is_some_and(|n_distinct| n_distinct < DISTINCT_MIN) {
            self.refused.push((target.clone(), "the column has one value in every row".to_owned()));
            return;
        }
        if let Some(key) = self.accept(target, KeyUse::Plain) {
            self.equalities.push(Equality { key, is_single, n_distinct });
        }
    }

    fn add_range(&mut self, target: &IndexTarget, key_use: KeyUse) {
        if let Some(key) = self.accept(target, key_use)
            && !self.ranges.contains(&key)
        {
            self.ranges.push(key);
        }
    }

    /// `a = 1 OR a = 2` is `a IN (1, 2)`.
    fn add_disjunction_of_one_column(&mut self, arms: &[Vec<Qual>]) {
        let Some(target) = arms.first().and_then(|arm| arm.first()).map(|qual| &qual.target) else { return };
        let is_list = arms.iter().all(|arm| match arm.as_slice() {
            [qual] => qual.target == *target && matches!(qual.comparison, Comparison::Equal | Comparison::In),
            _ => false,
        });
        if is_list {
            self.add_equality(target, false);
        }
    }

    fn add_row_comparison(&mut self, targets: &[IndexTarget]) {
        let keys: Vec<IndexColumn> = targets.iter().map_while(|target| self.accept(target, KeyUse::Plain)).collect();
        if keys.len() == targets.len() && !keys.is_empty() {
            self.rows.push(keys);
        }
    }

    /// The keys of ORDER BY, without those that an equality fixes; nothing when one of them cannot be indexed.
    fn order_keys(&mut self, order: &[KeyOrder]) -> Vec<IndexColumn> {
        let mut keys = Vec::new();
        for sort in order {
            if self.is_fixed(&sort.target) {
                continue;
            }
            let Some(mut key) = self.accept(&sort.target, KeyUse::Plain) else { return Vec::new() };
            key.descending = sort.descending;
            key.nulls_first = sort.nulls_first;
            if !keys.iter().any(|known: &IndexColumn| known.target == key.target) {
                keys.push(key);
            }
        }
        if is_plain_descending(&keys) { ascending(keys) } else { keys }
    }

    fn unordered_keys(&mut self, targets: &[IndexTarget]) -> Vec<IndexColumn> {
        let mut keys: Vec<IndexColumn> = Vec::new();
        for target in targets {
            if self.is_fixed(target) {
                continue;
            }
            match self.accept(target, KeyUse::Plain) {
                Some(key) if !keys.contains(&key) => keys.push(key),
                Some(_) => {}
                None => return Vec::new(),
            }
        }
        keys
    }

    /// Drops the sort keys that the equalities added since fix.
    fn forget_fixed_order(&mut self) {
        let fixed: Vec<IndexTarget> =
            self.equalities.iter().filter(|equality| equality.is_single).map(|e| e.key.target.clone()).collect();
        self.order.retain(|key| !fixed.contains(&key.target));
        self.group.retain(|key| !fixed.contains(&key.target));
    }

    fn is_fixed(&self, target: &IndexTarget) -> bool {
        self.equalities.iter().any(|equality| equality.is_single && equality.key.target == *target)
    }

    fn accept(&mut self, target: &IndexTarget, key_use: KeyUse) -> Option<IndexColumn> {
        match key_for(self.catalog, self.relation, target, key_use) {
            Ok(key) => Some(key),
            Err(reason) => {
                let refused = (target.clone(), reason);
                if !self.refused.contains(&refused) {
                    self.refused.push(refused);
                }
                None
            }
        }
    }
}

fn distinct_in(relation: &Relation, extent: Extent, column: &crate::snapshot::Column) -> Option<f64> {
    match (column.best_statistics(), extent.n_rows) {
        (Some(statistics), Some(n_rows)) => Some(statistics.distinct_values(n_rows)),
        _ => distinct_values(relation, column),
    }
}

/// Whether a backward scan of ascending keys returns this order.
fn is_plain_descending(keys: &[IndexColumn]) -> bool {
    keys.iter().all(|key| key.descending && key.nulls_first)
}

fn ascending(keys: Vec<IndexColumn>) -> Vec<IndexColumn> {
    keys.into_iter().map(|key| IndexColumn { descending: false, nulls_first: false, ..key }).collect()
}

/// Whether a regular expression is known to start with fixed text, two characters at least: `^ab`.
fn is_anchored(comparand: &Comparand) -> bool {
    let Comparand::Literal(literal) = comparand else { return false };
    literal.strip_prefix("'^").is_some_and(|rest| rest.chars().take(2).filter(char::is_ascii_alphanumeric).count() == 2)
}

/// `address << network`
fn is_subnet(relation: &Relation, target: &IndexTarget, operator: &str) -> bool {
    let column = target.column().and_then(|name| relation.column(name));
    matches!(operator, "<<" | "<<=") && column.is_some_and(|c| matches!(c.base_type.name.as_str(), "inet" | "cidr"))
}

/// Whether a pattern is known to start with fixed text. pg_stat_statements shows `LIKE $1` for `x%` and for `%x%` alike,
/// and values that stand in for parameters cannot tell them apart.
fn has_known_prefix(comparand: &Comparand) -> bool {
    matches!(comparand, Comparand::Literal(_))
}
