//! A session that may write: only for databases that the user named for that purpose, and for the private servers that
//! pgadvise starts. The read session shares no statement with it.

use std::time::Duration;

use super::batch::{self, Batch};
use super::link::Link;
use super::row::{PlanText, Row, ToSql};
use super::server_error::Failure;
use super::target::Target;
use super::transaction::Transaction;
use super::version_check;
use crate::error::{Error, Result};
use crate::pg::ServerVersion;

/// The longest wait for one call: the build of an index over a large relation.
const CALL_LONGEST: Duration = Duration::from_secs(4 * 3600);
/// What the client allows beyond the server's own timeout.
const MARGIN: Duration = Duration::from_secs(2);

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

    /// Sends many statements in one message of the simple protocol, as one transaction unless they say otherwise. For
    /// private servers only: nothing tells two statements in one text from one.
    ///
    /// # Errors
    /// Only when the session is lost: what the server refuses is part of the answer.
    pub fn batch(&mut self, statements: &[impl AsRef<str>]) -> Result<Batch> {
        self.link.answers(&batch::message(statements), CALL_LONGEST).map_err(Error::from)
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

    /// Runs `setup` (statements, or nothing) and then `work` in one transaction that is rolled back whatever happens:
    /// for plans under a schema that is changed for a moment. What was prepared in it is deallocated.
    ///
    /// # Errors
    /// What `work` returned, or that the transaction could not be begun or ended.
    pub fn rolled_back<T>(
        &mut self,
        statement_timeout_ms: u32,
        setup: &str,
        work: impl FnOnce(&mut Transaction<'_>) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        let limit = Duration::from_millis(u64::from(statement_timeout_ms)) + MARGIN;
        let begin = format!("BEGIN; SET LOCAL statement_timeout = {statement_timeout_ms}; {setup}");
        let begun = self.link.batch(&begin, CALL_LONGEST);
        let mut transaction = Transaction { link: &mut self.link, version: self.version, limit, prepared: Vec::new() };
        let outcome = begun.and_then(|()| work(&mut transaction));
        let mut end = "ROLLBACK".to_owned();
        for name in &transaction.prepared {
            end.push_str(&format!("; DEALLOCATE {name}"));
        }
        let ended = self.link.end(&end, limit);
        let value = outcome?;
        ended?;
        Ok(value)
    }

    /// Sends the last statements of a session: also after a signal, but then they must not take long.
    ///
    /// # Errors
    /// As [`WritableSession::execute`].
    pub fn end(&mut self, sql: &str) -> std::result::Result<(), Failure> {
        self.link.end(sql, CALL_LONGEST)
    }

    /// The server's version.
    pub fn server_version(&self) -> ServerVersion {
        self.version
    }
}
