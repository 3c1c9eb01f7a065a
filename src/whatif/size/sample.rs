//! The values that ANALYZE kept of a column: a sample of its rows, for access methods that look into the values. Empty
//! where they were wider than 1024 bytes, have no order, or were redacted.

use std::collections::BTreeSet;

use super::key_part;
use super::subject::Subject;
use crate::pg::{IndexColumn, IndexTarget};
use crate::snapshot::{Column, ColumnStatistics};

/// A value and what it stands for.
pub(super) struct Value<'s> {
    pub text: &'s str,
    /// The share of the rows that are not NULL.
    pub share: f64,
    /// Whether it is known to be in many rows, and not just one that was met.
    pub is_common: bool,
}

/// The values that were kept, most common ones first; their shares sum up to 1.
pub(super) fn values(statistics: &ColumnStatistics) -> Vec<Value<'_>> {
    let common = statistics.most_common_values.iter().zip(&statistics.most_common_frequencies);
    let mut values: Vec<Value> =
        common.map(|(text, frequency)| Value { text, share: *frequency, is_common: true }).collect();
    let n_bounds = statistics.histogram_bounds.len();
    let rest = 1.0 - statistics.null_fraction - statistics.most_common_frequencies.iter().sum::<f64>();
    let share = rest.max(0.0) / n_bounds.max(1) as f64;
    values.extend(statistics.histogram_bounds.iter().map(|text| Value { text, share, is_common: false }));
    let total: f64 = values.iter().map(|value| value.share).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    values.iter_mut().for_each(|value| value.share /= total);
    values
}

/// The column whose values a key column looks into: its own, or the first that its expression names.
pub(super) fn column_behind<'s>(subject: &Subject<'s>, key: &IndexColumn) -> Option<&'s Column> {
    match &key.target {
        IndexTarget::Column(name) => subject.relation.column(name),
        IndexTarget::Expression(sql) => {
            let words: BTreeSet<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let is_named = |column: &&Column| words.contains(column.name.as_str());
            let mut named = subject.relation.columns.iter().filter(is_named);
            named.clone().find(|column| column.base_type.length == -1).or_else(|| named.next())
        }
    }
}

/// The statistics of what a key column looks into.
pub(super) fn statistics_behind<'s>(subject: &Subject<'s>, key: &IndexColumn) -> Option<&'s ColumnStatistics> {
    let known = match &key.target {
        IndexTarget::Column(_) => None,
        IndexTarget::Expression(sql) => key_part::known_expression(subject.relation, sql),
    };
    known.or_else(|| column_behind(subject, key)?.best_statistics())
}
