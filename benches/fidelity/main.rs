//! How faithful the shadow is: tables of plans, phantom indexes, start-up and what production sees. Prints; asserts
//! nothing, for machines are shared and noisy (tests/it/whatif_shadow.rs asserts on smaller data).
//!
//!     cargo bench --bench fidelity -- PART... [--pg 15,18] [--scale 0.1] [--world shop,ledger] [--verbose]
//!
//! The parts are `plans`, `variants`, `phantoms`, `sizes`, `startup` and `production`.

mod candidates;
mod compare;
mod corpus;
mod phantom_table;
mod phantoms;
mod plans;
mod production;
mod shadowed;
mod sizes;
mod startup;
#[path = "../../tests/it/support/statement_log.rs"]
#[allow(dead_code)] // the tests ask for more
mod statement_log;
mod variants;
mod world;

/// The versions that pgadvise supports.
const SUPPORTED: [u32; 6] = [13, 14, 15, 16, 17, 18];
/// A tenth of the full scale loads in seconds, and its plans are no less varied.
const SCALE: f64 = 0.1;

/// What is to be measured.
pub struct Request {
    parts: Vec<String>,
    majors: Vec<u32>,
    worlds: Vec<&'static str>,
    scale: f64,
    is_verbose: bool,
}

fn main() {
    let request = request(std::env::args().skip(1));
    for part in &request.parts {
        match part.as_str() {
            "plans" => plans::run(&request),
            "phantoms" => phantom_table::run(&request),
            "sizes" => sizes::print(&request.majors, request.is_verbose),
            "startup" => startup::run(&request),
            "production" => production::run(&request),
            "variants" => variants::run(&request),
            other => panic!("there is no part {other}: plans, variants, phantoms, sizes, startup, production"),
        }
    }
}

fn request(mut arguments: impl Iterator<Item = String>) -> Request {
    let mut request = Request {
        parts: Vec::new(),
        majors: SUPPORTED.to_vec(),
        worlds: world::NAMES.to_vec(),
        scale: SCALE,
        is_verbose: false,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {} // cargo's own
            "--pg" => request.majors = value().split(',').map(|major| major.parse().expect("a version")).collect(),
            "--scale" => request.scale = value().parse().expect("a scale"),
            "--world" => {
                let wanted = value();
                request.worlds.retain(|name| wanted.split(',').any(|one| one == *name));
            }
            "--verbose" => request.is_verbose = true,
            _ => request.parts.push(argument),
        }
    }
    request
}

/// Prints a line.
#[allow(clippy::print_stdout, reason = "the tables are what this program is for")]
pub fn say(line: &str) {
    println!("{line}");
}
