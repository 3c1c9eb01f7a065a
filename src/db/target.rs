//! Where to connect: the string, the service, the PG* variables, the password file and the defaults merged in libpq's
//! order. Opens no connection.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dsn::{self, Parameters};
use super::environment::{self, Environment};
use super::passfile::{self, Login};
use super::secret::Secret;
use super::service;
use super::tls_settings::TlsSettings;
use crate::error::{Error, Result};

/// PostgreSQL's own port.
const PORT_DEFAULT: u16 = 5432;
/// How long one attempt to connect may take when `connect_timeout` says nothing: libpq would wait for ever, and twice
/// the longest round of TCP retransmissions that a healthy link needs is still below this.
const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// What `connect_timeout=0`, "wait indefinitely", comes to: every wait of pgadvise ends.
const CONNECT_TIMEOUT_LONGEST: Duration = Duration::from_secs(600);

/// Which server, database and role to use, and how to log in. `Display` shows `host:port/database as user`; nothing
/// shows the password.
#[derive(Clone)]
pub struct Target {
    pub(super) hosts: Vec<HostSpec>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) application_name: String,
    /// Server options of the startup packet; sent only if the user gave them, because PgBouncer refuses them.
    pub(super) options: Option<String>,
    pub(super) connect_timeout: Duration,
    pub(super) session_attributes: SessionAttributes,
    pub(super) shuffles_hosts: bool,
    pub(super) keepalives: bool,
    pub(super) tls: TlsSettings,
    pub(super) says_pooled: bool,
    schema: Option<String>,
}

/// One host of the list.
#[derive(Clone)]
pub(super) struct HostSpec {
    pub(super) place: Place,
    /// The name that certificates and password files know the host by; empty when only an address was given.
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) password: Option<Secret>,
    /// The file that the password came from.
    pub(super) passfile: Option<PathBuf>,
}

/// What a host is reached through.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The folder of a Unix socket, or an abstract name that begins with `@`.
    Socket(String),
    /// An address, which is not looked up.
    Address(IpAddr),
    /// A name to look up.
    Name(String),
}

/// `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionAttributes {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl Target {
    /// Merges `source` (URL, `key=value` pairs or a database name) with the process's environment and libpq's files.
    ///
    /// # Errors
    /// Malformed strings, unknown parameters, a service that is not defined, values that libpq rejects.
    pub fn resolve(source: Option<&str>) -> Result<Target> {
        Self::resolve_in(source, &Environment::of_process())
    }

    /// As [`Target::resolve`], with an environment of the caller's choice.
    pub fn resolve_in(source: Option<&str>, environment: &Environment) -> Result<Target> {
        let mut parameters = dsn::parse(source.unwrap_or_default())?;
        service::fill(&mut parameters, environment)?;
        environment.fill(&mut parameters);
        from_parameters(&parameters, environment)
    }

    /// A server that listens in the socket folder `directory`, reached without password and without regard to the
    /// environment: the private servers that pgadvise starts itself.
    pub fn private_socket(directory: &Path, port: u16, user: &str, database: &str) -> Result<Target> {
        let mut parameters = Parameters::default();
        parameters.set("host", directory.display().to_string());
        parameters.set("port", port.to_string());
        parameters.set("user", user.to_owned());
        parameters.set("dbname", database.to_owned());
        from_parameters(&parameters, &Environment::of_variables(std::collections::BTreeMap::new()))
    }

    /// The same server and role, another database.
    pub fn with_database(&self, database: &str) -> Target {
        Target { database: database.to_owned(), ..self.clone() }
    }

    /// The schema that Prisma's `schema` or JDBC's `currentSchema` names: where the application's relations live.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The database to connect to.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The role to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, host) in self.hosts.iter().enumerate() {
            write!(f, "{}{host}", if i > 0 { "," } else { "" })?;
        }
        write!(f, "/{} as {}", self.database, self.user)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl fmt::Display for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Address(address) if self.name.is_empty() => write_host(f, &address.to_string(), self.port),
            Place::Address(_) => write_host(f, &self.name, self.port),
            Place::Socket(name) | Place::Name(name) => write_host(f, name, self.port),
        }
    }
}

