//! The inside of one short read-only transaction: catalog queries of the allow-list, and EXPLAIN of foreign text. The
//! transaction is opened and ended by `session`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::link::Link;
use super::query::Query;
use super::row::{PlanText, Row, ToSql};
use super::server_error::{CHARACTER_NOT_IN_REPERTOIRE, Failure, ServerError};
use super::statements::{self, EXPLAIN, EXPLAIN_GENERIC, FORCE_GENERIC_PLAN};
use crate::error::Error;
use crate::pg::{ServerVersion, quote_identifier};

/// The first version whose EXPLAIN has GENERIC_PLAN.
const GENERIC_PLAN_SINCE: u32 = 16;

const PARAMETER_TYPES: Query = Query { name: "parameter types", sql: include_str!("queries/parameter_types.sql") };

type Result<T> = std::result::Result<T, Failure>;

/// A transaction that cannot write. Its end undoes everything, also prepared statements and hypothetical indexes.
pub struct Transaction<'s> {
    pub(super) link: &'s mut Link,
    pub(super) version: ServerVersion,
    /// How long one call may take: the server's own timeout and a margin.
    pub(super) limit: Duration,
    /// Names of prepared statements that the end message has to deallocate: they outlive a ROLLBACK.
    pub(super) prepared: Vec<String>,
}

