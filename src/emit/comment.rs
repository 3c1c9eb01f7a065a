//! Text inside `--` comments: whatever it is, it stays there. Knows nothing of what the comment says.

use crate::pg::text::{abbreviate, one_line};

/// The most characters of untrusted text in one comment: enough for any identifier, too little to bury the statement.
const COMMENT_CHARS_MAX: usize = 200;

/// What must not stand in a comment, because some reader of migrations sees it there: block comment marks, `;` (naive
/// splitters of statements), `?` (knex bindings), `${` (placeholders of Flyway, Liquibase and JavaScript); and what stands
/// there instead.
const MISREAD: [(&str, &str); 5] = [("*/", " "), ("/*", " "), (";", ","), ("?", " "), ("${", " ")];

/// `text` as it may stand in a comment: on one line, without anything a reader could take for more than a comment,
/// without a leading backslash, at most 200 characters.
pub fn comment_text(text: &str) -> String {
    let mut safe = one_line(text);
    for (misread, instead) in MISREAD {
        safe = safe.replace(misread, instead);
    }
    abbreviate(safe.trim().trim_start_matches('\\').trim(), COMMENT_CHARS_MAX)
}

/// The comment line `-- label     text`.
pub fn line(label: &str, text: &str) -> String {
    format!("-- {label:<9} {}\n", comment_text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_comment() {
        assert_eq!(comment_text("a\r\n\\! id; DROP"), "a  \\! id, DROP");
        assert_eq!(comment_text("\\! id"), "! id");
        assert_eq!(comment_text("**// ;; $${{x} ?"), "* / ,, $ {x}");
        assert_eq!(comment_text(&"x".repeat(500)).chars().count(), COMMENT_CHARS_MAX);
    }

    #[test]
    fn taking_one_mark_out_leaves_no_other() {
        for text in ["*/*/*", "/*/*/", "$;{", "*;/", "/?*"] {
            let safe = comment_text(text);
            assert!(MISREAD.iter().all(|(misread, _)| !safe.contains(misread)), "{text} -> {safe}");
        }
    }
}
