//! Which share of a relation's rows a clause keeps, from column statistics, as `selfuncs.c` reckons. Reads no plan.

use jiff::{Timestamp, civil};

use super::condition::{Clause, Test};
use crate::pg::IndexTarget;
use crate::snapshot::{ColumnStatistics, Relation};

/// `DEFAULT_EQ_SEL`, `selfuncs.h`.
const DEFAULT_EQUAL: f64 = 0.005;
/// `DEFAULT_INEQ_SEL`, `selfuncs.h`.
const DEFAULT_RANGE: f64 = 0.333_333;

/// The fraction of rows that `clause` keeps; `None` when the statistics do not say. `n_rows` is the relation's.
pub(super) fn share(relation: &Relation, n_rows: f64, clause: &Clause) -> Option<f64> {
    if let Test::Or(arms) = &clause.test {
        return share_of_arms(relation, n_rows, arms);
    }
    let statistics = match clause.subject.as_ref()? {
        IndexTarget::Column(name) => relation.column(name)?.best_statistics(),
        IndexTarget::Expression(sql) => expression_statistics(relation, sql),
    };
    let Some(statistics) = statistics else {
        let is_column = clause.subject.as_ref().is_some_and(|subject| subject.column().is_some());
        return (clause.is_equality() && !is_column).then_some(DEFAULT_EQUAL);
    };
    let share = match &clause.test {
        Test::Equal => equal(statistics, n_rows, clause.constants.first()),
        Test::AnyOf(n_values) if clause.constants.is_empty() => n_values * equal(statistics, n_rows, None),
        Test::AnyOf(_) => clause.constants.iter().map(|value| equal(statistics, n_rows, Some(value))).sum(),
        Test::Less => below(statistics, clause.constants.first()?)?,
        Test::Greater => 1.0 - statistics.null_fraction - below(statistics, clause.constants.first()?)?,
        Test::IsNull => statistics.null_fraction,
        Test::IsNotNull => 1.0 - statistics.null_fraction,
        Test::Prefix | Test::Or(_) | Test::Other => return None,
    };
    Some(share.clamp(0.0, 1.0))
}

/// What a comparison with rows of other relations keeps: `var_eq_non_const` for equality, the default for a range.
pub(super) fn share_of_join(relation: &Relation, n_rows: f64, clause: &Clause) -> f64 {
    match clause.test {
        Test::Equal => {
            share(relation, n_rows, &Clause { constants: Vec::new(), ..clause.clone() }).unwrap_or(DEFAULT_EQUAL)
        }
        _ => DEFAULT_RANGE,
    }
}

fn share_of_arms(relation: &Relation, n_rows: f64, arms: &[Vec<Clause>]) -> Option<f64> {
    let mut missed = 1.0;
    for arm in arms {
        let mut kept = 1.0;
        for clause in arm {
            kept *= share(relation, n_rows, clause)?;
        }
        missed *= 1.0 - kept;
    }
    Some(1.0 - missed)
}

/// Statistics of an expression: those of an existing index on it.
fn expression_statistics<'r>(relation: &'r Relation, sql: &str) -> Option<&'r ColumnStatistics> {
    relation.indexes.iter().find_map(|index| {
        let keys = index.definition.key_columns.iter().zip(&index.expression_statistics);
        keys.filter_map(|(key, statistics)| Some((&key.target, statistics.as_ref()?)))
            .find(|(target, _)| matches!(target, IndexTarget::Expression(known) if crate::sql::same_expression(known, sql)))
            .map(|(_, statistics)| statistics)
    })
}

/// `var_eq_const`, and `var_eq_non_const` without a value.
fn equal(statistics: &ColumnStatistics, n_rows: f64, value: Option<&String>) -> f64 {
    let n_distinct = statistics.distinct_values(n_rows);
    let most_common = statistics.most_common_frequencies.iter().copied().fold(0.0, f64::max);
    let Some(value) = value else {
        let share = (1.0 - statistics.null_fraction) / n_distinct;
        return if most_common > 0.0 { share.min(most_common) } else { share };
    };
    let mut common = statistics.most_common_values.iter().zip(&statistics.most_common_frequencies);
    if let Some((_, share)) = common.find(|(known, _)| is_same_value(known, value)) {
        return *share;
    }
    let sum: f64 = statistics.most_common_frequencies.iter().sum();
    let n_others = n_distinct - statistics.most_common_values.len() as f64;
    let share = (1.0 - sum - statistics.null_fraction).max(0.0) / n_others.max(1.0);
    let rarest = statistics.most_common_frequencies.iter().copied().fold(f64::INFINITY, f64::min);
    share.min(rarest)
}

fn is_same_value(one: &str, other: &str) -> bool {
    one == other || scalar(one).zip(scalar(other)).is_some_and(|(one, other)| one == other)
}

/// The fraction of all rows below `value` (`scalarineqsel`, `ineq_histogram_selectivity`).
fn below(statistics: &ColumnStatistics, value: &str) -> Option<f64> {
    let bound = scalar(value);
    let is_below = |known: &str| match (scalar(known), bound) {
        (Some(known), Some(bound)) => known < bound,
        _ => known < value,
    };
    let common = statistics.most_common_values.iter().zip(&statistics.most_common_frequencies);
    let in_common: f64 = common.clone().filter(|(known, _)| is_below(known)).map(|(_, share)| share).sum();
    let all_common: f64 = common.map(|(_, share)| share).sum();
    let rest = (1.0 - all_common - statistics.null_fraction).max(0.0);
    let bounds = &statistics.histogram_bounds;
    if bounds.len() < 2 {
        return (!statistics.most_common_values.is_empty()).then_some(in_common + rest * 0.5);
    }
    let n_below = bounds.iter().take_while(|known| is_below(known)).count();
    let in_histogram = if n_below == 0 {
        0.0
    } else if n_below == bounds.len() {
        1.0
    } else {
        let inside = within_bin(&bounds[n_below - 1], &bounds[n_below], bound);
        ((n_below - 1) as f64 + inside) / (bounds.len() - 1) as f64
    };
    Some(in_common + rest * in_histogram)
}

/// Where in its bin a bound falls; in the middle where values are no numbers or times.
fn within_bin(low: &str, high: &str, bound: Option<f64>) -> f64 {
    match (scalar(low), scalar(high), bound) {
        (Some(low), Some(high), Some(bound)) if high > low => ((bound - low) / (high - low)).clamp(0.0, 1.0),
        _ => 0.5,
    }
}

/// A number or a time as a number (`convert_to_scalar`); `None` for texts and the like.
pub(super) fn scalar(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond() as f64 / 1000.0);
    }
    let time: civil::DateTime = text.parse().ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(time.timestamp().as_millisecond() as f64 / 1000.0)
}
