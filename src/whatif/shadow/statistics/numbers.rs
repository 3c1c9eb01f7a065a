//! What VACUUM and ANALYZE keep in pg_class: pages, rows, all-visible pages. Of their statistics nothing.

use crate::db::{Failure, WritableSession};
use crate::snapshot::{Relation, RelationKind, Snapshot};

const NUMBERS: &str = include_str!("queries/numbers.sql");

/// Rows in one message.
const ROWS_MAX: usize = 5_000;
/// The first version where −1 rows mean that nobody has counted them.
const UNKNOWN_ROWS_SINCE: u32 = 14;

/// The numbers of a relation or an index.
struct Numbers<'s> {
    schema: &'s str,
    name: &'s str,
    n_pages: i32,
    n_rows: f64,
    n_all_visible_pages: i32,
}

/// Gives relations and indexes the target's numbers. Those that do not exist here are left out.
pub(super) fn load(session: &mut WritableSession, snapshot: &Snapshot) -> Result<(), Failure> {
    let major = session.server_version().major();
    let numbers: Vec<Numbers<'_>> =
        snapshot.relations.iter().flat_map(|relation| of_relation(relation, major)).collect();
    for piece in numbers.chunks(ROWS_MAX) {
        let schemas: Vec<&str> = piece.iter().map(|numbers| numbers.schema).collect();
        let names: Vec<&str> = piece.iter().map(|numbers| numbers.name).collect();
        let n_pages: Vec<i32> = piece.iter().map(|numbers| numbers.n_pages).collect();
        let n_rows: Vec<f64> = piece.iter().map(|numbers| numbers.n_rows).collect();
        let n_all_visible: Vec<i32> = piece.iter().map(|numbers| numbers.n_all_visible_pages).collect();
        session.query(NUMBERS, &[&schemas, &names, &n_pages, &n_rows, &n_all_visible])?;
    }
    Ok(())
}

fn of_relation(relation: &Relation, major: u32) -> Vec<Numbers<'_>> {
    if relation.kind == RelationKind::View {
        return Vec::new();
    }
    let schema = relation.name.schema.as_str();
    let (n_pages, n_rows) = if relation.kind == RelationKind::PartitionedTable {
        partitioned(relation.n_rows, major)
    } else {
        counted(relation.n_pages_counted.unwrap_or(relation.n_pages), relation.n_rows, major)
    };
    let n_all_visible_pages = blocks(relation.n_all_visible_pages);
    let own = Numbers { schema, name: &relation.name.name, n_pages, n_rows, n_all_visible_pages };
    let of_indexes = relation.indexes.iter().map(|index| {
        let (n_pages, n_rows) = counted(index.n_pages_counted.unwrap_or(index.n_pages), index.n_rows, major);
        Numbers { schema, name: &index.name, n_pages, n_rows, n_all_visible_pages: 0 }
    });
    std::iter::once(own).chain(of_indexes).collect()
}

/// `relpages` and `reltuples`.
fn counted(n_pages: u64, n_rows: Option<f64>, major: u32) -> (i32, f64) {
    (blocks(n_pages), n_rows.unwrap_or_else(|| unknown_rows(major)))
}

/// A partitioned table has −1 pages once it was analysed.
fn partitioned(n_rows: Option<f64>, major: u32) -> (i32, f64) {
    match n_rows {
        None => (0, unknown_rows(major)),
        Some(n_rows) => (if major >= UNKNOWN_ROWS_SINCE { -1 } else { 0 }, n_rows),
    }
}

fn unknown_rows(major: u32) -> f64 {
    if major >= UNKNOWN_ROWS_SINCE { -1.0 } else { 0.0 }
}

/// A block number, kept in a signed integer.
fn blocks(n_pages: u64) -> i32 {
    u32::try_from(n_pages).unwrap_or(u32::MAX - 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_counted_stays_uncounted() {
        assert_eq!(counted(0, None, 15), (0, -1.0));
        assert_eq!(counted(0, None, 13), (0, 0.0));
        assert_eq!(counted(40, Some(7.0), 15), (40, 7.0));
        assert_eq!(counted(3_000_000_000, Some(7.0), 15), (3_000_000_000_u32.cast_signed(), 7.0));
        assert_eq!(partitioned(Some(7.0), 15), (-1, 7.0));
        assert_eq!(partitioned(None, 13), (0, 0.0));
    }
}
