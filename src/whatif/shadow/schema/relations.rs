//! Tables with their columns, defaults and check constraints, inheritance and partitions. Attribute numbers are the
//! source's: extended statistics name columns by them.

use super::step::Step;
use super::stubs::Stubs;
use super::types::collate;
use crate::pg::identifier::quote_literal;
use crate::pg::{RelationName, quote_identifier};
use crate::snapshot::{
    Catalog, Column, ColumnDefault, Constraint, ConstraintKind, NotNullLimit, Persistence, Relation, RelationKind,
};

/// Whether `relation` is made by `CREATE TABLE`.
pub(super) fn is_table(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table | RelationKind::PartitionedTable | RelationKind::ForeignTable)
}

/// A sequence. Its numbers do not matter.
pub(super) fn sequence(name: &RelationName) -> Step {
    Step::one("sequence", name.to_string(), format!("CREATE SEQUENCE {name}"))
}

/// The table, with what needs no function of the database's own; `None` for views.
pub(super) fn table(relation: &Relation, stubs: &Stubs) -> Option<Step> {
    if !is_table(relation) {
        return None;
    }
    let name = relation.name.to_string();
    let statements = |is_whole: bool| {
        let (columns, dropped) = columns(relation, stubs, is_whole);
        let mut statements = vec![create(relation, columns, is_whole)];
        if !dropped.is_empty() {
            statements.push(format!("ALTER TABLE {name} {}", dropped.join(", ")));
        }
        statements
    };
    let loss =
        "its defaults, generation expressions, check constraints and storage parameters are missing in the shadow";
    Some(
        match relation.kind {
            RelationKind::ForeignTable => Step::stand_in(
                "relation",
                name.clone(),
                statements(true),
                "it is a foreign table: the shadow plans it as an ordinary one, without its server's estimates",
            ),
            _ => Step::exact("relation", name.clone(), statements(true)),
        }
        .or(statements(false), loss),
    )
}

fn create(relation: &Relation, mut elements: Vec<String>, is_whole: bool) -> String {
    if is_whole {
        elements.extend(checks(relation).filter(|check| !calls_own_function(check)));
    }
    let unlogged = if relation.persistence == Persistence::Unlogged { "UNLOGGED " } else { "" };
    let mut sql = format!("CREATE {unlogged}TABLE {} ({})", relation.name, elements.join(", "));
    if let Some(key) = &relation.partition_key {
        sql.push_str(&format!(" PARTITION BY {key}"));
    }
    if is_whole && relation.kind != RelationKind::ForeignTable {
        sql.push_str(&options(&relation.options));
    }
    sql
}

/// ` WITH (…)`, where there is something to say.
pub(super) fn options(options: &[String]) -> String {
    if options.is_empty() {
        return String::new();
    }
    let option = |option: &String| match option.split_once('=') {
        Some((name, value)) => format!("{}={}", quote_identifier(name), quote_literal(value).trim_start()),
        None => quote_identifier(option).into_owned(),
    };
    format!(" WITH ({})", options.iter().map(option).collect::<Vec<_>>().join(", "))
}

/// The columns in the order of their numbers, and what drops those that hold the place of dropped ones.
fn columns(relation: &Relation, stubs: &Stubs, is_whole: bool) -> (Vec<String>, Vec<String>) {
    let (mut columns, mut dropped) = (Vec::new(), Vec::new());
    let mut next = 1;
    for column in &relation.columns {
        for number in next..column.number {
            let name = format!("\"pgadvise dropped {number}\"");
            columns.push(format!("{name} integer"));
            dropped.push(format!("DROP COLUMN {name}"));
        }
        next = column.number.saturating_add(1);
        columns.push(self::column(column, stubs, is_whole));
    }
    (columns, dropped)
}

