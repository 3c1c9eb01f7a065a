//! TLS as libpq's sslmode means it: what is verified, with which certificates, and what a refusal means to the user.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls_settings::{Roots, SslMode, TlsSettings, Versions};
use crate::error::{Error, Result};

/// The protocol name that `sslnegotiation=direct` has to announce (PostgreSQL 17, "SSL Session Encryption").
const ALPN_POSTGRESQL: &[u8] = b"postgresql";

/// How much of the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verification {
    Nothing,
    Chain,
    ChainAndName,
}

/// Builds the connector for `settings`.
///
/// # Errors
/// A certificate or key file that cannot be read or used.
pub(super) fn connector(settings: &TlsSettings) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(settings, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&protocol_versions(settings.versions))
        .map_err(|error| Error::internal(format!("could not set up TLS: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &settings.certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let (chain, key) = client_certificate(certificate, settings.key.as_deref())?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Error::usage(format!("the client certificate \"{}\" cannot be used: {error}", certificate.display()))
                    .with_hint("Check that sslcert and sslkey belong together.")
            })?
        }
    };
    config.enable_sni = settings.sends_name;
    if settings.is_direct {
        config.alpn_protocols = vec![ALPN_POSTGRESQL.to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn protocol_versions(versions: Versions) -> Vec<&'static SupportedProtocolVersion> {
    let mut allowed = Vec::new();
    if versions.allows_1_3 {
        allowed.push(&rustls::version::TLS13);
    }
    if versions.allows_1_2 {
        allowed.push(&rustls::version::TLS12);
    }
    allowed
}

fn verifier(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Verifier> {
    let certificates = root_certificates(&settings.roots)?;
    let mut roots = RootCertStore::empty();
    let (n_usable, _) = roots.add_parsable_certificates(certificates.iter().cloned());
    if n_usable == 0 && settings.roots != Roots::None {
        return Err(Error::usage("there is no usable certificate among the root certificates")
            .with_hint("Check the file that sslrootcert names: it has to hold PEM certificates."));
    }
    let verification = match (settings.mode, &settings.roots) {
        (SslMode::VerifyFull, _) => Verification::ChainAndName,
        (_, Roots::None) => Verification::Nothing,
        _ => Verification::Chain,
    };
    let chain = match verification {
        Verification::Nothing => None,
        Verification::Chain | Verification::ChainAndName => {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .with_crls(revocations(settings.revocations.as_deref())?);
            Some(
                builder
                    .build()
                    .map_err(|error| Error::usage(format!("the root certificates cannot be used: {error}")))?,
            )
        }
    };
    let pinned = if settings.roots == Roots::System { Vec::new() } else { certificates };
    Ok(Verifier { verification, chain, pinned, provider: provider.clone() })
}

fn root_certificates(roots: &Roots) -> Result<Vec<CertificateDer<'static>>> {
    match roots {
        Roots::None => Ok(Vec::new()),
        Roots::System => Ok(rustls_native_certs::load_native_certs().certs),
        Roots::File(file) => certificates(file, "root certificate file"),
        Roots::Missing(file) => Err(no_roots(file.as_deref())),
    }
}

fn no_roots(missing: Option<&Path>) -> Error {
    let message = match missing {
        Some(file) => format!("root certificate file \"{}\" does not exist", file.display()),
        None => "there is no root certificate file to verify the server with".to_owned(),
    };
    Error::usage(message).with_hint("Name the file of your provider in sslrootcert (on Amazon RDS global-bundle.pem), or use sslrootcert=system where a public authority signed the server's certificate.")
}

fn certificates(file: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|error| unreadable(file, what, &error))
}

fn revocations(file: Option<&Path>) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    CertificateRevocationListDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(file, "certificate revocation list", &error))
}

fn client_certificate(
    certificate: &Path,
    key: Option<&Path>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let key = key.ok_or_else(|| {
        Error::usage(format!("certificate present, but not private key file, for \"{}\"", certificate.display()))
            .with_hint("Name the key in sslkey, or put it into ~/.postgresql/postgresql.key.")
    })?;
    refuse_open_key(key)?;
    let chain = certificates(certificate, "client certificate")?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, "private key file", &error))?;
    Ok((chain, key))
}

