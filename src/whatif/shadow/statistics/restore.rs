//! Column statistics by `pg_restore_attribute_stats` (18 and later), which keeps working when pg_statistic changes.

use std::collections::BTreeSet;

use super::pieces::send_in_pieces;
use super::rows::Row;
use super::{array, slots};
use crate::db::{Failure, WritableSession};
use crate::snapshot::ColumnStatistics;

const RESTORE: &str = include_str!("queries/restore.sql");

/// The first version that has the function.
pub(super) const RESTORE_SINCE: u32 = 18;

/// Imports `rows`; returns the names of columns of which this server did not take everything.
pub(super) fn load(session: &mut WritableSession, rows: &[Row<'_>]) -> Result<BTreeSet<String>, Failure> {
    let mut incomplete = BTreeSet::new();
    let mut refused = Vec::new();
    let send = |piece: &[Row<'_>]| {
        incomplete.extend(restore(session, piece)?);
        Ok(())
    };
    send_in_pieces(rows, Row::bytes, send, |row, _| {
        refused.push(row.clone());
        Ok(())
    })?;
    incomplete.extend(slots::load(session, &refused)?);
    Ok(incomplete)
}

fn restore(session: &mut WritableSession, rows: &[Row<'_>]) -> Result<Vec<String>, Failure> {
    let positions: Vec<i32> = (0..).take(rows.len()).collect();
    let schemas: Vec<&str> = rows.iter().map(|row| row.schema).collect();
    let relations: Vec<&str> = rows.iter().map(|row| row.relation).collect();
    let numbers: Vec<i16> = rows.iter().map(|row| row.place.number).collect();
    let is_inherited: Vec<&str> = rows.iter().map(|row| if row.is_inherited { "true" } else { "false" }).collect();
    let null_fractions: Vec<f64> = rows.iter().map(|row| row.statistics.null_fraction).collect();
    let widths: Vec<i32> = rows.iter().map(|row| row.statistics.average_width).collect();
    let n_distinct: Vec<f64> = rows.iter().map(|row| row.statistics.n_distinct).collect();
    let real = |number: fn(&ColumnStatistics) -> Option<f64>| -> Vec<Option<String>> {
        rows.iter().map(|row| number(row.statistics).map(|number| number.to_string())).collect()
    };
    // The function takes the lengths of ranges together with the fraction of empty ones only, of which all can be.
    let lengths: Vec<Option<String>> = rows
        .iter()
        .map(|row| row.statistics.range_empty_fraction.map(|_| array::of_texts(&row.statistics.range_length_histogram)))
        .collect();
    let texts = |list: fn(&ColumnStatistics) -> &Vec<String>| -> Vec<Option<String>> {
        rows.iter()
            .map(|row| Some(list(row.statistics)).filter(|list| !list.is_empty()).map(|list| array::of_texts(list)))
            .collect()
    };
    let reals = |list: fn(&ColumnStatistics) -> &Vec<f64>| -> Vec<Option<String>> {
        rows.iter()
            .map(|row| Some(list(row.statistics)).filter(|list| !list.is_empty()).map(array::of_numbers))
            .collect()
    };
    let answer = session.query(
        RESTORE,
        &[
            &positions,
            &schemas,
            &relations,
            &numbers,
            &is_inherited,
            &null_fractions,
            &widths,
            &n_distinct,
            &texts(|known| &known.most_common_values),
            &reals(|known| &known.most_common_frequencies),
            &texts(|known| &known.histogram_bounds),
            &real(|known| known.correlation),
            &texts(|known| &known.most_common_elements),
            &reals(|known| &known.most_common_element_frequencies),
            &reals(|known| &known.element_count_histogram),
            &lengths,
            &real(|known| known.range_empty_fraction),
            &texts(|known| &known.range_bounds_histogram),
        ],
    )?;
    let mut incomplete = Vec::new();
    for taken_partly in &answer {
        let position: i32 = taken_partly.get("position")?;
        incomplete.extend(rows.get(position.unsigned_abs() as usize).map(Row::name));
    }
    Ok(incomplete)
}
