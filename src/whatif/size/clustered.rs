//! How many distinct values a column has whose equal values lie side by side in the heap, as the rows of an order do that
//! were inserted together. Corrects what ANALYZE took them for; knows no access method.
//!
//! ANALYZE reads all of its sample from few blocks (`acquire_sample_rows`, `analyze.c`) and then reckons as if the rows
//! had been drawn one by one (`compute_scalar_stats`; Haas and Stokes, Estimating the Number of Classes in a Finite
//! Population, JASA 1998). Within a block it meets a clustered value again and again, so it takes few values for all:
//! 380,000 for the 1,500,000 orders of TPC-H's `lineitem`. Here is asked which number of values would have made it say that.

/// The blocks and rows that ANALYZE saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampled {
    /// Rows of the relation.
    pub n_rows: f64,
    /// Its blocks.
    pub n_blocks: f64,
    /// Rows in the sample, from as many blocks at most (300 for each value of the statistics target, `std_typanalyze`).
    pub n_sampled: f64,
}

/// Correlation with the order of the rows from which on equal values are taken to lie side by side. Values that lie far
/// apart in spite of it have as many as ANALYZE says; they are then taken for more, never for fewer.
const CORRELATION_MIN: f64 = 0.9999;

/// Halvings of the range in which the number of values lies.
const N_HALVINGS: usize = 50;

/// The number of distinct values where ANALYZE found `estimated`.
pub(super) fn distinct_values(estimated: f64, correlation: f64, sampled: &Sampled) -> f64 {
    let is_whole = sampled.n_sampled >= sampled.n_rows || sampled.n_sampled >= sampled.n_blocks;
    if correlation.abs() < CORRELATION_MIN || is_whole || estimated < 1.0 || estimated >= sampled.n_rows {
        return estimated;
    }
    // Rows of each value: clustering makes ANALYZE say too few values, never too many.
    let (mut fewest, mut most) = (1.0, sampled.n_rows / estimated);
    if sampled.estimate(most) >= estimated {
        return estimated;
    }
    for _ in 0..N_HALVINGS {
        let middle = (fewest + most) / 2.0;
        match sampled.estimate(middle) > estimated {
            true => fewest = middle,
            false => most = middle,
        }
    }
    sampled.n_rows / fewest
}

impl Sampled {
    /// What ANALYZE is to be expected to say when each value has `per_value` rows, side by side.
    fn estimate(&self, per_value: f64) -> f64 {
        let rows_per_block = self.n_rows / self.n_blocks;
        let share_of_blocks = self.n_sampled / self.n_blocks;
        let share_of_rows = (1.0 / rows_per_block).min(1.0);
        // A value begins anywhere in its first block.
        let blocks = 1.0 + (per_value - 1.0) / rows_per_block;
        let rows = per_value / blocks;
        let none_of_block = 1.0 - share_of_blocks + share_of_blocks * (1.0 - share_of_rows).powf(rows);
        let one_of_block = share_of_blocks * rows * share_of_rows * (1.0 - share_of_rows).powf(rows - 1.0);
        let never = none_of_block.powf(blocks);
        let once = blocks * one_of_block * none_of_block.powf(blocks - 1.0);
        let n_values = self.n_rows / per_value;
        let (n_seen, n_once) = (n_values * (1.0 - never), n_values * once);
        let n = self.n_sampled;
        n * n_seen / (n - n_once + n_once * n / self.n_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 53 rows in each block, a quarter of the blocks read.
    const LINES: Sampled = Sampled { n_rows: 6_001_215.0, n_blocks: 112_503.0, n_sampled: 30_000.0 };

    #[test]
    fn what_analyze_would_say_of_a_number_of_values_leads_back_to_it() {
        for per_value in [2.0, 4.0, 30.0, 100.0] {
            let estimated = LINES.estimate(per_value);
            let n_values = LINES.n_rows / per_value;
            assert!(estimated < 0.9 * n_values, "{per_value}: {estimated}");
            let found = distinct_values(estimated, -1.0, &LINES);
            assert!((found / n_values - 1.0).abs() < 1e-6, "{per_value}: {found}");
        }
    }

    #[test]
    fn values_that_fill_many_blocks_are_as_many_as_analyze_says() {
        let found = distinct_values(2_000.0, 1.0, &LINES);
        assert!((found / 2_000.0 - 1.0).abs() < 0.01, "{found}");
    }

    #[test]
    fn nothing_is_corrected_without_clustering_or_where_every_block_was_read() {
        assert_eq!(distinct_values(380_000.0, 0.99, &LINES), 380_000.0);
        let all_read = Sampled { n_blocks: 20_000.0, ..LINES };
        assert_eq!(distinct_values(380_000.0, 1.0, &all_read), 380_000.0);
        assert_eq!(distinct_values(LINES.n_rows, 1.0, &LINES), LINES.n_rows);
    }
}
