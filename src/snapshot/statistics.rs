//! Planner statistics: one column (`pg_stats`), several columns (`CREATE STATISTICS`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::Oid;

/// A row of `pg_stats`. Values are in their type's text form; they are data of the user, so they reach no report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Distinct elements per array: bounds of groups of about equal size, and last the mean.
    #[serde(default)]
    pub element_count_histogram: Vec<f64>,
    /// Lengths of ranges that are neither empty nor NULL: bounds of groups of about equal size. This and the next two
    /// are shown by `pg_stats` from 17 on, and are read from `pg_statistic` before.
    #[serde(default)]
    pub range_length_histogram: Vec<String>,
    /// Fraction of empty ranges, 0 to 1; `None` for other types.
    #[serde(default)]
    pub range_empty_fraction: Option<f64>,
    /// Lower and upper bounds of ranges, each sorted for itself and written as ranges: bounds of groups of about equal
    /// size.
    #[serde(default)]
    pub range_bounds_histogram: Vec<String>,
}

impl ColumnStatistics {
    /// The number of distinct values in a relation of `n_rows` rows.
    pub fn distinct_values(&self, n_rows: f64) -> f64 {
        if self.n_distinct >= 0.0 { self.n_distinct.max(1.0) } else { (-self.n_distinct * n_rows).max(1.0) }
    }
}

/// A `CREATE STATISTICS` object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What ANALYZE stored: over the relation's own rows, then over those of its children too. Empty where never
    /// analysed or not readable.
    #[serde(default)]
    pub images: Vec<ExtendedImage>,
    /// The labels of the enum types among the relation's columns, by the oids that stand for them in the images.
    #[serde(default)]
    pub enum_labels: Vec<(Oid, String)>,
}

/// A row of `pg_statistic_ext_data`, as another server of the same major version can be given it. The images are
/// the bytes of their `bytea` form in hexadecimal; they hold values of the user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtendedImage {
    /// Whether the children's rows are counted too (`stxdinherit`, 15 and later; false before).
    pub is_inherited: bool,
    /// `stxdndistinct`.
    pub n_distinct: Option<String>,
    /// `stxddependencies`.
    pub dependencies: Option<String>,
    /// `stxdmcv`; `None` also where the role may read no more than its own objects through `pg_stats_ext`.
    pub most_common_values: Option<String>,
    /// `stxdexpr`: the statistics of each expression, in order; `None` for one that ANALYZE found nothing about. Empty
    /// where there are none.
    pub expressions: Vec<Option<ColumnStatistics>>,
}
