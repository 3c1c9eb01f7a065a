//! Running one test of this crate in a process of its own: for signals and for variables that a process reads itself.

use std::process::{Child, Command, Stdio};

/// Tells a test that it is the child, and what it has to know.
const VARIABLE: &str = "PGADVISE_TEST_CHILD";

/// What the parent passed, if this is a child.
pub fn argument() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// Starts the test `name` of this crate as a child, with `argument` and further variables.
pub fn start(name: &str, argument: &str, variables: &[(&str, &str)]) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(VARIABLE, argument);
    command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("a child")
}
