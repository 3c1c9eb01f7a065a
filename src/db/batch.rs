//! Many statements in one message of the simple protocol, for servers of our own. Checks no statement: each has been
//! accepted as one statement before.

use super::server_error::ServerError;

/// What came of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The answers of the statements that were done: the first column of their rows, a line for each row.
    pub answers: Vec<String>,
    /// Why the statement after those was refused; the server has skipped the rest, and undone the transaction.
    pub refused: Option<ServerError>,
}

/// One message of `statements`. Each ends on a line of its own, so that a comment at its end swallows nothing.
pub(super) fn message(statements: &[impl AsRef<str>]) -> String {
    let length = statements.iter().map(|statement| statement.as_ref().len() + 3).sum();
    let mut message = String::with_capacity(length);
    for statement in statements {
        message.push_str(statement.as_ref());
        message.push_str("\n;\n");
    }
    message
}
