//! Indexes as the formulas see them, and which clauses of a scan each of them answers. Btree only; prices nothing.

use std::collections::BTreeSet;

use super::condition::{self, Clause, Test};
use super::cost::Descent;
use super::path::{Order, OrderKey};
use super::share;
use super::table::Scanned;
use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget, Oid, quote_identifier};
use crate::snapshot::{Catalog, Index, Relation};
use crate::sql;
use crate::whatif::{CandidateId, selectivity, size};

/// What a composite index's order is worth of its first column's correlation (`btcostestimate`, `selfuncs.c`).
const COMPOSITE_CORRELATION: f64 = 0.75;

/// The version from which only lists among the boundary quals multiply the descents (`genericcostestimate`, `selfuncs.c`).
const ARRAYS_BY_BOUNDS: u32 = 17;

/// Which index it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    Candidate(CandidateId),
    Existing(Oid),
}

/// An index of one relation.
#[derive(Debug, Clone)]
pub(super) struct Usable<'s> {
    pub which: Which,
    pub definition: &'s IndexDefinition,
    pages: f64,
    tuples: f64,
    height: f64,
    predicate: Vec<Clause>,
    predicate_selectivity: f64,
}

/// How a scan uses an index.
#[derive(Debug, Clone)]
pub(super) struct Match {
    pub descent: Descent,
    pub order: Order,
    /// The clauses that it answers, by position.
    pub answered: BTreeSet<usize>,
    /// The clauses that need not be looked at any more: those and what its predicate says.
    pub settled: BTreeSet<usize>,
    /// Whether it has every column that is read.
    pub covers: bool,
}

impl<'s> Usable<'s> {
    /// An index that does not exist; `None` when there is no model of it.
    pub fn candidate(
        catalog: &Catalog<'s>,
        id: CandidateId,
        relation: &'s Relation,
        definition: &'s IndexDefinition,
    ) -> Option<Self> {
        let size = size::estimate(catalog, relation, definition).ok()?;
        Some(Self::new(Which::Candidate(id), relation, definition, size.n_pages as f64, f64::from(size.height), None))
    }

    /// An index that exists; `None` when there is no model of its access method or the planner cannot use it.
    pub fn existing(catalog: &Catalog<'s>, relation: &'s Relation, index: &'s Index) -> Option<Self> {
        if index.definition.access_method != AccessMethod::Btree || !index.is_usable() {
            return None;
        }
        let height = size::estimate(catalog, relation, &index.definition).map_or(1, |size| size.height);
        let which = Which::Existing(index.oid);
        Some(Self::new(
            which,
            relation,
            &index.definition,
            index.n_blocks.unwrap_or(index.n_pages) as f64,
            f64::from(height),
            index.n_rows,
        ))
    }

    fn new(
        which: Which,
        relation: &'s Relation,
        definition: &'s IndexDefinition,
        pages: f64,
        height: f64,
        n_rows: Option<f64>,
    ) -> Self {
        let predicate = definition.predicate.as_deref();
        let share = predicate.map_or(1.0, |sql| selectivity::of_predicate(relation, sql).selectivity);
        Self {
            which,
            definition,
            pages: pages.max(1.0),
            tuples: n_rows.unwrap_or_else(|| size::n_rows(relation) * share).max(1.0),
            height,
            predicate: predicate.map(|sql| condition::clauses(sql, "", relation)).unwrap_or_default(),
            predicate_selectivity: share,
        }
    }

    /// How `scan` may use it; nothing when its predicate may not hold. Lists on later columns are looked up, or left to
    /// be filtered for the sake of the order (`build_index_paths`, `indxpath.c`): at most two ways.
    pub fn matches(&self, scan: &Scanned<'_>, major: u32) -> Vec<Match> {
        let Some(implying) = self.implied_by(scan) else { return Vec::new() };
        let mut matches = vec![self.use_of(scan, &implying, false, major)];
        if matches[0].order.keys.is_empty() {
            let ordered = self.use_of(scan, &implying, true, major);
            if !ordered.order.keys.is_empty() {
                matches.push(ordered);
            }
        }
        matches
    }

