//! Index access methods (`pg_am`) and what each of them can do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An index access method.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub enum AccessMethod {
    /// Ordered; equality, ranges, sorting, uniqueness.
    Btree,
    /// Equality on one column.
    Hash,
    /// Inverted: containment, full text, trigrams.
    Gin,
    /// Generalised search tree: ranges, geometry, nearest neighbours.
    Gist,
    /// Space-partitioned search tree.
    Spgist,
    /// Block range summaries.
    Brin,
    /// An access method of an extension.
    Other(String),
}

impl AccessMethod {
    /// The name in `pg_am.amname`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Btree => "btree",
            Self::Hash => "hash",
            Self::Gin => "gin",
            Self::Gist => "gist",
            Self::Spgist => "spgist",
            Self::Brin => "brin",
            Self::Other(name) => name,
        }
    }

    /// Whether its indexes return rows in key order (`amcanorder`).
    pub fn is_ordered(&self) -> bool {
        matches!(self, Self::Btree)
    }
}

impl From<String> for AccessMethod {
    fn from(name: String) -> Self {
        match name.as_str() {
            "btree" => Self::Btree,
            "hash" => Self::Hash,
            "gin" => Self::Gin,
            "gist" => Self::Gist,
            "spgist" => Self::Spgist,
            "brin" => Self::Brin,
            _ => Self::Other(name),
        }
    }
}

impl From<AccessMethod> for String {
    fn from(method: AccessMethod) -> Self {
        method.as_str().to_owned()
    }
}

impl fmt::Display for AccessMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
