//! Where PostgreSQL's server programs are on this machine, and of which version. Installs nothing and starts no server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::effective_uid;
use crate::error::{Error, Result};
use crate::pg::ServerVersion;

/// The programs that a folder must hold to start a private server.
const PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// The variable that names folders to look into first, separated like `PATH`.
pub const BINDIR_VARIABLE: &str = "PGADVISE_PG_BINDIR";

/// The variable that names the cache folder.
const CACHE_VARIABLE: &str = "PGADVISE_CACHE_DIR";

/// Folders whose subfolders are one installation each: Debian and Ubuntu, PGDG's RPMs, Homebrew on both processors,
/// Postgres.app, EnterpriseDB's installers. The second part leads from there to the programs.
const INSTALLATIONS: [(&str, &str); 6] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
    ("/Library/PostgreSQL", "bin"),
];

/// Folders that hold the programs themselves: a build from source, Fedora and Arch.
const FOLDERS: [&str; 3] = ["/usr/local/pgsql/bin", "/usr/bin", "/usr/local/bin"];

/// Package managers, and what each calls the server with its contrib modules.
const PACKAGE_COMMANDS: [(&str, &str); 6] = [
    ("apt-get", "apt-get install postgresql"),
    ("dnf", "dnf install postgresql-server postgresql-contrib"),
    ("brew", "brew install postgresql@17"),
    ("apk", "apk add postgresql postgresql-contrib"),
    ("pacman", "pacman -S postgresql"),
    ("zypper", "zypper install postgresql-server postgresql-contrib"),
];

/// One installation of PostgreSQL's server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    version: ServerVersion,
}

impl Binaries {
    /// The installation in `folder`; `None` when it lacks a program or its version cannot be read.
    pub fn open(folder: &Path) -> Option<Self> {
        if !PROGRAMS.iter().all(|program| folder.join(program).is_file()) {
            return None;
        }
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let version = parse_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { folder: folder.to_owned(), version })
    }

    /// The folder that holds the programs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The version that `postgres --version` states.
    pub fn version(&self) -> ServerVersion {
        self.version
    }

    /// Whether `CREATE EXTENSION name` can find its control file.
    pub fn has_extension(&self, name: &str) -> bool {
        let file = format!("extension/{name}.control");
        self.share_folders().iter().any(|share| share.join(&file).is_file())
    }

    /// Where the installation may keep its shared files: where its `pg_config` says, or beside its programs.
    fn share_folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.join("../share/postgresql"), self.folder.join("../share")];
        if let Some(share) = ask_pg_config(&self.folder.join("pg_config"), "--sharedir") {
            folders.push(share);
        }
        if self.folder.starts_with("/usr/lib/postgresql") {
            folders.push(PathBuf::from(format!("/usr/share/postgresql/{}", self.version.major())));
        }
        folders
    }
}

/// Where to look. Each part is plain data, so that a test can look into folders of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The folder that the user named (`--pg-bindir`): when given, nothing else is looked at.
    pub explicit: Option<PathBuf>,
    /// The folders in `PGADVISE_PG_BINDIR`.
    pub named: Vec<PathBuf>,
    /// What `pg_config --bindir` says, the folders in `PATH`, and the usual folders of this system's packages.
    pub installed: Vec<PathBuf>,
    /// pgadvise's own cache folders, which `scripts/fetch-postgres` fills: `<cache>/postgres/<major>/bin`.
    pub cached: Vec<PathBuf>,
}

impl Search {
    /// Looks where the environment of this process says.
    ///
    /// # Errors
    /// `Output` when no temporary file can be made, which is how this process learns who it is.
    pub fn from_environment(explicit: Option<PathBuf>) -> Result<Self> {
        let paths = |name: &str| -> Vec<PathBuf> {
            std::env::var_os(name).map(|value| std::env::split_paths(&value).collect()).unwrap_or_default()
        };
        let path = paths("PATH");
        let mut installed: Vec<PathBuf> = ask_pg_config(Path::new("pg_config"), "--bindir").into_iter().collect();
        installed.extend(path);
        installed.extend(INSTALLATIONS.iter().flat_map(|(parent, tail)| installations(Path::new(parent), tail)));
        installed.extend(FOLDERS.iter().map(PathBuf::from));
        let cached = cache_folder()?.map(|folder| installations(&folder.join("postgres"), "bin")).unwrap_or_default();
        Ok(Self { explicit, named: paths(BINDIR_VARIABLE), installed, cached })
    }

