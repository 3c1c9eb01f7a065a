//! One way of connecting, tried by psql and by pgadvise, and what came of it in words that can be compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use pgadvise::db::{Environment, Failure, Query, ReadOptions, Session, Target};
use pgadvise::error::{Error, ErrorKind};

use super::fixture::{CANARY, Fixture};

/// Where a session is, as whom, and whether encrypted.
const WHERE: Query = Query {
    name: "where we are",
    sql: "SELECT current_database() || ' ' || current_user || ' ' || coalesce(host(inet_server_addr()), 'socket') \
          || ' ' || current_setting('port') || CASE WHEN ssl THEN ' tls' ELSE ' clear' END \
          || CASE WHEN current_setting('application_name') ~ '^(psql|pgadvise/.*)$' THEN '' \
                  ELSE ' ' || current_setting('application_name') END AS place \
          FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
};

/// A string and what surrounds it.
pub struct Attempt {
    pub source: String,
    /// With `HOME`.
    pub environment: BTreeMap<String, String>,
}

impl Attempt {
    /// What psql makes of it, and its own last words.
    pub fn by_psql(&self, fixture: &Fixture) -> (String, String) {
        let mut command = Command::new("psql");
        command.args(["-w", "-X", "-q", "-A", "-t", "-c", WHERE.sql]);
        if !self.source.is_empty() {
            command.args(["-d", &self.source]);
        }
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
        let output = command.envs(&self.environment).current_dir(home(&self.environment)).output();
        let Output { status, stdout, stderr } = output.expect("psql runs: install postgresql-client");
        if status.success() {
            return (named(fixture, String::from_utf8_lossy(&stdout).trim()), String::new());
        }
        let said = String::from_utf8_lossy(&stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        (class(&said).unwrap_or("unknown failure").to_owned(), last.to_owned())
    }

    /// What pgadvise makes of it, and its message. Nothing that it says holds the password.
    pub fn by_pgadvise(&self, fixture: &Fixture) -> (String, String) {
        match self.connect() {
            Ok(place) => (named(fixture, &place), String::new()),
            Err(error) => {
                let said = format!("{error}\n{error:?}");
                assert!(!said.contains(CANARY), "the password is in an error: {said}");
                assert!(error.hint().is_some(), "no HINT: {said}");
                let class = match error.kind() {
                    ErrorKind::Connection => class(error.message()).unwrap_or("unknown failure"),
                    _ => "usage",
                };
                (class.to_owned(), error.message().to_owned())
            }
        }
    }

    /// The target as pgadvise resolves it.
    pub fn target(&self) -> Result<Target, Error> {
        let source = Some(self.source.as_str()).filter(|source| !source.is_empty());
        Target::resolve_in(source, &Environment::of_variables(self.environment.clone()))
    }

    fn connect(&self) -> Result<String, Error> {
        let target = self.target()?;
        let shown = format!("{target} {target:?}");
        assert!(!shown.contains(CANARY), "the password is in a target: {shown}");
        let mut session = Session::connect(&target)?;
        let place: Result<String, Failure> =
            session.read(&ReadOptions::default(), |transaction| transaction.query(&WHERE, &[])?[0].get("place"));
        Ok(place?)
    }
}

fn home(environment: &BTreeMap<String, String>) -> &Path {
    Path::new(environment.get("HOME").map_or("/", String::as_str))
}

/// Ports by the server's name.
fn named(fixture: &Fixture, place: &str) -> String {
    let words = place.split(' ').map(|word| match word {
        word if word == fixture.primary.port().to_string() => "A",
        word if word == fixture.standby.port().to_string() => "B",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The kind of failure that these words tell, the same for libpq's and for ours.
fn class(said: &str) -> Option<&'static str> {
    const CLASSES: &[(&str, &str)] = &[
        ("password authentication failed", "wrong password"),
        ("no password supplied", "no password"),
        ("pg_hba.conf", "rejected"),
        ("certificate authentication failed", "wrong certificate"),
        ("requires a valid client certificate", "wrong certificate"),
        ("certificate verify failed", "not verified"),
        ("server's certificate", "not verified"),
        ("does not match host name", "not verified"),
        ("certificate revoked", "not verified"),
        ("server does not support SSL", "no TLS"),
        ("server does not support TLS", "no TLS"),
        ("channel binding", "no channel binding"),
        ("could not translate host name", "unknown host"),
        ("hot standby mode", "unsuitable"),
        ("read-only", "unsuitable"),
        ("timeout expired", "no answer"),
        ("no answer within", "no answer"),
        ("onnection refused", "nobody listens"),
        ("o such file or directory", "nobody listens"),
        ("received invalid response", "another protocol"),
        ("does not speak PostgreSQL", "another protocol"),
        ("expected authentication request", "another protocol"),
    ];
    const OF_FILES: &[&str] = &[
        "root certificate file",
        "certificate present",
        "private key file",
        "could not read certificate file",
        "weak sslmode",
    ];
    const OF_USAGE: &[&str] = &[
        "invalid",
        "missing \"=\"",
        "unterminated",
        "could not match",
        "not found",
        "end of string",
        "could not parse",
        "unexpected character",
        "syntax error",
        "must be specified",
        "not supported",
        "forbidden",
        "extra key/value",
        "port",
    ];
    if OF_FILES.iter().any(|words| said.contains(words)) && !said.contains("verify failed") {
        return Some("usage");
    }
    if let Some((_, class)) = CLASSES.iter().find(|(words, _)| said.contains(words)) {
        return Some(class);
    }
    if said.contains("FATAL:") && said.contains("does not exist")
        || said.contains("could not connect") && said.contains("does not exist")
    {
        return Some("unknown database or role");
    }
    OF_USAGE.iter().any(|words| said.contains(words)).then_some("usage")
}
