//! One scan of a plan as the formulas see it: its relation, the clauses on it with their selectivities, what it returns.
//! Prices nothing.

use std::collections::BTreeSet;

use super::condition::{self, Clause, Test};
use super::cost::Table;
use super::settings::Settings;
use super::share;
use crate::plan::Node;
use crate::snapshot::{Catalog, Relation};
use crate::sql::Shape;
use crate::whatif::size;

/// The selectivity of a range with two bounds of which one is not known (`DEFAULT_RANGE_INEQ_SEL`, `selfuncs.h`).
const DEFAULT_TWO_BOUNDS: f64 = 0.005;

/// A scan of a stored relation.
#[derive(Debug, Clone)]
pub(super) struct Scanned<'s> {
    pub relation: &'s Relation,
    /// Unique in the plan.
    pub alias: String,
    /// The alias that sort keys name it by: a partition's is that of the partitioned table.
    pub stem: String,
    pub clauses: Vec<Clause>,
    /// The rows that it returns, for one loop and all workers.
    pub n_rows: f64,
    pub n_loops: f64,
    pub table: Table,
    /// The columns that the statement reads of it; `None` when it reads whole rows or that is not known.
    pub columns_read: Option<BTreeSet<String>>,
}

/// What scans of one statement have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement<'s> {
    pub catalog: &'s Catalog<'s>,
    pub shape: Option<&'s Shape>,
    /// The pages of every relation that it reads.
    pub pages: f64,
}

impl<'s> Scanned<'s> {
    /// The scan that `node` is; `None` when it scans no stored relation of the snapshot. `divisor` is by how many
    /// processes its rows are shared.
    pub fn of(statement: Statement<'s>, node: &Node, n_loops: f64, divisor: f64) -> Option<Self> {
        let relation = relation_of(statement.catalog, node)?;
        let alias = node.alias.clone().or_else(|| node.relation_name.clone())?;
        let mut clauses: Vec<Clause> = Vec::new();
        for condition in [&node.index_cond, &node.recheck_cond, &node.filter].into_iter().flatten() {
            for clause in condition::clauses(condition, &alias, relation) {
                if !clauses.iter().any(|known| known.canonical == clause.canonical) {
                    clauses.push(clause);
                }
            }
        }
        let (pages, n_tuples) = size_now(relation);
        let all_visible = if pages > 0.0 { (relation.n_all_visible_pages as f64 / pages).min(1.0) } else { 0.0 };
        let stem = stem(&alias, relation);
        let mut scanned = Self {
            columns_read: columns_read(statement, relation, &stem),
            relation,
            alias,
            stem,
            clauses,
            n_rows: (node.plan_rows * divisor).max(1.0),
            n_loops: n_loops.max(1.0),
            table: Table { pages, tuples: n_tuples, all_visible, pages_of_statement: statement.pages },
        };
        scanned.add_implied(node);
        if scanned.clauses.iter().all(|clause| clause.others.is_empty()) {
            scanned.n_loops = 1.0;
        }
        scanned.weigh_clauses();
        Some(scanned)
    }

    /// What the predicate of a partial index in the plan says is no condition of the plan any more.
    fn add_implied(&mut self, node: &Node) {
        let relation = self.relation;
        for name in index_names(node) {
            let index = relation.indexes.iter().find(|index| index.name == name);
            let Some(predicate) = index.and_then(|index| index.definition.predicate.as_deref()) else { continue };
            for clause in condition::clauses(predicate, &self.alias, relation) {
                if !self.clauses.iter().any(|known| known.canonical == clause.canonical) {
                    self.clauses.push(clause);
                }
            }
        }
    }

    /// Gives every clause its selectivity. The planner's estimate of all of them together is in the plan: what the
    /// statistics do not say of single clauses is what is left of it, and none keeps fewer rows than all do.
    fn weigh_clauses(&mut self) {
        let tuples = self.table.tuples;
        let together = (self.n_rows / tuples).clamp(f64::MIN_POSITIVE, 1.0);
        let known: Vec<Option<f64>> = self.clauses.iter().map(|clause| self.share_of(clause)).collect();
        let product: f64 = self.fold_ranges(&known).max(f64::MIN_POSITIVE);
        let n_unknown = known.iter().filter(|share| share.is_none()).count();
        let left = (together / product).clamp(f64::MIN_POSITIVE, 1.0);
        let each = if n_unknown > 0 { left.powf(1.0 / n_unknown as f64) } else { 1.0 };
        let only_one = self.clauses.len() == 1;
        for (clause, share) in self.clauses.iter_mut().zip(known) {
            clause.selectivity = if only_one { together } else { share.unwrap_or(each).clamp(together, 1.0) };
        }
    }

    fn share_of(&self, clause: &Clause) -> Option<f64> {
        if clause.others.is_empty() {
            share::share(self.relation, self.table.tuples, clause)
        } else if clause.subject.is_some() {
            Some(share::share_of_join(self.relation, self.table.tuples, clause))
        } else {
            None
        }
    }

    fn fold_ranges(&self, shares: &[Option<f64>]) -> f64 {
        let weighed: Vec<Clause> = self
            .clauses
            .iter()
            .zip(shares)
            .filter_map(|(clause, share)| Some(Clause { selectivity: (*share)?, ..clause.clone() }))
            .collect();
        self.selectivity(&weighed.iter().collect::<Vec<_>>())
    }

