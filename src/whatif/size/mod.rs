//! How large an index will be right after `CREATE INDEX`, and what it will tell the planner of itself: one model per
//! access method, derived from its page and tuple layout and fed with column statistics. Asks no server.
//!
//! Measured against indexes really built: benches/fidelity/README.md.

mod bloom;
mod brin;
mod btree;
mod clustered;
mod estimated;
mod gin;
mod gist;
mod hash;
mod key_part;
mod leaf;
mod operator_class;
mod poisson;
mod sample;
mod spgist;
mod subject;

pub use estimated::{IndexSize, Metapage};
pub(in crate::whatif) use subject::n_rows;

use self::subject::Subject;
use crate::pg::{AccessMethod, IndexDefinition};
use crate::snapshot::{Catalog, Index, Relation, RelationKind};

/// The size that an index of `definition` on `relation` will have right after `CREATE INDEX`, with the storage
/// parameters that its access method has by default.
///
/// # Errors
/// Why it cannot be built or estimated: an access method without a model, a column that does not exist, rows wider
/// than the access method holds.
pub fn estimate(catalog: &Catalog, relation: &Relation, definition: &IndexDefinition) -> Result<IndexSize, String> {
    Ok(total(&parts(catalog, relation, definition)?))
}

/// As [`estimate`], for an index with storage parameters, each as `name=value`.
///
/// # Errors
/// As [`estimate`].
pub fn estimate_with_options(
    catalog: &Catalog,
    relation: &Relation,
    definition: &IndexDefinition,
    options: &[String],
) -> Result<IndexSize, String> {
    Ok(total(&parts_with(catalog, relation, definition, options)?))
}

/// An index over one stored relation: the whole of it, or its part over one partition.
#[derive(Debug, Clone, Copy)]
pub struct IndexPart<'s> {
    /// The stored relation.
    pub relation: &'s Relation,
    /// How large the part will be.
    pub size: IndexSize,
    /// How many rows it will hold.
    pub n_rows: f64,
}

/// Keys that one row has in a GIN index of `definition` on average, over the rows that the index holds; `None` without
/// rows, and where the definition names a column that does not exist.
pub fn gin_keys_per_row(catalog: &Catalog, relation: &Relation, definition: &IndexDefinition) -> Option<f64> {
    let stored = match relation.kind {
        RelationKind::PartitionedTable => {
            stored_partitions(catalog, relation).into_iter().max_by_key(|one| one.n_pages)?
        }
        _ => relation,
    };
    gin::keys_per_row(&Subject::new(stored, relation, definition, &[], catalog.snapshot()))
}

/// The parts of an index of `definition` on `relation`, one for each partition at the lowest level.
///
/// # Errors
/// As [`estimate`].
pub fn parts<'s>(
    catalog: &Catalog<'s>,
    relation: &'s Relation,
    definition: &IndexDefinition,
) -> Result<Vec<IndexPart<'s>>, String> {
    parts_with(catalog, relation, definition, &[])
}

/// What an existing index is: its real pages, and the height and the metapage that the model gives so many pages.
///
/// # Errors
/// As [`estimate`].
pub fn of_existing(catalog: &Catalog, relation: &Relation, index: &Index) -> Result<IndexSize, String> {
    let modelled = estimate_with_options(catalog, relation, &index.definition, &index.options)?;
    let Some(n_blocks) = index.n_blocks else { return Ok(modelled) };
    let scaled = modelled.scaled_to(n_blocks);
    if index.definition.access_method != AccessMethod::Btree {
        return Ok(scaled);
    }
    let subject = Subject::new(relation, relation, &index.definition, &index.options, catalog.snapshot());
    let has_grown = is_as_old_as(relation, index) || n_blocks as f64 > GROWN_MIN * modelled.n_pages as f64;
    Ok(IndexSize { height: btree::height_of(&subject, n_blocks, has_grown)?, ..scaled })
}

/// How much larger than right after CREATE INDEX an index is that has since grown, or grew row by row: the model's 95th
/// percentile is 1.04 to 1.09.
const GROWN_MIN: f64 = 1.1;

/// How far the oid of an index may be from its relation's for both to have been made in the same breath: the relation's
/// row types, its TOAST table and a few indexes lie in between.
const OIDS_BETWEEN_MAX: u32 = 16;

/// Whether the index was there before the first row, as a primary key of CREATE TABLE is.
fn is_as_old_as(relation: &Relation, index: &Index) -> bool {
    index.oid.0.checked_sub(relation.oid.0).is_some_and(|between| between <= OIDS_BETWEEN_MAX)
}

fn parts_with<'s>(
    catalog: &Catalog<'s>,
    relation: &'s Relation,
    definition: &IndexDefinition,
    options: &[String],
) -> Result<Vec<IndexPart<'s>>, String> {
    let stored = match relation.kind {
        RelationKind::PartitionedTable => stored_partitions(catalog, relation),
        _ => vec![relation],
    };
    let part = |stored: &'s Relation| {
        let subject = Subject::new(stored, relation, definition, options, catalog.snapshot());
        Ok(IndexPart { relation: stored, size: of_stored(&subject)?, n_rows: subject.n_rows })
    };
    stored.into_iter().map(part).collect()
}

fn total(parts: &[IndexPart]) -> IndexSize {
    parts.iter().fold(IndexSize::default(), |total, part| total.plus(part.size))
}

fn of_stored(subject: &Subject) -> Result<IndexSize, String> {
    match &subject.definition.access_method {
        AccessMethod::Btree => btree::size(subject),
        AccessMethod::Hash => hash::size(subject),
        AccessMethod::Gin => gin::size(subject),
        AccessMethod::Gist => gist::size(subject),
        AccessMethod::Spgist => spgist::size(subject),
        AccessMethod::Brin => brin::size(subject),
        AccessMethod::Other(name) if name == "bloom" => bloom::size(subject),
        AccessMethod::Other(name) => Err(format!("there is no size model for access method \"{name}\"")),
    }
}

fn stored_partitions<'s>(catalog: &Catalog<'s>, relation: &Relation) -> Vec<&'s Relation> {
    let mut stored = Vec::new();
    let mut open = catalog.children(relation.oid).to_vec();
    while let Some(relation) = open.pop().and_then(|oid| catalog.relation(oid)) {
        match relation.kind {
            RelationKind::PartitionedTable => open.extend(catalog.children(relation.oid)),
            _ => stored.push(relation),
        }
    }
    stored
}
