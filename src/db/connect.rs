//! Reaching a server: hosts in turn, addresses in turn, TLS as the mode says, the one retry of `prefer` and `allow`,
//! all under one deadline for each address. Runs no statement but the one that tells a primary from a standby.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cancel::Canceller;
use super::hosts::{HostSpec, Place};
use super::refusal::Refusal;
use super::socket::{Endpoint, Socket};
use super::target::{SessionAttributes, Target};
use super::tls;
use super::tls_settings::{ChannelBinding, SslMode};
use crate::error::{Error, Result};

/// A connection that has been logged in.
pub(super) struct Connected {
    pub(super) client: Client,
    /// The task that moves bytes; it ends when the client is dropped.
    pub(super) driver: JoinHandle<()>,
    pub(super) canceller: Canceller,
    pub(super) local_port: Option<u16>,
}

/// How one attempt protects the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    /// TLS if the server has it.
    IfOffered,
    Required,
}

/// Connects to the first host that answers and is what `target_session_attrs` asks for.
pub(super) async fn connect(target: &Target) -> Result<Connected> {
    let speaks_tls =
        target.tls.mode != SslMode::Disable && target.hosts.iter().any(|host| !matches!(host.place, Place::Socket(_)));
    let connector = if speaks_tls { Some(tls::connector(&target.tls)?) } else { None };
    let hosts = hosts_in_order(target);
    let passes: &[SessionAttributes] = match target.session_attributes {
        SessionAttributes::PreferStandby => &[SessionAttributes::Standby, SessionAttributes::Any],
        SessionAttributes::Any => &[SessionAttributes::Any],
        SessionAttributes::ReadWrite => &[SessionAttributes::ReadWrite],
        SessionAttributes::ReadOnly => &[SessionAttributes::ReadOnly],
        SessionAttributes::Primary => &[SessionAttributes::Primary],
        SessionAttributes::Standby => &[SessionAttributes::Standby],
    };
    let mut refusals = Vec::new();
    for attributes in passes {
        for host in &hosts {
            match connect_host(target, host, connector.as_ref(), *attributes).await {
                Ok(connected) => return Ok(connected),
                Err(refusal) if refusal.tries_next_host => refusals.push(refusal.error),
                Err(refusal) => return Err(refusal.error),
            }
        }
    }
    Err(all_refused(refusals))
}

fn hosts_in_order(target: &Target) -> Vec<&HostSpec> {
    let mut hosts: Vec<&HostSpec> = target.hosts.iter().collect();
    if target.shuffles_hosts {
        let random = RandomState::new();
        let mut keyed: Vec<(u64, &HostSpec)> = (0u32..).map(|i| random.hash_one(i)).zip(hosts).collect();
        keyed.sort_by_key(|(key, _)| *key);
        hosts = keyed.into_iter().map(|(_, host)| host).collect();
    }
    hosts
}

/// The last refusal, with the earlier ones as its detail.
fn all_refused(mut refusals: Vec<Error>) -> Error {
    let Some(last) = refusals.pop() else {
        return Error::internal("no host to connect to");
    };
    let mut earlier: Vec<&str> =
        refusals.iter().map(Error::message).filter(|message| *message != last.message()).collect();
    earlier.dedup();
    if earlier.is_empty() { last } else { last.clone().with_detail(format!("Before that: {}.", earlier.join("; "))) }
}

async fn connect_host(
    target: &Target,
    host: &HostSpec,
    connector: Option<&MakeRustlsConnect>,
    attributes: SessionAttributes,
) -> std::result::Result<Connected, Refusal> {
    let mut last = None;
    for endpoint in endpoints(target, host).await? {
        let deadline = Instant::now() + target.connect_timeout;
        let attempt = connect_endpoint(target, host, &endpoint, connector, attributes);
        match timeout_at(deadline, attempt).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(refusal)) if refusal.tries_next_host => last = Some(refusal),
            Ok(Err(refusal)) => return Err(refusal),
            Err(_) => last = Some(Refusal::timed_out(host, target.connect_timeout)),
        }
    }
    Err(last.unwrap_or_else(|| Refusal::unknown_host(host, "no address")))
}

async fn endpoints(target: &Target, host: &HostSpec) -> std::result::Result<Vec<Endpoint>, Refusal> {
    match &host.place {
        Place::Socket(name) => Ok(vec![Endpoint::Unix(socket_path(name, host.port))]),
        Place::Address(address) => Ok(vec![Endpoint::Tcp(SocketAddr::new(*address, host.port))]),
        Place::Name(name) => {
            let deadline = Instant::now() + target.connect_timeout;
            match timeout_at(deadline, tokio::net::lookup_host((name.as_str(), host.port))).await {
                Ok(Ok(addresses)) => Ok(addresses.map(Endpoint::Tcp).collect()),
                Ok(Err(error)) => Err(Refusal::unknown_host(host, &error.to_string())),
                Err(_) => Err(Refusal::timed_out(host, target.connect_timeout)),
            }
        }
    }
}

/// The socket file of a folder; an abstract name is written with `@` and meant as a leading NUL.
fn socket_path(name: &str, port: u16) -> String {
    match name.strip_prefix('@') {
        Some(rest) => format!("\0{rest}/.s.PGSQL.{port}"),
        None => format!("{name}/.s.PGSQL.{port}"),
    }
}

async fn connect_endpoint(
    target: &Target,
    host: &HostSpec,
    endpoint: &Endpoint,
    connector: Option<&MakeRustlsConnect>,
    attributes: SessionAttributes,
) -> std::result::Result<Connected, Refusal> {
    let (first, retry) = encryptions(target.tls.mode, endpoint);
    let connected = match (log_in(target, host, endpoint, connector, first).await, retry) {
        (Err(refusal), Some(retry)) if refusal.may_depend_on_encryption => {
            let retried = log_in(target, host, endpoint, connector, retry).await;
            retried.map_err(|second| if second.may_depend_on_encryption { refusal } else { second })
        }
        (outcome, _) => outcome,
    }?;
    check_attributes(&connected, host, attributes).await?;
    Ok(connected)
}

