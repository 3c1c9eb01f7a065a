//! `pgadvise snapshot`: everything that an analysis needs, in a file.

use std::io::ErrorKind as IoErrorKind;
use std::path::Path;

use super::arguments::{Global, SnapshotArguments};
use super::ending;
use super::output;
use super::progress::Progress;
use super::source;
use crate::analysis::{Capture, capture};
use crate::db::interrupt;
use crate::error::{Error, Result, reason};
use crate::pg::Bytes;
use crate::redaction::redact;
use crate::snapshot::{RecordedOutcome, Snapshot};

/// What says that the snapshot is to be written to stdout.
const STDOUT: &str = "-";

pub(super) fn run(arguments: &SnapshotArguments, global: &Global) -> Result<u8> {
    let with_plans = !arguments.no_plans && !arguments.redact;
    let source = source::resolve(&arguments.source)?;
    let replicas = source::replicas(&source, &arguments.replica)?;
    let request = Capture { source, replicas, with_plans };
    let _said = ending::listen_for_signals()?;
    let progress = Progress::start(global.quiet);
    let mut snapshot = capture(&request, &|what| progress.say(what))?;
    if arguments.redact {
        redact(&mut snapshot);
    }
    interrupt::check()?;
    progress.say("writing the snapshot");
    let bytes = if arguments.output == Path::new(STDOUT) {
        write_stdout(&snapshot)?;
        None
    } else {
        Some(snapshot.write_file(&arguments.output)?)
    };
    drop(progress);
    source::warn_if_unverified(&request.source, global);
    output::note(global.quiet, &said(&snapshot, &arguments.output, bytes, arguments.redact));
    Ok(0)
}

fn write_stdout(snapshot: &Snapshot) -> Result<()> {
    match snapshot.write_json(std::io::stdout().lock()) {
        Err(error) if error.kind() != IoErrorKind::BrokenPipe => {
            Err(Error::output(format!("could not write the snapshot to standard output: {}", reason(&error)))
                .with_hint("Name a file instead: pgadvise snapshot -o FILE"))
        }
        _ => Ok(()),
    }
}

/// What was written, what is missing, and whether it may be given away.
fn said(snapshot: &Snapshot, path: &Path, bytes: Option<Bytes>, is_redacted: bool) -> String {
    let written = match bytes {
        Some(bytes) => format!("wrote snapshot {} ({bytes})", path.display()),
        None => "wrote the snapshot to standard output".to_owned(),
    };
    let n_statements = snapshot.statements.as_ref().map_or(0, |statements| statements.entries.len());
    let is_planned = |outcome: &RecordedOutcome| matches!(outcome, RecordedOutcome::Planned { .. });
    let n_plans = snapshot.plans.iter().filter(|plan| is_planned(&plan.outcome)).count();
    let counts = [
        counted(snapshot.relations.len(), "relation"),
        counted(n_statements, "statement"),
        counted(n_plans, "plan"),
        counted(snapshot.gaps.len(), "gap"),
    ];
    let mut lines = vec![format!("{written}: {}", counts.join(", "))];
    for gap in &snapshot.gaps {
        let line = format!("GAP:  {} {}: {}", gap.what, gap.id, gap.reason);
        lines.push(crate::pg::text::one_line(&line));
    }
    lines.push(match is_redacted {
        true => "NOTE:  It holds no values of the database's data; docs/snapshot.md says what of the schema stays."
            .to_owned(),
        false => {
            "NOTE:  It holds values of the database's data: keep it as you keep a backup, or write it with --redact."
                .to_owned()
        }
    });
    lines.join("\n")
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
