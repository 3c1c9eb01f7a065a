//! What share of a relation's rows the predicate of a partial index keeps, from column statistics. Reads predicates as
//! `pg_get_expr` prints them; knows no other clauses than those that such predicates are made of, and runs nothing.

use std::collections::BTreeMap;

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::snapshot::{ColumnStatistics, Relation};

/// `=` with a value that the statistics do not know (`DEFAULT_EQ_SEL`, `selfuncs.h`).
const DEFAULT_EQUAL: f64 = 0.005;
/// A range whose bounds are not compared with the histogram here (`DEFAULT_INEQ_SEL`, `selfuncs.h`).
const DEFAULT_RANGE: f64 = 0.333_333;
/// A boolean expression of which nothing is known (`clause_selectivity`, `clausesel.c`).
const DEFAULT_BOOLEAN: f64 = 0.5;
/// Nesting that a predicate may have before it counts as unknown.
const DEPTH_MAX: usize = 64;
/// The longest predicate that is read: a chain of `AND` is as deep a tree as it is long.
const PREDICATE_BYTES_MAX: usize = 8192;

/// What a predicate says about the rows that it keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The fraction of the rows, 0 to 1.
    pub selectivity: f64,
    /// What it fixes about single columns, by column name.
    pub columns: BTreeMap<String, Fixed>,
}

/// What holds for a column in every row that a predicate keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    /// It is NULL.
    Null,
    /// It is not NULL.
    NotNull,
    /// It has one value, and that is not NULL.
    OneValue,
}

impl Kept {
    fn share(selectivity: f64) -> Self {
        Self { selectivity, columns: BTreeMap::new() }
    }

    fn column(selectivity: f64, name: String, fixed: Fixed) -> Self {
        Self { selectivity, columns: BTreeMap::from([(name, fixed)]) }
    }
}

/// What `predicate` keeps of `relation`. Clauses that are not understood count with PostgreSQL's own defaults.
pub fn of_predicate(relation: &Relation, predicate: &str) -> Kept {
    parse(predicate).map_or(Kept::share(DEFAULT_BOOLEAN), |expression| kept(relation, &expression))
}

/// A predicate as a tree; `None` when it is beyond the parser, or too long or deep.
pub(super) fn parse(predicate: &str) -> Option<Expr> {
    if predicate.len() > PREDICATE_BYTES_MAX {
        return None;
    }
    let parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(DEPTH_MAX).try_with_sql(predicate);
    parser.and_then(|mut parser| parser.parse_expr()).ok()
}

fn kept(relation: &Relation, expression: &Expr) -> Kept {
    match expression {
        Expr::Nested(inner) => kept(relation, inner),
        Expr::IsNull(inner) => null_test(relation, inner, true),
        Expr::IsNotNull(inner) => null_test(relation, inner, false),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => negated(relation, expr),
        Expr::IsTrue(inner) => boolean(relation, inner, "t"),
        Expr::IsFalse(inner) => boolean(relation, inner, "f"),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => both(kept(relation, left), kept(relation, right)),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => either(kept(relation, left), kept(relation, right)),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => equal(relation, left, right),
        Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } => not_equal(relation, left, right),
        Expr::BinaryOp {
            op: BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq,
            left,
            ..
        } => range(left),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => any_of(relation, left, right),
        Expr::InList { expr, list, negated: false } => in_list(relation, expr, list),
        Expr::Identifier(_) => boolean(relation, expression, "t"),
        _ => Kept::share(DEFAULT_BOOLEAN),
    }
}

fn both(left: Kept, right: Kept) -> Kept {
    let mut columns = left.columns;
    for (name, fixed) in right.columns {
        let known = columns.entry(name).or_insert(fixed);
        if fixed == Fixed::OneValue {
            *known = fixed;
        }
    }
    Kept { selectivity: left.selectivity * right.selectivity, columns }
}

fn either(left: Kept, right: Kept) -> Kept {
    Kept::share(left.selectivity + right.selectivity - left.selectivity * right.selectivity)
}

