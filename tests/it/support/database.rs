//! Fresh databases for tests, and plain SQL on them. Knows nothing of `pgadvise::db`, which the tests are there to judge.

use std::sync::atomic::{AtomicU32, Ordering};

use pgadvise::server::Cluster;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::servers::server;

/// The major version that tests of no particular version run on.
const USUAL_MAJOR: u32 = 15;

/// A database of one test. Dropping it drops the database.
pub struct Database {
    cluster: &'static Cluster,
    name: String,
    session: Session,
}

/// A fresh database on the usual server, set up by `schema_sql` (any statements, also several).
pub fn database(name: &str, schema_sql: &str) -> Database {
    database_on(server(USUAL_MAJOR), name, schema_sql)
}

/// A fresh database on `cluster`. Its name starts with `name` and is not used by another test.
pub fn database_on(cluster: &'static Cluster, name: &str, schema_sql: &str) -> Database {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("{name}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    // Copying files beats writing a template's blocks to the WAL, which is 15's default.
    let strategy = if cluster.version().major() >= 15 { " STRATEGY file_copy" } else { "" };
    connect(&cluster.url("postgres")).execute(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0{strategy}"));
    let session = connect(&cluster.url(&name));
    session.execute(schema_sql);
    Database { cluster, name, session }
}

impl Database {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its connection string, as the superuser.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// Its server.
    pub fn cluster(&self) -> &'static Cluster {
        self.cluster
    }

    /// Runs statements in the database's own session, several at once if need be.
    pub fn execute(&self, sql: &str) {
        self.session.execute(sql);
    }

    /// The rows of a query, each value as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.session.rows(sql)
    }

    /// The one value of a query that returns one.
    pub fn value(&self, sql: &str) -> String {
        self.session.value(sql)
    }

    /// Another session, in which `SET`, transactions and locks are this one's alone.
    pub fn connect(&self) -> Session {
        connect(&self.url())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that killed its server, or is unwinding, must not fail again here: the database goes with the server.
        let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        if let Ok(session) = Session::open(&self.cluster.url("postgres")) {
            let _ = session.try_execute(&drop);
        }
    }
}

/// A session over the simple protocol.
pub struct Session {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

/// A session with the database of a connection string.
pub fn connect(url: &str) -> Session {
    Session::open(url).unwrap_or_else(|error| panic!("could not connect to {url}: {error:?}"))
}

impl Session {
    fn open(url: &str) -> Result<Self, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    /// Runs statements, several at once if need be.
    pub fn execute(&self, sql: &str) {
        self.try_execute(sql).unwrap_or_else(|error| panic!("{error:?}\nin {sql}"));
    }

    /// Runs statements that may fail.
    pub fn try_execute(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.runtime.block_on(self.client.batch_execute(sql))
    }

    /// The rows of a query, each value as text.
    pub fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let messages = self.runtime.block_on(self.client.simple_query(sql));
        messages
            .unwrap_or_else(|error| panic!("{error:?}\nin {sql}"))
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
                }
                _ => None,
            })
            .collect()
    }

    /// The one value of a query that returns one.
    pub fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql);
        rows.first().and_then(|row| row.first()).cloned().flatten().unwrap_or_else(|| panic!("no value: {sql}"))
    }
}
