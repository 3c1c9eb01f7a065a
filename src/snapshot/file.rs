//! Snapshots as files: versioned JSON, compressed where the name says so, written whole or not at all. Knows nothing of
//! servers.

use std::fs::{self, File};
use std::io::{self, ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tempfile::NamedTempFile;

use super::check::check;
use super::stream::{self, Form, JSON_BYTES_MAX};
use super::{FORMAT_VERSION, Snapshot};
use crate::error::{Error, Result, reason};
use crate::pg::Bytes;

/// How a file is recognised before the rest of it is understood.
#[derive(Deserialize)]
struct Header {
    format_version: Option<u32>,
    /// What pgadvise's reports begin with.
    schema_version: Option<IgnoredAny>,
}

/// What a user can do about a file that is no snapshot of this version.
const HOW_TO_WRITE: &str = "Write a snapshot with: pgadvise snapshot -o FILE";

/// What the name of a file begins with as long as it is being written.
const UNFINISHED: &str = ".pgadvise-snapshot-";

impl Snapshot {
    /// Reads a snapshot, compressed or not, whatever its name says.
    ///
    /// # Errors
    /// Kind `Unsupported` when the file cannot be read, is not a snapshot, is cut off, damaged or larger than a snapshot
    /// can be, or has another format version. Nothing that the file holds is quoted.
    pub fn read_file(path: &Path) -> Result<Self> {
        read(path).map_err(|error| {
            let hint = error.hint().unwrap_or(HOW_TO_WRITE).to_owned();
            Error::unsupported(format!("could not read snapshot {}: {}", path.display(), error.message()))
                .with_hint(hint)
        })
    }

    /// Writes the snapshot: into a new file beside `path`, readable by its owner only, which then takes its place; its
    /// size. It is compressed where the name ends in `.gz`. A snapshot that is there already is replaced; any other file
    /// is left alone. A link is followed, and what is no regular file, `/dev/stderr` or a named pipe, is written to and
    /// stays what it is.
    ///
    /// # Errors
    /// Kind `Output`.
    pub fn write_file(&self, path: &Path) -> Result<Bytes> {
        let refuse = |reason: &str| Error::output(format!("could not write snapshot {}: {reason}", path.display()));
        let form = Form::of_name(path).map_err(|ending| {
            refuse(&format!(".{ending} is not a compression that pgadvise writes"))
                .with_hint("Name a file that ends in .json.gz, or in .json.")
        })?;
        let metadata = fs::metadata(path).ok();
        if metadata.as_ref().is_some_and(|metadata| metadata.is_file() && !may_replace(path)) {
            return Err(refuse("a file that is not a snapshot is in its place")
                .with_hint("Name another file, or remove that one first."));
        }
        let is_special = metadata.is_some_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        let written = if is_special { self.write_into(path, form) } else { self.replace(path, form) };
        written.map_err(|error| {
            refuse(&words(&error)).with_hint(match error.kind() {
                IoErrorKind::FileTooLarge => "Leave out the plans with --no-plans, or the values with --redact.",
                _ => "Name a file in a folder that exists, can be written to, and has room.",
            })
        })
    }

    /// Writes the snapshot, uncompressed, to `sink`.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn write_json(&self, sink: impl Write) -> io::Result<()> {
        self.write(sink, Form::Plain)
    }

    fn write(&self, sink: impl Write, form: Form) -> io::Result<()> {
        stream::write(sink, form, |writer| {
            serde_json::to_writer(&mut *writer, self)?;
            writer.write_all(b"\n")?;
            writer.flush()
        })
    }

    fn replace(&self, path: &Path, form: Form) -> io::Result<Bytes> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        remove_abandoned(folder);
        let mut file = unfinished_in(folder)?;
        self.write(file.as_file_mut(), form)?;
        file.as_file().sync_all()?;
        let bytes = Bytes(file.as_file().metadata()?.len());
        file.persist(&path)?;
        Ok(bytes)
    }

    fn write_into(&self, path: &Path, form: Form) -> io::Result<Bytes> {
        let mut counted = Counted { inner: File::options().write(true).open(path)?, n_bytes: 0 };
        self.write(&mut counted, form)?;
        Ok(Bytes(counted.n_bytes))
    }
}

