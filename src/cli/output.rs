//! Where results and failures go: results to stdout or a file, everything else to stderr.

use std::fmt::Display;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::error::{Error, ErrorKind, Result};
use crate::report;

/// Prints what clap has to say: help and versions on stdout, wrong usage on stderr with exit code 2.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (error.use_stderr(), printed) {
        (true, _) => ExitCode::from(ErrorKind::Usage.exit_code()),
        (false, Err(error)) if error.kind() != IoErrorKind::BrokenPipe => ExitCode::from(ErrorKind::Output.exit_code()),
        (false, _) => ExitCode::SUCCESS,
    }
}

/// Prints `error` on stderr and gives its exit code.
pub(super) fn failure(error: &Error) -> ExitCode {
    // Where stderr itself is closed, the exit code is all that is left to say.
    let _ = writeln!(anstream::stderr(), "pgadvise: {error}");
    ExitCode::from(error.kind().exit_code())
}

/// Says on stderr what did not end the run, an error or a sentence of ours, unless the user asked for quiet.
pub(super) fn note(is_quiet: bool, what: &dyn Display) {
    if !is_quiet {
        let _ = writeln!(anstream::stderr(), "pgadvise: {what}");
    }
}

/// Writes a result: to `path` (replacing a file that is there: the user named it), else to stdout.
///
/// # Errors
/// Output, when it could not be written in full. A reader that closes the pipe early is no error.
pub(super) fn result(text: &str, path: Option<&Path>) -> Result<()> {
    match path {
        None => report::write_stdout(text).map(|_| ()),
        Some(path) => report::write_file(path, text),
    }
}
