//! A private cluster: initialised in a temporary folder, reachable through a socket of its own, gone when dropped. Sends no SQL.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::account::Account;
use super::binaries::Binaries;
use super::configuration::{push_setting, settings_text};
use super::reaper::{Ending, Order, Reaper, wait};
use super::run_folder::RunFolder;
use crate::error::{Error, Result, reason};
use crate::pg::ServerVersion;

/// The superuser that `initdb` makes.
pub const SUPERUSER: &str = "postgres";

/// How long a server may take to accept connections. It takes about 0.1 s; recovery after a kill takes longer.
const START_SECONDS_MAX: u64 = 60;

/// How long to sleep between two looks at a starting server.
const START_NAP: Duration = Duration::from_millis(10);

/// How often another port is tried when somebody took the free one before the server could.
const PORT_ATTEMPTS: usize = 5;

/// The port of a server that listens on its socket only: a number in the name of a file in its own folder.
const SOCKET_PORT: u16 = 5432;

/// How a cluster is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Settings for `postgresql.conf`, which go before pgadvise's own.
    pub settings: BTreeMap<String, String>,
    /// The locale of the template databases, as `initdb --locale` takes it.
    pub locale: String,
    /// MiB in a segment of its WAL, a power of 2 (`initdb --wal-segsize`); 16 when `None`. The least that a server keeps
    /// are a few segments.
    pub wal_segment_mib: Option<u32>,
    /// Whether it also listens on a free port of 127.0.0.1, where a password is asked for (scram-sha-256).
    pub listens_on_loopback: bool,
}

impl Default for ClusterOptions {
    /// The C locale, which every machine has, and the socket only.
    fn default() -> Self {
        Self { settings: BTreeMap::new(), locale: "C".to_owned(), wal_segment_mib: None, listens_on_loopback: false }
    }
}

impl ClusterOptions {
    /// Adds a setting.
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// A running server of our own. Dropping it stops the server and removes its folder; should this process be killed,
/// a reaper does that within moments, and should that be killed too, the next run does.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    account: Account,
    folder: RunFolder,
    reaper: Option<Reaper>,
    postmaster: Option<Child>,
    port: u16,
    is_on_loopback: bool,
}

impl Cluster {
    /// Initialises a cluster and starts its server.
    ///
    /// # Errors
    /// `Usage` when the account that runs servers cannot read the programs, `Output` when there is no room or no
    /// permission for the folder, `Unsupported` when the server does not start with these settings; the DETAIL is the
    /// server's own last word.
    pub fn start(binaries: &Binaries, options: &ClusterOptions) -> Result<Self> {
        let account = Account::current()?;
        check_reach(&account, binaries)?;
        let folder = RunFolder::create(&account)?;
        let reaper = Reaper::watch(folder.path())?;
        let mut cluster = Self {
            binaries: binaries.clone(),
            account,
            folder,
            reaper: Some(reaper),
            postmaster: None,
            port: SOCKET_PORT,
            is_on_loopback: options.listens_on_loopback,
        };
        cluster.initialise(options)?;
        cluster.launch()?;
        Ok(cluster)
    }

    /// A connection string for `database`, over the socket, as the superuser, without a password.
    pub fn url(&self, database: &str) -> String {
        let encode = |bytes: &[u8]| percent_encode(bytes, NON_ALPHANUMERIC).to_string();
        format!(
            "postgresql://{SUPERUSER}@/{}?host={}&port={}",
            encode(database.as_bytes()),
            encode(self.socket_folder().as_os_str().as_encoded_bytes()),
            self.port
        )
    }

    /// The folder that holds the socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The port: of the socket's name, and on 127.0.0.1 when the server listens there.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The data directory.
    pub fn data_directory(&self) -> PathBuf {
        self.folder.data()
    }

