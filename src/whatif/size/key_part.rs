//! The stored attributes of an index and what column statistics say of them: widths, NULLs, distinct values. Measures
//! nothing itself and builds no index; `size` counts the pages.

use std::collections::BTreeMap;

use crate::pg::{IndexColumn, IndexTarget};
use crate::snapshot::{Column, ColumnStatistics, Relation, TypeName};
use crate::sql;

/// Distinct values of which nothing is known (`DEFAULT_NUM_DISTINCT`, `selfuncs.h`).
const DEFAULT_DISTINCT: f64 = 200.0;
/// Mean width of a value of unlimited length of which nothing is known (`get_typavgwidth`, `lsyscache.c`).
const DEFAULT_WIDTH: f64 = 32.0;
/// The width of a value's pointer into the TOAST relation (`TOAST_POINTER_SIZE`).
const TOAST_POINTER_BYTES: i32 = 18;
/// ANALYZE leaves values wider than this out of its lists (`WIDTH_THRESHOLD`, `analyze.c`).
const ANALYZE_WIDTH_MAX: u32 = 1024;
/// The widest value that is stored with a header of one byte (`VARATT_SHORT_MAX`).
const SHORT_VARLENA_MAX: usize = 127;
/// Functions whose result has about the width and the distinct values of their argument.
const FUNCTIONS_OF_SAME_WIDTH: [&str; 6] = ["lower", "upper", "btrim", "ltrim", "rtrim", "initcap"];

/// One stored attribute of an index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyPart {
    /// Alignment in bytes; 1 for values of variable length that are short enough for the short header.
    pub alignment: usize,
    /// Widths of the values that are not NULL, with their weights; the weights sum up to 1.
    pub widths: Vec<(usize, f64)>,
    /// Fraction of NULLs.
    pub null_fraction: f64,
    /// Distinct values, NULL left out.
    pub n_distinct: f64,
    /// Frequencies of the most common values, of all rows.
    pub frequencies: Vec<f64>,
    /// Whether equal values are equal byte by byte (`btequalimage`), which deduplication asks for.
    pub is_equal_image: bool,
    /// Correlation of the values with the order of the rows, −1 to 1; 0 where unknown.
    pub correlation: f64,
    /// `typname` of the base type.
    pub type_name: String,
    /// `typcategory` of the base type.
    pub category: char,
    /// `typlen` of the base type: −1 for variable length.
    pub length: i16,
}

impl KeyPart {
    /// The mean width of a value that is not NULL.
    pub fn mean_width(&self) -> f64 {
        self.widths.iter().map(|(width, weight)| *width as f64 * weight).sum()
    }

    /// Frequencies of the most common values among the rows that are not NULL.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        let n_values = (1.0 - self.null_fraction).max(f64::EPSILON);
        self.frequencies.iter().map(move |frequency| (frequency / n_values).min(1.0))
    }

    /// How many of its values `n_rows` rows that are not NULL have, at least one: a value of frequency f is among them
    /// with probability 1 − (1 − f)ⁿ.
    pub fn distinct_among(&self, n_rows: f64) -> f64 {
        let n_rows = n_rows.max(1.0);
        let seen = |share: f64| 1.0 - (1.0 - share.min(1.0)).powf(n_rows);
        let common: f64 = self.shares().map(seen).sum();
        let n_others = (self.n_distinct - self.frequencies.len() as f64).max(0.0);
        let others = (1.0 - self.shares().sum::<f64>()).max(0.0) / n_others.max(1.0);
        (common + n_others * seen(others)).clamp(1.0, n_rows)
    }

    /// Whether its values are ranges or sets of ranges.
    pub fn is_range(&self) -> bool {
        self.category == 'R' || self.type_name.ends_with("range")
    }

    /// A part that is NULL in every row.
    pub fn all_null(mut self) -> Self {
        self.null_fraction = 1.0;
        self.n_distinct = 0.0;
        self.frequencies.clear();
        self
    }

    /// A part that is never NULL, in an index over the rows where it is not.
    pub fn without_nulls(mut self) -> Self {
        let kept = (1.0 - self.null_fraction).max(f64::EPSILON);
        self.frequencies.iter_mut().for_each(|frequency| *frequency = (*frequency / kept).min(1.0));
        self.null_fraction = 0.0;
        self
    }

    /// A part with one value in every row.
    pub fn one_value(mut self) -> Self {
        self.null_fraction = 0.0;
        self.n_distinct = 1.0;
        self.frequencies.clear();
        self
    }
}

