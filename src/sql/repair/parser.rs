//! Repairs for the parser: constructs of PostgreSQL that sqlparser does not know become ones that it does and that mean
//! the same to an index: ONLY, row locks, OPERATOR(), frame EXCLUDE, VARIADIC, TABLE, ROWS FROM and others.

use super::super::tokens::TokenKind;
use super::pieces::Pieces;
use super::server::for_server;
use super::spelling::{
    drop_distinct_of_group, drop_xml_name, fill_empty_select_list, quote_foreign_keyword, spell_null_test, spell_trim,
    wrap_collated_cast,
};

/// `text` for sqlparser. Its bytes stand elsewhere than in `text`, and comments are gone.
pub(in crate::sql) fn for_parser(text: &str) -> String {
    let mut pieces = Pieces::of(&for_server(text));
    let mut at = 0;
    while at < pieces.len() {
        for repair in REPAIRS {
            repair(&mut pieces, at);
        }
        at += 1;
    }
    pieces.text()
}

type Repair = fn(&mut Pieces, usize);

/// Each looks at one place and changes what stands from there on.
const REPAIRS: &[Repair] = &[
    drop_only,
    drop_inheritance_star,
    unwrap_operator,
    simplify_lock,
    drop_frame_exclusion,
    drop_variadic,
    drop_symmetric,
    drop_overriding,
    drop_conflict_target,
    expand_table_command,
    unwrap_rows_from,
    name_function_columns,
    drop_target_subscripts,
    drop_search_or_cycle,
    drop_join_using_alias,
    cast_typed_string,
    drop_current_of,
    drop_row_star,
    fill_empty_select_list,
    spell_null_test,
    drop_distinct_of_group,
    drop_xml_name,
    spell_trim,
    wrap_collated_cast,
    quote_foreign_keyword,
];

fn drop_only(pieces: &mut Pieces, at: usize) {
    let follows = at > 0
        && (pieces.is_one_of(at - 1, &["from", "join", "update", "into", "using", "table", "lateral"])
            || pieces.is_mark(at - 1, ","));
    if !follows || !pieces.is_word(at, "only") {
        return;
    }
    if pieces.is_name(at + 1) {
        pieces.list.remove(at);
    } else if let Some(close) = pieces.is_mark(at + 1, "(").then(|| pieces.closing(at + 1)).flatten() {
        pieces.list.remove(close);
        pieces.list.drain(at..at + 2);
    }
}

/// `FROM t*`: descendants included, as is the default.
fn drop_inheritance_star(pieces: &mut Pieces, at: usize) {
    if !pieces.is_one_of(at, &["from", "join", "update", "into"]) {
        return;
    }
    if let Some(star) = pieces.after_name(at + 1).filter(|star| pieces.is_mark(*star, "*")) {
        pieces.list.remove(star);
    }
}

/// `OPERATOR(pg_catalog.=)` → `=`
fn unwrap_operator(pieces: &mut Pieces, at: usize) {
    if !pieces.is_word(at, "operator") || !pieces.is_mark(at + 1, "(") {
        return;
    }
    let Some(close) = pieces.closing(at + 1) else { return };
    let Some(operator) = pieces.list[at + 2..close].iter().find(|piece| piece.kind == TokenKind::Operator) else {
        return;
    };
    let operator = operator.text.clone();
    pieces.replace(at..close + 1, &operator);
}

/// `FOR NO KEY UPDATE OF a, b SKIP LOCKED` → `FOR UPDATE OF a FOR UPDATE OF b`
fn simplify_lock(pieces: &mut Pieces, at: usize) {
    if !pieces.is_word(at, "for") {
        return;
    }
    let strengths: [&[&str]; 4] = [&["update"], &["no", "key", "update"], &["share"], &["key", "share"]];
    let Some(words) = strengths.iter().find(|words| pieces.are_words(at + 1, words)) else { return };
    let mut end = at + 1 + words.len();
    let mut lock = "FOR UPDATE".to_owned();
    if pieces.is_word(end, "of") {
        let mut locks = Vec::new();
        end += 1;
        while let Some(after) = pieces.after_name(end) {
            locks.push(format!("FOR UPDATE OF {}", pieces.list[after - 1].text));
            end = after;
            if !pieces.is_mark(end, ",") {
                break;
            }
            end += 1;
        }
        if locks.is_empty() {
            return;
        }
        lock = locks.join(" ");
    }
    if pieces.is_word(end, "nowait") {
        end += 1;
    } else if pieces.are_words(end, &["skip", "locked"]) {
        end += 2;
    }
    pieces.replace(at..end, &lock);
}

