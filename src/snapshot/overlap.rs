//! Indexes that another index of the same relation makes superfluous, and which of the two goes.

use std::collections::BTreeSet;

use super::keep::must_keep;
use super::{Catalog, Index, Relation};
use crate::pg::Oid;
use crate::pg::index::{is_duplicate, makes_redundant};

/// An index that could go because `cover` does all that it does.
#[derive(Debug, Clone, Copy)]
pub struct Overlap<'s> {
    /// The index that could go.
    pub index: &'s Index,
    /// The index that stays.
    pub cover: &'s Index,
    /// How they overlap.
    pub kind: OverlapKind,
}

/// How two indexes overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlapKind {
    /// The same key columns, so that either serves every scan of the other.
    Duplicate,
    /// One is the beginning of the other.
    Prefix,
}

/// The overlaps of `relation`'s valid indexes: each index that could go once, by name, and never both of a pair.
/// Indexes that must stay (see [`must_keep`]) are never among those that go.
pub fn overlaps<'s>(catalog: &Catalog<'s>, relation: &'s Relation) -> Vec<Overlap<'s>> {
    let mut going: BTreeSet<Oid> = BTreeSet::new();
    let mut overlaps = Vec::new();
    for index in narrowest_and_newest_first(relation) {
        let cover = relation
            .indexes
            .iter()
            .filter(|other| other.oid != index.oid && other.is_usable() && !going.contains(&other.oid))
            .filter_map(|other| Some((other, overlap_kind(other, index)?)))
            .min_by_key(|(other, kind)| {
                (*kind != OverlapKind::Duplicate, other.constraint.is_none(), other.n_pages, other.oid)
            });
        let Some((cover, kind)) = cover else { continue };
        going.insert(index.oid);
        if must_keep(catalog, relation, index, &going).is_empty() {
            overlaps.push(Overlap { index, cover, kind });
        } else {
            going.remove(&index.oid);
        }
    }
    overlaps.sort_by(|a, b| a.index.name.cmp(&b.index.name));
    overlaps
}

/// Of twins the one that was created last goes, because the other is what the application's migrations began with.
fn narrowest_and_newest_first(relation: &Relation) -> Vec<&Index> {
    let mut indexes: Vec<&Index> = relation.indexes.iter().filter(|index| index.is_usable()).collect();
    indexes.sort_by_key(|index| {
        let definition = &index.definition;
        (definition.key_columns.len() + definition.included_columns.len(), std::cmp::Reverse(index.oid))
    });
    indexes
}

fn overlap_kind(cover: &Index, index: &Index) -> Option<OverlapKind> {
    let (wide, narrow) = (&cover.definition, &index.definition);
    if is_duplicate(wide, narrow) {
        return Some(OverlapKind::Duplicate);
    }
    makes_redundant(wide, narrow).then(|| {
        let has_same_columns = wide.key_columns.len() == narrow.key_columns.len()
            && wide.included_columns.len() == narrow.included_columns.len();
        if has_same_columns { OverlapKind::Duplicate } else { OverlapKind::Prefix }
    })
}
