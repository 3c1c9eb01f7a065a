//! Writing a bundle: the whole folder appears at once or not at all, and no file that is there is touched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::manifest::MANIFEST_FILE;
use super::{Bundle, EmittedFile};
use crate::error::{Error, Result, reason};

/// What ends the name of every folder that pgadvise writes.
const FOLDER_SUFFIX: &str = "_pgadvise";

/// How many names are tried, one second apart, before giving up: more runs than this do not start in one second.
const NAMES_TRIED_MAX: i64 = 60;

/// Writes `bundle` into a new folder of `out` and returns the folder; `None` when there is nothing to write.
///
/// The files are written and synced in a hidden folder beside it, which then gets its name by one rename: after a
/// crash there is the whole folder or none. A folder that exists is left alone, the new one is named a second later.
///
/// # Errors
/// `Output`, when `out` or a file in it cannot be written.
pub fn write(bundle: &Bundle, out: &Path) -> Result<Option<PathBuf>> {
    if bundle.files.is_empty() {
        return Ok(None);
    }
    write_folder(bundle, out).map(Some).map_err(|error| {
        Error::output(format!("could not write migrations to {}: {}", out.display(), reason(&error))).with_hint(
            "Give a folder that you may write to: pgadvise analyze --out DIR, or write none: pgadvise analyze --no-emit.",
        )
    })
}

fn write_folder(bundle: &Bundle, out: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(out)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pgadvise-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
    let hidden = builder.tempdir_in(out)?;
    for file in &bundle.files {
        write_file(hidden.path(), file)?;
    }
    sync_folders(hidden.path(), &bundle.files)?;
    let folder = appear(hidden.path(), out, bundle.emitted_at)?;
    // It has its name now; dropping the handle would only look for the hidden one.
    let _ = hidden.keep();
    sync(out)?;
    Ok(folder)
}

fn write_file(folder: &Path, file: &EmittedFile) -> io::Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // Migrations are committed: readable as the umask says, unlike reports and snapshots.
    let mut handle = OpenOptions::new().write(true).create_new(true).open(path)?;
    handle.write_all(file.content.as_bytes())?;
    handle.sync_all()
}

fn sync_folders(folder: &Path, files: &[EmittedFile]) -> io::Result<()> {
    let mut folders: Vec<PathBuf> =
        files.iter().filter_map(|file| folder.join(&file.path).parent().map(Path::to_owned)).collect();
    folders.sort();
    folders.dedup();
    folders.iter().try_for_each(|folder| sync(folder))
}

fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Gives the hidden folder the first free name.
fn appear(hidden: &Path, out: &Path, emitted_at: Timestamp) -> io::Result<PathBuf> {
    for seconds in 0..NAMES_TRIED_MAX {
        let folder = out.join(folder_name(emitted_at + SignedDuration::from_secs(seconds)));
        // A rename would replace an empty folder, which somebody else may have just made.
        if folder.symlink_metadata().is_ok() {
            continue;
        }
        match fs::rename(hidden, &folder) {
            Err(error) if is_taken(&error) => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(folder),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many folders of the same second"))
}

fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory
    )
}

/// `20261120180000_pgadvise`
fn folder_name(at: Timestamp) -> String {
    format!("{}{FOLDER_SUFFIX}", at.strftime("%Y%m%d%H%M%S"))
}

