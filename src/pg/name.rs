//! Names of relations: a schema and a name, never one string that has to be split.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identifier::quote_identifier;

/// A relation's name with its schema, unquoted. Shown quoted as PostgreSQL would: `public."Order"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct RelationName {
    /// The schema (namespace), unquoted.
    pub schema: String,
    /// The relation's own name, unquoted.
    pub name: String,
}

impl RelationName {
    /// The name `schema.name`, both unquoted.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quote_identifier(&self.schema), quote_identifier(&self.name))
    }
}
