//! PostgreSQL's lexical rules: text → tokens with byte ranges. Never fails and never looks at grammar, so that it is
//! safe on truncated and on hostile text; everything that edits text (repairs, parameters, splitting) stands on it.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// An unquoted identifier or keyword.
    Word,
    /// A quoted identifier: `"userId"`, `U&"…"`.
    QuotedIdentifier,
    /// A string constant of any form: `'…'`, `E'…'`, `U&'…'`, `B'…'`, `X'…'`, `$tag$…$tag$`.
    String,
    /// A numeric constant.
    Number,
    /// `$n`.
    Parameter,
    /// An operator made of operator characters.
    Operator,
    /// One of `( ) [ ] , ; . : ::` and whatever else stands alone.
    Punctuation,
    /// White space.
    Space,
    /// `-- …` or `/* … */`.
    Comment,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its byte range in the text.
    pub range: Range<usize>,
    /// Whether the text ends inside it: an unterminated string, quoted identifier or comment.
    pub is_unterminated: bool,
}

impl Token {
    /// Whether it separates other tokens only.
    pub fn is_trivia(&self) -> bool {
        matches!(self.kind, TokenKind::Space | TokenKind::Comment)
    }

    /// Its text.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.range.clone()]
    }

    /// Whether it is the unquoted word `word`, in any case.
    pub fn is_word(&self, text: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(text).eq_ignore_ascii_case(word)
    }

    /// Whether it is the punctuation `mark`.
    pub fn is_mark(&self, text: &str, mark: &str) -> bool {
        self.kind == TokenKind::Punctuation && self.text(text) == mark
    }

    /// The number of a `$n`.
    pub fn parameter(&self, text: &str) -> Option<u32> {
        if self.kind != TokenKind::Parameter {
            return None;
        }
        self.text(text)[1..].parse().ok()
    }
}

/// All tokens of `text`, trivia included: their ranges cover it without gaps.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    tokens
}

/// The tokens of `text` without white space and comments.
pub(crate) fn significant_tokens(text: &str) -> Vec<Token> {
    tokens(text).into_iter().filter(|token| !token.is_trivia()).collect()
}

