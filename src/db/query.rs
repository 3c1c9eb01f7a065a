//! The statements that a session may send by itself: a name and a text that was written at compile time. Builds no SQL.

/// A statement of the allow-list. Made only as a `const` whose text is `include_str!` of a commented file, so that the
/// files are the whole list of what is sent (docs/safety.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// What it reads, for error messages: `column statistics`.
    pub name: &'static str,
    /// Its text, with `$1` … for parameters. Its result columns must be of built-in types: for any other,
    /// tokio_postgres would prepare a named statement, which leaks through a transaction pooler.
    pub sql: &'static str,
}
