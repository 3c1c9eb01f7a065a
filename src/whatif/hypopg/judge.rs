//! Plan → price: which hypothetical indexes are in it, what its cost should have been, and what HypoPG may have
//! overlooked. Sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::correction::{Costs, Dimensions, missing_cost};
use super::stand_in::{self, Clause};
use super::transactions::{Question, SlotId};
use crate::pg::{AccessMethod, Bytes, IndexDefinition, IndexTarget, Oid, units::BLOCK_BYTES};
use crate::plan::{Node, Plan};
use crate::snapshot::{Catalog, Relation, RelationKind};
use crate::sql::{self, Shape};
use crate::whatif::declared::Declared;
use crate::whatif::{CandidateId, Price, explain, selectivity, size};
use crate::workload::{Planned, Statement, Workload};

/// What is known of the hypothetical indexes and of the server.
pub(super) struct Judge {
    costs: Costs,
    dimensions: BTreeMap<SlotId, Dimensions>,
    /// The candidates that HypoPG sees on a query's first relation only.
    shy: BTreeMap<CandidateId, Shy>,
    /// By the statement's position in the workload.
    statements: Vec<Known>,
    /// Whether costs are corrected where HypoPG makes an index too large or too small.
    is_correcting: bool,
}

/// What is known of a statement.
struct Known {
    /// The relation that is certainly the first of its query: the only one, and no view's.
    first_relation: Option<Oid>,
    /// The expressions that its shape speaks of; `None` where the shape is unknown.
    expressions: Option<BTreeSet<String>>,
}

/// A partial index, or one with expressions.
struct Shy {
    relation: Oid,
    expressions: Vec<String>,
    /// The predicate's conjuncts; `None` when it is not made of simple ones.
    clauses: Option<Vec<Clause>>,
}

/// A judged plan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    /// The corrected total cost.
    pub total_cost: f64,
    pub used: BTreeSet<CandidateId>,
    pub used_existing: BTreeSet<Oid>,
    /// Candidates that a planner without HypoPG's fault might have used.
    pub overlooked: BTreeSet<CandidateId>,
    /// Candidates for which stand-ins were visible.
    pub stood_in: BTreeSet<CandidateId>,
    /// Whether a stand-in was used where the partial index could not have been.
    pub is_misled: bool,
}

impl Judge {
    pub fn new(workload: &Workload) -> Self {
        let snapshot = &workload.snapshot;
        let setting = |name: &str, default: f64| {
            let found = snapshot.settings.iter().find(|setting| setting.name == name);
            found.and_then(|setting| setting.value.parse().ok()).unwrap_or(default)
        };
        let costs = Costs {
            cpu_operator: setting("cpu_operator_cost", 0.0025),
            random_page: setting("random_page_cost", 4.0),
            cpu_tuple: setting("cpu_tuple_cost", 0.01),
        };
        let views = snapshot.relations.iter().filter(|relation| relation.kind == RelationKind::View);
        let views: Vec<String> = views.map(|view| view.name.name.to_lowercase()).collect();
        let statements = workload.statements.iter().map(|statement| Known::of(statement, &views)).collect();
        Self { costs, dimensions: BTreeMap::new(), shy: BTreeMap::new(), statements, is_correcting: true }
    }

    /// Corrects no cost from now on.
    pub fn takes_costs_as_they_are(&mut self) {
        self.is_correcting = false;
    }

    /// Makes a candidate known, of which HypoPG says that it would have `bytes`.
    pub fn add(&mut self, catalog: &Catalog, id: CandidateId, declared: &Declared, bytes: Bytes) {
        self.add_dimensions(catalog, SlotId::of(id), &declared.definition, declared.relation, Some(bytes));
        let keys = &declared.definition.key_columns;
        let expressions: Vec<String> = keys.iter().filter_map(|key| expression_of(&key.target)).collect();
        if !expressions.is_empty() || declared.definition.predicate.is_some() {
            let clauses = declared.definition.predicate.as_deref().and_then(stand_in::clauses);
            self.shy.insert(id, Shy { relation: declared.relation, expressions, clauses });
        }
    }

    /// Makes the size of an index known; without `bytes`, HypoPG's is taken to be right.
    pub fn add_dimensions(
        &mut self,
        catalog: &Catalog,
        slot: SlotId,
        definition: &IndexDefinition,
        relation: Oid,
        bytes: Option<Bytes>,
    ) {
        // What HypoPG gets wrong and is corrected here is wrong of btrees only.
        let is_wrong = self.is_correcting && definition.access_method == AccessMethod::Btree;
        let Some(relation) = catalog.relation(relation).filter(|_| is_wrong) else { return };
        let Ok(size) = size::estimate(catalog, relation, definition) else { return };
        let n_pages = size.n_pages as f64;
        // HypoPG's one size of a partitioned index says nothing of each partition's.
        let planned = bytes.filter(|_| relation.kind != RelationKind::PartitionedTable);
        let n_pages_planned = planned.map_or(n_pages, |bytes| bytes.0 as f64 / BLOCK_BYTES as f64);
        let height = f64::from(size.height);
        let dimensions = Dimensions { height, n_pages, n_pages_planned, n_rows: n_rows(relation, definition) };
        self.dimensions.insert(slot, dimensions);
    }

