//! What the statements that read each relation cost, before and after: where the gain is, and where more is possible. Prices
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::{Oid, RelationName};
use crate::snapshot::Catalog;
use crate::workload::{Statement, Workload};

use super::scope;
use super::steps::Costs;

/// The statements that read one relation, and what they cost (planner cost × calls). A statement that reads several counts
/// for each: the relations do not sum up to the workload.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationCosts {
    /// The relation; of partitions, the partitioned table.
    pub relation: RelationName,
    /// How many statements that have a price read it.
    pub n_statements: usize,
    /// Their cost as they are.
    pub cost_before: f64,
    /// The same with all steps.
    pub cost_after: f64,
    /// The same with every candidate present at once.
    pub cost_floor: f64,
}

/// The relations that the statements in `costs`, by their position, read: where most could be gained first, then by name.
pub fn by_relation(catalog: &Catalog<'_>, workload: &Workload, costs: &BTreeMap<usize, Costs>) -> Vec<RelationCosts> {
    let mut of_relation: BTreeMap<Oid, RelationCosts> = BTreeMap::new();
    for (position, costs) in costs {
        let statement = &workload.statements[*position];
        for relation in relations_read(catalog, statement) {
            let Some(name) = catalog.relation(relation).map(|relation| relation.name.clone()) else { continue };
            let nothing =
                RelationCosts { relation: name, n_statements: 0, cost_before: 0.0, cost_after: 0.0, cost_floor: 0.0 };
            let sum = of_relation.entry(relation).or_insert(nothing);
            sum.n_statements += 1;
            sum.cost_before += costs.before * statement.n_calls;
            sum.cost_after += costs.after * statement.n_calls;
            sum.cost_floor += costs.floor * statement.n_calls;
        }
    }
    let mut relations: Vec<RelationCosts> = of_relation.into_values().collect();
    let possible = |costs: &RelationCosts| costs.cost_before - costs.cost_floor;
    relations.sort_by(|a, b| possible(b).total_cmp(&possible(a)).then_with(|| a.relation.cmp(&b.relation)));
    relations
}

fn relations_read(catalog: &Catalog<'_>, statement: &Statement) -> BTreeSet<Oid> {
    let scans = statement.shape.as_ref().map_or(&[][..], |shape| &shape.scans);
    scans.iter().filter_map(|scan| Some(scope::indexed_relation(catalog, scan.relation)?.oid)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::advice::test_catalog::orders;
    use crate::snapshot::Relation;
    use crate::sql::{Scan, Shape, StatementKind};
    use crate::workload::{Weigh, test_workload};

    #[test]
    fn a_statement_counts_for_each_relation_that_it_reads_once() {
        let statement = |id: i64, relations: &[u32]| {
            let mut statement = test_workload::statement(id, 10.0, None, Some(1000.0));
            let scans = relations.iter().map(|oid| Scan::new(Oid(*oid), "t", 0)).collect();
            let shape = Shape { kind: StatementKind::Select, scans, joins: Vec::new(), is_from_plan: false };
            statement.shape = Some(shape);
            statement
        };
        let statements = vec![statement(1, &[1, 2, 2]), statement(2, &[1]), statement(3, &[2])];
        let mut workload = test_workload::workload(Weigh::Cost, statements);
        let mut snapshot = test_workload::snapshot();
        snapshot.relations =
            vec![orders(), Relation { oid: Oid(2), name: RelationName::new("public", "towns"), ..orders() }];
        workload.snapshot = Arc::new(snapshot);
        let costs = BTreeMap::from([
            (0, Costs { before: 100.0, after: 50.0, floor: 40.0 }),
            (1, Costs { before: 7.0, after: 7.0, floor: 1.0 }),
        ]);
        let relations = by_relation(&Catalog::new(&workload.snapshot), &workload, &costs);
        let shown: Vec<(&str, usize, f64, f64, f64)> = relations
            .iter()
            .map(|of| (of.relation.name.as_str(), of.n_statements, of.cost_before, of.cost_after, of.cost_floor))
            .collect();
        assert_eq!(shown, [("orders", 2, 1070.0, 570.0, 410.0), ("towns", 1, 1000.0, 500.0, 400.0)]);
    }
}