/// What to try first, and what to try when that fails for a reason that encryption could change. Unix sockets are never
/// encrypted, whatever the mode says, as in libpq.
fn encryptions(mode: SslMode, endpoint: &Endpoint) -> (Encryption, Option<Encryption>) {
    match mode {
        _ if endpoint.is_unix() => (Encryption::None, None),
        SslMode::Disable => (Encryption::None, None),
        SslMode::Allow => (Encryption::None, Some(Encryption::Required)),
        SslMode::Prefer => (Encryption::IfOffered, Some(Encryption::None)),
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Encryption::Required, None),
    }
}

async fn log_in(
    target: &Target,
    host: &HostSpec,
    endpoint: &Endpoint,
    connector: Option<&MakeRustlsConnect>,
    encryption: Encryption,
) -> std::result::Result<Connected, Refusal> {
    let socket = endpoint.open(target.keepalives).await.map_err(|error| Refusal::unreachable(host, &error))?;
    let local_port = socket.local_port();
    let config = config(target, host, encryption);
    match connector.filter(|_| encryption != Encryption::None) {
        None => {
            let (client, driver) =
                handshake(&config, socket, NoTls).await.map_err(|error| Refusal::of(target, host, &error))?;
            let canceller = Canceller { token: client.cancel_token(), endpoint: endpoint.clone(), tls: None };
            Ok(Connected { client, driver, canceller, local_port })
        }
        Some(connector) => {
            let name = tls_name(host, endpoint, target.tls.mode)?;
            let mut maker = connector.clone();
            let connect = match MakeTlsConnect::<Socket>::make_tls_connect(&mut maker, &name) {
                Ok(connect) => connect,
                Err(never) => match never {},
            };
            let (client, driver) =
                handshake(&config, socket, connect).await.map_err(|error| Refusal::of(target, host, &error))?;
            let tls = Some((connector.clone(), name));
            let canceller = Canceller { token: client.cancel_token(), endpoint: endpoint.clone(), tls };
            Ok(Connected { client, driver, canceller, local_port })
        }
    }
}

async fn handshake<T>(
    config: &Config,
    socket: Socket,
    tls: T,
) -> std::result::Result<(Client, JoinHandle<()>), tokio_postgres::Error>
where
    T: TlsConnect<Socket>,
    T::Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = config.connect_raw(socket, tls).await?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(cause = super::server_error::cause(&error), "connection ended");
        }
    });
    Ok((client, driver))
}

fn config(target: &Target, host: &HostSpec, encryption: Encryption) -> Config {
    use tokio_postgres::config;
    let mut config = Config::new();
    config.user(&target.user).dbname(&target.database).application_name(&target.application_name);
    if let Some(options) = &target.options {
        config.options(options);
    }
    if let Some(password) = &host.password {
        config.password(password.expose());
    }
    config.ssl_mode(match encryption {
        Encryption::None => config::SslMode::Disable,
        Encryption::IfOffered => config::SslMode::Prefer,
        Encryption::Required => config::SslMode::Require,
    });
    if target.tls.is_direct && encryption != Encryption::None {
        config.ssl_negotiation(config::SslNegotiation::Direct);
    }
    config.channel_binding(match target.tls.channel_binding {
        ChannelBinding::Disable => config::ChannelBinding::Disable,
        ChannelBinding::Prefer => config::ChannelBinding::Prefer,
        ChannelBinding::Require => config::ChannelBinding::Require,
    });
    config
}

/// The name that the certificate is compared with, and that is announced to the server. Where nothing is compared, an
/// address will do for a host name that TLS cannot carry.
fn tls_name(host: &HostSpec, endpoint: &Endpoint, mode: SslMode) -> std::result::Result<String, Refusal> {
    if ServerName::try_from(host.name.as_str()).is_ok() {
        return Ok(host.name.clone());
    }
    match endpoint {
        Endpoint::Tcp(address) if mode != SslMode::VerifyFull => Ok(address.ip().to_string()),
        _ => Err(Refusal::final_(
            Error::usage("a host name must be specified for sslmode=verify-full")
                .with_hint("Name the host as its certificate does; hostaddr alone cannot be compared with it."),
        )),
    }
}

/// What a server is, for `target_session_attrs`.
const SERVER_STATE: &str = include_str!("queries/server_state.sql");

async fn check_attributes(
    connected: &Connected,
    host: &HostSpec,
    attributes: SessionAttributes,
) -> std::result::Result<(), Refusal> {
    if attributes == SessionAttributes::Any {
        return Ok(());
    }
    let row = connected.client.query_typed_one(SERVER_STATE, &[]).await;
    let state =
        row.and_then(|row| Ok((row.try_get::<_, bool>("is_standby")?, row.try_get::<_, bool>("is_read_only")?)));
    let (is_standby, is_read_only) = state.map_err(|error| Refusal::lost(host, &error))?;
    let (is_wanted, what_it_is) = match attributes {
        SessionAttributes::Any | SessionAttributes::PreferStandby => (true, ""),
        SessionAttributes::ReadWrite => (!is_read_only, "read-only"),
        SessionAttributes::ReadOnly => (is_read_only, "not read-only"),
        SessionAttributes::Primary => (!is_standby, "in hot standby mode"),
        SessionAttributes::Standby => (is_standby, "not in hot standby mode"),
    };
    if is_wanted { Ok(()) } else { Err(Refusal::unsuitable(host, what_it_is)) }
}
