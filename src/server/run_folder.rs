//! Where private servers live: one folder each under a parent of this user's, with a lock that tells whether its owner still lives. Starts nothing.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::account::Account;
use super::reaper::{Order, Reaper};
use crate::error::{Error, Result, reason};

/// The longest path of a Unix socket: `sun_path` holds 104 bytes with the closing zero on macOS and the BSDs (108 on Linux).
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// What a socket's path has after the folder for temporary files, at its longest.
const SOCKET_PATH_TAIL: &str = "/pgadvise-4294967295/12345678/.s.PGSQL.65535";

/// Used when the user's own folder for temporary files is too long for a socket, or closed to the servers' account.
const FALLBACK_TEMPORARY_FOLDER: &str = "/tmp";

/// The extension of the lock beside each folder.
const LOCK_EXTENSION: &str = "lock";

/// The folder of one server. While this value lives its lock is held, and nobody takes the folder for a leftover.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Makes a new folder, owned by `account` and closed to all others. Before that, removes what killed runs left
    /// behind, and stops their servers.
    pub fn create(account: &Account) -> Result<Self> {
        let parent = parent_folder(&temporary_folder(account), account)?;
        // Held until the new folder is locked, so that two runs never take each other's for a leftover.
        let _parent_lock = lock_parent(&parent)?;
        remove_leftovers(&parent)?;
        let path = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(8)
            .tempdir_in(&parent)
            .map_err(|error| cannot_use(&parent, &error))?
            .keep();
        let lock = lock_file(&path).map_err(|error| cannot_use(&path, &error))?;
        account.own(&path).map_err(|error| cannot_use(&path, &error))?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder; the socket is in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// What the server writes to its standard error.
    pub fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// Removes the folder and its lock, as a reaper does.
    pub fn remove(&self) {
        // Nothing is left to report to: what stays is removed as a leftover by the next run.
        let _ = std::fs::remove_dir_all(&self.path);
        let _ = std::fs::remove_file(self.path.with_extension(LOCK_EXTENSION));
    }
}

/// The user's folder for temporary files if a server can have its socket there, else `/tmp`.
fn temporary_folder(account: &Account) -> PathBuf {
    let own = std::env::temp_dir();
    let is_short = own.as_os_str().len() + SOCKET_PATH_TAIL.len() <= SOCKET_PATH_BYTES_MAX;
    if own.is_absolute() && is_short && account.can_reach(&own) {
        own
    } else {
        PathBuf::from(FALLBACK_TEMPORARY_FOLDER)
    }
}

/// The folder that holds this user's servers: `pgadvise-<uid>`. Its name is known to everybody, so it is used only if
/// it belongs to us and nobody else can write to it.
fn parent_folder(temporary: &Path, account: &Account) -> Result<PathBuf> {
    const OTHERS_WRITE: u32 = 0o022;
    let parent = temporary.join(format!("pgadvise-{}", account.caller_uid()));
    // An account other than ours must be able to pass through to its own folder, and no more.
    let mode = if matches!(account, Account::Own(_)) { 0o700 } else { 0o711 };
    match DirBuilder::new().mode(mode).create(&parent) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(cannot_use(&parent, &error)),
        _ => {}
    }
    let metadata = parent.symlink_metadata().map_err(|error| cannot_use(&parent, &error))?;
    if !metadata.is_dir() || metadata.uid() != account.caller_uid() || metadata.mode() & OTHERS_WRITE != 0 {
        return Err(Error::output(format!("{} is not a folder of this user alone", parent.display()))
            .with_hint("Remove it, or set TMPDIR to another folder."));
    }
    Ok(parent)
}

fn lock_parent(parent: &Path) -> Result<File> {
    let path = parent.join(LOCK_EXTENSION);
    open_lock(&path).and_then(|file| file.lock().map(|()| file)).map_err(|error| cannot_use(&path, &error))
}

fn lock_file(folder: &Path) -> std::io::Result<File> {
    let file = open_lock(&folder.with_extension(LOCK_EXTENSION))?;
    file.try_lock()?;
    Ok(file)
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Stops the servers and removes the folders of owners that are gone. Their reapers usually did: this is for a machine
/// that was switched off, or a reaper that was killed too.
fn remove_leftovers(parent: &Path) -> Result<()> {
    for folder in folders(parent).map_err(|error| cannot_use(parent, &error))? {
        match lock_file(&folder) {
            Ok(lock) => {
                tracing::debug!(folder = %folder.display(), "removing what a run left behind");
                Reaper::watch(&folder)?.finish(Order::Remove)?;
                drop(lock);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(cannot_use(&folder, &error)),
        }
    }
    Ok(())
}

/// The folders of all runs under `parent`: those that are there, and those of which only the lock is.
fn folders(parent: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(parent)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name != LOCK_EXTENSION) {
            folders.insert(path.with_extension(""));
        }
    }
    Ok(folders)
}

fn cannot_use(path: &Path, error: &std::io::Error) -> Error {
    Error::output(format!("could not use {}: {}", path.display(), reason(&error)))
        .with_hint("Set TMPDIR to a folder that can be written.")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn own() -> Account {
        Account::Own(super::super::account::effective_uid().expect("a uid"))
    }

    #[test]
    fn a_parent_that_others_can_write_to_is_refused() {
        let temporary = tempfile::tempdir().expect("a folder");
        let parent = parent_folder(temporary.path(), &own()).expect("a parent");
        std::fs::set_permissions(&parent, PermissionsExt::from_mode(0o777)).expect("chmod");
        assert!(parent_folder(temporary.path(), &own()).is_err());
    }

    #[test]
    fn a_link_in_the_parents_place_is_refused() {
        let temporary = tempfile::tempdir().expect("a folder");
        let name = format!("pgadvise-{}", own().caller_uid());
        std::os::unix::fs::symlink("/tmp", temporary.path().join(name)).expect("a link");
        assert!(parent_folder(temporary.path(), &own()).is_err());
    }

    #[test]
    fn leftovers_go_and_what_is_locked_stays() {
        let temporary = tempfile::tempdir().expect("a folder");
        let (dead, alive) = (temporary.path().join("dead"), temporary.path().join("alive"));
        for folder in [&dead, &alive] {
            std::fs::create_dir_all(folder.join("data")).expect("a folder");
        }
        std::fs::write(temporary.path().join("gone.lock"), "").expect("a file");
        let lock = lock_file(&alive).expect("the lock");
        remove_leftovers(temporary.path()).expect("leftovers are removed");
        assert!(!dead.exists() && !temporary.path().join("gone.lock").exists());
        assert!(alive.exists());
        drop(lock);
    }
}
