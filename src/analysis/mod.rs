//! One analysis from end to end: collect → understand → plan → judge → advise. The order of the steps, and nothing of what they do.

mod budget;
mod capture;
mod request;
mod verification;

pub use budget::Budget;
pub use capture::{Capture, capture};
pub use request::{Request, Source};
pub use verification::verify;

use std::sync::Arc;

use jiff::Timestamp;

use crate::advice::{self, Advice, Progress};
use crate::collect;
use crate::db::{Session, interrupt};
use crate::emit::{self, Bundle, Emission, Sql};
use crate::error::{Error, ErrorKind, Result};
use crate::planning;
use crate::rules::{self, Checked, Subject};
use crate::snapshot::{Catalog, Gap, Snapshot};
use crate::whatif::{self, Backend};
use crate::workload::{self, Workload};

/// What an analysis found.
#[derive(Debug)]
pub struct Analysis {
    /// The statements, with the snapshot that they ran against.
    pub workload: Workload,
    /// What hurts.
    pub checked: Checked,
    /// What to do about it.
    pub advice: Advice,
    /// What priced the advice; `None` when nothing could.
    pub backend: Option<Backend>,
    /// Why nothing could; a gap says it too.
    pub no_backend: Option<Error>,
    /// What is missing beyond the gaps of the workload and its snapshot.
    pub gaps: Vec<Gap>,
}

impl Analysis {
    /// The statements that the advice consists of, in order. Steps that cannot be written are left out: [`Self::bundle`]
    /// says which and why.
    pub fn ddl(&self) -> Vec<String> {
        let catalog = Catalog::new(&self.workload.snapshot);
        let steps = self.advice.steps.iter().filter_map(|step| emit::statements(step, &catalog).ok());
        steps.flat_map(|statements| statements.ddl).map(|statement| statement.text()).collect()
    }

    /// The migrations for the advice, not yet written.
    ///
    /// # Errors
    /// Only when the manifest cannot be serialised, which is a defect.
    pub fn bundle(&self, emitted_at: Timestamp) -> Result<Bundle> {
        let emission =
            Emission { steps: &self.advice.steps, workload: &self.workload, backend: self.backend, emitted_at };
        emit::bundle(&emission, &Sql)
    }
}

/// Runs one analysis. `say` is told what is being done.
///
/// # Errors
/// When the server cannot be reached or is lost, when a file of the workload cannot be read, when the run is
/// interrupted. What could merely not be looked at is a gap.
pub fn analyze(request: &Request, say: &dyn Fn(&str)) -> Result<Analysis> {
    let scripts = workload::read_scripts(&request.workload_files)?;
    let sandbox = request.sandbox_target()?;
    let (mut session, snapshot) = read(request, say)?;
    interrupt::check()?;

    say("reading statements");
    let mut workload = workload::build(Arc::new(snapshot), &scripts, &request.build_options());
    let n_statements = workload.statements.len();
    match &mut session {
        Some(session) => planning::plan_statements(session, &mut workload, &mut |n| {
            say(&format!("planning statements: {n} of {n_statements}"))
        })?,
        None => planning::plan_from_snapshot(&mut workload),
    }
    interrupt::check()?;

    let checked = rules::check(&Subject::new(&workload, request.thresholds.clone()), &request.selection);
    let options = request.advise_options(&workload.snapshot);
    say("choosing indexes");
    let chosen = match whatif::choose(request.what_if, session.as_mut(), sandbox.as_ref(), &workload) {
        Ok(mut planner) => {
            let mut progress = |progress: Progress| {
                say(&format!("choosing indexes: {} candidates, {} plans", progress.n_candidates, progress.n_calls));
                interrupt::check()
            };
            let weights = workload.weights();
            let advice =
                advice::advise(&workload, &weights, &checked.findings, &mut *planner, &options, &mut progress)?;
            Ok((advice, planner.backend()))
        }
        Err(error) if is_about_the_backend(&error) => Err(error),
        Err(error) => return Err(error),
    };
    let (advice, backend, no_backend) = match chosen {
        Ok((advice, backend)) => (advice, Some(backend), None),
        Err(error) => (advice::without_prices(&workload, &checked.findings, &options), None, Some(error)),
    };
    let mut gaps = request.unknown_names(&workload.snapshot);
    gaps.extend(no_backend.iter().map(no_prices));
    Ok(Analysis { workload, checked, advice, backend, no_backend, gaps })
}

/// The snapshot, and the server that it comes from where that is there.
fn read(request: &Request, say: &dyn Fn(&str)) -> Result<(Option<Session>, Snapshot)> {
    match &request.source {
        Source::Server(target) => {
            say("connecting");
            let mut session = Session::connect(target)?;
            let snapshot = collect::collect(&mut session, &request.collect_options(target), say)?;
            Ok((Some(session), snapshot))
        }
        Source::Snapshot(path) => {
            say("reading the snapshot");
            let mut snapshot = Snapshot::read_file(path)?;
            if request.without_statements {
                snapshot.statements = None;
            }
            Ok((None, snapshot))
        }
    }
}

/// Whether the run can go on without prices: the backend is not to be had, but the server is there.
fn is_about_the_backend(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Usage)
}

fn no_prices(error: &Error) -> Gap {
    let hint = error.hint().map(|hint| format!(" {hint}")).unwrap_or_default();
    Gap::new("what_if", "hypothetical indexes", format!("no index is proposed: {}.{hint}", error.message()))
}
