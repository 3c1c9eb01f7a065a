//! Phantom indexes against the same indexes really built, of true size and of modelled size, and HypoPG beside them.
//! Builds no index itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use pgadvise::db::{Session, Target, WritableSession};
use pgadvise::pg::{Bytes, QueryId};
use pgadvise::plan::Plan;
use pgadvise::snapshot::{Catalog, Snapshot};
use pgadvise::sql;
use pgadvise::whatif::shadow::{PartSizes, Shadow};
use pgadvise::whatif::{Ask, CandidateId, Hypopg, Hypothetical, Planner};
use pgadvise::workload::{ExplainForm, Origin, Planned, PlannedBy, Statement, Weigh, Workload};

use super::candidates::{self, Built};
use super::compare::{apart, explain, outline};
use super::shadowed;
use super::world::{self, World};

/// What one backend answers: the cost, and the plan where the backend shows it; or why it does not.
pub struct Answer {
    pub cost: Result<f64, String>,
    /// Whether the tree is the one of the index really built; `None` where the backend shows no plan.
    pub is_same_plan: Option<bool>,
    /// Whether the plan uses the same indexes.
    pub is_same_indexes: bool,
}

/// A candidate with all answers.
pub struct Measured {
    pub world: &'static str,
    pub built: Built,
    pub true_size: Answer,
    pub modelled: Answer,
    pub hypopg: Option<Answer>,
}

/// Builds the candidates of `world`, drops them, and asks every backend about them.
pub fn measure(world: &World<'_>) -> Vec<Measured> {
    let built = candidates::build(world);
    let workload = workload(world.snapshot(world::READER), &built);
    let wanted: Vec<Hypothetical> = built.iter().map(|candidate| wanted(&workload.snapshot, candidate)).collect();
    let true_sizes = built.iter().map(|candidate| candidate.parts.clone()).collect();
    let true_size = of_shadow(world, &workload, &wanted, &built, Some(true_sizes));
    let modelled = of_shadow(world, &workload, &wanted, &built, None);
    let hypopg = if world.cluster.binaries().has_extension("hypopg") {
        of_hypopg(world, &workload, &wanted, &built).into_iter().map(Some).collect()
    } else {
        Vec::from_iter(built.iter().map(|_| None))
    };
    let answers = true_size.into_iter().zip(modelled).zip(hypopg);
    let measured = built.into_iter().zip(answers).map(|(built, ((true_size, modelled), hypopg))| Measured {
        world: world.name,
        built,
        true_size,
        modelled,
        hypopg,
    });
    measured.collect()
}