fn null_test(relation: &Relation, expression: &Expr, is_null: bool) -> Kept {
    let Some(name) = column_name(expression) else {
        return Kept::share(if is_null { DEFAULT_EQUAL } else { 1.0 - DEFAULT_EQUAL });
    };
    let null_fraction = statistics(relation, &name).map_or(DEFAULT_EQUAL, |statistics| statistics.null_fraction);
    if is_null {
        Kept::column(null_fraction, name, Fixed::Null)
    } else {
        Kept::column(1.0 - null_fraction, name, Fixed::NotNull)
    }
}

fn negated(relation: &Relation, expression: &Expr) -> Kept {
    match expression {
        Expr::Nested(inner) => negated(relation, inner),
        Expr::Identifier(_) => boolean(relation, expression, "f"),
        _ => Kept::share(1.0 - kept(relation, expression).selectivity),
    }
}

fn boolean(relation: &Relation, expression: &Expr, value: &str) -> Kept {
    match column_name(expression) {
        Some(name) => {
            let share = share_of_value(relation, &name, value).unwrap_or(DEFAULT_BOOLEAN);
            Kept::column(share, name, Fixed::OneValue)
        }
        None => Kept::share(DEFAULT_BOOLEAN),
    }
}

fn equal(relation: &Relation, left: &Expr, right: &Expr) -> Kept {
    match (column_name(left), literal(right)) {
        (Some(name), Some(value)) => {
            let share = share_of_value(relation, &name, &value).unwrap_or(DEFAULT_EQUAL);
            Kept::column(share, name, Fixed::OneValue)
        }
        _ => Kept::share(DEFAULT_EQUAL),
    }
}

fn not_equal(relation: &Relation, left: &Expr, right: &Expr) -> Kept {
    let Some(name) = column_name(left) else { return Kept::share(1.0 - DEFAULT_EQUAL) };
    let same = equal(relation, left, right).selectivity;
    let null_fraction = statistics(relation, &name).map_or(0.0, |statistics| statistics.null_fraction);
    Kept::column((1.0 - null_fraction - same).clamp(0.0, 1.0), name, Fixed::NotNull)
}

fn range(left: &Expr) -> Kept {
    match column_name(left) {
        Some(name) => Kept::column(DEFAULT_RANGE, name, Fixed::NotNull),
        None => Kept::share(DEFAULT_RANGE),
    }
}

fn in_list(relation: &Relation, expression: &Expr, values: &[Expr]) -> Kept {
    let share: f64 = values.iter().map(|value| equal(relation, expression, value).selectivity).sum();
    match column_name(expression) {
        Some(name) => Kept::column(share.min(1.0), name, Fixed::NotNull),
        None => Kept::share(share.min(1.0)),
    }
}

fn any_of(relation: &Relation, left: &Expr, right: &Expr) -> Kept {
    match uncast(right) {
        Expr::Array(array) => in_list(relation, left, &array.elem),
        _ => range(left),
    }
}

/// The frequency of `value` in a column: that of the most common value it is, else what is left for the other values.
fn share_of_value(relation: &Relation, name: &str, value: &str) -> Option<f64> {
    let statistics = statistics(relation, name)?;
    let common = statistics.most_common_values.iter().zip(&statistics.most_common_frequencies);
    if let Some((_, share)) = common.clone().find(|(known, _)| known.as_str() == value) {
        return Some(*share);
    }
    let n_rows = relation.n_rows.unwrap_or(0.0);
    let n_common = statistics.most_common_values.len() as f64;
    let left: f64 = 1.0 - statistics.null_fraction - common.map(|(_, share)| share).sum::<f64>();
    let n_others = (statistics.distinct_values(n_rows) - n_common).max(1.0);
    Some((left.max(0.0) / n_others).min(1.0))
}

fn statistics<'r>(relation: &'r Relation, name: &str) -> Option<&'r ColumnStatistics> {
    relation.column(name)?.best_statistics()
}

/// The column that an expression is, casts and parentheses aside (`(status)::text`).
pub(super) fn column_name(expression: &Expr) -> Option<String> {
    match uncast(expression) {
        Expr::Identifier(name) => {
            Some(if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() })
        }
        _ => None,
    }
}

/// The constant that an expression is, in its type's text form, casts aside.
pub(super) fn literal(expression: &Expr) -> Option<String> {
    match uncast(expression) {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => Some(number.to_string()),
            Value::Boolean(value) => Some(if *value { "t".into() } else { "f".into() }),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => literal(expr).map(|number| format!("-{number}")),
        _ => None,
    }
}

