//! Identifiers: quoting them as PostgreSQL's `quote_identifier` does (`ruleutils.c`), and cutting them to fit `NAMEDATALEN`.

use std::borrow::Cow;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::keyword;

/// The longest identifier in bytes: `NAMEDATALEN - 1` of a server built with its default.
pub const IDENTIFIER_BYTES_MAX: usize = 63;

/// `name` as it has to be written in SQL: unchanged when it is a plain lower-case word and no keyword, else quoted,
/// with every quote inside doubled.
pub fn quote_identifier(name: &str) -> Cow<'_, str> {
    if is_plain(name) && !keyword::needs_quotes(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// `text` as a string literal, safe whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!(" E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// A dollar quote, `$…$`, that does not occur in `text`.
pub fn dollar_quote(text: &str) -> String {
    let mut quote = "$pgadvise$".to_owned();
    let mut number = 0;
    while text.contains(&quote) {
        number += 1;
        quote = format!("$pgadvise{number}$");
    }
    quote
}

/// Cuts `stem` so that `stem` + `suffix` fits an identifier. Where something was cut, eight hexadecimal digits of a
/// hash of `identity` keep two long names apart, because the server would cut both silently to the same one.
pub fn fit_identifier(stem: &str, suffix: &str, identity: &str) -> String {
    if stem.len() + suffix.len() <= IDENTIFIER_BYTES_MAX {
        return format!("{stem}{suffix}");
    }
    let hash = format!("_{}", short_hash(identity));
    let mut end = IDENTIFIER_BYTES_MAX - suffix.len() - hash.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{hash}{suffix}", &stem[..end])
}

/// Eight hexadecimal digits that depend on `text` alone: the same on every machine and in every version.
pub fn short_hash(text: &str) -> String {
    format!("{:08x}", stable_hash(text) as u32)
}

/// A 64-bit hash that depends on `text` alone (SipHash 1-3 with a zero key).
pub fn stable_hash(text: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    matches!(bytes.next(), Some(b'a'..=b'z' | b'_')) && bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_postgresql_does() {
        for (name, quoted) in [
            ("orders", "orders"),
            ("userId", "\"userId\""),
            ("user", "\"user\""),
            ("Order Items", "\"Order Items\""),
            ("a\"b", "\"a\"\"b\""),
            ("1a", "\"1a\""),
            ("a$b", "\"a$b\""),
            ("größe", "\"größe\""),
            ("", "\"\""),
        ] {
            assert_eq!(quote_identifier(name), quoted);
        }
    }

    #[test]
    fn long_names_are_cut_on_a_character_and_kept_apart() {
        let a = fit_identifier(&"ä".repeat(40), "_idx", "one");
        let b = fit_identifier(&"ä".repeat(40), "_idx", "two");
        assert!(a.len() <= IDENTIFIER_BYTES_MAX && a.ends_with("_idx"));
        assert_ne!(a, b);
    }

    #[test]
    fn a_dollar_quote_does_not_end_early() {
        assert_eq!(dollar_quote("a"), "$pgadvise$");
        assert_eq!(dollar_quote("$pgadvise$ $pgadvise1$"), "$pgadvise2$");
    }

    #[test]
    fn literals_survive_quotes_and_backslashes() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'b"), " E'a\\\\''b'");
    }
}