fn of_shadow(
    world: &World<'_>,
    workload: &Workload,
    wanted: &[Hypothetical],
    built: &[Built],
    sizes: Option<Vec<PartSizes>>,
) -> Vec<Answer> {
    let binaries = world.cluster.binaries();
    let shadow = Shadow::start(&workload.snapshot, binaries, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
    let planner = shadow.planner(workload).expect("a planner");
    let mut planner = match sizes {
        Some(sizes) => planner.with_sizes(sizes),
        None => planner,
    };
    let refusals = planner.declare(wanted).expect("the shadow");
    let prices = planner.price(&asks(wanted.len())).expect("the shadow");
    let mut session = shadowed::superuser(&shadow);
    let answer = |(number, (candidate, price)): (usize, (&Built, Result<pgadvise::whatif::Price, String>))| {
        let refused = refusals[number].as_ref().err().cloned();
        let shown = plan_with_phantom(&mut session, number, candidate);
        let is_same_plan =
            shown.map(|(plan, names)| outline(&plan, &names) == outline(&candidate.after, &candidate.names));
        Answer {
            is_same_indexes: price
                .as_ref()
                .is_ok_and(|price| uses_the_same(price, number, candidate, &workload.snapshot)),
            cost: refused.map_or_else(|| price.map(|price| price.total_cost), Err),
            is_same_plan: Some(is_same_plan.unwrap_or(false)),
        }
    };
    built.iter().zip(prices).enumerate().map(answer).collect()
}

fn of_hypopg(world: &World<'_>, workload: &Workload, wanted: &[Hypothetical], built: &[Built]) -> Vec<Answer> {
    world::connect(&world.cluster.url(world.name))
        .execute("CREATE EXTENSION IF NOT EXISTS hypopg SCHEMA public")
        .expect("HypoPG");
    let target = Target::resolve(Some(&world.cluster.url(world.name))).expect("a target");
    let mut session = Session::connect(&target).expect("a session");
    let mut planner = Hypopg::start(&mut session, workload).unwrap_or_else(|error| panic!("{error}"));
    let refusals = planner.declare(wanted).expect("HypoPG");
    let prices = planner.price(&asks(wanted.len())).expect("HypoPG");
    let answer = |(number, (candidate, price)): (usize, (&Built, Result<pgadvise::whatif::Price, String>))| {
        let refused = refusals[number].as_ref().err().cloned();
        Answer {
            is_same_indexes: refused.is_none()
                && price.as_ref().is_ok_and(|price| uses_the_same(price, number, candidate, &workload.snapshot)),
            cost: refused.map_or_else(|| price.map(|price| price.total_cost), Err),
            is_same_plan: None,
        }
    };
    built.iter().zip(prices).enumerate().map(answer).collect()
}

/// One question for each candidate: its statement, with it alone.
fn asks(n: usize) -> Vec<Ask> {
    let ask = |statement| Ask {
        statement,
        visible: BTreeSet::from([CandidateId(statement as u32)]),
        hidden: BTreeSet::new(),
    };
    (0..n).map(ask).collect()
}

/// Whether the price rests on the candidate and the existing indexes that the real plan uses.
fn uses_the_same(price: &pgadvise::whatif::Price, number: usize, built: &Built, snapshot: &Snapshot) -> bool {
    let catalog = Catalog::new(snapshot);
    let existing: BTreeSet<_> = built
        .after
        .indexes_used()
        .into_iter()
        .filter_map(|(schema, name)| Some(catalog.index_named(schema.as_ref()?, &name)?.1.oid))
        .collect();
    price.used.contains(&CandidateId(number as u32)) == built.is_used() && price.used_existing == existing
}

/// The plan with phantom `number` alone, and what its parts are called there; `None` where it was refused.
fn plan_with_phantom(session: &mut WritableSession, number: usize, built: &Built) -> Option<(Plan, BTreeSet<String>)> {
    let parts = format!(
        "SELECT part.oid FROM pg_class AS root \
         CROSS JOIN LATERAL (SELECT root.oid UNION SELECT relid FROM pg_partition_tree(root.oid)) AS part (oid) \
         WHERE root.relname = 'pgadvise_phantom_0_{number}'"
    );
    let rows =
        session.query(&format!("SELECT relname::text FROM pg_class WHERE oid IN ({parts})"), &[]).expect("names");
    let names: BTreeSet<String> = rows.iter().map(|row| row.text("relname").expect("a name")).collect();
    if names.is_empty() {
        return None;
    }
    session.execute(&format!("UPDATE pg_index SET indisvalid = true WHERE indexrelid IN ({parts})")).expect("shown");
    let plan = explain(session, &built.question);
    session.execute(&format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ({parts})")).expect("hidden");
    Some((plan.ok()?, names))
}

fn wanted(snapshot: &Snapshot, built: &Built) -> Hypothetical {
    let catalog = Catalog::new(snapshot);
    let relation = catalog.find(Some(&built.relation.schema), &built.relation.name).expect("the relation");
    Hypothetical { relation: relation.oid, definition: built.definition.clone(), estimated_bytes: Bytes::default() }
}

fn workload(snapshot: Snapshot, built: &[Built]) -> Workload {
    let catalog = Catalog::new(&snapshot);
    let statements = built.iter().map(|candidate| Statement {
        queryid: QueryId(1),
        queryids: vec![QueryId(1)],
        text: candidate.question.text.clone(),
        origin: Origin::PgStatStatements,
        has_other_texts: false,
        is_top_level: true,
        n_calls: 1.0,
        n_rows: None,
        exec_ms_total: None,
        exec_ms_mean: None,
        exec_ms_stddev: None,
        n_shared_blocks: None,
        shape: sql::shape(&candidate.question.text, &catalog).ok(),
        planned: Some(Planned {
            text: candidate.question.text.clone(),
            form: ExplainForm::Plain,
            by: PlannedBy::Constants,
            is_rewritten_to_select: false,
            variants: Vec::new(),
            plan: candidate.before.clone(),
        }),
    });
    let statements = statements.collect();
    Workload { statements, snapshot: Arc::new(snapshot), weigh: Weigh::Cost, gaps: Vec::new() }
}

/// How far the answer is from the index really built; infinite where there is none.
pub fn error(answer: &Answer, built: &Built) -> f64 {
    answer.cost.as_ref().map_or(f64::INFINITY, |cost| apart(built.after.root.total_cost, *cost))
}
