//! Values that stand for parameters, taken from planner statistics: those that a typical call of the application would
//! send. Pure; the values are data of the user and go into the text that is planned, nowhere else.

use crate::snapshot::ColumnStatistics;

/// The share of rows that `column > $n` leaves: a tenth, as most range queries ask for the newest rows.
const RANGE_SHARE: f64 = 0.1;
/// When the most common values cover more of the rows than this, one of them is the typical value.
const COMMON_SHARE_MIN: f64 = 0.5;
/// How much of a real value a pattern keeps: enough to be selective, not so much that it is an equality.
const PREFIX_SHARE: f64 = 2.0 / 3.0;
/// The shortest fixed part of a pattern, where the value has as many characters.
const PREFIX_CHARS_MIN: usize = 3;

/// The `nth` most typical value for an equality, counted from 0; every `nth` gives another value as long as there are some.
///
/// An application asks for frequent values more often than for rare ones, so the typical frequency is the mean
/// frequency weighted by itself, Σf² / Σf, and the typical value the one that comes nearest. Where most rows hold no
/// common value, it is one from the middle of the histogram: all of those are about equally rare.
pub(super) fn equal(statistics: &ColumnStatistics, nth: usize) -> Option<&str> {
    let common = by_typicality(statistics);
    let spread = spread(&statistics.histogram_bounds);
    let share: f64 = statistics.most_common_frequencies.iter().sum();
    let ranked: Vec<&str> = if share > COMMON_SHARE_MIN || spread.is_empty() {
        common.into_iter().chain(spread).collect()
    } else {
        spread.into_iter().chain(common).collect()
    };
    // A list longer than the values that are known repeats them: the planner counts its members either way.
    ranked.get(nth % ranked.len().max(1)).copied()
}

/// The most common values with their shares of the rows, the most common first.
pub(super) fn most_common_first(statistics: &ColumnStatistics) -> Vec<(&str, f64)> {
    let values = statistics.most_common_values.iter().map(String::as_str);
    let mut ranked: Vec<(&str, f64)> = values.zip(statistics.most_common_frequencies.iter().copied()).collect();
    ranked.sort_by(|(left, frequency), (right, other)| other.total_cmp(frequency).then_with(|| left.cmp(right)));
    ranked
}

/// The rarest values that the statistics know, with their shares of `n_rows` rows: those between the most common ones,
/// which share what these leave, or where there are none the least common of these.
pub(super) fn rarest_first(statistics: &ColumnStatistics, n_rows: f64) -> Vec<(&str, f64)> {
    let mut common = most_common_first(statistics);
    let between = spread(&statistics.histogram_bounds);
    if between.is_empty() {
        common.reverse();
        return common;
    }
    let left = 1.0 - statistics.null_fraction - common.iter().map(|(_, frequency)| frequency).sum::<f64>();
    let n_between = (statistics.distinct_values(n_rows) - common.len() as f64).max(1.0);
    let share = (left / n_between).max(0.0);
    between.into_iter().map(|value| (value, share)).collect()
}

/// A value that about a tenth of the rows are above.
pub(super) fn above(statistics: &ColumnStatistics) -> Option<String> {
    at_share(statistics, 1.0 - RANGE_SHARE)
}

/// A value that about a tenth of the rows are below.
pub(super) fn below(statistics: &ColumnStatistics) -> Option<String> {
    at_share(statistics, RANGE_SHARE)
}

/// The two ends of an interval that holds rows: neighbouring histogram bounds near the upper end, where new rows are.
pub(super) fn interval(statistics: &ColumnStatistics) -> Option<(String, String)> {
    let values = ordered(statistics);
    let last = values.len().checked_sub(1)?;
    let middle = (last as f64 * (1.0 - RANGE_SHARE)) as usize;
    let start = (middle..last).chain((0..middle.min(last)).rev()).find(|at| values[*at] != values[at + 1]);
    let (low, high) = start.map_or((last, last), |at| (at, at + 1));
    Some((values[low].to_owned(), values[high].to_owned()))
}

