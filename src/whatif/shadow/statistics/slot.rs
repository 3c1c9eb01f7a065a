//! The slots of a row of pg_statistic, as ANALYZE fills them (`analyze.c`, `array_typanalyze.c`, `ts_typanalyze.c`,
//! `rangetypes_typanalyze.c`): which kinds, in which order, with which operators. Sends nothing.

use super::array;
use super::value_types::{ValueType, ValueTypes};
use crate::pg::Oid;
use crate::snapshot::ColumnStatistics;

/// Slots in a row (`STATISTIC_NUM_SLOTS`).
pub(super) const SLOTS: usize = 5;

/// `STATISTIC_KIND_MCV` and its siblings (pg_statistic.h).
const MOST_COMMON_VALUES: i16 = 1;
const HISTOGRAM: i16 = 2;
const CORRELATION: i16 = 3;
const MOST_COMMON_ELEMENTS: i16 = 4;
const ELEMENT_COUNTS: i16 = 5;
const RANGE_LENGTHS: i16 = 6;
const RANGE_BOUNDS: i16 = 7;

/// `pg_catalog.default`, the database's own collation.
const DEFAULT_COLLATION: Oid = Oid(100);
/// `double precision`, and its `<`: the lengths of ranges.
const FLOAT8: Oid = Oid(701);
const FLOAT8_LESS_THAN: Oid = Oid(672);

/// One slot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    /// `stakind`.
    pub kind: i16,
    /// `staop`.
    pub operator: Oid,
    /// `stacoll`.
    pub collation: Oid,
    /// `stanumbers`, as the text of an array.
    pub numbers: Option<String>,
    /// `stavalues`, as the text of an array, and the type of its elements.
    pub values: Option<(String, Oid)>,
}

/// The slots for the values of a column of `value_type` and `collation`.
pub(super) fn slots(statistics: &ColumnStatistics, value_type: Oid, collation: Oid, types: &ValueTypes) -> Vec<Slot> {
    let Some(own) = types.get(value_type) else { return Vec::new() };
    let mut slots = of_scalars(statistics, value_type, own, collation);
    slots.extend(of_elements(statistics, own, collation, types));
    slots.extend(of_ranges(statistics, own));
    slots.truncate(SLOTS);
    slots
}

fn of_scalars(statistics: &ColumnStatistics, value_type: Oid, own: &ValueType, collation: Oid) -> Vec<Slot> {
    let mut slots = Vec::new();
    if !statistics.most_common_values.is_empty() {
        slots.push(Slot {
            kind: MOST_COMMON_VALUES,
            operator: own.equality,
            collation,
            numbers: Some(array::of_numbers(&statistics.most_common_frequencies)),
            values: Some((array::of_texts(&statistics.most_common_values), value_type)),
        });
    }
    if !statistics.histogram_bounds.is_empty() {
        slots.push(Slot {
            kind: HISTOGRAM,
            operator: own.less_than,
            collation,
            numbers: None,
            values: Some((array::of_texts(&statistics.histogram_bounds), value_type)),
        });
    }
    if let Some(correlation) = statistics.correlation {
        slots.push(Slot {
            kind: CORRELATION,
            operator: own.less_than,
            collation,
            numbers: Some(array::of_numbers([correlation])),
            values: None,
        });
    }
    slots
}

fn of_elements(statistics: &ColumnStatistics, own: &ValueType, collation: Oid, types: &ValueTypes) -> Vec<Slot> {
    let Some((element, element_type)) = own.element.and_then(|oid| Some((oid, types.get(oid)?))) else {
        return Vec::new();
    };
    let collation = if own.is_tsvector { DEFAULT_COLLATION } else { collation };
    let slot = |kind, numbers: &[f64], values: &[String]| Slot {
        kind,
        operator: element_type.equality,
        collation,
        numbers: Some(array::of_numbers(numbers)),
        values: (!values.is_empty()).then(|| (array::of_texts(values), element)),
    };
    let mut slots = Vec::new();
    if !statistics.most_common_elements.is_empty() {
        let numbers = &statistics.most_common_element_frequencies;
        slots.push(slot(MOST_COMMON_ELEMENTS, numbers, &statistics.most_common_elements));
    }
    if !statistics.element_count_histogram.is_empty() {
        slots.push(slot(ELEMENT_COUNTS, &statistics.element_count_histogram, &[]));
    }
    slots
}

