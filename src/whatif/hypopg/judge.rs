//! Plan → price: which hypothetical indexes are in it, what its cost should have been, and what HypoPG may have
//! overlooked. Sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::correction::{Costs, Shape, missing_cost};
use super::stand_in::{self, Clause};
use super::transactions::{Question, SlotId};
use crate::pg::{Bytes, IndexDefinition, IndexTarget, Oid, units::BLOCK_BYTES};
use crate::plan::{Node, Plan};
use crate::snapshot::{Catalog, Relation, RelationKind, Snapshot};
use crate::whatif::declared::Declared;
use crate::whatif::{CandidateId, Price, explain, selectivity, size};
use crate::workload::{Planned, Statement};

/// What is known of the hypothetical indexes and of the server.
pub(super) struct Judge {
    costs: Costs,
    shapes: BTreeMap<SlotId, Shape>,
    /// The candidates that HypoPG sees on a query's first relation only.
    shy: BTreeMap<CandidateId, Shy>,
    /// Names of views, whose relations are never first.
    views: Vec<String>,
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
    pub fn new(snapshot: &Snapshot) -> Self {
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
        let views = views.map(|view| view.name.name.to_lowercase()).collect();
        Self { costs, shapes: BTreeMap::new(), shy: BTreeMap::new(), views }
    }

    /// Makes a candidate known, of which HypoPG says that it would have `bytes`.
    pub fn add(&mut self, catalog: &Catalog, id: CandidateId, declared: &Declared, bytes: Bytes) {
        self.add_shape(catalog, SlotId::of(id), &declared.definition, declared.relation, Some(bytes));
        let expressions = expressions(&declared.definition);
        if !expressions.is_empty() || declared.definition.predicate.is_some() {
            let clauses = declared.definition.predicate.as_deref().and_then(stand_in::clauses);
            self.shy.insert(id, Shy { relation: declared.relation, expressions, clauses });
        }
    }

    /// Makes the size of an index known; without `bytes`, HypoPG's is taken to be right.
    pub fn add_shape(
        &mut self,
        catalog: &Catalog,
        slot: SlotId,
        definition: &IndexDefinition,
        relation: Oid,
        bytes: Option<Bytes>,
    ) {
        let Some(relation) = catalog.relation(relation) else { return };
        let Ok(size) = size::estimate(catalog, relation, definition) else { return };
        let n_pages = size.n_pages as f64;
        // HypoPG's one size of a partitioned index says nothing of each partition's.
        let planned = bytes.filter(|_| relation.kind != RelationKind::PartitionedTable);
        let n_pages_planned = planned.map_or(n_pages, |bytes| bytes.0 as f64 / BLOCK_BYTES as f64);
        let shape =
            Shape { height: f64::from(size.height), n_pages, n_pages_planned, n_rows: n_rows(relation, definition) };
        self.shapes.insert(slot, shape);
    }

    /// The price of `statement` by `plan`, in which hypothetical indexes bear the oids of `by_oid`.
    pub fn judge(
        &self,
        catalog: &Catalog,
        statement: &Statement,
        question: &Question<'_>,
        plan: &Plan,
        by_oid: &BTreeMap<Oid, SlotId>,
    ) -> Judged {
        let slot_of = |node: &Node| by_oid.get(&hypothetical_oid(node.index_name.as_deref()?)?).copied();
        let shape_of = |node: &Node| self.shapes.get(&slot_of(node)?).copied();
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
            total_cost: plan.root.total_cost + missing_cost(&plan.root, self.costs, &shape_of),
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

    fn may_be_overlooked(&self, id: CandidateId, catalog: &Catalog, statement: &Statement, plan: &Plan) -> bool {
        let Some(shy) = self.shy.get(&id) else { return false };
        if self.is_first_relation(shy.relation, catalog, statement) || !asks_for(shy, statement) {
            return false;
        }
        let mut may_be_used = false;
        explain::walk(&plan.root, &mut |node| {
            let implies = shy.clauses.as_ref().is_none_or(|clauses| stand_in::may_imply(node, clauses));
            may_be_used |= implies && reads(node, shy.relation, catalog);
        });
        may_be_used
    }

    /// Whether the relation is certainly the first of its query: the only one, no view's and no partition.
    fn is_first_relation(&self, relation: Oid, catalog: &Catalog, statement: &Statement) -> bool {
        let Some(shape) = &statement.shape else { return false };
        let Some(planned) = &statement.planned else { return false };
        let text = planned.text.to_lowercase();
        shape.scans.len() == 1
            && shape.scans[0].relation == relation
            && catalog.children(relation).is_empty()
            && !self.views.iter().any(|view| text.contains(view))
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

fn expressions(definition: &IndexDefinition) -> Vec<String> {
    let expression = |target: &IndexTarget| match target {
        IndexTarget::Expression(sql) => Some(size::squeezed(sql)),
        IndexTarget::Column(_) => None,
    };
    definition.key_columns.iter().filter_map(|key| expression(&key.target)).collect()
}

/// Whether the statement's shape speaks of every expression of the index; an unknown shape may.
fn asks_for(shy: &Shy, statement: &Statement) -> bool {
    let Some(shape) = &statement.shape else { return true };
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut add = |target: &IndexTarget| {
        if let IndexTarget::Expression(sql) = target {
            asked.insert(size::squeezed(sql));
        }
    };
    for scan in &shape.scans {
        scan.quals.iter().chain(scan.or_groups.iter().flatten().flatten()).for_each(|qual| add(&qual.target));
        scan.order.iter().for_each(|key| add(&key.target));
        scan.group.iter().chain(&scan.extremes).for_each(&mut add);
        scan.row_comparisons.iter().flat_map(|row| &row.targets).for_each(&mut add);
    }
    for join in &shape.joins {
        add(&join.left);
        add(&join.right);
    }
    shy.expressions.iter().all(|expression| asked.contains(expression))
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
