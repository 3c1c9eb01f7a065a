//! The keys that a column contributes to a GIN index, by its operator class. What is in the values is read by the
//! modules beside this one; here it is decided which of them, and NULLs are counted.

use super::pages::Keys;
use super::{array, json, text, trigram};
use crate::pg::{IndexColumn, IndexTarget};
use crate::whatif::selectivity::Fixed;
use crate::whatif::size::subject::Subject;
use crate::whatif::size::{btree, operator_class};

/// What an operator class makes of a value.
enum Extraction {
    Elements,
    Lexemes,
    JsonKeysAndValues,
    JsonPaths,
    Trigrams,
    /// The value itself: btree_gin.
    Value,
}

/// The keys of a key column, in all rows of the index.
///
/// # Errors
/// When there is no such column.
pub(super) fn of_column(subject: &Subject, key: &IndexColumn) -> Result<Vec<Keys>, String> {
    let part = subject.key(key)?;
    let n_null = subject.n_rows * part.null_fraction;
    let n_values = match subject.fixed(key.target.column()) {
        Some(Fixed::Null) => 0.0,
        _ => subject.n_rows - n_null,
    };
    let mut groups = match extraction(subject, key) {
        _ if n_values < 1.0 => Vec::new(),
        Extraction::Elements => array::keys(subject, key, n_values),
        Extraction::Lexemes => text::keys(subject, key, n_values),
        Extraction::JsonKeysAndValues => json::keys(subject, key, n_values, json::of_document),
        Extraction::JsonPaths => json::keys(subject, key, n_values, json::paths_of_document),
        Extraction::Trigrams => trigram::keys(subject, key, n_values),
        Extraction::Value => btree::groups_of_column(&part, n_values, 0.0)
            .into_iter()
            .map(|group| Keys {
                n_keys: group.n_groups,
                n_rows: group.n_rows,
                width: part.mean_width(),
                alignment: part.alignment as f64,
                order: part.correlation.powi(2),
            })
            .collect(),
    };
    if n_null >= 1.0 {
        // One entry for all NULLs (`GIN_CAT_NULL_ITEM`): a bitmap of NULLs and a byte instead of a key.
        groups.push(Keys { n_keys: 1.0, n_rows: n_null, width: 8.0, alignment: 8.0, order: 0.0 });
    }
    Ok(groups)
}

fn extraction(subject: &Subject, key: &IndexColumn) -> Extraction {
    match operator_class::name(key) {
        Some("jsonb_path_ops") => return Extraction::JsonPaths,
        Some("jsonb_ops") => return Extraction::JsonKeysAndValues,
        Some("gin_trgm_ops") => return Extraction::Trigrams,
        Some("tsvector_ops") => return Extraction::Lexemes,
        Some("array_ops" | "gin__int_ops") => return Extraction::Elements,
        _ => {}
    }
    let column = key.target.column().and_then(|name| subject.relation.column(name));
    match (column, &key.target) {
        (Some(column), _) if column.base_type.category == 'A' => Extraction::Elements,
        (Some(column), _) if column.base_type.name == "tsvector" => Extraction::Lexemes,
        (Some(column), _) if column.base_type.name == "jsonb" => Extraction::JsonKeysAndValues,
        (None, IndexTarget::Expression(sql)) if sql.contains("to_tsvector(") => Extraction::Lexemes,
        (None, IndexTarget::Expression(sql)) if sql.contains("string_to_array(") => Extraction::Elements,
        (None, IndexTarget::Expression(sql)) if sql.contains("->") && !sql.contains("->>") => {
            Extraction::JsonKeysAndValues
        }
        _ => Extraction::Value,
    }
}
