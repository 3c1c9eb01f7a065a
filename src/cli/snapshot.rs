//! `pgadvise snapshot`: everything that an analysis needs, in a file.

use std::path::Path;

use super::arguments::{Global, SnapshotArguments};
use super::ending;
use super::output;
use super::progress::Progress;
use super::source;
use crate::analysis::{Capture, capture};
use crate::error::Result;
use crate::snapshot::Snapshot;

pub(super) fn run(arguments: &SnapshotArguments, global: &Global) -> Result<u8> {
    let request = Capture { source: source::resolve(&arguments.source)?, with_plans: !arguments.no_plans };
    let _said = ending::listen_for_signals()?;
    let progress = Progress::start(global.quiet);
    let snapshot = capture(&request, &|what| progress.say(what))?;
    progress.say("writing the snapshot");
    snapshot.write_file(&arguments.output)?;
    drop(progress);
    source::warn_if_unverified(&request.source, global);
    say_what_was_written(&snapshot, &arguments.output, global);
    Ok(0)
}

fn say_what_was_written(snapshot: &Snapshot, path: &Path, global: &Global) {
    output::note(global.quiet, &format!("wrote {}: {} relations", path.display(), snapshot.relations.len()));
}
