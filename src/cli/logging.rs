//! Logs on stderr, for whoever asks with -v or PGADVISE_LOG.

use tracing_subscriber::EnvFilter;

use super::arguments::{ColorWhen, Global};

/// Starts logging: warnings by default, nothing with -q, more with each -v. PGADVISE_LOG holds a filter of tracing's
/// and overrides all of it.
pub(super) fn start(global: &Global) {
    let default = match (global.quiet, global.verbose) {
        (true, _) => "off",
        (false, 0) => "pgadvise=warn",
        (false, 1) => "pgadvise=info",
        (false, _) => "pgadvise=debug",
    };
    let filter = EnvFilter::try_from_env("PGADVISE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .try_init();
    debug_assert!(started.is_ok(), "logging is started once");
    match global.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
        ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
    }
}
