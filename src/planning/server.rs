//! Asking the server about one text at a time, each in a short transaction of its own: parameter types and plans.
//! A refusal is an answer here; only the loss of the session is an error.

use crate::db::{Failure, ReadOptions, ServerError, Session};
use crate::error::Result;
use crate::pg::quote_identifier;
use crate::plan::{self, Plan};
use crate::snapshot;
use crate::workload::ExplainForm;

/// VERBOSE qualifies columns by their alias and relations by their schema, which is what plans are resolved by.
const EXPLAIN: &str = "EXPLAIN (VERBOSE, FORMAT JSON) ";

/// What the server answered, or why it refused.
pub(super) type Answer<T> = std::result::Result<T, Refusal>;

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    /// The server's own reason.
    Server(ServerError),
    /// What it answered cannot be read.
    Unreadable(String),
}

impl Refusal {
    /// The SQLSTATE, empty when the server did not refuse.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Server(refused) => &refused.code,
            Self::Unreadable(_) => "",
        }
    }
}

/// A session and the settings that plans are taken with: the role's own, and the application's search path.
pub(super) struct Server<'s> {
    session: &'s mut Session,
    options: ReadOptions,
    role: String,
}

impl<'s> Server<'s> {
    pub(super) fn new(session: &'s mut Session, server: &snapshot::Server) -> Self {
        let schemas: Vec<_> = server.search_path.iter().map(|schema| quote_identifier(schema)).collect();
        let search_path = (!schemas.is_empty()).then(|| schemas.join(", "));
        Self { session, options: ReadOptions { search_path, ..ReadOptions::default() }, role: server.role.clone() }
    }

    /// The types that the server infers for `$1` … of `text`.
    pub(super) fn parameter_types(&mut self, text: &str) -> Result<Answer<Vec<String>>> {
        answer(self.session.read(&self.options, |transaction| transaction.parameter_types(text)))
    }

    /// The plan of `text`.
    pub(super) fn plan(&mut self, text: &str, form: ExplainForm) -> Result<Answer<Plan>> {
        let json = answer(self.session.read(&self.options, |transaction| match form {
            ExplainForm::Plain => transaction.explain(EXPLAIN, text),
            ExplainForm::Generic => transaction.explain_generic(text),
        }))?;
        Ok(json.and_then(|json| plan::parse(&json).map_err(|error| Refusal::Unreadable(error.message().to_owned()))))
    }

    /// The role that asks, quoted.
    pub(super) fn role(&self) -> String {
        quote_identifier(&self.role).into_owned()
    }

    /// How long the server may think about one text, in ms.
    pub(super) fn statement_timeout_ms(&self) -> u32 {
        self.options.statement_timeout_ms
    }
}

fn answer<T>(outcome: std::result::Result<T, Failure>) -> Result<Answer<T>> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Statement(refused)) => Ok(Err(Refusal::Server(refused))),
        Err(Failure::Session(error)) => Err(error),
    }
}