fn drop_frame_exclusion(pieces: &mut Pieces, at: usize) {
    if !pieces.is_word(at, "exclude") {
        return;
    }
    let kinds: [&[&str]; 4] = [&["current", "row"], &["group"], &["ties"], &["no", "others"]];
    if let Some(words) = kinds.iter().find(|words| pieces.are_words(at + 1, words)) {
        pieces.list.drain(at..at + 1 + words.len());
    }
}

fn drop_variadic(pieces: &mut Pieces, at: usize) {
    let is_argument = at > 0 && (pieces.is_mark(at - 1, "(") || pieces.is_mark(at - 1, ","));
    if is_argument && pieces.is_word(at, "variadic") {
        pieces.list.remove(at);
    }
}

fn drop_symmetric(pieces: &mut Pieces, at: usize) {
    if at > 0 && pieces.is_word(at - 1, "between") && pieces.is_one_of(at, &["symmetric", "asymmetric"]) {
        pieces.list.remove(at);
    }
}

fn drop_overriding(pieces: &mut Pieces, at: usize) {
    if pieces.is_word(at, "overriding") && pieces.is_word(at + 2, "value") {
        pieces.list.drain(at..at + 3);
    }
}

/// The arbiter of ON CONFLICT is an existing unique index: nothing to learn from its expressions.
fn drop_conflict_target(pieces: &mut Pieces, at: usize) {
    if !pieces.are_words(at, &["on", "conflict"]) || !pieces.is_mark(at + 2, "(") {
        return;
    }
    let end = (at + 2..pieces.len())
        .find(|n| pieces.is_word(*n, "do") && (pieces.is_word(n + 1, "nothing") || pieces.is_word(n + 1, "update")));
    if let Some(end) = end {
        pieces.list.drain(at + 2..end);
    }
}

/// `TABLE t` → `SELECT * FROM t`
fn expand_table_command(pieces: &mut Pieces, at: usize) {
    // In what is planned the word stands nowhere else.
    if pieces.is_word(at, "table") && pieces.is_name(at + 1) {
        pieces.replace(at..at + 1, "SELECT * FROM");
    }
}

/// `ROWS FROM (f(1), g(2))` → `f(1)`: neither scans a relation.
fn unwrap_rows_from(pieces: &mut Pieces, at: usize) {
    if !pieces.are_words(at, &["rows", "from"]) || !pieces.is_mark(at + 2, "(") {
        return;
    }
    let Some(close) = pieces.closing(at + 2) else { return };
    let Some(arguments) = pieces.after_name(at + 3).filter(|open| pieces.is_mark(*open, "(")) else { return };
    let Some(end) = pieces.closing(arguments) else { return };
    pieces.list.drain(end + 1..close + 1);
    pieces.list.drain(at..at + 3);
}

/// `f(x) AS (a int, b text)` → `f(x) AS f_columns(a int, b text)`
fn name_function_columns(pieces: &mut Pieces, at: usize) {
    let has_definition = at > 0
        && pieces.is_mark(at - 1, ")")
        && pieces.is_word(at, "as")
        && pieces.is_mark(at + 1, "(")
        && pieces.is_name(at + 2)
        && pieces.is_name(at + 3);
    // `WITH x(a) AS (SELECT …)`, `WINDOW`, `ARRAY(…)::t AS (` do not come here: their parenthesis starts otherwise.
    let starts_query =
        pieces.is_one_of(at + 2, &["select", "with", "values", "insert", "update", "delete", "merge", "table"]);
    if has_definition && !starts_query && !pieces.is_one_of(at + 2, &["partition", "order"]) {
        pieces.replace(at..at + 1, "AS function_columns");
    }
}

/// `SET a[1] = …`, `INSERT INTO t (a[1], b.c)`: the column is what counts.
fn drop_target_subscripts(pieces: &mut Pieces, at: usize) {
    let is_target = at > 0
        && pieces.is_name(at)
        && (pieces.is_word(at - 1, "set") || pieces.is_mark(at - 1, ",") || pieces.is_mark(at - 1, "("));
    if !is_target || !(pieces.is_mark(at + 1, "[") || pieces.is_mark(at + 1, ".")) {
        return;
    }
    let mut end = at + 1;
    while pieces.is_mark(end, "[") || pieces.is_mark(end, ".") {
        end = match pieces.is_mark(end, "[") {
            true => match pieces.closing(end) {
                Some(close) => close + 1,
                None => return,
            },
            false => end + 2,
        };
    }
    let is_assignment = pieces.is_mark(end, "=") && is_in_set_clause(pieces, at);
    if is_assignment || is_in_insert_columns(pieces, at) {
        pieces.list.drain(at + 1..end.min(pieces.len()));
    }
}

