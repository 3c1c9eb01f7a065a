//! Which indexes serve a foreign key: the scan for referencing rows that a DELETE or key UPDATE of a referenced row starts.

use super::Index;
use crate::pg::{AccessMethod, IndexDefinition, quote_identifier};

/// Whether `index` finds the rows that reference a given key through `columns`.
///
/// The trigger's query compares every column by `=` (`ri_triggers.c`, `RI_FKey_cascade_del` and its siblings), so the
/// columns have to be the leading ones in any order. A predicate is allowed only where equality implies it:
/// `column IS NOT NULL`. BRIN and GIN read too much of the relation for one key to count.
pub fn serves_foreign_key(index: &Index, columns: &[String]) -> bool {
    index.is_usable() && would_serve_foreign_key(&index.definition, columns)
}

/// The same for an index that is yet to be built.
pub fn would_serve_foreign_key(definition: &IndexDefinition, columns: &[String]) -> bool {
    let n_columns = columns.len();
    let is_able = match definition.access_method {
        AccessMethod::Btree => definition.key_columns.len() >= n_columns,
        AccessMethod::Hash => n_columns == 1 && definition.key_columns.len() == 1,
        _ => false,
    };
    is_able
        && definition.key_columns[..n_columns].iter().all(|key| {
            key.opclass.is_none() && key.target.column().is_some_and(|name| columns.iter().any(|c| c == name))
        })
        && columns
            .iter()
            .all(|name| definition.key_columns[..n_columns].iter().any(|key| key.target.column() == Some(name)))
        && definition.predicate.as_ref().is_none_or(|predicate| is_implied_by_equality(predicate, columns))
}

fn is_implied_by_equality(predicate: &str, columns: &[String]) -> bool {
    let bare = predicate.trim().trim_start_matches('(').trim_end_matches(')').trim();
    columns.iter().any(|column| bare == format!("{} IS NOT NULL", quote_identifier(column)))
}
