//! How good the chosen set of indexes is, measured: against published algorithms, on over-indexed schemas, on writes.
//! Prints tables; asserts only what makes a figure void, for machines are shared and noisy.
//!
//!     cargo bench --profile dev --bench selection -- PART... [--data DIR] [--url URL] [--only NAME,..] [--budget MB,..]
//!         [--samples N] [--verbose]
//!
//! The parts are `tpch`, `real` (the sets of `tpch` really built), `over-indexed`, `writes`, and `serve` (the server of
//! `tpch`, until it is interrupted).

mod algorithms;
mod over_indexed;
mod program;
mod server;
mod tpch;
mod whatif;
mod writes;

use std::path::PathBuf;

/// What is to be measured.
pub struct Request {
    parts: Vec<String>,
    /// Where generated data and the loaded cluster are kept from run to run.
    pub data: PathBuf,
    /// A server that holds the data already.
    pub url: Option<String>,
    /// The tools to run, or the applications of `writes`; all when empty.
    pub only: Vec<String>,
    /// The budgets in MB of 10^6 bytes; all of the part's when empty.
    pub budgets_mb: Vec<u64>,
    /// How many samples of ANALYZE part `tpch` is run on; 0: on the statistics that there are.
    pub n_samples: usize,
    /// Whether to print the chosen sets and what was declined.
    pub is_verbose: bool,
}

impl Request {
    /// Whether this tool or application is to be run.
    pub fn runs(&self, tool: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == tool)
    }
}

fn main() {
    let request = request(std::env::args().skip(1));
    for part in &request.parts {
        match part.as_str() {
            "tpch" => tpch::run(&request),
            "over-indexed" => over_indexed::run(),
            "writes" => writes::run(&request),
            "real" => tpch::real::run(&request),
            "serve" => tpch::serve(&request),
            other => panic!("there is no part {other}: tpch, real, serve, over-indexed, writes"),
        }
    }
}

fn request(mut arguments: impl Iterator<Item = String>) -> Request {
    let mut request = Request {
        parts: Vec::new(),
        data: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("selection"),
        url: None,
        only: Vec::new(),
        budgets_mb: Vec::new(),
        n_samples: 0,
        is_verbose: false,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {} // cargo's own
            "--data" => request.data = PathBuf::from(value()),
            "--url" => request.url = Some(value()),
            "--only" => request.only = value().split(',').map(str::to_owned).collect(),
            "--budget" => request.budgets_mb = value().split(',').map(|mb| mb.parse().expect("MB")).collect(),
            "--samples" => request.n_samples = value().parse().expect("a number of samples"),
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

/// The middle of some values.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
