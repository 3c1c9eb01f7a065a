//! Puts an index definition together from the catalog's parts. Pure: what is not given is not known.

use std::collections::BTreeMap;

use super::columns::ReadColumn;
use super::expression;
use super::indexes::{ReadIndex, ReadIndexColumn};
use crate::pg::{IndexColumn, IndexDefinition, IndexTarget, Oid};

/// `pg_collation`'s entry "default": the collation of the database. Its oid is fixed (pg_collation.dat).
const DEFAULT_COLLATION: Oid = Oid(100);

/// What `pg_get_expr` wrote of an index.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    /// The expressions, separated by commas.
    pub expressions: Option<String>,
    pub predicate: Option<String>,
}

/// The definition of an index over `columns`; `None` where an expression is needed that was not read.
pub(super) fn assemble(
    index: &ReadIndex,
    columns: &[ReadColumn],
    expressions: Option<&Expressions>,
) -> Option<IndexDefinition> {
    let mut key_expressions = match expressions.and_then(|read| read.expressions.as_deref()) {
        Some(list) => expression::split_list(list),
        None => Vec::new(),
    }
    .into_iter();
    let collations: BTreeMap<&str, Oid> =
        columns.iter().map(|read| (read.column.name.as_str(), read.collation)).collect();
    let mut key_columns = Vec::new();
    let mut included_columns = Vec::new();
    for column in &index.columns {
        if column.is_key {
            key_columns.push(key_column(column, &mut key_expressions, &collations)?);
        } else {
            included_columns.push(column.column.clone()?);
        }
    }
    // A list that was not taken apart as the server put it together would give every later column a wrong expression.
    if key_expressions.next().is_some() {
        return None;
    }
    let predicate = expressions.and_then(|read| read.predicate.as_deref());
    if index.has_predicate && predicate.is_none() {
        return None;
    }
    Some(IndexDefinition {
        access_method: index.access_method.clone(),
        is_unique: index.is_unique,
        nulls_not_distinct: index.nulls_not_distinct,
        key_columns,
        included_columns,
        predicate: predicate.map(|sql| expression::without_outer_parentheses(sql).to_owned()),
    })
}

fn key_column<'e>(
    column: &ReadIndexColumn,
    expressions: &mut impl Iterator<Item = &'e str>,
    collations: &BTreeMap<&str, Oid>,
) -> Option<IndexColumn> {
    let (target, own_collation) = match &column.column {
        Some(name) => (IndexTarget::Column(name.clone()), collations.get(name.as_str()).copied()),
        None => {
            let sql = expression::without_outer_parentheses(expressions.next()?);
            (IndexTarget::Expression(sql.to_owned()), collation_of(sql, collations))
        }
    };
    let is_own = column.collation == Oid(0) || Some(column.collation) == own_collation;
    Some(IndexColumn {
        target,
        descending: column.descending,
        nulls_first: column.nulls_first,
        opclass: column.opclass.clone(),
        collation: if is_own { None } else { column.collation_name.clone() },
    })
}

/// The collation that an expression has by itself: that of the columns it is made of, the default where it is made of
/// none with a collation; `None` where they differ, so that the index's own is spelled out.
fn collation_of(sql: &str, collations: &BTreeMap<&str, Oid>) -> Option<Oid> {
    let mut own = None;
    for name in expression::possible_columns(sql) {
        match (collations.get(name.as_str()), own) {
            (None | Some(Oid(0)), _) => {}
            (Some(collation), None) => own = Some(*collation),
            (Some(collation), Some(other)) if *collation == other => {}
            (Some(_), Some(_)) => return None,
        }
    }
    Some(own.unwrap_or(DEFAULT_COLLATION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_takes_the_collation_of_its_columns() {
        let collations = BTreeMap::from([("a", Oid(100)), ("b", Oid(950)), ("n", Oid(0))]);
        assert_eq!(collation_of("lower(a)", &collations), Some(Oid(100)));
        assert_eq!(collation_of("lower(b) || (n)::text", &collations), Some(Oid(950)));
        assert_eq!(collation_of("(n)::text", &collations), Some(DEFAULT_COLLATION));
        assert_eq!(collation_of("a || b", &collations), None);
    }
}
