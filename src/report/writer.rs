//! Writing a report: one explicit writer that flushes and says what went wrong. A reader that has seen enough is no error.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::error::{Error, Result, reason};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// All of it was taken.
    Whole,
    /// The reader closed the pipe first, as `head` does: exit quietly.
    ReaderLeft,
}

/// Writes `text` to `sink` and flushes it. `sink_name` names it in messages: `standard output`.
///
/// # Errors
/// `Output`, when anything but a closed pipe gets in the way.
pub fn write_to(sink: &mut dyn Write, sink_name: &str, text: &str) -> Result<Written> {
    match sink.write_all(text.as_bytes()).and_then(|()| sink.flush()) {
        Ok(()) => Ok(Written::Whole),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Written::ReaderLeft),
        Err(error) => Err(could_not_write(sink_name, &error)),
    }
}

/// Writes `text`, which may hold styles, to standard output: without them where it is no terminal.
///
/// # Errors
/// As [`write_to`].
pub fn write_stdout(text: &str) -> Result<Written> {
    write_to(&mut anstream::stdout().lock(), "standard output", text)
}

/// Writes `text` to the file `path`, readable by its owner only, replacing a file that is there as a whole: after a
/// crash there is the old one or the new one. A link is followed; what is no regular file, `/dev/stderr` or a named
/// pipe, is written to and stays what it is.
///
/// # Errors
/// `Output`, when it cannot be written.
pub fn write_file(path: &Path, text: &str) -> Result<()> {
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    let written = if is_special {
        OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()))
    } else {
        replace(&fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), text)
    };
    written.map_err(|error| could_not_write(&path.display().to_string(), &error))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn could_not_write(sink_name: &str, error: &io::Error) -> Error {
    Error::output(format!("could not write the report to {sink_name}: {}", reason(error)))
        .with_hint("Give a file that can be written: pgadvise analyze --output FILE.")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not_even_at_the_flush() {
        assert_eq!(write_to(&mut Vec::new(), "x", "a").unwrap(), Written::Whole);
        assert_eq!(write_to(&mut Broken(ErrorKind::BrokenPipe), "x", "a").unwrap(), Written::ReaderLeft);
        let error = write_to(&mut Broken(ErrorKind::StorageFull), "standard output", "a").unwrap_err();
        assert_eq!(error.kind().exit_code(), 5);
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        write_file(&path, "old").unwrap();
        write_file(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(write_file(&folder.path().join("no/report"), "x").unwrap_err().kind().exit_code(), 5);
        assert_eq!(write_file(folder.path(), "x").unwrap_err().kind().exit_code(), 5);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        write_file(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_file(&link, "new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        let null = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        write_file(&null, "gone").unwrap();
        assert!(!fs::metadata(&null).unwrap().is_file());
    }
}
