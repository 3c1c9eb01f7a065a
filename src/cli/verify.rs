//! `pgadvise verify`: a manifest held against the database.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::arguments::{Format, Global, VerifyArguments};
use super::ending;
use super::output;
use super::progress::Progress;
use super::source;
use crate::analysis::{Source, verify};
use crate::emit::{self, Manifest};
use crate::error::Result;
use crate::report::{self, Style};

/// Where `analyze` writes when nothing else is said.
const OUT: &str = "migrations_out";

pub(super) fn run(arguments: &VerifyArguments, global: &Global) -> Result<u8> {
    let target = source::server(&arguments.source, "verify")?;
    let path: PathBuf = match &arguments.manifest {
        Some(path) => path.clone(),
        None => emit::newest_manifest(Path::new(OUT))?,
    };
    let manifest = Manifest::read(&path)?;
    let _said = ending::listen_for_signals()?;
    let progress = Progress::start(global.quiet);
    let verdict = verify(&target, &manifest, &|what| progress.say(what))?;
    drop(progress);
    source::warn_if_unverified(&Source::Server(Box::new(target)), global);
    let shown = path.display().to_string();
    let text = match (arguments.format, &arguments.output) {
        (Format::Json, _) => report::verdict_json(&verdict, &shown, Timestamp::now())?,
        (Format::Text, Some(_)) => report::verdict_text(&verdict, &shown, Style::plain(100)),
        (Format::Text, None) => report::verdict_text(&verdict, &shown, Style::of_stdout()),
    };
    output::result(&text, arguments.output.as_deref())?;
    Ok(verdict.exit_code())
}