/// A member that arrays (or lexemes that documents) of the column hold, not the most frequent ones first.
pub(super) fn element(statistics: &ColumnStatistics, nth: usize) -> Option<&str> {
    let elements = &statistics.most_common_elements;
    // They are sorted by value, so the middle one is of no particular frequency.
    elements.get((elements.len() / 2 + nth) % elements.len().max(1)).map(String::as_str)
}

/// `value` as the start of what a LIKE pattern looks for.
pub(super) fn like_prefix(value: &str) -> String {
    format!("{}%", escaped(&start_of(value), &['\\', '%', '_']))
}

/// `value` as something that a LIKE pattern looks for anywhere.
pub(super) fn like_anywhere(value: &str) -> String {
    format!("%{}%", escaped(&start_of(value), &['\\', '%', '_']))
}

/// `value` as the start of what a regular expression looks for.
pub(super) fn regex_prefix(value: &str) -> String {
    let safe: String = start_of(value).chars().map(|c| if c.is_alphanumeric() { c } else { '.' }).collect();
    format!("^{safe}")
}

/// An array literal of `members`.
pub(super) fn array<'a>(members: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> =
        members.into_iter().map(|member| format!("\"{}\"", escaped(member, &['\\', '"']))).collect();
    format!("{{{}}}", quoted.join(","))
}

/// The most common values, the most typical first.
fn by_typicality(statistics: &ColumnStatistics) -> Vec<&str> {
    let frequencies = &statistics.most_common_frequencies;
    let sum: f64 = frequencies.iter().sum();
    let typical = frequencies.iter().map(|frequency| frequency * frequency).sum::<f64>() / sum;
    let mut common: Vec<(&str, f64)> = statistics
        .most_common_values
        .iter()
        .zip(frequencies)
        .map(|(value, frequency)| (value.as_str(), (frequency - typical).abs()))
        .collect();
    common.sort_by(|(left, far), (right, farther)| far.total_cmp(farther).then_with(|| left.cmp(right)));
    common.into_iter().map(|(value, _)| value).collect()
}

/// Histogram bounds, from the middle outwards, the two extremes last.
fn spread(bounds: &[String]) -> Vec<&str> {
    let middle = bounds.len() / 2;
    let mut order: Vec<usize> = (0..bounds.len()).collect();
    order.sort_by_key(|at| (*at == 0 || *at + 1 == bounds.len(), at.abs_diff(middle), *at));
    order.into_iter().map(|at| bounds[at].as_str()).collect()
}

fn at_share(statistics: &ColumnStatistics, share: f64) -> Option<String> {
    let values = ordered(statistics);
    let last = values.len().checked_sub(1)?;
    // Never the very last value: nothing would be above it.
    let at = ((last as f64 * share).round() as usize).min(last.saturating_sub(1));
    values.get(at).map(|value| (*value).to_owned())
}

/// Values in ascending order: the histogram, or where there is none the most common values, sorted as numbers if all
/// of them are, else as text (ISO dates and times sort right as text).
fn ordered(statistics: &ColumnStatistics) -> Vec<&str> {
    if statistics.histogram_bounds.len() > 1 {
        return statistics.histogram_bounds.iter().map(String::as_str).collect();
    }
    let mut values: Vec<&str> = statistics.most_common_values.iter().map(String::as_str).collect();
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
    match numbers {
        Some(numbers) => {
            let mut pairs: Vec<(f64, &str)> = numbers.into_iter().zip(values).collect();
            pairs.sort_by(|(left, _), (right, _)| left.total_cmp(right));
            pairs.into_iter().map(|(_, value)| value).collect()
        }
        None => {
            values.sort_unstable();
            values
        }
    }
}

