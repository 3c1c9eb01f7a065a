//! A text as a list of pieces that can be taken out and put in: the significant tokens, without their white space.

use super::super::tokens::{TokenKind, significant_tokens};

/// One token's text.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// What it is.
    pub kind: TokenKind,
    /// Its text.
    pub text: String,
}

/// The pieces of a statement.
#[derive(Debug)]
pub(super) struct Pieces {
    /// In order.
    pub list: Vec<Piece>,
}

impl Pieces {
    /// The pieces of `text`.
    pub fn of(text: &str) -> Self {
        let list = significant_tokens(text)
            .into_iter()
            .map(|token| Piece { kind: token.kind, text: token.text(text).to_owned() })
            .collect();
        Self { list }
    }

    /// The text: pieces with one space between them, so that no two tokens can be read as one.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.list.iter().map(|piece| piece.text.as_str()).collect();
        texts.join(" ")
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is a piece at `at`, and it is of this kind.
    pub fn is_kind(&self, at: usize, kind: TokenKind) -> bool {
        self.list.get(at).is_some_and(|piece| piece.kind == kind)
    }

    /// Whether the piece at `at` is the unquoted word `word`, in any case.
    pub fn is_word(&self, at: usize, word: &str) -> bool {
        self.list.get(at).is_some_and(|piece| piece.kind == TokenKind::Word && piece.text.eq_ignore_ascii_case(word))
    }

    /// Whether the pieces from `at` on are `words`.
    pub fn are_words(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is_word(at + n, word))
    }

    /// Whether the piece at `at` is one of `words`.
    pub fn is_one_of(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(at, word))
    }

    /// Whether the piece at `at` is the operator or punctuation `mark`.
    pub fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.list.get(at).is_some_and(|piece| {
            matches!(piece.kind, TokenKind::Operator | TokenKind::Punctuation) && piece.text == mark
        })
    }

    /// Whether the piece at `at` can be a name.
    pub fn is_name(&self, at: usize) -> bool {
        self.list.get(at).is_some_and(|piece| matches!(piece.kind, TokenKind::Word | TokenKind::QuotedIdentifier))
    }

    /// Where the parenthesis or bracket that opens at `at` closes.
    pub fn closing(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for n in at..self.len() {
            if self.is_mark(n, "(") || self.is_mark(n, "[") {
                depth += 1;
            } else if self.is_mark(n, ")") || self.is_mark(n, "]") {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(n);
                }
            }
        }
        None
    }

    /// Where the parenthesis or bracket that closes at `at` opens.
    pub fn opening(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for n in (0..=at).rev() {
            if self.is_mark(n, ")") || self.is_mark(n, "]") {
                depth += 1;
            } else if self.is_mark(n, "(") || self.is_mark(n, "[") {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(n);
                }
            }
        }
        None
    }

    /// Where the possibly qualified name that ends at `at` starts.
    pub fn start_of_name(&self, at: usize) -> usize {
        let mut start = at;
        while start >= 2 && self.is_mark(start - 1, ".") && self.is_name(start - 2) {
            start -= 2;
        }
        start
    }

    /// The piece after the possibly qualified name that starts at `at`.
    pub fn after_name(&self, at: usize) -> Option<usize> {
        let mut end = at;
        if !self.is_name(end) {
            return None;
        }
        end += 1;
        while self.is_mark(end, ".") && self.is_name(end + 1) {
            end += 2;
        }
        Some(end)
    }

    /// Puts `text`, one or several tokens, in the place of `range`.
    pub fn replace(&mut self, range: std::ops::Range<usize>, text: &str) {
        self.list.splice(range, Self::of(text).list);
    }
}
