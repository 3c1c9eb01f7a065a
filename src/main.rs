//! The `pgadvise` program: hands its arguments to `cli` and exits with what it returns.

use std::process::ExitCode;

fn main() -> ExitCode {
    pgadvise::cli::run(std::env::args_os())
}
