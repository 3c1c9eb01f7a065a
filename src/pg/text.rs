//! Making text that came from a database safe to show: terminals, comments and one-line messages.

/// `text` on one line: every control character and every character that reorders or hides text becomes a space.
///
/// Newline *and carriage return* end a `--` comment for psql, an escape sequence drives a terminal, and bidirectional
/// overrides make a name read as another, so none of them may pass.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect()
}

/// `text` with unsafe characters blanked but line breaks and tabs kept, for text that is shown as a block.
pub fn block(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\n' && c != '\t' { ' ' } else { c }).collect()
}

/// `text` cut to at most `n_chars` characters, the last one `…` where something was cut.
pub fn abbreviate(text: &str, n_chars: usize) -> String {
    if text.chars().count() <= n_chars {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(n_chars.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// `a`, `a and b`, `a, b and c`
pub fn in_words(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Whether `name` is what the database has: bytes that are not valid UTF-8 (in databases of encoding SQL_ASCII) were
/// read as U+FFFD, so that a name holding one cannot be written in SQL.
pub fn is_representable(name: &str) -> bool {
    !name.contains(char::REPLACEMENT_CHARACTER)
}

/// Whether `c` is a control character, or reorders or hides text.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriage_return_newline_escape_and_bidi_become_spaces() {
        assert_eq!(one_line("a\r\nb\u{1b}c\u{202e}d\u{85}e"), "a  b c d e");
        assert_eq!(block("a\r\n\tb"), "a \n\tb");
    }

    #[test]
    fn lists_end_in_and() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([in_words(&names[..1]), in_words(&names[..2]), in_words(&names)], ["a", "a and b", "a, b and c"]);
    }

    #[test]
    fn abbreviates_by_characters_not_bytes() {
        assert_eq!(abbreviate("ääää", 3), "ää…");
        assert_eq!(abbreviate("ääää", 4), "ääää");
    }
}
