//! A statement's plan with other indexes: every node with the ways to run it, from the scans up to the root. Holds what
//! all nodes share; the formulas of single kinds of nodes are in `nodes`, `sorts` and `joins`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::index::{Usable, qualified};
use super::nodes::Entry;
use super::path::{Order, Path, pruned};
use super::settings::Settings;
use super::table::{self, Scanned};
use super::{cost, scan};
use crate::pg::{IndexTarget, Oid};
use crate::plan::{Node, Plan};
use crate::snapshot::{Catalog, Index, Relation};
use crate::whatif::CandidateId;
use crate::whatif::declared::Declared;
use crate::workload::Statement;

/// How far the model's price of the present scan may be below the real one for others to be raised by the same factor.
const RAISED_MAX: f64 = 10.0;

/// A plan that is being priced with other indexes.
pub(super) struct Rebuild<'s> {
    pub settings: &'s Settings,
    pub statement: table::Statement<'s>,
    plan: &'s Plan,
    /// By the stored relation.
    usable: BTreeMap<Oid, Vec<Usable<'s>>>,
    /// The relations that a hypothetical index is on.
    has_candidate: BTreeSet<Oid>,
    hidden: BTreeSet<&'s str>,
    /// Distinct values by column, as sort keys spell it.
    distinct: BTreeMap<String, f64>,
    is_ordered: bool,
    /// What was worked out for nodes already, by their address and what stands above them.
    known: RefCell<Known>,
}

type Known = BTreeMap<(*const Node, usize, u64, u64, bool), Ways>;

/// What stands above a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Above {
    /// How many times it runs with other values from the outer side of a nested loop.
    pub n_loops: f64,
    /// How many leading keys of its present order something above depends on.
    pub keys_needed: usize,
    /// How many of its rows are read when a LIMIT stands above; infinite when all are.
    pub n_wanted: f64,
    /// Whether it is run by several workers that share the rows of its parallel scans.
    pub is_parallel: bool,
}

impl Above {
    /// The same for an input of which so many keys have to be in order, and which is read to its end.
    pub fn needing(self, keys_needed: usize) -> Self {
        Self { keys_needed, n_wanted: f64::INFINITY, ..self }
    }

    pub fn once(self) -> Self {
        Self { n_loops: 1.0, ..self }
    }
}

/// The ways to run a node.
#[derive(Debug, Clone, Default)]
pub(super) struct Ways {
    pub paths: Vec<Path>,
    /// The order of its rows in the plan as it is.
    pub order: Order,
}

