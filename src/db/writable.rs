//! A session that may write: only for databases that the user named for that purpose, and for the private servers that
//! pgadvise starts. The read session shares no statement with it.

use std::time::Duration;

use super::link::Link;
use super::row::{PlanText, Row, ToSql};
use super::server_error::Failure;
use super::target::Target;
use super::version_check;
use crate::error::Result;
use crate::pg::ServerVersion;

/// The longest wait for one call: the build of an index over a large relation.
const CALL_LONGEST: Duration = Duration::from_secs(4 * 3600);

/// A connection that does what it is told, in autocommit.
pub struct WritableSession {
    link: Link,
    version: ServerVersion,
}

impl WritableSession {
    /// Connects, and checks the server as [`super::Session::connect`] does.
    ///
    /// # Errors
    /// As [`super::Session::connect`].
    pub fn connect(target: &Target) -> Result<Self> {
        let mut link = Link::connect(target)?;
        let version = version_check::identify(&mut link, target)?.version;
        Ok(Self { link, version })
    }

    /// Sends `sql`, which may be several statements, through the simple protocol. Several statements are one
    /// transaction unless they say otherwise, as in psql's `-c`.
    ///
    /// # Errors
    /// [`Failure::Statement`] if the server refuses one of them.
    pub fn execute(&mut self, sql: &str) -> std::result::Result<(), Failure> {
        self.link.batch(sql, CALL_LONGEST)
    }

    /// Sends one statement through the extended protocol and collects its rows, whose columns must be of built-in types.
    ///
    /// # Errors
    /// [`Failure::Statement`] if the server refuses it.
    pub fn query(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> std::result::Result<Vec<Row>, Failure> {
        self.link.rows(("an answer", sql), parameters, CALL_LONGEST)
    }

    /// Sends an EXPLAIN, with or without ANALYZE, and returns its whole answer.
    ///
    /// # Errors
    /// [`Failure::Statement`] if the server refuses it.
    pub fn explain(&mut self, sql: &str) -> std::result::Result<String, Failure> {
        let rows = self.query(sql, &[])?;
        let lines: std::result::Result<Vec<String>, Failure> =
            rows.iter().map(|row| row.first::<PlanText>().map(|text| text.0)).collect();
        Ok(lines?.join("\n"))
    }

    /// The server's version.
    pub fn server_version(&self) -> ServerVersion {
        self.version
    }
}