/// The part that a key column stores.
///
/// # Errors
/// When the relation has no such column, or its values are too wide for any btree.
pub(super) fn of_key(relation: &Relation, key: &IndexColumn, n_rows: f64) -> Result<KeyPart, String> {
    match &key.target {
        IndexTarget::Column(name) => of_column(relation, name, n_rows),
        IndexTarget::Expression(sql) => Ok(of_expression(relation, sql, n_rows)),
    }
}

/// The part that a column stores, as key or INCLUDE column.
///
/// # Errors
/// As [`of_key`].
pub(super) fn of_column(relation: &Relation, name: &str, n_rows: f64) -> Result<KeyPart, String> {
    let column = relation
        .column(name)
        .ok_or_else(|| format!("column \"{name}\" of relation {} does not exist", relation.name))?;
    Ok(match column.best_statistics() {
        Some(statistics) => of_statistics(&column.base_type, statistics, n_rows),
        None => of_type(&column.base_type, &column.type_sql, n_rows),
    })
}

/// Whether the values of a column fit a btree row.
///
/// # Errors
/// When they are so wide that the relation holds only pointers to them.
pub(super) fn check_fits_inline(relation: &Relation, name: &str) -> Result<(), String> {
    let Some(column) = relation.column(name) else { return Ok(()) };
    match column.best_statistics() {
        Some(statistics) if is_out_of_line(&column.base_type, statistics) => Err(format!(
            "values of column \"{name}\" are wider than {ANALYZE_WIDTH_MAX} bytes and stored out of line: \
             a btree index row holds at most 2704 bytes"
        )),
        _ => Ok(()),
    }
}

/// Whether every value was so wide that ANALYZE listed none, and the relation holds pointers instead of values.
fn is_out_of_line(base_type: &TypeName, statistics: &ColumnStatistics) -> bool {
    base_type.length == -1
        && statistics.average_width == TOAST_POINTER_BYTES
        && statistics.most_common_values.is_empty()
        && statistics.histogram_bounds.is_empty()
        && statistics.n_distinct < 0.0
        && statistics.null_fraction < 1.0
        && base_type.category == 'S'
}

fn of_statistics(base_type: &TypeName, statistics: &ColumnStatistics, n_rows: f64) -> KeyPart {
    let widths = widths(base_type, statistics);
    KeyPart {
        alignment: alignment(base_type, statistics.average_width.max(0) as usize),
        widths,
        null_fraction: statistics.null_fraction.clamp(0.0, 1.0),
        n_distinct: statistics.distinct_values(n_rows),
        frequencies: statistics.most_common_frequencies.clone(),
        is_equal_image: is_equal_image(base_type),
        correlation: statistics.correlation.unwrap_or(0.0),
        type_name: base_type.name.clone(),
        category: base_type.category,
        length: base_type.length,
    }
}

fn of_type(base_type: &TypeName, type_sql: &str, n_rows: f64) -> KeyPart {
    let width = if base_type.length > 0 { f64::from(base_type.length) } else { declared_width(type_sql) };
    let n_distinct = if base_type.name == "bool" { 2.0 } else { DEFAULT_DISTINCT };
    KeyPart {
        alignment: alignment(base_type, width as usize),
        widths: vec![(width as usize, 1.0)],
        null_fraction: 0.0,
        n_distinct: n_distinct.min(n_rows.max(1.0)),
        frequencies: Vec::new(),
        is_equal_image: is_equal_image(base_type),
        correlation: 0.0,
        type_name: base_type.name.clone(),
        category: base_type.category,
        length: base_type.length,
    }
}

