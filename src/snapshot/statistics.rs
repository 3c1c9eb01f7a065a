//! Planner statistics: one column (`pg_stats`), several columns (`CREATE STATISTICS`).

use serde::{Deserialize, Serialize};

/// A row of `pg_stats`. Values are in their type's text form; they are data of the user, so they reach no report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// Fraction of NULLs, 0 to 1.
    pub null_fraction: f64,
    /// Mean width of a value in bytes.
    pub average_width: i32,
    /// Distinct values; negative: minus their number divided by the number of rows.
    pub n_distinct: f64,
    /// Most common values.
    pub most_common_values: Vec<String>,
    /// Their frequencies, 0 to 1.
    pub most_common_frequencies: Vec<f64>,
    /// Bounds of groups of about equal size, the most common values left out.
    pub histogram_bounds: Vec<String>,
    /// Correlation between the physical and the logical order, −1 to 1; `None` where the type has no `<`.
    pub correlation: Option<f64>,
    /// Most common elements of arrays and the like.
    pub most_common_elements: Vec<String>,
    /// Their frequencies (and minimum, maximum, null fraction).
    pub most_common_element_frequencies: Vec<f64>,
}

impl ColumnStatistics {
    /// The number of distinct values in a relation of `n_rows` rows.
    pub fn distinct_values(&self, n_rows: f64) -> f64 {
        if self.n_distinct >= 0.0 { self.n_distinct.max(1.0) } else { (-self.n_distinct * n_rows).max(1.0) }
    }
}

/// A `CREATE STATISTICS` object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtendedStatistics {
    /// The schema it lives in.
    pub schema: String,
    /// `stxname`.
    pub name: String,
    /// The plain columns, in order.
    pub columns: Vec<String>,
    /// The expressions, as SQL.
    pub expressions: Vec<String>,
    /// The kinds: `d` ndistinct, `f` dependencies, `m` most common values, `e` expressions.
    pub kinds: Vec<char>,
    /// Distinct combinations, by the columns they are about; empty where never analysed or not readable.
    pub n_distinct: Vec<(Vec<String>, f64)>,
}
