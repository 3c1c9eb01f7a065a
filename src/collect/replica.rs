//! Reads what another node of the source's replication counted, and adds it to the snapshot: scans of indexes, and
//! statements. Refuses a server that is no such node.

use crate::db::{Failure, Session, Transaction};
use crate::error::{Error, Result};
use crate::pg::Oid;
use crate::snapshot::{Node, Replica, ReplicaIndex, Server, Snapshot, StatementEntry, Statements};

use super::query::NODE;
use super::reader::Reader;
use super::{Basics, CollectOptions, indexes, read_basics, statements, time};

/// Relations whose counters are read in one transaction.
const RELATIONS: usize = 1_000;

/// What tells the server from others; nothing is known where its functions may not be called.
pub(super) fn read_node(reader: &mut Reader<'_>) -> Result<Node> {
    let read = |transaction: &mut Transaction<'_>| {
        let rows = transaction.query(&NODE, &[])?;
        let Some(row) = rows.first() else { return Ok(Node::default()) };
        let count = |name: &str| -> std::result::Result<Option<u32>, Failure> {
            Ok(row.optional::<i64>(name)?.and_then(|count| u32::try_from(count).ok()))
        };
        Ok(Node {
            system_identifier: row.optional_text("system_identifier")?,
            database_oid: row.optional("database_oid")?,
            counted_since: time::of_row(row, "counted_since")?,
            n_standbys: count("n_standbys")?,
            n_idle_slots: count("n_idle_slots")?,
        })
    };
    match reader.try_read(read) {
        Ok(node) => Ok(node),
        Err(Failure::Statement(_)) => Ok(Node::default()),
        Err(Failure::Session(error)) => Err(error),
    }
}

/// Adds what the server of `session` counted to `snapshot`, as the next replica.
///
/// # Errors
/// Kind `Usage` if the server is no other node of the source's replication; as [`super::collect`] otherwise.
pub fn add_replica(snapshot: &mut Snapshot, session: &mut Session, options: &CollectOptions) -> Result<()> {
    let name = format!("replica {}", snapshot.replicas.len() + 1);
    let mut reader = Reader::new(session);
    let Basics { read, privileges, .. } = read_basics(&mut reader)?;
    check_is_node(snapshot, &read.server, &name)?;
    reader.spare_the_server();
    let relations: Vec<Oid> = snapshot.relations.iter().map(|relation| relation.oid).collect();
    let mut counted = Vec::new();
    for piece in relations.chunks(RELATIONS) {
        let usage = reader.read(|transaction| indexes::read_usage(transaction, piece))?;
        counted.extend(usage.into_iter().map(|(oid, usage)| ReplicaIndex { oid, usage }));
    }
    counted.sort_by_key(|index| index.oid);
    let own = match &snapshot.statements {
        Some(_) if options.include_statements => statements::read(&mut reader, &privileges, options, read.taken_at)?,
        _ => None,
    };
    let n_statements = own.as_ref().map_or(0, |own| own.statements.entries.len());
    let gaps = reader.gaps.into_iter().map(|gap| crate::snapshot::Gap { id: format!("{name}: {}", gap.id), ..gap });
    snapshot.gaps.extend(gaps);
    snapshot.gaps.sort();
    if let (Some(statements), Some(own)) = (&mut snapshot.statements, own) {
        add_statements(statements, own.statements);
    }
    let server = read.server;
    snapshot.replicas.push(Replica {
        name,
        node: server.node,
        taken_at: read.taken_at,
        is_in_recovery: server.is_in_recovery,
        started_at: server.started_at,
        stats_reset: server.stats_reset,
        indexes: counted,
        n_statements,
    });
    Ok(())
}