    /// The server's log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.log()
    }

    /// The programs it was started with.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The server's version.
    pub fn version(&self) -> ServerVersion {
        self.binaries.version()
    }

    /// The postmaster's process id; `None` while the server is shut down.
    pub fn process_id(&self) -> Option<u32> {
        self.postmaster.as_ref().map(Child::id)
    }

    /// Shuts the server down and keeps its files, so that they can be changed before `start_again`.
    ///
    /// # Errors
    /// `Internal` when it did not shut down cleanly: its files are then as after a crash.
    pub fn shut_down(&mut self) -> Result<()> {
        let ending = self.end(Order::Keep)?;
        self.reaper = Some(Reaper::watch(self.folder.path())?);
        match ending {
            Ending::Clean => Ok(()),
            Ending::Unclean => Err(Error::internal("the private server did not shut down cleanly")),
        }
    }

    /// Starts the server again after `shut_down`, or after it was killed.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_again(&mut self) -> Result<()> {
        match self.postmaster.as_mut().map(Child::try_wait) {
            Some(Ok(None)) => Ok(()),
            _ => self.launch(),
        }
    }

    /// Stops the server and removes its folder, as dropping does, but says when that failed.
    ///
    /// # Errors
    /// `Internal` when the server may still run.
    pub fn stop(mut self) -> Result<()> {
        self.end(Order::Remove).map(|_| ())
    }

    fn end(&mut self, order: Order) -> Result<Ending> {
        let ending = match self.reaper.take() {
            Some(reaper) => reaper.finish(order),
            None => Ok(Ending::Clean),
        };
        if let Some(mut postmaster) = self.postmaster.take() {
            // After a reaper's work it is only still to be waited for. Where that failed, SIGKILL is what is left.
            if ending.is_err() || wait(&mut postmaster, Duration::from_secs(1)).is_none() {
                let _ = postmaster.kill();
                let _ = postmaster.wait();
            }
        }
        if ending.is_err() && order == Order::Remove {
            self.folder.remove();
        }
        ending
    }

    fn initialise(&self, options: &ClusterOptions) -> Result<()> {
        let mut command = self.account.command(&self.binaries.program("initdb"), self.folder.path());
        command
            .arg("--pgdata")
            .arg(self.folder.data())
            .args(["--username", SUPERUSER, "--encoding", "UTF8", "--no-sync"])
            .args(["--auth-local", "trust", "--auth-host", "scram-sha-256", "--lc-messages", "C"])
            .arg(format!("--locale={}", options.locale))
            .stdin(Stdio::null());
        if let Some(mib) = options.wal_segment_mib {
            command.arg(format!("--wal-segsize={mib}"));
        }
        if self.version().major() >= 18 {
            command.arg("--no-data-checksums"); // off by default, and an unknown option, before 18
        }
        let output = command.output().map_err(|error| {
            Error::usage(format!("could not run {}: {}", self.binaries.program("initdb").display(), reason(&error)))
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(with_last_word(Error::unsupported("initdb could not make a private cluster"), &said)
                .with_hint("Check the free space of the folder for temporary files, and the locale's name."));
        }
        let settings = settings_text(&options.settings)?;
        self.append_settings(&settings)
    }

    /// Starts the server, on another port when somebody else took the free one first.
    fn launch(&mut self) -> Result<()> {
        for attempt in 1.. {
            self.choose_port()?;
            match self.launch_once() {
                Err(_) if self.is_on_loopback && attempt < PORT_ATTEMPTS && self.said("could not bind") => {}
                outcome => return outcome,
            }
        }
        Ok(())
    }

    fn choose_port(&mut self) -> Result<()> {
        let mut settings = String::new();
        if self.is_on_loopback {
            let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
            self.port = free.map_err(|error| Error::output(format!("found no free port: {}", reason(&error))))?.port();
        }
        let listen_addresses = if self.is_on_loopback { "127.0.0.1" } else { "" };
        let socket_folder = format!("\"{}\"", self.folder.path().to_string_lossy().replace('"', "\"\""));
        for (name, value) in [
            ("port", self.port.to_string().as_str()),
            ("listen_addresses", listen_addresses),
            ("unix_socket_directories", socket_folder.as_str()),
        ] {
            push_setting(&mut settings, name, value)?;
        }
        self.append_settings(&settings)
    }

    fn append_settings(&self, settings: &str) -> Result<()> {
        let path = self.folder.data().join("postgresql.conf");
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, settings.as_bytes()))
            .map_err(|error| Error::output(format!("could not write {}: {}", path.display(), reason(&error))))
    }

    fn launch_once(&mut self) -> Result<()> {
        let path = self.folder.log();
        let cannot_log =
            |error: std::io::Error| Error::output(format!("could not write {}: {}", path.display(), reason(&error)));
        let log = File::create(&path).map_err(cannot_log)?;
        let program = self.binaries.program("postgres");
        let postmaster = self
            .account
            .command(&program, self.folder.path())
            .arg("-D")
            .arg(self.folder.data())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(cannot_log)?)
            .stderr(log)
            .process_group(0) // a Ctrl-C at the terminal is for pgadvise
            .spawn()
            .map_err(|error| Error::usage(format!("could not run {}: {}", program.display(), reason(&error))))?;
        self.postmaster = Some(postmaster);
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while Instant::now() < deadline {
            let Some(postmaster) = self.postmaster.as_mut() else { break };
            if !matches!(postmaster.try_wait(), Ok(None)) {
                self.postmaster = None;
                return Err(self.did_not_start("the private server ended while it was starting"));
            }
            let id = postmaster.id();
            if is_ready(&self.folder.data(), id) {
                return Ok(());
            }
            std::thread::sleep(START_NAP);
        }
        Err(self.did_not_start("the private server did not become ready in time"))
    }

    fn did_not_start(&self, message: &str) -> Error {
        let log = std::fs::read(self.folder.log()).unwrap_or_default();
        with_last_word(Error::unsupported(message), &String::from_utf8_lossy(&log))
    }

    fn said(&self, words: &str) -> bool {
        std::fs::read(self.folder.log()).is_ok_and(|log| String::from_utf8_lossy(&log).contains(words))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.end(Order::Remove) {
            tracing::warn!("{error}");
        }
    }
}