impl Transaction<'_> {
    /// Runs a statement of the allow-list and collects its rows.
    ///
    /// # Errors
    /// [`Failure::Statement`] if the server refuses it; the transaction is over then.
    pub fn query(&mut self, query: &Query, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.link.rows((query.name, query.sql), parameters, self.limit)
    }

    /// Runs a statement of the allow-list and hands over each row as it arrives, so that hundreds of thousands of them
    /// need no memory. After the first failure of `take` the remaining rows are read and dropped.
    ///
    /// # Errors
    /// As [`Transaction::query`], or what `take` returned.
    pub fn query_each(
        &mut self,
        query: &Query,
        parameters: &[&(dyn ToSql + Sync)],
        take: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        self.link.each_row((query.name, query.sql), parameters, self.limit, take)
    }

    /// Runs a statement of the allow-list about the objects of an extension, which live in a schema that is known at run
    /// time only: `{schema}` in its text becomes that schema's name, quoted. Otherwise as [`Transaction::query_each`].
    ///
    /// # Errors
    /// As [`Transaction::query_each`].
    pub fn query_each_in_schema(
        &mut self,
        query: &Query,
        schema: &str,
        parameters: &[&(dyn ToSql + Sync)],
        take: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        let sql = query.sql.replace("{schema}", &quote_identifier(schema));
        self.link.each_row((query.name, &sql), parameters, self.limit, take)
    }

    /// Plans `statement` and returns EXPLAIN's whole answer. `prefix` is `EXPLAIN (…) ` with the options in parentheses,
    /// never ANALYZE. The caller has checked that `statement` is one plannable statement; the extended protocol and the
    /// parenthesised options turn anything else into an error.
    ///
    /// # Errors
    /// [`Failure::Statement`] with a position within `statement`; the transaction is over then.
    pub fn explain(&mut self, prefix: &'static str, statement: &str) -> Result<String> {
        if !prefix.starts_with("EXPLAIN (") || prefix.to_ascii_uppercase().contains("ANALYZE") {
            return Err(Error::internal("this EXPLAIN is not on the allow-list").into());
        }
        self.send_foreign(prefix, statement).and_then(|rows| whole_text(&rows))
    }

    /// Plans `statement`, whose parameters are `$1` …, without values for them: the generic plan. Before 16, where
    /// EXPLAIN has no GENERIC_PLAN, by way of PREPARE and `plan_cache_mode`; there, NULLs for the parameters prune the
    /// partitions of a partitioned relation out of the plan.
    ///
    /// # Errors
    /// As [`Transaction::explain`].
    pub fn explain_generic(&mut self, statement: &str) -> Result<String> {
        if !statement.contains('$') {
            return self.explain(EXPLAIN, statement);
        }
        // That the server prepared the text, as one command of the extended protocol, proves that it is one plannable
        // statement; so it is one as well after another prefix and through the simple protocol, which GENERIC_PLAN
        // needs: the extended protocol would insist on values, and plan with them.
        let name = self.prepare(statement)?;
        let explain = if self.version.major() >= GENERIC_PLAN_SINCE {
            format!("{EXPLAIN_GENERIC}{statement}")
        } else {
            let n_parameters = self.types_of(&name)?.len();
            self.link.batch(FORCE_GENERIC_PLAN, self.limit)?;
            statements::explain_execute(&name, n_parameters)
        };
        let plan = self.link.simple_text(&explain, self.limit)?;
        self.deallocate(&name)?;
        Ok(plan)
    }

    /// The types that the server infers for `$1` … of `statement`, as `format_type` writes them.
    ///
    /// # Errors
    /// [`Failure::Statement`] if the statement does not pass the server's analysis; the transaction is over then.
    pub fn parameter_types(&mut self, statement: &str) -> Result<Vec<String>> {
        let name = self.prepare(statement)?;
        let types = self.types_of(&name)?;
        self.deallocate(&name)?;
        Ok(types)
    }

    /// How long one call may take before it is cancelled from here.
    pub fn call_limit(&self) -> Duration {
        self.limit
    }

    /// The version of the server.
    pub fn server_version(&self) -> ServerVersion {
        self.version
    }

    /// PREPARE as one command of the extended protocol, so that the text cannot hold a second one. tokio_postgres' own
    /// prepared statements have names that collide behind a pooler; these do not.
    fn prepare(&mut self, statement: &str) -> Result<String> {
        let name = unique_name();
        self.send_foreign(&statements::prepare(&name), statement)?;
        self.prepared.push(name.clone());
        Ok(name)
    }

    fn types_of(&mut self, name: &str) -> Result<Vec<String>> {
        let rows = self.query(&PARAMETER_TYPES, &[&name])?;
        match rows.first() {
            Some(row) => row.get("types"),
            None => Err(Error::internal("a prepared statement is not in pg_prepared_statements").into()),
        }
    }

    fn deallocate(&mut self, name: &str) -> Result<()> {
        self.link.batch(&statements::deallocate(name), self.limit)?;
        self.prepared.retain(|prepared| prepared != name);
        Ok(())
    }

    /// Sends `prefix` + `statement` as one command, and gives positions in errors as positions in `statement`.
    fn send_foreign(&mut self, prefix: &str, statement: &str) -> Result<Vec<Row>> {
        if statement.contains('\0') {
            let message = "invalid byte sequence: the statement holds a zero byte";
            return Err(Failure::Statement(ServerError::new(CHARACTER_NOT_IN_REPERTOIRE, message)));
        }
        let sent = self.link.rows(("a plan", &format!("{prefix}{statement}")), &[], self.limit);
        sent.map_err(|failure| match failure {
            Failure::Statement(mut refused) => {
                refused.position = refused.position.and_then(|position| position.checked_sub(prefix.chars().count()));
                Failure::Statement(refused)
            }
            failure => failure,
        })
    }
}

/// A name that no other session behind the same pooler uses: the process, the time it began, and a count.
fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static STARTED: std::sync::LazyLock<u128> = std::sync::LazyLock::new(|| {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
    });
    format!("pgadvise_{:x}_{:x}_{:x}", std::process::id(), *STARTED, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// EXPLAIN gives one row per line in text format, and one row in the others.
fn whole_text(rows: &[Row]) -> Result<String> {
    let lines: Vec<String> =
        rows.iter().map(|row| row.first::<PlanText>().map(|text| text.0)).collect::<Result<_>>()?;
    Ok(lines.join("\n"))
}
