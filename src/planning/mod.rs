//! Statement text → a text that the planner accepts, and its plan. Asks the server with EXPLAIN, never with ANALYZE;
//! executes nothing. Values that stand for parameters go into `Planned::text` and nowhere else.

mod call_argument;
mod cascade;
mod cast;
mod default_value;
mod document;
mod phrase;
mod pick;
mod reason;
mod recorded;
mod repeated_key;
mod server;
mod substitute;
mod to_select;
#[cfg(test)]
mod to_select_tests;
mod typed;
mod values;
mod variants;

pub use recorded::{plan_from_snapshot, record, recorded_cost};

use std::sync::Arc;

use crate::db::Session;
use crate::error::Result;
use crate::plan::{self, Plan};
use crate::snapshot::{self, Catalog, Gap};
use crate::workload::{Planned, Statement, Workload};
use cascade::Outcome;
use pick::Picker;
use server::Server;

/// Plans every statement of `workload` on the server as it is, each in a short transaction of its own, and fills in
/// [`Statement::planned`]. A statement whose text is beyond the parser gets its shape from its plan. What cannot be
/// planned becomes a gap with the server's own reason, values left out. In the end the statements are in the order of
/// what they weigh.
///
/// `progress` is told after each statement how many are done.
///
/// # Errors
/// Only when the session is lost or the run is interrupted.
pub fn plan_statements(session: &mut Session, workload: &mut Workload, progress: &mut dyn FnMut(usize)) -> Result<()> {
    let snapshot = Arc::clone(&workload.snapshot);
    let picker = Picker::new(&snapshot);
    let mut server = Server::new(session, &snapshot.server);
    let exec_ms_total = workload.exec_ms_total();
    for (position, statement) in workload.statements.iter_mut().enumerate() {
        let outcome = cascade::plan_statement(&mut server, statement, &picker)?;
        workload.gaps.extend(settle(statement, outcome, picker.catalog(), exec_ms_total));
        progress(position + 1);
    }
    workload.sort();
    Ok(())
}

/// Plans again what was planned before, on the server as it is now. The inner error is the server's reason, without
/// values.
///
/// # Errors
/// Only when the session is lost or the run is interrupted.
pub fn replan(
    session: &mut Session,
    server: &snapshot::Server,
    planned: &Planned,
) -> Result<std::result::Result<Plan, String>> {
    let mut server = Server::new(session, server);
    let plan = server.plan(&planned.text, planned.form)?;
    Ok(plan.map_err(|refusal| reason::of(&refusal, &server)))
}

/// Notes what came of `statement`; a gap if something of it stays unknown.
fn settle(statement: &mut Statement, outcome: Outcome, catalog: &Catalog<'_>, exec_ms_total: f64) -> Option<Gap> {
    let refused = match outcome {
        Outcome::Planned(planned) => {
            if statement.shape.is_none() {
                statement.shape = plan::shape(&planned.plan, catalog);
            }
            statement.planned = Some(*planned);
            return None;
        }
        Outcome::NothingToPlan => return None,
        Outcome::Refused(refused) => refused,
    };
    // The server knows better what exists: a text that was cut off can parse, and name columns that do exist.
    if refused.contradicts_shape {
        statement.shape = None;
    }
    let what = if statement.shape.is_some() {
        "could not be planned, only its text is known"
    } else {
        "could be neither parsed nor planned"
    };
    let reason = format!("{what}: {}{}", refused.reason, reason::share(statement, exec_ms_total));
    Some(Gap::new("statement", statement.place(), reason))
}
