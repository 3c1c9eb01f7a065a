//! Which server answered: PostgreSQL 13 or newer, or something else that speaks its protocol. Reads one row.

use std::time::Duration;

use super::hosts::HostSpec;
use super::link::Link;
use super::server_error::Failure;
use super::target::Target;
use crate::error::{Error, Result};
use crate::pg::ServerVersion;

/// How long the server may take to say its version.
const IDENTIFY_LIMIT: Duration = Duration::from_secs(10);

const SERVER_IDENTITY: &str = include_str!("queries/server_identity.sql");

/// Ports on which poolers listen by custom: PgBouncer's default, and Supabase's transaction mode.
const POOLER_PORTS: [u16; 2] = [6432, 6543];

/// Servers that speak PostgreSQL's protocol and are not PostgreSQL, as `version()` names them.
const OTHER_PRODUCTS: &[&str] = &[
    "CockroachDB",
    "Redshift",
    "Materialize",
    "CrateDB",
    "QuestDB",
    "RisingWave",
    "Greenplum",
    "Vertica",
    "Netezza",
    "Denodo",
    "Spanner",
    "DuckDB",
    "Hologres",
    "Firebolt",
    "Presto",
];

/// What the server is.
pub(super) struct Identity {
    pub(super) version: ServerVersion,
    pub(super) is_pooled: bool,
}

/// Asks the server what it is.
///
/// # Errors
/// Kind `Unsupported` for another product or a version before 13.
pub(super) fn identify(link: &mut Link, target: &Target) -> Result<Identity> {
    let rows = link.rows(("the server's version", SERVER_IDENTITY), &[], IDENTIFY_LIMIT).map_err(not_postgresql)?;
    let row = rows.first().ok_or_else(|| Error::unsupported("the server did not tell its version"))?;
    let words: String = row.get("version")?;
    let number: i32 = row.get("version_number")?;
    let client_port: Option<i32> = row.get("client_port")?;
    check(&words, u32::try_from(number).unwrap_or_default())?;
    Ok(Identity {
        version: ServerVersion(u32::try_from(number).unwrap_or_default()),
        is_pooled: is_pooled(target, link.local_port(), client_port),
    })
}

/// A server that cannot answer this question is no PostgreSQL of our time: Redshift, PgBouncer's console.
fn not_postgresql(failure: Failure) -> Error {
    match failure {
        Failure::Session(error) => error,
        Failure::Statement(refused) => Error::unsupported(format!(
            "the server is not PostgreSQL 13 or newer: {}",
            refused.message_without_values()
        ))
        .with_hint("Connect to a database of a PostgreSQL server; pgadvise knows versions 13 to 18."),
    }
}

fn check(words: &str, number: u32) -> Result<()> {
    if let Some(product) = OTHER_PRODUCTS.iter().find(|product| words.contains(**product)) {
        return Err(Error::unsupported(format!("the server is {product}, not PostgreSQL"))
            .with_hint("pgadvise reads PostgreSQL's planner and statistics, which this server does not have."));
    }
    let version = ServerVersion(number);
    if version < ServerVersion::OLDEST {
        return Err(Error::unsupported(format!(
            "the server is PostgreSQL {version}, older than {}",
            ServerVersion::OLDEST.major()
        ))
        .with_hint("Upgrade the server, or restore its schema and statistics on a newer one and analyse that."));
    }
    Ok(())
}

/// The server sees another port than ours, or the address says it.
fn is_pooled(target: &Target, local_port: Option<u16>, client_port: Option<i32>) -> bool {
    let seen = client_port.and_then(|port| u16::try_from(port).ok());
    let looks_pooled = |host: &HostSpec| POOLER_PORTS.contains(&host.port) || host.name.contains("-pooler");
    target.says_pooled || seen != local_port || target.hosts.iter().any(looks_pooled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn other_products_and_old_versions_are_refused() {
        for (words, number) in [
            ("CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)", 130000),
            ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.12103", 80002),
            ("PostgreSQL 12.22 on x86_64-pc-linux-gnu", 120022),
        ] {
            assert_eq!(check(words, number).map_err(|error| error.kind()), Err(ErrorKind::Unsupported), "{words}");
        }
        assert_eq!(check("PostgreSQL 13.23 on x86_64", 130023), Ok(()));
    }
}