/// Whether a server is another node of the source's replication, with the same database.
fn check_is_node(snapshot: &Snapshot, other: &Server, name: &str) -> Result<()> {
    let source = &snapshot.server;
    let refused = |what: String| {
        Err(Error::usage(format!("{name} is no standby of the source: {what}")).with_hint(
            "Name with --replica the standbys of the server that is analysed, and the same database on each.",
        ))
    };
    if other.version.major() != source.version.major() {
        return refused(format!("it runs PostgreSQL {}, and the source {}", other.version, source.version));
    }
    match (&source.node.system_identifier, &other.node.system_identifier) {
        (Some(own), Some(others)) if own != others => {
            return refused("it has another system identifier".to_owned());
        }
        (Some(_), Some(_)) => {}
        _ if has_other_relations(source, other) => {
            return refused("its database is not the source's".to_owned());
        }
        _ => {}
    }
    if other.node.database_oid != source.node.database_oid || other.database != source.database {
        return refused(format!("its database \"{}\" is not \"{}\" of the source", other.database, source.database));
    }
    if !other.is_in_recovery && !source.is_in_recovery {
        return refused("it is not in recovery".to_owned());
    }
    let starts = snapshot.replicas.iter().map(|replica| replica.started_at).chain([source.started_at]);
    if other.started_at.is_some() && starts.into_iter().any(|started_at| started_at == other.started_at) {
        return refused("it is a server that was read already".to_owned());
    }
    Ok(())
}

/// Where no system identifier can be read, a database of another oid is another one.
fn has_other_relations(source: &Server, other: &Server) -> bool {
    source.node.database_oid.is_none() || source.node.database_oid != other.node.database_oid
}

/// Adds up what both nodes counted of the same statements; queryids are the same on all nodes of a replication.
fn add_statements(statements: &mut Statements, others: Statements) {
    for other in others.entries {
        match statements.entries.iter_mut().find(|entry| entry.queryid == other.queryid) {
            Some(entry) => add_entry(entry, other),
            None => statements.entries.push(other),
        }
    }
    statements.n_utility_rows += others.n_utility_rows;
    statements.n_hidden_rows += others.n_hidden_rows;
    statements.hidden_exec_ms += others.hidden_exec_ms;
    statements.entries.sort_by(|a, b| b.exec_ms_total.total_cmp(&a.exec_ms_total).then(a.queryid.cmp(&b.queryid)));
}

fn add_entry(entry: &mut StatementEntry, other: StatementEntry) {
    let (n, m) = (entry.n_calls as f64, other.n_calls as f64);
    if n + m > 0.0 {
        let mean = (n * entry.exec_ms_mean + m * other.exec_ms_mean) / (n + m);
        let square = |calls: f64, own_mean: f64, own_stddev: f64| {
            calls * (own_stddev * own_stddev + (own_mean - mean) * (own_mean - mean))
        };
        let squares =
            square(n, entry.exec_ms_mean, entry.exec_ms_stddev) + square(m, other.exec_ms_mean, other.exec_ms_stddev);
        entry.exec_ms_stddev = (squares / (n + m)).sqrt();
        entry.exec_ms_mean = mean;
    }
    entry.text = entry.text.take().or(other.text);
    entry.is_top_level |= other.is_top_level;
    entry.roles.extend(other.roles);
    entry.roles.sort();
    entry.roles.dedup();
    entry.n_calls = entry.n_calls.saturating_add(other.n_calls);
    entry.n_rows = entry.n_rows.saturating_add(other.n_rows);
    entry.exec_ms_total += other.exec_ms_total;
    entry.exec_ms_max = entry.exec_ms_max.max(other.exec_ms_max);
    entry.n_shared_blocks_hit = entry.n_shared_blocks_hit.saturating_add(other.n_shared_blocks_hit);
    entry.n_shared_blocks_read = entry.n_shared_blocks_read.saturating_add(other.n_shared_blocks_read);
    entry.n_temp_blocks_written = entry.n_temp_blocks_written.saturating_add(other.n_temp_blocks_written);
    entry.wal_bytes += other.wal_bytes;
    entry.stats_since = entry.stats_since.max(other.stats_since);
}
