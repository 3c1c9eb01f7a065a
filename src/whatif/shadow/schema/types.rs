//! Types: enums, domains, composite types and ranges as they are; base types by a stand-in of the same layout.

use std::collections::BTreeSet;

use super::step::Step;
use super::stubs;
use crate::pg::identifier::quote_literal;
use crate::pg::{RelationName, quote_identifier};
use crate::snapshot::schema::{Attribute, DataType, Domain, Range, TypeKind};
use crate::snapshot::{Column, Snapshot};

/// The base types of the columns of all relations.
pub(super) fn used(snapshot: &Snapshot) -> BTreeSet<RelationName> {
    let columns = snapshot.relations.iter().flat_map(|relation| &relation.columns);
    let name = |column: &Column| {
        let name = &column.base_type.name;
        // An array's type has its element's name after an underscore.
        let element = if column.base_type.category == 'A' { name.strip_prefix('_').unwrap_or(name) } else { name };
        RelationName::new(column.base_type.schema.clone(), element)
    };
    columns.map(name).collect()
}

/// The type. `None` for a type of a missing extension that its operator classes keep in indexes, and no column has.
pub(super) fn step(data_type: &DataType, used: &BTreeSet<RelationName>) -> Option<Step> {
    let name = data_type.name.to_string();
    let one = |sql: String| Step::one("type", name.clone(), sql);
    Some(match &data_type.kind {
        TypeKind::Enum(labels) => {
            let labels: Vec<String> = labels.iter().map(|label| quote_literal(label).trim_start().to_owned()).collect();
            one(format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", ")))
        }
        TypeKind::Domain(domain) => self::domain(&name, domain),
        TypeKind::Composite(attributes) => {
            let attributes: Vec<String> = attributes.iter().map(attribute).collect();
            one(format!("CREATE TYPE {name} AS ({})", attributes.join(", ")))
        }
        TypeKind::Range(range) => self::range(&data_type.name, range),
        TypeKind::Base(base) if data_type.extension.is_none() || used.contains(&data_type.name) => {
            stubs::base_type(&data_type.name, base)
        }
        TypeKind::Base(_) => return None,
    })
}

/// ` COLLATE …`, where there is one.
pub(super) fn collate(collation: Option<&str>) -> String {
    collation.map(|collation| format!(" COLLATE {collation}")).unwrap_or_default()
}

fn attribute(attribute: &Attribute) -> String {
    let collation = collate(attribute.collation.as_deref());
    format!("{} {}{collation}", quote_identifier(&attribute.name), attribute.type_sql)
}

fn domain(name: &str, domain: &Domain) -> Step {
    let mut sql = format!("CREATE DOMAIN {name} AS {}{}", domain.base, collate(domain.collation.as_deref()));
    let with_default = domain.default.as_ref().map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
    if domain.is_not_null {
        sql.push_str(" NOT NULL");
    }
    let exact = vec![format!("{sql}{with_default}")];
    Step::exact("type", name, exact).or(vec![sql], "its default is missing in the shadow")
}

/// How the definition of a constraint ends that is not known to hold.
const NOT_VALID: &str = " NOT VALID";

/// The check constraints of a domain.
pub(super) fn checks(data_type: &DataType) -> Vec<Step> {
    let TypeKind::Domain(domain) = &data_type.kind else { return Vec::new() };
    let name = data_type.name.to_string();
    let check = |(check, definition): &(String, String)| {
        let quoted = quote_identifier(check);
        let is_valid = !definition.ends_with(NOT_VALID);
        // Columns of arrays of the domain keep it from being checked, and there is no row to check.
        let unchecked = if is_valid { NOT_VALID } else { "" };
        let sql = format!("ALTER DOMAIN {name} ADD CONSTRAINT {quoted} {definition}{unchecked}");
        let of = format!("constraint {quoted} of {name}");
        let validate = format!(
            "UPDATE pg_catalog.pg_constraint SET convalidated = {is_valid} \
             WHERE conname = {} AND contypid = {}::pg_catalog.regtype",
            quote_literal(check),
            quote_literal(&name)
        );
        [Step::one("type", of.clone(), sql), Step::one("type", of, validate).by_superuser()]
    };
    domain.checks.iter().flat_map(check).collect()
}

fn range(name: &RelationName, range: &Range) -> Step {
    let create = |canonical: Option<&String>, difference: Option<&String>| {
        let multirange = range.multirange.as_ref().map(ToString::to_string);
        let options: Vec<String> = [
            ("SUBTYPE", Some(&range.subtype)),
            ("SUBTYPE_OPCLASS", range.opclass.as_ref()),
            ("COLLATION", range.collation.as_ref()),
            ("CANONICAL", canonical),
            ("SUBTYPE_DIFF", difference),
            ("MULTIRANGE_TYPE_NAME", multirange.as_ref()),
        ]
        .into_iter()
        .filter_map(|(option, value)| Some(format!("{option} = {}", value?)))
        .collect();
        vec![format!("CREATE TYPE {name} AS RANGE ({})", options.join(", "))]
    };
    Step::exact("type", name.to_string(), create(range.canonical.as_ref(), range.difference.as_ref()))
        .or(create(None, range.difference.as_ref()), "it has no canonical function in the shadow")
        .or(create(None, None), "it has no canonical and no difference function in the shadow")
}
