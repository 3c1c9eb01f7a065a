//! Certificates of every kind, right and wrong, under every sslmode: psql and pgadvise come to the same verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use pgadvise::db::{Session, Target};
use pgadvise::server::{Cluster, ClusterOptions};

use super::certificates::{Authority, Signed, self_signed};
use super::child;
use super::fixture::{Fixture, fixture, install_certificate, write_file};
use super::interrupt;
use super::oracle::Attempt;
use crate::support;

const NAMES: &[&str] = &["localhost", "127.0.0.1"];

/// Where pgadvise is stricter than OpenSSL, and says so: `certificate, mode`.
const STRICTER: &[(&str, &str)] = &[("no subjectAltName", "verify-full")];

/// A server with TLS that lets everybody in.
fn tls_server(major: u32) -> Cluster {
    let cluster = support::private_server(major, &ClusterOptions { listens_on_loopback: true, ..Default::default() });
    let session = support::connect(&cluster.url("postgres"));
    session.execute("CREATE ROLE trusted LOGIN");
    let hba = cluster.data_directory().join("pg_hba.conf");
    let lines = "ARRAY['local all all trust', 'host all trusted all trust']";
    session.execute(&format!("COPY (SELECT unnest({lines})) TO '{}'", hba.display()));
    cluster
}

#[test]
fn every_certificate_is_judged_as_by_psql() {
    let cluster = tls_server(15);
    let authority = Authority::new("authority");
    let intermediate = authority.intermediate("intermediate");
    let through = intermediate.sign_server("localhost", NAMES);
    let with_chain =
        Signed { certificate: format!("{}{}", through.certificate, intermediate.pem()), key: through.key.clone() };
    let of_authority = authority.pem();
    let self_signed_authority = self_signed(NAMES, true);
    let self_signed_leaf = self_signed(NAMES, false);
    let cases = [
        ("right", authority.sign_server("localhost", NAMES), of_authority.clone()),
        ("a name only", authority.sign_server("localhost", &["localhost"]), of_authority.clone()),
        ("no subjectAltName", authority.sign_server("localhost", &[]), of_authority.clone()),
        ("another name", authority.sign_server("localhost", &["db.invalid"]), of_authority.clone()),
        ("a wildcard", authority.sign_server("localhost", &["*.localhost"]), of_authority.clone()),
        ("with its chain", with_chain, of_authority.clone()),
        ("without its chain", through, of_authority.clone()),
        ("expired", authority.sign_expired(NAMES), of_authority.clone()),
        ("another authority's", Authority::new("other").sign_server("localhost", NAMES), of_authority.clone()),
        ("an authority by itself", self_signed_authority.clone(), self_signed_authority.certificate),
        ("a leaf by itself", self_signed_leaf.clone(), self_signed_leaf.certificate),
        ("an unknown authority by itself", self_signed(NAMES, true), of_authority),
    ];
    let fixture = fixture();
    let mut wrong = Vec::new();
    for (what, signed, roots) in &cases {
        install_certificate(&cluster, signed, roots);
        for mode in ["require", "verify-ca", "verify-full"] {
            let (psql, pgadvise) = verdicts(fixture, &cluster, mode, "", roots);
            let is_stricter = STRICTER.contains(&(what, mode));
            if (psql.0 == pgadvise.0) == is_stricter || (is_stricter && pgadvise.0 != "not verified") {
                wrong.push(format!("{what}, {mode}: psql {psql:?}, pgadvise {pgadvise:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_revoked_certificate_is_refused() {
    let cluster = tls_server(15);
    let authority = Authority::new("authority");
    install_certificate(&cluster, &authority.sign_revoked(NAMES), &authority.pem());
    let list = fixture().folder.join("revoked.crl");
    write_file(&list, &authority.revocations(), 0o600);
    let with_list = format!(" sslcrl={}", list.display());
    let (psql, pgadvise) = verdicts(fixture(), &cluster, "verify-full", &with_list, &authority.pem());
    assert_eq!((psql.0.as_str(), pgadvise.0.as_str()), ("not verified", "not verified"), "{psql:?} {pgadvise:?}");
    assert!(pgadvise.1.contains("revoked"), "{pgadvise:?}");
    install_certificate(&cluster, &authority.sign_server("localhost", NAMES), &authority.pem());
    let (psql, pgadvise) = verdicts(fixture(), &cluster, "verify-full", &with_list, &authority.pem());
    assert_eq!(psql.0, pgadvise.0, "{psql:?} {pgadvise:?}");
    assert!(pgadvise.0.ends_with("tls"), "{pgadvise:?}");
}

type Verdict = (String, String);

fn verdicts(fixture: &Fixture, cluster: &Cluster, mode: &str, more: &str, roots: &str) -> (Verdict, Verdict) {
    let (folder, home) = super::fixture::home();
    write_file(&home.join("roots.crt"), roots, 0o600);
    let attempt = Attempt {
        source: format!(
            "host=localhost port={} user=trusted dbname=postgres sslmode={mode} sslrootcert={}{more}",
            cluster.port(),
            home.join("roots.crt").display()
        ),
        environment: BTreeMap::from([("HOME".to_owned(), home.display().to_string())]),
    };
    let verdicts = (attempt.by_psql(fixture), attempt.by_pgadvise(fixture));
    drop(folder);
    verdicts
}

#[test]
fn tls_from_the_first_byte() {
    let cluster = tls_server(18);
    let authority = Authority::new("authority");
    install_certificate(&cluster, &authority.sign_server("localhost", NAMES), &authority.pem());
    let url = format!("postgres://trusted@localhost:{}/postgres?sslmode=require", cluster.port());
    let connect =
        |more: &str| Target::resolve(Some(&format!("{url}{more}"))).and_then(|target| Session::connect(&target));
    assert!(connect("").is_ok());
    assert!(connect("&sslnegotiation=direct").is_ok());
    assert!(connect("&sslnegotiation=direct&sslmode=prefer").is_err_and(|error| error.kind().exit_code() == 2));
}

#[test]
fn a_call_over_tls_is_cancelled_over_tls() {
    let cluster = &fixture().primary;
    let url = format!("postgres://trusted@localhost:{}/trusted?sslmode=require", cluster.port());
    let admin = support::connect(&cluster.url("trusted"));
    let active = || {
        admin.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'trusted' AND state = 'active' AND query LIKE '%pg_sleep(600)%'")
    };
    let (child, said) = interrupt::start("query", &url);
    interrupt::wait_until(|| active() == "1");
    let (exit_code, words, took) = interrupt::end(child, said, "-INT");
    assert!(exit_code == Some(130) && took < Duration::from_millis(3_500), "{exit_code:?} {took:?} {words}");
    interrupt::wait_until(|| active() == "0");
}

/// `sslrootcert=system` follows `SSL_CERT_FILE`, which is read from the process's own environment.
#[test]
fn the_systems_authorities_are_trusted() {
    if let Some(url) = child::argument() {
        let session = Target::resolve(Some(&url)).and_then(|target| Session::connect(&target));
        assert!(session.is_ok(), "{:?}", session.err());
        return;
    }
    let fixture = fixture();
    let url = format!("postgres://trusted@localhost:{}/shop?sslrootcert=system", fixture.primary.port());
    let authority = fixture.folder.join("ca.crt").display().to_string();
    let output = child::start(
        "connect::tls::the_systems_authorities_are_trusted",
        &url,
        &[("SSL_CERT_FILE", &authority), ("HOME", "/nonexistent")],
    )
    .wait_with_output()
    .expect("the child ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