    /// The price of the statement at position `statement` of the workload by `plan`, in which hypothetical indexes bear the oids of `by_oid`.
    pub fn judge(
        &self,
        catalog: &Catalog,
        statement: usize,
        question: &Question<'_>,
        plan: &Plan,
        by_oid: &BTreeMap<Oid, SlotId>,
    ) -> Judged {
        let slot_of = |node: &Node| by_oid.get(&hypothetical_oid(node.index_name.as_deref()?)?).copied();
        let dimensions_of = |node: &Node| self.dimensions.get(&slot_of(node)?).copied();
        let mut used = BTreeSet::new();
        let mut is_misled = false;
        explain::walk(&plan.root, &mut |node| {
            if let Some(slot) = slot_of(node) {
                used.insert(slot.candidate);
                is_misled |= slot.variant > 0 && !self.could_be_partial(slot.candidate, node);
            }
        });
        let slots = &question.configuration.slots;
        let unused = slots.iter().map(|slot| slot.candidate).filter(|id| !used.contains(id));
        Judged {
            total_cost: plan.root.total_cost + missing_cost(&plan.root, self.costs, &dimensions_of),
            used_existing: explain::existing_indexes(plan, catalog),
            overlooked: unused.filter(|id| self.may_be_overlooked(*id, catalog, statement, plan)).collect(),
            stood_in: slots.iter().filter(|slot| slot.variant > 0).map(|slot| slot.candidate).collect(),
            used,
            is_misled,
        }
    }

    fn could_be_partial(&self, candidate: CandidateId, node: &Node) -> bool {
        let clauses = self.shy.get(&candidate).and_then(|shy| shy.clauses.as_ref());
        clauses.is_some_and(|clauses| stand_in::is_served(node, clauses))
    }

    fn may_be_overlooked(&self, id: CandidateId, catalog: &Catalog, statement: usize, plan: &Plan) -> bool {
        let (Some(shy), Some(statement)) = (self.shy.get(&id), self.statements.get(statement)) else { return false };
        let is_first = statement.first_relation == Some(shy.relation) && catalog.children(shy.relation).is_empty();
        if is_first || !statement.asks_for(&shy.expressions) {
            return false;
        }
        let mut may_be_used = false;
        explain::walk(&plan.root, &mut |node| {
            let implies = shy.clauses.as_ref().is_none_or(|clauses| stand_in::may_imply(node, clauses));
            may_be_used |= implies && reads(node, shy.relation, catalog);
        });
        may_be_used
    }
}

impl Known {
    fn of(statement: &Statement, views: &[String]) -> Self {
        let Some(shape) = &statement.shape else { return Self { first_relation: None, expressions: None } };
        let text = statement.planned.as_ref().map(|planned| planned.text.to_lowercase()).unwrap_or_default();
        let first_relation = match shape.scans.as_slice() {
            [scan] if !views.iter().any(|view| text.contains(view)) => Some(scan.relation),
            _ => None,
        };
        Self { first_relation, expressions: Some(expressions_of(shape)) }
    }

    /// Whether it speaks of every one of `expressions`, as far as its shape is known.
    fn asks_for(&self, expressions: &[String]) -> bool {
        self.expressions.as_ref().is_none_or(|asked| expressions.iter().all(|expression| asked.contains(expression)))
    }
}

impl Judged {
    /// Takes the better of this plan and `second`, where stand-ins were visible as well.
    pub fn revise(&mut self, second: Judged) {
        if second.is_misled {
            return;
        }
        self.overlooked.retain(|id| !second.stood_in.contains(id));
        if second.total_cost < self.total_cost {
            let overlooked = std::mem::take(&mut self.overlooked);
            *self = Judged { overlooked, ..second };
        }
    }

    /// The price; that of the plan `before` where no hypothetical index makes it cheaper: without HypoPG's faults the
    /// planner would have stayed with it.
    pub fn price(self, before: Option<&Planned>, catalog: &Catalog) -> Price {
        match before {
            Some(before) if !self.used.is_empty() && before.plan.root.total_cost <= self.total_cost => Price {
                total_cost: before.plan.root.total_cost,
                used: BTreeSet::new(),
                used_existing: explain::existing_indexes(&before.plan, catalog),
                unproven: self.overlooked,
            },
            _ => Price {
                total_cost: self.total_cost.max(0.0),
                used: self.used,
                used_existing: self.used_existing,
                unproven: self.overlooked,
            },
        }
    }
}

/// The oid in a hypothetical index's name: 13556 of `<13556>btree_orders_customer_id`.
fn hypothetical_oid(name: &str) -> Option<Oid> {
    let (oid, _) = name.strip_prefix('<')?.split_once('>')?;
    oid.parse().ok().map(Oid)
}

/// The expressions that a statement compares, sorts or groups by, in one spelling.
fn expressions_of(shape: &Shape) -> BTreeSet<String> {
    let mut targets: Vec<&IndexTarget> = shape.joins.iter().flat_map(|join| [&join.left, &join.right]).collect();
    for scan in &shape.scans {
        targets.extend(scan.quals.iter().chain(scan.or_groups.iter().flatten().flatten()).map(|qual| &qual.target));
        targets.extend(scan.order.iter().map(|key| &key.target));
        targets.extend(scan.group.iter().chain(&scan.extremes));
        targets.extend(scan.row_comparisons.iter().flat_map(|row| &row.targets));
    }
    targets.into_iter().filter_map(expression_of).collect()
}

fn expression_of(target: &IndexTarget) -> Option<String> {
    match target {
        IndexTarget::Expression(sql) => Some(sql::canonical(sql)),
        IndexTarget::Column(_) => None,
    }
}

/// Whether the node scans the relation, or one of its partitions.
fn reads(node: &Node, relation: Oid, catalog: &Catalog) -> bool {
    let Some(name) = &node.relation_name else { return false };
    let found = catalog.find(node.schema.as_deref(), name);
    found.is_some_and(|found| found.oid == relation || catalog.partition_root(found.oid) == relation)
}

fn n_rows(relation: &Relation, definition: &IndexDefinition) -> f64 {
    let share = definition.predicate.as_ref().map_or(1.0, |sql| selectivity::of_predicate(relation, sql).selectivity);
    (size::n_rows(relation) * share).max(1.0)
}
