//! Planner statistics without values: how many and how often stays, which goes.

use crate::snapshot::{ColumnStatistics, ExtendedImage, ExtendedStatistics};

pub(super) fn redact(statistics: &mut ColumnStatistics) {
    let ColumnStatistics {
        null_fraction: _,
        average_width: _,
        n_distinct: _,
        most_common_values,
        most_common_frequencies: _,
        histogram_bounds,
        correlation: _,
        most_common_elements,
        most_common_element_frequencies: _,
        element_count_histogram: _,
        range_length_histogram,
        range_empty_fraction: _,
        range_bounds_histogram,
    } = statistics;
    for values in
        [most_common_values, histogram_bounds, most_common_elements, range_length_histogram, range_bounds_histogram]
    {
        values.clear();
    }
}

pub(super) fn redact_extended(statistics: &mut ExtendedStatistics) {
    let ExtendedStatistics {
        schema: _,
        name: _,
        columns: _,
        expressions: _,
        kinds: _,
        n_distinct: _,
        images,
        enum_labels: _,
    } = statistics;
    for image in images {
        // The other two images hold column numbers and degrees.
        let ExtendedImage { is_inherited: _, n_distinct: _, dependencies: _, most_common_values, expressions } = image;
        *most_common_values = None;
        expressions.iter_mut().flatten().for_each(redact);
    }
}
