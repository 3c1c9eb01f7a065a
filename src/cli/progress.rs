//! What is being done, on stderr: one line that is redrawn on a terminal; elsewhere, with -v, a line for each phase.

use std::cell::RefCell;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that says what is being done.
pub(super) struct Progress {
    bar: ProgressBar,
    /// What was logged last: what comes after a colon is a count, which only a terminal shows.
    phase: RefCell<String>,
}

impl Progress {
    /// A progress line; silent with `is_quiet`, in CI, and where stderr is not a terminal.
    pub(super) fn start(is_quiet: bool) -> Self {
        let is_shown = !is_quiet && std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Self { bar, phase: RefCell::default() }
    }

    /// Says what is being done now.
    pub(super) fn say(&self, what: &str) {
        let what = crate::pg::text::one_line(what);
        let phase = what.split(':').next().unwrap_or_default();
        if self.phase.replace(phase.to_owned()) != phase {
            tracing::info!("{phase}");
        }
        self.bar.set_message(what);
        self.bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
