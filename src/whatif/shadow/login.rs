//! Who does what in the shadow. Statements, definitions and function bodies come from the target, or from a file that
//! anybody can have written, and planning runs immutable functions: a superuser's session would let them run programs
//! on this machine. So the superuser sends texts of our own only, with names and values as parameters, and everything
//! that can run a word of the target's is sent by a role that may do nothing outside its database.

use std::path::{Path, PathBuf};

use crate::db::{Target, WritableSession};
use crate::error::{Error, Result};
use crate::pg::quote_identifier;
use crate::server::{Cluster, cluster};

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

    /// The superuser's way into `database`.
    ///
    /// # Errors
    /// The socket's path cannot be a connection string.
    pub fn as_superuser(&self, database: &str) -> Result<Target> {
        target(&self.socket_folder, self.port, cluster::SUPERUSER, database)
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

/// Gives `database`, in which the session is, to the planner, and lets it toggle indexes there.
///
/// # Errors
/// The server is lost.
pub fn admit_planner(superuser: &mut WritableSession, database: &str) -> Result<()> {
    superuser.execute(&format!("ALTER DATABASE {} OWNER TO {PLANNER}", quote_identifier(database)))?;
    superuser.execute(&format!("ALTER SCHEMA public OWNER TO {PLANNER}"))?;
    superuser.execute(TOGGLE).map_err(Error::from)
}
