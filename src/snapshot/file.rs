//! Snapshots as files: versioned JSON, written whole or not at all. Knows nothing of servers.

use std::io::{BufWriter, ErrorKind as IoErrorKind, Read, Write};
use std::path::Path;

use serde::Deserialize;

use super::{FORMAT_VERSION, Snapshot};
use crate::error::{Error, Result};

/// How a file is recognised before the rest of it is understood.
#[derive(Deserialize)]
struct Header {
    format_version: u32,
}

/// What a user can do about a file that is no snapshot of this version.
const HOW_TO_WRITE: &str = "Write a snapshot with: pgadvise snapshot -o FILE";

impl Snapshot {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// Kind `Unsupported` when the file cannot be read, is not a snapshot, is cut off, or has another format version.
    pub fn read_file(path: &Path) -> Result<Self> {
        let refuse =
            |reason: String| Error::unsupported(format!("could not read snapshot {}: {reason}", path.display()));
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| refuse(reason(&error)).with_hint(HOW_TO_WRITE))?;
        Self::from_json(&bytes).map_err(|error| {
            let hint = error.hint().unwrap_or(HOW_TO_WRITE).to_owned();
            refuse(error.message().to_owned()).with_hint(hint)
        })
    }

    /// Reads a snapshot from JSON.
    ///
    /// # Errors
    /// Kind `Unsupported`, without quoting anything that the text holds.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let header: Header = serde_json::from_slice(json).map_err(|error| malformed(&error))?;
        if header.format_version != FORMAT_VERSION {
            return Err(other_version(header.format_version));
        }
        serde_json::from_slice(json).map_err(|error| malformed(&error))
    }

    /// Writes the snapshot: into a new file beside `path`, readable by its owner only, which then takes its place.
    /// A snapshot that is there already is replaced; any other file is left alone.
    ///
    /// # Errors
    /// Kind `Output`.
    pub fn write_file(&self, path: &Path) -> Result<()> {
        let refuse = |reason: String| Error::output(format!("could not write snapshot {}: {reason}", path.display()));
        if !may_replace(path) {
            return Err(refuse("a file that is not a snapshot is in its place".to_owned())
                .with_hint("Name another file, or remove that one first."));
        }
        let failed = |error: std::io::Error| {
            refuse(reason(&error)).with_hint("Name a file in a folder that exists and can be written to.")
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        self.write_json(BufWriter::new(file.as_file_mut())).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn write_json(&self, mut writer: impl Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut writer, self)?;
        writer.write_all(b"\n")?;
        writer.flush()
    }
}

/// Whether nothing is there, or a snapshot of whatever version.
fn may_replace(path: &Path) -> bool {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice::<Header>(&bytes).is_ok(),
        Err(error) => error.kind() == IoErrorKind::NotFound,
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
fn malformed(error: &serde_json::Error) -> Error {
    let place = format!("line {} column {}", error.line(), error.column());
    let message = match error.classify() {
        serde_json::error::Category::Eof => format!("the file ends too early, at {place}"),
        serde_json::error::Category::Syntax => format!("it is not JSON of a snapshot, at {place}"),
        serde_json::error::Category::Data | serde_json::error::Category::Io => {
            format!("it does not have the form of a snapshot, at {place}")
        }
    };
    Error::unsupported(message).with_hint(HOW_TO_WRITE)
}

/// The system's words for an I/O error in PostgreSQL's style, without the error number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        IoErrorKind::NotFound => "no such file or directory".to_owned(),
        IoErrorKind::PermissionDenied => "permission denied".to_owned(),
        IoErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn refusal(json: &str) -> Error {
        Snapshot::from_json(json.as_bytes()).expect_err("it is not a snapshot")
    }

    #[test]
    fn what_is_no_snapshot_of_this_version_is_refused_with_a_hint() {
        for (json, part) in [
            ("", "ends too early"),
            ("{\"format_version\": 1", "ends too early"),
            ("{\"format_version\": 1}", "does not have the form"),
            ("{\"format_version\": \"canary\"}", "does not have the form"),
            ("{}", "does not have the form"),
            ("[]", "does not have the form"),
            ("not json", "not JSON"),
            ("{\"format_version\": 99, \"tables\": []}", "its format version is 99"),
            ("{\"format_version\": 0}", "its format version is 0"),
        ] {
            let error = refusal(json);
            assert!(error.message().contains(part), "{json}: {error}");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.hint().is_some());
            assert!(!error.to_string().contains("canary"));
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_exhausting_the_stack() {
        for key in ["unknown", "settings", "server"] {
            let (open, close) = ("[".repeat(1_000_000), "]".repeat(1_000_000));
            let deep = format!("{{\"{key}\": {open}1{close}, \"format_version\": 1}}");
            assert!(refusal(&deep).message().contains("does not have the form"));
        }
    }

    #[test]
    fn a_file_that_is_no_snapshot_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.json");
        std::fs::write(&path, "{\"mine\": true}").expect("written");
        assert!(!may_replace(&path));
        std::fs::write(&path, "{\"format_version\": 7}").expect("written");
        assert!(may_replace(&path));
        assert!(may_replace(&folder.path().join("absent.json")));
        assert!(!may_replace(folder.path()));
    }

    #[test]
    fn a_missing_file_is_named_with_the_command_that_writes_one() {
        let error = Snapshot::read_file(Path::new("/nonexistent/snapshot.json")).expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "could not read snapshot /nonexistent/snapshot.json: no such file or directory\nHINT:  Write a snapshot with: pgadvise snapshot -o FILE"
        );
    }
}
