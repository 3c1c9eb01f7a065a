//! Candidates: the indexes that the shapes of the workload ask for. Nothing is priced here.

mod access;
mod alternatives;
mod disjunction;
mod footprint;
mod include;
mod joins;
mod keys;
mod merge;
mod operator_class;
mod predicate;
mod search_keys;
mod served;
mod target;
#[cfg(test)]
mod tests;

pub use merge::merged;
pub use served::{covering_index, served_by};
pub use target::{distinct_values, spelled_as_existing};

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::{IndexDefinition, IndexTarget, KeyRoles, Oid, RelationName};
use crate::snapshot::{Catalog, Relation};
use crate::sql::{Scan, Shape};
use crate::workload::Workload;

use super::scope;
use super::{AdviseOptions, Declined};
use access::{Access, Sharing};
use alternatives::Ordered;
use disjunction::Arm;
use footprint::Footprint;
use keys::KeyList;
use predicate::Constants;
use search_keys::{Operators, Search};
use served::is_found_by_unique_index;

/// Candidates from one scan at most; the fullest use of it comes first.
const PER_SCAN_MAX: usize = 32;

/// An index that a statement asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The relation that it would be created on.
    pub relation: Oid,
    /// What it would be.
    pub definition: IndexDefinition,
    /// What its key columns are for.
    pub roles: KeyRoles,
    /// The statements whose shapes ask for it, by position.
    pub asked_by: BTreeSet<usize>,
    /// The statements that it can matter to, by position: those, and others that could use it.
    pub statements: BTreeSet<usize>,
}

/// What the workload asks for.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Each definition once.
    pub list: Vec<Candidate>,
    /// Candidates, by position in `list`, that are of use only together.
    pub sets: BTreeSet<BTreeSet<usize>>,
    /// Candidates, by position in `list`, that may be worth more than what the planner prefers to them: they cost less to
    /// keep.
    pub alternatives: BTreeSet<usize>,
    /// What was asked for and cannot be, with the reason.
    pub declined: Vec<Declined>,
}

/// Collects the candidates of every statement in `statements` (positions in the workload).
pub fn generate(
    catalog: &Catalog<'_>,
    workload: &Workload,
    statements: &[usize],
    options: &AdviseOptions,
) -> Candidates {
    let shapes: Vec<(usize, &Shape)> = statements
        .iter()
        .filter_map(|position| Some((*position, workload.statements.get(*position)?.shape.as_ref()?)))
        .collect();
    let mut builder = Builder {
        catalog,
        options,
        sharing: sharing(catalog, &shapes),
        operators: operators(catalog, &shapes),
        ordered: Ordered::of(catalog, shapes.iter().map(|(_, shape)| *shape)),
        constants: Constants::of(catalog, &workload.statements),
        updated: updated_columns(catalog, workload),
        candidates: Candidates::default(),
        positions: BTreeMap::new(),
        refused: BTreeMap::new(),
    };
    for (position, shape) in &shapes {
        for scan in 0..shape.scans.len() {
            builder.add_scan(*position, shape, scan);
        }
    }
    builder.finish(&shapes)
}

/// Why no index is proposed for a join with a relation that has no rows.
const JOINED_WITH_NOTHING: &str =
    "it is joined with an empty relation: what the join costs is seen once that one has rows";

struct Builder<'s> {
    catalog: &'s Catalog<'s>,
    options: &'s AdviseOptions,
    sharing: Sharing,
    operators: Operators,
    ordered: Ordered,
    constants: Constants,
    updated: BTreeMap<Oid, BTreeSet<String>>,
    candidates: Candidates,
    positions: BTreeMap<(Oid, IndexDefinition), usize>,
    /// The statements that asked for what cannot be, with the reason.
    refused: BTreeMap<(RelationName, IndexDefinition, String), BTreeSet<usize>>,
}

impl<'s> Builder<'s> {
    fn add_scan(&mut self, statement: usize, shape: &'s Shape, number: usize) {
        let scan = &shape.scans[number];
        let Some(relation) = scope::indexed_relation(self.catalog, scan.relation) else { return };
        if is_found_by_unique_index(relation, scan) {
            return;
        }
        let mut access = Access::of_scan(self.catalog, relation, scan, &self.constants);
        for qual in joins::carried_constants(shape, number) {
            access.add_qual(&qual);
        }
        access.sort_equalities(&self.sharing);
        let joined = joins::joined_operators(shape, number);
        let search = Search::of(&scan.quals, &joined, scan.nearest.as_ref()).beside(access.single_columns());
        if let Some(reason) = scope::refusal(self.catalog, relation, self.options) {
            self.refuse_first(statement, &access, &search, &reason);
            return;
        }
        let mut lists = keys::key_lists(&access);
        let finds_rows = |partner: &Scan| self.options.assume_rows || !scope::is_empty(self.catalog, partner.relation);
        for targets in joins::join_keys(shape, number, finds_rows) {
            lists.extend(self.join_lists(&access, &targets));
        }
        for targets in joins::join_keys(shape, number, |partner| !finds_rows(partner)) {
            self.refuse(statement, relation, IndexDefinition::btree(targets), JOINED_WITH_NOTHING);
        }
        lists.truncate(PER_SCAN_MAX);
        self.add_lists(statement, &access, &lists);
        self.add_search(statement, &access, &search);
        self.add_alternatives(statement, &access, scan);
        for set in disjunction::sets(&access, scan, &self.catalog.snapshot().server, &self.operators) {
            self.add_set(statement, relation, set);
        }
        self.refuse_targets(statement, &access);
        for qual in &scan.unindexable {
            let (definition, reason) = target::unindexable(relation, qual);
            self.refuse(statement, relation, definition, &reason);
        }
    }

