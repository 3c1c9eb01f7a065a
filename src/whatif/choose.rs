//! Which backend answers what-if questions: the one that was asked for, else HypoPG where the server has it, else the
//! database that was named for building candidates. Prices nothing.

use super::estimate::Estimate;
use super::hypopg::Hypopg;
use super::sandbox::Sandbox;
use super::{Backend, Cached, Planner};
use crate::db::{Session, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::Server;
use crate::workload::Workload;

/// `--what-if`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// HypoPG, else the sandbox.
    #[default]
    Auto,
    /// This one or none.
    Only(Backend),
}

/// The backend, behind its cache, for `workload`, which was read from the server of `session`; `sandbox` is the database that `--sandbox`
/// names.
///
/// # Errors
/// No backend is to be had; the HINT says the command that changes that. A lost connection, or an interruption.
pub fn choose<'w>(
    choice: Choice,
    session: Option<&'w mut Session>,
    sandbox: Option<&Target>,
    workload: &'w Workload,
) -> Result<Box<dyn Planner + 'w>> {
    match choice {
        Choice::Only(Backend::Hypopg) => Ok(cached(hypopg(session, workload)?, workload)),
        Choice::Only(Backend::Sandbox) => match sandbox {
            Some(target) => Ok(cached(Sandbox::connect(target, session, workload)?, workload)),
            None => Err(no_sandbox()),
        },
        Choice::Only(Backend::Estimate) => Ok(cached(Estimate::new(workload), workload)),
        Choice::Auto => automatic(session, sandbox, workload),
    }
}

fn automatic<'w>(
    session: Option<&'w mut Session>,
    sandbox: Option<&Target>,
    workload: &'w Workload,
) -> Result<Box<dyn Planner + 'w>> {
    let has_hypopg = workload.snapshot.server.extension("hypopg").is_some() && session.is_some();
    match sandbox {
        Some(target) if !has_hypopg => Ok(cached(Sandbox::connect(target, session, workload)?, workload)),
        _ => Ok(cached(hypopg(session, workload)?, workload)),
    }
}

fn cached<'w>(backend: impl Planner + 'w, workload: &'w Workload) -> Box<dyn Planner + 'w> {
    Box::new(Cached::new(backend, workload))
}

fn hypopg<'w>(session: Option<&'w mut Session>, workload: &'w Workload) -> Result<Hypopg<'w>> {
    match session {
        Some(session) => Hypopg::start(session, workload),
        None => Err(Error::new(ErrorKind::Usage, "HypoPG needs the server, and this is a snapshot file")
            .with_hint("Analyse the server itself, or name a database to build candidates in with --sandbox URL.")),
    }
}

/// That `--what-if sandbox` was asked for without saying where.
pub fn no_sandbox() -> Error {
    Error::usage("no sandbox was named")
        .with_hint("Give a database of its own, with the same schema, in which indexes may be built: --sandbox URL.")
}

/// That HypoPG is not there, and how to get it.
pub(super) fn no_hypopg(server: &Server, is_available: bool) -> Error {
    let major = server.version.major();
    let get = if is_available {
        format!("In database \"{}\", run: CREATE EXTENSION hypopg;", server.database)
    } else {
        format!(
            "Install HypoPG on the server (package postgresql-{major}-hypopg on Debian and Ubuntu, hypopg_{major} from \
             PostgreSQL's yum repository), then run: CREATE EXTENSION hypopg;"
        )
    };
    Error::unsupported("extension \"hypopg\" is not created, so that indexes cannot be tried out")
        .with_hint(format!("{get} Or name a database to build candidates in with --sandbox URL."))
}
