//! What is being done, on stderr: one line that is redrawn on a terminal, with a bar where the end is known; elsewhere, with
//! -v, a line for each phase.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the line is redrawn while nothing is said.
const REDRAWN_EVERY: Duration = Duration::from_millis(200);

const WITHOUT_END: &str = "{spinner} {msg} ({elapsed})";
const WITH_END: &str = "{spinner} [{bar:24}] {msg} ({elapsed})";

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
        if is_shown {
            bar.enable_steady_tick(REDRAWN_EVERY);
        }
        Self { bar, phase: RefCell::default() }
    }

    /// Says what is being done now. `planning statements: 120 of 5000` is shown with a bar.
    pub(super) fn say(&self, what: &str) {
        let what = crate::pg::text::one_line(what);
        let phase = what.split(':').next().unwrap_or_default();
        if self.phase.replace(phase.to_owned()) != phase {
            tracing::info!("{phase}");
        }
        let share = share_done(&what);
        if let Some((done, all)) = share {
            self.bar.set_length(all);
            self.bar.set_position(done);
        }
        if let Ok(style) = ProgressStyle::with_template(if share.is_some() { WITH_END } else { WITHOUT_END }) {
            self.bar.set_style(style);
        }
        self.bar.set_message(what);
        self.bar.tick();
    }
}

/// The numbers of `phase: 120 of 5000 …`.
fn share_done(what: &str) -> Option<(u64, u64)> {
    let (_, counts) = what.split_once(": ")?;
    let mut words = counts.split_whitespace();
    let done = words.next()?.parse().ok()?;
    let all = words.next().filter(|word| *word == "of").and_then(|_| words.next())?.parse().ok()?;
    Some((done, all))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_shown_where_the_end_is_known() {
        assert_eq!(share_done("planning statements: 120 of 5000"), Some((120, 5000)));
        assert_eq!(share_done("choosing indexes: 812 of 20000 plans at most, 310 candidates"), Some((812, 20_000)));
        assert_eq!(share_done("pricing the workload: 40 plans, 310 candidates"), None);
        assert_eq!(share_done("connecting"), None);
    }
}