    fn use_of(&self, scan: &Scanned<'_>, implying: &BTreeSet<usize>, keeps_order: bool, major: u32) -> Match {
        let mut bounded = Vec::new();
        let mut answered = BTreeSet::new();
        let (mut is_bounded, mut all_equal, mut has_late_list) = (true, true, false);
        let (mut n_array_scans, mut n_bounded_arrays) = (1.0, 1.0);
        for (position, key) in self.definition.key_columns.iter().enumerate() {
            let mut on_key: Vec<usize> = (0..scan.clauses.len())
                .filter(|at| self.answers(scan.relation, key, &scan.clauses[*at]))
                .filter(|at| !(keeps_order && position > 0 && matches!(scan.clauses[*at].test, Test::AnyOf(_))))
                .collect();
            // One equality is enough; the planner takes all, to the same effect.
            on_key.sort_by_key(|at| !scan.clauses[*at].is_equality());
            answered.extend(&on_key);
            let n_looked_up: f64 = on_key.iter().map(|at| n_values(&scan.clauses[*at])).product();
            if is_bounded {
                n_bounded_arrays *= n_looked_up;
            }
            if is_bounded || major < ARRAYS_BY_BOUNDS {
                n_array_scans *= n_looked_up;
            }
            let is_list = |at: &usize| matches!(scan.clauses[*at].test, Test::AnyOf(_));
            has_late_list |= position > 0 && on_key.iter().any(is_list);
            if !is_bounded {
                continue;
            }
            bounded.extend(&on_key);
            let stops = |at: &usize| matches!(scan.clauses[*at].test, Test::Equal | Test::AnyOf(_) | Test::IsNull);
            all_equal &= on_key.iter().any(|at| scan.clauses[*at].is_equality());
            is_bounded = on_key.iter().any(stops);
        }
        let picked = |at: &BTreeSet<usize>| at.iter().map(|at| &scan.clauses[*at]).collect::<Vec<_>>();
        let beside = |at: &BTreeSet<usize>| {
            let implied: Vec<&Clause> = implying.difference(at).map(|at| &scan.clauses[*at]).collect();
            let by_clauses = scan.selectivity(&implied);
            // The clauses that imply the predicate may keep fewer rows than it does.
            if implying.is_empty() { self.predicate_selectivity } else { self.predicate_selectivity.max(by_clauses) }
        };
        let bounded: BTreeSet<usize> = bounded.into_iter().collect();
        let keeps = |at: &BTreeSet<usize>| {
            let share = scan.selectivity(&picked(at)) * if self.predicate.is_empty() { 1.0 } else { beside(at) };
            share.max(
                (scan.n_rows / scan.table.tuples).min(1.0) * f64::from(u8::from(answered.len() == scan.clauses.len())),
            )
        };
        let exact: BTreeSet<usize> = answered.iter().copied().filter(|at| !self.is_lossy(&scan.clauses[*at])).collect();
        Match {
            descent: Descent {
                pages: self.pages,
                tuples: self.tuples,
                height: self.height,
                boundary_selectivity: keeps(&bounded),
                selectivity: keeps(&answered),
                finds_one: self.definition.is_unique && all_equal && n_array_scans <= 1.0,
                n_array_scans,
                n_bounded_arrays,
                n_quals: answered.iter().map(|at| n_quals(&scan.clauses[*at])).sum(),
                correlation: self.correlation(scan),
            },
            order: if has_late_list { Order::default() } else { self.order(scan) },
            settled: exact.union(implying).copied().collect(),
            answered,
            covers: self.covers(scan),
        }
    }

    /// LIKE is checked again on the row.
    fn is_lossy(&self, clause: &Clause) -> bool {
        matches!(clause.test, Test::Prefix)
    }

    fn answers(&self, relation: &Relation, key: &IndexColumn, clause: &Clause) -> bool {
        let Some(subject) = &clause.subject else { return false };
        let is_same = match (subject, &key.target) {
            (IndexTarget::Column(subject), IndexTarget::Column(target)) => subject == target,
            (IndexTarget::Expression(subject), IndexTarget::Expression(target)) => {
                sql::same_expression(subject, target)
            }
            _ => false,
        };
        if !is_same || !is_own_collation(relation, key) {
            return false;
        }
        let is_by_bytes = key.opclass.as_deref().is_some_and(|opclass| opclass.ends_with("pattern_ops"));
        let compares_bytes = || {
            let column = key.target.column().and_then(|name| relation.column(name));
            is_by_bytes || column.is_some_and(|column| column.collation_is_c)
        };
        match clause.test {
            Test::Equal | Test::AnyOf(_) | Test::IsNull | Test::IsNotNull => key.opclass.is_none() || is_by_bytes,
            Test::Less | Test::Greater => key.opclass.is_none(),
            Test::Prefix => compares_bytes(),
            Test::Or(_) | Test::Other => false,
        }
    }

