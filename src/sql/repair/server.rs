//! Repairs for the server: texts as pg_stat_statements stores them, made into what PostgreSQL's grammar accepts.
//! Changes nothing else: every other byte stays where it was.

use std::borrow::Cow;

use super::super::tokens::{Token, TokenKind, identifier, tokens};
use super::SQUASHED_LIST_ELEMENTS;
use crate::pg::quote_identifier;

/// `text` with the forms mended that pg_stat_statements makes of literals and that no server parses:
///
/// - `interval $1`, `date $1`, `numeric(9) $1`, `app.mood $1` → `CAST($1 AS interval)` …
/// - `extract($1 from x)` → `date_part(CAST($1 AS text), x)`
/// - `interval$1`, which was `interval'1 day'` and reads as one name → apart, then as above
/// - `IN ($1 /*, ... */)` of PostgreSQL 18 → a list of [`SQUASHED_LIST_ELEMENTS`], its new parameters numbered on
///   from the highest of the text.
///
/// Texts without such forms come back as they are.
pub fn for_server(text: &str) -> String {
    let parted = part_parameters(text);
    let text = parted.as_ref();
    let all = tokens(text);
    let significant: Vec<usize> = (0..all.len()).filter(|n| !all[*n].is_trivia()).collect();
    let mut edits = Vec::new();
    let mut next_parameter = 1 + all.iter().filter_map(|token| token.parameter(text)).max().unwrap_or(0);
    for at in 0..significant.len() {
        let token = &all[significant[at]];
        if token.kind != TokenKind::Parameter {
            continue;
        }
        if is_extract_field(text, &all, &significant, at) {
            edits.push((all[significant[at - 2]].range.clone(), "date_part".to_owned()));
            edits.push((token.range.clone(), format!("CAST({} AS text)", token.text(text))));
            edits.push((all[significant[at + 1]].range.clone(), ",".to_owned()));
        } else if let Some((start, end, type_name)) = typed_constant(text, &all, &significant, at) {
            edits.push((start..end, format!("CAST({} AS {type_name})", token.text(text))));
        } else if let Some(comment) = squash_mark(text, &all, significant[at]) {
            let added: Vec<String> =
                (1..SQUASHED_LIST_ELEMENTS).map(|n| format!("${}", next_parameter + n - 1)).collect();
            next_parameter += SQUASHED_LIST_ELEMENTS - 1;
            edits.push((comment, format!(", {}", added.join(", "))));
        }
    }
    apply(text, edits)
}

/// A space between a reserved word or a type and the parameter that was a literal glued to it: `LIKE$1`, `interval$1`.
fn part_parameters(text: &str) -> Cow<'_, str> {
    let mut edits = Vec::new();
    for token in tokens(text).iter().filter(|token| token.kind == TokenKind::Word) {
        let word = identifier(token, text);
        let Some((before, number)) = word.split_once('$') else { continue };
        let is_parameter = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_parameter && (LEADERS.contains(&before) || LITERAL_TYPES.contains(&before)) {
            let at = token.range.start + before.len();
            edits.push((at..at, " ".to_owned()));
        }
    }
    if edits.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(apply(text, edits)) }
}

/// Replaces ranges that do not overlap and stand in order.
fn apply(text: &str, edits: Vec<(std::ops::Range<usize>, String)>) -> String {
    let mut repaired = String::with_capacity(text.len() + 32 * edits.len());
    let mut from = 0;
    for (range, replacement) in edits {
        repaired.push_str(&text[from..range.start]);
        repaired.push_str(&replacement);
        from = range.end;
    }
    repaired.push_str(&text[from..]);
    repaired
}

/// `extract ( $1 from`, with `at` on the parameter.
fn is_extract_field(text: &str, all: &[Token], significant: &[usize], at: usize) -> bool {
    at >= 2
        && all[significant[at - 2]].is_word(text, "extract")
        && all[significant[at - 1]].is_mark(text, "(")
        && significant.get(at + 1).is_some_and(|next| all[*next].is_word(text, "from"))
}

/// The range of `<type> $n` and the type, with `at` on the parameter.
fn typed_constant(text: &str, all: &[Token], significant: &[usize], at: usize) -> Option<(usize, usize, String)> {
    let token = |n: usize| &all[significant[n]];
    let mut start = at.checked_sub(1)?;
    let mut modifiers = String::new();
    let zone = ["with", "time", "zone"];
    let mut suffix = "";
    // `timestamp(3) with time zone $1`
    if start >= 3 && (0..3).all(|n| token(start - 2 + n).is_word(text, zone[n])) {
        suffix = " with time zone";
        start -= 3;
    } else if start >= 3 && token(start - 2).is_word(text, "without") && token(start).is_word(text, "zone") {
        suffix = " without time zone";
        start -= 3;
    }
    if token(start).is_mark(text, ")") {
        let open = (start.saturating_sub(6)..start).rev().find(|n| token(*n).is_mark(text, "("))?;
        let is_modifier =
            |n: usize| matches!(token(n).kind, TokenKind::Number | TokenKind::Word) || token(n).is_mark(text, ",");
        if open + 1 >= start || !((open + 1)..start).all(is_modifier) || token(open + 1).kind != TokenKind::Number {
            return None;
        }
        modifiers = text[token(open).range.start..token(start).range.end].to_owned();
        start = open.checked_sub(1)?;
    }
    let mut name = type_word(text, token(start))?;
    if token(start).is_word(text, "precision") && start > 0 && token(start - 1).is_word(text, "double") {
        name = "double precision".to_owned();
        start -= 1;
    } else if start >= 2 && token(start - 1).is_mark(text, ".") {
        name = format!("{}.{name}", type_word(text, token(start - 2))?);
        start -= 2;
    }
    if start > 0 && (token(start - 1).is_mark(text, ".") || token(start - 1).is_mark(text, "::")) {
        return None;
    }
    let (end, fields) = interval_fields(text, all, significant, at, &name);
    Some((token(start).range.start, end, format!("{name}{fields}{modifiers}{suffix}")))
}

