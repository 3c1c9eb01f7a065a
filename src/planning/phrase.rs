//! The tokens of a statement without white space and comments, each with its depth in parentheses: enough to find
//! clauses in texts that no parser reads. Knows no grammar.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::sql::tokens::{Token, TokenKind, identifier, significant_tokens};

/// A text and its significant tokens.
pub(super) struct Phrase<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    depths: Vec<usize>,
}

impl<'t> Phrase<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let tokens = significant_tokens(text);
        let mut open = 0_usize;
        let mut depths = Vec::with_capacity(tokens.len());
        for token in &tokens {
            if token.is_mark(text, ")") || token.is_mark(text, "]") {
                open = open.saturating_sub(1);
            }
            // A bracket stands outside of what it encloses.
            depths.push(open);
            if token.is_mark(text, "(") || token.is_mark(text, "[") {
                open += 1;
            }
        }
        Self { text, tokens, depths }
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// How many brackets are open around the token `at`.
    pub(super) fn depth(&self, at: usize) -> usize {
        self.depths.get(at).copied().unwrap_or_default()
    }

    /// Whether the token `at` is the unquoted word `word`.
    pub(super) fn is_word(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_word(self.text, word))
    }

    /// Whether the token `at` is one of the unquoted words `words`.
    pub(super) fn is_one_of(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(at, word))
    }

    /// Whether the tokens from `at` on are the unquoted words `words`.
    pub(super) fn are_words(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| self.is_word(at + offset, word))
    }

    /// Whether the token `at` is the punctuation `mark`.
    pub(super) fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_mark(self.text, mark))
    }

    /// Whether the token `at` is a name: quoted or not, keywords included.
    pub(super) fn is_name(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdentifier))
    }

    /// Whether the token `at` is a string, a number or a parameter.
    pub(super) fn is_constant(&self, at: usize) -> bool {
        let kind = self.tokens.get(at).map(|token| token.kind);
        matches!(kind, Some(TokenKind::String | TokenKind::Number | TokenKind::Parameter))
    }

    /// Every name in the text, unquoted and folded: of columns and functions, and keywords.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let is_name = |at: &usize| self.is_name(*at);
        (0..self.len()).filter(is_name).map(|at| identifier(&self.tokens[at], self.text)).collect()
    }

    /// The number of the parameter `at`.
    pub(super) fn parameter(&self, at: usize) -> Option<u32> {
        self.tokens.get(at).and_then(|token| token.parameter(self.text))
    }

    /// The token `at`.
    pub(super) fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    /// The text of the token `at`.
    pub(super) fn token_text(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    /// The text from the first to the last of `tokens`, with what stands between them.
    pub(super) fn text_of(&self, tokens: Range<usize>) -> &'t str {
        if tokens.is_empty() || tokens.end > self.len() {
            return "";
        }
        &self.text[self.tokens[tokens.start].range.start..self.tokens[tokens.end - 1].range.end]
    }

    /// The byte range of the tokens.
    pub(super) fn bytes_of(&self, tokens: Range<usize>) -> Range<usize> {
        if tokens.is_empty() || tokens.end > self.len() {
            return 0..0;
        }
        self.tokens[tokens.start].range.start..self.tokens[tokens.end - 1].range.end
    }

    /// The token that the `position`-th character (counted from 1, as the server does) belongs to.
    pub(super) fn at_position(&self, position: usize) -> Option<usize> {
        let (byte, _) = self.text.char_indices().nth(position.checked_sub(1)?)?;
        self.tokens.iter().position(|token| token.range.contains(&byte))
    }

    /// The first token in `tokens` that stands in as many brackets as their first and that `found` accepts.
    pub(super) fn find(&self, tokens: Range<usize>, found: impl Fn(usize) -> bool) -> Option<usize> {
        let depth = self.depth(tokens.start);
        tokens.into_iter().find(|at| self.depth(*at) == depth && found(*at))
    }

    /// The bracket that closes the one at `open`; the end of the text where there is none.
    pub(super) fn closing(&self, open: usize) -> usize {
        let depth = self.depth(open);
        let is_closing = |at: &usize| self.depth(*at) == depth && (self.is_mark(*at, ")") || self.is_mark(*at, "]"));
        (open + 1..self.len()).find(is_closing).unwrap_or(self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_stand_outside_of_what_they_enclose() {
        let phrase = Phrase::new("f(a[1], 'x') /* ( */ + g");
        let depths: Vec<usize> = (0..phrase.len()).map(|at| phrase.depth(at)).collect();
        assert_eq!(depths, [0, 0, 1, 1, 2, 1, 1, 1, 0, 0, 0]);
        assert_eq!(phrase.closing(1), 8);
        assert_eq!(phrase.text_of(2..6), "a[1]");
    }

    #[test]
    fn positions_count_characters() {
        let phrase = Phrase::new("größe = $1");
        assert_eq!(phrase.at_position(9).and_then(|at| phrase.parameter(at)), Some(1));
        assert_eq!(phrase.at_position(99), None);
    }
}
