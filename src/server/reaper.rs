//! The process that outlives us to stop a private server: a shell that waits at a pipe. Knows folders, not clusters.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, reason};

/// What the shell runs. It ends by itself: its longest waits add up to 20 s of naps.
const SCRIPT: &str = include_str!("reaper.sh");

/// How long a reaper may take: its own waits, and time for a busy machine to remove files.
const REAPER_SECONDS_MAX: u64 = 60;

/// The exit code of a reaper whose server did not shut down cleanly.
const UNCLEAN_EXIT_CODE: i32 = 3;

/// What becomes of the folder once its server has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It stays, to be started again.
    Keep,
    /// It goes.
    Remove,
}

/// How the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By a fast shutdown, or it was not running.
    Clean,
    /// It had to be made to end: its files are as after a crash.
    Unclean,
}

/// A running reaper. It acts when told to, or when this process is gone: the pipe then closes, even after SIGKILL.
#[derive(Debug)]
pub(super) struct Reaper {
    shell: Child,
}

impl Reaper {
    /// Lets a reaper watch over the server whose folder is `folder`.
    pub fn watch(folder: &Path) -> Result<Self> {
        let shell = Command::new("/bin/sh")
            .arg("-c")
            .arg(SCRIPT)
            .arg("pgadvise-reaper")
            .arg(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // a Ctrl-C at the terminal is for pgadvise, which then lets the reaper work
            .spawn()
            .map_err(|error| {
                Error::output(format!("could not run /bin/sh to watch over the server: {}", reason(&error)))
            })?;
        Ok(Self { shell })
    }

    /// Stops the server and waits until that is done.
    ///
    /// # Errors
    /// `Internal` when the reaper was lost or did not come to an end: the server may still run.
    pub fn finish(mut self, order: Order) -> Result<Ending> {
        if let Some(mut pipe) = self.shell.stdin.take() {
            let line: &[u8] = match order {
                Order::Keep => b"keep\n",
                Order::Remove => b"remove\n",
            };
            pipe.write_all(line).map_err(|error| lost(&error.to_string()))?;
        }
        let status = wait(&mut self.shell, Duration::from_secs(REAPER_SECONDS_MAX))
            .ok_or_else(|| lost("it did not end in time"))?;
        match status.code() {
            Some(0) => Ok(Ending::Clean),
            Some(UNCLEAN_EXIT_CODE) => Ok(Ending::Unclean),
            _ => Err(lost(&status.to_string())),
        }
    }
}

fn lost(why: &str) -> Error {
    Error::internal(format!("the process that stops the private server failed: {why}"))
}

/// Waits for `child` until `limit`; `None` when it still runs then.
pub(super) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    const NAP: Duration = Duration::from_millis(5);
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(NAP),
            Ok(None) | Err(_) => return None,
        }
    }
}
