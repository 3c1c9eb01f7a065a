//! Where to connect: the string, the service, the PG* variables, the password file and the defaults merged in libpq's
//! order. Opens no connection.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::dsn::{self, Parameters};
use super::environment::{self, Environment};
use super::hosts::{self, HostSpec};
use super::service;
use super::tls_settings::TlsSettings;
use crate::error::{Error, Result};

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

    /// The same, where sessions have `name` set to `value` from their start, whatever the database and the role say.
    pub fn with_setting(&self, name: &str, value: &str) -> Target {
        // The server splits options at spaces that no backslash precedes (pg_split_opts in postinit.c).
        let escaped: String = value
            .chars()
            .flat_map(|c| (c == '\\' || c.is_whitespace()).then_some('\\').into_iter().chain([c]))
            .collect();
        let others = self.options.as_ref().map(|options| format!("{options} ")).unwrap_or_default();
        Target { options: Some(format!("{others}-c {name}={escaped}")), ..self.clone() }
    }

    /// The schema that Prisma's `schema` or JDBC's `currentSchema` names: where the application's relations live.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Whether nobody can stand in for the server unnoticed: its certificate is verified, or it is on this machine.
    pub fn is_server_verified(&self) -> bool {
        self.tls.is_verifying() || self.hosts.iter().all(HostSpec::is_local)
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
    let hosts = hosts::hosts(parameters, environment, &user, &database)?;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn target(source: &str) -> Target {
        Target::resolve_in(Some(source), &Environment::of_variables(BTreeMap::new())).expect("a target")
    }

    #[test]
    fn shows_the_server_and_never_the_password() {
        for (source, shown) in [
            ("postgres://u:canary@h1,[::1]:5433/shop", "h1:5432,[::1]:5433/shop as u"),
            ("host=/run/pg port=1 user=u password=canary", "/run/pg:1/u as u"),
            ("hostaddr=192.0.2.1 user=u dbname=d", "192.0.2.1:5432/d as u"),
        ] {
            assert_eq!(target(source).to_string(), shown);
            assert_eq!(format!("{:?}", target(source)), format!("Target({shown})"));
        }
    }

    #[test]
    fn a_remote_server_is_verified_only_by_the_verifying_modes() {
        for (source, is_verified) in [
            ("postgres://u@db.example/d", false),
            ("postgres://u@db.example/d?sslmode=require", false),
            ("postgres://u@db.example/d?sslmode=verify-full&sslrootcert=/nonexistent", true),
            ("postgres://u@db.example/d?sslrootcert=system", true),
            ("postgres://u@localhost/d", true),
            ("postgres://u@[::1],127.0.0.1/d", true),
            ("postgres://u@localhost,db.example/d", false),
            ("host=/run/pg user=u", true),
        ] {
            assert_eq!(target(source).is_server_verified(), is_verified, "{source}");
        }
    }

    #[test]
    fn the_applications_schema_is_kept() {
        assert_eq!(target("postgres://u@h/d?schema=app").schema(), Some("app"));
        assert_eq!(target("postgres://u@h/d").schema(), None);
    }
}
