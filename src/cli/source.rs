//! Where to connect: the argument, else $DATABASE_URL, else libpq's variables.

use super::arguments::SourceArguments;
use crate::db::Target;
use crate::error::Result;

/// The server to read.
///
/// # Errors
/// Usage, when the connection string is malformed; it is never repeated in the message, for it may hold a password.
pub(super) fn resolve(arguments: &SourceArguments) -> Result<Target> {
    let from_environment = std::env::var("DATABASE_URL").ok().filter(|url| !url.trim().is_empty());
    Target::resolve(arguments.source.as_deref().or(from_environment.as_deref()))
}
