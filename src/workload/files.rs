//! Reading `--workload` files and folders. Does not look at what the statements say.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, reason};
use crate::sql::{self, FileStatement};

/// A workload file.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptFile {
    /// Its path, as given or as found in a folder that was given.
    pub path: String,
    /// Its statements, in their order.
    pub statements: Vec<FileStatement>,
}

/// Reads files, and every `*.sql` file in folders and the folders below them, sorted by path. A file that is given
/// itself may have any name.
///
/// # Errors
/// Unsupported, naming the path: it does not exist, cannot be read, is not UTF-8 or no SQL (naming the line, too), or
/// is a folder without `*.sql` files.
pub fn read_scripts(paths: &[PathBuf]) -> Result<Vec<ScriptFile>> {
    let mut files = Vec::new();
    for path in paths {
        let is_folder = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.is_dir();
        if !is_folder {
            files.push(path.clone());
            continue;
        }
        let found = sql_files(path)?;
        if found.is_empty() {
            return Err(Error::unsupported(format!(
                "there are no *.sql files in the workload folder {}",
                path.display()
            ))
            .with_hint("Give files or folders with statements that end in semicolons."));
        }
        files.extend(found);
    }
    files.iter().map(|path| read(path)).collect()
}

fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            // A link to a folder is not followed: it may lead back up.
            let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), &error))?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql")) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<ScriptFile> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::unsupported(format!("the workload file {} is not UTF-8 text", path.display()))
            .with_hint("Convert it, with iconv for instance.")
    })?;
    let statements = sql::split(text.trim_start_matches('\u{feff}')).map_err(|reason| {
        Error::unsupported(format!("could not read the workload {}: {reason}", path.display()))
            .with_hint("Mend that line: a workload file holds SQL statements that end in semicolons, and comments.")
    })?;
    Ok(ScriptFile { path: path.display().to_string(), statements })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::unsupported(format!("could not read the workload {}: {}", path.display(), reason(error)))
        .with_hint("--workload takes SQL files, and folders with *.sql files.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn folders_are_read_in_the_order_of_their_paths() {
        let folder = folder_with(&[
            ("b.sql", b"select 2; select 3"),
            ("a/c.SQL", b"select 1"),
            ("notes.txt", b"no"),
            ("d.sql", "\u{feff}select 4".as_bytes()),
        ]);
        let scripts = read_scripts(&[folder.path().to_owned()]).unwrap();
        let texts: Vec<&str> =
            scripts.iter().flat_map(|script| &script.statements).map(|found| found.text.as_str()).collect();
        assert_eq!(texts, ["select 1", "select 2", "select 3", "select 4"]);
        let given = read_scripts(&[folder.path().join("notes.txt")]).unwrap();
        assert_eq!(given[0].statements[0].text, "no");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = folder_with(&[
            ("latin1.sql", b"select 'gr\xfc\xdfe'"),
            ("empty/none.txt", b""),
            ("cut.sql", b"select 1;\nselect 'x"),
        ]);
        for (path, expected) in [
            (folder.path().join("missing.sql"), "no such file or directory"),
            (folder.path().join("latin1.sql"), "is not UTF-8 text"),
            (folder.path().join("cut.sql"), "line 2: "),
            (folder.path().join("empty"), "there are no *.sql files"),
        ] {
            let error = read_scripts(std::slice::from_ref(&path)).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
            assert!(error.message().contains(&path.display().to_string()), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
