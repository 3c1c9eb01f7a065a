//! Whether a column or an expression can be the key of a btree index, and with which operator class.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget, quote_identifier};
use crate::snapshot::{Catalog, Column, Relation};
use crate::sql::{Qual, collated_column};

/// Mean bytes of a value above which no key is made of it: a btree entry holds at most 2704 bytes
/// (`BTMaxItemSize`), one longer value makes CREATE INDEX fail, and a third of that on average promises one.
const KEY_BYTES_MAX: i32 = 900;

/// Distinct values of a column below which an expression over it tells too few rows apart: the planner, without
/// statistics of the expression, would assume 200 (`DEFAULT_NUM_DISTINCT`) and overrate the index.
const EXPRESSION_DISTINCT_MIN: f64 = 50.0;

static CAST_OF_COLUMN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?ix) ^ \(* \s* (?: cast \s* \( .* \s as \s .* \) | [\w."$]+ \s* \)* \s* (:: [\w\s().,"\[\]]+)+ ) \)* $"#,
    )
    .ok()
});

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z_][A-Za-z0-9_]*").ok());

/// How a key column is used, as far as the operator class depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Compared, sorted.
    Plain,
    /// `LIKE` with a fixed start.
    Prefix,
}

/// The key column for `target`, ascending.
///
/// # Errors
/// Why no btree index can be made of it, as a clause: `type json has no btree operator class`.
pub fn key_for(
    catalog: &Catalog<'_>,
    relation: &Relation,
    target: &IndexTarget,
    use_: KeyUse,
) -> Result<IndexColumn, String> {
    match target {
        IndexTarget::Column(name) => {
            let column = relation.column(name).ok_or_else(|| format!("column {name} is unknown"))?;
            column_key(column, use_)
        }
        IndexTarget::Expression(sql) => {
            if let Some((name, collation)) = collated_column(sql, relation) {
                return collated_key(catalog, relation, &name, &collation, use_);
            }
            check_expression(catalog, relation, sql)?;
            let mut key = IndexColumn::ascending(target.clone());
            if use_ == KeyUse::Prefix {
                key.opclass = Some("text_pattern_ops".to_owned());
            }
            Ok(key)
        }
    }
}

/// The key of a column that is compared by another collation than its own: CREATE INDEX makes of `(c COLLATE x)` the column
/// with that collation (`ComputeIndexAttrs`).
fn collated_key(
    catalog: &Catalog<'_>,
    relation: &Relation,
    name: &str,
    collation: &str,
    use_: KeyUse,
) -> Result<IndexColumn, String> {
    let column = relation.column(name).ok_or_else(|| format!("column {name} is unknown"))?;
    let collation = collation.strip_prefix("pg_catalog.").unwrap_or(collation);
    let own = &catalog.snapshot().schema.collations;
    if collation.contains('.') || own.iter().any(|own| quote_identifier(&own.name.name) == collation) {
        return Err(format!("collation {collation} is the database's own: no index by it is proposed"));
    }
    let is_bytewise = collation == "\"C\"" || collation == "\"POSIX\"";
    let key = column_key(column, if is_bytewise { KeyUse::Plain } else { use_ })?;
    Ok(IndexColumn { collation: Some(collation.to_owned()), ..key })
}

fn column_key(column: &Column, use_: KeyUse) -> Result<IndexColumn, String> {
    if !column.has_btree_opclass {
        return Err(format!("type {} has no btree operator class", column.type_sql));
    }
    if is_too_wide(column) {
        return Err(format!("values of {} are too long for a btree index", column.name));
    }
    let mut key = IndexColumn::ascending(IndexTarget::Column(column.name.clone()));
    if use_ == KeyUse::Prefix && !column.collation_is_c {
        key.opclass = Some(pattern_class(column)?.to_owned());
    }
    Ok(key)
}

/// Whether values of the column are too long for a btree index.
pub fn is_too_wide(column: &Column) -> bool {
    column.best_statistics().is_some_and(|statistics| statistics.average_width > KEY_BYTES_MAX)
}

/// The operator class that compares byte by byte, so that `LIKE 'x%'` is a range. `text_pattern_ops` accepts
/// `character varying` too.
fn pattern_class(column: &Column) -> Result<&'static str, String> {
    match column.base_type.name.as_str() {
        "text" | "varchar" => Ok("text_pattern_ops"),
        "bpchar" => Ok("bpchar_pattern_ops"),
        other => Err(format!("type {other} has no operator class for LIKE")),
    }
}

