//! The published algorithms of benches/selection do what their papers say, on cases with given sizes and costs. No server.

#[path = "../../benches/selection/algorithms/mod.rs"]
mod algorithms;

use std::collections::{BTreeMap, BTreeSet};

use algorithms::db2advis::Credited;
use algorithms::{Column, Index, Plan, Prices, Set, auto_admin, db2advis, extend, per_query, permutations};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    algorithm: String,
    width: usize,
    budget: Option<f64>,
    n_indexes: Option<usize>,
    /// Indexes without a size have 1.
    sizes: BTreeMap<String, f64>,
    /// Costs by the indexes that are used, `A|B`; the planner takes the cheapest of those that it can.
    statements: Vec<BTreeMap<String, f64>>,
    chosen: Vec<String>,
}

/// Prices that are looked up.
struct Table {
    sizes: BTreeMap<Index, f64>,
    plans: Vec<Vec<Plan>>,
    columns: Vec<BTreeSet<Column>>,
}

fn index(name: &str) -> Index {
    Index { table: "t".into(), columns: name.split(',').map(str::to_owned).collect() }
}

fn set(names: &str) -> Set {
    names.split('|').filter(|name| !name.is_empty()).map(index).collect()
}

fn columns(set: &Set) -> BTreeSet<Column> {
    let names = set.iter().flat_map(|index| &index.columns);
    names.map(|name| Column { table: "t".into(), name: name.clone() }).collect()
}

impl Table {
    fn of(case: &Case) -> Self {
        let plans = |costs: &BTreeMap<String, f64>| {
            costs.iter().map(|(names, cost)| Plan { cost: *cost, used: set(names) }).collect::<Vec<_>>()
        };
        let plans: Vec<Vec<Plan>> = case.statements.iter().map(plans).collect();
        let own = |plans: &Vec<Plan>| plans.iter().flat_map(|plan| columns(&plan.used)).collect();
        let sizes = case.sizes.iter().map(|(name, size)| (index(name), *size)).collect();
        Self { sizes, columns: plans.iter().map(own).collect(), plans }
    }
}

impl Prices for Table {
    fn columns(&self) -> &[BTreeSet<Column>] {
        &self.columns
    }

    fn plan(&mut self, statement: usize, set: &Set) -> Plan {
        let possible = self.plans[statement].iter().filter(|plan| plan.used.is_subset(set));
        possible.min_by(|a, b| a.cost.total_cmp(&b.cost)).expect("a cost without indexes").clone()
    }

    fn bytes(&mut self, index: &Index) -> f64 {
        self.sizes.get(index).copied().unwrap_or(1.0)
    }
}

fn run(case: &Case) -> Set {
    let mut table = Table::of(case);
    let budget = case.budget.unwrap_or(f64::INFINITY);
    match case.algorithm.as_str() {
        "extend" => extend::choose(&mut table, budget, case.width),
        "db2advis" => db2advis::choose(&mut table, budget, case.width),
        "autoadmin" => {
            let n_indexes = case.n_indexes.expect("a number of indexes");
            auto_admin::choose(&mut table, auto_admin::Limits { budget, n_indexes, width: case.width })
        }
        "per_query" => per_query::choose(&mut table),
        other => panic!("there is no algorithm {other}"),
    }
}

#[test]
fn every_published_case_ends_in_the_published_choice() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../fixtures/search/published.json")).unwrap();
    for case in cases {
        assert_eq!(run(&case), set(&case.chosen.join("|")), "{}", case.name);
    }
}

fn credited(name: &str, gain: f64, bytes: f64) -> Credited {
    Credited { index: index(name), gain, bytes }
}

#[test]
fn a_better_index_takes_over_what_begins_like_it() {
    let better = db2advis::subsumed(vec![credited("0,1", 21.0, 2.0), credited("0", 10.0, 1.0)]);
    assert_eq!(better, [credited("0,1", 31.0, 2.0)]);
    let chain = vec![credited("0,1,2", 31.0, 3.0), credited("0,1", 20.0, 2.0), credited("0", 10.0, 1.0)];
    assert_eq!(db2advis::subsumed(chain), [credited("0,1,2", 61.0, 3.0)]);
}

#[test]
fn a_narrow_index_that_is_better_stays_and_so_does_what_is_no_prefix() {
    let kept = [credited("0", 11.0, 1.0), credited("0,1", 20.0, 2.0)];
    assert_eq!(db2advis::subsumed(kept.to_vec()), kept);
    let kept = [credited("0,1,2", 31.0, 3.0), credited("0,2", 20.0, 2.0)];
    assert_eq!(db2advis::subsumed(kept.to_vec()), kept);
}

#[test]
fn every_index_of_a_plan_is_credited_with_all_of_its_gain() {
    let plan = |cost, names: &str| Plan { cost, used: set(names) };
    let mut table = Table {
        sizes: BTreeMap::from([(index("0"), 5.0), (index("1"), 1.0), (index("2"), 3.0)]),
        columns: vec![columns(&set("0|1|2")); 3],
        plans: vec![
            vec![plan(100.0, ""), plan(50.0, "0|1")],
            vec![plan(60.0, ""), plan(57.0, "2")],
            vec![plan(60.0, "")],
        ],
    };
    let gains = db2advis::credited(&mut table, 1);
    assert_eq!(gains, [credited("0", 50.0, 5.0), credited("1", 50.0, 1.0), credited("2", 3.0, 3.0)]);
}

#[test]
fn permutations_are_all_orders_of_all_widths() {
    let three = columns(&set("0|1|2"));
    assert_eq!(permutations(&three, 2).len(), 9);
    assert_eq!(permutations(&three, 3).len(), 15);
}
