//! One analysis from end to end: collect → understand → plan → judge → advise. The order of the steps, and nothing of what they do.

mod blind;
mod budget;
mod capture;
mod replicas;
mod request;
mod verification;

pub use budget::Budget;
pub use capture::{Capture, capture};
pub use request::{Request, Source};
pub use verification::verify;

use std::sync::Arc;

use jiff::Timestamp;

use crate::advice::{self, Advice, AdviseOptions, Phase, Progress, StatementAnswer};
use crate::collect;
use crate::db::{Session, Target, interrupt};
use crate::emit::{self, Bundle, Emission, Sql};
use crate::error::{Error, ErrorKind, Result};
use crate::pg::StatisticsDefinition;
use crate::planning;
use crate::rules::{self, Checked, Subject};
use crate::snapshot::{Catalog, Gap, Snapshot};
use crate::whatif::shadow::{Agreement, Shadow, check};
use crate::whatif::{self, Backend, Means, Prepared};
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
    /// What became of each statement, in the workload's order.
    pub answers: Vec<StatementAnswer>,
    /// What priced the advice; `None` when nothing could.
    pub backend: Option<Backend>,
    /// Why nothing could; a gap says it too.
    pub no_backend: Option<Error>,
    /// How far the shadow agrees with the server; `None` with another backend.
    pub agreement: Option<Agreement>,
    /// What is missing beyond the gaps of the workload and its snapshot.
    pub gaps: Vec<Gap>,
}

impl Analysis {
    /// The statements that the advice consists of, in order. Steps that cannot be written are left out: [`Self::bundle`]
    /// says which and why.
    pub fn ddl(&self) -> Vec<String> {
        let catalog = Catalog::new(&self.workload.snapshot);
        let statistics = self.advice.statistics.iter().filter_map(|step| emit::statistics_statements(step).ok());
        let steps = self.advice.steps.iter().filter_map(|step| emit::statements(step, &catalog).ok());
        statistics.chain(steps).flat_map(|statements| statements.ddl).map(|statement| statement.text()).collect()
    }