/// A key that others can read is refused, by libpq's rule: 0600 or less, or 0640 if root owns it.
fn refuse_open_key(key: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let metadata = std::fs::metadata(key).map_err(|error| {
        Error::usage(format!("private key file \"{}\" cannot be read: {}", key.display(), error.kind()))
            .with_hint("Check sslkey.")
    })?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.permissions().mode() & forbidden == 0 {
        return Ok(());
    }
    Err(Error::usage(format!("private key file \"{}\" has group or world access", key.display()))
        .with_hint("Run chmod 600 on it; a file that root owns may be 0640."))
}

fn unreadable(file: &Path, what: &str, error: &rustls::pki_types::pem::Error) -> Error {
    let cause = match error {
        rustls::pki_types::pem::Error::Io(error) => error.kind().to_string(),
        other => other.to_string(),
    };
    Error::usage(format!("{what} \"{}\" cannot be read: {cause}", file.display())).with_hint(
        "Check that the file exists, is readable and holds PEM text; an encrypted key has to be decrypted first.",
    )
}

/// Verifies what the mode asks for. Signatures of the handshake are verified always.
#[derive(Debug)]
struct Verifier {
    verification: Verification,
    /// Absent where nothing is verified.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// The certificates of sslrootcert: a server that presents one of them as its own is trusted by that alone.
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is compared last, so the chain is good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.verification == Verification::Chain => Ok(ServerCertVerified::assertion()),
            // A self-signed certificate that is its own root: OpenSSL accepts it, webpki calls it misused. Its validity
            // in time is checked before.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(cause)))
                if cause.to_string() == CA_USED_AS_END_ENTITY && self.pinned.iter().any(|root| root == end_entity) =>
            {
                if self.verification == Verification::ChainAndName {
                    let certificate = ParsedCertificate::try_from(end_entity)?;
                    rustls::client::verify_server_name(&certificate, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// How webpki names its refusal of a certificate authority that serves as its own leaf.
const CA_USED_AS_END_ENTITY: &str = "CaUsedAsEndEntity";

/// What to tell the user about a failed handshake: the message and the hint.
pub(super) fn explain(error: &rustls::Error) -> (String, &'static str) {
    match error {
        rustls::Error::InvalidCertificate(cause) => explain_certificate(cause),
        rustls::Error::AlertReceived(alert) => (
            format!("the server ended the TLS handshake: {alert:?}"),
            "Check that the client certificate in sslcert is the one the server expects, and the allowed TLS versions.",
        ),
        rustls::Error::PeerIncompatible(_) => (
            "the server and pgadvise have no TLS version or cipher in common".to_owned(),
            "Let the server allow TLS 1.2 or newer (ssl_min_protocol_version, ssl_ciphers).",
        ),
        other => (format!("TLS failed: {other}"), "Check that the port is that of a PostgreSQL server with ssl = on."),
    }
}

fn explain_certificate(cause: &CertificateError) -> (String, &'static str) {
    match cause {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "certificate verify failed: no certificate in sslrootcert signed the server's certificate".to_owned(),
            "Name the certificate authority of your provider in sslrootcert (on Amazon RDS global-bundle.pem), or use sslrootcert=system.",
        ),
        CertificateError::NotValidForNameContext { expected, presented } if presented.is_empty() => (
            format!("the server's certificate has no subjectAltName to compare with \"{}\"", expected.to_str()),
            "Use sslmode=verify-ca, or reissue the certificate with a subjectAltName.",
        ),
        CertificateError::NotValidForNameContext { expected, presented } => (
            format!(
                "the server's certificate is not valid for \"{}\", only for {}",
                expected.to_str(),
                presented.join(", ")
            ),
            "Connect with a name that the certificate holds, or use sslmode=verify-ca.",
        ),
        CertificateError::NotValidForName => (
            "the server's certificate is not valid for this host name".to_owned(),
            "Connect with a name that the certificate holds, or use sslmode=verify-ca.",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "Renew the server's certificate; check this machine's clock.",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet".to_owned(),
            "Check this machine's clock and the certificate's dates.",
        ),
        CertificateError::Revoked => (
            "the server's certificate has been revoked".to_owned(),
            "Ask whoever runs the server for a new certificate.",
        ),
        other => (format!("certificate verify failed: {other}"), "Check sslrootcert and the server's certificate."),
    }
}