/// Whether the nearest clause keyword before `at`, on its level of parentheses, is SET.
fn is_in_set_clause(pieces: &Pieces, at: usize) -> bool {
    let mut depth = 0_i64;
    for n in (0..at).rev() {
        if pieces.is_mark(n, ")") || pieces.is_mark(n, "]") {
            depth += 1;
        } else if pieces.is_mark(n, "(") || pieces.is_mark(n, "[") {
            depth -= 1;
        } else if depth == 0
            && pieces.is_one_of(n, &["set", "where", "from", "select", "on", "values", "by", "case", "returning"])
        {
            return pieces.is_word(n, "set");
        }
        if depth < 0 {
            return false;
        }
    }
    false
}

/// Whether the parenthesis around `at` follows `INSERT INTO name [AS alias]`.
fn is_in_insert_columns(pieces: &Pieces, at: usize) -> bool {
    let Some(open) = (0..at).rev().find(|n| pieces.is_mark(*n, "(") || pieces.is_mark(*n, ")")) else { return false };
    pieces.is_mark(open, "(")
        && (open.saturating_sub(6)..open).any(|n| {
            pieces.is_word(n, "into")
                && pieces.after_name(n + 1).is_some_and(|after| {
                    after == open || pieces.is_word(after, "as") && after + 2 == open || after + 1 == open
                })
        })
}

/// `SEARCH … SET c`, `CYCLE … SET c USING d` after a recursive WITH query.
fn drop_search_or_cycle(pieces: &mut Pieces, at: usize) {
    if at == 0 || !pieces.is_mark(at - 1, ")") {
        return;
    }
    let is_search = pieces.is_word(at, "search") && pieces.is_one_of(at + 1, &["depth", "breadth"]);
    if !is_search && !pieces.is_word(at, "cycle") {
        return;
    }
    let Some(set) = (at..pieces.len()).find(|n| pieces.is_word(*n, "set")) else { return };
    let mut end = set + 2;
    while !is_search && end < pieces.len() && pieces.is_one_of(end, &["to", "default", "using"]) {
        end += 2;
    }
    pieces.list.drain(at..end.min(pieces.len()));
}

/// `JOIN u USING (id) AS j`
fn drop_join_using_alias(pieces: &mut Pieces, at: usize) {
    if !pieces.is_word(at, "using") || !pieces.is_mark(at + 1, "(") {
        return;
    }
    let Some(close) = pieces.closing(at + 1) else { return };
    // A parenthesis after USING holds column names, or else (DELETE, MERGE) a query.
    let is_names = (at + 2..close).all(|n| pieces.is_mark(n, ",") || pieces.is_name(n) && !pieces.is_word(n, "select"));
    if is_names && pieces.is_word(close + 1, "as") && pieces.is_name(close + 2) {
        pieces.list.drain(close + 1..close + 3);
    }
}

/// `inet '10.1.1.1'`, `interval '1 day'` → `CAST('…' AS …)`
fn cast_typed_string(pieces: &mut Pieces, at: usize) {
    if !pieces.is_kind(at, TokenKind::String) || at == 0 || !pieces.is_name(at - 1) {
        return;
    }
    // What the server's repair does for parameters, done for a string: it is asked about a parameter in its place.
    let start = at.saturating_sub(8);
    let before: Vec<&str> = pieces.list[start..at].iter().map(|piece| piece.text.as_str()).collect();
    let after: Vec<&str> = pieces.list[at + 1..].iter().take(3).map(|piece| piece.text.as_str()).collect();
    let asked = format!("{} {STRING_STAND_IN} {}", before.join(" "), after.join(" "));
    let repaired = for_server(&asked);
    if repaired == asked || before.contains(&"extract") {
        return;
    }
    let end = (at + 1 + after.len()).min(pieces.len());
    let string = pieces.list[at].text.clone();
    pieces.replace(start..end, &repaired);
    if let Some(parameter) = pieces.list[start..].iter_mut().find(|piece| piece.text == STRING_STAND_IN) {
        parameter.kind = TokenKind::String;
        parameter.text = string;
    }
}

/// A parameter that no statement has: 65535 is the protocol's limit.
const STRING_STAND_IN: &str = "$4000000000";

/// `WHERE CURRENT OF cursor`: the row is known already.
fn drop_current_of(pieces: &mut Pieces, at: usize) {
    if at > 0 && pieces.is_word(at - 1, "where") && pieces.are_words(at, &["current", "of"]) && pieces.is_name(at + 2) {
        pieces.replace(at..at + 3, "true");
    }
}

/// `(f(x)).*` → `(f(x))`
fn drop_row_star(pieces: &mut Pieces, at: usize) {
    if pieces.is_mark(at, ")") && pieces.is_mark(at + 1, ".") && pieces.is_mark(at + 2, "*") {
        pieces.list.drain(at + 1..at + 3);
    }
}
