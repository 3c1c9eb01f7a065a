//! Why a server could not be used: the words for the user, and what libpq would try next. Tries nothing itself.

use std::error::Error as _;
use std::time::Duration;

use super::hosts::{HostSpec, Place};
use super::server_error::cause;
use super::target::Target;
use super::tls;
use crate::error::{self, Error};

/// A failed attempt to connect.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: Error,
    /// Whether the next host of the list is tried. Not after a server has refused the login, as in libpq.
    pub(super) tries_next_host: bool,
    /// Whether `prefer` and `allow` try again with or without TLS. Not after a wrong password: a second try can lock
    /// the account, which is where we differ from libpq.
    pub(super) may_depend_on_encryption: bool,
}

/// How tokio_postgres names bytes that are not PostgreSQL's protocol.
const PROTOCOL_ERRORS: &[&str] = &[
    "unexpected message from server",
    "invalid message length",
    "unknown authentication tag",
    "unknown message tag",
    "bytes remaining on stream",
    "error parsing response",
];
/// The SQLSTATE of a login that pg_hba.conf rejects.
const INVALID_AUTHORIZATION: &str = "28000";
/// The SQLSTATE of a wrong password.
const INVALID_PASSWORD: &str = "28P01";
/// The SQLSTATE of a server that starts or shuts down.
const CANNOT_CONNECT_NOW: &str = "57P03";

impl Refusal {
    /// A failure after which nothing else is tried.
    pub(super) fn final_(error: Error) -> Self {
        Self { error, tries_next_host: false, may_depend_on_encryption: false }
    }

    fn next_host(error: Error) -> Self {
        Self { tries_next_host: true, ..Self::final_(error) }
    }

    pub(super) fn unreachable(host: &HostSpec, error: &std::io::Error) -> Self {
        let hint = match &host.place {
            Place::Socket(_) => {
                "Check that the server runs on this machine and listens in that folder (unix_socket_directories), or name a host."
            }
            _ => &hint_reach(host),
        };
        Self::next_host(could_not_connect(host, &error::reason(error)).with_hint(hint))
    }

    pub(super) fn unknown_host(host: &HostSpec, reason: &str) -> Self {
        let reason = reason.strip_prefix("failed to lookup address information: ").unwrap_or(reason);
        Self::next_host(
            could_not_connect(host, &format!("could not translate host name to address: {}", error::reason(&reason)))
                .with_hint("Check the spelling of the host and this machine's name service."),
        )
    }

    pub(super) fn timed_out(host: &HostSpec, waited: Duration) -> Self {
        Self::next_host(
            could_not_connect(host, &format!("no answer within {} s", waited.as_secs()))
                .with_hint("Check firewalls and the port, or raise connect_timeout."),
        )
    }

    pub(super) fn unsuitable(host: &HostSpec, what_it_is: &str) -> Self {
        Self::next_host(
            could_not_connect(host, &format!("the server is {what_it_is}"))
                .with_hint("Change target_session_attrs, or add another host."),
        )
    }

    pub(super) fn lost(host: &HostSpec, error: &tokio_postgres::Error) -> Self {
        Self::final_(could_not_connect(host, &cause(error)).with_hint(hint_reach(host)))
    }

    /// The failure of a handshake that reached the server.
    pub(super) fn of(target: &Target, host: &HostSpec, error: &tokio_postgres::Error) -> Self {
        if let Some(refused) = error.as_db_error() {
            return Self::by_server(target, host, refused);
        }
        if let Some(tls_error) = tls_cause(error) {
            let (message, hint) = tls::explain(tls_error);
            return Self::about_encryption(could_not_connect(host, &message).with_hint(hint));
        }
        match cause(error).as_str() {
            "password missing" => Self::final_(
                could_not_connect(host, &format!("no password supplied for user \"{}\"", target.user)).with_hint(
                    "Put it into ~/.pgpass (host:port:database:user:password, mode 0600), PGPASSWORD or the URL.",
                ),
            ),
            "server does not support TLS" => Self::about_encryption(
                could_not_connect(host, "the server does not support TLS, but sslmode requires it")
                    .with_hint("Use sslmode=prefer, or set ssl = on on the server."),
            ),
            "server did not use channel binding" => Self::final_(
                could_not_connect(host, "channel binding is required, but the server did not use it")
                    .with_hint("Use TLS and SCRAM (password_encryption = scram-sha-256), or channel_binding=prefer."),
            ),
            "unsupported authentication method" => Self::final_(
                could_not_connect(host, "the server asks for GSSAPI, SSPI or another login that is not supported")
                    .with_hint("Let pg_hba.conf admit this role with scram-sha-256 or cert."),
            ),
            words if PROTOCOL_ERRORS.iter().any(|known| words.starts_with(known)) => Self::final_(
                could_not_connect(host, "the server does not speak PostgreSQL's protocol").with_hint(hint_reach(host)),
            ),
            "connection closed"
            | "connection reset by peer"
            | "unexpected end of file"
            | "early eof"
            | "tls handshake eof" => Self {
                may_depend_on_encryption: true,
                ..Self::final_(
                    could_not_connect(host, "the server closed the connection unexpectedly")
                        .with_hint("Look into the server's log; check that the port is that of a PostgreSQL server."),
                )
            },
            other => Self {
                may_depend_on_encryption: true,
                ..Self::final_(could_not_connect(host, other).with_hint(hint_reach(host)))
            },
        }
    }

    fn by_server(target: &Target, host: &HostSpec, refused: &tokio_postgres::error::DbError) -> Self {
        let code = refused.code().code();
        let mut error = could_not_connect(host, refused.message());
        if let Some(file) = host.passfile.as_ref().filter(|_| code == INVALID_PASSWORD) {
            error = error.with_detail(format!("The password came from \"{}\".", file.display()));
        }
        Self {
            error: error.with_hint(login_hint(target, code, refused.hint())),
            tries_next_host: code == CANNOT_CONNECT_NOW,
            may_depend_on_encryption: code == INVALID_AUTHORIZATION,
        }
    }

    fn about_encryption(error: Error) -> Self {
        Self { may_depend_on_encryption: true, ..Self::final_(error) }
    }
}

fn login_hint(target: &Target, code: &str, of_server: Option<&str>) -> String {
    match code {
        INVALID_PASSWORD => {
            "Check the password. In a URL, write \"@\" as %40, \"/\" as %2F, \":\" as %3A and \"%\" as %25.".to_owned()
        }
        INVALID_AUTHORIZATION => {
            "Let pg_hba.conf admit this role, database and address; check sslmode and sslcert.".to_owned()
        }
        "3D000" => "List the databases with psql -l.".to_owned(),
        "53300" | "53400" => "Wait for other sessions to end, or connect to a replica.".to_owned(),
        CANNOT_CONNECT_NOW => "Wait until the server has started.".to_owned(),
        _ if target.options.is_some() && code == "08P01" => {
            "A pooler refuses startup options; leave out options= and PGOPTIONS.".to_owned()
        }
        _ => of_server.unwrap_or("Look into the server's log.").to_owned(),
    }
}

/// What to do when no PostgreSQL answers: PostgreSQL's own way of asking.
fn hint_reach(host: &HostSpec) -> String {
    format!("Check the host and port: pg_isready -h {} -p {}", host.shown(), host.port)
}

fn could_not_connect(host: &HostSpec, reason: &str) -> Error {
    Error::connection(format!("could not connect to {host}: {reason}"))
}

fn tls_cause(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        if let Some(found) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(found) = found.downcast_ref::<rustls::Error>()
        {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}
