//! One statement's plan, and what it says about indexes. The text has been accepted by the planner before, and is never
//! executed.

use std::collections::BTreeSet;

use crate::db::{Failure, Transaction};
use crate::pg::Oid;
use crate::plan::{self, Node, Plan};
use crate::snapshot::{Catalog, Snapshot};
use crate::workload::{ExplainForm, Planned, Statement};

const EXPLAIN: &str = "EXPLAIN (VERBOSE, FORMAT JSON) ";

/// What is asked of a statement that was never planned.
pub(super) const NOT_PLANNED: &str = "the statement could not be planned as it is";

/// The plan of `planned` with the indexes that `transaction` sees; the inner error is a plan that cannot be read.
pub(super) fn plan(transaction: &mut Transaction<'_>, planned: &Planned) -> Result<Result<Plan, String>, Failure> {
    let json = match planned.form {
        ExplainForm::Plain => transaction.explain(EXPLAIN, &planned.text)?,
        ExplainForm::Generic => transaction.explain_generic(&planned.text)?,
    };
    Ok(plan::parse(&json).map_err(|error| error.message().to_owned()))
}

/// How a statement is planned, or why it is not asked about.
pub(super) fn planned(statements: &[Statement], position: usize) -> Result<&Planned, String> {
    statements.get(position).and_then(|statement| statement.planned.as_ref()).ok_or_else(|| NOT_PLANNED.to_owned())
}

/// The existing indexes in a plan.
pub(super) fn existing_indexes(plan: &Plan, catalog: &Catalog) -> BTreeSet<Oid> {
    let used = plan.indexes_used();
    used.iter().filter_map(|(schema, name)| Some(catalog.index_named(schema.as_ref()?, name)?.1.oid)).collect()
}

/// Calls `visit` for every node.
pub(super) fn walk<'p>(node: &'p Node, visit: &mut impl FnMut(&'p Node)) {
    visit(node);
    for child in &node.children {
        walk(child, visit);
    }
}

/// The application's search path, as SQL.
pub(super) fn search_path(snapshot: &Snapshot) -> String {
    let schemas: Vec<_> =
        snapshot.server.search_path.iter().map(|schema| crate::pg::quote_identifier(schema)).collect();
    if schemas.is_empty() { "pg_catalog".to_owned() } else { schemas.join(", ") }
}

/// Whether the server refused one statement, or the session is lost: only the first can be told as an answer.
pub(super) fn refusal(failure: Failure) -> crate::error::Result<String> {
    match failure {
        Failure::Statement(refused) => Ok(refused.message_without_values()),
        Failure::Session(error) => Err(error),
    }
}