fn read(path: &Path) -> Result<Snapshot> {
    let refuse = |error: io::Error| Error::unsupported(words(&error));
    if fs::metadata(path).map_err(refuse)?.is_dir() {
        return Err(Error::unsupported("it is a directory"));
    }
    let mut file = File::open(path).map_err(refuse)?;
    if !file.metadata().map_err(refuse)?.is_file() {
        return Err(Error::unsupported("it is not a regular file")
            .with_hint("Write the snapshot into a file first, and name that."));
    }
    let failure = match parse::<Snapshot>(&mut file) {
        Ok(snapshot) if snapshot.format_version == FORMAT_VERSION => {
            return check(&snapshot).map(|()| snapshot).map_err(Error::unsupported);
        }
        Ok(snapshot) => return Err(other_version(snapshot.format_version)),
        Err(error) => error,
    };
    // It cannot be understood: perhaps because it is something else, which it may say itself.
    match parse::<Header>(&mut file) {
        Ok(Header { format_version: Some(version), .. }) if version != FORMAT_VERSION => Err(other_version(version)),
        Ok(Header { format_version: None, schema_version: Some(_) }) => {
            Err(Error::unsupported("it is a report or a manifest of pgadvise, not a snapshot"))
        }
        Ok(_) | Err(_) => Err(failure),
    }
}

fn parse<T: DeserializeOwned>(file: &mut File) -> Result<T> {
    let reader = stream::reader(file, JSON_BYTES_MAX).map_err(|error| Error::unsupported(words(&error)))?;
    serde_json::from_reader(reader).map_err(malformed)
}

/// Whether the file holds a snapshot of whatever version, or nothing.
fn may_replace(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let is_empty = file.metadata().is_ok_and(|metadata| metadata.len() == 0);
    is_empty || parse::<Header>(&mut file).is_ok_and(|header| header.format_version.is_some())
}

/// A new file that bears a name which shows that it is unfinished, and a lock which shows that somebody is at it.
fn unfinished_in(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        // Where there are no locks, nobody removes what looks abandoned, either.
        let _ = file.as_file().lock();
        if file.path().exists() {
            return Ok(file);
        }
    }
}

/// Removes what killed runs left unfinished: files that nobody has locked any more.
fn remove_abandoned(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let unfinished = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED));
    let paths = unfinished.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).map(|entry| entry.path());
    for path in paths.collect::<Vec<PathBuf>>() {
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            // Where it cannot be removed it stays, and harms nobody.
            let _ = fs::remove_file(path);
        }
    }
}

/// Counts what is written.
struct Counted<W> {
    inner: W,
    n_bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_written = self.inner.write(bytes)?;
        self.n_bytes += n_written as u64;
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn other_version(found: u32) -> Error {
    let message = format!("its format version is {found}, this pgadvise reads {FORMAT_VERSION}");
    if found > FORMAT_VERSION {
        Error::unsupported(message).with_hint("Upgrade pgadvise to the version that wrote the file, or a later one.")
    } else {
        Error::unsupported(message).with_hint("Take the snapshot again with: pgadvise snapshot -o FILE")
    }
}

/// serde_json's messages quote the value that was not expected, which is the user's data: only the place is told.
fn malformed(error: serde_json::Error) -> Error {
    let place = format!("line {} column {}", error.line(), error.column());
    Error::unsupported(match error.classify() {
        serde_json::error::Category::Eof => format!("the file ends too early, at {place}"),
        serde_json::error::Category::Syntax => format!("it is not JSON, or damaged, at {place}"),
        serde_json::error::Category::Data => format!("it does not have the form of a snapshot, at {place}"),
        serde_json::error::Category::Io => words(&io::Error::from(error)),
    })
}

/// The system's words for an I/O error in PostgreSQL's style, without the error number.
fn words(error: &io::Error) -> String {
    match error.kind() {
        IoErrorKind::NotFound => "no such file or directory".to_owned(),
        IoErrorKind::IsADirectory => "it is a directory".to_owned(),
        // What flate2 says of a checksum that does not match, and of data that was never compressed.
        IoErrorKind::InvalidInput => "its compressed data is damaged".to_owned(),
        IoErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        _ => reason(error),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