/// An identifier as PostgreSQL stores it: unquoted words folded to lower case (ASCII letters, as in a UTF-8
/// database), quotes taken off.
pub(crate) fn identifier(token: &Token, text: &str) -> String {
    let raw = token.text(text);
    match token.kind {
        TokenKind::QuotedIdentifier => {
            let start = raw.find('"').map_or(0, |quote| quote + 1);
            let end = if token.is_unterminated { raw.len() } else { raw.len().saturating_sub(1).max(start) };
            raw[start..end].replace("\"\"", "\"")
        }
        _ => raw.to_ascii_lowercase(),
    }
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = *self.bytes.get(start)?;
        let (kind, is_terminated) = match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => (TokenKind::Space, self.space()),
            b'-' if self.peek(1) == Some(b'-') => (TokenKind::Comment, self.line_comment()),
            b'/' if self.peek(1) == Some(b'*') => (TokenKind::Comment, self.block_comment()),
            b'\'' => (TokenKind::String, self.quoted(b'\'', false)),
            b'"' => (TokenKind::QuotedIdentifier, self.quoted(b'"', false)),
            b'$' => self.dollar(),
            b'0'..=b'9' => (TokenKind::Number, self.number()),
            b'.' if self.peek(1).is_some_and(|b| b.is_ascii_digit()) => (TokenKind::Number, self.number()),
            _ if is_identifier_start(first) => self.word(),
            _ if is_operator_byte(first) => (TokenKind::Operator, self.operator()),
            b':' if self.peek(1) == Some(b':') || self.peek(1) == Some(b'=') => (TokenKind::Punctuation, self.skip(2)),
            _ => (TokenKind::Punctuation, self.one_character()),
        };
        Some(Token { kind, range: start..self.at, is_unterminated: !is_terminated })
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip(&mut self, n_bytes: usize) -> bool {
        self.at += n_bytes;
        true
    }

    fn one_character(&mut self) -> bool {
        self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
        true
    }

    fn space(&mut self) -> bool {
        while matches!(self.peek(0), Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)) {
            self.at += 1;
        }
        true
    }

    fn line_comment(&mut self) -> bool {
        while !matches!(self.peek(0), None | Some(b'\n' | b'\r')) {
            self.at += 1;
        }
        true
    }

    /// Block comments nest in PostgreSQL.
    fn block_comment(&mut self) -> bool {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return true;
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return false,
            }
        }
    }

    /// From the opening quote on; a doubled quote stands for itself, a backslash escapes in `E'…'` only.
    fn quoted(&mut self, quote: u8, has_escapes: bool) -> bool {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == b'\\' && has_escapes {
                self.at = (self.at + 1).min(self.bytes.len());
            } else if byte == quote {
                if self.peek(0) != Some(quote) {
                    return true;
                }
                self.at += 1;
            }
        }
        false
    }

    /// `$1`, `$tag$…$tag$`, or a lone `$`.
    fn dollar(&mut self) -> (TokenKind, bool) {
        if self.peek(1).is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
            while self.peek(0).is_some_and(|b| b.is_ascii_digit()) {
                self.at += 1;
            }
            return (TokenKind::Parameter, true);
        }
        let mut end = self.at + 1;
        if self.bytes.get(end).is_some_and(|b| is_identifier_start(*b)) {
            while self.bytes.get(end).is_some_and(|b| is_identifier_part(*b) && *b != b'$') {
                end += 1;
            }
        }
        if self.bytes.get(end) != Some(&b'$') {
            return (TokenKind::Punctuation, self.skip(1));
        }
        let tag = &self.text[self.at..=end];
        let body = end + 1;
        match self.text[body..].find(tag) {
            Some(found) => {
                self.at = body + found + tag.len();
                (TokenKind::String, true)
            }
            None => {
                self.at = self.bytes.len();
                (TokenKind::String, false)
            }
        }
    }

    fn number(&mut self) -> bool {
        if self.peek(0) == Some(b'0') && matches!(self.peek(1), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) {
            self.at += 2;
            while self.peek(0).is_some_and(|b| b.is_ascii_hexdigit() || b == b'_') {
                self.at += 1;
            }
            return true;
        }
        self.digits();
        // `1..10` is a slice of PL/pgSQL, not a number.
        if self.peek(0) == Some(b'.') && self.peek(1) != Some(b'.') {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
            if self.peek(1 + sign).is_some_and(|b| b.is_ascii_digit()) {
                self.at += 1 + sign;
                self.digits();
            }
        }
        true
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|b| b.is_ascii_digit() || b == b'_') {
            self.at += 1;
        }
    }

    /// A word, or the prefix of a string or quoted identifier.
    fn word(&mut self) -> (TokenKind, bool) {
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (Some(b'e' | b'E'), Some(b'\''), _) => {
                self.at += 1;
                return (TokenKind::String, self.quoted(b'\'', true));
            }
            (Some(b'b' | b'B' | b'x' | b'X' | b'n' | b'N'), Some(b'\''), _) => {
                self.at += 1;
                return (TokenKind::String, self.quoted(b'\'', false));
            }
            (Some(b'u' | b'U'), Some(b'&'), Some(quote @ (b'\'' | b'"'))) => {
                self.at += 2;
                let kind = if quote == b'"' { TokenKind::QuotedIdentifier } else { TokenKind::String };
                return (kind, self.quoted(quote, false));
            }
            _ => {}
        }
        while self.peek(0).is_some_and(is_identifier_part) {
            self.at += 1;
        }
        (TokenKind::Word, true)
    }

    /// The longest run of operator characters that holds no comment start; a trailing `+` or `-` belongs to what
    /// follows unless a character that only operators use is among them (the rule of PostgreSQL's scan.l).
    fn operator(&mut self) -> bool {
        let start = self.at;
        while self.peek(0).is_some_and(is_operator_byte) {
            let starts_comment =
                matches!((self.peek(0), self.peek(1)), (Some(b'-'), Some(b'-')) | (Some(b'/'), Some(b'*')));
            if starts_comment && self.at > start {
                break;
            }
            self.at += 1;
        }
        let run = &self.bytes[start..self.at];
        let may_end_in_sign =
            run.iter().any(|b| matches!(b, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%'));
        if !may_end_in_sign {
            while self.at > start + 1 && matches!(self.bytes[self.at - 1], b'+' | b'-') {
                self.at -= 1;
            }
        }
        true
    }
}

fn is_identifier_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_identifier_part(byte: u8) -> bool {
    is_identifier_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'+' | b'-'
            | b'*'
            | b'/'
            | b'<'
            | b'>'
            | b'='
            | b'~'
            | b'!'
            | b'@'
            | b'#'
            | b'%'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<&str> {
        significant_tokens(text).iter().map(|token| token.text(text)).collect()
    }

    #[test]
    fn splits_as_postgresql_does() {
        for (text, expected) in [
            ("a=-1", vec!["a", "=", "-", "1"]),
            ("a@-1", vec!["a", "@-", "1"]),
            ("a->>'x' #>> '{y}'", vec!["a", "->>", "'x'", "#>>", "'{y}'"]),
            ("x::int[]", vec!["x", "::", "int", "[", "]"]),
            ("E'it\\'s' 'it''s'", vec!["E'it\\'s'", "'it''s'"]),
            ("$1+$22 $$a'b$$ $t$ $$ $t$", vec!["$1", "+", "$22", "$$a'b$$", "$t$ $$ $t$"]),
            ("a/*x/*y*/z*/b--c\nd", vec!["a", "b", "d"]),
            ("1.5e-3 .5 1..2 0xFF", vec!["1.5e-3", ".5", "1", ".", ".2", "0xFF"]),
            ("a$1 b", vec!["a$1", "b"]),
            ("\"a\"\"b\".c", vec!["\"a\"\"b\"", ".", "c"]),
            ("größe<5", vec!["größe", "<", "5"]),
            ("a*/**/b", vec!["a", "*", "b"]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn ranges_cover_any_text_and_unterminated_tokens_are_marked() {
        for text in ["'abc", "\"abc", "/* x", "$t$ abc", "E'\\", "", "\u{0}é§", "U&'x", "a -- b"] {
            let all = tokens(text);
            assert_eq!(all.iter().map(|token| token.text(text)).collect::<String>(), text);
        }
        assert!(tokens("select 'abc").last().is_some_and(|token| token.is_unterminated));
        assert!(!tokens("select 'abc'").last().is_some_and(|token| token.is_unterminated));
    }

    #[test]
    fn identifiers_fold_and_unquote() {
        let text = "UserId \"UserId\" \"a\"\"b\"";
        let names: Vec<String> = significant_tokens(text).iter().map(|token| identifier(token, text)).collect();
        assert_eq!(names, ["userid", "UserId", "a\"b"]);
    }
}
