//! Reads what the server has to turn back into SQL, for which it opens the relation: index expressions and predicates,
//! check constraints, partition keys, views; and sizes. A relation that another session has locked is left out, and said.

use std::collections::{BTreeMap, BTreeSet};

use super::index_definition::Expressions;
use super::query::{
    CHECK_EXPRESSIONS, INDEX_EXPRESSIONS, PARTITION_KEYS, SIZES, STATISTICS_EXPRESSIONS, VIEW_DEFINITIONS,
};
use super::reader::{Guarded, Reader};
use crate::db::{Failure, Row, Transaction};
use crate::error::Result;
use crate::pg::Oid;

/// Relations in one transaction. Each is locked for a moment only.
const RELATIONS_MAX: usize = 1_000;
/// Views in one transaction: those and the relations that they read stay locked (ACCESS SHARE) until it ends, and the
/// server has room for few locks (`max_locks_per_transaction`, 64 by default).
const VIEWS_MAX: usize = 50;

/// The SQL of what belongs to relations.
#[derive(Default)]
pub(super) struct Definitions {
    /// By index.
    pub indexes: BTreeMap<Oid, Expressions>,
    /// Expressions of check constraints, by constraint.
    pub checks: BTreeMap<Oid, String>,
    /// Expressions of extended statistics, by object.
    pub statistics: BTreeMap<Oid, String>,
    /// By relation.
    pub partition_keys: BTreeMap<Oid, String>,
    /// Relations that were locked.
    pub refused: BTreeSet<Oid>,
}

/// The definitions of what belongs to `relations`, but not of views.
pub(super) fn read(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<Definitions> {
    let Guarded { values, refused } = reader.read_guarded(relations, RELATIONS_MAX, &read_piece)?;
    let mut definitions = Definitions { refused, ..Definitions::default() };
    for piece in values {
        definitions.indexes.extend(piece.indexes);
        definitions.checks.extend(piece.checks);
        definitions.statistics.extend(piece.statistics);
        definitions.partition_keys.extend(piece.partition_keys);
    }
    Ok(definitions)
}

fn read_piece(transaction: &mut Transaction<'_>, relations: &[Oid]) -> std::result::Result<Definitions, Failure> {
    let mut indexes = BTreeMap::new();
    for row in transaction.query(&INDEX_EXPRESSIONS, &[&relations])? {
        let read =
            Expressions { expressions: row.optional_text("expressions")?, predicate: row.optional_text("predicate")? };
        indexes.insert(row.get("index")?, read);
    }
    Ok(Definitions {
        indexes,
        checks: texts(&transaction.query(&CHECK_EXPRESSIONS, &[&relations])?, "oid", "expression")?,
        statistics: texts(&transaction.query(&STATISTICS_EXPRESSIONS, &[&relations])?, "oid", "expressions")?,
        partition_keys: texts(&transaction.query(&PARTITION_KEYS, &[&relations])?, "relation", "definition")?,
        refused: BTreeSet::new(),
    })
}

/// The queries of `views`, and the views that read, or are, a locked relation.
pub(super) fn read_views(reader: &mut Reader<'_>, views: &[Oid]) -> Result<(BTreeMap<Oid, String>, BTreeSet<Oid>)> {
    let guarded = reader.read_guarded(views, VIEWS_MAX, &|transaction, piece| {
        texts(&transaction.query(&VIEW_DEFINITIONS, &[&piece])?, "relation", "definition")
    })?;
    Ok((guarded.values.into_iter().flatten().collect(), guarded.refused))
}

/// The current sizes in blocks of `relations` and of their indexes, and the relations that are locked.
pub(super) fn read_blocks(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<(BTreeMap<Oid, u64>, BTreeSet<Oid>)> {
    let guarded = reader.read_guarded(relations, RELATIONS_MAX, &|transaction, piece| {
        let mut sizes = Vec::new();
        for row in transaction.query(&SIZES, &[&piece])? {
            sizes.push((row.get("oid")?, row.get::<i64>("n_pages")?.unsigned_abs()));
        }
        Ok(sizes)
    })?;
    Ok((guarded.values.into_iter().flatten().collect(), guarded.refused))
}

/// The texts of `rows` by oid; a NULL, of something dropped in between, is left out.
fn texts(rows: &[Row], oid: &str, text: &str) -> std::result::Result<BTreeMap<Oid, String>, Failure> {
    let mut texts = BTreeMap::new();
    for row in rows {
        if let Some(text) = row.optional_text(text)? {
            texts.insert(row.get(oid)?, text);
        }
    }
    Ok(texts)
}
