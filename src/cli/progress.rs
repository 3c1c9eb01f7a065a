//! What is being done, on stderr: one line that is redrawn on a terminal, nothing elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that says what is being done.
pub(super) struct Progress {
    bar: ProgressBar,
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
        Self { bar }
    }

    /// Says what is being done now.
    pub(super) fn say(&self, what: &str) {
        self.bar.set_message(crate::pg::text::one_line(what));
        self.bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
