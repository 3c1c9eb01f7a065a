//! Reads the tablespaces that have storage parameters. Which relations are there is read with the relations.

use super::query::TABLESPACES;
use crate::db::{Failure, Transaction};
use crate::snapshot::Tablespace;

/// The tablespaces, by name.
pub(super) fn read(transaction: &mut Transaction<'_>) -> Result<Vec<Tablespace>, Failure> {
    let mut tablespaces = Vec::new();
    for row in transaction.query(&TABLESPACES, &[])? {
        tablespaces.push(Tablespace {
            name: row.text("name")?,
            is_default: row.get("is_default")?,
            options: row.texts("options")?,
        });
    }
    tablespaces.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tablespaces)
}
