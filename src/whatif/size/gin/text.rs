//! The lexemes of documents (`tsvector_ops`): from the statistics of lexemes that ANALYZE keeps for tsvectors, else from
//! the words of the texts that they are made of.

use std::collections::BTreeSet;

use super::array;
use super::document::{Growth, Key, Sample};
use super::pages::Keys;
use super::tail::Elements;
use crate::pg::IndexColumn;
use crate::snapshot::ColumnStatistics;
use crate::whatif::size::sample;
use crate::whatif::size::subject::Subject;

/// A tsvector before its lexemes: header and their number.
const VECTOR_HEADER: f64 = 8.0;
/// What a lexeme takes beside its letters: `WordEntry`, alignment of half a byte on average, the number of positions, and
/// the positions, 1.2 of them in texts of some dozens of words.
const LEXEME_OVERHEAD: f64 = 4.0 + 0.5 + 2.0 + 2.4;
/// The width of a value that is stored out of line, and says nothing.
const TOAST_POINTER_BYTES: i32 = 18;
/// How many lexemes a document has for each one that is listed, when its width says nothing.
const LEXEMES_PER_LISTED: f64 = 1.5;
/// A text of which nothing is known: lexemes of this length.
const LETTERS_UNKNOWN: f64 = 6.0;

/// The lexemes of `n_values` rows.
pub(super) fn keys(subject: &Subject, key: &IndexColumn, n_values: f64) -> Vec<Keys> {
    let Some(statistics) = sample::statistics_behind(subject, key) else {
        return unknown(n_values, VECTOR_HEADER + 100.0);
    };
    let frequencies = array::frequencies(statistics);
    if frequencies.is_empty() {
        return of_texts(statistics, n_values);
    }
    let per_row = per_row(statistics);
    Elements { frequencies, per_row, n_rows: n_values, width: letters(statistics) + 1.0, alignment: 1.0 }.keys()
}

/// Mean number of lexemes: as many as the mean width has room for, and no fewer than are listed; for a text, the words
/// of the texts that were kept.
pub(super) fn per_row(statistics: &ColumnStatistics) -> f64 {
    let frequencies = array::frequencies(statistics);
    if frequencies.is_empty() {
        let values = sample::values(statistics);
        let of_value = |value: &sample::Value| value.share * words(value.text).len() as f64;
        let of_width = f64::from(statistics.average_width) / (LETTERS_UNKNOWN + 1.0);
        return if values.is_empty() { of_width } else { values.iter().map(of_value).sum() };
    }
    let listed: f64 = frequencies.iter().sum();
    if statistics.average_width <= TOAST_POINTER_BYTES {
        return listed * LEXEMES_PER_LISTED;
    }
    let of_width = (f64::from(statistics.average_width) - VECTOR_HEADER) / (letters(statistics) + LEXEME_OVERHEAD);
    of_width.max(listed)
}

/// Mean length of a lexeme, over the rows that they are in.
fn letters(statistics: &ColumnStatistics) -> f64 {
    let frequencies = array::frequencies(statistics);
    let weighted = statistics.most_common_elements.iter().zip(frequencies).map(|(text, f)| text.len() as f64 * f);
    weighted.sum::<f64>() / frequencies.iter().sum::<f64>().max(f64::MIN_POSITIVE)
}

/// The distinct words of a text, in lower case.
fn words(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn of_texts(statistics: &ColumnStatistics, n_values: f64) -> Vec<Keys> {
    let values = sample::values(statistics);
    if values.is_empty() {
        return unknown(n_values, f64::from(statistics.average_width));
    }
    let mut met = Sample::default();
    for value in &values {
        let key = |word: String| Key { width: word.len() + 1, identity: word, place: String::new(), number: None };
        met.add(words(value.text).into_iter().map(key).collect(), value.share, value.is_common);
    }
    met.keys(n_values, 1.0, Growth::Open)
}

/// Texts of `width` bytes of which nothing else is known.
fn unknown(n_values: f64, width: f64) -> Vec<Keys> {
    let per_row = ((width - VECTOR_HEADER) / (LETTERS_UNKNOWN + 1.0)).max(1.0);
    Elements { frequencies: &[], per_row, n_rows: n_values, width: LETTERS_UNKNOWN + 1.0, alignment: 1.0 }.keys()
}
