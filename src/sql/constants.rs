//! A statement without the constants that it was sent with: what pg_stat_statements makes of it, for texts that it kept
//! as they were. On tokens, so that texts beyond the parser pass as well. The result is to be planned, not to be read.

use super::tokens::{Token, TokenKind, tokens};

/// The most columns that a query can return (`MaxTupleAttributeNumber`, access/htup_details.h), hence the highest
/// position in ORDER BY.
const POSITION_MAX: u32 = 1664;

/// Words after which a sign belongs to the number behind it.
const BEFORE_SIGN: &[&str] = &[
    "select",
    "distinct",
    "where",
    "and",
    "or",
    "not",
    "when",
    "then",
    "else",
    "in",
    "by",
    "limit",
    "offset",
    "values",
    "between",
    "like",
    "ilike",
    "is",
    "returning",
    "set",
    "having",
    "on",
    "case",
];

/// What PostgreSQL 18 leaves of a long list: `IN ($1 /*, ... */)`. The only comment that means something.
const SQUASH_MARK: &str = "/*, ... */";

/// `text` with a parameter for each string and number, numbered on from its own parameters, and without comments.
/// Positions in ORDER BY and GROUP BY and the modifiers of types are no constants and stay.
pub fn without_literals(text: &str) -> String {
    let all = tokens(text);
    let kept: Vec<&Token> = all.iter().filter(|token| !token.is_trivia() || is_squash_mark(token, text)).collect();
    let mut next = 1 + all.iter().filter_map(|token| token.parameter(text)).max().unwrap_or(0);
    let mut written = String::with_capacity(text.len());
    let mut end = 0;
    for (at, token) in kept.iter().enumerate() {
        let is_apart = token.range.start > end;
        end = token.range.end;
        let before = at.checked_sub(1).and_then(|at| kept.get(at));
        let is_literal = match token.kind {
            // `'a' 'b'` on two lines is one string.
            TokenKind::String if before.is_some_and(|before| before.kind == TokenKind::String) => continue,
            TokenKind::String => true,
            TokenKind::Number => !is_position(text, &kept, at) && !is_modifier(text, &kept, at),
            _ => false,
        };
        if token.kind == TokenKind::Number && is_literal && has_sign(text, &kept, at) {
            written.truncate(written.trim_end_matches(['-', '+', ' ']).len());
            written.push(' ');
        } else if !written.is_empty() && (is_apart || is_literal) {
            written.push(' ');
        }
        if is_literal {
            written.push_str(&format!("${next}"));
            next = next.saturating_add(1);
        } else {
            written.push_str(token.text(text));
        }
    }
    written
}

fn is_squash_mark(token: &Token, text: &str) -> bool {
    token.kind == TokenKind::Comment && token.text(text) == SQUASH_MARK
}

/// Whether the number at `at` has a sign of its own: `= -5`, not `a - 5`.
fn has_sign(text: &str, kept: &[&Token], at: usize) -> bool {
    let Some(sign) = at.checked_sub(1).map(|at| kept[at]) else { return false };
    if sign.kind != TokenKind::Operator || !matches!(sign.text(text), "-" | "+") {
        return false;
    }
    let Some(before) = at.checked_sub(2).map(|at| kept[at]) else { return true };
    match before.kind {
        TokenKind::Word => BEFORE_SIGN.iter().any(|word| before.is_word(text, word)),
        TokenKind::Operator => true,
        TokenKind::Punctuation => matches!(before.text(text), "(" | "," | "["),
        _ => false,
    }
}

/// Whether the number at `at` is an item of ORDER BY or GROUP BY by itself.
fn is_position(text: &str, kept: &[&Token], at: usize) -> bool {
    let is_small = kept[at].text(text).parse::<u32>().is_ok_and(|number| (1..=POSITION_MAX).contains(&number));
    let ends_item = kept.get(at + 1).is_none_or(|next| {
        let ends = ["asc", "desc", "nulls", "limit", "offset", "fetch", "for", "having", "window", "union", "except"];
        next.is_mark(text, ",")
            || next.is_mark(text, ")")
            || next.is_mark(text, ";")
            || ends
                .iter()
                .chain(&["intersect", "order", "rows", "range", "groups"])
                .any(|word| next.is_word(text, word))
    });
    is_small && ends_item && begins_item(text, &kept[..at])
}

/// Whether an item of ORDER BY or GROUP BY begins behind `before`.
fn begins_item(text: &str, before: &[&Token]) -> bool {
    let mut depth = 0_usize;
    for (at, token) in before.iter().enumerate().rev() {
        let is_last = at + 1 == before.len();
        if token.is_word(text, "by") {
            let opens = at.checked_sub(1).map(|at| before[at]);
            return depth == 0 && opens.is_some_and(|word| word.is_word(text, "order") || word.is_word(text, "group"));
        }
        if token.is_mark(text, ")") {
            depth += 1;
        } else if token.is_mark(text, "(") {
            match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            }
        }
        if is_last && !token.is_mark(text, ",") {
            return false;
        }
    }
    false
}