fn check_expression(catalog: &Catalog<'_>, relation: &Relation, sql: &str) -> Result<(), String> {
    if CAST_OF_COLUMN.as_ref().is_some_and(|pattern| pattern.is_match(sql.trim())) {
        return Err("a cast hides the column: compare the column in its own type instead".to_owned());
    }
    let words: Vec<&str> =
        WORD.as_ref().map_or_else(Vec::new, |word| word.find_iter(sql).map(|m| m.as_str()).collect());
    if !crate::sql::is_indexable(sql, relation, catalog) {
        return Err("the expression is not known to be IMMUTABLE, or depends on a parameter".to_owned());
    }
    // With the blank: `<->` is a distance.
    let is_document = sql.contains(" ->") || sql.contains(" #>");
    let is_function = sql.trim_start_matches('(').split_once('(').is_some_and(|(name, _)| is_name(name));
    if !is_function && !is_document {
        return Err("an operator is applied to the column: compare the column itself instead".to_owned());
    }
    let columns: Vec<&Column> = words.iter().filter_map(|word| relation.column(word)).collect();
    let distinct = columns.iter().filter_map(|column| distinct_values(relation, column)).fold(None, f64_max);
    match distinct {
        Some(distinct) if distinct < EXPRESSION_DISTINCT_MIN && !is_document => {
            Err("the expression has few distinct values".to_owned())
        }
        _ => Ok(()),
    }
}

/// The definition with its expressions as existing indexes of the relation spell them.
pub fn spelled_as_existing<'d>(relation: &Relation, definition: &'d IndexDefinition) -> Cow<'d, IndexDefinition> {
    let existing = |sql: &str| {
        let keys = relation.indexes.iter().flat_map(|index| &index.definition.key_columns);
        let same = |key: &&IndexColumn| match &key.target {
            IndexTarget::Expression(known) => known != sql && crate::sql::same_expression(known, sql),
            IndexTarget::Column(_) => false,
        };
        keys.clone().find(same).map(|key| key.target.clone())
    };
    let mut spelled = Cow::Borrowed(definition);
    for (position, key) in definition.key_columns.iter().enumerate() {
        if let IndexTarget::Expression(sql) = &key.target
            && let Some(target) = existing(sql)
        {
            spelled.to_mut().key_columns[position].target = target;
        }
    }
    spelled
}

/// The index that a condition asks for as it stands, and why it cannot be or would not serve.
pub fn unindexable(relation: &Relation, qual: &Qual) -> (IndexDefinition, String) {
    let target = match &qual.target {
        IndexTarget::Column(name) => quote_identifier(name).into_owned(),
        IndexTarget::Expression(sql) => sql.clone(),
    };
    let gin = || IndexDefinition {
        access_method: AccessMethod::Gin,
        ..IndexDefinition::btree([IndexColumn::ascending(qual.target.clone())])
    };
    if qual.target.column().is_some() {
        let reason = format!("no index answers a value = ANY ({target}): {target} @> ARRAY[value] could use this one");
        return (gin(), reason);
    }
    let is_default_search = target.starts_with("to_tsvector(")
        && crate::sql::type_of_expression(&target, relation).as_deref() == Some("tsvector");
    if is_default_search {
        let reason = "to_tsvector of one argument depends on default_text_search_config and cannot be indexed: name the \
                      configuration, to_tsvector('english', …), in the statement too";
        return (gin(), reason.to_owned());
    }
    let reason = if target.contains('$') {
        "the expression depends on a parameter, or on a constant that pg_stat_statements hides: give the statement with its \
         constants in a --workload file"
            .to_owned()
    } else {
        "the expression is not known to be IMMUTABLE".to_owned()
    };
    (IndexDefinition::btree([IndexColumn::ascending(qual.target.clone())]), reason)
}

fn f64_max(a: Option<f64>, b: f64) -> Option<f64> {
    Some(a.map_or(b, |a| a.max(b)))
}

fn is_name(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'))
}

/// The distinct values of a column, where statistics say.
pub fn distinct_values(relation: &Relation, column: &Column) -> Option<f64> {
    let statistics = column.best_statistics()?;
    if statistics.n_distinct < 0.0 && relation.n_rows.is_none() {
        return None;
    }
    Some(statistics.distinct_values(relation.n_rows.unwrap_or(0.0)))
}
