//! Reads columns and their types. Statistics are read by `statistics`.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{COLUMNS, TYPES};
use crate::db::{Failure, Row, Transaction};
use crate::pg::{Oid, RelationName};
use crate::snapshot::{Column, ColumnDefault, NotNullLimit, TypeName};

/// A column, and what is needed of it while collecting only.
pub(super) struct ReadColumn {
    pub column: Column,
    /// `attcollation`; 0 where the type has none.
    pub collation: Oid,
    /// Whether it is a generated column, whose expression is to be read apart.
    pub is_computed: bool,
    /// Whether that is computed when a row is read.
    pub is_virtual: bool,
}

impl ReadColumn {
    /// The column, with what `pg_get_expr` wrote of its generation expression.
    pub fn with_expression(self, expression: Option<String>) -> Column {
        let computed = |sql| if self.is_virtual { ColumnDefault::Virtual(sql) } else { ColumnDefault::Stored(sql) };
        let default = if self.is_computed { expression.map(computed) } else { self.column.default };
        Column { default, ..self.column }
    }
}

/// A type as operators see it.
struct OperatorType {
    name: TypeName,
    has_btree_opclass: bool,
}

/// The columns of `relations`, by attribute number. `collation_is_c` says how the database's own collation compares.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    collation_is_c: bool,
) -> Result<BTreeMap<Oid, Vec<ReadColumn>>, Failure> {
    let rows = transaction.query(&COLUMNS, &[&relations, &collation_is_c])?;
    let types: BTreeSet<Oid> = rows.iter().map(|row| row.get("type")).collect::<Result<_, Failure>>()?;
    let types = read_types(transaction, &types)?;
    let mut columns: BTreeMap<Oid, Vec<ReadColumn>> = BTreeMap::new();
    for row in rows {
        // A type that was dropped since the columns were read takes its columns with it.
        let Some(operator_type) = types.get(&row.get::<Oid>("type")?) else { continue };
        let column = Column {
            number: row.get("number")?,
            name: row.text("name")?,
            type_sql: row.text("type_sql")?,
            base_type: operator_type.name.clone(),
            is_not_null: row.get("is_not_null")?,
            is_generated: row.get("is_generated")?,
            default: default(&row)?,
            not_null_limit: not_null_limit(&row)?,
            collation: row.optional_text("collation")?,
            collation_is_c: row.get("collation_is_c")?,
            has_btree_opclass: operator_type.has_btree_opclass,
            statistics: None,
            inherited_statistics: None,
        };
        let read = ReadColumn {
            column,
            collation: row.get("collation_oid")?,
            is_virtual: row.text("generated")? == "v",
            is_computed: !row.text("generated")?.is_empty(),
        };
        columns.entry(row.get("relation")?).or_default().push(read);
    }
    Ok(columns)
}

/// The default or identity of a column; generation expressions are read apart.
fn default(row: &Row) -> Result<Option<ColumnDefault>, Failure> {
    let sequence = match (row.optional_text("sequence_schema")?, row.optional_text("sequence_name")?) {
        (Some(schema), Some(name)) => Some(RelationName::new(schema, name)),
        _ => None,
    };
    Ok(match (row.text("identity")?.as_str(), sequence) {
        ("a", Some(sequence)) => Some(ColumnDefault::IdentityAlways(sequence)),
        ("d", Some(sequence)) => Some(ColumnDefault::IdentityByDefault(sequence)),
        _ => row.optional_text("default_sql")?.map(ColumnDefault::Expression),
    })
}

fn not_null_limit(row: &Row) -> Result<Option<NotNullLimit>, Failure> {
    Ok(if row.get("is_not_null_unproven")? {
        Some(NotNullLimit::NotValid)
    } else if row.get("is_not_null_here_only")? {
        Some(NotNullLimit::NoInherit)
    } else {
        None
    })
}

fn read_types(
    transaction: &mut Transaction<'_>,
    types: &BTreeSet<Oid>,
) -> Result<BTreeMap<Oid, OperatorType>, Failure> {
    let asked: Vec<Oid> = types.iter().copied().collect();
    let mut found = BTreeMap::new();
    for row in transaction.query(&TYPES, &[&asked])? {
        let name = TypeName {
            schema: row.text("schema")?,
            name: row.text("name")?,
            category: row.text("category")?.chars().next().unwrap_or('X'),
            length: row.get("length")?,
        };
        found.insert(row.get("oid")?, OperatorType { name, has_btree_opclass: row.get("has_btree_opclass")? });
    }
    Ok(found)
}
