//! Endings that no command returns: a signal that outruns the work, and a defect. Both are said as errors are.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::process::ExitCode;

use super::output;
use crate::db::interrupt::{self, CleanupGuard};
use crate::error::{Error, ErrorKind, Result};

/// Listens for SIGINT and SIGTERM. Where the work does not notice one in time, the process is ended by force, which is
/// said as long as the guard lives.
///
/// # Errors
/// The operating system refused the signal handlers.
pub(super) fn listen_for_signals() -> Result<CleanupGuard> {
    interrupt::install()?;
    Ok(interrupt::before_forced_exit(|| {
        if let Err(signalled) = interrupt::check() {
            output::failure(&signalled);
        }
    }))
}

/// Runs `work`. A panic becomes an exit code and one line that says where: its own words may hold a value of the
/// workload, and a backtrace is no message to a user.
pub(super) fn report_defects(work: impl FnOnce() -> ExitCode) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // Threads that read foreign text answer for themselves: to whoever asked, it is a text that cannot be read.
        if std::thread::current().name() == Some("main") {
            output::failure(&defect(panic.location()));
        }
    }));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| ExitCode::from(ErrorKind::Internal.exit_code()))
}

fn defect(place: Option<&Location<'_>>) -> Error {
    let place =
        place.map_or_else(|| "an unknown place".to_owned(), |place| format!("{}:{}", place.file(), place.line()));
    Error::internal(format!("a defect of pgadvise {} at {place}", env!("CARGO_PKG_VERSION")))
        .with_hint("Report it with the command, and with what is special about the database.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_said_with_its_place() {
        let error = defect(Some(Location::caller()));
        assert_eq!(error.kind().exit_code(), 70);
        assert!(error.message().contains("src/cli/ending.rs:"), "{error}");
        assert!(error.hint().is_some());
    }
}
