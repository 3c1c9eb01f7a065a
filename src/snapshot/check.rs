//! Whether a snapshot that was read from a file can have come from a server: what everything after it relies on, and no
//! more. A file can have been written by anybody.

use std::collections::{BTreeMap, BTreeSet};

use super::Snapshot;
use crate::pg::Oid;

/// # Errors
/// What no server says, in words without names or values.
pub(super) fn check(snapshot: &Snapshot) -> Result<(), String> {
    let relations = || snapshot.relations.iter();
    let indexes = || relations().flat_map(|relation| &relation.indexes);
    unique("relations", relations().map(|relation| relation.oid))?;
    unique("indexes", indexes().map(|index| index.oid))?;
    ends("relation", relations().map(|relation| (relation.oid, relation.parent.into_iter().collect())).collect())?;
    ends("relation", relations().map(|relation| (relation.oid, relation.declaration.parents.clone())).collect())?;
    ends("index", indexes().map(|index| (index.oid, index.parent.into_iter().collect())).collect())
}

fn unique(what: &str, oids: impl Iterator<Item = Oid>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for oid in oids {
        if !seen.insert(oid) {
            return Err(format!("it contradicts itself: two {what} have the oid {oid}"));
        }
    }
    Ok(())
}

/// Takes away what has no parent left, until nothing is left but what is its own ancestor.
fn ends(what: &str, mut parents: BTreeMap<Oid, Vec<Oid>>) -> Result<(), String> {
    loop {
        let known: BTreeSet<Oid> = parents.keys().copied().collect();
        let n_before = parents.len();
        parents.retain(|_, above| above.iter().any(|parent| known.contains(parent)));
        match parents.keys().next() {
            None => return Ok(()),
            Some(oid) if parents.len() == n_before => {
                return Err(format!("it contradicts itself: the {what} with the oid {oid} is below itself"));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parents(pairs: &[(u32, &[u32])]) -> BTreeMap<Oid, Vec<Oid>> {
        pairs.iter().map(|(oid, above)| (Oid(*oid), above.iter().map(|oid| Oid(*oid)).collect())).collect()
    }

    #[test]
    fn ancestors_end() {
        assert_eq!(ends("x", parents(&[(1, &[]), (2, &[1]), (3, &[1, 2]), (4, &[99])])), Ok(()));
        assert!(ends("x", parents(&[(1, &[]), (2, &[1, 3]), (3, &[2])])).is_err());
        assert!(ends("x", parents(&[(1, &[1])])).is_err());
        assert!(unique("x", [Oid(1), Oid(2), Oid(1)].into_iter()).is_err());
    }
}