/// The manifest of the newest folder that pgadvise wrote into `out`.
///
/// # Errors
/// `Usage`, when there is none.
pub fn newest_manifest(out: &Path) -> Result<PathBuf> {
    let names = fs::read_dir(out).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let newest = names
        .filter(|name| name.ends_with(FOLDER_SUFFIX) && !name.starts_with('.'))
        .filter(|name| out.join(name).join(MANIFEST_FILE).is_file())
        .max();
    newest.map(|name| out.join(name).join(MANIFEST_FILE)).ok_or_else(|| {
        Error::usage(format!("there is no manifest under {}", out.display()))
            .with_hint("Write one with pgadvise analyze, or name it: pgadvise verify --manifest FILE.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::{MANIFEST_VERSION, Manifest};
    use crate::error::ErrorKind;

    fn bundle() -> Bundle {
        let emitted_at = "2026-11-20T18:00:00Z".parse().unwrap();
        Bundle {
            emitted_at,
            files: ["0001_a.sql", "rollback/0001_a.sql", "manifest.json"]
                .map(|path| EmittedFile { path: path.into(), content: format!("{path}\n") })
                .to_vec(),
            manifest: Manifest {
                manifest_version: MANIFEST_VERSION,
                pgadvise_version: "0.1.0".into(),
                emitted_at,
                framework: "sql".into(),
                server_version: "15.18".into(),
                database: "shop".into(),
                search_path: vec![],
                what_if: None,
                statistics: vec![],
                indexes: vec![],
            },
            gaps: vec![],
        }
    }

    #[test]
    fn the_folder_appears_whole_and_the_next_is_a_second_later() {
        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("deep/migrations_out");
        let first = write(&bundle(), &out).unwrap().unwrap();
        assert!(first.ends_with("20261120180000_pgadvise"));
        assert_eq!(fs::read_to_string(first.join("rollback/0001_a.sql")).unwrap(), "rollback/0001_a.sql\n");
        fs::write(first.join("0001_a.sql"), "edited").unwrap();
        let second = write(&bundle(), &out).unwrap().unwrap();
        assert!(second.ends_with("20261120180001_pgadvise"));
        assert_eq!(fs::read_to_string(first.join("0001_a.sql")).unwrap(), "edited");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 2, "nothing hidden is left");
        assert_eq!(newest_manifest(&out).unwrap(), second.join("manifest.json"));
    }

    #[cfg(unix)]
    #[test]
    fn files_have_the_mode_that_the_umask_leaves() {
        use std::os::unix::fs::PermissionsExt;
        let out = tempfile::tempdir().unwrap();
        let plain = out.path().join("plain");
        fs::write(&plain, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let folder = write(&bundle(), out.path()).unwrap().unwrap();
        assert_eq!(mode(&folder.join("0001_a.sql")), mode(&plain));
        assert_eq!(mode(&folder) & 0o700, 0o700);
    }

    #[test]
    fn where_nothing_can_be_written_is_an_output_error() {
        let out = tempfile::tempdir().unwrap();
        let file = out.path().join("file");
        fs::write(&file, "mine").unwrap();
        let error = write(&bundle(), &file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Output);
        assert!(error.hint().unwrap().contains("--out"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }

    #[test]
    fn what_fails_in_the_middle_leaves_nothing() {
        let out = tempfile::tempdir().unwrap();
        let mut bundle = bundle();
        bundle.files.push(bundle.files[0].clone());
        assert_eq!(write(&bundle, out.path()).unwrap_err().kind(), ErrorKind::Output);
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_or_an_empty_folder_of_the_name_is_left_alone() {
        let out = tempfile::tempdir().unwrap();
        fs::write(out.path().join("20261120180000_pgadvise"), "mine").unwrap();
        fs::create_dir(out.path().join("20261120180001_pgadvise")).unwrap();
        let folder = write(&bundle(), out.path()).unwrap().unwrap();
        assert!(folder.ends_with("20261120180002_pgadvise"));
        assert_eq!(fs::read_to_string(out.path().join("20261120180000_pgadvise")).unwrap(), "mine");
        assert_eq!(fs::read_dir(out.path().join("20261120180001_pgadvise")).unwrap().count(), 0);
    }

    #[test]
    fn no_step_no_folder() {
        let out = tempfile::tempdir().unwrap();
        let empty = Bundle { files: vec![], ..bundle() };
        assert_eq!(write(&empty, &out.path().join("new")).unwrap(), None);
        assert!(!out.path().join("new").exists());
        assert_eq!(newest_manifest(out.path()).unwrap_err().kind(), ErrorKind::Usage);
    }
}
