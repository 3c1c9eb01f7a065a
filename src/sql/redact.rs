//! An expression or definition without its constants: what people may be shown of a database's own definitions.

use super::tokens::{TokenKind, tokens};

/// What stands for a constant.
const CONSTANT: &str = "…";

/// `text` with every string and number replaced by an ellipsis: `(town = …::text)`. For reading, not for running.
pub fn without_constants(text: &str) -> String {
    let is_constant = |kind| matches!(kind, TokenKind::String | TokenKind::Number);
    tokens(text).iter().map(|token| if is_constant(token.kind) { CONSTANT } else { token.text(text) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_not_shown_and_names_are() {
        assert_eq!(
            without_constants(
                "USING btree (born, \"a 'b' 1\") WHERE ((town = 'x''y'::text) AND (n1 > 5.5) AND (z = E'\\'q'))"
            ),
            "USING btree (born, \"a 'b' 1\") WHERE ((town = …::text) AND (n1 > …) AND (z = …))"
        );
    }
}
