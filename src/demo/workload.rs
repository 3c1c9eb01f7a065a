//! Reads the demonstration's workload file: statements, how often each runs, and with which parameters. Runs nothing.

use crate::error::{Error, Result};

/// A statement of the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its name.
    pub name: String,
    /// Whether it is slow for a planted reason.
    pub is_planted: bool,
    /// How often it runs.
    pub n_calls: usize,
    /// Where its parameters come from.
    pub source: Source,
    /// The text, as the application sends it.
    pub sql: String,
}

/// Where the parameters of a statement come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// From a list of SQL expressions over `i`, the number of the call.
    Parameters(String),
    /// From a column of every row that another statement returned.
    Rows {
        /// The name of that statement.
        of: String,
        /// The column that `$1` is.
        column: String,
    },
}

/// Reads the file.
///
/// # Errors
/// `Internal` when a statement lacks a header, or follows one that is not there: the file is part of the program.
pub(super) fn parse(text: &str) -> Result<Vec<Statement>> {
    const START: &str = "-- statement: ";
    let statements: Vec<Statement> = text.split(START).skip(1).map(parse_one).collect::<Result<_>>()?;
    for statement in &statements {
        if let Source::Rows { of, .. } = &statement.source
            && !statements.iter().any(|other| other.name == *of)
        {
            return Err(wrong(&statement.name, &format!("follows the unknown statement {of}")));
        }
    }
    Ok(statements)
}

/// Reads one statement: its name, its headers, its text.
fn parse_one(text: &str) -> Result<Statement> {
    let (name, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (headers, body): (Vec<&str>, Vec<&str>) =
        rest.lines().filter(|line| !line.trim().is_empty()).partition(|line| line.starts_with("-- "));
    let header = |key: &str| headers.iter().find_map(|line| line.strip_prefix("-- ")?.strip_prefix(key));
    let n_calls = header("calls: ").and_then(|number| number.parse().ok()).ok_or_else(|| wrong(name, "lacks calls"))?;
    let rows = || {
        let (of, column) = header("for each: ")?.split_once(", ")?;
        Some(Source::Rows { of: of.to_owned(), column: column.to_owned() })
    };
    let parameters = header("parameters: ").map(|list| Source::Parameters(list.to_owned()));
    let sql = body.join("\n").trim_end_matches(';').to_owned();
    if sql.is_empty() {
        return Err(wrong(name, "lacks its text"));
    }
    Ok(Statement {
        name: name.to_owned(),
        is_planted: headers.contains(&"-- planted"),
        n_calls,
        source: parameters.or_else(rows).ok_or_else(|| wrong(name, "lacks parameters"))?,
        sql,
    })
}

fn wrong(name: &str, what: &str) -> Error {
    Error::internal(format!("statement {name} of the demonstration's workload {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workload_is_read_whole() {
        let statements = parse(super::super::WORKLOAD).expect("the workload is well-formed");
        assert_eq!(statements.len(), super::super::WORKLOAD.matches("-- statement: ").count());
        assert_eq!(statements.iter().filter(|statement| statement.is_planted).count(), 5);
        let items = statements.iter().find(|statement| statement.name == "order_items").expect("order_items");
        assert_eq!(items.source, Source::Rows { of: "order_list".to_owned(), column: "id".to_owned() });
        assert!(items.sql.starts_with("SELECT") && !items.sql.contains(';') && !items.sql.contains("--"));
    }

    #[test]
    fn what_is_missing_is_said() {
        for (text, what) in [
            ("-- statement: a\n-- parameters: 1\nSELECT 1;", "lacks calls"),
            ("-- statement: a\n-- calls: 1\nSELECT 1;", "lacks parameters"),
            ("-- statement: a\n-- calls: 1\n-- parameters: 1\n", "lacks its text"),
            ("-- statement: a\n-- calls: 1\n-- for each: b, id\nSELECT $1;", "unknown statement b"),
        ] {
            let error = parse(text).expect_err(what);
            assert!(error.message().contains(what), "{error}");
        }
    }
}
