//! Who does what in the shadow. Statements, definitions and function bodies come from the target, or from a file that
//! anybody can have written, and planning runs immutable functions: a superuser's session would let them run programs
//! on this machine. So the superuser sends texts of our own only, with names and values as parameters, and everything
//! that can run a word of the target's is sent by a role that may do nothing outside its database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::db::{Failure, Target, WritableSession};
use crate::error::{Error, Result};
use crate::pg::identifier::{quote_identifier, quote_literal};
use crate::server::{Cluster, cluster};
use crate::snapshot::Gap;

const TOGGLE: &str = include_str!("queries/toggle.sql");

/// The role that owns what is made in the shadow and plans there: no superuser, no file access, no programs.
pub const PLANNER: &str = "pgadvise_shadow_planner";

/// Where the shadow's server is reached.
#[derive(Debug, Clone)]
pub(super) struct Door {
    socket_folder: PathBuf,
    port: u16,
}

impl Door {
    /// The door of `cluster`.
    pub fn of(cluster: &Cluster) -> Self {
        Self { socket_folder: cluster.socket_folder().to_owned(), port: cluster.port() }
    }

    /// The superuser's way into `database`, whatever the planner, who owns it, has set for its sessions: no function of
    /// the target's can stand in for one of the server's.
    ///
    /// # Errors
    /// The socket's path cannot be a connection string.
    pub fn as_superuser(&self, database: &str) -> Result<Target> {
        let target = target(&self.socket_folder, self.port, cluster::SUPERUSER, database)?;
        Ok(target.with_setting("search_path", "pg_catalog"))
    }

    /// The planner's way into `database`.
    ///
    /// # Errors
    /// As [`Self::as_superuser`].
    pub fn as_planner(&self, database: &str) -> Result<Target> {
        target(&self.socket_folder, self.port, PLANNER, database)
    }
}

fn target(socket_folder: &Path, port: u16, user: &str, database: &str) -> Result<Target> {
    Target::private_socket(socket_folder, port, user, database)
}

/// Makes the planner's role. It sees through row level security unless it takes another role.
///
/// # Errors
/// The server is lost.
pub fn make_planner(superuser: &mut WritableSession) -> Result<()> {
    let sql = format!("CREATE ROLE {PLANNER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS");
    superuser.execute(&sql).map_err(Error::from)
}

/// Gives the planner's sessions `settings`. One that this server does not accept is a gap.
///
/// # Errors
/// The server is lost.
pub fn give_settings(superuser: &mut WritableSession, settings: &BTreeMap<String, String>) -> Result<Vec<Gap>> {
    let mut gaps = Vec::new();
    for (name, value) in settings {
        let sql = format!("ALTER ROLE {PLANNER} SET {} = {}", quote_identifier(name), quote_literal(value));
        match superuser.execute(&sql) {
            Ok(()) => {}
            Err(Failure::Statement(refused)) => gaps.push(refused_setting(name, &refused.message_without_values())),
            Err(lost) => return Err(lost.into()),
        }
    }
    Ok(gaps)
}

fn refused_setting(name: &str, why: &str) -> Gap {
    let reason = format!(
        "the private server does not take this setting as the server has it ({why}): constants may be read otherwise, and \
         costs differ a little"
    );
    Gap::new("shadow", name, reason)
}

/// Gives `database`, in which the session is, to the planner, and lets it toggle indexes there.
///
/// # Errors
/// The server is lost.
pub fn admit_planner(superuser: &mut WritableSession, database: &str) -> Result<()> {
    superuser.execute(&format!("ALTER DATABASE {} OWNER TO {PLANNER}", quote_identifier(database)))?;
    superuser.execute(&format!("ALTER SCHEMA public OWNER TO {PLANNER}"))?;
    superuser.execute(TOGGLE).map_err(Error::from)
}