fn uncast(expression: &Expr) -> &Expr {
    match expression {
        Expr::Nested(inner) => uncast(inner),
        Expr::Cast { expr, .. } => uncast(expr),
        _ => expression,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::RelationName;

    fn relation() -> Relation {
        let column = |number: i16, name: &str, statistics: serde_json::Value| {
            serde_json::json!({
                "number": number, "name": name, "type_sql": "text", "is_not_null": false, "is_generated": false,
                "base_type": { "schema": "pg_catalog", "name": "text", "category": "S", "length": -1 },
                "collation": null, "collation_is_c": true, "has_btree_opclass": true,
                "statistics": statistics, "inherited_statistics": null
            })
        };
        let common = |values: &[&str], frequencies: &[f64], n_distinct: f64, null_fraction: f64| {
            serde_json::to_value(ColumnStatistics {
                null_fraction,
                n_distinct,
                most_common_values: values.iter().map(|value| (*value).to_owned()).collect(),
                most_common_frequencies: frequencies.to_vec(),
                ..ColumnStatistics::default()
            })
            .unwrap()
        };
        serde_json::from_value(serde_json::json!({
            "oid": 1, "name": RelationName::new("public", "t"), "kind": "table", "persistence": "permanent",
            "owner": "o", "extension": null, "is_partition": false, "parent": null, "partition_key": null,
            "has_row_security": false, "can_select": true, "options": [], "n_pages": 100, "n_rows": 1000.0,
            "n_all_visible_pages": 0, "indexes": [], "constraints": [], "extended_statistics": [], "activity": null,
            "view_definition": null,
            "columns": [
                column(1, "status", common(&["open", "closed"], &[0.1, 0.7], 4.0, 0.0)),
                column(2, "active", common(&["t", "f"], &[0.6, 0.3], 2.0, 0.1)),
                column(3, "deletedAt", common(&[], &[], -0.2, 0.8)),
            ]
        }))
        .unwrap()
    }

    #[test]
    fn predicates_as_the_server_prints_them() {
        let relation = relation();
        for (predicate, expected) in [
            ("\"deletedAt\" IS NULL", 0.8),
            ("\"deletedAt\" IS NOT NULL", 0.2),
            ("active", 0.6),
            ("NOT active", 0.3),
            ("active IS TRUE", 0.6),
            ("status = 'open'::text", 0.1),
            ("(status)::text = 'closed'::text", 0.7),
            ("status = 'other'::text", 0.1),
            ("status <> 'open'::text", 0.9),
            ("status = ANY (ARRAY['open'::text, 'closed'::text])", 0.8),
            ("(status = 'open'::text) AND (\"deletedAt\" IS NULL)", 0.08),
            ("(status = 'open'::text) OR active", 0.64),
            ("length(status) > 3", DEFAULT_RANGE),
            ("status ~ 'x'::text", DEFAULT_BOOLEAN),
            ("((", DEFAULT_BOOLEAN),
        ] {
            let kept = of_predicate(&relation, predicate);
            assert!((kept.selectivity - expected).abs() < 1e-9, "{predicate}: {}", kept.selectivity);
        }
    }

    #[test]
    fn what_holds_for_every_kept_row_is_known() {
        let kept = of_predicate(&relation(), "(NOT active) AND (\"deletedAt\" IS NULL) AND (status <> 'open'::text)");
        let expected = [("active", Fixed::OneValue), ("deletedAt", Fixed::Null), ("status", Fixed::NotNull)];
        assert_eq!(kept.columns, expected.map(|(name, fixed)| (name.to_owned(), fixed)).into());
    }

    #[test]
    fn a_predicate_that_is_too_long_or_too_deep_is_unknown_and_no_overflow() {
        let chain = vec!["active"; 5000].join(" AND ");
        assert_eq!(of_predicate(&relation(), &chain), Kept::share(DEFAULT_BOOLEAN));
        let nested = format!("{}active{}", "(".repeat(4000), ")".repeat(4000));
        assert_eq!(of_predicate(&relation(), &nested), Kept::share(DEFAULT_BOOLEAN));
    }
}
