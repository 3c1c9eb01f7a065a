//! Reads the texts of statements, and keeps only those of application queries: no utility statements, which hold
//! passwords, and nothing that pgadvise sent itself. Does not parse.

use std::collections::BTreeMap;

use super::counters::Key;
use crate::collect::query::{MARK, STATEMENT_TEXTS};
use crate::db::{Failure, Transaction};
use crate::pg::QueryId;

/// The text of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// An application query.
    Query(String),
    /// A utility statement.
    Utility,
    /// A statement of pgadvise.
    Own,
    /// Longer than was asked for.
    TooLong,
    /// The server has lost it.
    Lost,
}

/// The texts of the rows of `queryids`.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    schema: &str,
    queryids: &[QueryId],
    n_bytes_max: usize,
) -> Result<BTreeMap<Key, Text>, Failure> {
    let mut texts = BTreeMap::new();
    let n_bytes_max = i64::try_from(n_bytes_max).unwrap_or(i64::MAX);
    transaction.query_each_in_schema(&STATEMENT_TEXTS, schema, &[&queryids, &n_bytes_max], |row| {
        let key = (row.get("queryid")?, row.get("userid")?, row.get("is_top_level")?);
        let length: Option<i32> = row.optional("n_bytes")?;
        let text = match (row.optional_text("text")?, length) {
            (Some(text), _) => kind(text),
            (None, Some(_)) => Text::TooLong,
            (None, None) => Text::Lost,
        };
        texts.insert(key, text);
        Ok(())
    })?;
    Ok(texts)
}

fn kind(text: String) -> Text {
    if text.contains(MARK) || text.contains("hypopg_") {
        Text::Own
    } else if is_query(&text) {
        Text::Query(text)
    } else {
        Text::Utility
    }
}

/// Whether a statement reads or changes rows: by its first word, so that whatever is not known to be harmless is taken
/// for a utility statement.
fn is_query(text: &str) -> bool {
    const WORDS: [&str; 8] = ["select", "insert", "update", "delete", "merge", "with", "values", "table"];
    let start = after_comments(text);
    let word: String = start.chars().take_while(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    WORDS.contains(&word.as_str())
}

/// The text from its first word on: without whitespace, comments and opening parentheses before it.
fn after_comments(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        if rest.starts_with("--") {
            rest = rest.find(['\n', '\r']).map_or("", |end| &rest[end..]);
        } else if rest.starts_with("/*") {
            rest = after_block_comment(rest);
        } else {
            return rest;
        }
    }
}

/// Block comments nest.
fn after_block_comment(text: &str) -> &str {
    let mut depth = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return &text[at..];
            }
        } else {
            at += 1;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_queries_are_kept() {
        for text in [
            "SELECT 1",
            "  (select $1) union (select $2)",
            "/* a /* nested */ comment */ with x as (select 1) select * from x",
            "-- note\nUPDATE t SET a = $1",
            "VALUES ($1)",
            "table t",
            "MERGE INTO t USING s ON a = b WHEN MATCHED THEN DELETE",
        ] {
            assert_eq!(kind(text.to_owned()), Text::Query(text.to_owned()));
        }
        for text in [
            "create role x password 'canary'",
            "/* select */ alter user x password 'canary'",
            "DO $$ begin end $$",
            "COMMENT ON TABLE t IS 'canary'",
            "EXPLAIN SELECT 1",
            "selection",
            "-- select",
            "/* select",
            "",
            "BEGIN",
            "/",
        ] {
            assert_eq!(kind(text.to_owned()), Text::Utility, "{text}");
        }
    }

    #[test]
    fn our_own_statements_are_told_apart() {
        assert_eq!(kind("SELECT /* pgadvise:columns */ 1".to_owned()), Text::Own);
        assert_eq!(kind("SELECT hypopg_reset()".to_owned()), Text::Own);
    }
}