    /// Keys for the inner side of a nested loop: the join key first, and the scan's own equalities first.
    fn join_lists(&self, access: &Access<'s>, targets: &[IndexTarget]) -> Vec<KeyList> {
        let mut bare = access.clone();
        bare.equalities.clear();
        let bare = bare.with_join_keys(targets);
        let mut own_first = access.with_join_keys(targets);
        own_first.sort_equalities(&self.sharing);
        let mut join_first = own_first.clone();
        join_first.equalities.sort_by_key(|equality| !targets.contains(&equality.key.target));
        let mut lists = keys::key_lists(&join_first);
        lists.extend(keys::key_lists(&own_first));
        lists.extend(keys::key_lists(&bare));
        lists.retain(|list| list.keys.iter().any(|key| targets.contains(&key.target)));
        lists
    }

    fn add_lists(&mut self, statement: usize, access: &Access<'s>, lists: &[KeyList]) {
        let nothing = BTreeSet::new();
        let mut has_partial = false;
        for list in lists {
            let updated = self.updated.get(&access.relation.oid).unwrap_or(&nothing);
            let included = include::included_columns(access, list, updated);
            let plain = IndexDefinition::btree(list.keys.iter().cloned());
            if let Some(predicate) = &access.predicate {
                let keys = list.keys.iter().filter(|key| !is_constant_under(predicate, key));
                let partial =
                    IndexDefinition { predicate: Some(predicate.sql.clone()), ..IndexDefinition::btree(keys.cloned()) };
                if !partial.key_columns.is_empty() {
                    has_partial = true;
                    self.add(statement, access.relation, partial, list.roles);
                }
            }
            if let Some(included_columns) = included {
                let wider = IndexDefinition { included_columns, ..plain.clone() };
                self.add(statement, access.relation, wider, list.roles);
            }
            self.add(statement, access.relation, plain, list.roles);
        }
        if !has_partial {
            self.add_predicate_alone(statement, access);
        }
    }

    /// A partial index for a statement that asks nothing but its predicate: any narrow key will do, so the primary
    /// key's column, by which the rows will be looked up next.
    fn add_predicate_alone(&mut self, statement: usize, access: &Access<'s>) {
        let Some(predicate) = &access.predicate else { return };
        let primary = access.relation.indexes.iter().find(|index| index.is_primary);
        let key = match primary.map(|index| index.definition.key_columns.as_slice()) {
            Some([only]) => only.clone(),
            _ => match predicate.columns.first() {
                Some(column) => column.clone().into(),
                None => return,
            },
        };
        let definition = IndexDefinition { predicate: Some(predicate.sql.clone()), ..IndexDefinition::btree([key]) };
        self.add(statement, access.relation, definition, KeyRoles { n_equality: 0, is_ordered: false });
    }

    /// Indexes of other access methods than btree, each for all rows and for those of the scan's predicate.
    fn add_search(&mut self, statement: usize, access: &Access<'s>, search: &Search) {
        let found = search.indexes(access.relation, &self.catalog.snapshot().server, &self.operators);
        for definition in found.definitions {
            if let Some(predicate) = &access.predicate {
                let partial = IndexDefinition { predicate: Some(predicate.sql.clone()), ..definition.clone() };
                self.add(statement, access.relation, partial, KeyRoles::default());
            }
            self.add(statement, access.relation, definition, KeyRoles::default());
        }
        for (definition, reason) in found.refused {
            self.refuse(statement, access.relation, definition, &reason);
        }
    }

    /// BRIN and hash indexes that could stand in for a btree.
    fn add_alternatives(&mut self, statement: usize, access: &Access<'s>, scan: &Scan) {
        let hashes = alternatives::hashes(self.catalog, access.relation, scan, &self.ordered);
        for definition in alternatives::block_ranges(access).into_iter().chain(hashes) {
            let position = self.add(statement, access.relation, definition, KeyRoles::default());
            self.candidates.alternatives.extend(position);
        }
    }

    fn add_set(&mut self, statement: usize, relation: &'s Relation, arms: Vec<Arm>) {
        let mut set = BTreeSet::new();
        for Arm { definition, roles } in arms {
            if covering_index(relation, &definition, roles).is_none() {
                set.extend(self.add(statement, relation, definition, roles));
            }
        }
        if set.len() > 1 {
            self.candidates.sets.insert(set);
        }
    }

