//! Certificates for the tests: an authority of our own and what it signs, rightly and wrongly.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

/// A certificate with its key, both as PEM.
#[derive(Clone)]
pub struct Signed {
    pub certificate: String,
    pub key: String,
}

/// An authority that signs certificates.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let (params, key) = (authority_params(name), key());
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// An authority that this one signed.
    pub fn intermediate(&self, name: &str) -> Self {
        let (params, key) = (authority_params(name), key());
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A server's certificate for `names` (DNS names and addresses), with `common_name` as its subject.
    pub fn sign_server(&self, common_name: &str, names: &[&str]) -> Signed {
        self.sign(leaf_params(common_name, names, ExtendedKeyUsagePurpose::ServerAuth))
    }

    /// A server's certificate that ended in 2001.
    pub fn sign_expired(&self, names: &[&str]) -> Signed {
        let mut params = leaf_params("localhost", names, ExtendedKeyUsagePurpose::ServerAuth);
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
        self.sign(params)
    }

    /// A server's certificate with serial number 7, which `revocations` revokes.
    pub fn sign_revoked(&self, names: &[&str]) -> Signed {
        let mut params = leaf_params("localhost", names, ExtendedKeyUsagePurpose::ServerAuth);
        params.serial_number = Some(SerialNumber::from(7u64));
        self.sign(params)
    }

    /// The list that revokes `sign_revoked`'s certificate.
    pub fn revocations(&self) -> String {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(7u64),
                revocation_time: date_time_ymd(2021, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).and_then(|list| list.pem()).expect("a revocation list")
    }

    /// A client's certificate for the role `role`.
    pub fn sign_client(&self, role: &str) -> Signed {
        self.sign(leaf_params(role, &[], ExtendedKeyUsagePurpose::ClientAuth))
    }

    fn sign(&self, params: CertificateParams) -> Signed {
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Signed { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A server's certificate that nobody signed: its own authority, or (`is_authority` false) a leaf by itself.
pub fn self_signed(names: &[&str], is_authority: bool) -> Signed {
    let mut params = leaf_params("localhost", names, ExtendedKeyUsagePurpose::ServerAuth);
    params.is_ca = if is_authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
    let key = key();
    let certificate = params.self_signed(&key).expect("a certificate");
    Signed { certificate: certificate.pem(), key: key.serialize_pem() }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(common_name: &str, names: &[&str], usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("good names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params
}
