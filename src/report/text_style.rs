//! How text reports look: width, styles, headings, tables. Knows nothing of what they say.

use anstyle::{AnsiColor, Style as Ansi};
use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::peaker::Priority;
use tabled::settings::{Alignment, Padding, Style as Borders, Width};

use crate::pg::text::{is_unsafe, one_line};
use crate::rules::Severity;

/// The width where none is known, as of an old terminal.
pub const WIDTH_DEFAULT: usize = 80;

/// Below this a table is no longer readable, so it is allowed to be wider than the terminal.
const WIDTH_MIN: usize = 60;

/// Above this a line of prose is hard to follow.
const WIDTH_MAX: usize = 140;

/// The look of a text report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    width: usize,
    is_styled: bool,
}

impl Style {
    /// For standard output: as wide as the terminal, with styles, which `write_stdout` takes out again where standard
    /// output is no terminal or `NO_COLOR` is set.
    pub fn of_stdout() -> Self {
        let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        Self { is_styled: true, ..Self::plain(width.unwrap_or(WIDTH_DEFAULT)) }
    }

    /// For a file: `width` columns, no styles.
    pub fn plain(width: usize) -> Self {
        Self { width: width.clamp(WIDTH_MIN, WIDTH_MAX), is_styled: false }
    }

    /// `text` in `ansi`.
    pub(super) fn paint(self, ansi: Ansi, text: &str) -> String {
        if self.is_styled { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }

    /// A heading and a line break.
    pub(super) fn heading(self, text: &str) -> String {
        format!("\n{}\n", self.paint(Ansi::new().bold(), text))
    }

    /// `severity`, in its colour.
    pub(super) fn severity(self, severity: Severity) -> String {
        let (word, ansi) = match severity {
            Severity::Error => ("error", AnsiColor::Red.on_default().bold()),
            Severity::Warning => ("warning", AnsiColor::Yellow.on_default()),
            Severity::Note => ("note", AnsiColor::Cyan.on_default()),
        };
        self.paint(ansi, word)
    }

    /// `text`, wrapped at words to the width and indented by `indent` blanks; untrusted characters blanked.
    pub(super) fn paragraph(self, indent: usize, text: &str) -> String {
        let mut lines = String::new();
        for line in wrap(&one_line(text), self.width.saturating_sub(indent)) {
            lines.push_str(&format!("{:indent$}{line}\n", ""));
        }
        lines
    }

    /// Rows under a header as a table without borders, at most as wide as the terminal: the widest column wraps.
    /// Columns whose position is in `right` are aligned to the right.
    pub(super) fn table(self, header: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> String {
        let mut builder = Builder::default();
        builder.push_record(header.iter().copied());
        for row in rows {
            builder.push_record(row.iter().map(|cell| cell.replace(|c| is_unsafe(c) && c != '\n', " ")));
        }
        let mut table = builder.build();
        table.with(Borders::blank()).with(Padding::new(0, 1, 0, 0));
        for column in right {
            table.modify(Columns::one(*column), Alignment::right());
        }
        table.modify(Rows::first(), Alignment::left());
        table.with(Width::wrap(self.width.saturating_sub(2)).keep_words(true).priority(Priority::max(true)));
        let mut lines = String::new();
        for (position, line) in table.to_string().lines().enumerate() {
            let line = line.trim_end();
            let line = if position == 0 { self.paint(Ansi::new().dimmed(), line) } else { line.to_owned() };
            lines.push_str(&format!("  {line}\n"));
        }
        lines
    }
}

/// `text` cut at blanks into lines of at most `width` columns; a word that is longer has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// `1 index`, `2 indexes`
pub(super) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", crate::pg::number::number(n as f64), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        assert_eq!(wrap("aaa bb  cc dddddddd e", 6), ["aaa bb", "cc", "dddddddd", "e"]);
        let long = "word ".repeat(100);
        let table = Style::plain(70).table(&["a", "b"], vec![vec!["x".into(), long]], &[]);
        assert!(table.lines().all(|line| line.chars().count() <= 70), "{table}");
    }

    #[test]
    fn plain_has_no_escape_sequence_and_neither_have_cells() {
        let table = Style::plain(80).table(&["a"], vec![vec!["\u{1b}[31m\u{202e}x\r".into()]], &[]);
        assert!(!table.contains(['\u{1b}', '\u{202e}', '\r']), "{table:?}");
        assert!(Style { is_styled: true, ..Style::plain(80) }.heading("x").contains('\u{1b}'));
    }
}