    /// Adds one definition for one statement, unless an existing index serves it.
    fn add(
        &mut self,
        statement: usize,
        relation: &'s Relation,
        definition: IndexDefinition,
        roles: KeyRoles,
    ) -> Option<usize> {
        if let Some(index) = covering_index(relation, &definition, roles) {
            self.refuse(statement, relation, definition, &served_by(&index.name));
            return None;
        }
        let place = (relation.oid, definition);
        let position = *self.positions.entry(place.clone()).or_insert_with(|| {
            let (relation, definition) = place;
            let (asked_by, statements) = (BTreeSet::new(), BTreeSet::new());
            self.candidates.list.push(Candidate { relation, definition, roles, asked_by, statements });
            self.candidates.list.len() - 1
        });
        self.candidates.list[position].asked_by.insert(statement);
        Some(position)
    }

    fn refuse(&mut self, statement: usize, relation: &Relation, index: IndexDefinition, reason: &str) {
        let refused = (relation.name.clone(), index, reason.to_owned());
        self.refused.entry(refused).or_default().insert(statement);
    }

    /// Says why nothing is proposed for a relation, by the example of the index that its scan asks for most.
    fn refuse_first(&mut self, statement: usize, access: &Access<'_>, search: &Search, reason: &str) {
        let btree = keys::key_lists(access).into_iter().next().map(|list| IndexDefinition::btree(list.keys));
        let found = || {
            search
                .indexes(access.relation, &self.catalog.snapshot().server, &self.operators)
                .definitions
                .into_iter()
                .next()
        };
        if let Some(definition) = btree.or_else(found) {
            self.refuse(statement, access.relation, definition, reason);
        }
    }

    fn refuse_targets(&mut self, statement: usize, access: &Access<'_>) {
        for (target, reason) in &access.refused {
            self.refuse(statement, access.relation, IndexDefinition::btree([target.clone()]), reason);
        }
    }

    /// Finds, for each candidate, the statements beside those that asked for it which could use it too.
    fn finish(mut self, shapes: &[(usize, &Shape)]) -> Candidates {
        let mut of_relation: BTreeMap<Oid, Vec<usize>> = BTreeMap::new();
        for (position, candidate) in self.candidates.list.iter_mut().enumerate() {
            candidate.statements.clone_from(&candidate.asked_by);
            of_relation.entry(candidate.relation).or_default().push(position);
        }
        for (statement, shape) in shapes {
            let footprint = Footprint::of(self.catalog, shape);
            for position in footprint.targets.keys().filter_map(|relation| of_relation.get(relation)).flatten() {
                let candidate = &mut self.candidates.list[*position];
                if footprint.could_use(candidate.relation, &candidate.definition) {
                    candidate.statements.insert(*statement);
                }
            }
        }
        let refused = self.refused.into_iter();
        self.candidates.declined = refused
            .map(|((relation, index, reason), statements)| Declined { relation, index, reason, statements })
            .collect();
        self.candidates
    }
}

/// Whether the predicate fixes the key's value, so that it tells no rows apart.
fn is_constant_under(predicate: &predicate::Predicate, key: &crate::pg::IndexColumn) -> bool {
    key.target.column().is_some_and(|name| {
        predicate.columns.iter().any(|column| column == name)
            && !predicate.conditions.iter().any(|condition| condition.ends_with("IS NOT NULL"))
    })
}

/// Counts in how many statements each target is compared for equality, by constants or by joins.
fn sharing(catalog: &Catalog<'_>, shapes: &[(usize, &Shape)]) -> Sharing {
    let mut sharing = Sharing::default();
    for (_, shape) in shapes {
        let mut seen = BTreeSet::new();
        for scan in &shape.scans {
            let relation = catalog.partition_root(scan.relation);
            let equalities = scan.quals.iter().filter(|qual| qual.comparison.is_equality());
            seen.extend(equalities.map(|qual| (relation, qual.target.clone())));
        }
        for (relation, target) in seen {
            sharing.count(relation, &target);
        }
    }
    sharing
}

/// The operators by which the statements search each target, in conjuncts, in arms of OR and in joins.
fn operators(catalog: &Catalog<'_>, shapes: &[(usize, &Shape)]) -> Operators {
    let mut operators = Operators::default();
    for (_, shape) in shapes {
        for (number, scan) in shape.scans.iter().enumerate() {
            let relation = catalog.partition_root(scan.relation);
            operators.add(relation, &Search::of(&scan.quals, &joins::joined_operators(shape, number), None));
            for arm in scan.or_groups.iter().flatten() {
                operators.add(relation, &Search::of(arm, &[], None));
            }
        }
    }
    operators
}

/// The columns that any UPDATE of the workload sets, by relation.
fn updated_columns(catalog: &Catalog<'_>, workload: &Workload) -> BTreeMap<Oid, BTreeSet<String>> {
    let mut updated: BTreeMap<Oid, BTreeSet<String>> = BTreeMap::new();
    for shape in workload.statements.iter().filter_map(|statement| statement.shape.as_ref()) {
        for scan in &shape.scans {
            let relation = catalog.partition_root(scan.relation);
            updated.entry(relation).or_default().extend(scan.columns_set.iter().cloned());
        }
    }
    updated
}
