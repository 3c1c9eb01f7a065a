//! Statement texts without values: what a manifest or a report may hold. Understands no grammar beyond tokens.

use crate::sql::tokens::{Token, TokenKind, tokens};

/// `sql` with every literal replaced by the next free parameter, as pg_stat_statements does, comments removed and
/// white space collapsed. Numbers that are positions in ORDER BY and GROUP BY or modifiers of types (`numeric(10, 2)`)
/// stay: they are no values, and no parameter can stand there. `None` when the text does not end its quotes.
pub fn without_values(sql: &str) -> Option<String> {
    let tokens = tokens(sql);
    if tokens.iter().any(|token| token.is_unterminated) {
        return None;
    }
    let highest = tokens.iter().filter_map(|token| token.parameter(sql)).max().unwrap_or(0);
    let mut next_parameter = highest + 1;
    let mut positions = ListOfPositions::default();
    let mut text = String::with_capacity(sql.len());
    let mut modifiers = TypeModifiers::default();
    for token in &tokens {
        let is_position = positions.advance(token, token.text(sql));
        let is_modifier = modifiers.advance(token, token.text(sql));
        match token.kind {
            TokenKind::Space | TokenKind::Comment => {
                if !text.ends_with(' ') && !text.is_empty() {
                    text.push(' ');
                }
            }
            TokenKind::String => push_parameter(&mut text, &mut next_parameter),
            TokenKind::Number if !is_position && !is_modifier => push_parameter(&mut text, &mut next_parameter),
            _ => text.push_str(token.text(sql)),
        }
    }
    Some(text.trim_end_matches([' ', ';']).to_owned())
}

fn push_parameter(text: &mut String, next: &mut u32) {
    text.push_str(&format!("${next}"));
    *next += 1;
}

/// Whether a number stands where ORDER BY or GROUP BY name an output column by its position: right after `BY`, or
/// after a comma of that list.
#[derive(Default)]
struct ListOfPositions {
    depth: usize,
    list_depth: Option<usize>,
    expects_item: bool,
}

impl ListOfPositions {
    /// Takes the next token; true when it is a position.
    fn advance(&mut self, token: &Token, text: &str) -> bool {
        match token.kind {
            TokenKind::Space | TokenKind::Comment => return false,
            TokenKind::Number => {
                let is_position = self.expects_item && text.bytes().all(|b| b.is_ascii_digit());
                self.expects_item = false;
                return is_position;
            }
            TokenKind::Word if text.eq_ignore_ascii_case("by") => {
                self.list_depth = Some(self.depth);
                self.expects_item = true;
                return false;
            }
            TokenKind::Word if ends_list(text) && self.list_depth == Some(self.depth) => self.list_depth = None,
            TokenKind::Punctuation => match text {
                "(" | "[" => self.depth += 1,
                ")" | "]" => {
                    self.depth = self.depth.saturating_sub(1);
                    self.list_depth = self.list_depth.filter(|depth| *depth <= self.depth);
                }
                "," if self.list_depth == Some(self.depth) => {
                    self.expects_item = true;
                    return false;
                }
                _ => {}
            },
            _ => {}
        }
        self.expects_item = false;
        false
    }
}

/// Whether a number is a type's modifier: in the parentheses after a type that takes some, or after any name that `::`
/// introduces.
#[derive(Default)]
struct TypeModifiers {
    previous: Word,
    is_inside: bool,
}

/// What came before, as far as types are concerned.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Word {
    #[default]
    Other,
    Cast,
    Type,
}

impl TypeModifiers {
    /// Takes the next token; true when it is a number inside a type's modifiers.
    fn advance(&mut self, token: &Token, text: &str) -> bool {
        let word = match token.kind {
            TokenKind::Space | TokenKind::Comment => return false,
            TokenKind::Number => return self.is_inside,
            TokenKind::Punctuation if text == "(" => {
                self.is_inside = self.previous == Word::Type;
                Word::Other
            }
            TokenKind::Punctuation if text == "," => return false,
            TokenKind::Punctuation if text == "::" => Word::Cast,
            TokenKind::Word | TokenKind::QuotedIdentifier if self.previous == Word::Cast || takes_modifiers(text) => {
                Word::Type
            }
            // A qualified name goes on: `::pg_catalog.varchar(20)`.
            TokenKind::Punctuation if text == "." && self.previous == Word::Type => Word::Cast,
            _ => Word::Other,
        };
        if text != "(" {
            self.is_inside = false;
        }
        self.previous = word;
        false
    }
}

/// The last words of the names of built-in types that take modifiers.
fn takes_modifiers(word: &str) -> bool {
    const TYPES: [&str; 16] = [
        "varchar",
        "char",
        "character",
        "varying",
        "nchar",
        "bpchar",
        "numeric",
        "decimal",
        "dec",
        "bit",
        "varbit",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
    ];
    word.eq_ignore_ascii_case("float") || TYPES.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Keywords that can follow an ORDER BY or GROUP BY list.
fn ends_list(word: &str) -> bool {
    const AFTER: [&str; 12] = [
        "having",
        "window",
        "union",
        "intersect",
        "except",
        "order",
        "limit",
        "offset",
        "fetch",
        "for",
        "rows",
        "range",
    ];
    AFTER.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_parameters_after_those_there_are() {
        assert_eq!(
            without_values(
                "SELECT a1, \"b'2\" FROM t  -- secret 1\nWHERE x = $3 AND y = 'O''Neil' /* 4 */ AND z > 4.5;"
            )
            .as_deref(),
            Some("SELECT a1, \"b'2\" FROM t WHERE x = $3 AND y = $4 AND z > $5")
        );
        assert_eq!(without_values("SELECT E'a\\'b', $x$secret$x$").as_deref(), Some("SELECT $1, $2"));
        assert_eq!(without_values("SELECT 'a"), None);
    }

    #[test]
    fn positions_stay() {
        assert_eq!(
            without_values(
                "SELECT a, sum(b) FROM t GROUP BY 1, lower(c || 'x'), 2 ORDER BY 2 DESC, 1 LIMIT 10 OFFSET 20"
            )
            .as_deref(),
            Some("SELECT a, sum(b) FROM t GROUP BY 1, lower(c || $1), 2 ORDER BY 2 DESC, 1 LIMIT $2 OFFSET $3")
        );
        assert_eq!(
            without_values("SELECT rank() OVER (PARTITION BY a ORDER BY 1), 5, 6 FROM t").as_deref(),
            Some("SELECT rank() OVER (PARTITION BY a ORDER BY 1), $1, $2 FROM t")
        );
    }

    #[test]
    fn modifiers_of_types_stay() {
        assert_eq!(
            without_values(
                "SELECT CAST(a AS numeric(10, 2)), b::varchar(255), c::pg_catalog.\"varchar\"(20) || 'x', \
                 d::character varying(9), e::vector(3) <-> $1, round(f, 2), timestamp(3) '2024-01-01', (7)::int, g::int = 8"
            )
            .as_deref(),
            Some(
                "SELECT CAST(a AS numeric(10, 2)), b::varchar(255), c::pg_catalog.\"varchar\"(20) || $2, \
                 d::character varying(9), e::vector(3) <-> $1, round(f, $3), timestamp(3) $4, ($5)::int, g::int = $6"
            )
        );
    }

    #[test]
    fn no_value_is_left() {
        let sql = "INSERT INTO t VALUES (1, 'a', E'b', B'1', x'ff', N'c', U&'d', .5, 1e9, $q$e$q$, -7)";
        let redacted = without_values(sql).unwrap();
        assert_eq!(redacted, "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, -$11)");
    }
}
