//! Which backend answers what-if questions, made ready before any statement is planned: where it plans matters to what
//! is asked. Prices nothing.

use std::path::PathBuf;

use super::estimate::Estimate;
use super::hypopg::Hypopg;
use super::sandbox::Sandbox;
use super::shadow::Shadow;
use super::{Backend, Cached, Planner};
use crate::db::{Session, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::server::{Binaries, Search};
use crate::snapshot::{Gap, Server, Snapshot};
use crate::workload::Workload;

/// `--what-if`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// The sandbox when one is named; else a shadow of the server's major version, else HypoPG where the server has it,
    /// else a shadow of the nearest major version, else estimates.
    #[default]
    Auto,
    /// This one or none.
    Only(Backend),
    /// HypoPG or none, with its own sizes and costs, as other tools take them.
    HypopgUncorrected,
}

/// What there is to choose from.
#[derive(Debug, Clone)]
pub struct Means<'m> {
    /// What was asked for.
    pub choice: Choice,
    /// Whether there is a connection to the analysed server.
    pub is_live: bool,
    /// The database that `--sandbox` names.
    pub sandbox: Option<&'m Target>,
    /// The folder that `--pg-bindir` names.
    pub pg_bindir: Option<PathBuf>,
}

/// A backend that is ready, and what should be known about it.
pub struct Prepared {
    engine: Engine,
    /// What the backend lacks, and why a better one is not used.
    pub gaps: Vec<Gap>,
}

enum Engine {
    Shadow(Box<Shadow>),
    Hypopg { is_corrected: bool },
    Sandbox(Box<Target>),
    Estimate,
}

impl Prepared {
    /// Which backend it is.
    pub fn backend(&self) -> Backend {
        match self.engine {
            Engine::Shadow(_) => Backend::Shadow,
            Engine::Hypopg { .. } => Backend::Hypopg,
            Engine::Sandbox(_) => Backend::Sandbox,
            Engine::Estimate => Backend::Estimate,
        }
    }

    /// The shadow, when it is one: then statements are planned there and not on the analysed server.
    pub fn shadow(&self) -> Option<&Shadow> {
        match &self.engine {
            Engine::Shadow(shadow) => Some(shadow),
            _ => None,
        }
    }

    /// The backend behind its cache, for the statements of `workload`, which are planned. `session` is the connection
    /// to the analysed server, where there is one.
    ///
    /// # Errors
    /// The backend is not to be had after all (the sandbox cannot be reached, say); the HINT says what helps.
    pub fn planner<'w>(
        &self,
        session: Option<&'w mut Session>,
        workload: &'w Workload,
    ) -> Result<Box<dyn Planner + 'w>> {
        match &self.engine {
            Engine::Shadow(shadow) => Ok(cached(shadow.planner(workload)?, workload)),
            Engine::Hypopg { is_corrected } => match session {
                Some(session) if *is_corrected => Ok(cached(Hypopg::start(session, workload)?, workload)),
                Some(session) => Ok(cached(Hypopg::start(session, workload)?.uncorrected(), workload)),
                None => Err(not_live()),
            },
            Engine::Sandbox(target) => Ok(cached(Sandbox::connect(target, session, workload)?, workload)),
            Engine::Estimate => Ok(cached(Estimate::new(workload), workload)),
        }
    }
}

/// Makes the backend ready for `snapshot`. `say` is told what is being done.
///
/// # Errors
/// What was asked for is not to be had; the HINT says the command that changes that. A lost connection, or an
/// interruption. With [`Choice::Auto`] there is always a backend.
pub fn prepare(means: &Means<'_>, snapshot: &Snapshot, say: &dyn Fn(&str)) -> Result<Prepared> {
    let ready = |engine| Prepared { engine, gaps: Vec::new() };
    match means.choice {
        Choice::Only(Backend::Shadow) => only_shadow(means, snapshot, say),
        Choice::Only(Backend::Hypopg) | Choice::HypopgUncorrected if !means.is_live => Err(not_live()),
        Choice::Only(Backend::Hypopg) => Ok(ready(Engine::Hypopg { is_corrected: true })),
        Choice::HypopgUncorrected => {
            Ok(Prepared { engine: Engine::Hypopg { is_corrected: false }, gaps: vec![uncorrected()] })
        }
        Choice::Only(Backend::Sandbox) => match means.sandbox {
            Some(target) => Ok(ready(Engine::Sandbox(Box::new(target.clone())))),
            None => Err(no_sandbox()),
        },
        Choice::Only(Backend::Estimate) => Ok(ready(Engine::Estimate)),
        Choice::Auto => match means.sandbox {
            Some(target) => Ok(ready(Engine::Sandbox(Box::new(target.clone())))),
            None => automatic(means, snapshot, say),
        },
    }
}

