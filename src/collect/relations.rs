//! Reads the relations, without what belongs to them, and the other names that are taken. Opens no relation.

use std::collections::BTreeSet;

use super::query::{OTHER_NAMES, RELATIONS};
use super::reader::Reader;
use crate::db::{Failure, Row};
use crate::error::Result;
use crate::pg::{Oid, RelationName};
use crate::snapshot::{Declaration, Persistence, Relation, RelationKind};

/// Rows in one page: a page of relations is about 3 MB here, and a fraction of a second on the server.
const PAGE_ROWS: i64 = 10_000;
/// The first version that tells a relation never analysed (−1 rows) from an empty one.
const UNKNOWN_ROWS_SINCE: u32 = 14;

/// The relations of the database.
pub(super) struct ReadRelations {
    /// All of them, by schema and name.
    pub relations: Vec<Relation>,
    /// Those that hide their statistics from the role by row level security.
    pub hidden: BTreeSet<Oid>,
    /// Those with rewrite rules beside a view's own.
    pub with_rules: Vec<Oid>,
}

/// The relations of the database.
pub(super) fn read(reader: &mut Reader<'_>, major: u32) -> Result<ReadRelations> {
    let mut relations = Vec::new();
    let (mut hidden, mut with_rules) = (BTreeSet::new(), Vec::new());
    let mut last = Oid(0);
    loop {
        let page = reader.read(|transaction| transaction.query(&RELATIONS, &[&last, &PAGE_ROWS]))?;
        for row in &page {
            last = row.get("oid")?;
            if let Some(relation) = relation(row, major)? {
                if row.get("is_hidden_by_row_security")? {
                    hidden.insert(last);
                }
                if row.get("has_rules")? {
                    with_rules.push(last);
                }
                relations.push(relation);
            }
        }
        if (page.len() as i64) < PAGE_ROWS {
            break;
        }
    }
    relations.sort_by(|a: &Relation, b: &Relation| a.name.cmp(&b.name));
    Ok(ReadRelations { relations, hidden, with_rules })
}

/// `None` for kinds of relation that this version of pgadvise does not know.
fn relation(row: &Row, major: u32) -> std::result::Result<Option<Relation>, Failure> {
    let kind = row.text("kind")?.chars().next().and_then(RelationKind::from_code);
    let persistence = row.text("persistence")?.chars().next().and_then(Persistence::from_code);
    let (Some(kind), Some(persistence)) = (kind, persistence) else { return Ok(None) };
    let n_pages = blocks(row.get("n_pages")?);
    Ok(Some(Relation {
        oid: row.get("oid")?,
        name: RelationName::new(row.text("schema")?, row.text("name")?),
        kind,
        persistence,
        owner: row.text("owner")?,
        extension: row.optional_text("extension")?,
        is_partition: row.get("is_partition")?,
        parent: row.optional("parent")?,
        partition_key: None,
        has_row_security: row.get("has_row_security")?,
        can_select: row.get("can_select")?,
        is_locked: false,
        options: row.texts("options")?,
        n_pages,
        n_pages_counted: None,
        n_blocks: None,
        tablespace: row.optional_text("tablespace")?,
        n_rows: rows(row.get("n_rows")?, n_pages, major),
        n_all_visible_pages: blocks(row.get("n_all_visible_pages")?),
        columns: Vec::new(),
        indexes: Vec::new(),
        constraints: Vec::new(),
        extended_statistics: Vec::new(),
        activity: None,
        view_definition: None,
        declaration: Declaration {
            parents: row.get("parents")?,
            partition_bound: row.optional_text("partition_bound")?,
            forces_row_security: row.get("forces_row_security")?,
            instead_of: row.texts("instead_of")?,
            ..Declaration::default()
        },
    }))
}

/// `relpages`, a block number in a signed integer; −1 for partitioned tables.
pub(super) fn blocks(pages: i32) -> u64 {
    if pages == -1 { 0 } else { u64::from(pages.cast_unsigned()) }
}

/// `reltuples` of a relation of `n_pages` pages; `None` when it was never counted. Before 14, that was told as no rows
/// on no pages, like an empty relation.
pub(super) fn rows(tuples: f64, n_pages: u64, major: u32) -> Option<f64> {
    let is_unknown = tuples < 0.0 || (major < UNKNOWN_ROWS_SINCE && tuples == 0.0 && n_pages == 0);
    (!is_unknown && tuples.is_finite()).then_some(tuples)
}

/// Sequences and composite types, and those of them that are sequences and no extension's.
pub(super) fn read_other_names(reader: &mut Reader<'_>) -> Result<(Vec<RelationName>, Vec<RelationName>)> {
    let (mut names, mut sequences) = (Vec::new(), Vec::new());
    let mut last = Oid(0);
    loop {
        let page = reader.read(|transaction| transaction.query(&OTHER_NAMES, &[&last, &PAGE_ROWS]))?;
        for row in &page {
            last = row.get("oid")?;
            let name = RelationName::new(row.text("schema")?, row.text("name")?);
            if row.get("is_own_sequence")? {
                sequences.push(name.clone());
            }
            names.push(name);
        }
        if (page.len() as i64) < PAGE_ROWS {
            sequences.sort();
            return Ok((names, sequences));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_row_counts_are_not_taken_for_empty_relations() {
        assert_eq!(rows(-1.0, 0, 15), None);
        assert_eq!(rows(0.0, 0, 15), Some(0.0));
        assert_eq!(rows(0.0, 0, 13), None);
        assert_eq!(rows(0.0, 1, 13), Some(0.0));
        assert_eq!(rows(f64::NAN, 1, 15), None);
        assert_eq!(rows(500.0, 14, 13), Some(500.0));
    }

    #[test]
    fn block_numbers_above_two_thousand_million_stay_positive() {
        assert_eq!(blocks(-1), 0);
        assert_eq!(blocks(14), 14);
        assert_eq!(blocks(-2), 4_294_967_294);
    }
}
