//! Where to connect: the argument, else $DATABASE_URL, else libpq's variables.

use super::arguments::{Global, SourceArguments};
use super::output;
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

/// What is said of a remote server that anybody could pose as.
const UNVERIFIED: &str = "the server's identity is not verified\nHINT:  Connect with sslmode=verify-full.";

/// Notes on stderr that nothing proves who answers: a remote server without `verify-full` or `verify-ca`.
pub(super) fn warn_if_unverified(target: &Target, global: &Global) {
    if !target.is_server_verified() {
        output::note(global.quiet, &UNVERIFIED);
    }
}
