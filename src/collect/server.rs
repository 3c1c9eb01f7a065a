//! Reads the server, the database, its schemas and its extensions. Judges nothing.

use jiff::Timestamp;

use super::query::{EXTENSIONS, SCHEMAS, SERVER};
use super::time;
use crate::db::{Failure, Transaction};
use crate::error::Error;
use crate::pg::ServerVersion;
use crate::snapshot::{Extension, Node, Server};

/// The server, and what is needed of it while collecting only.
pub(super) struct Read {
    pub server: Server,
    /// The server's time.
    pub taken_at: Timestamp,
    /// Whether columns of the default collation compare byte by byte.
    pub collation_is_c: bool,
    /// The reading session's own `search_path`.
    pub search_path: String,
    /// Whether the role may read the data of extended statistics that it does not own.
    pub can_read_extended_data: bool,
    /// Whether the role may read pg_statistic, where the statistics of ranges are before 17.
    pub can_read_statistic: bool,
    /// The schemas that exist.
    pub schemas: Vec<String>,
}

/// Reads server, schemas and extensions; the server's search path is left empty.
pub(super) fn read(transaction: &mut Transaction<'_>) -> Result<Read, Failure> {
    let rows = transaction.query(&SERVER, &[])?;
    let Some(row) = rows.first() else {
        return Err(Error::internal("the current database is not in pg_database").into());
    };
    let version: i32 = row.get("version_number")?;
    let mut server = Server {
        version: ServerVersion(version.unsigned_abs()),
        version_text: row.text("version_text")?,
        database: row.text("database")?,
        role: row.text("role")?,
        role_is_superuser: row.optional("role_is_superuser")?.unwrap_or(false),
        is_in_recovery: row.get("is_in_recovery")?,
        started_at: time::of_row(row, "started_at")?,
        stats_reset: time::of_row(row, "stats_reset")?,
        node: Node::default(),
        encoding: row.text("encoding")?,
        collate: row.optional_text("collate")?.unwrap_or_default(),
        ctype: row.optional_text("ctype")?.unwrap_or_default(),
        locale_provider: row.text("locale_provider")?.chars().next().unwrap_or('c'),
        icu_locale: row.optional_text("icu_locale")?,
        block_bytes: row.get::<i64>("block_bytes")?.unsigned_abs(),
        search_path: Vec::new(),
        application_role: None,
        extensions: Vec::new(),
        available_extensions: Vec::new(),
    };
    read_extensions(transaction, &mut server)?;
    Ok(Read {
        server,
        taken_at: time::of_row(row, "taken_at")?.unwrap_or(Timestamp::UNIX_EPOCH),
        collation_is_c: row.get("collation_is_c")?,
        search_path: row.optional_text("search_path")?.unwrap_or_default(),
        can_read_extended_data: row.get("can_read_extended_data")?,
        can_read_statistic: row.get("can_read_statistic")?,
        schemas: read_schemas(transaction)?,
    })
}

fn read_extensions(transaction: &mut Transaction<'_>, server: &mut Server) -> Result<(), Failure> {
    for row in transaction.query(&EXTENSIONS, &[])? {
        let name = row.text("name")?;
        if let (Some(schema), Some(version)) = (row.optional_text("schema")?, row.optional_text("version")?) {
            server.extensions.push(Extension { name: name.clone(), schema, version });
        }
        server.available_extensions.push(name);
    }
    server.extensions.sort_by(|a, b| a.name.cmp(&b.name));
    server.available_extensions.sort();
    Ok(())
}

fn read_schemas(transaction: &mut Transaction<'_>) -> Result<Vec<String>, Failure> {
    transaction.query(&SCHEMAS, &[])?.iter().map(|row| row.text("schema")).collect()
}