/// The word as a type's name, unless it is a keyword after which an expression may stand.
fn type_word(text: &str, token: &Token) -> Option<String> {
    match token.kind {
        TokenKind::QuotedIdentifier => Some(quote_identifier(&identifier(token, text)).into_owned()),
        TokenKind::Word => {
            let word = identifier(token, text);
            (!LEADERS.contains(&word.as_str())).then_some(word)
        }
        _ => None,
    }
}

/// `interval $1 year to month`: where it ends, and the fields.
fn interval_fields(text: &str, all: &[Token], significant: &[usize], at: usize, name: &str) -> (usize, String) {
    let mut end = all[significant[at]].range.end;
    let mut fields = String::new();
    if name != "interval" {
        return (end, fields);
    }
    let mut next = at + 1;
    while let Some(token) = significant.get(next).map(|n| &all[*n]) {
        let word = identifier(token, text);
        let is_field = matches!(word.as_str(), "year" | "month" | "day" | "hour" | "minute" | "second");
        let is_to = word == "to" && !fields.is_empty();
        if token.kind != TokenKind::Word || !(is_field && (fields.is_empty() || fields.ends_with(" to")) || is_to) {
            break;
        }
        fields.push(' ');
        fields.push_str(&word);
        end = token.range.end;
        next += 1;
    }
    (end, fields)
}

/// The comment `/*, ... */` right after the parameter at `at`.
fn squash_mark(text: &str, all: &[Token], at: usize) -> Option<std::ops::Range<usize>> {
    let comment = all[at + 1..].iter().take_while(|token| token.is_trivia()).find(|t| t.kind == TokenKind::Comment)?;
    (comment.text(text) == "/*, ... */").then(|| comment.range.clone())
}

/// Words after which an expression may start, so that what follows them is no constant of a type called like them.
#[rustfmt::skip]
const LEADERS: &[&str] = &[
    "select", "where", "and", "or", "not", "limit", "offset", "in", "like", "ilike", "to", "between", "symmetric",
    "asymmetric", "then", "when", "else", "case", "by", "values", "set", "returning", "distinct", "all", "from",
    "for", "using", "escape", "uescape", "zone", "first", "next", "on", "having", "is", "as", "any", "some",
    "array", "row", "rows", "range", "groups", "variadic", "leading", "trailing", "both", "placing", "overlaps",
    "default", "percent", "similar", "collate", "local", "with", "union", "except", "intersect", "end", "null",
    "true", "false", "isnull", "notnull", "current_date", "current_timestamp", "partition", "order", "group",
    "over", "filter",
];

/// Types whose constants people write without a space: `interval'1 day'`.
const LITERAL_TYPES: &[&str] =
    &["interval", "date", "time", "timestamp", "timestamptz", "numeric", "json", "jsonb", "uuid", "inet"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mends_what_the_server_rejects_and_nothing_else() {
        for (given, expected) in [
            ("select now() - interval $1", "select now() - CAST($1 AS interval)"),
            ("SELECT  DATE $1 + $2", "SELECT  CAST($1 AS date) + $2"),
            ("where x > timestamp with time zone $1", "where x > CAST($1 AS timestamp with time zone)"),
            ("where x > TIMESTAMP(3) WITH TIME ZONE $1", "where x > CAST($1 AS timestamp(3) with time zone)"),
            ("select interval $1 year to month", "select CAST($1 AS interval year to month)"),
            ("select double precision $1, char(3) $2", "select CAST($1 AS double precision), CAST($2 AS char(3))"),
            ("select app.mood $1, \"Mood\" $2", "select CAST($1 AS app.mood), CAST($2 AS \"Mood\")"),
            ("select extract($1 from t.x)", "select date_part(CAST($1 AS text) , t.x)"),
            ("where a in ($1 /*, ... */) and b = $2", "where a in ($1 , $3, $4, $5, $6) and b = $2"),
            (
                "select $1 /* x */ where a between $2 and $3 limit $4 offset $5",
                "select $1 /* x */ where a between $2 and $3 limit $4 offset $5",
            ),
            (
                "select a from t where a = '$1' -- interval $1\n and b like $2 escape $3",
                "select a from t where a = '$1' -- interval $1\n and b like $2 escape $3",
            ),
            ("select x at time zone $1, lower($2), x in ($3)", "select x at time zone $1, lower($2), x in ($3)"),
            ("fetch first $1 rows only", "fetch first $1 rows only"),
            ("a similar to $1 or f(a) = any ($1)", "a similar to $1 or f(a) = any ($1)"),
        ] {
            assert_eq!(for_server(given), expected, "{given}");
        }
    }
}
