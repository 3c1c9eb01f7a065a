//! What pg_statistic keeps beside the values of a type: operators, element types. Asks the private server once for all.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Failure, WritableSession};
use crate::pg::Oid;

const VALUE_TYPES: &str = include_str!("queries/value_types.sql");

/// A type, as ANALYZE sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ValueType {
    /// `=`, 0 where the type has none.
    pub equality: Oid,
    /// `<`, 0 where the type has none.
    pub less_than: Oid,
    /// The type of an array's elements or a tsvector's lexemes.
    pub element: Option<Oid>,
    /// Whether it is tsvector, whose lexemes are compared in the database's own collation.
    pub is_tsvector: bool,
    /// The type of the bounds of ranges: the type itself, or the ranges of a multirange.
    pub range: Oid,
}

/// The types that occur.
#[derive(Debug, Default)]
pub(super) struct ValueTypes(BTreeMap<Oid, ValueType>);

impl ValueTypes {
    /// Reads `types` and the types of their elements.
    pub fn read(session: &mut WritableSession, types: &BTreeSet<Oid>) -> Result<Self, Failure> {
        let asked: Vec<Oid> = types.iter().copied().collect();
        let mut found = BTreeMap::new();
        for row in session.query(VALUE_TYPES, &[&asked])? {
            let value_type = ValueType {
                equality: row.get("equality")?,
                less_than: row.get("less_than")?,
                element: row.optional("element")?,
                is_tsvector: row.get("is_tsvector")?,
                range: row.get("range")?,
            };
            found.insert(row.get("oid")?, value_type);
        }
        Ok(Self(found))
    }

    /// What is known of a type.
    pub fn get(&self, value_type: Oid) -> Option<&ValueType> {
        self.0.get(&value_type)
    }

    /// With these types, for tests.
    #[cfg(test)]
    pub fn of(types: impl IntoIterator<Item = (Oid, ValueType)>) -> Self {
        Self(types.into_iter().collect())
    }
}