/// The mean width that the planner assumes of a type with a declared length (`get_typavgwidth`, `lsyscache.c`).
fn declared_width(type_sql: &str) -> f64 {
    let declared = type_sql.split_once('(').and_then(|(_, rest)| rest.split([',', ')']).next()?.parse::<f64>().ok());
    match declared {
        Some(n) if type_sql.starts_with("character") && n <= DEFAULT_WIDTH => n.max(1.0),
        Some(n) if type_sql.starts_with("character") => DEFAULT_WIDTH + (n.min(1000.0) - DEFAULT_WIDTH) / 2.0,
        _ => DEFAULT_WIDTH,
    }
}

/// The part that an expression stores: by the statistics of an existing index on the same expression, else by those of
/// the column inside where the function keeps them, else by PostgreSQL's defaults.
fn of_expression(relation: &Relation, expression: &str, n_rows: f64) -> KeyPart {
    let text = TypeName { schema: "pg_catalog".into(), name: "text".into(), category: 'S', length: -1 };
    if let Some(statistics) = known_expression(relation, expression) {
        return of_statistics(&text, statistics, n_rows);
    }
    match column_of_same_width(relation, expression) {
        Some(column) => match column.best_statistics() {
            Some(statistics) => of_statistics(&text, statistics, n_rows),
            None => of_type(&text, &column.type_sql, n_rows),
        },
        None => of_type(&result_type(expression).unwrap_or(text), "", n_rows),
    }
}

pub(super) fn known_expression<'r>(relation: &'r Relation, expression: &str) -> Option<&'r ColumnStatistics> {
    relation.indexes.iter().find_map(|index| {
        let position = index.definition.key_columns.iter().position(|key| match &key.target {
            IndexTarget::Expression(known) => sql::same_expression(known, expression),
            IndexTarget::Column(_) => false,
        })?;
        index.expression_statistics.get(position)?.as_ref()
    })
}

fn column_of_same_width<'r>(relation: &'r Relation, expression: &str) -> Option<&'r Column> {
    let canonical = sql::canonical(expression);
    let (function, argument) = canonical.strip_suffix(')')?.split_once('(')?;
    if !FUNCTIONS_OF_SAME_WIDTH.contains(&function) {
        return None;
    }
    relation.column(argument.trim_matches('"'))
}

/// The type of an expression that says it: one that ends in a cast, or is a well-known function of time.
fn result_type(expression: &str) -> Option<TypeName> {
    let sql = expression.trim().trim_end_matches(')');
    let (name, length, category) = if sql.ends_with("::date") {
        ("date", 4, 'D')
    } else if sql.ends_with("::integer") {
        ("int4", 4, 'N')
    } else if sql.ends_with("::bigint") {
        ("int8", 8, 'N')
    } else if sql.ends_with("::uuid") {
        ("uuid", 16, 'U')
    } else if sql.starts_with("date_trunc") {
        ("timestamptz", 8, 'D')
    } else {
        return None;
    };
    Some(TypeName { schema: "pg_catalog".into(), name: name.into(), category, length })
}

/// Widths as stored. Where the values themselves tell it (strings, numbers), from the values; else all widths near the
/// mean, whose fraction ANALYZE cuts off.
fn widths(base_type: &TypeName, statistics: &ColumnStatistics) -> Vec<(usize, f64)> {
    if base_type.length > 0 {
        return vec![(base_type.length as usize, 1.0)];
    }
    let mean = statistics.average_width.max(1) as usize;
    let seen = seen_widths(base_type, statistics);
    let seen_mean: f64 = seen.iter().map(|(width, weight)| *width as f64 * weight).sum();
    if !seen.is_empty() && (seen_mean - mean as f64).abs() <= 1.0 + 0.1 * mean as f64 {
        return seen;
    }
    (mean.saturating_sub(3).max(1)..=mean + 4)
        .map(|width| (width, 1.0 / (mean + 5 - mean.saturating_sub(3).max(1)) as f64))
        .collect()
}