    /// The best installation: of the major version `major` if one is given, else the newest. Folders that the user
    /// named come before all others, whatever their version.
    ///
    /// # Errors
    /// `Usage` when there is none; the HINT is the command that installs one.
    pub fn find(&self, major: Option<u32>) -> Result<Binaries> {
        if let Some(folder) = &self.explicit {
            return open_explicit(folder, major);
        }
        let fits = |binaries: &Binaries| {
            binaries.version >= ServerVersion::OLDEST && major.is_none_or(|major| binaries.version.major() == major)
        };
        if let Some(binaries) = open_all(&self.named).into_iter().find(fits) {
            return Ok(binaries);
        }
        self.others().into_iter().find(fits).ok_or_else(|| not_found(major))
    }

    /// Every installation, those that the user named first, then the newest first.
    pub fn all(&self) -> Vec<Binaries> {
        if let Some(folder) = &self.explicit {
            return Binaries::open(folder).into_iter().collect();
        }
        let mut all = open_all(&self.named);
        all.extend(self.others());
        all
    }

    /// The installations that nobody named, the newest major version first; of one major version, the system's own
    /// before the cache's, because its extensions are those that the system's packages install.
    fn others(&self) -> Vec<Binaries> {
        let mut others = open_all(self.installed.iter().chain(&self.cached));
        others.sort_by_key(|binaries| std::cmp::Reverse(binaries.version.major()));
        others
    }
}

/// The installations in `folders`, each once, however many links lead to it.
fn open_all<'a>(folders: impl IntoIterator<Item = &'a PathBuf>) -> Vec<Binaries> {
    let mut seen = BTreeSet::new();
    folders
        .into_iter()
        .filter_map(|folder| real_folder(folder))
        .filter(|folder| seen.insert(folder.clone()))
        .filter_map(|folder| Binaries::open(&folder))
        .collect()
}

/// Where the programs of `folder` really are: packages put links to them into `/usr/bin`, and PostgreSQL finds its
/// shared files from the real place.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    folder.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned)
}

fn open_explicit(folder: &Path, major: Option<u32>) -> Result<Binaries> {
    let binaries = real_folder(folder).and_then(|folder| Binaries::open(&folder)).ok_or_else(|| {
        Error::usage(format!("there is no PostgreSQL server in {}", folder.display()))
            .with_hint("Name the folder that holds initdb and postgres; pg_config --bindir prints it.")
    })?;
    match major {
        Some(major) if binaries.version.major() != major => Err(Error::usage(format!(
            "{} holds PostgreSQL {}, but {major} is needed",
            folder.display(),
            binaries.version
        ))),
        _ => Ok(binaries),
    }
}

fn not_found(major: Option<u32>) -> Error {
    let what = major.map_or_else(|| "PostgreSQL".to_owned(), |major| format!("PostgreSQL {major}"));
    let command = PACKAGE_COMMANDS
        .iter()
        .find(|(manager, _)| in_path(manager))
        .map_or("install PostgreSQL's server from your system's packages", |(_, command)| command);
    let command = match (major, command.strip_suffix(" postgresql")) {
        (Some(major), Some(start)) if start.starts_with("apt-get") => format!("{start} postgresql-{major}"),
        _ => command.to_owned(),
    };
    Error::usage(format!("no server programs of {what} were found on this machine"))
        .with_hint(format!("Install them ({command}), or name their folder in {BINDIR_VARIABLE} or with --pg-bindir."))
}

fn in_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// `<parent>/<any>/<tail>`, sorted by name.
fn installations(parent: &Path, tail: &str) -> Vec<PathBuf> {
    let Ok(entries) = parent.read_dir() else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path().join(tail))
        .filter(|folder| folder.join("postgres").exists())
        .collect();
    folders.sort();
    folders
}

/// The cache folder, as `scripts/fetch-postgres` computes it. Root's is not in root's home, because the account that
/// runs the servers must be able to read it.
fn cache_folder() -> Result<Option<PathBuf>> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable(CACHE_VARIABLE) {
        return Ok(Some(folder));
    }
    if effective_uid()? == 0 {
        return Ok(Some(PathBuf::from("/var/cache/pgadvise")));
    }
    let user = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    Ok(user.map(|folder| folder.join("pgadvise")))
}