/// The shadow of the right version, or else the nearest: it was asked for.
fn only_shadow(means: &Means<'_>, snapshot: &Snapshot, say: &dyn Fn(&str)) -> Result<Prepared> {
    let search = Search::from_environment(means.pg_bindir.clone())?;
    let major = snapshot.server.version.major();
    let same = search.find(Some(major));
    let binaries = match same {
        Ok(binaries) => binaries,
        Err(error) => nearest(&search, major).ok_or(error)?,
    };
    shadow(snapshot, &binaries, say)
}

fn automatic(means: &Means<'_>, snapshot: &Snapshot, say: &dyn Fn(&str)) -> Result<Prepared> {
    let search = Search::from_environment(means.pg_bindir.clone())?;
    let major = snapshot.server.version.major();
    let mut gaps = Vec::new();
    let attempt = |binaries: &Binaries, gaps: &mut Vec<Gap>| match shadow(snapshot, binaries, say) {
        Ok(prepared) => Ok(Some(prepared)),
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
        Err(error) => {
            gaps.push(no_shadow(&error));
            Ok(None)
        }
    };
    if let Ok(binaries) = search.find(Some(major))
        && let Some(prepared) = attempt(&binaries, &mut gaps)?
    {
        return Ok(prepared);
    }
    if means.is_live && snapshot.server.extension("hypopg").is_some() {
        return Ok(Prepared { engine: Engine::Hypopg { is_corrected: true }, gaps });
    }
    if let Some(binaries) = nearest(&search, major).filter(|binaries| binaries.version().major() != major)
        && let Some(mut prepared) = attempt(&binaries, &mut gaps)?
    {
        prepared.gaps.extend(gaps);
        return Ok(prepared);
    }
    gaps.push(only_estimates(major));
    Ok(Prepared { engine: Engine::Estimate, gaps })
}

fn shadow(snapshot: &Snapshot, binaries: &Binaries, say: &dyn Fn(&str)) -> Result<Prepared> {
    let shadow = Shadow::start(snapshot, binaries, say)?;
    let mut gaps = shadow.gaps().to_vec();
    let (wanted, found) = (snapshot.server.version.major(), binaries.version().major());
    gaps.extend((wanted != found).then(|| other_major(wanted, found)));
    Ok(Prepared { engine: Engine::Shadow(Box::new(shadow)), gaps })
}

/// The installation whose major version is nearest to `major`; the newer one of two that are equally near.
fn nearest(search: &Search, major: u32) -> Option<Binaries> {
    let all = search.all().into_iter().filter(|binaries| binaries.version() >= crate::pg::ServerVersion::OLDEST);
    all.min_by_key(|binaries| {
        let found = binaries.version().major();
        (found.abs_diff(major), found < major)
    })
}

fn cached<'w>(backend: impl Planner + 'w, workload: &'w Workload) -> Box<dyn Planner + 'w> {
    Box::new(Cached::new(backend, workload))
}

/// The share of statements that a server of another major version plans alike, measured from 15 to the others: 91 to
/// 97 % with one major in between, 85 % with three.
fn other_major(wanted: u32, found: u32) -> Gap {
    let reason = format!(
        "planned by PostgreSQL {found}, for this machine has no server programs of {wanted}: about one plan in ten is \
         another one, and costs differ. For exact plans, install PostgreSQL {wanted} or name its programs with --pg-bindir."
    );
    Gap::new("shadow", "version", reason)
}

fn uncorrected() -> Gap {
    let reason = "HypoPG's costs were taken as they are: it makes repetitive columns two to four times too large and \
                  leaves out an index's descent. For advice, leave --what-if to its default.";
    Gap::new("hypopg", "costs", reason)
}

fn no_shadow(error: &Error) -> Gap {
    let detail = error.detail().map(|detail| format!(" {detail}")).unwrap_or_default();
    let hint = error.hint().map(|hint| format!(" {hint}")).unwrap_or_default();
    Gap::new("shadow", "server", format!("no shadow server could be used: {}.{detail}{hint}", error.message()))
}

fn only_estimates(major: u32) -> Gap {
    let reason = format!(
        "no PostgreSQL planner priced the indexes: this machine has no PostgreSQL server programs, and the server no \
         HypoPG. Costs are estimated by pgadvise itself and are rough. For exact costs, install PostgreSQL {major}'s \
         server on this machine, or name the folder of its programs with --pg-bindir."
    );
    Gap::new("what_if", "estimate", reason)
}

fn not_live() -> Error {
    Error::new(ErrorKind::Usage, "hypothetical indexes of HypoPG need the server, and this is a snapshot file")
        .with_hint("Analyse the server itself, or leave --what-if out.")
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
    Error::unsupported("extension \"hypopg\" is not created, so that indexes cannot be tried out there")
        .with_hint(format!("{get} Or leave --what-if out: pgadvise then starts a private server for it."))
}
