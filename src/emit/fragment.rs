//! Is an expression one expression? Text that goes into DDL unquoted is checked here, so that it can be nothing else.

use crate::pg::text::is_representable;
use crate::sql::tokens::{Token, TokenKind, tokens};

/// Why `sql` may not be written into a statement as an expression; `Ok` when it may.
///
/// It passes when, whoever reads it (the server, psql, a naive splitter of statements), it stays one expression: its
/// brackets balance, it has no `;`, no comment, no `$`, no backslash and no psql variable outside quotes, and its
/// strings end at the same place whatever `standard_conforming_strings` says.
pub fn check_expression(sql: &str) -> Result<(), String> {
    let tokens = tokens(sql);
    if tokens.iter().all(|token| token.kind == TokenKind::Space) {
        return Err("it is empty".to_owned());
    }
    let mut open = Vec::new();
    for token in &tokens {
        check_token(token, token.text(sql))?;
        if token.kind != TokenKind::Punctuation {
            continue;
        }
        match token.text(sql) {
            "(" => open.push(")"),
            "[" => open.push("]"),
            close @ (")" | "]") if open.pop() != Some(close) => return Err("its brackets do not balance".to_owned()),
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err("its brackets do not balance".to_owned()) }
}

fn check_token(token: &Token, text: &str) -> Result<(), String> {
    let is_escaping = text.starts_with(['e', 'E']);
    let reason = match token.kind {
        _ if token.is_unterminated => "a quoted part of it does not end",
        _ if text.contains('\0') || !is_representable(text) => "it cannot be represented in UTF-8",
        TokenKind::Comment => "it holds a comment",
        TokenKind::Parameter => "it holds a parameter",
        TokenKind::String if text.starts_with('$') => "it holds a dollar-quoted string",
        TokenKind::String if !is_escaping && text.contains("\\'") => "a backslash stands before a quote in it",
        TokenKind::Word if text.contains('$') => "it holds a dollar sign outside quotes",
        TokenKind::Punctuation if matches!(text, ":" | ":=") => "it has a colon, which psql may take for a variable",
        TokenKind::Punctuation if matches!(text, ";" | "$" | "\\" | "{" | "}") => "it holds more than an expression",
        _ => return Ok(()),
    };
    Err(reason.to_owned())
}

/// Why `sql` may not be written where a name of an operator class or a collation goes; `Ok` when it may: an identifier,
/// maybe qualified, each part quoted where it has to be, and maybe parameters in parentheses.
pub fn check_qualified_name(sql: &str) -> Result<(), String> {
    check_expression(sql)?;
    let tokens = tokens(sql);
    let is_close = |token: &Token| token.is_mark(sql, ")");
    let end = tokens.iter().position(|token| token.is_mark(sql, "(")).unwrap_or(tokens.len());
    let (name, parameters) = tokens.split_at(end);
    let has_names = name.iter().step_by(2).all(is_identifier);
    let has_dots = name.iter().skip(1).step_by(2).all(|token| token.is_mark(sql, "."));
    let is_closed_at_end =
        parameters.iter().filter(|token| is_close(token)).count() <= 1 && parameters.last().is_none_or(is_close);
    if has_names && has_dots && name.len() % 2 == 1 && is_closed_at_end {
        Ok(())
    } else {
        Err("it is not a name".to_owned())
    }
}

fn is_identifier(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdentifier)
}

/// Why `name` may not be written as an identifier: no encoding of the server can hold it. `Ok` when it may.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a name is empty".to_owned());
    }
    if name.contains('\0') || !is_representable(name) {
        return Err("a name cannot be represented in UTF-8".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_as_postgresql_prints_them_pass() {
        for sql in [
            "deleted_at IS NULL",
            "lower((email)::text)",
            "(status)::text = ANY ((ARRAY['a'::character varying, 'b;--'::character varying])::text[])",
            "data ->> 'k'::text",
            "name ~ E'^\\\\d;'::text",
            "\"a;b\\c$$\" > 0",
        ] {
            assert_eq!(check_expression(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn names_are_names() {
        for sql in
            ["text_pattern_ops", "public.gin_trgm_ops", "\"C\"", "\"My\".\"Col;\"", "ext.gist_trgm_ops(siglen='32')"]
        {
            assert_eq!(check_qualified_name(sql), Ok(()), "{sql}");
        }
        for sql in ["", "a b", "a DESC, b", "a.", ".a", "a..b", "a(b) c", "a), (b", "a::text", "'a'", "a(b)(c)"] {
            assert!(check_qualified_name(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn whatever_could_leave_the_statement_does_not() {
        for sql in [
            "",
            " ",
            "a); DROP TABLE t",
            "a) WHERE (b",
            "a -- b",
            "a /* b */",
            "$1",
            "a = $$x$$",
            "a \\! id",
            "'a",
            "\"a",
            "x[1:HOST]",
            "x[1:\"USER\"]",
            "a = '\\' OR 1'",
            "a ? '${x}' || ${y}",
            "a]",
            "(a",
            "[a)",
            "a\0",
        ] {
            assert!(check_expression(sql).is_err(), "{sql}");
        }
    }
}
