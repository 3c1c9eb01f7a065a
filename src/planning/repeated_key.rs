//! Expressions that GROUP BY, ORDER BY or DISTINCT ON repeat from the select list. Text in, text out, on tokens.
//!
//! pg_stat_statements keeps the literal in the repeated expression and numbers the one in the select list, so that
//! the server takes them for two different expressions: `SELECT to_char(a, $1) … GROUP BY to_char(a, 'YYYY')`.

use std::ops::Range;

use super::phrase::Phrase;

/// Words that end a list of keys.
const LIST_ENDS: [&str; 14] = [
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "FOR",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "WINDOW",
    "RETURNING",
    "ROWS",
    "RANGE",
    "GROUPS",
];
/// Words that end a key within its list.
const KEY_ENDS: [&str; 4] = ["ASC", "DESC", "NULLS", "USING"];

/// `text` with every expression that differs from a key in constants only written like that key; `None` when there is none.
pub(super) fn copy_keys(text: &str) -> Option<String> {
    let phrase = Phrase::new(text);
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    // Tokens of keys that were copied and of places that were overwritten: each is settled by the first key alike.
    let mut settled: Vec<Range<usize>> = Vec::new();
    for key in keys(&phrase) {
        let is_free = |settled: &[Range<usize>], place: &Range<usize>| {
            settled.iter().all(|taken| taken.end <= place.start || place.end <= taken.start)
        };
        if !is_free(&settled, &key) {
            continue;
        }
        settled.push(key.clone());
        for start in 0..=phrase.len().saturating_sub(key.len()) {
            let place = start..start + key.len();
            if is_free(&settled, &place) && is_alike(&phrase, &key, &place) {
                edits.push((phrase.bytes_of(place.clone()), phrase.text_of(key.clone())));
                settled.push(place);
            }
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut copied = text.to_owned();
    for (range, key) in edits.into_iter().rev() {
        copied.replace_range(range, key);
    }
    (copied != text).then_some(copied)
}

/// The keys that hold a constant besides other tokens.
fn keys(phrase: &Phrase<'_>) -> Vec<Range<usize>> {
    let mut keys = Vec::new();
    for at in 0..phrase.len() {
        if phrase.are_words(at, &["GROUP", "BY"]) || phrase.are_words(at, &["ORDER", "BY"]) {
            keys.extend(list(phrase, at + 2));
        } else if phrase.are_words(at, &["DISTINCT", "ON"]) && phrase.is_mark(at + 2, "(") {
            keys.extend(list(phrase, at + 3));
        }
    }
    let mut keys: Vec<Range<usize>> = keys.into_iter().flat_map(|key| within_sets(phrase, key)).collect();
    keys.retain(|key| key.len() > 1 && key.clone().any(|at| is_constant(phrase, at)));
    keys
}

/// The keys in `GROUPING SETS (…)`, `ROLLUP (…)`, `CUBE (…)` and parentheses; any other key as it is.
fn within_sets(phrase: &Phrase<'_>, key: Range<usize>) -> Vec<Range<usize>> {
    let n_words = match key.start {
        at if phrase.are_words(at, &["GROUPING", "SETS"]) => 2,
        at if phrase.is_one_of(at, &["ROLLUP", "CUBE"]) => 1,
        _ => 0,
    };
    let open = key.start + n_words;
    if !phrase.is_mark(open, "(") || phrase.closing(open) + 1 != key.end {
        return vec![key];
    }
    list(phrase, open + 1).into_iter().flat_map(|key| within_sets(phrase, key)).collect()
}

/// The keys from the token `start` on.
fn list(phrase: &Phrase<'_>, start: usize) -> Vec<Range<usize>> {
    let depth = phrase.depth(start);
    let mut keys = Vec::new();
    let mut key = start..start;
    let mut is_over = false;
    for at in start..=phrase.len() {
        let ends_list = at == phrase.len()
            || phrase.depth(at) < depth
            || phrase.is_mark(at, ";")
            || (phrase.depth(at) == depth && phrase.is_one_of(at, &LIST_ENDS));
        let ends_key = ends_list || (phrase.depth(at) == depth && phrase.is_mark(at, ","));
        is_over |= !ends_key && phrase.depth(at) == depth && phrase.is_one_of(at, &KEY_ENDS);
        if ends_key {
            keys.push(key.clone());
            key = at + 1..at + 1;
            is_over = false;
        } else if !is_over {
            key.end = at + 1;
        }
        if ends_list {
            break;
        }
    }
    keys
}

/// Whether the tokens of both are the same but for constants.
fn is_alike(phrase: &Phrase<'_>, key: &Range<usize>, place: &Range<usize>) -> bool {
    key.clone().zip(place.clone()).all(|(left, right)| {
        (is_constant(phrase, left) && is_constant(phrase, right))
            || phrase.token_text(left).eq_ignore_ascii_case(phrase.token_text(right))
    })
}

/// A string, a number, a parameter, or the field of an EXTRACT, which is a word.
fn is_constant(phrase: &Phrase<'_>, at: usize) -> bool {
    let is_field = at >= 2 && phrase.is_mark(at - 1, "(") && phrase.is_word(at - 2, "EXTRACT");
    phrase.is_constant(at) || (is_field && phrase.is_word(at + 1, "FROM"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_select_list_gets_the_literal_of_the_key() {
        for (text, expected) in [
            (
                "SELECT to_char(a, $1), count(*) FROM t WHERE b > $2 GROUP BY to_char(a, 'YYYY') ORDER BY to_char(a, 'YYYY') DESC LIMIT $3",
                "SELECT to_char(a, 'YYYY'), count(*) FROM t WHERE b > $2 GROUP BY to_char(a, 'YYYY') ORDER BY to_char(a, 'YYYY') DESC LIMIT $3",
            ),
            (
                "SELECT coalesce(a, $1) || $2 FROM t GROUP BY coalesce(a, $3), b",
                "SELECT coalesce(a, $3) || $2 FROM t GROUP BY coalesce(a, $3), b",
            ),
            (
                "SELECT a, extract($1 FROM b) FROM t GROUP BY GROUPING SETS ((a), (extract(year FROM b)))",
                "SELECT a, extract(year FROM b) FROM t GROUP BY GROUPING SETS ((a), (extract(year FROM b)))",
            ),
            (
                "SELECT date_trunc($1, a) FROM t GROUP BY date_trunc($2, a) ORDER BY date_trunc($3, a)",
                "SELECT date_trunc($2, a) FROM t GROUP BY date_trunc($2, a) ORDER BY date_trunc($2, a)",
            ),
            (
                "SELECT x FROM (SELECT a / $1 AS x FROM t GROUP BY a / 5) s",
                "SELECT x FROM (SELECT a / 5 AS x FROM t GROUP BY a / 5) s",
            ),
        ] {
            assert_eq!(copy_keys(text).as_deref(), Some(expected));
        }
        assert_eq!(copy_keys("SELECT a, $1 FROM t GROUP BY a, 2 ORDER BY 1"), None);
    }
}
