//! Statement texts without values: what a manifest or a report may hold. Understands no grammar beyond tokens.

use super::lexer::{Token, TokenKind, tokens};

/// `sql` with every literal replaced by the next free parameter, as pg_stat_statements does, comments removed and
/// white space collapsed. Numbers that are positions in ORDER BY and GROUP BY stay: they are no values, and a
/// parameter there would mean something else. `None` when the text does not end inside its quotes.
pub fn without_values(sql: &str) -> Option<String> {
    let tokens = tokens(sql);
    if tokens.iter().any(|token| token.kind == TokenKind::Unterminated) {
        return None;
    }
    let mut next_parameter = highest_parameter(&tokens) + 1;
    let mut positions = ListOfPositions::default();
    let mut text = String::with_capacity(sql.len());
    for token in &tokens {
        let is_position = positions.advance(token);
        match token.kind {
            TokenKind::Space | TokenKind::Comment => {
                if !text.ends_with(' ') && !text.is_empty() {
                    text.push(' ');
                }
            }
            TokenKind::String | TokenKind::PrefixedString | TokenKind::DollarString => {
                push_parameter(&mut text, &mut next_parameter);
            }
            TokenKind::Number if !is_position => push_parameter(&mut text, &mut next_parameter),
            _ => text.push_str(token.text),
        }
    }
    Some(text.trim_end_matches([' ', ';']).to_owned())
}

fn push_parameter(text: &mut String, next: &mut u32) {
    text.push_str(&format!("${next}"));
    *next += 1;
}

fn highest_parameter(tokens: &[Token<'_>]) -> u32 {
    let parameters = tokens.iter().filter(|token| token.kind == TokenKind::Parameter);
    parameters.filter_map(|token| token.text[1..].parse().ok()).max().unwrap_or(0)
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
    fn advance(&mut self, token: &Token<'_>) -> bool {
        match token.kind {
            TokenKind::Space | TokenKind::Comment => return false,
            TokenKind::Number => {
                let is_position = self.expects_item && token.text.bytes().all(|b| b.is_ascii_digit());
                self.expects_item = false;
                return is_position;
            }
            TokenKind::Word if token.text.eq_ignore_ascii_case("by") => {
                self.list_depth = Some(self.depth);
                self.expects_item = true;
                return false;
            }
            TokenKind::Word if ends_list(token.text) && self.list_depth == Some(self.depth) => self.list_depth = None,
            TokenKind::Symbol => match token.text {
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
    fn no_value_is_left() {
        let sql = "INSERT INTO t VALUES (1, 'a', E'b', B'1', x'ff', N'c', U&'d', .5, 1e9, $q$e$q$, -7)";
        let redacted = without_values(sql).unwrap();
        assert_eq!(redacted, "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, -$11)");
    }
}
