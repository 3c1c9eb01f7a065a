//! What the user wants of TLS: sslmode and the files that go with it, with libpq's defaults. Touches no network and
//! loads no certificate.

use std::path::PathBuf;

use super::dsn::Parameters;
use super::environment::Environment;
use super::target::choice;
use crate::error::{Error, Result};

/// `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Where trusted certificates come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Nothing to verify against.
    None,
    /// `sslrootcert=system`: the operating system's store.
    System,
    File(PathBuf),
    /// A verifying mode, and this file or none to verify with: an error as soon as TLS is to be spoken.
    Missing(Option<PathBuf>),
}

#[derive(Debug, Clone)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    pub(super) roots: Roots,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) revocations: Option<PathBuf>,
    pub(super) channel_binding: ChannelBinding,
    /// `sslnegotiation=direct`: TLS from the first byte.
    pub(super) is_direct: bool,
    pub(super) sends_name: bool,
    pub(super) versions: Versions,
}

/// `channel_binding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// The TLS versions that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) allows_1_2: bool,
    pub(super) allows_1_3: bool,
}

impl TlsSettings {
    pub(super) fn from_parameters(parameters: &Parameters, environment: &Environment) -> Result<Self> {
        let is_strict = parameters.filled("sslaccept") == Some("strict");
        let uses_system_roots = parameters.get("sslrootcert") == Some("system");
        let mode = mode(parameters, is_strict, uses_system_roots)?;
        let roots = roots(parameters, environment, mode, is_strict);
        let is_direct = choice(parameters, "sslnegotiation", &[("postgres", false), ("direct", true)], false)?;
        if is_direct && matches!(mode, SslMode::Disable | SslMode::Allow | SslMode::Prefer) {
            return Err(Error::usage("a weak sslmode cannot be used with sslnegotiation=direct")
                .with_hint("Use sslmode=require, verify-ca or verify-full."));
        }
        let file = |name: &str, default: &str| {
            parameters.filled(name).map(PathBuf::from).or_else(|| existing(environment, default))
        };
        let certificate_mode = choice(parameters, "sslcertmode", &[("disable", 0), ("allow", 1), ("require", 2)], 1)?;
        let certificate = file("sslcert", ".postgresql/postgresql.crt").filter(|_| certificate_mode > 0);
        if certificate_mode == 2 && certificate.is_none() {
            return Err(Error::usage("sslcertmode=require, but there is no client certificate")
                .with_hint("Name it in sslcert, or put it into ~/.postgresql/postgresql.crt."));
        }
        refuse_unsupported(parameters)?;
        Ok(Self {
            mode,
            roots,
            certificate,
            key: file("sslkey", ".postgresql/postgresql.key"),
            revocations: file("sslcrl", ".postgresql/root.crl"),
            channel_binding: choice(
                parameters,
                "channel_binding",
                &[
                    ("disable", ChannelBinding::Disable),
                    ("prefer", ChannelBinding::Prefer),
                    ("require", ChannelBinding::Require),
                ],
                ChannelBinding::Prefer,
            )?,
            is_direct,
            sends_name: parameters.get("sslsni") != Some("0"),
            versions: versions(parameters)?,
        })
    }
}

impl TlsSettings {
    /// Whether a server without a good certificate is refused. `prefer` and `allow` would go on in the clear.
    pub(super) fn is_verifying(&self) -> bool {
        match self.mode {
            SslMode::VerifyCa | SslMode::VerifyFull => true,
            SslMode::Require => self.roots != Roots::None,
            SslMode::Disable | SslMode::Allow | SslMode::Prefer => false,
        }
    }
}

fn mode(parameters: &Parameters, is_strict: bool, uses_system_roots: bool) -> Result<SslMode> {
    use SslMode::*;
    let asked = match parameters.get("ssl") {
        None => None,
        Some("true") => Some(Require),
        Some("false") => Some(Disable),
        Some(_) => return Err(Error::usage("invalid ssl value").with_hint("Write sslmode=require instead.")),
    };
    if parameters.get("sslmode") == Some("no-verify") {
        return Err(Error::usage("invalid sslmode value")
            .with_hint("libpq's word for node-postgres' no-verify is sslmode=require."));
    }
    let known = [
        ("disable", Disable),
        ("allow", Allow),
        ("prefer", Prefer),
        ("require", Require),
        ("verify-ca", VerifyCa),
        ("verify-full", VerifyFull),
    ];
    let default = if uses_system_roots { VerifyFull } else { asked.unwrap_or(Prefer) };
    let mode = choice(parameters, "sslmode", &known, default)?;
    if uses_system_roots && mode != VerifyFull {
        return Err(Error::usage("a weak sslmode cannot be used with sslrootcert=system")
            .with_hint("Use sslmode=verify-full, or name a file in sslrootcert."));
    }
    Ok(if is_strict { VerifyFull } else { mode })
}

/// libpq verifies against the root certificate file wherever there is one, and the verifying modes insist on it.
fn roots(parameters: &Parameters, environment: &Environment, mode: SslMode, is_strict: bool) -> Roots {
    let is_verifying = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
    let file = match parameters.filled("sslrootcert") {
        Some("system") => return Roots::System,
        Some(file) => Some(PathBuf::from(file)),
        None => environment.home_file(".postgresql/root.crt"),
    };
    match file {
        Some(file) if file.exists() => Roots::File(file),
        None if is_strict => Roots::System,
        Some(_) if is_strict && parameters.filled("sslrootcert").is_none() => Roots::System,
        missing if is_verifying => Roots::Missing(missing),
        _ => Roots::None,
    }
}

fn existing(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.home_file(name).filter(|file| file.exists())
}

fn versions(parameters: &Parameters) -> Result<Versions> {
    let known = [("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];
    let bound = |name: &str, default: u8| match parameters.filled(name) {
        None => Ok(default),
        Some(_) => choice(parameters, name, &known, default),
    };
    let lowest = bound("ssl_min_protocol_version", 12)?;
    let highest = bound("ssl_max_protocol_version", 13)?;
    let versions = Versions { allows_1_2: lowest <= 12 && highest >= 12, allows_1_3: highest >= 13 };
    if lowest > highest || !(versions.allows_1_2 || versions.allows_1_3) {
        return Err(Error::usage(
            "no TLS version is left between ssl_min_protocol_version and ssl_max_protocol_version",
        )
        .with_hint("Allow TLSv1.2 or TLSv1.3."));
    }
    Ok(versions)
}

/// Refuses what would be a check left out if it were ignored.
fn refuse_unsupported(parameters: &Parameters) -> Result<()> {
    if parameters.filled("sslcrldir").is_some() {
        return Err(Error::unsupported("the connection parameter \"sslcrldir\" is not supported")
            .with_hint("Put the revocation lists into one file and name it in sslcrl."));
    }
    if parameters.filled("sslpassword").is_some() {
        return Err(Error::unsupported("encrypted client keys are not supported")
            .with_hint("Decrypt the key with openssl pkey, protect the file with mode 0600, and name it in sslkey."));
    }
    if parameters.filled("sslkey").is_some_and(|key| key.starts_with("engine:")) {
        return Err(
            Error::unsupported("client keys in an engine are not supported").with_hint("Name a file in sslkey.")
        );
    }
    Ok(())
}
