//! The target's planner statistics in the private database: the numbers of pg_class, column statistics, extended
//! statistics. The relations are there and empty; none is analysed.

mod array;
mod dimensions;
mod expressions;
mod extended;
pub(super) mod image;
mod numbers;
mod pieces;
mod places;
mod restore;
mod rows;
mod slot;
mod slots;
mod value_types;

use std::collections::BTreeSet;

use self::places::Places;
use crate::db::{Failure, WritableSession};
use crate::error::Result;
use crate::pg::text;
use crate::snapshot::{ExtendedStatistics, Gap, Relation, Snapshot};

/// How many names a gap lists.
const NAMES_SHOWN: usize = 20;

/// Loads them into the database that both sessions are connected to, after the schema. The superuser writes the catalogs and
/// sends texts of our own only; expressions of the target are sent by `planner`, who owns the relations and may do nothing
/// outside the database. What the server does not take is a gap; relations and columns that do not exist there are left
/// out, for the schema has said so.
///
/// # Errors
/// A session is lost, or the server refuses what it should not.
pub fn load(superuser: &mut WritableSession, planner: &mut WritableSession, snapshot: &Snapshot) -> Result<Vec<Gap>> {
    load_all(superuser, planner, snapshot)
        .map_err(|failure| failure.while_doing("could not load statistics into the private server"))
}

fn load_all(
    superuser: &mut WritableSession,
    planner: &mut WritableSession,
    snapshot: &Snapshot,
) -> std::result::Result<Vec<Gap>, Failure> {
    numbers::load(superuser, snapshot)?;
    let places = Places::read(superuser, planner)?;
    let rows = rows::of_snapshot(snapshot, &places);
    let incomplete = if superuser.server_version().major() >= restore::RESTORE_SINCE {
        restore::load(superuser, &rows)?
    } else {
        slots::load(superuser, &rows)?
    };
    let lost = extended::load(superuser, planner, snapshot)?;
    Ok([gap_of_columns(&incomplete), gap_of_extended(&lost)].into_iter().flatten().collect())
}

/// Loads what is known of these objects, which exist; the names of those that lost something.
///
/// # Errors
/// As [`load`].
pub(super) fn load_extended(
    superuser: &mut WritableSession,
    planner: &mut WritableSession,
    known: &[(&Relation, &ExtendedStatistics)],
) -> Result<BTreeSet<String>> {
    extended::load_objects(superuser, planner, known)
        .map_err(|failure| failure.while_doing("could not load extended statistics into the private server"))
}

fn gap_of_columns(incomplete: &BTreeSet<String>) -> Option<Gap> {
    gap(
        "column_statistics",
        incomplete,
        "the private server does not take all values of their statistics (an enum label or a type that it does not have): \
         conditions on them are planned by guess",
    )
}

fn gap_of_extended(lost: &BTreeSet<String>) -> Option<Gap> {
    gap(
        "extended_statistics",
        lost,
        "the private server does not take what ANALYZE found for several columns together: conditions on these are planned \
         as if the columns knew nothing of each other",
    )
}

fn gap(what: &str, names: &BTreeSet<String>, reason: &str) -> Option<Gap> {
    if names.is_empty() {
        return None;
    }
    let mut id: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| text::one_line(name)).collect();
    if names.len() > NAMES_SHOWN {
        id.push(format!("and {} more", names.len() - NAMES_SHOWN));
    }
    Some(Gap::new(what, id.join(", "), reason))
}
