//! The operating system account that servers run under: PostgreSQL refuses root. Decides no folder and starts no server.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result, reason};

/// The accounts tried when pgadvise runs as root: PostgreSQL's own, then the one that owns nothing.
const UNPRIVILEGED_ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Variables of the caller that a server keeps: where its shared libraries are. Everything else is left out, because
/// `PGPORT`, `PGDATESTYLE`, `LC_ALL` and their kin would change what the server does.
const KEPT_VARIABLES: [&str; 2] = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// Where system programs are; `initdb` looks up a shell through it.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The account that servers run under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The one that pgadvise runs under, by its user id.
    Own(u32),
    /// Another one, because pgadvise runs as root.
    Other {
        /// Its name.
        name: String,
        /// Its user id.
        uid: u32,
        /// Its group id.
        gid: u32,
    },
}

impl Account {
    /// The account for this process: its own, or an unprivileged one when it is root.
    ///
    /// # Errors
    /// `Usage` when pgadvise is root and the machine has none of the unprivileged accounts.
    pub fn current() -> Result<Self> {
        let uid = effective_uid()?;
        if uid != 0 {
            return Ok(Self::Own(uid));
        }
        UNPRIVILEGED_ACCOUNTS.iter().find_map(|name| look_up(name)).ok_or_else(|| {
            Error::usage("PostgreSQL does not run as root, and there is no account \"postgres\" or \"nobody\"")
                .with_hint("Run pgadvise as a normal user, or create the account: useradd --system postgres")
        })
    }

    /// The user id that owns what pgadvise itself creates: root's or the account's own.
    pub fn caller_uid(&self) -> u32 {
        match self {
            Self::Own(uid) => *uid,
            Self::Other { .. } => 0,
        }
    }

    /// A command that runs `program` under this account, in `folder`, with a clean environment.
    pub fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("PATH", SYSTEM_PATH).env("TZ", "UTC");
        for name in KEPT_VARIABLES {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Gives `path` to this account.
    pub fn own(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Own(_) => Ok(()),
            Self::Other { uid, gid, .. } => std::os::unix::fs::chown(path, Some(*uid), Some(*gid)),
        }
    }

    /// Whether this account may pass through every folder on the way to `path`: as far as file modes tell, which is
    /// all that matters for an account that is in no group of ours.
    pub fn can_reach(&self, path: &Path) -> bool {
        match self {
            Self::Own(_) => true,
            Self::Other { uid, .. } => path.ancestors().all(|folder| is_open_to(folder, *uid)),
        }
    }
}

/// The user id that this process creates files as.
pub(super) fn effective_uid() -> Result<u32> {
    tempfile::tempfile().and_then(|file| file.metadata()).map(|metadata| metadata.uid()).map_err(|error| {
        Error::output(format!("could not create a temporary file: {}", reason(&error)))
            .with_hint("Set TMPDIR to a folder that can be written.")
    })
}

/// The search bit of `folder`, for its owner or for everybody. A folder that does not exist stops nobody.
fn is_open_to(folder: &Path, uid: u32) -> bool {
    const OWNER_SEARCH: u32 = 0o100;
    const OTHERS_SEARCH: u32 = 0o001;
    match folder.metadata() {
        Ok(metadata) => metadata.mode() & if metadata.uid() == uid { OWNER_SEARCH } else { OTHERS_SEARCH } != 0,
        Err(_) => true,
    }
}

/// Asks `id`, which knows every source of accounts that the system is set up with, not only `/etc/passwd`.
fn look_up(name: &str) -> Option<Account> {
    let id = |flag: &str| -> Option<u32> {
        let output = Command::new("id").args([flag, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    Some(Account::Other { name: name.to_owned(), uid: id("-u")?, gid: id("-g")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_root() {
        match Account::current().expect("an account") {
            Account::Own(uid) => assert_ne!(uid, 0),
            Account::Other { uid, .. } => assert_ne!(uid, 0),
        }
    }

    #[test]
    fn a_closed_folder_on_the_way_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("chmod");
        let stranger = Account::Other { name: "stranger".to_owned(), uid: 4_000_000, gid: 4_000_000 };
        assert!(!stranger.can_reach(&folder.path().join("socket")));
        assert!(stranger.can_reach(Path::new("/usr/bin")));
    }

    #[test]
    fn an_unknown_account_is_none() {
        assert_eq!(look_up("no-such-account-of-anybody"), None);
    }

    #[test]
    fn a_server_does_not_see_the_callers_environment() {
        let own = Account::Own(1);
        let command = own.command(Path::new("/usr/bin/env"), Path::new("/"));
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        assert!(names.iter().all(|name| name == "PATH" || name == "TZ" || name.to_string_lossy().ends_with("_PATH")));
    }
}
