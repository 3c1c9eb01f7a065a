//! Reads constraints and foreign keys. The definitions of check and exclusion constraints are read by `definitions`, which waits for
//! no lock.

use std::collections::BTreeMap;

use super::expression;
use super::query::CONSTRAINTS;
use crate::db::{Failure, Row, Transaction};
use crate::pg::Oid;
use crate::snapshot::{Constraint, ConstraintKind, ForeignKey, ForeignKeyAction};

/// A constraint with the oid that its expression is found by.
pub(super) struct ReadConstraint {
    pub oid: Oid,
    pub constraint: Constraint,
}

impl ReadConstraint {
    /// Whether its definition can hold an expression, and so is to be read apart.
    pub fn can_have_expression(&self) -> bool {
        matches!(self.constraint.kind, ConstraintKind::Check | ConstraintKind::Exclusion)
    }

    /// The constraint, with what the server wrote of its expression and definition.
    pub fn with_definition(mut self, read: Option<CheckDefinition>) -> Constraint {
        if let Some(CheckDefinition { expression, definition }) = read {
            self.constraint.expression = expression.map(|sql| expression::without_outer_parentheses(&sql).to_owned());
            self.constraint.definition = definition;
        }
        self.constraint
    }
}

/// What the server wrote of a check or exclusion constraint.
pub(super) struct CheckDefinition {
    /// The expression of a check constraint.
    pub expression: Option<String>,
    /// The definition.
    pub definition: Option<String>,
}

/// The constraints of `relations`, by name.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
) -> Result<BTreeMap<Oid, Vec<ReadConstraint>>, Failure> {
    let mut constraints: BTreeMap<Oid, Vec<ReadConstraint>> = BTreeMap::new();
    for row in transaction.query(&CONSTRAINTS, &[&relations])? {
        let Some(kind) = row.text("kind")?.chars().next().and_then(ConstraintKind::from_code) else { continue };
        let foreign_key = if kind == ConstraintKind::ForeignKey { Some(foreign_key(&row)?) } else { None };
        let index: Oid = row.get("index")?;
        let constraint = Constraint {
            name: row.text("name")?,
            kind,
            columns: row.texts("columns")?,
            // A foreign key's conindid is the index that it relies on, on the referenced relation.
            index: (foreign_key.is_none() && index != Oid(0)).then_some(index),
            foreign_key,
            is_inherited_copy: row.get("is_inherited_copy")?,
            is_validated: row.get("is_validated")?,
            expression: None,
            definition: row.optional_text("definition")?,
        };
        constraints.entry(row.get("relation")?).or_default().push(ReadConstraint { oid: row.get("oid")?, constraint });
    }
    for list in constraints.values_mut() {
        list.sort_by(|a, b| (&a.constraint.name, a.oid).cmp(&(&b.constraint.name, b.oid)));
    }
    Ok(constraints)
}

fn foreign_key(row: &Row) -> Result<ForeignKey, Failure> {
    let action = |column: &str| -> Result<ForeignKeyAction, Failure> {
        let code = row.text(column)?.chars().next().unwrap_or('a');
        Ok(ForeignKeyAction::from_code(code).unwrap_or(ForeignKeyAction::NoAction))
    };
    let index: Oid = row.get("index")?;
    Ok(ForeignKey {
        relation: row.get("foreign_relation")?,
        columns: row.texts("foreign_columns")?,
        referenced_index: (index != Oid(0)).then_some(index),
        on_delete: action("on_delete")?,
        on_update: action("on_update")?,
    })
}
