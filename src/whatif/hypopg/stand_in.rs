//! Partial hypothetical indexes that HypoPG cannot see. It matches predicates and expressions only on the first
//! relation of a query (its nodes are never renumbered), so that in joins, views and partitions a useful partial index
//! is ignored. A full index over the same keys and the predicate's columns stands in for it there. Prices nothing.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use crate::pg::{IndexColumn, IndexDefinition, IndexTarget, quote_identifier};
use crate::plan::Node;
use crate::whatif::selectivity;

/// One conjunct of a predicate, over a plain column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clause {
    column: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    IsNull,
    IsNotNull,
    IsTrue,
    IsFalse,
    Equals(String),
}

impl Clause {
    /// Whether a condition of a plan (an `Index Cond`, a `Filter`) speaks of the clause's column.
    fn is_about(&self, condition: &str) -> bool {
        mentions(condition, &quote_identifier(&self.column))
    }

    /// Whether an index condition makes the clause true for every row.
    fn holds_by(&self, index_cond: &str) -> bool {
        let column = quote_identifier(&self.column);
        match &self.test {
            Test::IsNull => mentions(index_cond, &format!("{column} IS NULL")),
            Test::IsNotNull => mentions(index_cond, &column) && !mentions(index_cond, &format!("{column} IS NULL")),
            Test::IsTrue => mentions(index_cond, &format!("{column} = true")),
            Test::IsFalse => mentions(index_cond, &format!("{column} = false")),
            Test::Equals(value) => mentions(index_cond, &column) && index_cond.contains(&format!("= '{value}'")),
        }
    }
}

/// The conjuncts of `predicate`; `None` when one of them is no simple test of a column.
pub(super) fn clauses(predicate: &str) -> Option<Vec<Clause>> {
    let mut clauses = Vec::new();
    add_clauses(&selectivity::parse(predicate)?, &mut clauses)?;
    Some(clauses)
}

fn add_clauses(expression: &Expr, clauses: &mut Vec<Clause>) -> Option<()> {
    let mut add = |column: &Expr, test| {
        clauses.push(Clause { column: selectivity::column_name(column)?, test });
        Some(())
    };
    match expression {
        Expr::Nested(inner) => add_clauses(inner, clauses),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            add_clauses(left, clauses)?;
            add_clauses(right, clauses)
        }
        Expr::IsNull(column) => add(column, Test::IsNull),
        Expr::IsNotNull(column) => add(column, Test::IsNotNull),
        Expr::Identifier(_) => add(expression, Test::IsTrue),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => add(expr, Test::IsFalse),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => add(left, Test::Equals(selectivity::literal(right)?)),
        _ => None,
    }
}

/// The full indexes that may stand in for a partial one: with the predicate's columns last, so that order and ranges
/// of the keys remain, and first, so that few entries are read. Their costs are near that of the partial index, their sizes are not.
pub(super) fn stand_ins(definition: &IndexDefinition, clauses: &[Clause]) -> Vec<IndexDefinition> {
    if definition.key_columns.iter().any(|key| matches!(key.target, IndexTarget::Expression(_))) {
        return Vec::new();
    }
    let mut added: Vec<IndexColumn> = Vec::new();
    for clause in clauses {
        let column = IndexColumn::from(clause.column.as_str());
        let is_key = definition.key_column_names().any(|name| name == clause.column);
        if !is_key && !added.contains(&column) {
            added.push(column);
        }
    }
    let keys = &definition.key_columns;
    let full = |key_columns| IndexDefinition { key_columns, predicate: None, is_unique: false, ..definition.clone() };
    let last = full([keys.as_slice(), &added].concat());
    if added.is_empty() { vec![last] } else { vec![last, full([added.as_slice(), keys].concat())] }
}

/// Whether the scan `node`, which uses a stand-in, could have used the partial index.
pub(super) fn is_served(node: &Node, clauses: &[Clause]) -> bool {
    let index_cond = node.index_cond.as_deref().unwrap_or_default();
    clauses.iter().all(|clause| clause.holds_by(index_cond))
}

/// Whether the conditions of a scan speak of every column of the predicate, so that they may imply it.
pub(super) fn may_imply(node: &Node, clauses: &[Clause]) -> bool {
    let conditions = [&node.filter, &node.index_cond, &node.recheck_cond, &node.join_filter];
    let conditions: Vec<&str> = conditions.into_iter().flatten().map(String::as_str).collect();
    clauses.iter().all(|clause| conditions.iter().any(|condition| clause.is_about(condition)))
}

/// Whether `text` holds `words`, not as a part of longer ones.
fn mentions(text: &str, words: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '"' | '$'));
    text.match_indices(words).any(|(at, found)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + found.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(index_cond: &str) -> Node {
        Node { index_cond: Some(index_cond.into()), ..Node::default() }
    }

    #[test]
    fn a_partial_index_is_stood_in_for_by_its_columns_in_both_places() {
        let mut partial = IndexDefinition::btree(["customerId"]);
        partial.predicate = Some("(\"deletedAt\" IS NULL) AND (NOT archived)".into());
        let clauses = clauses(partial.predicate.as_deref().unwrap()).unwrap();
        let full: Vec<String> = stand_ins(&partial, &clauses).iter().map(IndexDefinition::body).collect();
        assert_eq!(
            full,
            [
                "USING btree (\"customerId\", \"deletedAt\", archived)",
                "USING btree (\"deletedAt\", archived, \"customerId\")"
            ]
        );
        assert!(is_served(
            &scan("((a.\"customerId\" = 5) AND (a.\"deletedAt\" IS NULL) AND (a.archived = false))"),
            &clauses
        ));
        assert!(!is_served(&scan("((a.\"customerId\" = 5) AND (a.\"deletedAt\" IS NULL))"), &clauses));
        assert!(!is_served(&scan("((a.\"deletedAt\" IS NULL) AND (a.archived = true))"), &clauses));
        assert!(!is_served(&scan("((a.\"deletedAt\" IS NULL) AND (a.not_archived = false))"), &clauses));
    }

    #[test]
    fn tests_of_values_need_that_value() {
        let open = clauses("(status)::text = 'open'::text").unwrap();
        assert!(is_served(&scan("((o.status)::text = 'open'::text)"), &open));
        assert!(!is_served(&scan("((o.status)::text = 'closed'::text)"), &open));
        assert!(!is_served(&scan("((o.status)::text = $1)"), &open));
        let known = clauses("coupon IS NOT NULL").unwrap();
        assert!(is_served(&scan("(o.coupon = $1)"), &known));
        assert!(!is_served(&scan("(o.coupon IS NULL)"), &known));
        assert_eq!(clauses("length(status) > 3"), None);
        assert_eq!(clauses("(a IS NULL) OR (b IS NULL)"), None);
    }
}