fn write_host(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
}

fn from_parameters(parameters: &Parameters, environment: &Environment) -> Result<Target> {
    refuse_unsupported(parameters)?;
    let user = match parameters.filled("user") {
        Some(user) => user.to_owned(),
        None => environment::system_user().ok_or_else(|| {
            Error::usage("no user name was given and the operating system knows none for this process")
                .with_hint("Name the role in the connection string, or set PGUSER.")
        })?,
    };
    let database = parameters.filled("dbname").unwrap_or(&user).to_owned();
    let hosts = hosts(parameters, environment, &user, &database)?;
    Ok(Target {
        hosts,
        application_name: application_name(parameters),
        options: parameters.filled("options").map(str::to_owned),
        connect_timeout: connect_timeout(parameters)?,
        session_attributes: session_attributes(parameters)?,
        shuffles_hosts: choice(parameters, "load_balance_hosts", &[("disable", false), ("random", true)], false)?,
        keepalives: integer(parameters, "keepalives")?.unwrap_or(1) != 0,
        tls: TlsSettings::from_parameters(parameters, environment)?,
        says_pooled: parameters.filled("pgbouncer") == Some("true"),
        schema: parameters.filled("schema").map(str::to_owned),
        user,
        database,
    })
}

/// Refuses what would weaken a promise if it were ignored.
fn refuse_unsupported(parameters: &Parameters) -> Result<()> {
    let refuse = |name: &str, hint: &str| {
        Err(Error::unsupported(format!("the connection parameter \"{name}\" is not supported")).with_hint(hint))
    };
    if parameters.get("gssencmode") == Some("require") {
        return refuse("gssencmode=require", "Connect with a password, a certificate or TLS; GSSAPI is not available.");
    }
    if parameters.filled("require_auth").is_some() {
        return refuse("require_auth", "Leave it out, or use channel_binding=require to insist on SCRAM.");
    }
    if parameters.filled("requirepeer").is_some() {
        return refuse("requirepeer", "Leave it out, or connect over TCP with sslmode=verify-full.");
    }
    if parameters.filled("replication").is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0")) {
        return refuse("replication", "Leave it out: pgadvise reads catalogs, not the replication stream.");
    }
    for name in ["keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"] {
        integer(parameters, name)?;
    }
    Ok(())
}

fn application_name(parameters: &Parameters) -> String {
    parameters
        .filled("application_name")
        .or_else(|| parameters.filled("fallback_application_name"))
        .unwrap_or(concat!("pgadvise/", env!("CARGO_PKG_VERSION")))
        .to_owned()
}

fn connect_timeout(parameters: &Parameters) -> Result<Duration> {
    Ok(match integer(parameters, "connect_timeout")? {
        None => CONNECT_TIMEOUT_DEFAULT,
        Some(seconds) => match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds).min(CONNECT_TIMEOUT_LONGEST),
            _ => CONNECT_TIMEOUT_LONGEST,
        },
    })
}

fn session_attributes(parameters: &Parameters) -> Result<SessionAttributes> {
    use SessionAttributes::*;
    let known = [
        ("any", Any),
        ("read-write", ReadWrite),
        ("read-only", ReadOnly),
        ("primary", Primary),
        ("standby", Standby),
        ("prefer-standby", PreferStandby),
    ];
    choice(parameters, "target_session_attrs", &known, Any)
}

/// The value of a parameter that takes one of a few words. Unset means the default; empty is as wrong as in libpq.
pub(super) fn choice<T: Copy>(parameters: &Parameters, name: &str, known: &[(&str, T)], default: T) -> Result<T> {
    let Some(written) = parameters.get(name) else {
        return Ok(default);
    };
    known.iter().find(|(word, _)| *word == written).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        Error::usage(format!("invalid {name} value")).with_hint(format!("Use one of {}.", words.join(", ")))
    })
}

fn integer(parameters: &Parameters, name: &str) -> Result<Option<i32>> {
    let Some(written) = parameters.filled(name) else {
        return Ok(None);
    };
    written.trim().parse().map(Some).map_err(|_| {
        Error::usage(format!("invalid integer value for connection parameter \"{name}\""))
            .with_hint("Write a whole number.")
    })
}