    /// The clauses that imply the predicate; `None` when it may not hold (`predicate_implied_by`, `predtest.c`, for
    /// conjuncts that are stated, or follow from an equality or a bound on the same column).
    fn implied_by(&self, scan: &Scanned<'_>) -> Option<BTreeSet<usize>> {
        let mut implying = BTreeSet::new();
        for wanted in &self.predicate {
            let is_never_null = matches!(wanted.test, Test::IsNotNull)
                && wanted
                    .subject
                    .as_ref()
                    .and_then(|subject| subject.column())
                    .is_some_and(|name| scan.relation.column(name).is_some_and(|column| column.is_not_null));
            if is_never_null {
                continue;
            }
            let clause = scan.clauses.iter().position(|clause| implies(clause, wanted))?;
            if scan.clauses[clause].canonical == wanted.canonical {
                implying.insert(clause);
            }
        }
        Some(implying)
    }

    fn order(&self, scan: &Scanned<'_>) -> Order {
        let is_fixed = |key: &IndexColumn| {
            let fixes = |clause: &Clause| clause.is_equality() && self.answers(scan.relation, key, clause);
            scan.clauses.iter().any(fixes)
        };
        let mut keys = Vec::new();
        for key in &self.definition.key_columns {
            if key.opclass.is_some() || !is_own_collation(scan.relation, key) {
                break;
            }
            if !is_fixed(key) {
                keys.push(OrderKey {
                    expression: qualified(&scan.stem, &key.target),
                    descending: key.descending,
                    nulls_first: key.nulls_first,
                });
            }
        }
        Order { keys, is_reversible: true }
    }

    fn correlation(&self, scan: &Scanned<'_>) -> f64 {
        let Some(key) = self.definition.key_columns.first() else { return 0.0 };
        let column = key.target.column().and_then(|name| scan.relation.column(name));
        // The statistics' order is that of the default operator class.
        let known = column.filter(|_| key.opclass.is_none()).and_then(|column| column.best_statistics()?.correlation);
        let correlation = known.unwrap_or(0.0);
        if self.definition.key_columns.len() > 1 { correlation * COMPOSITE_CORRELATION } else { correlation }
    }

    fn covers(&self, scan: &Scanned<'_>) -> bool {
        let has = |name: &String| {
            self.definition.key_column_names().any(|key| key == name) || self.definition.included_columns.contains(name)
        };
        scan.columns_read.as_ref().is_some_and(|columns| columns.iter().all(has))
    }
}

/// The keys of an index have to be compared as the column's are.
fn is_own_collation(relation: &Relation, key: &IndexColumn) -> bool {
    let column = key.target.column().and_then(|name| relation.column(name));
    key.collation.is_none() || column.is_some_and(|column| column.collation == key.collation)
}

/// A target as sort keys spell it, with the alias of its relation.
pub(super) fn qualified(alias: &str, target: &IndexTarget) -> String {
    match target {
        IndexTarget::Column(name) => format!("{alias}.{}", sql::canonical(&quote_identifier(name))),
        IndexTarget::Expression(expression) => format!("{alias}.{}", sql::canonical(expression)),
    }
}

/// A LIKE is searched by two bounds.
fn n_quals(clause: &Clause) -> f64 {
    if matches!(clause.test, Test::Prefix) { 2.0 } else { 1.0 }
}

fn n_values(clause: &Clause) -> f64 {
    match clause.test {
        Test::AnyOf(n_values) => n_values.max(1.0),
        _ => 1.0,
    }
}

/// Whether a row that fulfils `clause` fulfils `wanted`.
fn implies(clause: &Clause, wanted: &Clause) -> bool {
    if clause.canonical == wanted.canonical {
        return true;
    }
    if clause.subject.is_none() || clause.subject != wanted.subject {
        return false;
    }
    let value = |clause: &Clause| clause.constants.first().and_then(|value| share::scalar(value));
    let is_listed = |value: &String| wanted.constants.contains(value);
    let is_known = !clause.constants.is_empty();
    match (&clause.test, &wanted.test) {
        (_, Test::IsNotNull) => clause.is_strict(),
        (Test::Equal, Test::Equal) => is_known && clause.constants == wanted.constants,
        (Test::Equal | Test::AnyOf(_), Test::AnyOf(_)) => is_known && clause.constants.iter().all(is_listed),
        (Test::Equal | Test::Greater, Test::Greater) => value(clause).zip(value(wanted)).is_some_and(|(a, b)| a > b),
        (Test::Equal | Test::Less, Test::Less) => value(clause).zip(value(wanted)).is_some_and(|(a, b)| a < b),
        _ => false,
    }
}