    /// The migrations for the advice, not yet written.
    ///
    /// # Errors
    /// Only when the manifest cannot be serialised, which is a defect.
    pub fn bundle(&self, emitted_at: Timestamp) -> Result<Bundle> {
        let emission = Emission { advice: &self.advice, workload: &self.workload, backend: self.backend, emitted_at };
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
    let prepared = unless_about_the_backend(prepare(request, sandbox.as_ref(), session.is_some(), &snapshot, say))?;
    let shadow = prepared.as_ref().ok().and_then(Prepared::shadow);

    say("reading statements");
    let mut workload = workload::build(Arc::new(snapshot), &scripts, &request.build_options());
    plan(&mut workload, shadow, session.as_mut(), say)?;
    interrupt::check()?;
    let agreement = shadow.map(|shadow| compare(shadow, &workload, session.as_mut(), say)).transpose()?;

    let mut checked = rules::check(&Subject::new(&workload, request.thresholds.clone()), &request.selection);
    let options = request.advise_options(&workload.snapshot);
    say("choosing indexes");
    let advised = match &prepared {
        Ok(prepared) => advise(prepared, session.as_mut(), &workload, &checked, &options, say),
        Err(error) => Err(error.clone()),
    };
    let (advice, backend, no_backend) = match unless_about_the_backend(advised)? {
        Ok((advice, backend)) => (advice, Some(backend), None),
        Err(error) => (advice::without_prices(&workload, &checked.findings, &options), None, Some(error)),
    };
    let mut gaps = request.unknown_names(&workload.snapshot);
    gaps.extend(prepared.iter().flat_map(|prepared| prepared.gaps.iter().cloned()));
    gaps.extend(agreement.iter().filter_map(Agreement::gap));
    gaps.extend(no_backend.iter().map(no_prices));
    gaps.extend(backend.and_then(|backend| without_variants(backend, &workload)));
    gaps.extend(advice.untold_statistics.iter().map(|untold| without_statistics(untold, backend)));
    advice::forget_misestimates(&workload, &advice, &mut checked.findings);
    let answers = advice::answer_statements(&workload, &advice, &checked.findings, backend.is_some());
    Ok(Analysis { workload, checked, advice, answers, backend, no_backend, agreement, gaps })
}

fn prepare(
    request: &Request,
    sandbox: Option<&Target>,
    is_live: bool,
    snapshot: &Snapshot,
    say: &dyn Fn(&str),
) -> Result<Prepared> {
    let means = Means { choice: request.what_if, is_live, sandbox, pg_bindir: request.pg_bindir.clone() };
    whatif::prepare(&means, snapshot, say)
}

/// Plans the statements where they are priced: in the shadow if there is one, so that the analysed server is not asked
/// for plans at all; else on that server; without it, by the plans that the snapshot carries.
fn plan(
    workload: &mut Workload,
    shadow: Option<&Shadow>,
    session: Option<&mut Session>,
    say: &dyn Fn(&str),
) -> Result<()> {
    let n_statements = workload.statements.len();
    let mut progress = |n| say(&format!("planning statements: {n} of {n_statements}"));
    match (shadow, session) {
        (Some(shadow), _) => {
            let mut session = Session::connect(&shadow.target()?)?;
            planning::plan_statements(&mut session, workload, &mut progress)?;
            blind::forget_blind_plans(workload);
            Ok(())
        }
        (None, Some(session)) => planning::plan_statements(session, workload, &mut progress),
        (None, None) => {
            planning::plan_from_snapshot(workload);
            Ok(())
        }
    }
}

/// How far the shadow's plans are the server's: asked now, or as the snapshot recorded them.
fn compare(
    shadow: &Shadow,
    workload: &Workload,
    session: Option<&mut Session>,
    say: &dyn Fn(&str),
) -> Result<Agreement> {
    say("comparing the shadow with the server");
    match session {
        Some(session) => check::compare(workload, shadow.version(), |_, planned| {
            let plan = planning::replan(session, &workload.snapshot.server, planned)?;
            Ok(plan.ok().map(|plan| plan.root.total_cost))
        }),
        None => check::compare(workload, shadow.version(), |statement, planned| {
            Ok(planning::recorded_cost(&workload.snapshot, statement, planned))
        }),
    }
}

fn advise(
    prepared: &Prepared,
    session: Option<&mut Session>,
    workload: &Workload,
    checked: &Checked,
    options: &AdviseOptions,
    say: &dyn Fn(&str),
) -> Result<(Advice, Backend)> {
    // Behind the statements, what they are with other values: whether an index helps every call.
    let with_variants = workload.with_variants();
    let mut planner = prepared.planner(session, &with_variants)?;
    let mut progress = |progress: Progress| {
        say(&in_words(progress));
        interrupt::check()
    };
    let weights = workload.weights();
    let advice = advice::advise(workload, &weights, &checked.findings, &mut *planner, options, &mut progress)?;
    Ok((advice, planner.backend()))
}

/// What is being done, and how far it is.
fn in_words(progress: Progress) -> String {
    let Progress { phase, n_calls, n_calls_max, n_candidates } = progress;
    let what = match phase {
        Phase::Pricing => "pricing the workload",
        Phase::Choosing => "choosing indexes",
        Phase::Refining => "refining the choice",
        Phase::Proving => "proving that nothing misses what is dropped",
    };
    match n_calls_max.filter(|_| phase == Phase::Choosing) {
        Some(most) => format!("{what}: {n_calls} of {most} plans at most, {n_candidates} candidates"),
        None => format!("{what}: {n_calls} plans, {n_candidates} candidates"),
    }
}

/// The snapshot, and the server that it comes from where that is there.
fn read(request: &Request, say: &dyn Fn(&str)) -> Result<(Option<Session>, Snapshot)> {
    match &request.source {
        Source::Server(target) => {
            say("connecting");
            let mut session = Session::connect(target)?;
            let options = request.collect_options(target);
            let mut snapshot = collect::collect(&mut session, &options, say)?;
            replicas::add(&mut snapshot, &request.replicas, &options, say)?;
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

/// The inner error is one that the run can go on with, without prices: the backend is not to be had, but what is to be
/// analysed is there.
fn unless_about_the_backend<T>(outcome: Result<T>) -> Result<Result<T>> {
    match outcome {
        Err(error) if !matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Usage) => Err(error),
        outcome => Ok(outcome),
    }
}

/// That the backend prices every statement by one set of values, where it has several.
fn without_variants(backend: Backend, workload: &Workload) -> Option<Gap> {
    let has_variants = workload
        .statements
        .iter()
        .any(|statement| statement.planned.as_ref().is_some_and(|planned| !planned.variants.is_empty()));
    (has_variants && !advice::can_price_variants(backend)).then(|| {
        let reason = "the estimate prices each statement by the plan of typical values: whether an index helps common and \
                      rare ones is not known; --what-if shadow tells";
        Gap::new("what_if", "parameters", reason)
    })
}

/// That nobody knows what a statistics object would do to plans.
fn without_statistics((definition, reason): &(StatisticsDefinition, String), backend: Option<Backend>) -> Gap {
    let columns = definition.columns.join(", ");
    let hint = if backend == Some(Backend::Shadow) { "" } else { "; --what-if shadow tells" };
    let reason = format!(
        "whether CREATE STATISTICS on ({columns}) gives better plans is not known, and indexes are chosen for the rows that the \
         planner expects: {reason}{hint}"
    );
    Gap::new("statistics", definition.relation.to_string(), reason)
}

fn no_prices(error: &Error) -> Gap {
    let hint = error.hint().map(|hint| format!(" {hint}")).unwrap_or_default();
    Gap::new("what_if", "hypothetical indexes", format!("no index is proposed: {}.{hint}", error.message()))
}
