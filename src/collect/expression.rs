//! Text of expressions as `pg_get_expr` writes it: taking a list apart, dropping outer parentheses, finding the columns
//! that are named. Knows the lexical rules only (quotes, brackets), not the grammar.

/// A stretch of the text that is one thing for its reader.
#[derive(Debug, PartialEq)]
enum Token {
    /// A string literal.
    Literal,
    /// An identifier, unquoted, or a keyword.
    Word(String),
    /// Any other character.
    Character(char),
}

/// The expressions of a list, which are separated by commas outside every bracket.
pub(super) fn split_list(list: &str) -> Vec<&str> {
    let mut expressions = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, token) in tokens(list) {
        match token {
            Token::Character('(' | '[' | '{') => depth += 1,
            Token::Character(')' | ']' | '}') => depth -= 1,
            Token::Character(',') if depth == 0 => {
                expressions.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    expressions.push(list[start..].trim());
    expressions
}

/// The expression without the parentheses that enclose the whole of it.
pub(super) fn without_outer_parentheses(expression: &str) -> &str {
    let mut expression = expression.trim();
    while is_enclosed(expression) {
        expression = expression[1..expression.len() - 1].trim();
    }
    expression
}

/// Whether the first parenthesis is closed by the last character.
fn is_enclosed(expression: &str) -> bool {
    if !expression.starts_with('(') {
        return false;
    }
    let mut depth = 0_i32;
    for (at, token) in tokens(expression) {
        match token {
            Token::Character('(') => depth += 1,
            Token::Character(')') => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1 == expression.len();
        }
    }
    false
}

/// The names in an expression that can be columns: not those of functions, and not those that are qualified, since
/// `pg_get_expr` never qualifies a column of the one relation it is about.
pub(super) fn possible_columns(expression: &str) -> Vec<String> {
    let tokens: Vec<(usize, Token)> = tokens(expression).collect();
    let character = |position: Option<usize>| match position.and_then(|position| tokens.get(position)) {
        Some((_, Token::Character(character))) => Some(*character),
        _ => None,
    };
    let mut names = Vec::new();
    for (position, (_, token)) in tokens.iter().enumerate() {
        let Token::Word(name) = token else { continue };
        let before = character(position.checked_sub(1));
        let after = character(Some(position + 1));
        if !matches!(before, Some('.' | ':')) && !matches!(after, Some('.' | '(')) {
            names.push(name.clone());
        }
    }
    names
}

/// The tokens with their byte positions. Literals double their quotes, also after E, where backslashes are doubled too.
fn tokens(text: &str) -> impl Iterator<Item = (usize, Token)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let first = rest.chars().next()?;
        let (length, token) = match first {
            '\'' => (quoted_length(rest, '\''), Token::Literal),
            '"' => {
                let length = quoted_length(rest, '"');
                let inside = rest[1..length].strip_suffix('"').unwrap_or_default();
                (length, Token::Word(inside.replace("\"\"", "\"")))
            }
            c if c.is_alphanumeric() || c == '_' => {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
                (length, Token::Word(rest[..length].to_owned()))
            }
            c => (c.len_utf8(), Token::Character(c)),
        };
        at += length;
        Some((start, token))
    })
}

/// How long the quoted stretch at the start of `text` is, doubled quotes being part of it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut from = 1;
    while let Some(found) = text[from..].find(quote) {
        let end = from + found + 1;
        if !text[end..].starts_with(quote) {
            return end;
        }
        from = end + 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_outside_brackets_and_quotes_only() {
        for (list, expected) in [
            ("lower((em)::text), (\"userId\" + 1)", vec!["lower((em)::text)", "(\"userId\" + 1)"]),
            ("(((vc)::text || ','::text) || 'it''s'::text)", vec!["(((vc)::text || ','::text) || 'it''s'::text)"]),
            ("ARRAY[a, b], E'a\\\\''(,', \"a,\"\"b\"", vec!["ARRAY[a, b]", "E'a\\\\''(,'", "\"a,\"\"b\""]),
            ("a", vec!["a"]),
        ] {
            assert_eq!(split_list(list), expected);
        }
    }

    #[test]
    fn only_enclosing_parentheses_are_dropped() {
        for (expression, expected) in [
            ("(deleted_at IS NULL)", "deleted_at IS NULL"),
            ("((a > 1) AND (b < 2))", "(a > 1) AND (b < 2)"),
            ("(a)::text", "(a)::text"),
            ("(a) + (b)", "(a) + (b)"),
            ("((a))", "a"),
            ("(x = ')'::text)", "x = ')'::text"),
            ("(unclosed", "(unclosed"),
        ] {
            assert_eq!(without_outer_parentheses(expression), expected);
        }
    }

    #[test]
    fn names_of_functions_types_and_schemas_are_no_columns() {
        assert_eq!(possible_columns("lower((\"userId\")::text)"), ["userId"]);
        assert_eq!(possible_columns("(app.f(a, 'b c') || (c)::app.mood)"), ["a", "c"]);
    }

    #[test]
    fn broken_text_is_no_panic() {
        for text in ["", "'", "\"", "''", "'a''", "((", "))", "ä'ö", "\"\"\""] {
            split_list(text);
            without_outer_parentheses(text);
            possible_columns(text);
        }
    }
}
