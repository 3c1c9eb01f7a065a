//! Predicates of partial indexes that every execution of a statement implies: `IS NULL`, `IS NOT NULL`, booleans, and
//! constants that the application is known to send as such: a parameter in their place never implies the predicate in a
//! generic plan.

use std::collections::BTreeSet;

use crate::pg::{IndexTarget, Oid, quote_identifier};
use crate::snapshot::{Catalog, Column, Relation};
use crate::sql::{Comparand, Comparison, Qual};
use crate::workload::Statement;

/// The largest share of rows for which a partial index is worth a predicate that ties it to some statements: above
/// half, a full index is not even twice as large and serves every statement.
const SHARE_MAX: f64 = 0.5;

/// The same for a constant, which ties the index to the statements that send this very one: a tenth of the rows.
const CONSTANT_SHARE_MAX: f64 = 0.1;

/// Distinct values of a column up to which a constant is a state of the row, and not one example of a key.
const CONSTANT_DISTINCT_MAX: f64 = 20.0;

/// How rare a constant has to be among the values of its column, as a share of the mean: a queue is short and what is done
/// is long. Where values are spread evenly, each is one of many that are looked for.
const CONSTANT_MEAN_SHARE_MAX: f64 = 0.5;

/// Columns of which it is not proven that the application sends constants: some statement compares them with a parameter,
/// or was found with several constants in the same place.
#[derive(Debug, Default)]
pub struct Constants {
    unproven: BTreeSet<(Oid, String)>,
}

impl Constants {
    /// What the texts of `statements` tell. One from pg_stat_statements has parameters in the place of its constants.
    pub fn of(catalog: &Catalog<'_>, statements: &[Statement]) -> Self {
        let mut constants = Self::default();
        for statement in statements {
            for scan in statement.shape.iter().flat_map(|shape| &shape.scans) {
                let relation = catalog.partition_root(scan.relation);
                let quals = scan.quals.iter().chain(scan.or_groups.iter().flatten().flatten());
                let unproven = quals.filter(|qual| {
                    let is_constant = matches!(qual.comparand, Comparand::Literal(_));
                    qual.comparison.is_equality() && (statement.has_other_texts || !is_constant)
                });
                let columns = unproven.filter_map(|qual| qual.target.column());
                constants.unproven.extend(columns.map(|column| (relation, column.to_owned())));
            }
        }
        constants
    }

    fn are_sent(&self, relation: &Relation, column: &str) -> bool {
        !self.unproven.contains(&(relation.oid, column.to_owned()))
    }
}

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
    pub fn of_quals(relation: &Relation, quals: &[Qual], constants: &Constants) -> Option<Self> {
        let is_selective = |qual: &Qual, (column, _, share): &(String, String, f64)| match qual.comparison {
            Comparison::Equal => {
                *share <= CONSTANT_SHARE_MAX
                    && constants.are_sent(relation, column)
                    && is_rare_state(relation, column, *share)
            }
            _ => *share <= SHARE_MAX,
        };
        let mut parts: Vec<(String, String, f64)> = quals
            .iter()
            .filter_map(|qual| condition(relation, qual).filter(|condition| is_selective(qual, condition)))
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
        Comparison::Equal => match &qual.comparand {
            Comparand::Literal(literal) => (equality(column, literal)?, constant_share(column, literal)?),
            _ => return None,
        },
        _ => return None,
    };
    Some((name.clone(), sql, share))
}

/// `column = constant` as `pg_get_expr` prints it; `None` for types of which that is not known here.
fn equality(column: &Column, literal: &str) -> Option<String> {
    let quoted = quote_identifier(&column.name);
    let is_text = literal.starts_with('\'') && literal.ends_with('\'') && literal.len() > 1;
    match (column.base_type.name.as_str(), column.base_type.category) {
        ("text", _) if is_text => Some(format!("{quoted} = {literal}::text")),
        ("varchar", _) if is_text => Some(format!("({quoted})::text = {literal}::text")),
        (_, 'E') if is_text => Some(format!("{quoted} = {literal}::{}", column.type_sql)),
        ("int2" | "int4", _) if literal.chars().all(|c| c.is_ascii_digit()) => Some(format!("{quoted} = {literal}")),
        _ => None,
    }
}

/// Whether the column has few values, and the one that this share of the rows hold is rare among them.
fn is_rare_state(relation: &Relation, column: &str, share: f64) -> bool {
    let statistics = relation.column(column).and_then(Column::best_statistics);
    let n_distinct = statistics.map(|statistics| statistics.distinct_values(relation.n_rows.unwrap_or(0.0)));
    n_distinct.is_some_and(|n| n <= CONSTANT_DISTINCT_MAX && share * n <= CONSTANT_MEAN_SHARE_MAX)
}

/// The share of rows that hold the constant; one that is missing from a complete list of values is in no row that was seen.
fn constant_share(column: &Column, literal: &str) -> Option<f64> {
    let statistics = column.best_statistics()?;
    let value = match literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("''", "'"),
        None => literal.to_owned(),
    };
    let common = statistics.most_common_values.iter().zip(&statistics.most_common_frequencies);
    let share = common.filter(|(seen, _)| **seen == value).map(|(_, frequency)| *frequency).next();
    let is_complete =
        statistics.n_distinct > 0.0 && statistics.n_distinct <= statistics.most_common_values.len() as f64;
    share.or(is_complete.then_some(0.0))
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
