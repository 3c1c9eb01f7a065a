//! SIGINT and SIGTERM: the first one ends every call politely, and the process with it if it does not end by itself.
//!
//! Who computes without calling the server asks [`check`] in its loops.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::{Error, ErrorKind, Result};

/// How long the process may take to end by itself after the first signal: the promise "Ctrl-C within 2 s".
const GRACE: Duration = Duration::from_secs(2);

/// A signal that asks the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    fn error(self) -> Error {
        match self {
            Self::Interrupt => Error::new(ErrorKind::Interrupted, "interrupted"),
            Self::Terminate => Error::new(ErrorKind::Terminated, "terminated"),
        }
    }
}

/// The first signal that arrived.
static RAISED: LazyLock<watch::Sender<Option<Signal>>> = LazyLock::new(|| watch::Sender::new(None));

type Cleanup = Box<dyn FnOnce() + Send>;

/// What has to be done before the process is ended by force, by the number that [`before_forced_exit`] gave out.
static CLEANUPS: Mutex<Vec<(u64, Cleanup)>> = Mutex::new(Vec::new());

/// Starts to listen for SIGINT and SIGTERM, in a thread of its own. To be called once, by `main`.
///
/// # Errors
/// The operating system refused the thread or the signal handlers.
pub fn install() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("could not listen for signals: {error}")))?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(listen(ready)))
        .map_err(|error| Error::internal(format!("could not listen for signals: {error}")))?;
    match is_ready.recv() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Error::internal(format!("could not listen for signals: {error}"))),
        Err(_) => Err(Error::internal("could not listen for signals")),
    }
}

async fn listen(ready: std::sync::mpsc::Sender<std::io::Result<()>>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
        (Err(error), _) | (_, Err(error)) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let first = tokio::select! {
        _ = interrupt.recv() => Signal::Interrupt,
        _ = terminate.recv() => Signal::Terminate,
    };
    RAISED.send_replace(Some(first));
    tokio::select! {
        () = tokio::time::sleep(GRACE) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    end_by_force(first);
}

fn end_by_force(signal: Signal) -> ! {
    let cleanups = std::mem::take(&mut *CLEANUPS.lock().unwrap_or_else(PoisonError::into_inner));
    for (_, cleanup) in cleanups {
        cleanup();
    }
    std::process::exit(i32::from(signal.error().kind().exit_code()))
}

/// An error of kind `Interrupted` or `Terminated` once a signal has arrived. For loops that compute for long.
pub fn check() -> Result<()> {
    match *RAISED.borrow() {
        Some(signal) => Err(signal.error()),
        None => Ok(()),
    }
}

/// Ends when a signal arrives, with its error.
pub(super) async fn raised() -> Error {
    let mut receiver = RAISED.subscribe();
    loop {
        if let Some(signal) = *receiver.borrow_and_update() {
            return signal.error();
        }
        if receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps a cleanup registered until it is dropped.
pub struct CleanupGuard(u64);

/// Registers what has to happen before the process is ended by force, for something that would outlive it, such as a
/// private server. It must be quick and must not wait for the main thread. Dropping the guard takes it back.
pub fn before_forced_exit(cleanup: impl FnOnce() + Send + 'static) -> CleanupGuard {
    let mut cleanups = CLEANUPS.lock().unwrap_or_else(PoisonError::into_inner);
    let number = cleanups.last().map_or(0, |(number, _)| number + 1);
    cleanups.push((number, Box::new(cleanup)));
    CleanupGuard(number)
}

impl Drop for CleanupGuard {
    fn drop(&mut self) {
        CLEANUPS.lock().unwrap_or_else(PoisonError::into_inner).retain(|(number, _)| *number != self.0);
    }
}
