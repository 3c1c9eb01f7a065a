//! Repairs for the parser that only spell things otherwise: names that are keywords elsewhere, ISNULL, TRIM, COLLATE
//! after a cast.

use sqlparser::keywords::ALL_KEYWORDS;

use super::super::tokens::TokenKind;
use super::keywords::is_keyword;
use super::pieces::Pieces;

/// `SELECT WHERE …` → `SELECT 1 WHERE …`; without FROM the parser wants an item.
pub(super) fn fill_empty_select_list(pieces: &mut Pieces, at: usize) {
    let ends = ["where", "union", "except", "intersect", "order", "limit", "group", "having"];
    let is_empty = pieces.is_one_of(at + 1, &ends) || pieces.is_mark(at + 1, ")") || at + 1 == pieces.len();
    if pieces.is_word(at, "select") && is_empty {
        pieces.replace(at..at + 1, "SELECT 1");
    }
}

/// `x ISNULL` → `x IS NULL`
pub(super) fn spell_null_test(pieces: &mut Pieces, at: usize) {
    if pieces.is_word(at, "isnull") {
        pieces.replace(at..at + 1, "IS NULL");
    } else if pieces.is_word(at, "notnull") {
        pieces.replace(at..at + 1, "IS NOT NULL");
    }
}

/// `GROUP BY DISTINCT ROLLUP (…)`
pub(super) fn drop_distinct_of_group(pieces: &mut Pieces, at: usize) {
    if at >= 2 && pieces.are_words(at - 2, &["group", "by", "distinct"]) {
        pieces.list.remove(at);
    }
}

/// `xmlelement(NAME foo, …)` → `xmlelement(…)`
pub(super) fn drop_xml_name(pieces: &mut Pieces, at: usize) {
    let is_xml = at >= 2 && pieces.is_mark(at - 1, "(") && pieces.is_one_of(at - 2, &["xmlelement", "xmlpi"]);
    if !is_xml || !pieces.is_word(at, "name") || !pieces.is_name(at + 1) {
        return;
    }
    let end = if pieces.is_mark(at + 2, ",") { at + 3 } else { at + 2 };
    pieces.list.drain(at..end);
}

/// `trim(BOTH FROM x)` → `btrim(x)`
pub(super) fn spell_trim(pieces: &mut Pieces, at: usize) {
    if !pieces.is_word(at, "trim") || !pieces.is_mark(at + 1, "(") {
        return;
    }
    let name = match () {
        () if pieces.are_words(at + 2, &["leading", "from"]) => "ltrim",
        () if pieces.are_words(at + 2, &["trailing", "from"]) => "rtrim",
        () if pieces.are_words(at + 2, &["both", "from"]) => "btrim",
        () => return,
    };
    pieces.list.drain(at + 2..at + 4);
    pieces.replace(at..at + 1, name);
}

/// `x::text COLLATE "C"` → `(x::text) COLLATE "C"`
pub(super) fn wrap_collated_cast(pieces: &mut Pieces, at: usize) {
    if !pieces.is_word(at, "collate") || at == 0 {
        return;
    }
    let mut start = at;
    while let Some(cast) = cast_before(pieces, start) {
        let Some(operand) = operand_before(pieces, cast) else { return };
        start = operand;
        if !(start > 0 && pieces.is_mark(start - 1, "::")) {
            break;
        }
    }
    if start < at {
        pieces.replace(at..at, ")");
        pieces.replace(start..start, "(");
    }
}

/// Where the `::` of the type that ends before `end` stands.
fn cast_before(pieces: &Pieces, end: usize) -> Option<usize> {
    let mut at = end.checked_sub(1)?;
    loop {
        if pieces.is_mark(at, "::") {
            return Some(at);
        }
        at = match () {
            () if pieces.is_mark(at, ")") || pieces.is_mark(at, "]") => pieces.opening(at)?,
            () if pieces.is_name(at) || pieces.is_mark(at, ".") => at,
            () => return None,
        };
        at = at.checked_sub(1)?;
    }
}

/// Where the operand that ends before `end` starts: a name, a constant, a call, something in parentheses or brackets.
fn operand_before(pieces: &Pieces, end: usize) -> Option<usize> {
    let last = end.checked_sub(1)?;
    if pieces.is_mark(last, "]") {
        return operand_before(pieces, pieces.opening(last)?);
    }
    if pieces.is_mark(last, ")") {
        let open = pieces.opening(last)?;
        let is_call = open > 0 && pieces.is_name(open - 1);
        return Some(if is_call { pieces.start_of_name(open - 1) } else { open });
    }
    Some(if pieces.is_name(last) { pieces.start_of_name(last) } else { last })
}

/// Words that other databases reserve and PostgreSQL does not are plain names here: `settings`, `sample`, `view`.
pub(super) fn quote_foreign_keyword(pieces: &mut Pieces, at: usize) {
    if !pieces.is_kind(at, TokenKind::Word) {
        return;
    }
    let word = pieces.list[at].text.to_ascii_lowercase();
    let is_field = at >= 2 && pieces.is_word(at - 2, "extract") && pieces.is_mark(at - 1, "(");
    let is_method = at >= 1 && pieces.is_word(at - 1, "tablesample");
    if is_field || is_method || KEPT.contains(&word.as_str()) {
        return;
    }
    let is_foreign = !is_keyword(&word) && ALL_KEYWORDS.binary_search(&word.to_ascii_uppercase().as_str()).is_ok();
    let is_name = match word.as_str() {
        "partition" => !pieces.is_word(at + 1, "by"),
        "format" => !pieces.is_word(at + 1, "json"),
        word => is_foreign || NAMES.contains(&word),
    };
    if is_name {
        pieces.list[at].text = format!("\"{word}\"");
        pieces.list[at].kind = TokenKind::QuotedIdentifier;
    }
}

/// Foreign keywords that sqlparser needs as such to read what PostgreSQL means.
const KEPT: &[&str] = &["unnest", "json_table"];

/// Keywords of PostgreSQL that stand in no statement that is planned, so that they are names there, and that sqlparser
/// reserves.
const NAMES: &[&str] = &["cluster", "explain", "global", "start", "view"];
