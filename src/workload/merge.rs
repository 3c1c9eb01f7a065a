//! One statement under several queryids → one entry: counts added, means and deviations pooled. Pure.

use super::Statement;

/// Adds what was counted of `other` to `statement`. The entry with more calls gives queryid, text and origin; of two
/// with the same calls, the one with the smaller queryid, so that the order of reading does not matter.
pub(super) fn merge(statement: &mut Statement, mut other: Statement) {
    if (other.n_calls, std::cmp::Reverse(other.queryid)) > (statement.n_calls, std::cmp::Reverse(statement.queryid)) {
        std::mem::swap(statement, &mut other);
    }
    statement.has_other_texts |= other.has_other_texts || statement.text != other.text;
    let (mean, deviation) = pooled(statement, &other);
    statement.exec_ms_mean = mean;
    statement.exec_ms_stddev = deviation;
    statement.queryids.append(&mut other.queryids);
    statement.queryids.sort_unstable();
    statement.queryids.dedup();
    statement.is_top_level |= other.is_top_level;
    statement.n_calls += other.n_calls;
    statement.n_rows = sum(statement.n_rows, other.n_rows);
    statement.exec_ms_total = sum(statement.exec_ms_total, other.exec_ms_total);
    statement.n_shared_blocks = sum(statement.n_shared_blocks, other.n_shared_blocks);
}

/// What is known of both; where only one was counted, that one.
fn sum(left: Option<f64>, right: Option<f64>) -> Option<f64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left + right),
        (left, right) => left.or(right),
    }
}

/// Mean and population standard deviation of the calls of both: E[x²] adds up, weighted by calls.
fn pooled(left: &Statement, right: &Statement) -> (Option<f64>, Option<f64>) {
    let (Some(left_mean), Some(right_mean)) = (left.exec_ms_mean, right.exec_ms_mean) else {
        return (left.exec_ms_mean.or(right.exec_ms_mean), left.exec_ms_stddev.or(right.exec_ms_stddev));
    };
    let n_calls = left.n_calls + right.n_calls;
    if n_calls <= 0.0 {
        return (left.exec_ms_mean, left.exec_ms_stddev);
    }
    let mean = (left.n_calls * left_mean + right.n_calls * right_mean) / n_calls;
    let deviation = match (left.exec_ms_stddev, right.exec_ms_stddev) {
        (Some(left_deviation), Some(right_deviation)) => {
            let left_square = left.n_calls * (left_deviation.powi(2) + left_mean.powi(2));
            let right_square = right.n_calls * (right_deviation.powi(2) + right_mean.powi(2));
            // Rounding can make the difference of two nearly equal squares negative.
            Some(((left_square + right_square) / n_calls - mean.powi(2)).max(0.0).sqrt())
        }
        (left, right) => left.or(right),
    };
    (Some(mean), deviation)
}

#[cfg(test)]
mod tests {
    use super::super::test_workload::statement;
    use super::*;
    use crate::pg::QueryId;

    #[test]
    fn counts_add_up_and_the_busier_entry_names_the_statement() {
        let mut one = statement(2, 10.0, Some(100.0), None);
        one.exec_ms_stddev = Some(0.0);
        let mut two = statement(1, 30.0, Some(60.0), None);
        two.exec_ms_stddev = Some(0.0);
        two.n_rows = Some(30.0);
        merge(&mut one, two);
        assert_eq!(one.queryid, QueryId(1));
        assert_eq!(one.queryids, [QueryId(1), QueryId(2)]);
        assert_eq!((one.n_calls, one.exec_ms_total, one.n_rows), (40.0, Some(160.0), Some(30.0)));
        assert_eq!(one.exec_ms_mean, Some(4.0));
        // Ten calls of 10 ms and thirty of 2 ms: √((10·100 + 30·4)/40 − 16) = √12.
        assert!((one.exec_ms_stddev.unwrap() - 12.0_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_only_one_entry_measured_is_kept() {
        let mut one = statement(1, 5.0, None, None);
        merge(&mut one, statement(2, 3.0, Some(9.0), None));
        assert_eq!((one.n_calls, one.exec_ms_total, one.exec_ms_mean), (8.0, Some(9.0), Some(3.0)));
    }
}