fn column(column: &Column, stubs: &Stubs, is_whole: bool) -> String {
    let collation = collate(column.collation.as_deref());
    let mut sql = format!("{} {}{collation}", quote_identifier(&column.name), stubs.writable(&column.type_sql));
    match (column.is_not_null, column.not_null_limit) {
        (true, None) => sql.push_str(" NOT NULL"),
        (true, Some(NotNullLimit::NoInherit)) => sql.push_str(" NOT NULL NO INHERIT"),
        (true, Some(NotNullLimit::NotValid)) | (false, _) => {}
    }
    match column.default.as_ref().filter(|_| is_whole) {
        Some(ColumnDefault::Expression(expression)) if !calls_own_function(expression) => {
            sql.push_str(&format!(" DEFAULT {expression}"));
        }
        Some(ColumnDefault::Stored(expression)) => {
            sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED"));
        }
        Some(ColumnDefault::Virtual(expression)) => {
            sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) VIRTUAL"));
        }
        Some(ColumnDefault::IdentityAlways(sequence)) => {
            sql.push_str(&format!(" GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {sequence})"));
        }
        Some(ColumnDefault::IdentityByDefault(sequence)) => {
            sql.push_str(&format!(" GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {sequence})"));
        }
        Some(ColumnDefault::Expression(_)) | None => {}
    }
    sql
}

/// Check constraints as `CONSTRAINT name CHECK (…)`.
fn checks(relation: &Relation) -> impl Iterator<Item = String> {
    let checks = relation.constraints.iter().filter(|constraint| constraint.kind == ConstraintKind::Check);
    checks.filter_map(named)
}

/// `CONSTRAINT name definition`.
pub(super) fn named(constraint: &Constraint) -> Option<String> {
    let definition = constraint.definition.as_ref()?;
    Some(format!("CONSTRAINT {} {definition}", quote_identifier(&constraint.name)))
}

/// NOT NULL that is not checked yet, and defaults and checks that call functions of the database's own, once those are
/// there: one by one, because one that
/// cannot be made must not keep the others away.
pub(super) fn late_parts(relation: &Relation) -> Vec<Step> {
    if !is_table(relation) {
        return Vec::new();
    }
    let table = &relation.name;
    let mut steps = Vec::new();
    for column in &relation.columns {
        if column.is_not_null && column.not_null_limit == Some(NotNullLimit::NotValid) {
            let name = quote_identifier(&column.name);
            let sql = format!("ALTER TABLE ONLY {table} ADD NOT NULL {name} NOT VALID");
            steps.push(Step::one("constraint", format!("not null of {table}.{name}"), sql));
        }
        if let Some(ColumnDefault::Expression(expression)) = &column.default
            && calls_own_function(expression)
        {
            let name = quote_identifier(&column.name);
            let sql = format!("ALTER TABLE ONLY {table} ALTER COLUMN {name} SET DEFAULT {expression}");
            steps.push(Step::one("default", format!("{table}.{name}"), sql));
        }
    }
    for check in checks(relation).filter(|check| calls_own_function(check)) {
        let sql = format!("ALTER TABLE ONLY {table} ADD {check}");
        steps.push(Step::one("constraint", format!("check of {table}"), sql));
    }
    steps
}

/// Whether an expression may name something of the database's own: pg_get_expr qualifies those, and nothing else. A
/// number with a fraction is taken for one too, which does no harm.
fn calls_own_function(expression: &str) -> bool {
    let mut is_in_literal = false;
    expression.chars().any(|character| {
        is_in_literal ^= character == '\'';
        character == '.' && !is_in_literal
    })
}

/// What makes a relation a partition, or a child of the relations that it inherits from.
pub(super) fn parents(relation: &Relation, catalog: &Catalog<'_>) -> Vec<Step> {
    let name = &relation.name;
    let parents =
        relation.declaration.parents.iter().filter_map(|oid| catalog.relation(*oid)).map(|parent| &parent.name);
    match &relation.declaration.partition_bound {
        Some(bound) => parents
            .map(|parent| {
                let sql = format!("ALTER TABLE ONLY {parent} ATTACH PARTITION {name} {bound}");
                Step::one("partition", name.to_string(), sql)
            })
            .collect(),
        None => parents
            .map(|parent| Step::one("inheritance", name.to_string(), format!("ALTER TABLE {name} INHERIT {parent}")))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_qualified_names_outside_literals_wait_for_functions() {
        assert!(!calls_own_function("nextval('app.s'::regclass)"));
        assert!(!calls_own_function("('it''s a.b'::text || 'c')"));
        assert!(calls_own_function("app.next_number()"));
        assert!(calls_own_function("'x'::app.mood"));
    }
}
