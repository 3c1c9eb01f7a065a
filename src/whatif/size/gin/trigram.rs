//! The trigrams of texts (`gin_trgm_ops` of pg_trgm): met in the values that ANALYZE kept, else guessed from their width.

use super::document::{Growth, Key, Sample};
use super::pages::Keys;
use crate::pg::IndexColumn;
use crate::whatif::size::sample;
use crate::whatif::size::subject::Subject;

/// A trigram is stored as an `int4`.
const TRIGRAM_BYTES: usize = 4;
/// Trigrams of texts in one language, where no text is known: measured on titles of 20,000 words.
const TRIGRAMS_UNKNOWN: f64 = 6000.0;
/// Distinct trigrams for each byte of a text that is not known: words repeat few, and each has one more than letters.
const TRIGRAMS_PER_BYTE: f64 = 0.9;

/// The trigrams of `n_values` rows.
pub(super) fn keys(subject: &Subject, key: &IndexColumn, n_values: f64) -> Vec<Keys> {
    let statistics = sample::statistics_behind(subject, key);
    let mut met = Sample::default();
    let values = statistics.map(sample::values).unwrap_or_default();
    for value in &values {
        met.add(of_text(value.text).into_iter().map(as_key).collect(), value.share, value.is_common);
    }
    if !values.is_empty() {
        return met.keys(n_values, 4.0, Growth::Closed);
    }
    let width = statistics.map_or(32.0, |statistics| f64::from(statistics.average_width.max(4)));
    let n_postings = n_values * width * TRIGRAMS_PER_BYTE;
    let n_keys = TRIGRAMS_UNKNOWN.min(n_postings);
    vec![Keys { n_keys, n_rows: n_postings / n_keys, width: TRIGRAM_BYTES as f64, alignment: 4.0, order: 0.0 }]
}

fn as_key(trigram: String) -> Key {
    Key { identity: trigram, place: String::new(), number: None, width: TRIGRAM_BYTES }
}

/// As `generate_trgm` does: words of letters and digits in lower case, two blanks before and one after.
pub(in crate::whatif::size) fn of_text(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let of_word = |word: &str| {
        let padded: Vec<char> = format!("  {word} ").chars().collect();
        padded.windows(3).map(|three| three.iter().collect()).collect::<Vec<String>>()
    };
    let mut trigrams: Vec<String> = words.flat_map(of_word).collect();
    trigrams.sort_unstable();
    trigrams.dedup();
    trigrams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigrams_are_those_of_show_trgm() {
        assert_eq!(of_text("Two cats"), ["  c", "  t", " ca", " tw", "ats", "cat", "ts ", "two", "wo "]);
        assert!(of_text("--").is_empty());
    }
}
