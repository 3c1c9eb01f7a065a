//! Repairs of statement texts, on tokens: what pg_stat_statements' normalisation made of a text that PostgreSQL then
//! rejects (`server`), and what sqlparser does not know (`parser`). Never looks into literals or comments.

mod keywords;
mod parser;
mod pieces;
mod server;
mod spelling;

pub(super) use parser::for_parser;
pub use server::for_server;

/// How many elements an IN list gets that PostgreSQL 18 shortened to `IN ($1 /*, ... */)`: planned with one element
/// its cost is too low; applications send between a few and a page of ids.
pub const SQUASHED_LIST_ELEMENTS: u32 = 5;