fn check_reach(account: &Account, binaries: &Binaries) -> Result<()> {
    match account {
        Account::Other { name, .. } if !account.can_reach(binaries.folder()) => Err(Error::usage(format!(
            "the account \"{name}\", which runs servers for root, cannot read {}",
            binaries.folder().display()
        ))
        .with_hint("Run pgadvise as a normal user, or open the folders on the way to it (chmod o+x).")),
        _ => Ok(()),
    }
}

/// The postmaster writes its state into the last line of its pid file: `ready`, or `standby` for a hot standby, once it
/// accepts connections.
fn is_ready(data: &Path, process_id: u32) -> bool {
    const STATE_LINE: usize = 7;
    let Ok(text) = std::fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let mut lines = text.lines();
    lines.next() == Some(process_id.to_string().as_str())
        && lines.nth(STATE_LINE - 1).is_some_and(|state| ["ready", "standby"].contains(&state.trim_end()))
}

/// Adds what stopped a program, in its own words and without its timestamp, as the DETAIL.
fn with_last_word(error: Error, said: &str) -> Error {
    match last_word(said) {
        Some(word) => error.with_detail(format!("It said: {word}")),
        None => error,
    }
}

/// The last line that says why a program stopped; about a bad configuration file, the line before says more.
fn last_word(said: &str) -> Option<&str> {
    const STOPPED_IT: [&str; 3] = ["FATAL:", "PANIC:", "error:"];
    const BAD_FILE: &str = "contains errors";
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let stopped = lines.iter().rposition(|line| STOPPED_IT.iter().any(|word| line.contains(word)));
    let line = match stopped {
        Some(at) if at > 0 && lines[at].ends_with(BAD_FILE) => lines[at - 1],
        Some(at) => lines[at],
        None => lines.last()?,
    };
    ["LOG:", "FATAL:", "PANIC:"].iter().find_map(|severity| line.find(severity).map(|at| &line[at..])).or(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_what_stopped_the_server() {
        let said = "1 GMT LOG:  starting\n2 GMT FATAL:  out of memory\n3 GMT LOG:  database system is shut down\n";
        assert_eq!(last_word(said), Some("FATAL:  out of memory"));
        let said = "1 GMT LOG:  unrecognized parameter \"x\"\n2 GMT FATAL:  configuration file \"f\" contains errors\n";
        assert_eq!(last_word(said), Some("LOG:  unrecognized parameter \"x\""));
        assert_eq!(last_word("initdb: error: invalid locale name\n"), Some("initdb: error: invalid locale name"));
        assert_eq!(last_word(" \n"), None);
    }
}