impl<'s> Rebuild<'s> {
    pub fn new(
        settings: &'s Settings,
        catalog: &'s Catalog<'s>,
        statement: &'s Statement,
        plan: &'s Plan,
        candidates: Vec<(CandidateId, &'s Declared)>,
        hidden: &BTreeSet<Oid>,
    ) -> Self {
        let mut relations: BTreeMap<Oid, &Relation> = BTreeMap::new();
        let mut pages = 0.0;
        let mut distinct = BTreeMap::new();
        let scans = plan.scans();
        for scan in &scans {
            if let Some(relation) = table::relation_of(catalog, scan.node) {
                pages += table::size_now(relation).0;
                relations.insert(relation.oid, relation);
            }
        }
        let text = statement.planned.as_ref().map(|planned| planned.text.to_lowercase()).unwrap_or_default();
        let shared = table::Statement { catalog, shape: statement.shape.as_ref(), pages };
        for scan in &scans {
            if let Some(scanned) = Scanned::of(shared, scan.node, 1.0, 1.0) {
                distinct.extend(distinct_values(&scanned));
            }
        }
        let mut rebuild = Self {
            settings,
            statement: shared,
            plan,
            usable: BTreeMap::new(),
            has_candidate: BTreeSet::new(),
            hidden: BTreeSet::new(),
            distinct,
            is_ordered: text.contains("order by"),
            known: RefCell::default(),
        };
        for relation in relations.values() {
            rebuild.add_indexes(relation, &candidates, hidden);
        }
        rebuild
    }

    fn add_indexes(
        &mut self,
        relation: &'s Relation,
        candidates: &[(CandidateId, &'s Declared)],
        hidden: &BTreeSet<Oid>,
    ) {
        let catalog = self.statement.catalog;
        let root = catalog.partition_root(relation.oid);
        let usable = self.usable.entry(relation.oid).or_default();
        for index in &relation.indexes {
            if is_hidden(catalog, index, hidden) {
                self.hidden.insert(&index.name);
            } else {
                usable.extend(Usable::existing(catalog, relation, index));
            }
        }
        for (id, declared) in candidates.iter().filter(|(_, d)| d.relation == relation.oid || d.relation == root) {
            if let Some(index) = Usable::candidate(catalog, *id, relation, &declared.definition) {
                usable.push(index);
                self.has_candidate.insert(relation.oid);
            }
        }
    }

    /// The ways to run the whole plan.
    pub fn paths(&self) -> Vec<Path> {
        let keys_needed = if self.is_ordered { usize::MAX } else { 0 };
        self.ways(&self.plan.root, Above { n_loops: 1.0, keys_needed, n_wanted: f64::INFINITY, is_parallel: false })
            .paths
    }

    /// The ways to run `node`, a node of a plan that is not the one being priced.
    pub fn ways_of_other_plan(&self, node: &Node, above: Above) -> Ways {
        // The addresses of its nodes may be given to others later.
        let known = self.known.take();
        let ways = self.ways(node, above);
        self.known.replace(known);
        ways
    }

    /// The ways to run `node`, all of them in the order that is needed above.
    pub fn ways(&self, node: &Node, above: Above) -> Ways {
        let (n_loops, n_wanted) = (above.n_loops.to_bits(), above.n_wanted.to_bits());
        let key = (std::ptr::from_ref(node), above.keys_needed, n_loops, n_wanted, above.is_parallel);
        if let Some(ways) = self.known.borrow().get(&key) {
            return ways.clone();
        }
        let ways = self.work_out(node, above);
        self.known.borrow_mut().insert(key, ways.clone());
        ways
    }

    fn work_out(&self, node: &Node, above: Above) -> Ways {
        let mut ways = match node.node_type.as_str() {
            "Seq Scan" | "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan" => self.scan_with_subplans(node, above),
            "Sort" | "Incremental Sort" => self.sort(node, above),
            "Limit" => self.limit(node, above),
            "Nested Loop" | "Hash Join" | "Merge Join" => self.join(node, above),
            "Aggregate" => self.aggregate(node, above),
            "Gather" | "Gather Merge" => self.gather(node, above),
            "Append" | "Merge Append" => self.append(node, above),
            _ => self.other(node, above),
        };
        let needed = above.keys_needed.min(ways.order.keys.len());
        let keys = &ways.order.keys[..needed];
        ways.paths = ways.paths.into_iter().map(|path| self.in_order(path, keys, node, above.n_wanted)).collect();
        ways.paths = pruned(ways.paths);
        ways
    }

    /// `path` with a sort where it does not deliver `keys`.
    fn in_order(&self, path: Path, keys: &[super::path::OrderKey], node: &Node, n_wanted: f64) -> Path {
        if path.order.common(keys) == keys.len() {
            return path;
        }
        let (startup, run) = cost::tuple_sort(self.settings, path.n_rows, node.plan_width, Some(n_wanted));
        let order = Order { keys: keys.to_vec(), is_reversible: false };
        Path { order, ..path.priced(path.total + startup, path.total + startup + run) }
    }

    /// The ways to scan a relation, and those of the subqueries that it evaluates.
    fn scan_with_subplans(&self, node: &Node, above: Above) -> Ways {
        let is_subplan = |child: &&Node| child.is_child("SubPlan") || child.is_child("InitPlan");
        if !node.children.iter().any(|child| is_subplan(&child)) {
            return self.scan(node, above);
        }
        let by_subplans = self.by_difference(node, above, &self.entries(node, Entry::UNORDERED));
        let mut alone = node.clone();
        alone.children.retain(|child| !is_subplan(&child));
        let subplans = node.children.iter().filter(is_subplan);
        let charged: f64 =
            subplans.map(|child| child.total_cost * self.entry(node, child, Entry::UNORDERED).n_runs).sum();
        alone.total_cost = (node.total_cost - charged).max(0.0);
        alone.startup_cost = node.startup_cost.min(alone.total_cost);
        let scans = self.ways_of_other_plan(&alone, above);
        let mut paths = Vec::new();
        for scan in &scans.paths {
            for subplans in &by_subplans.paths {
                let (startup, total) = (scan.startup - alone.startup_cost, scan.total - alone.total_cost);
                let both = scan.priced(subplans.startup + startup, subplans.total + total);
                paths.push(both.with_indexes_of(subplans));
            }
        }
        Ways { paths, order: scans.order }
    }

    /// The ways to scan a relation. While its present scan is to be had, only those with a hypothetical index are of
    /// interest: the planner has turned down the others.
    fn scan(&self, node: &Node, above: Above) -> Ways {
        let Some(scanned) = Scanned::of(self.statement, node, above.n_loops, 1.0) else {
            return self.other(node, above);
        };
        let usable = self.usable.get(&scanned.relation.oid).map_or(&[][..], Vec::as_slice);
        let names = table::index_names(node);
        let is_to_be_had = !names.iter().any(|name| self.hidden.contains(name));
        let present = self.present(node, &scanned);
        if is_to_be_had
            && (!self.has_candidate.contains(&scanned.relation.oid) || above.is_parallel && node.is_parallel_aware)
        {
            return Ways { order: present.order.clone(), paths: vec![present] };
        }
        let modelled = scan::paths(self.settings, &scanned, usable);
        let factor = raised(&present, &modelled);
        let mut paths: Vec<Path> = modelled
            .into_iter()
            .filter(|path| !is_to_be_had || !path.used.is_empty())
            .map(|path| path.priced(path.startup * factor, path.total * factor))
            .collect();
        let order = present.order.clone();
        if is_to_be_had {
            paths.push(present);
        }
        Ways { paths, order }
    }

    /// The scan as it is.
    fn present(&self, node: &Node, scanned: &Scanned<'_>) -> Path {
        let names = table::index_names(node);
        let indexes: Vec<&Index> =
            scanned.relation.indexes.iter().filter(|index| names.contains(&index.name.as_str())).collect();
        let mut order = Order::default();
        if let (Some(index), "Index Scan" | "Index Only Scan") = (indexes.first(), node.node_type.as_str())
            && let Some(usable) = Usable::existing(self.statement.catalog, scanned.relation, index)
            && let Some(way) = usable.matches(scanned, self.settings.major).first()
        {
            order = way.order.clone();
            if node.scan_direction.as_deref() == Some("Backward") {
                order = order.reversed();
            }
            order.is_reversible = false;
        }
        Path {
            startup: node.startup_cost,
            total: node.total_cost,
            n_rows: node.plan_rows,
            order,
            used: BTreeSet::new(),
            used_existing: indexes.iter().map(|index| index.oid).collect(),
        }
    }

    /// The indexes that are there on a relation, and whether one of them is hypothetical.
    pub fn usable(&self, relation: &Relation) -> &[Usable<'s>] {
        self.usable.get(&relation.oid).map_or(&[][..], Vec::as_slice)
    }

    pub fn is_hidden(&self, name: &str) -> bool {
        self.hidden.contains(name)
    }

    /// The groups of equal values of sort keys.
    pub fn n_groups(&self, expressions: &[&str]) -> f64 {
        let known = |expression: &&str| self.distinct.get(*expression).copied().unwrap_or(200.0);
        expressions.iter().map(known).product()
    }
}

fn raised(present: &Path, modelled: &[Path]) -> f64 {
    let is_same = |path: &&Path| path.used.is_empty() && path.used_existing == present.used_existing;
    let model = modelled.iter().filter(is_same).map(|path| path.total).fold(f64::INFINITY, f64::min);
    if model.is_finite() && model > 0.0 { (present.total / model).clamp(1.0, RAISED_MAX) } else { 1.0 }
}

/// Whether an index, or the partitioned index that it is a part of, is hidden.
pub(super) fn is_hidden(catalog: &Catalog<'_>, index: &Index, hidden: &BTreeSet<Oid>) -> bool {
    let mut at = Some(index);
    while let Some(index) = at {
        if hidden.contains(&index.oid) {
            return true;
        }
        at = index.parent.and_then(|parent| catalog.index(parent)).map(|(_, parent)| parent);
    }
    false
}

fn distinct_values(scanned: &Scanned<'_>) -> Vec<(String, f64)> {
    let columns = scanned.relation.columns.iter();
    columns
        .filter_map(|column| {
            let n = column.best_statistics()?.distinct_values(scanned.table.tuples);
            Some((qualified(&scanned.stem, &IndexTarget::Column(column.name.clone())), n))
        })
        .collect()
}