/// Bounds come before lengths, although their kind has the higher number.
fn of_ranges(statistics: &ColumnStatistics, own: &ValueType) -> Vec<Slot> {
    let values = |list: &[String], element| (!list.is_empty()).then(|| (array::of_texts(list), element));
    let bounds = values(&statistics.range_bounds_histogram, own.range).map(|values| Slot {
        kind: RANGE_BOUNDS,
        operator: Oid(0),
        collation: Oid(0),
        numbers: None,
        values: Some(values),
    });
    let lengths = statistics.range_empty_fraction.map(|empty| Slot {
        kind: RANGE_LENGTHS,
        operator: FLOAT8_LESS_THAN,
        collation: Oid(0),
        numbers: Some(array::of_numbers([empty])),
        values: values(&statistics.range_length_histogram, FLOAT8),
    });
    bounds.into_iter().chain(lengths).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Oid = Oid(25);
    const TEXTS: Oid = Oid(1009);
    const TSVECTOR: Oid = Oid(3614);

    fn types() -> ValueTypes {
        let of = |equality, less_than, element: Option<Oid>, own: Oid| ValueType {
            equality: Oid(equality),
            less_than: Oid(less_than),
            element,
            is_tsvector: own == TSVECTOR,
            range: own,
        };
        ValueTypes::of([
            (TEXT, of(98, 664, None, TEXT)),
            (TEXTS, of(1070, 1072, Some(TEXT), TEXTS)),
            (TSVECTOR, of(3629, 3627, Some(TEXT), TSVECTOR)),
        ])
    }

    fn statistics() -> ColumnStatistics {
        ColumnStatistics {
            most_common_values: vec!["{a}".to_owned()],
            most_common_frequencies: vec![0.5],
            histogram_bounds: vec!["{b}".to_owned(), "{c}".to_owned()],
            correlation: Some(0.25),
            most_common_elements: vec!["a".to_owned()],
            most_common_element_frequencies: vec![0.5, 0.5, 0.5, 0.0],
            element_count_histogram: vec![1.0, 2.0],
            ..ColumnStatistics::default()
        }
    }

    #[test]
    fn an_array_fills_all_slots_in_analyzes_order() {
        let slots = slots(&statistics(), TEXTS, DEFAULT_COLLATION, &types());
        assert_eq!(slots.iter().map(|slot| slot.kind).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(slots.iter().map(|slot| slot.operator.0).collect::<Vec<_>>(), [1070, 1072, 1072, 98, 98]);
        assert_eq!(slots[3].values, Some(("{\"a\"}".to_owned(), TEXT)));
        assert_eq!(slots[4].numbers.as_deref(), Some("{1,2}"));
    }

    #[test]
    fn lexemes_have_the_default_collation_where_the_vector_has_none() {
        let of_vector = ColumnStatistics {
            most_common_elements: vec!["a".to_owned()],
            most_common_element_frequencies: vec![0.5, 0.5, 0.5],
            ..ColumnStatistics::default()
        };
        let slots = slots(&of_vector, TSVECTOR, Oid(0), &types());
        assert_eq!(slots.len(), 1);
        assert_eq!((slots[0].operator, slots[0].collation), (Oid(98), DEFAULT_COLLATION));
    }

    #[test]
    fn ranges_that_are_all_empty_have_a_fraction_and_no_lengths() {
        let of_ranges = ColumnStatistics { range_empty_fraction: Some(1.0), ..ColumnStatistics::default() };
        let slots = slots(&of_ranges, TEXT, Oid(0), &types());
        assert_eq!((slots[0].kind, slots[0].numbers.as_deref(), &slots[0].values), (6, Some("{1}"), &None));
    }

    #[test]
    fn nothing_is_written_about_a_type_that_is_unknown() {
        assert!(slots(&statistics(), Oid(1), Oid(0), &types()).is_empty());
    }
}
