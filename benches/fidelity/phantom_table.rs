//! The table of phantom indexes beside indexes really built. Measures nothing itself.

use std::collections::BTreeSet;

use pgadvise::server::{Cluster, Search};

use super::phantoms::{Answer, Measured, error, measure};
use super::world::{self, World};
use super::{Request, say};

/// Measures all candidates on each version and prints the shares; the misses by name.
pub fn run(request: &Request) {
    say("phantom indexes against indexes really built (those that the planner then uses)");
    for major in &request.majors {
        let cluster = Cluster::start(&binaries(*major), &world::options()).expect("a private server");
        let mut measured = Vec::new();
        for name in &request.worlds {
            measured.extend(measure(&World::load(&cluster, name, request.scale)));
        }
        print_table(*major, &measured);
        print_misses(&measured);
        cluster.stop().expect("the server stops");
    }
}

/// An installation of this version, one with HypoPG where there is one.
fn binaries(major: u32) -> pgadvise::server::Binaries {
    let search = Search::from_environment(None).expect("the folders to search");
    let all = search.all().into_iter().filter(|binaries| binaries.version().major() == major);
    let best = all.max_by_key(|binaries| binaries.has_extension("hypopg"));
    best.unwrap_or_else(|| panic!("PostgreSQL {major}: run ./scripts/test once, which installs it"))
}

fn print_table(major: u32, measured: &[Measured]) {
    let used: Vec<&Measured> = measured.iter().filter(|one| one.built.is_used()).collect();
    say(&format!("PostgreSQL {major}: {} candidates, {} of them used when built", measured.len(), used.len()));
    say(
        "backend                 access method  candidates  same plan  same indexes  exact  within 1 %  within 5 %  within 20 %",
    );
    let mut methods: BTreeSet<&str> = used.iter().map(|one| one.built.definition.access_method.as_str()).collect();
    methods.insert("all");
    type Pick = fn(&Measured) -> Option<&Answer>;
    let backends: [(&str, Pick); 3] = [
        ("phantom, true size", |one| Some(&one.true_size)),
        ("phantom, modelled size", |one| Some(&one.modelled)),
        ("HypoPG, corrected", |one| one.hypopg.as_ref()),
    ];
    for (backend, pick) in backends {
        for method in &methods {
            let of_method =
                |one: &&&Measured| *method == "all" || one.built.definition.access_method.as_str() == *method;
            let answers: Vec<(&Answer, f64)> = used
                .iter()
                .filter(of_method)
                .filter_map(|one| pick(one).map(|answer| (answer, error(answer, &one.built))))
                .collect();
            print_row(backend, method, &answers);
        }
    }
}

fn print_row(backend: &str, method: &str, answers: &[(&Answer, f64)]) {
    if answers.is_empty() {
        return;
    }
    let share = |holds: &dyn Fn(&(&Answer, f64)) -> bool| {
        100.0 * answers.iter().filter(|one| holds(one)).count() as f64 / answers.len() as f64
    };
    let plans = match answers.iter().any(|(answer, _)| answer.is_same_plan.is_some()) {
        true => format!("{:>7.0} %", share(&|(answer, _)| answer.is_same_plan == Some(true))),
        false => format!("{:>9}", "-"),
    };
    let indexes = share(&|(answer, _)| answer.is_same_indexes);
    let within: Vec<String> = [0.0001, 0.01, 0.05, 0.2]
        .iter()
        .map(|limit| format!("{:>5.0} %", share(&|(_, error)| error <= limit)))
        .collect();
    say(&format!(
        "{backend:<22}  {method:<13}  {:>10}  {plans}  {indexes:>10.0} %  {}     {}     {}      {}",
        answers.len(),
        within[0],
        within[1],
        within[2],
        within[3]
    ));
}

/// Every candidate that some phantom prices more than 5 % off, or with another plan.
fn print_misses(measured: &[Measured]) {
    for one in measured {
        let built = &one.built;
        let is_miss = |answer: &Answer| error(answer, built) > 0.05 || answer.is_same_plan == Some(false);
        if !built.is_used() {
            say(&format!("  not used when built: {}: {}", one.world, built.title));
        } else if is_miss(&one.true_size) || is_miss(&one.modelled) {
            let cost = |answer: &Answer| match &answer.cost {
                Ok(cost) => format!("{cost:.2} ({:+.1} %)", 100.0 * (cost / built.after.root.total_cost - 1.0)),
                Err(why) => why.clone(),
            };
            let hypopg = one.hypopg.as_ref().map(|answer| format!(", HypoPG {}", cost(answer))).unwrap_or_default();
            say(&format!(
                "  {}: {}\n      built {:.2}, true size {}, modelled {}{hypopg}; same plan {:?} {:?}; pages {}",
                one.world,
                built.title,
                built.after.root.total_cost,
                cost(&one.true_size),
                cost(&one.modelled),
                one.true_size.is_same_plan,
                one.modelled.is_same_plan,
                built.parts.values().map(|(size, _)| size.n_pages).sum::<u64>(),
            ));
        }
    }
}
