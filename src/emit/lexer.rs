//! SQL text → tokens, as far as quoting goes: where strings, identifiers and comments begin and end. Understands no grammar.

/// One token and where it lies in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    /// What it is.
    pub kind: TokenKind,
    /// Its text, quotes included.
    pub text: &'t str,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Spaces, tabs and line breaks.
    Space,
    /// `-- …` or `/* … */`, nested.
    Comment,
    /// A keyword or an unquoted identifier.
    Word,
    /// `"…"`, or `U&"…"`.
    QuotedIdentifier,
    /// `'…'` without a prefix.
    String,
    /// `E'…'`, `B'…'`, `X'…'`, `N'…'` or `U&'…'`.
    PrefixedString,
    /// `$tag$ … $tag$`
    DollarString,
    /// `12`, `1.5e3`, `0xff`
    Number,
    /// `$1`
    Parameter,
    /// One character that is none of these: an operator's, a bracket, a comma …
    Symbol,
    /// A string, quoted identifier or comment that never ends.
    Unterminated,
}

/// The tokens of `sql`. Together they are the whole text.
pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while !rest.is_empty() {
        let (kind, length) = next(rest);
        let (text, after) = rest.split_at(length);
        tokens.push(Token { kind, text });
        rest = after;
    }
    tokens
}

/// The kind of the first token of `rest`, which is not empty, and its length in bytes.
fn next(rest: &str) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    let first = rest.chars().next().unwrap_or(' ');
    match first {
        c if c.is_whitespace() => (TokenKind::Space, length_while(rest, char::is_whitespace)),
        '-' if bytes.get(1) == Some(&b'-') => (TokenKind::Comment, length_while(rest, |c| c != '\n' && c != '\r')),
        '/' if bytes.get(1) == Some(&b'*') => terminated(TokenKind::Comment, block_comment_end(bytes), rest),
        '\'' => terminated(TokenKind::String, quoted_end(bytes, 0, b'\'', false), rest),
        '"' => terminated(TokenKind::QuotedIdentifier, quoted_end(bytes, 0, b'"', false), rest),
        '$' => dollar(rest),
        '.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => (TokenKind::Number, number_end(bytes)),
        c if c.is_ascii_digit() => (TokenKind::Number, number_end(bytes)),
        c if is_word_start(c) => word(rest),
        c => (TokenKind::Symbol, c.len_utf8()),
    }
}

fn terminated(kind: TokenKind, end: Option<usize>, rest: &str) -> (TokenKind, usize) {
    end.map_or((TokenKind::Unterminated, rest.len()), |end| (kind, end))
}

fn length_while(text: &str, keeps: impl Fn(char) -> bool) -> usize {
    text.find(|c| !keeps(c)).unwrap_or(text.len())
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// A word, or a string or identifier that a prefix introduces.
fn word(rest: &str) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    match (bytes[0], bytes.get(1), bytes.get(2)) {
        (b'e' | b'E', Some(b'\''), _) => {
            return terminated(TokenKind::PrefixedString, quoted_end(bytes, 1, b'\'', true), rest);
        }
        (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', Some(b'\''), _) => {
            return terminated(TokenKind::PrefixedString, quoted_end(bytes, 1, b'\'', false), rest);
        }
        (b'u' | b'U', Some(b'&'), Some(b'\'')) => {
            return terminated(TokenKind::PrefixedString, quoted_end(bytes, 2, b'\'', false), rest);
        }
        (b'u' | b'U', Some(b'&'), Some(b'"')) => {
            return terminated(TokenKind::QuotedIdentifier, quoted_end(bytes, 2, b'"', false), rest);
        }
        _ => {}
    }
    (TokenKind::Word, length_while(rest, |c| is_word_start(c) || c.is_ascii_digit() || c == '$'))
}

/// The end of a quoted token whose opening quote is at `start`; a doubled quote does not end it.
fn quoted_end(bytes: &[u8], start: usize, quote: u8, has_escapes: bool) -> Option<usize> {
    let mut at = start + 1;
    while at < bytes.len() {
        if has_escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return Some(at + 1);
        }
    }
    None
}

fn block_comment_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
    None
}

fn number_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        let is_exponent_sign = matches!(bytes[at], b'+' | b'-') && at > 0 && matches!(bytes[at - 1], b'e' | b'E');
        if bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'.' | b'_') || is_exponent_sign {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// `$1`, `$tag$…$tag$`, or a lone dollar sign.
fn dollar(rest: &str) -> (TokenKind, usize) {
    let after = &rest[1..];
    let n_digits = length_while(after, |c| c.is_ascii_digit());
    if n_digits > 0 {
        return (TokenKind::Parameter, 1 + n_digits);
    }
    let tag_length = length_while(after, |c| is_word_start(c) || c.is_ascii_digit());
    if after.as_bytes().get(tag_length) != Some(&b'$') {
        return (TokenKind::Symbol, 1);
    }
    let opening = &rest[..tag_length + 2];
    let end = rest[opening.len()..].find(opening).map(|at| at + 2 * opening.len());
    terminated(TokenKind::DollarString, end, rest)
}

#[cfg(test)]
mod tests {
    use super::TokenKind::*;
    use super::*;

    fn kinds(sql: &str) -> Vec<TokenKind> {
        tokens(sql).iter().map(|token| token.kind).filter(|kind| *kind != Space).collect()
    }

    #[test]
    fn finds_where_quoted_things_end() {
        assert_eq!(kinds("a = 'it''s'"), [Word, Symbol, String]);
        assert_eq!(kinds(r"E'\'x' "), [PrefixedString]);
        assert_eq!(kinds("$a$ ' $b$ $a$ 1"), [DollarString, Number]);
        assert_eq!(kinds("\"a\"\"b\".c1"), [QuotedIdentifier, Symbol, Word]);
        assert_eq!(kinds("/* a /* b */ ; */ -- x\n$12"), [Comment, Comment, Parameter]);
        assert_eq!(kinds("x'ff' U&'a' U&\"b\""), [PrefixedString, PrefixedString, QuotedIdentifier]);
        assert_eq!(kinds("1.5e-3+.5 0xff"), [Number, Symbol, Number, Number]);
    }

    #[test]
    fn what_never_ends_is_said() {
        for sql in ["'a", "\"a", "/* a", "$$ a", "E'a\\'"] {
            assert_eq!(kinds(sql), [Unterminated], "{sql}");
        }
    }

    #[test]
    fn tokens_are_the_whole_text() {
        let sql = "SELECT \u{e4}'x'$1;$ \\ é\"q\" --c\r1";
        assert_eq!(tokens(sql).iter().map(|token| token.text).collect::<std::string::String>(), sql);
    }
}
