//! Is an expression one expression? Text that goes into DDL unquoted is checked here, so that it can be nothing else.

use super::lexer::{Token, TokenKind, tokens};
use crate::pg::text::is_representable;

/// Why `sql` may not be written into a statement as an expression; `Ok` when it may.
///
/// It passes when, whoever reads it (the server, psql, a naive splitter of statements), it stays one expression: its
/// brackets balance, it has no `;`, no comment, no `$`, no backslash and no psql variable outside quotes, and its
/// strings end at the same place whatever `standard_conforming_strings` says.
pub fn check_expression(sql: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut previous_is_colon = false;
    let tokens = tokens(sql);
    if tokens.iter().all(|token| token.kind == TokenKind::Space) {
        return Err("it is empty".to_owned());
    }
    for (position, token) in tokens.iter().enumerate() {
        check_token(token)?;
        if token.kind != TokenKind::Symbol {
            continue;
        }
        match token.text {
            "(" => open.push(")"),
            "[" => open.push("]"),
            ")" | "]" if open.pop() != Some(token.text) => return Err("its brackets do not balance".to_owned()),
            ":" if previous_is_colon => previous_is_colon = false,
            ":" if tokens.get(position + 1).is_some_and(|next| next.text == ":") => previous_is_colon = true,
            ":" => return Err("it has a colon, which psql may take for a variable".to_owned()),
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err("its brackets do not balance".to_owned()) }
}

fn check_token(token: &Token<'_>) -> Result<(), String> {
    let reason = match token.kind {
        TokenKind::Unterminated => "a quoted part of it does not end",
        TokenKind::Comment => "it holds a comment",
        TokenKind::DollarString | TokenKind::Parameter => "it holds a parameter or a dollar-quoted string",
        TokenKind::Symbol if matches!(token.text, ";" | "$" | "\\" | "{" | "}" | "\0") => "it holds more than an expression",
        TokenKind::Word if token.text.contains('$') => "it holds a parameter or a dollar-quoted string",
        TokenKind::String if token.text.contains("\\'") => "a backslash stands before a quote in it",
        _ if token.text.contains('\0') || !is_representable(token.text) => "it cannot be represented in UTF-8",
        _ => return Ok(()),
    };
    Err(reason.to_owned())
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
    fn whatever_could_leave_the_statement_does_not() {
        for sql in [
            "", " ", "a); DROP TABLE t", "a) WHERE (b", "a -- b", "a /* b */", "$1", "a = $$x$$", "a \\! id", "'a", "\"a",
            "x[1:HOST]", "x[1:\"USER\"]", "a = '\\' OR 1'", "a ? '${x}' || ${y}", "a]", "(a", "[a)", "a\0",
        ] {
            assert!(check_expression(sql).is_err(), "{sql}");
        }
    }
}
