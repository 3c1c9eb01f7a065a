//! Reads column statistics from pg_stats, which names relations instead of numbering them. Values are kept as the text
//! that the server made of them.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{COLUMN_STATISTICS, HIDDEN_STATISTICS, RANGE_STATISTICS};
use crate::db::{Failure, Row, Transaction};
use crate::pg::{Oid, array_text};
use crate::snapshot::{ColumnStatistics, TypeName};

/// Where statistics belong: a schema and a relation, or an index with expressions.
pub(super) type Owner = (String, String);

/// Statistics by owner, column and whether they are inherited.
pub(super) type Statistics = BTreeMap<Owner, BTreeMap<(String, bool), ColumnStatistics>>;

/// The statistics of `owners`, with or without values.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    owners: &BTreeSet<Owner>,
    with_values: bool,
) -> Result<Statistics, Failure> {
    let mut statistics = Statistics::new();
    if owners.is_empty() {
        return Ok(statistics);
    }
    let schemas: BTreeSet<&str> = owners.iter().map(|(schema, _)| schema.as_str()).collect();
    let names: BTreeSet<&str> = owners.iter().map(|(_, name)| name.as_str()).collect();
    let (schemas, names): (Vec<&str>, Vec<&str>) = (schemas.into_iter().collect(), names.into_iter().collect());
    transaction.query_each(&COLUMN_STATISTICS, &[&schemas, &names, &with_values], |row| {
        let owner = (row.text("schema")?, row.text("relation")?);
        if owners.contains(&owner) {
            let column = (row.text("name")?, row.get("is_inherited")?);
            statistics.entry(owner).or_default().insert(column, column_statistics(&row)?);
        }
        Ok(())
    })?;
    Ok(statistics)
}

/// The statistics of the relations and indexes `oids`, which row level security hides in pg_stats.
pub(super) fn read_hidden(
    transaction: &mut Transaction<'_>,
    oids: &[Oid],
    with_values: bool,
) -> Result<Statistics, Failure> {
    let mut statistics = Statistics::new();
    if oids.is_empty() {
        return Ok(statistics);
    }
    transaction.query_each(&HIDDEN_STATISTICS, &[&oids, &with_values], |row| {
        let owner = (row.text("schema")?, row.text("relation")?);
        let column = (row.text("name")?, row.get("is_inherited")?);
        statistics.entry(owner).or_default().insert(column, column_statistics(&row)?);
        Ok(())
    })?;
    Ok(statistics)
}

/// What is known of ranges, by relation or index, column number and whether it is inherited.
pub(super) type Ranges = BTreeMap<(Oid, i16, bool), RangeStatistics>;

/// What pg_stats shows of a column of ranges from 17 on.
pub(super) struct RangeStatistics {
    length_histogram: Vec<String>,
    empty_fraction: Option<f64>,
    bounds_histogram: Vec<String>,
}

impl RangeStatistics {
    fn of_row(row: &Row) -> Result<Self, Failure> {
        Ok(Self {
            length_histogram: values(row, "range_length_histogram")?,
            empty_fraction: number(row.optional("range_empty_fraction")?),
            bounds_histogram: values(row, "range_bounds_histogram")?,
        })
    }

    /// Adds them to what is known of the column.
    pub fn complete(self, statistics: &mut ColumnStatistics) {
        statistics.range_length_histogram = self.length_histogram;
        statistics.range_empty_fraction = self.empty_fraction;
        statistics.range_bounds_histogram = self.bounds_histogram;
    }
}

/// Whether values of the type are ranges or multiranges (`typcategory`).
pub(super) fn is_range(base_type: &TypeName) -> bool {
    base_type.category == 'R'
}

/// What pg_statistic holds of the ranges in `relations` and indexes, before 17.
pub(super) fn read_ranges(transaction: &mut Transaction<'_>, relations: &[Oid]) -> Result<Ranges, Failure> {
    let mut ranges = Ranges::new();
    for row in transaction.query(&RANGE_STATISTICS, &[&relations])? {
        let column = (row.get("relation")?, row.get("number")?, row.get("is_inherited")?);
        ranges.insert(column, RangeStatistics::of_row(&row)?);
    }
    Ok(ranges)
}

/// The statistics in a row with the columns of pg_stats.
pub(super) fn column_statistics(row: &Row) -> Result<ColumnStatistics, Failure> {
    let (most_common_values, most_common_frequencies) =
        values_and_frequencies(row, "most_common_values", "most_common_frequencies")?;
    let (most_common_elements, most_common_element_frequencies) =
        values_and_frequencies(row, "most_common_elements", "most_common_element_frequencies")?;
    let mut statistics = ColumnStatistics {
        null_fraction: number(row.optional("null_fraction")?).unwrap_or_default(),
        average_width: row.optional("average_width")?.unwrap_or_default(),
        n_distinct: number(row.optional("n_distinct")?).unwrap_or_default(),
        most_common_values,
        most_common_frequencies,
        histogram_bounds: values(row, "histogram_bounds")?,
        correlation: number(row.optional("correlation")?),
        most_common_elements,
        most_common_element_frequencies,
        element_count_histogram: numbers(row, "element_count_histogram")?,
        ..ColumnStatistics::default()
    };
    RangeStatistics::of_row(row)?.complete(&mut statistics);
    Ok(statistics)
}

/// Values and their frequencies; neither where the values cannot be read as text, or do not match the frequencies
/// (those of elements are followed by at most four summary numbers).
fn values_and_frequencies(row: &Row, values: &str, frequencies: &str) -> Result<(Vec<String>, Vec<f64>), Failure> {
    let values = self::values(row, values)?;
    let frequencies = numbers(row, frequencies)?;
    let surplus = frequencies.len().checked_sub(values.len());
    let is_sound = !values.is_empty() && surplus.is_some_and(|surplus| surplus <= 4);
    Ok(if is_sound { (values, frequencies) } else { (Vec::new(), Vec::new()) })
}

fn numbers(row: &Row, column: &str) -> Result<Vec<f64>, Failure> {
    let numbers: Option<Vec<f32>> = row.optional(column)?;
    Ok(numbers.unwrap_or_default().into_iter().filter_map(|real| number(Some(real))).collect())
}

fn values(row: &Row, column: &str) -> Result<Vec<String>, Failure> {
    Ok(row.optional_text(column)?.and_then(|text| array_text::elements(&text)).unwrap_or_default())
}

/// The number that the server shows: `real` 0.1 becomes 0.1, not 0.10000000149011612. `None` for NaN and infinity.
fn number(real: Option<f32>) -> Option<f64> {
    real.filter(|real| real.is_finite()).and_then(|real| real.to_string().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_keep_their_shortest_form_and_their_bits() {
        assert_eq!(number(Some(0.1)), Some(0.1));
        assert_eq!(number(Some(f32::NAN)), None);
        for real in [0.20532742_f32, 1e-20, -0.33333334, 1.0] {
            assert_eq!(number(Some(real)).map(|number| number as f32), Some(real));
        }
    }
}
