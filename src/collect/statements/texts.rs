//! Reads the texts of statements, and keeps only those of application queries: no utility statements, which hold
//! passwords, and nothing that pgadvise sent itself. Does not parse.

use std::collections::BTreeMap;

use super::counters::Key;
use crate::collect::query::{MARK, STATEMENT_TEXTS};
use crate::db::{Failure, Transaction};
use crate::pg::QueryId;
use crate::sql::{self, TextClass};

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
        return Text::Own;
    }
    match sql::classify(&text) {
        TextClass::Plannable(_) => Text::Query(text),
        TextClass::Utility | TextClass::Empty => Text::Utility,
    }
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
