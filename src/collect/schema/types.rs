//! Reads types: enums, domains, composite types, ranges, and the layout of base types.

use super::{code, name};
use crate::collect::query::DATA_TYPES;
use crate::db::{Failure, Row, Transaction};
use crate::pg::RelationName;
use crate::snapshot::schema::{Attribute, BaseType, DataType, Domain, Range, TypeKind};

/// The types, in the order in which they were created.
pub(super) fn read(transaction: &mut Transaction<'_>) -> Result<Vec<DataType>, Failure> {
    let mut types = Vec::new();
    for row in transaction.query(&DATA_TYPES, &[])? {
        if let Some(kind) = kind(&row)? {
            let extension = row.optional_text("extension")?;
            types.push(DataType { oid: row.get("oid")?, name: name(&row)?, extension, kind });
        }
    }
    Ok(types)
}

/// `None` for a type that lost what it is made of since.
fn kind(row: &Row) -> Result<Option<TypeKind>, Failure> {
    Ok(match code(row, "kind")? {
        'e' => Some(TypeKind::Enum(row.texts("labels")?)),
        'd' => domain(row)?.map(TypeKind::Domain),
        'c' => Some(TypeKind::Composite(attributes(row)?)),
        'r' => range(row)?.map(TypeKind::Range),
        'b' => Some(TypeKind::Base(base(row)?)),
        _ => None,
    })
}

fn domain(row: &Row) -> Result<Option<Domain>, Failure> {
    let Some(base) = row.optional_text("base")? else { return Ok(None) };
    Ok(Some(Domain {
        base,
        collation: row.optional_text("collation")?,
        is_not_null: row.get("is_not_null")?,
        default: row.optional_text("default_sql")?,
        checks: row.texts("check_names")?.into_iter().zip(row.texts("check_definitions")?).collect(),
    }))
}

fn attributes(row: &Row) -> Result<Vec<Attribute>, Failure> {
    if row.optional::<Vec<String>>("attribute_names")?.is_none() {
        return Ok(Vec::new());
    }
    let names = row.texts("attribute_names")?.into_iter();
    let types = row.texts("attribute_types")?.into_iter();
    let collations = row.texts("attribute_collations")?.into_iter();
    let attribute = |((name, type_sql), collation): ((String, String), String)| Attribute {
        name,
        type_sql,
        collation: (!collation.is_empty()).then_some(collation),
    };
    Ok(names.zip(types).zip(collations).map(attribute).collect())
}

fn range(row: &Row) -> Result<Option<Range>, Failure> {
    let Some(subtype) = row.optional_text("subtype")? else { return Ok(None) };
    let multirange = match (row.optional_text("multirange_schema")?, row.optional_text("multirange_name")?) {
        (Some(schema), Some(name)) => Some(RelationName::new(schema, name)),
        _ => None,
    };
    Ok(Some(Range {
        subtype,
        opclass: row.optional_text("subtype_opclass")?,
        collation: row.optional_text("subtype_collation")?,
        canonical: row.optional_text("canonical")?,
        difference: row.optional_text("difference")?,
        multirange,
    }))
}

fn base(row: &Row) -> Result<BaseType, Failure> {
    Ok(BaseType {
        length: row.get("length")?,
        is_by_value: row.get("is_by_value")?,
        alignment: code(row, "alignment")?,
        storage: code(row, "storage")?,
        category: code(row, "category")?,
        is_preferred: row.get("is_preferred")?,
        is_collatable: row.get("is_collatable")?,
    })
}
