//! Predicates of partial indexes that every execution of a statement implies: `IS NULL`, `IS NOT NULL`, booleans.
//! Constants are left out: a parameter in their place never implies the predicate in a generic plan.

use crate::pg::{IndexTarget, quote_identifier};
use crate::snapshot::{Column, Relation};
use crate::sql::{Comparison, Qual};

/// The largest share of rows for which a partial index is worth a predicate that ties it to some statements: above
/// half, a full index is not even twice as large and serves every statement.
const SHARE_MAX: f64 = 0.5;

/// A predicate, and how much of the relation it keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// As `pg_get_expr` prints it, without outer parentheses.
    pub sql: String,
    /// The single conditions that it consists of, sorted.
    pub conditions: Vec<String>,
    /// The columns in it, sorted.
    pub columns: Vec<String>,
    /// The share of rows that it keeps, 0 to 1.
    pub share: f64,
}

impl Predicate {
    /// The conjunction of the quals that are selective enough by the column statistics; `None` when there is none, or
    /// no statistics to tell.
    pub fn of_quals(relation: &Relation, quals: &[Qual]) -> Option<Self> {
        let mut parts: Vec<(String, String, f64)> = quals
            .iter()
            .filter_map(|qual| condition(relation, qual))
            .filter(|(_, _, share)| *share <= SHARE_MAX)
            .collect();
        parts.sort_by(|a, b| a.1.cmp(&b.1));
        parts.dedup();
        if parts.is_empty() {
            return None;
        }
        let sql = match parts.as_slice() {
            [(_, only, _)] => only.clone(),
            several => several.iter().map(|(_, sql, _)| format!("({sql})")).collect::<Vec<_>>().join(" AND "),
        };
        let mut columns: Vec<String> = parts.iter().map(|(column, _, _)| column.clone()).collect();
        columns.sort();
        columns.dedup();
        let share = parts.iter().map(|(_, _, share)| share).product();
        Some(Self { sql, conditions: parts.into_iter().map(|(_, sql, _)| sql).collect(), columns, share })
    }
}

/// The conditions among `quals` that a partial index may have as its predicate, selective or not.
pub fn conditions_implied(relation: &Relation, quals: &[Qual]) -> Vec<String> {
    quals.iter().filter_map(|qual| condition(relation, qual)).map(|(_, sql, _)| sql).collect()
}

/// The column, the condition as PostgreSQL prints it, and the share of rows that it keeps.
fn condition(relation: &Relation, qual: &Qual) -> Option<(String, String, f64)> {
    let IndexTarget::Column(name) = &qual.target else { return None };
    let column = relation.column(name)?;
    let quoted = quote_identifier(name);
    let (sql, share) = match qual.comparison {
        Comparison::IsNull => (format!("{quoted} IS NULL"), null_share(column)?),
        Comparison::IsNotNull => (format!("{quoted} IS NOT NULL"), 1.0 - null_share(column)?),
        // Written so, and not as `= false`: that form matches neither `NOT active` nor `active = false` in HypoPG.
        Comparison::IsTrue => (quoted.into_owned(), boolean_share(column, "t")?),
        Comparison::IsFalse => (format!("NOT {quoted}"), boolean_share(column, "f")?),
        _ => return None,
    };
    Some((name.clone(), sql, share))
}

fn null_share(column: &Column) -> Option<f64> {
    column.best_statistics().map(|statistics| statistics.null_fraction)
}

/// The share of rows that hold `value`. A value that is missing from the list of common values of a boolean was
/// not seen in the sample.
fn boolean_share(column: &Column, value: &str) -> Option<f64> {
    let statistics = column.best_statistics()?;
    let values = statistics.most_common_values.iter().zip(&statistics.most_common_frequencies);
    let share = values.filter(|(seen, _)| *seen == value).map(|(_, frequency)| *frequency).next();
    Some(share.unwrap_or(0.0))
}
