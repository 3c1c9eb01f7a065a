//! Index definitions in the form that the catalog can be compared with: a skeleton, expressions, a predicate. Makes no comparison.

use serde::{Deserialize, Serialize};

use crate::pg::{IndexDefinition, IndexTarget, RelationName};

/// What stands for an expression in a skeleton.
///
/// The server reprints expressions (`lower(email)` of a varchar becomes `lower((email)::text)`), so they are compared
/// by what the planner makes of them, and only the rest of the definition by its text.
pub const EXPRESSION_MARK: &str = "<expression>";

/// A definition, taken apart for comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canonical {
    /// Whether it enforces uniqueness.
    pub is_unique: bool,
    /// `pg_get_indexdef` from `USING` on, without WITH, TABLESPACE and WHERE, with [`EXPRESSION_MARK`] for each
    /// expression: `USING btree (tenant_id, <expression> DESC) INCLUDE (total)`.
    pub skeleton: String,
    /// The expressions, in key order.
    pub expressions: Vec<String>,
    /// The predicate.
    pub predicate: Option<String>,
}

impl Canonical {
    /// `definition`, taken apart. Its skeleton is by construction what the server prints with `search_path` set to
    /// `pg_catalog`: operator classes and collations are said only where they differ from the default.
    pub fn of(definition: &IndexDefinition) -> Self {
        let mut bare = definition.clone();
        bare.predicate = None;
        let mut expressions = Vec::new();
        for key in &mut bare.key_columns {
            if let IndexTarget::Expression(sql) = &key.target {
                expressions.push(sql.clone());
                key.target = IndexTarget::Expression(EXPRESSION_MARK.to_owned());
            }
        }
        Self {
            is_unique: definition.is_unique,
            // `IndexTarget` prints an expression in parentheses; the server prints them only where it has to.
            skeleton: bare.body().replace(&format!("({EXPRESSION_MARK})"), EXPRESSION_MARK),
            expressions,
            predicate: definition.predicate.clone(),
        }
    }
}

/// A query whose plan holds the expressions and the predicate of `canonical` as the planner sees them, for EXPLAIN.
pub fn probe(relation: &RelationName, canonical: &Canonical) -> String {
    let expressions: Vec<String> = canonical.expressions.iter().map(|sql| format!("({sql})")).collect();
    let predicate = canonical.predicate.as_ref().map(|sql| format!(" WHERE ({sql})")).unwrap_or_default();
    format!("SELECT {} FROM {relation}{predicate}", expressions.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_definition_apart() {
        let mut definition = IndexDefinition::btree(["tenantId"]);
        definition.key_columns.push(IndexTarget::Expression("lower(email)".into()).into());
        definition.key_columns[1].descending = true;
        definition.key_columns[1].nulls_first = true;
        definition.included_columns.push("total".into());
        definition.predicate = Some("deleted_at IS NULL".into());
        assert_eq!(
            Canonical::of(&definition),
            Canonical {
                is_unique: false,
                skeleton: "USING btree (\"tenantId\", <expression> DESC) INCLUDE (total)".into(),
                expressions: vec!["lower(email)".into()],
                predicate: Some("deleted_at IS NULL".into()),
            }
        );
    }
}
