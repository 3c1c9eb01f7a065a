//! The hosts of a target: names, addresses, socket folders and ports, and the password for each. Looks no name up.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::dsn::Parameters;
use super::environment::Environment;
use super::passfile::{self, Login};
use super::secret::Secret;
use crate::error::{Error, Result};

/// PostgreSQL's own port.
const PORT_DEFAULT: u16 = 5432;
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

impl HostSpec {
    /// The name, address or socket folder, as it was given.
    pub(super) fn shown(&self) -> String {
        match &self.place {
            Place::Address(address) if self.name.is_empty() => address.to_string(),
            Place::Address(_) => self.name.clone(),
            Place::Socket(name) | Place::Name(name) => name.clone(),
        }
    }

    /// Whether it is this machine.
    pub(super) fn is_local(&self) -> bool {
        match &self.place {
            Place::Socket(_) => true,
            Place::Address(address) => address.is_loopback(),
            Place::Name(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        }
    }
}

impl fmt::Display for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.shown();
        if host.contains(':') { write!(f, "[{host}]:{}", self.port) } else { write!(f, "{host}:{}", self.port) }
    }
}

/// The hosts of `host`, `hostaddr` and `port`, with the password for each.
pub(super) fn hosts(
    parameters: &Parameters,
    environment: &Environment,
    user: &str,
    database: &str,
) -> Result<Vec<HostSpec>> {
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
