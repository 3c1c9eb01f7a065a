//! PgBouncer, for whoever has to work behind it.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use pgadvise::server::Cluster;

use super::eventually;

/// PgBouncer in front of one server, in transaction mode.
pub struct PgBouncer {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl PgBouncer {
    /// A pooler that opens at most `pool_size` connections to a database.
    pub fn start(cluster: &Cluster, pool_size: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port =
            std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let configuration = format!(
            "[databases]\n* = host={} port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {pool_size}\nmax_client_conn = 100\n\
             query_wait_timeout = 20\n",
            cluster.socket_folder().display(),
            cluster.port()
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, configuration).expect("its configuration");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new("pgbouncer");
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // It refuses to run as root; whoever runs the server may read its socket.
        let owner = std::fs::metadata(cluster.data_directory()).expect("the data directory");
        if folder.path().metadata().expect("our folder").uid() != owner.uid() {
            std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .expect("chmod");
            command.uid(owner.uid()).gid(owner.gid());
        }
        let process = command.spawn().expect("pgbouncer runs: install it (apt-get install pgbouncer)");
        let pooler = Self { process, port, folder };
        eventually(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        pooler
    }

    /// A connection string through the pooler.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://anybody@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Asserts that it has not died.
    pub fn assert_alive(&mut self) {
        let ended = self.process.try_wait().expect("its state");
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(ended.is_none(), "PgBouncer died: {log}");
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
