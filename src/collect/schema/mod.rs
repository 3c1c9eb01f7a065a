//! Reads what the shadow needs beside relations: roles, collations, types, functions, operators, casts. Advice does
//! without it, so that what cannot be read is a gap and never ends the run.

mod functions;
mod types;

use std::collections::BTreeSet;

use super::query::{CASTS, COLLATIONS, OPERATORS, ROLES, UNREAD_OBJECTS};
use super::reader::Reader;
use super::statements;
use crate::db::{Failure, Row, Transaction};
use crate::error::Result;
use crate::pg::RelationName;
use crate::snapshot::Gap;
use crate::snapshot::schema::{Cast, Collation, Membership, Operator, Role, Schema};

/// The schema, with `schemas` and `sequences` that were read before; `statements` name roles.
pub(super) fn read(
    reader: &mut Reader<'_>,
    schemas: Vec<String>,
    sequences: Vec<RelationName>,
    statements: Option<&statements::Read>,
) -> Result<Schema> {
    let named: BTreeSet<&str> = statements
        .iter()
        .flat_map(|read| &read.statements.entries)
        .flat_map(|entry| &entry.roles)
        .map(String::as_str)
        .collect();
    let named: Vec<&str> = named.into_iter().collect();
    Ok(Schema {
        schemas,
        roles: or_gap(reader, "roles", |transaction| all(&transaction.query(&ROLES, &[&named])?, role))?,
        collations: or_gap(reader, "collations", |transaction| all(&transaction.query(&COLLATIONS, &[])?, collation))?,
        types: or_gap(reader, "types", types::read)?,
        functions: functions::read(reader)?,
        sequences,
        operators: or_gap(reader, "operators", |transaction| all(&transaction.query(&OPERATORS, &[])?, operator))?,
        casts: or_gap(reader, "casts", |transaction| all(&transaction.query(&CASTS, &[])?, cast))?,
        unread: or_gap(reader, "other objects", |transaction| {
            all(&transaction.query(&UNREAD_OBJECTS, &[])?, |row| row.text("object"))
        })?,
    })
}

/// What `work` reads; nothing and a gap where the server refuses it.
fn or_gap<T: Default>(
    reader: &mut Reader<'_>,
    what: &str,
    work: impl FnOnce(&mut Transaction<'_>) -> std::result::Result<T, Failure>,
) -> Result<T> {
    match reader.try_read(work) {
        Ok(read) => Ok(read),
        Err(Failure::Statement(refused)) => {
            let reason = format!("they could not be read, and will be missing in a shadow: {}", refused.message);
            reader.gaps.push(Gap::new("schema", what, reason));
            Ok(T::default())
        }
        Err(Failure::Session(error)) => Err(error),
    }
}

/// Each of `rows` as `make` understands it.
fn all<T>(
    rows: &[Row],
    make: impl Fn(&Row) -> std::result::Result<T, Failure>,
) -> std::result::Result<Vec<T>, Failure> {
    rows.iter().map(make).collect()
}

/// The first character of `column`, which the catalog calls `"char"`.
fn code(row: &Row, column: &str) -> std::result::Result<char, Failure> {
    Ok(row.text(column)?.chars().next().unwrap_or(' '))
}

/// The name in the columns `schema` and `name`.
fn name(row: &Row) -> std::result::Result<RelationName, Failure> {
    Ok(RelationName::new(row.text("schema")?, row.text("name")?))
}

fn role(row: &Row) -> std::result::Result<Role, Failure> {
    let memberships = row.texts("member_of")?.into_iter().zip(row.get::<Vec<bool>>("inherits")?);
    Ok(Role {
        name: row.text("name")?,
        is_superuser: row.get("is_superuser")?,
        bypasses_row_security: row.get("bypasses_row_security")?,
        memberships: memberships.map(|(role, inherits)| Membership { role, inherits }).collect(),
    })
}

fn collation(row: &Row) -> std::result::Result<Collation, Failure> {
    Ok(Collation {
        name: name(row)?,
        provider: code(row, "provider")?,
        is_deterministic: row.get("is_deterministic")?,
        locale: row.optional_text("locale")?.unwrap_or_default(),
        ctype: row.optional_text("ctype")?,
        rules: row.optional_text("rules")?,
    })
}

fn operator(row: &Row) -> std::result::Result<Operator, Failure> {
    Ok(Operator {
        schema: row.text("schema")?,
        name: row.text("name")?,
        left: row.optional_text("left")?,
        right: row.text("right")?,
        options: row.texts("options")?,
    })
}

fn cast(row: &Row) -> std::result::Result<Cast, Failure> {
    Ok(Cast { source: row.text("source")?, target: row.text("target")?, method: row.text("method")? })
}
