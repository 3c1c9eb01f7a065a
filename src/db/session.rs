//! The guarded session: whatever it does happens in one short read-only transaction that always ends in a ROLLBACK. It
//! has no way to write, and sets nothing that outlives the transaction.

use std::time::Duration;

use super::link::Link;
use super::query::Query;
use super::server_error::{Failure, ServerError};
use super::statements;
use super::target::Target;
use super::transaction::Transaction;
use super::version_check;
use crate::error::Result;
use crate::pg::ServerVersion;

/// What the client allows beyond the server's own timeout: a round trip, and a server that notices late.
const MARGIN: Duration = Duration::from_secs(2);
/// The longest wait for a call without `statement_timeout`.
const CALL_LONGEST: Duration = Duration::from_secs(3600);
/// The first version that has `client_connection_check_interval`.
const CHECK_INTERVAL_SINCE: u32 = 14;
/// The SQLSTATE of a setting that the server's platform does not support.
const INVALID_PARAMETER_VALUE: &str = "22023";

/// The limits and settings of one transaction; nothing of them outlives it.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// `statement_timeout`; 0 for none, which still means an hour from here.
    pub statement_timeout_ms: u32,
    /// `lock_timeout`; 0 for none.
    pub lock_timeout_ms: u32,
    /// `search_path`; `None` for `pg_catalog`, so that no object of a user's can stand in for a catalog's.
    pub search_path: Option<String>,
    /// Further settings, as with SET LOCAL.
    pub settings: Vec<(&'static str, String)>,
    /// A statement that is sent after the ROLLBACK in the same message, also after an error: hypopg's reset.
    pub after: Option<String>,
}

impl Default for ReadOptions {
    /// Five seconds for a statement, 200 ms for a lock (long enough for every lock of normal traffic, short enough that
    /// nobody queues behind us), names looked up in pg_catalog.
    fn default() -> Self {
        Self { statement_timeout_ms: 5_000, lock_timeout_ms: 200, search_path: None, settings: Vec::new(), after: None }
    }
}

/// A connection that can only read.
pub struct Session {
    link: Link,
    version: ServerVersion,
    is_pooled: bool,
    checks_client: bool,
    /// The end message of a transaction that was left by a panic.
    unfinished: Option<String>,
}

impl Session {
    /// Connects and checks that the server is PostgreSQL 13 or newer.
    ///
    /// # Errors
    /// Kind `Connection` if no server could be reached or the login was refused, `Unsupported` for other products and
    /// older versions, `Usage` for certificate files that cannot be used.
    pub fn connect(target: &Target) -> Result<Session> {
        let mut link = Link::connect(target)?;
        let identity = version_check::identify(&mut link, target)?;
        Ok(Session {
            link,
            version: identity.version,
            is_pooled: identity.is_pooled,
            checks_client: identity.version.major() >= CHECK_INTERVAL_SINCE,
            unfinished: None,
        })
    }

    /// Runs `work` in one short read-only transaction, and ends it with ROLLBACK, the `after` statement and DEALLOCATE
    /// of what was prepared, in one message, also when `work` failed.
    ///
    /// # Errors
    /// What `work` returned, or that the transaction could not be begun or ended.
    pub fn read<T>(
        &mut self,
        options: &ReadOptions,
        work: impl FnOnce(&mut Transaction<'_>) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        let limit = call_limit(options);
        if let Some(end) = self.unfinished.take() {
            self.link.end(&end, limit)?;
        }
        self.unfinished = Some(statements::end(options, &[]));
        let begun = self.begin(options, limit);
        let mut transaction = Transaction { link: &mut self.link, version: self.version, limit, prepared: Vec::new() };
        let outcome = begun.and_then(|()| work(&mut transaction));
        let end = statements::end(options, &transaction.prepared);
        self.unfinished = None;
        let ended = self.link.end(&end, limit);
        let value = outcome?;
        ended?;
        Ok(value)
    }

    /// The server's version.
    pub fn server_version(&self) -> ServerVersion {
        self.version
    }

    /// Whether there seems to be a pooler between us and the server. Only to be told: nothing may depend on it.
    pub fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    fn begin(&mut self, options: &ReadOptions, limit: Duration) -> std::result::Result<(), Failure> {
        let begun = self.link.batch(&statements::begin(options, self.checks_client), limit);
        match begun {
            Err(Failure::Statement(ServerError { code, .. }))
                if self.checks_client && code == INVALID_PARAMETER_VALUE =>
            {
                self.checks_client = false;
                self.link.batch(statements::ROLLBACK, limit)?;
                self.link.batch(&statements::begin(options, false), limit)?;
            }
            begun => begun?,
        }
        self.apply_settings(options, limit)
    }

    /// Names and values as parameters, so that nothing of them is SQL.
    fn apply_settings(&mut self, options: &ReadOptions, limit: Duration) -> std::result::Result<(), Failure> {
        let path = options.search_path.as_ref().map(|path| ("search_path", path));
        let settings = options.settings.iter().map(|(name, value)| (*name, value));
        for (name, value) in path.into_iter().chain(settings) {
            self.link.rows((SET_LOCAL.name, SET_LOCAL.sql), &[&name, value], limit)?;
        }
        Ok(())
    }
}

const SET_LOCAL: Query = Query { name: "a setting", sql: include_str!("queries/set_local.sql") };

fn call_limit(options: &ReadOptions) -> Duration {
    match options.statement_timeout_ms {
        0 => CALL_LONGEST,
        limit => Duration::from_millis(u64::from(limit)) + MARGIN,
    }
}
