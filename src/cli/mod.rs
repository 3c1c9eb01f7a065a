//! The command line: arguments in, one command run, an exit code out. The only module that reads the environment and prints.

mod analyze;
mod arguments;
mod demo;
mod ending;
mod explain;
mod logging;
mod output;
mod progress;
mod rules;
mod snapshot;
mod source;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::error::Result;
use arguments::{Arguments, Command};

/// Runs the command that `arguments` ask for, and reports a failure on stderr in PostgreSQL's style.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    logging::start(&arguments.global);
    ending::report_defects(|| match dispatch(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => output::failure(&error),
    })
}

fn dispatch(arguments: &Arguments) -> Result<u8> {
    match &arguments.command {
        Command::Analyze(analyze) => analyze::run(analyze, &arguments.global),
        Command::Snapshot(snapshot) => snapshot::run(snapshot, &arguments.global),
        Command::Verify(verify) => verify::run(verify, &arguments.global),
        Command::Demo(demo) => demo::run(demo, &arguments.global),
        Command::Rules => rules::run(),
        Command::Explain(explain) => explain::run(explain),
    }
}