fn start_of(value: &str) -> String {
    let n_chars = value.chars().count();
    let kept = ((n_chars as f64 * PREFIX_SHARE).ceil() as usize).max(PREFIX_CHARS_MIN.min(n_chars));
    value.chars().take(kept).collect()
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(common: &[(&str, f64)], bounds: &[&str]) -> ColumnStatistics {
        ColumnStatistics {
            most_common_values: common.iter().map(|(value, _)| (*value).to_owned()).collect(),
            most_common_frequencies: common.iter().map(|(_, frequency)| *frequency).collect(),
            histogram_bounds: bounds.iter().map(|bound| (*bound).to_owned()).collect(),
            ..ColumnStatistics::default()
        }
    }

    #[test]
    fn the_typical_value_has_the_self_weighted_mean_frequency() {
        // Σf² / Σf = 0.4878: nearer to 0.5 than to 0.3.
        let statuses = statistics(&[("done", 0.6), ("paid", 0.3), ("failed", 0.1)], &[]);
        assert_eq!(equal(&statuses, 0), Some("done"));
        let even = statistics(&[("a", 0.05), ("b", 0.04), ("c", 0.03)], &["d", "e", "f"]);
        assert_eq!(equal(&even, 0), Some("e"), "most rows hold none of the common values");
    }

    #[test]
    fn the_rarest_values_are_those_between_the_common_ones() {
        let statuses = statistics(&[("paid", 0.3), ("done", 0.6), ("failed", 0.1)], &[]);
        assert_eq!(most_common_first(&statuses)[0], ("done", 0.6));
        assert_eq!(rarest_first(&statuses, 1000.0)[0], ("failed", 0.1));
        let names = ColumnStatistics { n_distinct: 12.0, ..statistics(&[("a", 0.6), ("b", 0.3)], &["c", "d", "e"]) };
        let (value, share) = rarest_first(&names, 1000.0)[0];
        assert_eq!(value, "d");
        assert!((share - 0.01).abs() < 1e-9, "a tenth of the rows for ten values: {share}");
    }

    #[test]
    fn lists_get_different_values_and_repeat_them_when_there_are_no_more() {
        let statuses = statistics(&[("done", 0.6), ("paid", 0.3)], &[]);
        let list: Vec<_> = (0..3).filter_map(|nth| equal(&statuses, nth)).collect();
        assert_eq!(list, ["done", "paid", "done"]);
        assert_eq!(equal(&ColumnStatistics::default(), 0), None);
    }

    #[test]
    fn ranges_leave_a_tenth_and_are_never_empty() {
        let bounds: Vec<String> = (0..=100).map(|n| n.to_string()).collect();
        let numbers = ColumnStatistics { histogram_bounds: bounds, ..ColumnStatistics::default() };
        assert_eq!(above(&numbers).as_deref(), Some("90"));
        assert_eq!(below(&numbers).as_deref(), Some("10"));
        assert_eq!(interval(&numbers), Some(("90".to_owned(), "91".to_owned())));
        let repeated = statistics(&[], &["1", "5", "9", "9"]);
        assert_eq!(interval(&repeated), Some(("5".to_owned(), "9".to_owned())));
        assert_eq!(above(&statistics(&[("3", 0.5), ("20", 0.3), ("100", 0.2)], &[])).as_deref(), Some("20"));
        assert_eq!(interval(&statistics(&[("3", 1.0)], &[])), Some(("3".to_owned(), "3".to_owned())));
        assert_eq!(interval(&statistics(&[], &[])), None);
    }

    #[test]
    fn patterns_hold_part_of_a_real_value_with_wildcards_escaped() {
        assert_eq!(like_prefix("user42@example"), "user42@exa%");
        assert_eq!(like_prefix("a_b"), "a\\_b%");
        assert_eq!(like_anywhere("ab"), "%ab%");
        assert_eq!(regex_prefix("user.name"), "^user.n");
        assert_eq!(like_prefix(""), "%");
    }

    #[test]
    fn array_members_are_quoted() {
        assert_eq!(array(["a", "b\"c", "d\\e", ""]), "{\"a\",\"b\\\"c\",\"d\\\\e\",\"\"}");
    }
}
