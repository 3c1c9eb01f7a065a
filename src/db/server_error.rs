//! What the server answered when it refused, and whether the session survives it. Sends nothing.

use std::error::Error as _;

use tokio_postgres::error::{DbError, ErrorPosition, Severity};

use crate::error::{Error, reason};

/// A statement that the server refused.
///
/// `message` and `detail` are the server's own words, which may repeat a value of the statement; [`Error::from`] keeps
/// to what names and privileges are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The five characters of the SQLSTATE.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The DETAIL, if there is one.
    pub detail: Option<String>,
    /// The HINT, if there is one.
    pub hint: Option<String>,
    /// Where in the statement, in characters from 1, if the server says so.
    pub position: Option<usize>,
}

/// The SQLSTATE of a statement that was cancelled, by its timeout or by us.
pub(super) const QUERY_CANCELED: &str = "57014";
/// The SQLSTATE of text that is not valid in its encoding.
pub(super) const CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";

impl ServerError {
    pub(super) fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), detail: None, hint: None, position: None }
    }

    pub(super) fn of(error: &DbError) -> Self {
        Self {
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            position: match error.position() {
                Some(ErrorPosition::Original(position)) => Some(*position as usize),
                _ => None,
            },
        }
    }

    /// Whether the statement ran out of its time, or was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.code == QUERY_CANCELED
    }

    /// Whether a lock was not to be had within `lock_timeout`.
    pub fn is_locked_out(&self) -> bool {
        self.code == "55P03"
    }

    /// Whether a privilege is missing.
    pub fn is_privilege_missing(&self) -> bool {
        self.code == "42501"
    }

    /// The message without what it quotes, where that can be a value of the statement or of a row: syntax errors,
    /// data exceptions, integrity violations, and what functions raise.
    pub fn message_without_values(&self) -> String {
        let may_quote_values = ["22", "23", "P0", "42601", "38", "39"].iter().any(|class| self.code.starts_with(class));
        if may_quote_values { without_quoted(&self.message) } else { self.message.clone() }
    }
}

/// Replaces everything between two double quotes, or from a lone one to the end, by an ellipsis.
fn without_quoted(message: &str) -> String {
    let mut parts = message.split('"');
    let mut kept = parts.next().unwrap_or_default().to_owned();
    while parts.next().is_some() {
        kept.push_str("\"…\"");
        kept.push_str(parts.next().unwrap_or_default());
    }
    kept
}

/// Why a call did not return its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server refused this statement. The transaction is over, the session lives on.
    Statement(ServerError),
    /// The session is lost, or the run was interrupted.
    Session(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Session(error) => error,
            Failure::Statement(refused) => {
                let message = format!("{} (SQLSTATE {})", refused.message_without_values(), refused.code);
                let error = Error::unsupported(message);
                match hint(&refused) {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
        }
    }
}

/// What the user can do about a refusal.
fn hint(refused: &ServerError) -> Option<String> {
    match refused.code.as_str() {
        "42501" => Some(
            "Let an owner run GRANT pg_monitor, pg_read_all_data TO this role (on 13: GRANT SELECT ON ALL TABLES)."
                .to_owned(),
        ),
        QUERY_CANCELED => {
            Some("The server was busy or the statement is slow to plan; try again, or read from a replica.".to_owned())
        }
        "55P03" => Some("Another session holds a lock on the relation; try again when it has finished.".to_owned()),
        _ => refused.hint.clone(),
    }
}

/// How tokio_postgres begins the message of a parameter that does not fit its type.
const NOT_SENT: &str = "error serializing parameter";

impl Failure {
    /// The error of a refusal while something was being done. A lost session or an interruption explains itself.
    pub fn while_doing(self, doing: &str) -> Error {
        match self {
            Self::Session(error) => error,
            refused => Error::from(refused).while_doing(doing),
        }
    }

    /// What a failed call of tokio_postgres means for the session.
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refused) if ends_session(refused) => {
                Self::Session(lost(refused.message()).with_detail(format!("SQLSTATE {}.", refused.code().code())))
            }
            Some(refused) => Self::Statement(ServerError::of(refused)),
            None if error.to_string().starts_with(NOT_SENT) => {
                Self::Session(Error::internal(format!("{error}: {}", cause(error))))
            }
            None => Self::Session(lost(&cause(error))),
        }
    }
}

pub(super) fn ends_session(refused: &DbError) -> bool {
    matches!(refused.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// The error of a connection that broke.
pub(super) fn lost(reason: &str) -> Error {
    Error::connection(format!("lost the connection to the server: {reason}"))
        .with_hint("Run the command again; if it happens again, look into the server's log.")
}

/// The innermost cause: since 0.7.15 tokio_postgres says no more than "db error" or "error connecting to server" itself.
pub(super) fn cause(error: &tokio_postgres::Error) -> String {
    let mut cause = error.source();
    let mut words = error.to_string();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    reason(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_statements_do_not_reach_the_user() {
        let refused = ServerError::new("22P02", "invalid input syntax for type integer: \"canary\"");
        let error = Error::from(Failure::Statement(refused));
        assert_eq!(error.message(), "invalid input syntax for type integer: \"…\" (SQLSTATE 22P02)");
        let refused = ServerError::new("42501", "permission denied for table \"orders\"");
        assert!(Error::from(Failure::Statement(refused)).message().contains("orders"));
    }
}
