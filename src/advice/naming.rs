//! Names for new indexes: the one that PostgreSQL would choose (`ChooseIndexName`), made to fit and free of collisions.

use std::collections::BTreeSet;

use crate::pg::identifier::fit_identifier;
use crate::pg::{IndexDefinition, IndexTarget, RelationName};
use crate::snapshot::Snapshot;

/// Names that are taken, by schema: relations and indexes share one namespace.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<(String, String)>);

impl Names {
    /// The names of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut names = Self::default();
        for relation in &snapshot.relations {
            names.take(&relation.name.schema, &relation.name.name);
            for index in &relation.indexes {
                names.take(&relation.name.schema, &index.name);
            }
            for constraint in &relation.constraints {
                names.take(&relation.name.schema, &constraint.name);
            }
        }
        for other in &snapshot.other_names {
            names.take(&other.schema, &other.name);
        }
        names
    }

    fn take(&mut self, schema: &str, name: &str) -> bool {
        self.0.insert((schema.to_owned(), name.to_owned()))
    }

    /// A name for a new index, which is taken from now on: `table_columns_idx`, with a number where that is taken.
    pub fn choose(&mut self, relation: &RelationName, definition: &IndexDefinition) -> String {
        let stem = stem(relation, definition);
        let identity = format!("{relation} {}", definition.body());
        let mut attempt = 0_u32;
        loop {
            let suffix = if attempt == 0 { "_idx".to_owned() } else { format!("_idx{attempt}") };
            let name = fit_identifier(&stem, &suffix, &identity);
            if self.take(&relation.schema, &name) {
                return name;
            }
            attempt += 1;
        }
    }
}

fn stem(relation: &RelationName, definition: &IndexDefinition) -> String {
    let keys = definition.key_columns.iter().map(|key| match &key.target {
        IndexTarget::Column(name) => name.clone(),
        IndexTarget::Expression(sql) => expression_name(sql),
    });
    let parts: Vec<String> = keys.chain(definition.included_columns.iter().cloned()).collect();
    format!("{}_{}", relation.name, parts.join("_"))
}

/// The name of the outermost function, as `FigureIndexColname` takes it; `expr` where there is none.
fn expression_name(sql: &str) -> String {
    let name: String = sql.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let is_call = sql.get(name.len()..).is_some_and(|rest| rest.starts_with('('));
    if is_call && !name.is_empty() { name } else { "expr".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::identifier::IDENTIFIER_BYTES_MAX;

    fn choose(names: &mut Names, table: &str, columns: &[&str]) -> String {
        names.choose(&RelationName::new("public", table), &IndexDefinition::btree(columns.iter().copied()))
    }

    #[test]
    fn names_are_postgresqls_own_and_numbered_when_taken() {
        let mut names = Names::default();
        assert_eq!(choose(&mut names, "orders", &["customer_id", "created_at"]), "orders_customer_id_created_at_idx");
        assert_eq!(choose(&mut names, "orders", &["customer_id", "created_at"]), "orders_customer_id_created_at_idx1");
        let expression = IndexDefinition::btree([IndexTarget::Expression("lower(email)".into())]);
        assert_eq!(names.choose(&RelationName::new("public", "users"), &expression), "users_lower_idx");
        let json = IndexDefinition::btree([IndexTarget::Expression("data ->> 'kind'".into())]);
        assert_eq!(names.choose(&RelationName::new("public", "ev"), &json), "ev_expr_idx");
    }

    #[test]
    fn long_names_fit_and_stay_apart_and_the_same() {
        let long = "a".repeat(60);
        let (mut first, mut second) = (Names::default(), Names::default());
        let one = choose(&mut first, &long, &["customer_id"]);
        let two = choose(&mut first, &long, &["created_at"]);
        assert!(one.len() <= IDENTIFIER_BYTES_MAX && two.len() <= IDENTIFIER_BYTES_MAX);
        assert_ne!(one, two);
        assert_eq!(choose(&mut second, &long, &["customer_id"]), one);
    }

    #[test]
    fn the_same_name_is_free_in_another_schema() {
        let mut names = Names::default();
        let definition = IndexDefinition::btree(["a"]);
        assert_eq!(names.choose(&RelationName::new("t1", "o"), &definition), "o_a_idx");
        assert_eq!(names.choose(&RelationName::new("t2", "o"), &definition), "o_a_idx");
    }
}
