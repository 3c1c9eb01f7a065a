//! Taking a snapshot from end to end: collect, plan the statements, keep the plans. Writes no file.

use std::sync::Arc;

use super::{Source, replicas};
use crate::collect::{self, CollectOptions};
use crate::db::{Session, Target, interrupt};
use crate::error::Result;
use crate::planning;
use crate::snapshot::Snapshot;
use crate::workload::{self, BuildOptions};

/// The input of [`capture`].
#[derive(Debug)]
pub struct Capture {
    /// What to read; a snapshot file is taken as it is.
    pub source: Source,
    /// Other nodes of the server's replication, whose counters are read as well.
    pub replicas: Vec<Target>,
    /// Whether the statements are planned, and the plans kept.
    pub with_plans: bool,
}

/// A snapshot of the source. `say` is told what is being done.
///
/// # Errors
/// When the server cannot be reached or is lost, when the file cannot be read, when the run is interrupted. What could
/// merely not be looked at is a gap.
pub fn capture(request: &Capture, say: &dyn Fn(&str)) -> Result<Snapshot> {
    let target = match &request.source {
        Source::Snapshot(path) => {
            say("reading the snapshot");
            let mut snapshot = Snapshot::read_file(path)?;
            if !request.with_plans {
                snapshot.plans.clear();
            }
            return Ok(snapshot);
        }
        Source::Server(target) => target,
    };
    say("connecting");
    let mut session = Session::connect(target)?;
    let options =
        CollectOptions { application_schema: target.schema().map(str::to_owned), ..CollectOptions::default() };
    let mut snapshot = collect::collect(&mut session, &options, say)?;
    replicas::add(&mut snapshot, &request.replicas, &options, say)?;
    interrupt::check()?;
    if !request.with_plans {
        return Ok(snapshot);
    }
    say("reading statements");
    let workload = workload::build(Arc::new(snapshot), &[], &BuildOptions::default());
    let n_statements = workload.statements.len();
    let plans = planning::record(&mut session, &workload, &mut |n| {
        say(&format!("planning statements: {n} of {n_statements}"))
    })?;
    interrupt::check()?;
    Ok(Snapshot { plans, ..Arc::unwrap_or_clone(workload.snapshot) })
}