fn hosts(parameters: &Parameters, environment: &Environment, user: &str, database: &str) -> Result<Vec<HostSpec>> {
    let names = list(parameters.filled("host"));
    let addresses = list(parameters.filled("hostaddr"));
    let ports = list(parameters.filled("port"));
    let n_hosts = names.len().max(addresses.len()).max(1);
    if !addresses.is_empty() && !names.is_empty() && names.len() != addresses.len() {
        return Err(Error::usage(format!("{} host names but {} hostaddr values", names.len(), addresses.len()))
            .with_hint("Give as many values for hostaddr as for host."));
    }
    if ports.len() > 1 && ports.len() != n_hosts {
        return Err(Error::usage(format!("{} port numbers but {n_hosts} hosts", ports.len()))
            .with_hint("Give one port for all hosts, or one for each."));
    }
    let password = parameters.filled("password").map(|password| Secret::new(password.to_owned()));
    let passfile = parameters.filled("passfile").map(PathBuf::from).or_else(|| environment.home_file(".pgpass"));
    (0..n_hosts)
        .map(|i| {
            let port = port(ports.get(i).or(ports.first().filter(|_| ports.len() == 1)).copied())?;
            let name = names.get(i).copied().unwrap_or_default();
            let place = place(name, addresses.get(i).copied().unwrap_or_default(), port)?;
            let mut host = HostSpec {
                name: if matches!(place, Place::Socket(_)) { String::new() } else { name.to_owned() },
                place,
                port,
                password: password.clone(),
                passfile: None,
            };
            if host.password.is_none() {
                host.password = passfile.as_deref().and_then(|file| look_up(file, &host, user, database));
                host.passfile = passfile.clone().filter(|_| host.password.is_some());
            }
            Ok(host)
        })
        .collect()
}

fn list(value: Option<&str>) -> Vec<&str> {
    value.map(|value| value.split(',').map(str::trim).collect()).unwrap_or_default()
}

/// Never repeats the value: in a URL with an unescaped "/" it is a piece of the password.
fn port(written: Option<&str>) -> Result<u16> {
    let Some(written) = written.filter(|written| !written.is_empty()) else {
        return Ok(PORT_DEFAULT);
    };
    match written.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Error::usage("invalid port number: not a number between 1 and 65535")
            .with_hint("If the URL holds a password, write \"/\" in it as %2F, \":\" as %3A and \"@\" as %40.")),
    }
}

fn place(name: &str, address: &str, port: u16) -> Result<Place> {
    if !address.is_empty() {
        return address.parse().map(Place::Address).map_err(|_| {
            Error::usage("hostaddr is not a network address")
                .with_hint("Put names into host; hostaddr takes 192.0.2.1 or 2001:db8::1.")
        });
    }
    if name.is_empty() {
        return Ok(Place::Socket(default_socket_folder(port)));
    }
    if name.starts_with('/') || name.starts_with('@') {
        return Ok(Place::Socket(name.to_owned()));
    }
    Ok(Place::Name(name.to_owned()))
}

/// Where a server of this machine listens: packages use the first folder, a build from source the second. The one that
/// holds the socket of `port` wins.
fn default_socket_folder(port: u16) -> String {
    const FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
    let holds_socket = |folder: &&&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
    let exists = |folder: &&&str| Path::new(folder).exists();
    FOLDERS.iter().find(holds_socket).or_else(|| FOLDERS.iter().find(exists)).unwrap_or(&FOLDERS[1]).to_string()
}

fn look_up(file: &Path, host: &HostSpec, user: &str, database: &str) -> Option<Secret> {
    let address;
    let name = match &host.place {
        Place::Socket(folder) if *folder == default_socket_folder(host.port) => "localhost",
        Place::Socket(folder) => folder,
        Place::Name(name) => name,
        Place::Address(_) if !host.name.is_empty() => &host.name,
        Place::Address(written) => {
            address = written.to_string();
            &address
        }
    };
    let port = host.port.to_string();
    passfile::password(file, &Login { host: name, port: &port, database, user })
        .filter(|password| !password.expose().is_empty())
}
