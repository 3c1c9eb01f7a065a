//! Part `tpch`: the sets that pgadvise and published algorithms choose within a budget, priced by one referee. `serve`
//! keeps its server for others, `real` builds the sets.

mod published;
pub mod real;
mod source;
mod table;
mod tools;

use super::Request;
use super::say;
use super::server::{Server, connect};
use super::whatif::Whatif;
use tools::{Choice, Tool};

/// The workload and the server that it is measured on.
pub struct Axis {
    pub server: Server,
    pub queries: Vec<(usize, String)>,
    /// What the queries cost without indexes.
    pub cost_without: f64,
    /// The queries as files, and room for reports.
    pub folder: tempfile::TempDir,
}

/// Runs every tool at every budget and prints a row for each.
pub fn run(request: &Request) {
    let mut axis = axis(request);
    let budgets = published::BEST_KNOWN.iter().map(|(mb, _)| *mb);
    let budgets: Vec<u64> = if request.budgets_mb.is_empty() { budgets.collect() } else { request.budgets_mb.clone() };
    let mut rows = Vec::new();
    for _ in 0..request.n_samples.max(1) {
        if request.n_samples > 0 {
            axis.analyze_again();
        }
        table::print_head(&axis);
        for budget_mb in &budgets {
            for tool in Tool::ALL.iter().filter(|tool| request.runs(tool.name())) {
                let choice = tool.run(&axis, *budget_mb);
                rows.push(table::print_row(&axis, *budget_mb, *tool, &choice));
                if request.is_verbose {
                    print_choice(&choice);
                }
            }
        }
    }
    if request.n_samples > 0 {
        table::print_spread(&rows);
    }
    if let Some(cluster) = axis.server.cluster {
        cluster.stop().expect("the server stops");
    }
}

/// Keeps the server running until this process is ended.
pub fn serve(request: &Request) {
    let axis = axis(request);
    say(&axis.server.url);
    say(&format!("postmaster {}", axis.server.cluster.as_ref().and_then(|cluster| cluster.process_id()).unwrap_or(0)));
    loop {
        std::thread::sleep(std::time::Duration::from_secs(3600));
    }
}

fn axis(request: &Request) -> Axis {
    let server = source::server(request);
    let queries = source::queries(&request.data);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workload = folder.path().join("workload");
    std::fs::create_dir(&workload).expect("a folder for the workload");
    for (number, text) in &queries {
        std::fs::write(workload.join(format!("q{number:02}.sql")), format!("{text};\n")).expect("a query is written");
    }
    let mut axis = Axis { server, queries, cost_without: 0.0, folder };
    axis.cost_without = axis.whatif().judge(&[]).0;
    axis
}

impl Axis {
    /// Lets ANALYZE draw another sample: costs depend on it by more than tools differ.
    fn analyze_again(&mut self) {
        connect(&self.server.url).execute("ANALYZE").expect("new statistics");
        self.cost_without = self.whatif().judge(&[]).0;
    }

    /// Prices of the queries, in a session of its own, with an empty cache.
    pub fn whatif(&self) -> Whatif {
        Whatif::new(connect(&self.server.url), self.queries.iter().map(|(_, text)| text.clone()).collect())
    }
}

fn print_choice(choice: &Choice) {
    for create in &choice.creates {
        say(&format!("    {create}"));
    }
    for (reason, indexes) in &choice.declined {
        say(&format!("    declined {}: {reason}: {}", indexes.len(), indexes.join("; ")));
    }
}
