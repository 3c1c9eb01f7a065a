//! The search against a planner whose costs are given: the cases of `fixtures/search`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::*;
use crate::pg::{IndexDefinition, KeyRoles, Oid};
use crate::whatif::{Ask, Backend, Hypothetical, Planner, Price};

#[derive(Deserialize)]
struct Case {
    name: String,
    budget: Option<f64>,
    sizes: BTreeMap<String, f64>,
    weights: Option<Vec<f64>>,
    /// Costs by the candidates that are used, `A|B`; the planner takes the cheapest of those that it can. `!a` is
    /// what the statement costs as soon as `a` exists.
    statements: Vec<BTreeMap<String, f64>>,
    /// What maintaining a candidate costs.
    #[serde(default)]
    write_costs: BTreeMap<String, f64>,
    /// 10,000 when absent.
    n_calls_max: Option<u64>,
    chosen: Vec<String>,
}

/// A planner that looks costs up.
struct Table {
    names: Vec<String>,
    statements: Vec<BTreeMap<String, f64>>,
    n_calls: u64,
}

impl Table {
    fn ids(&self, names: &str) -> Configuration {
        let place = |name: &str| self.names.iter().position(|known| known == name).map(|id| CandidateId(id as u32));
        names.split('|').filter(|name| !name.is_empty()).map(|name| place(name).expect("a known name")).collect()
    }
}

impl Planner for Table {
    fn backend(&self) -> Backend {
        Backend::Hypopg
    }

    fn declare(&mut self, candidates: &[Hypothetical]) -> Result<Vec<std::result::Result<Bytes, String>>> {
        Ok(candidates.iter().map(|candidate| Ok(candidate.estimated_bytes)).collect())
    }

    fn price(&mut self, asks: &[Ask]) -> Result<Vec<std::result::Result<Price, String>>> {
        self.n_calls += asks.len() as u64;
        let answer = |ask: &Ask| {
            let costs = &self.statements[ask.statement];
            let forced = costs.iter().find_map(|(names, cost)| {
                let ids = self.ids(names.strip_prefix('!')?);
                ids.is_subset(&ask.visible).then_some((ids, *cost))
            });
            let usable = costs.iter().filter(|(names, _)| !names.starts_with('!')).filter_map(|(names, cost)| {
                let ids = self.ids(names);
                ids.is_subset(&ask.visible).then_some((ids, *cost))
            });
            let best = usable.min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.len().cmp(&b.0.len())));
            let (used, total_cost) = forced.or(best).expect("a cost without indexes");
            Ok(Price { total_cost, used, used_existing: BTreeSet::new(), unproven: BTreeSet::new() })
        };
        Ok(asks.iter().map(answer).collect())
    }

    fn n_calls(&self) -> u64 {
        self.n_calls
    }
}

/// `a,b` is a key of two columns, `a+b` a key with an INCLUDE column, `2.a` one of another relation than `a`.
fn item(name: &str, size: f64, write_cost: f64, asked_by: &BTreeSet<usize>) -> Item {
    let (relation, columns) = name.split_once('.').unwrap_or(("1", name));
    let (keys, included) = columns.split_once('+').unwrap_or((columns, ""));
    let mut definition = IndexDefinition::btree(keys.split(','));
    definition.included_columns = included.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Item {
        candidate: Candidate {
            relation: Oid(relation.parse().expect("a number")),
            roles: KeyRoles::equality(definition.key_columns.len()),
            definition,
            asked_by: asked_by.clone(),
            statements: asked_by.clone(),
        },
        bytes: Bytes((size * 1000.0) as u64),
        write_cost,
        hot_loss: None,
        name: name.to_owned(),
        is_buildable: true,
        extends: BTreeSet::new(),
        leading: Leading::default(),
    }
}

fn run(case: &Case) -> (Vec<String>, u64) {
    let names: Vec<String> = case.sizes.keys().cloned().collect();
    let write_cost = |name: &str| case.write_costs.get(name).copied().unwrap_or_default();
    let all_statements: BTreeSet<usize> = (0..case.statements.len()).collect();
    let items: Vec<Item> =
        case.sizes.iter().map(|(name, size)| item(name, *size, write_cost(name), &all_statements)).collect();
    let mut table = Table { names, statements: case.statements.clone(), n_calls: 0 };
    let all: Configuration = (0..items.len()).map(|id| CandidateId(id as u32)).collect();
    let weighed = all_statements
        .iter()
        .map(|statement| Weighed {
            statement: *statement,
            weight: case.weights.as_ref().map_or(1.0, |weights| weights[*statement]),
            share_min: share_min(false, false),
            relevant: all.clone(),
        })
        .collect();
    let mut on_progress = |_| Ok(());
    let mut pricer = Pricer::new(&mut table, &mut on_progress, weighed);
    let limits = Limits {
        items: &items,
        budget: case.budget.map(|budget| Bytes((budget * 1000.0) as u64)),
        workload_cost: pricer.total(&Configuration::new()).unwrap(),
        n_statements: case.statements.len(),
        n_calls_max: case.n_calls_max.unwrap_or(10_000),
    };
    let seed = seed(&mut pricer, &limits).unwrap();
    let pool = if case.budget.is_some() { all.clone() } else { seed.pool.clone() };
    let choice = search(&mut pricer, &pool, &limits).unwrap();
    let chosen = choice.chosen.iter().map(|id| items[id.0 as usize].name.clone()).collect();
    (chosen, pricer.n_calls())
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../fixtures/search/cases.json")).unwrap()
}

