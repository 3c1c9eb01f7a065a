//! SQL files → statements, each with the `-- calls: N` before it. Knows quotes, dollar quotes and nested comments;
//! is no psql: what starts with a backslash is refused.

use super::tokens::{Token, TokenKind, tokens};

/// One statement of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileStatement {
    /// Its text, without the comments before it and the semicolon after it.
    pub text: String,
    /// The line on which it starts, from 1.
    pub line: usize,
    /// What `-- calls: N` before it says; `None` where nothing does.
    pub n_calls: Option<f64>,
}

/// Splits a file at its semicolons. A statement that lacks one at the end of the file counts.
///
/// # Errors
/// The line and what is wrong there: a backslash command of psql, a quote or comment that does not end, a number of
/// calls that is none.
pub fn split(text: &str) -> Result<Vec<FileStatement>, String> {
    let mut found = Vec::new();
    let mut splitter = Splitter { text, line: 1, first: None, end: 0, n_calls: None, depth: 0, words: Vec::new() };
    for token in tokens(text) {
        splitter.check(&token)?;
        if token.kind == TokenKind::Comment && splitter.first.is_none() {
            let stated = calls(token.text(text)).map_err(|wrong| format!("line {}: {wrong}", splitter.line))?;
            splitter.n_calls = stated.or(splitter.n_calls);
        } else if token.is_mark(text, ";") && splitter.depth == 0 {
            found.extend(splitter.take());
        } else if !token.is_trivia() {
            splitter.push(&token);
        }
        splitter.line += token.text(text).matches('\n').count();
    }
    found.extend(splitter.take());
    Ok(found)
}

struct Splitter<'t> {
    text: &'t str,
    /// The line of the current token.
    line: usize,
    /// Where the statement starts: the position and the line.
    first: Option<(usize, usize)>,
    /// Where its last token ends.
    end: usize,
    n_calls: Option<f64>,
    /// How many `BEGIN ATOMIC` and `CASE` are open in the body of a function: their semicolons end no statement.
    depth: usize,
    /// The statement's first word, and the word before the current token.
    words: Vec<String>,
}

impl Splitter<'_> {
    fn check(&self, token: &Token) -> Result<(), String> {
        if token.is_unterminated {
            return Err(format!(
                "line {}: a quoted string, a quoted identifier or a comment starts here and does not end",
                self.line
            ));
        }
        if token.is_mark(self.text, "\\") && (self.first.is_none() || self.opens_line(token)) {
            return Err(format!("line {}: a backslash command of psql is no SQL", self.line));
        }
        Ok(())
    }

    fn opens_line(&self, token: &Token) -> bool {
        let before = self.text[..token.range.start].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with('\n')
    }

    fn push(&mut self, token: &Token) {
        self.first.get_or_insert((token.range.start, self.line));
        self.end = token.range.end;
        let word =
            if token.kind == TokenKind::Word { token.text(self.text).to_ascii_lowercase() } else { String::new() };
        let previous = self.words.last().map_or("", String::as_str);
        let is_create = self.words.first().is_some_and(|first| first == "create");
        if is_create && word == "atomic" && previous == "begin" || self.depth > 0 && word == "case" {
            self.depth += 1;
        } else if word == "end" {
            self.depth = self.depth.saturating_sub(1);
        }
        self.words.truncate(1);
        self.words.push(word);
    }

    fn take(&mut self) -> Option<FileStatement> {
        let start = self.first.take();
        let n_calls = self.n_calls.take();
        self.words.clear();
        self.depth = 0;
        let (start, line) = start?;
        Some(FileStatement { text: self.text[start..self.end].to_owned(), line, n_calls })
    }
}

/// The N of a comment `-- calls: N`.
fn calls(comment: &str) -> Result<Option<f64>, String> {
    let body = comment.trim_start_matches(['-', '/', '*']).trim_end_matches(['/', '*']).trim();
    let Some(number) = body.strip_prefix("calls:").or_else(|| body.strip_prefix("calls =")) else { return Ok(None) };
    let number = number.split_whitespace().next().unwrap_or_default().replace(['_', ','], "");
    match number.parse::<f64>() {
        Ok(n_calls) if n_calls.is_finite() && n_calls > 0.0 => Ok(Some(n_calls)),
        _ => Err("\"calls:\" wants a number above 0, as in \"-- calls: 1200\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_semicolons_that_end_statements() {
        let file = "-- a shop\n-- calls: 1_200\nSELECT ';' FROM t; -- calls: 3\n/* ; */ SELECT $$;$$, $a$;$a$, \"x;y\"\n;;\n\
                    CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\n  UPDATE t SET a = 1";
        let found = split(file).unwrap();
        let shown: Vec<_> = found.iter().map(|one| (one.line, one.n_calls, one.text.lines().next().unwrap())).collect();
        assert_eq!(shown[0], (3, Some(1200.0), "SELECT ';' FROM t"));
        assert_eq!(shown[1], (4, Some(3.0), "SELECT $$;$$, $a$;$a$, \"x;y\""));
        assert!(shown[2].2.ends_with("SELECT 2; END") && shown[2].1.is_none());
        assert_eq!(shown[3], (7, None, "UPDATE t SET a = 1"));
        assert_eq!(shown.len(), 4);
        assert_eq!(split(" -- nothing\n;"), Ok(vec![]));
    }

    #[test]
    fn refuses_what_is_no_sql_with_the_line() {
        assert!(split("select 1;\n  \\i other.sql").unwrap_err().starts_with("line 2: a backslash command"));
        assert!(split("select 1;\nselect 'x").unwrap_err().starts_with("line 2:"));
        assert!(split("-- calls: many\nselect 1").unwrap_err().starts_with("line 1:"));
        assert!(split("-- calls: -1\nselect 1").is_err());
        assert!(split("select 1 /* x").is_err());
    }

    #[test]
    fn takes_time_in_proportion_to_the_file() {
        let file = format!("SELECT {}1;\n", "1,\n ".repeat(200_000)).repeat(2);
        let began = std::time::Instant::now();
        assert_eq!(split(&file).unwrap()[1].line, 200_002);
        assert!(began.elapsed().as_secs() < 20, "it took {:?}", began.elapsed());
    }
}
