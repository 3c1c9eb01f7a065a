//! The servers that connecting is tried on: a primary with TLS and many kinds of login, a hot standby without TLS, and
//! listeners that are no servers.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pgadvise::server::{Cluster, ClusterOptions};
use tempfile::TempDir;

use super::certificates::{Authority, Signed};
use crate::support::{self, closed_port, listen};

/// The password of every role that has one. No output may hold its first word.
pub const PASSWORD: &str = "canary p@ss/w:rd%";

/// The word that must not appear anywhere.
pub const CANARY: &str = "canary";

const ROLES: &str = "
    CREATE ROLE app LOGIN PASSWORD 'canary p@ss/w:rd%';
    CREATE ROLE tls_only LOGIN PASSWORD 'canary p@ss/w:rd%';
    CREATE ROLE clear_only LOGIN PASSWORD 'canary p@ss/w:rd%';
    CREATE ROLE plain_text LOGIN PASSWORD 'canary p@ss/w:rd%';
    CREATE ROLE trusted LOGIN;
    CREATE ROLE certified LOGIN;
    CREATE ROLE \"o'hara:x\" LOGIN;
    CREATE ROLE nobody_may LOGIN;
    SET password_encryption = md5;
    CREATE ROLE md5er LOGIN PASSWORD 'canary p@ss/w:rd%'";

const HBA: &str = "local all all trust
host all nobody_may all reject
hostssl all certified all cert
hostssl all tls_only all scram-sha-256
hostnossl all clear_only all scram-sha-256
hostssl all clear_only all reject
host all md5er all md5
host all plain_text all password
host all app all scram-sha-256
hostssl all all all trust
hostnossl all trusted,\"o'hara:x\",root all trust";

const DATABASES: &[&str] = &["shop", "app", "trusted", "\"my db\"", "read_only"];

/// The servers, started once.
pub struct Fixture {
    pub primary: Cluster,
    pub standby: Cluster,
    pub authority: Authority,
    pub other_authority: Authority,
    /// Where certificates are: beside the primary's socket, because what watches over the server removes that folder when
    /// this process ends, which drops no static.
    pub folder: PathBuf,
    silent_port: u16,
    web_port: u16,
    closed_port: u16,
}

pub fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(Fixture::start)
}

/// The role that psql uses when no user is named.
pub fn own_name() -> String {
    let output = std::process::Command::new("id").arg("-un").output().expect("id");
    String::from_utf8(output.stdout).expect("a name").trim().to_owned()
}

impl Fixture {
    fn start() -> Self {
        let authority = Authority::new("authority of the tests");
        let other_authority = Authority::new("another authority");
        let options = ClusterOptions { listens_on_loopback: true, ..ClusterOptions::default() };
        let primary = support::private_server(15, &options);
        let mut standby = support::private_server(15, &options);
        set_up(&primary);
        set_up(&standby);
        // 18 clients at once go to the primary in the tests of the pooler.
        install_certificate(
            &primary,
            &authority.sign_server("localhost", &["localhost", "127.0.0.1"]),
            &authority.pem(),
        );
        standby.shut_down().expect("a clean shutdown");
        fs::write(standby.data_directory().join("standby.signal"), "").expect("standby.signal");
        standby.start_again().expect("a hot standby");

        let folder = primary.socket_folder().join("certificates");
        let fixture = Self {
            primary,
            standby,
            authority,
            other_authority,
            folder,
            silent_port: listen(|_| std::thread::sleep(Duration::from_secs(600))),
            web_port: listen(|mut client| {
                let mut request = [0; 512];
                let _ = client.read(&mut request);
                let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            }),
            closed_port: closed_port(),
        };
        fixture.write_certificates();
        fixture
    }

    fn write_certificates(&self) {
        let client = self.authority.sign_client("certified");
        let other = self.authority.sign_client("somebody else");
        let authority = self.authority.pem();
        for (name, text) in [
            ("ca.crt", authority.as_str()),
            ("other.crt", &self.other_authority.pem()),
            ("client.crt", &client.certificate),
            ("client.key", &client.key),
            ("open.key", &client.key),
            ("wrong.crt", &other.certificate),
            ("wrong.key", &other.key),
            ("empty.crt", ""),
        ] {
            write_file(&self.folder.join(name), text, if name == "open.key" { 0o644 } else { 0o600 });
        }
    }

    /// The names that the table writes in braces.
    pub fn places(&self) -> BTreeMap<&'static str, String> {
        let folder = self.folder.display().to_string();
        BTreeMap::from([
            ("{A}", self.primary.port().to_string()),
            ("{B}", self.standby.port().to_string()),
            ("{socket}", self.primary.socket_folder().display().to_string()),
            ("{socket%}", self.primary.socket_folder().display().to_string().replace('/', "%2F")),
            ("{silent}", self.silent_port.to_string()),
            ("{web}", self.web_port.to_string()),
            ("{closed}", self.closed_port.to_string()),
            ("{me}", own_name()),
            ("{certs}", folder),
            ("{pw}", PASSWORD.to_owned()),
            ("{pw:url}", "canary%20p%40ss%2Fw%3Ard%25".to_owned()),
            ("{pw:file}", "canary p@ss/w\\:rd%".to_owned()),
        ])
    }
}

fn set_up(cluster: &Cluster) {
    let session = support::connect(&cluster.url("postgres"));
    session.execute(ROLES);
    let own = own_name();
    if own != "postgres" {
        session.execute(&format!("CREATE ROLE \"{own}\" LOGIN"));
    }
    for database in DATABASES {
        session.execute(&format!("CREATE DATABASE {database}"));
    }
    session.execute("ALTER DATABASE read_only SET default_transaction_read_only = on");
    write_as_server(cluster, "pg_hba.conf", HBA);
    session.execute("SELECT pg_reload_conf()");
}

/// Makes the server present `signed`, and trust clients of `client_authority`.
pub fn install_certificate(cluster: &Cluster, signed: &Signed, client_authority: &str) {
    write_as_server(cluster, "server.crt", &signed.certificate);
    write_as_server(cluster, "server.key", &signed.key);
    write_as_server(cluster, "root.crt", client_authority);
    let session = support::connect(&cluster.url("postgres"));
    session.execute("ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
    session.execute("ALTER SYSTEM SET ssl = on");
    let before = session.value("SELECT clock_timestamp()");
    session.execute("SELECT pg_reload_conf()");
    // A backend inherits the time of the last reload from the postmaster, who loads certificates before it forks again.
    let deadline = Instant::now() + Duration::from_secs(20);
    let is_loaded = format!("SELECT pg_conf_load_time() > '{before}'");
    while support::connect(&cluster.url("postgres")).value(&is_loaded) != "t" {
        assert!(Instant::now() < deadline, "the server did not reload");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Writes a file of the data directory as the server's own account, readable by nobody else: a private key has to be.
fn write_as_server(cluster: &Cluster, name: &str, text: &str) {
    let path = cluster.data_directory().join(name);
    let lines: Vec<String> = text.lines().map(|line| line.replace('\'', "''")).collect();
    let quoted = lines.join("', '");
    support::connect(&cluster.url("postgres")).execute(&format!(
        "COPY (SELECT unnest(ARRAY['{quoted}'])) TO PROGRAM $$umask 077; cat > '{}'$$",
        path.display()
    ));
}

/// Writes a file with this mode, and the folders on the way to it.
pub fn write_file(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("chmod");
}

/// A fresh home folder.
pub fn home() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    (folder, path)
}
