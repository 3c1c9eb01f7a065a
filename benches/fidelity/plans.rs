//! Source against shadow: the plans and costs of all statements of fixtures/fidelity, on each version. Prices no index.

use pgadvise::server::{Cluster, Search};

use super::compare::{Agreement, Pair};
use super::shadowed;
use super::world::{self, READER, World};
use super::{Request, say};

/// Plans every statement on both sides and prints how far they agree, for each version and world.
pub fn run(request: &Request) {
    say("same plan and same cost, source against shadow, collected with the recommended rights");
    say("version  world      statements  same plan   exact cost   within 1 %   within 5 %");
    for major in &request.majors {
        let search = Search::from_environment(None).expect("the folders to search");
        let binaries = search.find(Some(*major)).unwrap_or_else(|error| panic!("{error}"));
        let cluster = Cluster::start(&binaries, &world::options()).expect("a private server");
        let mut all = Vec::new();
        for name in &request.worlds {
            let world = World::load(&cluster, name, request.scale);
            let (gaps, pairs) = shadowed::pairs(&world, &world.snapshot(READER));
            for gap in gaps {
                say(&format!("  gap: {} {}: {}", gap.what, gap.id, gap.reason));
            }
            print_row(*major, name, &pairs);
            all.extend(pairs);
        }
        print_row(*major, "all", &all);
        print_differences(request, &all);
        cluster.stop().expect("the server stops");
    }
}

fn print_row(major: u32, name: &str, pairs: &[Pair]) {
    say(&format!("{major:>7}  {name:<9}  {}", row(&Agreement::of(pairs))));
}

fn print_differences(request: &Request, pairs: &[Pair]) {
    for pair in pairs {
        if let Some(difference) = pair.difference() {
            let verdict = if pair.is_same_plan() { "other cost" } else { "other plan" };
            say(&format!("  {verdict}, {:+.2} %: {}", 100.0 * pair.apart(), pair.title));
            if request.is_verbose {
                say(&difference);
            }
        }
    }
}

/// The columns of a table: statements, same plan, exact cost, within 1 %, within 5 %.
pub fn row(agreement: &Agreement) -> String {
    let parts = [agreement.n_same_plan, agreement.n_exact, agreement.n_within_1, agreement.n_within_5];
    let [same_plan, exact, within_1, within_5] = parts.map(|part| agreement.share(part));
    format!("{:>10}  {same_plan:>7.1} %  {exact:>9.1} %  {within_1:>9.1} %  {within_5:>9.1} %", agreement.n)
}
