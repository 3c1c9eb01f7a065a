//! Why a statement could not be planned, in words for the report: the server's own reason without values, and what helps.

use super::server::{Refusal, Server};
use crate::workload::Statement;

/// The reason as one line, with the command that mends it where there is one.
pub(super) fn of(refusal: &Refusal, server: &Server<'_>) -> String {
    let refused = match refusal {
        Refusal::Unreadable(reason) => return reason.clone(),
        Refusal::Server(refused) => refused,
    };
    let message = refused.message_without_values();
    match refused.code.as_str() {
        "42501" => {
            if is_about_function(refusal) {
                return format!("{message}; GRANT EXECUTE on it TO {} lets it be planned", server.role());
            }
            let privilege = if message.contains(" schema ") { "USAGE" } else { "SELECT" };
            format!("{message}; GRANT {privilege} on it (or pg_read_all_data) TO {} lets it be planned", server.role())
        }
        "57014" => format!("planning it took longer than {} ms", server.statement_timeout_ms()),
        "55P03" => {
            "locked: another session holds a lock on a relation that it reads; run again when that has ended".to_owned()
        }
        _ => message,
    }
}

/// Whether the role may not call a function of the statement.
fn is_about_function(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Server(refused) => {
            refused.code == "42501" && refused.message_without_values().starts_with("permission denied for function")
        }
        Refusal::Unreadable(_) => false,
    }
}

/// Whether the server says that what the text names is not there, or that the text is not whole.
pub(super) fn contradicts_shape(refusal: &Refusal) -> bool {
    // undefined_table, undefined_column, invalid_schema_name, syntax_error
    matches!(refusal.code(), "42P01" | "42703" | "3F000" | "42601")
}

/// ` (3.2 % of the measured time)`, empty where nothing was measured.
pub(super) fn share(statement: &Statement, exec_ms_total: f64) -> String {
    match statement.exec_ms_total {
        Some(own) if exec_ms_total > 0.0 => format!(" ({:.1} % of the measured time)", 100.0 * own / exec_ms_total),
        _ => String::new(),
    }
}