/// What `pg_config` prints for `flag`.
fn ask_pg_config(program: &Path, flag: &str) -> Option<PathBuf> {
    let output = Command::new(program).arg(flag).output().ok().filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(line.trim())).filter(|path| path.is_absolute())
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`, also `19devel`, `18beta1` and `13.23`.
fn parse_version(line: &str) -> Option<ServerVersion> {
    let text = line.strip_prefix("postgres (PostgreSQL) ")?;
    let number = |text: &str| -> Option<u32> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        text[..digits].parse().ok()
    };
    let major = number(text)?;
    let minor = text.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('.').and_then(number).unwrap_or(0);
    Some(ServerVersion(major.checked_mul(10_000)?.checked_add(minor)?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// An installation that is nothing but a `postgres` that states its version.
    fn pretend(parent: &Path, name: &str, version: &str) -> PathBuf {
        let folder = parent.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for program in PROGRAMS {
            let path = folder.join(program);
            std::fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).expect("a file");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("chmod");
        }
        folder.canonicalize().expect("a path")
    }

    #[test]
    fn versions() {
        let version = |line| parse_version(line).map(|version| version.0);
        assert_eq!(version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(150_018));
        assert_eq!(version("postgres (PostgreSQL) 19devel\n"), Some(190_000));
        assert_eq!(version("postgres (PostgreSQL) 18beta1"), Some(180_000));
        assert_eq!(version("postgres (EDB) x"), None);
        assert_eq!(version("postgres (PostgreSQL) 99999999999.1"), None);
    }

    #[test]
    fn the_newest_is_found_unless_a_major_is_asked_for() {
        let parent = tempfile::tempdir().expect("a folder");
        let (old, new) = (pretend(parent.path(), "a", "14.2"), pretend(parent.path(), "b", "17.1"));
        let search = Search { installed: vec![old.clone()], cached: vec![new.clone()], ..Search::default() };
        assert_eq!(search.find(None).expect("found").folder(), new);
        assert_eq!(search.find(Some(14)).expect("found").folder(), old);
        assert_eq!(search.all().len(), 2);
    }

    #[test]
    fn a_named_folder_comes_first_and_an_explicit_one_alone() {
        let parent = tempfile::tempdir().expect("a folder");
        let (old, new) = (pretend(parent.path(), "a", "14.2"), pretend(parent.path(), "b", "17.1"));
        let mut search = Search { named: vec![old.clone()], installed: vec![new.clone()], ..Search::default() };
        assert_eq!(search.find(None).expect("found").folder(), old);
        assert_eq!(search.find(Some(17)).expect("found").folder(), new);
        search.explicit = Some(new);
        assert_eq!(search.find(None).expect("found").version().major(), 17);
        assert!(search.find(Some(14)).expect_err("another version").message().contains("but 14 is needed"));
    }

    #[test]
    fn the_systems_own_server_comes_before_the_caches_of_the_same_major() {
        let parent = tempfile::tempdir().expect("a folder");
        let (own, cached) = (pretend(parent.path(), "a", "15.2"), pretend(parent.path(), "b", "15.18"));
        let search = Search { installed: vec![own.clone()], cached: vec![cached], ..Search::default() };
        assert_eq!(search.find(Some(15)).expect("found").folder(), own);
    }

    #[test]
    fn links_to_one_installation_are_one() {
        let parent = tempfile::tempdir().expect("a folder");
        let real = pretend(parent.path(), "real", "16.1");
        let links = parent.path().join("links");
        std::fs::create_dir(&links).expect("a folder");
        std::os::unix::fs::symlink(real.join("postgres"), links.join("postgres")).expect("a link");
        let search = Search { installed: vec![links, real.clone()], ..Search::default() };
        assert_eq!(search.all(), vec![Binaries { folder: real, version: ServerVersion(160_001) }]);
    }

    #[test]
    fn nothing_found_says_what_to_do() {
        let error = Search::default().find(Some(16)).expect_err("nothing there");
        assert!(error.message().contains("PostgreSQL 16"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains(BINDIR_VARIABLE)), "{error}");
        let missing = Search { explicit: Some(PathBuf::from("/nonexistent")), ..Search::default() };
        assert!(missing.find(None).expect_err("nothing there").hint().is_some());
    }

    #[test]
    fn too_old_a_server_is_not_used() {
        let parent = tempfile::tempdir().expect("a folder");
        let search = Search { installed: vec![pretend(parent.path(), "a", "12.9")], ..Search::default() };
        assert!(search.find(None).is_err());
    }
}