fn seen_widths(base_type: &TypeName, statistics: &ColumnStatistics) -> Vec<(usize, f64)> {
    let mut weights: BTreeMap<usize, f64> = BTreeMap::new();
    let common: f64 = statistics.most_common_frequencies.iter().sum();
    for (value, frequency) in statistics.most_common_values.iter().zip(&statistics.most_common_frequencies) {
        let Some(width) = stored_width(base_type, value) else { return Vec::new() };
        *weights.entry(width).or_default() += frequency;
    }
    let rest = (1.0 - statistics.null_fraction - common).max(0.0) / statistics.histogram_bounds.len().max(1) as f64;
    for value in &statistics.histogram_bounds {
        let Some(width) = stored_width(base_type, value) else { return Vec::new() };
        *weights.entry(width).or_default() += rest;
    }
    let total: f64 = weights.values().sum();
    weights.into_iter().map(|(width, weight)| (width, weight / total)).collect()
}

/// The width of a value given in its text form; `None` for types whose text form does not tell it.
fn stored_width(base_type: &TypeName, text: &str) -> Option<usize> {
    match (base_type.category, base_type.name.as_str()) {
        ('S', "text" | "varchar" | "bpchar" | "citext") => Some(with_header(text.len())),
        (_, "numeric") => Some(with_header(2 + 2 * numeric_digits(text))),
        (_, "inet" | "cidr") => Some(with_header(if text.contains(':') { 18 } else { 6 })),
        (_, "bytea") => Some(with_header(text.strip_prefix("\\x")?.len() / 2)),
        _ => None,
    }
}

fn with_header(n_bytes: usize) -> usize {
    if n_bytes < SHORT_VARLENA_MAX { n_bytes + 1 } else { n_bytes + 4 }
}

/// Digits to the base 10000 that `numeric` stores, zeros at either end left out.
fn numeric_digits(text: &str) -> usize {
    let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
    let whole = whole.trim_start_matches('0');
    let lead = (4 - whole.len() % 4) % 4;
    let mut digits = "0".repeat(lead) + whole + fraction;
    digits.push_str(&"0".repeat((4 - digits.len() % 4) % 4));
    let groups: Vec<&[u8]> = digits.as_bytes().chunks(4).collect();
    let is_zero = |group: &&&[u8]| group.iter().all(|digit| *digit == b'0');
    let leading = groups.iter().take_while(is_zero).count();
    let trailing = groups[leading..].iter().rev().take_while(is_zero).count();
    groups.len() - leading - trailing
}

/// `pg_type.typalign` in bytes, from what the snapshot knows of a type.
fn alignment(base_type: &TypeName, width: usize) -> usize {
    match (base_type.length, base_type.name.as_str()) {
        (-1, _) if width <= SHORT_VARLENA_MAX => 1,
        (-1, _) => 4,
        (_, "uuid" | "name" | "bool" | "char") => 1,
        (_, "macaddr" | "macaddr8" | "aclitem") => 4,
        (2 | 6, _) => 2,
        (4, _) => 4,
        (length, _) if length >= 8 => 8,
        _ => 1,
    }
}

/// Whether the type's default btree operator class has `btequalimage` (`pg_amproc`, support function 4): all types
/// but these, which have values that are equal and look different. Collations that are not deterministic are rare
/// enough to be left out.
fn is_equal_image(base_type: &TypeName) -> bool {
    !matches!(base_type.category, 'A' | 'R' | 'C')
        && !matches!(
            base_type.name.as_str(),
            "numeric" | "float4" | "float8" | "interval" | "jsonb" | "tsvector" | "tsquery" | "record" | "citext"
        )
}
