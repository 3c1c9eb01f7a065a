//! Phantom indexes: created for real over a relation whose files are empty for that moment, then stretched to the size
//! that the index would have. Estimates no size and plans nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{files, storage};
use crate::db::{Failure, Row, WritableSession};
use crate::error::{Error, Result};
use crate::pg::{AccessMethod, Oid, RelationName, quote_identifier};
use crate::whatif::size::IndexSize;

const HEAPS: &str = include_str!("queries/heaps.sql");
const INDEXES: &str = include_str!("queries/indexes.sql");
const SET_HEAPS: &str = include_str!("queries/set_heaps.sql");
const SET_INDEXES: &str = include_str!("queries/set_indexes.sql");
const HIDE: &str = include_str!("queries/hide.sql");

/// An index to be made.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its name, which no other index has.
    pub name: String,
    /// `CREATE INDEX` with that name.
    pub create_sql: String,
    /// For each stored relation (the relation, or its partitions at every level): how large its part will be, and how
    /// many rows it will hold.
    pub parts: BTreeMap<RelationName, (IndexSize, f64)>,
}

/// A phantom index, or its part over one partition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phantom {
    /// Its oid in this database.
    pub oid: Oid,
    /// Its schema and name in this database, which plans tell.
    pub name: RelationName,
}

/// A stored relation, as it is before its indexes are made.
struct Heap {
    oid: Oid,
    name: RelationName,
    path: PathBuf,
    n_blocks: u64,
    n_pages: i32,
    n_rows: f32,
    n_all_visible_pages: i32,
}

/// Makes the `wanted` indexes of the relation called `relation`, hidden from the planner. `planner` runs what the
/// definitions say, `superuser` changes the catalog; `renew` makes another session of the planner's. For each the phantoms
/// that it consists of, or the server's reason why it cannot be built.
///
/// # Errors
/// The server is lost, or a file of it cannot be changed.
pub(super) fn create(
    superuser: &mut WritableSession,
    planner: &mut WritableSession,
    renew: &dyn Fn() -> Result<WritableSession>,
    data_directory: &Path,
    relation: &RelationName,
    wanted: &[Wanted],
) -> Result<Vec<std::result::Result<Vec<Phantom>, String>>> {
    let heaps = heaps(superuser, data_directory, relation)?;
    if heaps.iter().any(|heap| files::has_several_segments(heap.n_blocks)) {
        // A session that has planned with the relation counts its blocks from the last segment that it opened
        // (mdnblocks, md.c), and would look for rows in those before it.
        *planner = renew()?;
    }
    for heap in &heaps {
        files::shrink(&heap.path)?;
    }
    let created = create_all(planner, wanted);
    // Also after an error: without its size, a relation would be priced as an empty one.
    for heap in &heaps {
        files::stretch(&heap.path, heap.n_blocks)?;
    }
    let created = created?;
    let phantoms = stretch_indexes(superuser, data_directory, relation, wanted, &heaps)?;
    put_back(superuser, &heaps)?;
    let answer = |(wanted, refusal): (&Wanted, Option<String>)| match refusal {
        Some(reason) => Err(reason),
        None => Ok(phantoms.get(&wanted.name).cloned().unwrap_or_default()),
    };
    Ok(wanted.iter().zip(created).map(answer).collect())
}

/// Runs each `CREATE INDEX`; the reason of each that was refused.
fn create_all(planner: &mut WritableSession, wanted: &[Wanted]) -> Result<Vec<Option<String>>> {
    let create = |wanted: &Wanted| match planner.execute(&wanted.create_sql) {
        Ok(()) => Ok(None),
        Err(Failure::Statement(refused)) => Ok(Some(refused.message_without_values())),
        Err(Failure::Session(error)) => Err(error),
    };
    wanted.iter().map(create).collect()
}

fn heaps(session: &mut WritableSession, data_directory: &Path, relation: &RelationName) -> Result<Vec<Heap>> {
    let rows = session.query(HEAPS, &[&relation.schema, &relation.name])?;
    rows.iter().map(|row| heap(row, data_directory).map_err(Error::from)).collect()
}

fn heap(row: &Row, data_directory: &Path) -> std::result::Result<Heap, Failure> {
    Ok(Heap {
        oid: row.get("oid")?,
        name: RelationName::new(row.text("schema")?, row.text("name")?),
        path: data_directory.join(row.text("path")?),
        n_blocks: row.get::<i64>("n_blocks")?.unsigned_abs(),
        n_pages: row.get("n_pages")?,
        n_rows: row.get("n_rows")?,
        n_all_visible_pages: row.get("n_all_visible_pages")?,
    })
}

/// Gives the new indexes their sizes, tells the catalog, and hides them. The phantoms by the name that was wanted.
fn stretch_indexes(
    session: &mut WritableSession,
    data_directory: &Path,
    relation: &RelationName,
    wanted: &[Wanted],
    heaps: &[Heap],
) -> Result<BTreeMap<String, Vec<Phantom>>> {
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
    let rows = session.query(INDEXES, &[&relation.schema, &names])?;
    let mut phantoms: BTreeMap<String, Vec<Phantom>> = BTreeMap::new();
    let (mut oids, mut n_pages, mut n_rows) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let phantom = Phantom { oid: row.get("oid")?, name: RelationName::new(row.text("schema")?, row.text("name")?) };
        let root = row.text("root")?;
        let heap: Oid = row.get("heap")?;
        let heap = heaps.iter().find(|candidate| candidate.oid == heap);
        let wanted = wanted.iter().find(|wanted| wanted.name == root);
        if let (Some(wanted), Some(heap), true) = (wanted, heap, row.get("is_stored")?)
            && let Some((size, rows)) = wanted.parts.get(&heap.name)
        {
            let path = data_directory.join(row.text("path")?);
            storage::stretch_index(&path, &AccessMethod::from(row.text("access_method")?), *size)?;
            oids.push(phantom.oid);
            n_pages.push(i32::try_from(size.n_pages).unwrap_or(i32::MAX));
            n_rows.push(*rows);
        }
        phantoms.entry(root).or_default().push(phantom);
    }
    session.query(SET_INDEXES, &[&oids, &n_pages, &n_rows])?;
    let all: Vec<Oid> = phantoms.values().flatten().map(|phantom| phantom.oid).collect();
    session.query(HIDE, &[&all])?;
    Ok(phantoms)
}

/// CREATE INDEX has counted the rows of an empty file.
fn put_back(session: &mut WritableSession, heaps: &[Heap]) -> Result<()> {
    let oids: Vec<Oid> = heaps.iter().map(|heap| heap.oid).collect();
    let n_pages: Vec<i32> = heaps.iter().map(|heap| heap.n_pages).collect();
    let n_rows: Vec<f64> = heaps.iter().map(|heap| f64::from(heap.n_rows)).collect();
    let n_all_visible: Vec<i32> = heaps.iter().map(|heap| heap.n_all_visible_pages).collect();
    session.query(SET_HEAPS, &[&oids, &n_pages, &n_rows, &n_all_visible])?;
    Ok(())
}

/// The name of this candidate's phantom for this planner, as SQL and as the catalog has it.
pub(super) fn name(planner: u32, candidate: u32) -> String {
    let name = format!("pgadvise_phantom_{planner}_{candidate}");
    debug_assert_eq!(quote_identifier(&name), name);
    name
}
