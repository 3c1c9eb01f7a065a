//! Which columns an index looks at, and whether an UPDATE of them can still be HOT. Knows no statement and no rate.

use std::collections::BTreeSet;

use crate::pg::{AccessMethod, IndexDefinition, IndexTarget};
use crate::snapshot::Relation;

/// The first major version in which summarising indexes (BRIN) leave updates HOT (`RelationGetIndexAttrBitmap`).
const HOT_WITH_BRIN: u32 = 16;

/// Whether an UPDATE of its columns writes into every index: all but summarising ones, from 16 on.
pub(super) fn ends_hot(definition: &IndexDefinition, major: u32) -> bool {
    definition.access_method != AccessMethod::Brin || major < HOT_WITH_BRIN
}

/// Every column that an index looks at: key, INCLUDE, and those in expressions and the predicate.
pub fn indexed_columns(relation: &Relation, definition: &IndexDefinition) -> BTreeSet<String> {
    let mut columns: BTreeSet<String> = definition.included_columns.iter().cloned().collect();
    let mut expressions: Vec<&str> = definition.predicate.iter().map(String::as_str).collect();
    for key in &definition.key_columns {
        match &key.target {
            IndexTarget::Column(name) => {
                columns.insert(name.clone());
            }
            IndexTarget::Expression(sql) => expressions.push(sql),
        }
    }
    for column in &relation.columns {
        if expressions.iter().any(|sql| mentions(sql, &column.name)) {
            columns.insert(column.name.clone());
        }
    }
    columns
}

/// Whether an expression as PostgreSQL prints it names the column: as a word of its own, or quoted.
fn mentions(sql: &str, column: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    sql.match_indices(column).any(|(start, _)| {
        let before = sql[..start].chars().next_back();
        let after = sql[start + column.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_as_whole_words() {
        assert!(mentions("(deleted_at IS NULL)", "deleted_at"));
        assert!(mentions("lower((\"Email\")::text)", "Email"));
        assert!(!mentions("(undeleted_at IS NULL)", "deleted_at"));
        assert!(!mentions("(a1 > 0)", "a"));
    }

    #[test]
    fn summarising_indexes_leave_updates_hot_from_16_on() {
        let brin = IndexDefinition { access_method: AccessMethod::Brin, ..IndexDefinition::btree(["at"]) };
        assert!(ends_hot(&brin, 15) && !ends_hot(&brin, 16));
        assert!(ends_hot(&IndexDefinition::btree(["at"]), 18));
    }
}
