//! Where results and failures go: results to stdout or a file, everything else to stderr.

use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::error::{Error, Result};

/// Prints what clap has to say: help and versions on stdout, wrong usage on stderr with exit code 2.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (error.use_stderr(), printed) {
        (false, Ok(())) => ExitCode::SUCCESS,
        (false, Err(_)) => ExitCode::from(crate::error::ErrorKind::Output.exit_code()),
        (true, _) => ExitCode::from(crate::error::ErrorKind::Usage.exit_code()),
    }
}

/// Prints `error` on stderr and gives its exit code.
pub(super) fn failure(error: &Error) -> ExitCode {
    // Where stderr itself is closed, the exit code is all that is left to say.
    let _ = writeln!(anstream::stderr(), "pgadvise: {error}");
    ExitCode::from(error.kind().exit_code())
}

/// A note on stderr, in PostgreSQL's style, unless the user asked for quiet.
pub(super) fn note(is_quiet: bool, text: &str) {
    if !is_quiet {
        let _ = writeln!(anstream::stderr(), "pgadvise: {}", crate::pg::text::one_line(text));
    }
}

/// Writes a result: to `path` (replacing a file that is there: the user named it), else to stdout.
///
/// # Errors
/// Output, when it could not be written in full. A reader that closes the pipe early is no error.
pub(super) fn result(text: &str, path: Option<&Path>) -> Result<()> {
    match path {
        None => to_stdout(text),
        Some(path) => {
            let written = File::create(path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(|error| {
                Error::output(format!("could not write {}: {error}", path.display()))
                    .with_hint("Name another file with --output.")
            })
        }
    }
}

fn to_stdout(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != IoErrorKind::BrokenPipe => {
            Err(Error::output(format!("could not write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
