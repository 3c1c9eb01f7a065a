//! The elements of arrays (`array_ops`), from the statistics of elements that ANALYZE keeps for arrays.

use super::document::{Growth, Key, Sample};
use super::pages::Keys;
use super::tail::Elements;
use crate::pg::{IndexColumn, array_text};
use crate::snapshot::ColumnStatistics;
use crate::whatif::size::sample;
use crate::whatif::size::subject::Subject;

/// Numbers after the frequencies of elements: least and greatest of them, and the frequency of NULL elements
/// (`STATISTIC_KIND_MCELEM`, `pg_statistic.h`).
const SUMMARY_NUMBERS: usize = 3;
/// An array before its elements: header, dimensions, element type, one dimension (`ARR_OVERHEAD_NONULLS`).
const ARRAY_HEADER: f64 = 21.0;
/// Elements of an array of which nothing is known (`DEFAULT` of `estimate_array_length`, `selfuncs.c`).
const ELEMENTS_UNKNOWN: f64 = 10.0;

/// The elements of `n_values` arrays.
pub(super) fn keys(subject: &Subject, key: &IndexColumn, n_values: f64) -> Vec<Keys> {
    let element = sample::column_behind(subject, key)
        .map(|column| column.base_type.name.trim_start_matches('_').to_owned())
        .unwrap_or_default();
    let statistics = sample::statistics_behind(subject, key);
    let fixed = width_of_type(&element);
    let arrays = statistics.map(arrays).unwrap_or_default();
    let text_width = mean_text_width(statistics, &arrays) + 1.0;
    let (width, alignment) = fixed.unwrap_or((text_width, 1.0));
    let frequencies = statistics.map_or(&[][..], frequencies);
    if frequencies.is_empty() && arrays.iter().any(|array| array.is_common) {
        return of_sample(arrays, n_values, width, alignment);
    }
    let per_row = statistics.map_or(ELEMENTS_UNKNOWN, |statistics| per_row(statistics, &arrays, width, alignment));
    Elements { frequencies, per_row, n_rows: n_values, width, alignment }.keys()
}

/// Frequencies of the listed elements, without the summary at their end.
pub(super) fn frequencies(statistics: &ColumnStatistics) -> &[f64] {
    let listed = statistics.most_common_elements.len();
    let all = &statistics.most_common_element_frequencies;
    &all[..listed.min(all.len().saturating_sub(SUMMARY_NUMBERS.min(all.len().saturating_sub(listed))))]
}

/// An array among the kept values.
struct Array {
    elements: Vec<String>,
    share: f64,
    is_common: bool,
}

fn arrays(statistics: &ColumnStatistics) -> Vec<Array> {
    let values = sample::values(statistics);
    let read = values.iter().filter_map(|value| {
        let mut elements = array_text::elements(value.text)?;
        elements.sort_unstable();
        elements.dedup();
        Some(Array { elements, share: value.share, is_common: value.is_common })
    });
    read.collect()
}

/// Arrays of a few kinds, none of whose elements was counted.
fn of_sample(arrays: Vec<Array>, n_values: f64, width: f64, alignment: f64) -> Vec<Keys> {
    let mut met = Sample::default();
    for array in arrays {
        let key =
            |element: String| Key { identity: element, place: String::new(), number: None, width: width as usize };
        met.add(array.elements.into_iter().map(key).collect(), array.share, array.is_common);
    }
    met.keys(n_values, alignment, Growth::Closed)
}

/// Distinct elements of an array on average: as counted by ANALYZE, else in the arrays that it kept, else as many as
/// the mean width has room for.
fn per_row(statistics: &ColumnStatistics, arrays: &[Array], width: f64, alignment: f64) -> f64 {
    if let Some(mean) = statistics.element_count_histogram.last() {
        return *mean;
    }
    let share: f64 = arrays.iter().map(|array| array.share).sum();
    if share > 0.0 {
        return arrays.iter().map(|array| array.share * array.elements.len() as f64).sum::<f64>() / share;
    }
    // Elements of variable length have a header of four bytes within an array.
    let stored = if alignment > 1.0 { width } else { width + 3.0 + 1.5 };
    ((f64::from(statistics.average_width) - ARRAY_HEADER) / stored).max(0.0)
}

fn mean_text_width(statistics: Option<&ColumnStatistics>, arrays: &[Array]) -> f64 {
    let listed = statistics.map(|statistics| statistics.most_common_elements.as_slice()).unwrap_or_default();
    let met = arrays.iter().flat_map(|array| &array.elements);
    let lengths: Vec<f64> = listed.iter().chain(met).map(|element| element.len() as f64).collect();
    if lengths.is_empty() { 8.0 } else { lengths.iter().sum::<f64>() / lengths.len() as f64 }
}

/// Bytes and alignment of types of fixed length; `None` for others.
fn width_of_type(name: &str) -> Option<(f64, f64)> {
    Some(match name {
        "int2" => (2.0, 2.0),
        "int4" | "oid" | "date" | "float4" => (4.0, 4.0),
        "int8" | "float8" | "timestamp" | "timestamptz" | "money" | "time" => (8.0, 8.0),
        "uuid" => (16.0, 1.0),
        "bool" | "char" => (1.0, 1.0),
        _ => return None,
    })
}