    /// What `clauses` keep together: independent of each other, but for the two bounds of a range
    /// (`clauselist_selectivity`, `clausesel.c`).
    pub fn selectivity(&self, clauses: &[&Clause]) -> f64 {
        let mut product = 1.0;
        for (position, clause) in clauses.iter().enumerate() {
            let is_other_bound = |other: &&&Clause| other.is_range() && other.subject == clause.subject;
            let bounds: Vec<&&Clause> = if clause.is_range() && clause.others.is_empty() {
                clauses.iter().filter(is_other_bound).collect()
            } else {
                Vec::new()
            };
            match bounds.as_slice() {
                [low, high] if opposite(low, high) => {
                    // Taken once, at the first of the two.
                    if std::ptr::eq(**low, clauses[position]) {
                        product *= self.between(low, high);
                    }
                }
                _ => product *= clause.selectivity,
            }
        }
        product
    }

    fn between(&self, low: &Clause, high: &Clause) -> f64 {
        let nulls = low.subject.as_ref().and_then(|subject| subject.column());
        let nulls =
            nulls.and_then(|name| self.relation.column(name)?.best_statistics()).map_or(0.0, |s| s.null_fraction);
        let both = low.selectivity + high.selectivity + nulls - 1.0;
        let both = if both > 0.0 { both } else { DEFAULT_TWO_BOUNDS };
        // What the plan says of all clauses together is a floor here too.
        both.max((self.n_rows / self.table.tuples).min(1.0)).min(1.0)
    }

    /// What evaluating `clauses` costs for one row.
    pub fn qual_cost<'c>(settings: &Settings, clauses: impl IntoIterator<Item = &'c Clause>) -> f64 {
        clauses.into_iter().map(|clause| clause.n_operators).sum::<f64>() * settings.cpu_operator
    }

    /// The same scan for each row of another relation, which `clauses` compare it with.
    pub fn with_join_clauses(&self, clauses: &[Clause], n_loops: f64) -> Self {
        let mut scanned = self.clone();
        scanned.n_loops = n_loops.max(1.0);
        for clause in clauses {
            let selectivity = share::share_of_join(self.relation, self.table.tuples, clause);
            scanned.n_rows *= selectivity;
            scanned.clauses.push(Clause { selectivity, ..clause.clone() });
        }
        scanned
    }

    /// The same scan by itself, without what it is compared with for each row of another relation.
    pub fn without_join_clauses(&self) -> Self {
        let mut scanned = self.clone();
        let joined: f64 = scanned.clauses.iter().filter(|c| !c.others.is_empty()).map(|c| c.selectivity).product();
        scanned.clauses.retain(|clause| clause.others.is_empty());
        scanned.n_loops = 1.0;
        scanned.n_rows = (self.n_rows / joined.max(f64::MIN_POSITIVE)).clamp(1.0, self.table.tuples);
        scanned
    }

    /// The same scan where, beside the other clauses, those of one arm of a disjunction hold.
    pub fn with_arm(&self, arm: &[Clause]) -> Self {
        let mut scanned = self.clone();
        for clause in arm {
            let selectivity = self.share_of(clause).unwrap_or(1.0);
            scanned.clauses.push(Clause { selectivity, ..clause.clone() });
        }
        scanned
    }

    /// Disjunctions among the clauses.
    pub fn disjunctions(&self) -> impl Iterator<Item = (&Clause, &Vec<Vec<Clause>>)> {
        self.clauses.iter().filter_map(|clause| match &clause.test {
            Test::Or(arms) => Some((clause, arms)),
            _ => None,
        })
    }
}

fn opposite(one: &Clause, other: &Clause) -> bool {
    matches!((&one.test, &other.test), (Test::Less, Test::Greater) | (Test::Greater, Test::Less))
}

/// Blocks now, and rows: as many to a block as when they were last counted (`estimate_rel_size`, `plancat.c`).
pub(super) fn size_now(relation: &Relation) -> (f64, f64) {
    let counted = relation.n_pages as f64;
    let pages = relation.n_blocks.map_or(counted, |n_blocks| n_blocks as f64);
    let n_rows = size::n_rows(relation);
    let now = if counted > 0.0 && relation.n_rows.is_some() { n_rows / counted * pages } else { n_rows };
    (pages, now.max(1.0))
}

/// The relation that a node scans.
pub(super) fn relation_of<'s>(catalog: &Catalog<'s>, node: &Node) -> Option<&'s Relation> {
    let is_scan = matches!(node.node_type.as_str(), "Seq Scan" | "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan");
    is_scan.then_some(())?;
    catalog.find(node.schema.as_deref(), node.relation_name.as_deref()?)
}

/// The indexes that a scan uses.
pub(super) fn index_names(node: &Node) -> Vec<&str> {
    let mut names: Vec<&str> = node.index_name.as_deref().into_iter().collect();
    for child in node.children.iter().filter(|child| child.node_type.starts_with("Bitmap")) {
        names.extend(index_names(child));
    }
    names
}

/// The alias in the statement: EXPLAIN numbers those of partitions.
fn stem(alias: &str, relation: &Relation) -> String {
    match alias.rsplit_once('_') {
        Some((stem, number)) if relation.is_partition && number.chars().all(|c| c.is_ascii_digit()) => stem.to_owned(),
        _ => alias.to_owned(),
    }
}

fn columns_read(statement: Statement<'_>, relation: &Relation, stem: &str) -> Option<BTreeSet<String>> {
    let root = statement.catalog.partition_root(relation.oid);
    let is_it = |scan: &&crate::sql::Scan| {
        scan.relation == root && (stem == scan.alias || stem.starts_with(&format!("{}_", scan.alias)))
    };
    let scans: Vec<_> = statement.shape?.scans.iter().filter(is_it).collect();
    if scans.is_empty() || scans.iter().any(|scan| scan.needs_whole_row) {
        return None;
    }
    Some(scans.iter().flat_map(|scan| scan.columns_read.iter().cloned()).collect())
}
