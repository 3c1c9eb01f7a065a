//! Index definitions: what `CREATE INDEX` says after the name, as data.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod covers;

pub use covers::{KeyRoles, covers, is_duplicate, makes_redundant};

use super::access_method::AccessMethod;
use super::identifier::{quote_identifier, quote_literal};

/// What an index is, apart from its name and its relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct IndexDefinition {
    /// The access method.
    pub access_method: AccessMethod,
    /// Whether it enforces uniqueness.
    pub is_unique: bool,
    /// `NULLS NOT DISTINCT` (PostgreSQL 15 and later).
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// The key columns, leading column first.
    pub key_columns: Vec<IndexColumn>,
    /// The INCLUDE columns: carried for index-only scans, never searched.
    pub included_columns: Vec<String>,
    /// The predicate of a partial index, as `pg_get_expr` prints it, without the outer parentheses.
    pub predicate: Option<String>,
}

/// One key column of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct IndexColumn {
    /// The column or expression that is indexed.
    pub target: IndexTarget,
    /// `DESC`.
    #[serde(default)]
    pub descending: bool,
    /// `NULLS FIRST`; the default for `DESC`, not for `ASC`.
    #[serde(default)]
    pub nulls_first: bool,
    /// The operator class, qualified where it has to be; `None` for the type's default.
    #[serde(default)]
    pub opclass: Option<String>,
    /// The collation, quoted and qualified as SQL; `None` for the column's own.
    #[serde(default)]
    pub collation: Option<String>,
}

/// What a key column indexes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndexTarget {
    /// A column of the relation, by its unquoted name.
    Column(String),
    /// An expression over columns of the relation, as SQL without outer parentheses.
    Expression(String),
}

impl IndexDefinition {
    /// The same index without INCLUDE columns.
    pub fn without_included(&self) -> Self {
        Self { included_columns: Vec::new(), ..self.clone() }
    }

    /// A plain btree index over `columns`, ascending.
    pub fn btree<I>(columns: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<IndexColumn>,
    {
        Self {
            access_method: AccessMethod::Btree,
            is_unique: false,
            nulls_not_distinct: false,
            key_columns: columns.into_iter().map(Into::into).collect(),
            included_columns: Vec::new(),
            predicate: None,
        }
    }

    /// The names of the plain columns among the key columns, in key order.
    pub fn key_column_names(&self) -> impl Iterator<Item = &str> {
        self.key_columns.iter().filter_map(|key| key.target.column())
    }

    /// The definition as SQL, from `USING` on: `USING btree (customer_id, created_at DESC) WHERE deleted_at IS NULL`.
    pub fn body(&self) -> String {
        let keys: Vec<String> = self.key_columns.iter().map(ToString::to_string).collect();
        let mut sql = format!("USING {} ({})", quote_identifier(self.access_method.as_str()), keys.join(", "));
        if !self.included_columns.is_empty() {
            let columns: Vec<_> = self.included_columns.iter().map(|name| quote_identifier(name)).collect();
            sql.push_str(&format!(" INCLUDE ({})", columns.join(", ")));
        }
        if self.nulls_not_distinct {
            sql.push_str(" NULLS NOT DISTINCT");
        }
        if let Some(predicate) = &self.predicate {
            sql.push_str(&format!(" WHERE ({predicate})"));
        }
        sql
    }

    /// [`IndexDefinition::body`] with storage parameters (`name=value`) at the grammar's place: before the predicate.
    pub fn body_with_options(&self, options: &[String]) -> String {
        self.body_with_storage(options, None)
    }

    /// The same with the tablespace that it is put in, if that is not the database's own.
    pub fn body_with_storage(&self, options: &[String], tablespace: Option<&str>) -> String {
        let without_predicate = Self { predicate: None, ..self.clone() }.body();
        let predicate = self.predicate.as_ref().map(|sql| format!(" WHERE ({sql})")).unwrap_or_default();
        let options: Vec<String> = options.iter().map(|option| storage_parameter(option)).collect();
        let options = if options.is_empty() { String::new() } else { format!(" WITH ({})", options.join(", ")) };
        let tablespace = tablespace.map(|name| format!(" TABLESPACE {}", quote_identifier(name))).unwrap_or_default();
        format!("{without_predicate}{options}{tablespace}{predicate}")
    }
}

/// `name=value` of `pg_class.reloptions` as SQL.
fn storage_parameter(option: &str) -> String {
    match option.split_once('=') {
        Some((name, value)) => format!("{}={}", quote_identifier(name), quote_literal(value).trim_start()),
        None => quote_identifier(option).into_owned(),
    }
}

impl IndexColumn {
    /// `target` ascending, NULLs last, with the default operator class and collation.
    pub fn ascending(target: IndexTarget) -> Self {
        Self { target, descending: false, nulls_first: false, opclass: None, collation: None }
    }
}

impl From<&str> for IndexColumn {
    fn from(name: &str) -> Self {
        Self::ascending(IndexTarget::Column(name.to_owned()))
    }
}

impl From<String> for IndexColumn {
    fn from(name: String) -> Self {
        Self::ascending(IndexTarget::Column(name))
    }
}

impl From<IndexTarget> for IndexColumn {
    fn from(target: IndexTarget) -> Self {
        Self::ascending(target)
    }
}

impl fmt::Display for IndexColumn {
    /// As `pg_get_indexdef` prints a key column: only what differs from the default is said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.target)?;
        if let Some(collation) = &self.collation {
            write!(f, " COLLATE {collation}")?;
        }
        if let Some(opclass) = &self.opclass {
            write!(f, " {opclass}")?;
        }
        match (self.descending, self.nulls_first) {
            (false, false) => Ok(()),
            (false, true) => f.write_str(" NULLS FIRST"),
            (true, true) => f.write_str(" DESC"),
            (true, false) => f.write_str(" DESC NULLS LAST"),
        }
    }
}

impl IndexTarget {
    /// The column's name, or `None` for an expression.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column(name) => Some(name),
            Self::Expression(_) => None,
        }
    }
}

impl fmt::Display for IndexTarget {
    /// A quoted column name, or the expression in parentheses of its own (allowed around every expression).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(&quote_identifier(name)),
            Self::Expression(sql) => write!(f, "({sql})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_every_part_in_the_order_of_the_grammar() {
        let mut definition = IndexDefinition::btree(["customerId"]);
        definition.key_columns.push(IndexColumn {
            target: IndexTarget::Expression("lower(email)".into()),
            descending: true,
            nulls_first: false,
            opclass: Some("text_pattern_ops".into()),
            collation: Some("\"C\"".into()),
        });
        definition.included_columns.push("total".into());
        definition.predicate = Some("deleted_at IS NULL".into());
        assert_eq!(
            definition.body(),
            "USING btree (\"customerId\", (lower(email)) COLLATE \"C\" text_pattern_ops DESC NULLS LAST) INCLUDE (total) WHERE (deleted_at IS NULL)"
        );
    }
}