#[test]
fn every_case_ends_in_the_expected_choice() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (chosen, _) = run(&case);
        if chosen != case.chosen {
            wrong.push(format!("{}: {chosen:?} instead of {:?}", case.name, case.chosen));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_question_twice_costs_nothing_and_gives_the_same() {
    for case in cases() {
        let (first, second) = (run(&case), run(&case));
        assert_eq!(first, second, "{}", case.name);
        let n_subsets = 1_u64 << case.sizes.len();
        assert!(first.1 <= n_subsets * case.statements.len() as u64, "{}: {} calls", case.name, first.1);
    }
}

/// Forty candidates on two relations, of which each of five statements gains something by any, and by one of each relation
/// together: three fit. Asked one by one, what each does beside a set took 465 questions; of all at once, 215.
#[test]
fn what_many_candidates_do_is_asked_of_all_of_a_relation_at_once() {
    const N_EACH: usize = 20;
    let gain = |statement: usize, relation: usize, number: usize| {
        ((number * 37 + statement * 53 + relation * 71 + number * number * statement * 13) % 101) as f64 * 4.0
    };
    let name = |relation: usize, number: usize| format!("{relation}.{number:02}");
    let statement = |statement: usize| {
        let mut costs = BTreeMap::from([(String::new(), 1000.0)]);
        for number in 0..N_EACH {
            costs.insert(name(1, number), 1000.0 - gain(statement, 1, number));
            costs.insert(name(2, number), 1000.0 - gain(statement, 2, number));
            costs.extend((0..N_EACH).map(|other| {
                let both = gain(statement, 1, number) + gain(statement, 2, other);
                (format!("{}|{}", name(1, number), name(2, other)), 1000.0 - both)
            }));
        }
        costs
    };
    let names: Vec<String> =
        (1..=2).flat_map(|relation| (0..N_EACH).map(move |number| name(relation, number))).collect();
    let case = Case {
        name: "many at once".to_owned(),
        budget: Some(3.0),
        sizes: names.iter().map(|name| (name.clone(), 1.0)).collect(),
        weights: None,
        statements: (0..5).map(statement).collect(),
        write_costs: BTreeMap::new(),
        n_calls_max: Some(600),
        chosen: Vec::new(),
    };
    let saved = |set: [usize; 3]| -> f64 {
        let best = |statement: usize, relation: usize| {
            let members = set.iter().filter(|id| **id / N_EACH + 1 == relation);
            members.map(|id| gain(statement, relation, id % N_EACH)).fold(0.0, f64::max)
        };
        (0..5).map(|statement| best(statement, 1) + best(statement, 2)).sum()
    };
    let all = || 0..names.len();
    let sets = all().flat_map(|a| all().flat_map(move |b| (0..2 * N_EACH).map(move |c| [a, b, c])));
    let most = sets.filter(|[a, b, c]| a < b && b < c).map(saved).fold(0.0, f64::max);
    let (chosen, n_calls) = run(&case);
    let ids: Vec<usize> = chosen.iter().filter_map(|name| names.iter().position(|known| known == name)).collect();
    let [a, b, c] = ids[..] else { panic!("{chosen:?}") };
    assert_eq!(saved([a, b, c]), most, "{chosen:?}");
    assert!(n_calls <= 300, "{n_calls} calls");
}

#[test]
fn an_interrupted_run_ends_with_its_error() {
    let mut table = Table { names: vec![], statements: vec![BTreeMap::from([(String::new(), 1.0)])], n_calls: 0 };
    let mut on_progress = |_| Err(crate::error::Error::internal("stop"));
    let weighed =
        Weighed { statement: 0, weight: 1.0, share_min: share_min(false, false), relevant: Configuration::new() };
    let mut pricer = Pricer::new(&mut table, &mut on_progress, vec![weighed]);
    assert_eq!(pricer.total(&Configuration::new()).unwrap_err().message(), "stop");
}
