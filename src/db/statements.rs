//! What a session sends around the queries of the allow-list: the begin and end of its transactions, and the frames into
//! which foreign text is put. All of it is listed in docs/safety.md. Sends nothing.

use super::session::ReadOptions;

/// `idle_in_transaction_session_timeout`: ends the transaction of a client that stands still, so that it holds neither
/// locks nor the horizon of VACUUM. Far longer than pgadvise computes between two calls of one transaction.
const IDLE_TIMEOUT_MS: u32 = 15_000;
/// `client_connection_check_interval`, from 14 on: a backend whose client was killed ends within it, not after its query.
const CHECK_INTERVAL_MS: u32 = 2_000;

/// Plans a statement, without running it.
pub(super) const EXPLAIN: &str = "EXPLAIN (VERBOSE, FORMAT JSON) ";
/// Plans a statement with parameters and without values for them, from 16 on.
pub(super) const EXPLAIN_GENERIC: &str = "EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) ";
/// Makes EXPLAIN EXECUTE show the generic plan, before 16.
pub(super) const FORCE_GENERIC_PLAN: &str = "SET LOCAL plan_cache_mode = force_generic_plan";
/// Ends a transaction that could not be begun.
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// READ COMMITTED, because a default of SERIALIZABLE fails on a standby and takes predicate locks. The styles decide how
/// definitions and constants are printed, so that the same catalog always reads the same.
pub(super) fn begin(options: &ReadOptions, checks_client: bool) -> String {
    let check = if checks_client {
        format!(" SET LOCAL client_connection_check_interval = {CHECK_INTERVAL_MS};")
    } else {
        String::new()
    };
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; \
         SET LOCAL statement_timeout = {}; \
         SET LOCAL lock_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}; \
         SET LOCAL search_path = pg_catalog; \
         SET LOCAL datestyle = 'ISO, YMD'; \
         SET LOCAL intervalstyle = 'postgres'; \
         SET LOCAL quote_all_identifiers = off;{check}",
        options.statement_timeout_ms, options.lock_timeout_ms
    )
}

/// ROLLBACK first: what follows it runs also after an error, and prepared statements and hypothetical indexes outlive a
/// ROLLBACK. All in one message, so that behind a pooler it reaches the same server connection.
pub(super) fn end(options: &ReadOptions, prepared: &[String]) -> String {
    let mut message = ROLLBACK.to_owned();
    for statement in options.after.iter().cloned().chain(prepared.iter().map(|name| deallocate(name))) {
        message.push_str("; ");
        message.push_str(&statement);
    }
    message
}

pub(super) fn prepare(name: &str) -> String {
    format!("PREPARE {name} AS ")
}

pub(super) fn deallocate(name: &str) -> String {
    format!("DEALLOCATE {name}")
}

/// EXPLAIN of a prepared statement with NULL for each parameter.
pub(super) fn explain_execute(name: &str, n_parameters: usize) -> String {
    let nulls = vec!["NULL"; n_parameters].join(", ");
    let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    format!("{EXPLAIN}EXECUTE {name}{arguments}")
}
