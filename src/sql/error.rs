//! Why a text has no shape. Says names of relations and columns, never a value.

use std::fmt;

use crate::pg::identifier::quote_identifier;

/// Why a statement has no shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShapeError {
    /// The parser does not know a construct, or the text is truncated or too long; the reason in one line. Its quals
    /// can still be read from its plan.
    NotParsed(String),
    /// A relation that the catalog does not have: dropped since, or in a schema that is not searched.
    UnknownRelation(String),
    /// A column that no relation of the statement has: renamed since, or the text is truncated.
    UnknownColumn(String),
    /// It reads a system catalog.
    SystemRelation(String),
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotParsed(reason) => f.write_str(reason),
            Self::UnknownRelation(name) => write!(f, "relation {name} does not exist in the snapshot"),
            Self::UnknownColumn(name) => write!(f, "column {name} does not exist in the relations of the statement"),
            Self::SystemRelation(name) => write!(f, "it reads the system relation {name}"),
        }
    }
}

impl std::error::Error for ShapeError {}

/// A path of names as SQL.
pub(super) fn quoted(path: &[String]) -> String {
    let parts: Vec<_> = path.iter().map(|part| quote_identifier(part)).collect();
    parts.join(".")
}
