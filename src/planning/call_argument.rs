//! Text parameters whose place says what values they can have: `date_trunc($1, at)`, `at time zone $1`. Pure, on tokens.

use std::collections::{BTreeMap, BTreeSet};

use super::phrase::Phrase;

/// Arguments of built-in functions that take only some words: name, position from 0, a word that does.
const ARGUMENTS: [(&str, usize, &str); 16] = [
    ("date_trunc", 0, "day"),
    ("date_trunc", 2, "UTC"),
    ("date_part", 0, "day"),
    ("extract", 0, "day"),
    ("timezone", 0, "UTC"),
    ("to_char", 1, "YYYY-MM"),
    ("to_date", 0, "2000-01-01"),
    ("to_date", 1, "YYYY-MM-DD"),
    ("to_timestamp", 0, "2000-01-01"),
    ("to_timestamp", 1, "YYYY-MM-DD"),
    ("encode", 1, "hex"),
    ("decode", 0, "00"),
    ("decode", 1, "hex"),
    ("convert_from", 1, "UTF8"),
    ("convert_to", 1, "UTF8"),
    ("digest", 1, "sha256"),
];

/// A fitting value for each parameter of `text` whose place takes only some words.
pub(super) fn fitting_words(text: &str) -> BTreeMap<u32, &'static str> {
    let phrase = Phrase::new(text);
    let numbered = (0..phrase.len()).filter_map(|at| Some((at, phrase.parameter(at)?)));
    numbered.filter_map(|(at, number)| Some((number, fitting_word(&phrase, at)?))).collect()
}

/// The parameters that a column is matched with as a regular expression. To an index, `~` and ILIKE are one thing;
/// their patterns are not.
pub(super) fn regular_expressions(text: &str) -> BTreeSet<u32> {
    let phrase = Phrase::new(text);
    let numbered = (1..phrase.len()).filter_map(|at| Some((at, phrase.parameter(at)?)));
    let is_match = |at: usize| matches!(phrase.token_text(at), "~" | "~*" | "!~" | "!~*");
    numbered.filter(|(at, _)| is_match(at - 1)).map(|(_, number)| number).collect()
}

fn fitting_word(phrase: &Phrase<'_>, at: usize) -> Option<&'static str> {
    let (mut at, mut is_wrapped) = (at, true);
    while is_wrapped {
        if at >= 2 && phrase.are_words(at - 2, &["TIME", "ZONE"]) {
            return Some("UTC");
        }
        if at >= 1 && phrase.is_word(at - 1, "ESCAPE") {
            return Some("\\");
        }
        // Behind CAST( and behind parentheses the place is that of the whole.
        is_wrapped = at >= 1
            && phrase.is_mark(at - 1, "(")
            && (at < 2 || !phrase.is_name(at - 2) || phrase.is_word(at - 2, "CAST"));
        if is_wrapped {
            at -= if at >= 2 && phrase.is_word(at - 2, "CAST") { 2 } else { 1 };
        }
    }
    let (name, position) = call(phrase, at)?;
    let found =
        ARGUMENTS.iter().find(|(function, argument, _)| name.eq_ignore_ascii_case(function) && position == *argument);
    found.map(|(_, _, word)| *word)
}

/// The function whose argument starts at the token `at`, and the argument's position.
fn call<'t>(phrase: &Phrase<'t>, at: usize) -> Option<(&'t str, usize)> {
    let is_first = phrase.is_mark(at.checked_sub(1)?, "(");
    if !is_first && !phrase.is_mark(at - 1, ",") {
        return None;
    }
    let depth = phrase.depth(at);
    let open = (0..at).rev().find(|before| phrase.depth(*before) < depth)?;
    let name = open.checked_sub(1).filter(|name| phrase.is_name(*name))?;
    let n_commas =
        (open..at).filter(|between| phrase.depth(*between) == depth && phrase.is_mark(*between, ",")).count();
    Some((phrase.token_text(name), n_commas))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_for_the_arguments_that_take_only_some() {
        let text = "select date_trunc($1, a at time zone $2), pg_catalog.to_char(f(a, b), $3), date_part(CAST($4 AS text) , x), \
                    coalesce($5, date_trunc(($6), b)), lower($7) from t where a like $8 escape $9 and b in ($10, $11)";
        let expected = [(1, "day"), (2, "UTC"), (3, "YYYY-MM"), (4, "day"), (6, "day"), (9, "\\")];
        assert_eq!(fitting_words(text), BTreeMap::from(expected));
        assert_eq!(regular_expressions("a ~ $1 and b ~~ $2 and c !~* $3"), BTreeSet::from([1, 3]));
    }
}
