//! How large each file of the shadow has to be: the target's real blocks, and the height and metapage of each index.
//! Changes files; the server has to be down meanwhile, for it keeps the first blocks of indexes in its buffers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::btree::Page;
use super::{brin, files, gin};
use crate::db::WritableSession;
use crate::error::Result;
use crate::pg::{AccessMethod, RelationName};
use crate::snapshot::{Catalog, Index, Relation, Snapshot};
use crate::whatif::size::{self, IndexSize, Metapage};

const STORAGE: &str = include_str!("queries/storage.sql");

/// What a file is stretched to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Extent {
    /// Blocks of a table or a materialized view.
    Heap(u64),
    /// An index.
    Index(AccessMethod, IndexSize),
}

/// The files of one database, relative to the data directory, and what they are stretched to.
///
/// # Errors
/// The server is lost.
pub(super) fn files_of(
    session: &mut WritableSession,
    extents: &BTreeMap<RelationName, Extent>,
) -> Result<Vec<(PathBuf, Extent)>> {
    let mut files = Vec::new();
    for row in session.query(STORAGE, &[])? {
        let name = RelationName::new(row.text("schema")?, row.text("name")?);
        if let Some(extent) = extents.get(&name) {
            files.push((PathBuf::from(row.text("path")?), extent.clone()));
        }
    }
    Ok(files)
}

/// What every relation and index of `snapshot` with storage is stretched to.
pub(super) fn extents(snapshot: &Snapshot) -> BTreeMap<RelationName, Extent> {
    let catalog = Catalog::new(snapshot);
    let mut extents = BTreeMap::new();
    for relation in &snapshot.relations {
        let blocks = relation.n_blocks.unwrap_or(relation.n_pages);
        extents.insert(relation.name.clone(), Extent::Heap(blocks));
        for index in &relation.indexes {
            let name = RelationName::new(&relation.name.schema, &index.name);
            let extent = Extent::Index(index.definition.access_method.clone(), index_size(&catalog, relation, index));
            extents.insert(name, extent);
        }
    }
    extents
}

/// The real blocks, with the height and the metapage that the model gives so large an index. Where there is no model,
/// the planner's own defaults for an empty metapage.
fn index_size(catalog: &Catalog<'_>, relation: &Relation, index: &Index) -> IndexSize {
    let n_pages = index.n_blocks.unwrap_or(index.n_pages);
    let modelled = size::of_existing(catalog, relation, index).unwrap_or_default();
    IndexSize { n_pages, ..modelled }
}

/// Stretches all `files` of the data directory.
///
/// # Errors
/// Kind `Output`, when there is no room.
pub(super) fn stretch(data_directory: &Path, files: &[(PathBuf, Extent)]) -> Result<()> {
    for (path, extent) in files {
        let path = data_directory.join(path);
        match extent {
            Extent::Heap(n_blocks) => files::stretch(&path, *n_blocks)?,
            Extent::Index(access_method, size) => {
                stretch_index(&path, access_method, *size)?;
                files::change_first_page(&path, |page| describe(page, *size))?;
            }
        }
    }
    Ok(())
}

/// Writes what the planner reads in the metapage of a GIN or BRIN index.
fn describe(page: &mut Page, size: IndexSize) -> std::result::Result<(), String> {
    match size.metapage {
        Metapage::Silent => Ok(()),
        Metapage::Gin { n_entry_pages, n_data_pages, n_entries } => {
            gin::patch_metapage(page, size.n_pages, (n_entry_pages, n_data_pages, n_entries))
        }
        Metapage::Brin { n_revmap_pages } => brin::patch_metapage(page, n_revmap_pages),
    }
}

/// Stretches an index that holds nothing. This may be done while the server runs and has planned with the index not yet:
/// a B-tree is built past the server's buffers. The metapages of other access methods are in its buffers from their
/// creation on, and stay what they are: for an empty GIN metapage the planner takes nine pages in ten for pages of keys.
///
/// # Errors
/// As [`stretch`].
pub(super) fn stretch_index(path: &Path, access_method: &AccessMethod, size: IndexSize) -> Result<()> {
    match access_method {
        AccessMethod::Btree => files::stretch_btree(path, size.n_pages, size.height),
        _ => files::stretch(path, size.n_pages),
    }
}
