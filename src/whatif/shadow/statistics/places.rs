//! Where statistics go in the private database: its relations, columns and expressions by name, and their types. Changes
//! nothing.

use std::collections::BTreeMap;

use super::expressions;
use crate::db::{Failure, WritableSession};
use crate::pg::Oid;

const COLUMNS: &str = include_str!("queries/columns.sql");

/// A column, or the expression of an index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// The relation or index.
    pub relation: Oid,
    /// `attnum`.
    pub number: i16,
    /// The type of the values; `None` for an expression that this server refuses.
    pub value_type: Option<Oid>,
    /// Its collation, 0 where the type has none.
    pub collation: Oid,
}

/// The places by schema and name of the relation or index, then by column.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_relation: BTreeMap<(String, String), Vec<(String, Place)>>,
}

impl Places {
    /// Reads them all; expressions of the target are shown to `planner` only.
    pub fn read(session: &mut WritableSession, planner: &mut WritableSession) -> Result<Self, Failure> {
        let mut places = Self::default();
        let mut hidden = Vec::new();
        for row in session.query(COLUMNS, &[])? {
            let relation = (row.text("schema")?, row.text("relation")?);
            let place = Place {
                relation: row.get("oid")?,
                number: row.get("number")?,
                value_type: Some(row.get("type")?),
                collation: row.get("collation")?,
            };
            let indexed = row.optional_text("indexed_relation")?.zip(row.optional_text("expression")?);
            let column = row.text("name")?;
            if let Some((indexed, expression)) = indexed {
                hidden.push((
                    relation.clone(),
                    place.number,
                    expressions::Asked { relation: indexed, sql: vec![expression] },
                ));
            }
            places.by_relation.entry(relation).or_default().push((column, place));
        }
        places.find_types(planner, &hidden)?;
        Ok(places)
    }

    /// Gives expressions that an operator class hides their own types.
    fn find_types(&mut self, planner: &mut WritableSession, hidden: &[Hidden]) -> Result<(), Failure> {
        let asked: Vec<&expressions::Asked> = hidden.iter().map(|(_, _, asked)| asked).collect();
        let found = expressions::types(planner, &asked)?;
        for ((relation, number, _), types) in hidden.iter().zip(found) {
            let columns = self.by_relation.get_mut(relation).into_iter().flatten();
            for (_, place) in columns.filter(|(_, place)| place.number == *number) {
                let own = types.as_ref().and_then(|types| types.first());
                place.value_type = own.map(|own| own.value_type);
                place.collation = own.map_or(Oid(0), |own| own.collation);
            }
        }
        Ok(())
    }

    /// The column called `name`.
    pub fn column(&self, schema: &str, relation: &str, name: &str) -> Option<&Place> {
        self.of(schema, relation).iter().find(|(column, _)| column == name).map(|(_, place)| place)
    }

    /// The column with this number.
    pub fn numbered(&self, schema: &str, relation: &str, number: i16) -> Option<&Place> {
        self.of(schema, relation).iter().find(|(_, place)| place.number == number).map(|(_, place)| place)
    }

    fn of(&self, schema: &str, relation: &str) -> &[(String, Place)] {
        self.by_relation.get(&(schema.to_owned(), relation.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// An index, the number of its column, and the expression.
type Hidden = ((String, String), i16, expressions::Asked);
