//! What to read: the argument, else $DATABASE_URL, else libpq's variables; a file or a server. Opens neither.

use std::path::{Path, PathBuf};

use super::arguments::{Global, ServerArguments, SourceArguments};
use super::output;
use crate::analysis::Source;
use crate::db::Target;
use crate::error::{Error, Result};

/// What a file's name ends in where it can only be a snapshot, whether the file is there or not.
const SNAPSHOT_ENDINGS: [&str; 4] = [".json", ".json.gz", ".snapshot", ".snapshot.gz"];

/// What a SOURCE says that it is.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Server,
    File,
    /// The name of a database, and of a file that is there.
    Both,
}

/// The server or the snapshot file to read.
///
/// # Errors
/// Usage, when the argument is malformed or can mean both; a connection string is never repeated in the message, for
/// it may hold a password.
pub(super) fn resolve(arguments: &SourceArguments) -> Result<Source> {
    let Some(source) = arguments.source.as_deref() else {
        return Ok(Source::Server(Box::new(from_environment()?)));
    };
    match meaning(source) {
        Meaning::Server => Ok(Source::Server(Box::new(Target::resolve(Some(source))?))),
        Meaning::File if source.ends_with(".sql") => {
            Err(Error::usage(format!("{source} is a file of SQL, and the source is a server or a snapshot"))
                .with_hint(format!("Give the statements as the workload: --workload {source}")))
        }
        Meaning::File => Ok(Source::Snapshot(PathBuf::from(source))),
        Meaning::Both => Err(Error::usage(format!("\"{source}\" can be a database or the file of that name"))
            .with_hint(format!("Write ./{source} for the file, or dbname={source} for the database."))),
    }
}

/// The standbys that `--replica` names.
///
/// # Errors
/// Usage, when a connection string is malformed, or the source is a file, which holds what was read with it.
pub(super) fn replicas(source: &Source, replicas: &[String]) -> Result<Vec<Target>> {
    if matches!(source, Source::Snapshot(_)) && !replicas.is_empty() {
        return Err(Error::usage("--replica reads servers, and the source is a snapshot file").with_hint(
            "Name the standbys when the snapshot is taken: pgadvise snapshot SOURCE --replica URL -o FILE",
        ));
    }
    replicas.iter().map(|url| Target::resolve(Some(url))).collect()
}

/// The server to read, for a command that has no use for a snapshot.
///
/// # Errors
/// Usage: as [`resolve`], or it is a file.
pub(super) fn server(arguments: &ServerArguments, command: &str) -> Result<Target> {
    match arguments.source.as_deref() {
        None => from_environment(),
        Some(source) if meaning(source) == Meaning::File => Err(Error::usage(format!(
            "{command} looks at the server itself, and {source} is a file"
        ))
        .with_hint(format!("Give the database's URL instead: pgadvise {command} postgres://user@host/database"))),
        Some(source) => Target::resolve(Some(source)),
    }
}

fn from_environment() -> Result<Target> {
    let url = std::env::var("DATABASE_URL").ok().filter(|url| !url.trim().is_empty());
    Target::resolve(url.as_deref())
}

/// A URL is a server. So is `key=value`, unless the key is none. A word alone is a database, and anything else, which
/// no database can be called here, is a file.
fn meaning(source: &str) -> Meaning {
    let is_word = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
    if source.contains("://") || source.trim().is_empty() {
        return Meaning::Server;
    }
    if let Some((key, _)) = source.split_once('=') {
        let is_key = is_word(key.trim().trim_start_matches(['"', '\'']));
        return if is_key && !has_snapshot_ending(source) { Meaning::Server } else { Meaning::File };
    }
    match (is_word(source), Path::new(source).is_file()) {
        (true, true) => Meaning::Both,
        (true, false) => Meaning::Server,
        (false, _) => Meaning::File,
    }
}

fn has_snapshot_ending(source: &str) -> bool {
    SNAPSHOT_ENDINGS.iter().any(|ending| source.ends_with(ending)) && Path::new(source).is_file()
}

/// What is said of a remote server that anybody could pose as.
const UNVERIFIED: &str = "the server's identity is not verified\nHINT:  Connect with sslmode=verify-full.";

/// Notes on stderr that nothing proves who answers: a remote server without `verify-full` or `verify-ca`.
pub(super) fn warn_if_unverified(source: &Source, global: &Global) {
    if let Source::Server(target) = source
        && !target.is_server_verified()
    {
        output::note(global.quiet, &UNVERIFIED);
    }
}