/// Whether the number at `at` is a modifier of a type: in the parentheses behind `:: numeric` or `AS varchar`.
fn is_modifier(text: &str, kept: &[&Token], at: usize) -> bool {
    let is_listed = |token: &&&Token| token.kind == TokenKind::Number || token.is_mark(text, ",");
    let mut before = kept[..at].iter().rev().skip_while(is_listed).peekable();
    let is_name = |token: &&Token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdentifier);
    if !before.next().is_some_and(|token| token.is_mark(text, "(")) || !before.next().is_some_and(is_name) {
        return false;
    }
    if before.next_if(|token| token.is_mark(text, ".")).is_some() {
        before.next();
    }
    // `national character varying`, `bit varying`
    let is_first_word =
        |token: &&&Token| ["national", "character", "char", "bit"].iter().any(|word| token.is_word(text, word));
    while before.next_if(is_first_word).is_some() {}
    before.next().is_some_and(|token| token.is_mark(text, "::") || token.is_word(text, "as"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{check_one_plannable, normalise};

    #[test]
    fn constants_become_parameters_and_what_is_none_stays() {
        for (text, expected) in [
            ("SELECT * FROM t WHERE a = 5 AND b = 'x''y'", "SELECT * FROM t WHERE a = $1 AND b = $2"),
            ("SELECT 1 /* secret */ FROM t -- secret\nWHERE a=$3", "SELECT $4 FROM t WHERE a=$3"),
            ("select interval'1 day', E'\\'x', $$secret$$", "select interval $1, $2, $3"),
            ("SELECT a FROM t WHERE b = 'x'\n  'secret'", "SELECT a FROM t WHERE b = $1"),
            (
                "SELECT a FROM t WHERE b IN ($1 /*, ... */) AND c = 7",
                "SELECT a FROM t WHERE b IN ($1 /*, ... */) AND c = $2",
            ),
            ("SELECT a, -5, b - 5, b -5 FROM t", "SELECT a, $1, b - $2, b - $3 FROM t"),
            ("SELECT a FROM t WHERE b = - 5 OR b >-5", "SELECT a FROM t WHERE b = $1 OR b > $2"),
            (
                "SELECT a::numeric(10, 2), CAST(b AS varchar(20)) FROM t",
                "SELECT a::numeric(10, 2), CAST(b AS varchar(20)) FROM t",
            ),
            (
                "SELECT a::app.money(3), b::character varying(7) FROM t",
                "SELECT a::app.money(3), b::character varying(7) FROM t",
            ),
            ("SELECT a AS b FROM f(8675309)", "SELECT a AS b FROM f( $1)"),
            ("SELECT numeric(8675309), f(3) FROM t", "SELECT numeric( $1), f( $2) FROM t"),
            (
                "SELECT a, count(*) FROM t GROUP BY 1, b ORDER BY 2 DESC, 1 LIMIT 10",
                "SELECT a, count(*) FROM t GROUP BY 1, b ORDER BY 2 DESC, 1 LIMIT $1",
            ),
            (
                "SELECT a FROM t ORDER BY a <-> 5, 1 + 2, f(1), 8675309",
                "SELECT a FROM t ORDER BY a <-> $1, $2 + $3, f( $4), $5",
            ),
            (
                "SELECT row_number() OVER (PARTITION BY 5 ORDER BY 1) FROM t",
                "SELECT row_number() OVER (PARTITION BY $1 ORDER BY 1) FROM t",
            ),
            ("SELECT a FROM t WHERE b = 'cut off", "SELECT a FROM t WHERE b = $1"),
            ("SELECT \"a 1\", b1 FROM t", "SELECT \"a 1\", b1 FROM t"),
        ] {
            let written = without_literals(text);
            assert_eq!(written, expected);
            assert_eq!(without_literals(&written), written, "once is enough");
            assert!(!written.contains("secret"));
        }
    }

    #[test]
    fn the_statement_stays_the_same() {
        let files = ["blocks", "joins", "quals"]
            .map(|name| format!("{}/fixtures/shapes/{name}.md", env!("CARGO_MANIFEST_DIR")));
        let mut n_statements = 0;
        for file in files {
            let text = std::fs::read_to_string(file).expect("a fixture");
            for statement in text.split("```sql\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
                let written = without_literals(statement);
                assert_eq!(normalise(&written), normalise(statement), "{statement}\n{written}");
                assert_eq!(check_one_plannable(&written).is_ok(), check_one_plannable(statement).is_ok(), "{written}");
                n_statements += 1;
            }
        }
        assert!(n_statements > 50, "{n_statements}");
    }
}
