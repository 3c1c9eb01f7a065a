//! Which indexes another index of the same relation makes superfluous, and which of the two goes: the one decision that
//! rules report and advice acts on. Judges no usage and asks no planner.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::keep::must_keep;
use super::{Catalog, Index, Relation};
use crate::pg::index::{is_duplicate, makes_redundant};
use crate::pg::{Bytes, IndexDefinition, Oid};

/// How much larger an index may be than one that it replaces: scans by the leading columns alone then read more leaf
/// pages, and beyond this the small index may be there for that.
pub const SIZE_RATIO_MAX: u64 = 4;

/// An index that is going to exist.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIndex {
    /// Its name.
    pub name: String,
    /// What it is.
    pub definition: IndexDefinition,
    /// Its estimated size.
    pub bytes: Bytes,
}

/// The index that stays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cover<'c> {
    /// Its name.
    pub name: &'c str,
    /// What it is.
    pub definition: &'c IndexDefinition,
    /// Its size, or what it is estimated to be.
    pub bytes: Bytes,
    /// Its oid; `None` for one that does not exist yet.
    pub oid: Option<Oid>,
    /// Whether it enforces a constraint.
    pub is_constraint: bool,
}

/// An index that could go because `cover` does all that it does.
#[derive(Debug, Clone, Copy)]
pub struct Overlap<'s, 'c> {
    /// The index that could go.
    pub index: &'s Index,
    /// The index that stays.
    pub cover: Cover<'c>,
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

impl Overlap<'_, '_> {
    /// Whether the index that stays is so much larger that the small one may be there for that, and should stay too.
    pub fn is_cover_too_large(&self) -> bool {
        self.kind == OverlapKind::Prefix && self.cover.bytes.0 > self.index.bytes().0.saturating_mul(SIZE_RATIO_MAX)
    }
}

impl<'c> Cover<'c> {
    fn existing(index: &'c Index) -> Self {
        Self {
            name: &index.name,
            definition: &index.definition,
            bytes: index.bytes(),
            oid: Some(index.oid),
            is_constraint: index.constraint.is_some(),
        }
    }

    fn new(index: &'c NewIndex) -> Self {
        let NewIndex { name, definition, bytes } = index;
        Self { name, definition, bytes: *bytes, oid: None, is_constraint: false }
    }
}

/// The overlaps of `relation`'s usable indexes, by name, once those in `gone` are dropped and those in `coming` built.
/// What covers an index stays: it is never among those that go. Indexes that must stay (see [`must_keep`]) are not
/// among them either.
pub fn overlaps<'s: 'c, 'c>(
    catalog: &Catalog<'_>,
    relation: &'s Relation,
    gone: &BTreeSet<Oid>,
    coming: &'c [NewIndex],
) -> Vec<Overlap<'s, 'c>> {
    let mut going = gone.clone();
    let mut found = Vec::new();
    for index in widest_and_newest_first(relation, gone) {
        let Some(overlap) = overlap(relation, index, &going, coming) else { continue };
        if !must_keep(catalog, relation, index, &going, coming).is_empty() {
            continue;
        }
        if !overlap.is_cover_too_large() {
            going.insert(index.oid);
        }
        found.push(index);
    }
    // Of three alike, the one that covered the first may have gone after it.
    let mut overlaps: Vec<Overlap<'s, 'c>> =
        found.into_iter().filter_map(|index| overlap(relation, index, &going, coming)).collect();
    overlaps.sort_by(|a, b| a.index.name.cmp(&b.index.name));
    overlaps
}

/// The existing indexes that `new` alone would make superfluous.
pub fn replaced_by(catalog: &Catalog<'_>, relation: &Relation, new: &NewIndex) -> BTreeSet<Oid> {
    let coming = std::slice::from_ref(new);
    let goes = |index: &&Index| {
        let kind = overlap_kind(&new.definition, &index.definition).filter(|_| index.is_usable());
        let overlap = kind.map(|kind| Overlap { index, cover: Cover::new(new), kind });
        overlap.is_some_and(|overlap| !overlap.is_cover_too_large())
            && must_keep(catalog, relation, index, &BTreeSet::new(), coming).is_empty()
    };
    relation.indexes.iter().filter(goes).map(|index| index.oid).collect()
}

/// The best index that stays in the place of `index`: one that is not too large, a duplicate, a constraint's, one that
/// exists, a small and an old one.
fn overlap<'s: 'c, 'c>(
    relation: &'s Relation,
    index: &'s Index,
    going: &BTreeSet<Oid>,
    coming: &'c [NewIndex],
) -> Option<Overlap<'s, 'c>> {
    let stays = |other: &&Index| other.oid != index.oid && other.is_usable() && !going.contains(&other.oid);
    let existing = relation.indexes.iter().filter(stays).map(Cover::existing);
    existing
        .chain(coming.iter().map(Cover::new))
        .filter_map(|cover| {
            let kind = overlap_kind(cover.definition, &index.definition)?;
            Some(Overlap { index, cover, kind })
        })
        .min_by_key(|overlap| {
            let Overlap { cover, kind, .. } = overlap;
            let is_other = *kind != OverlapKind::Duplicate;
            let place = (cover.oid.is_none(), cover.bytes, cover.oid, cover.name);
            (overlap.is_cover_too_large(), is_other, !cover.is_constraint, place)
        })
}

/// The widest first, so that what covers an index is known to stay. Of twins the one that was created last goes,
/// because the other is what plans, hints and the application's migrations began with.
fn widest_and_newest_first<'s>(relation: &'s Relation, gone: &BTreeSet<Oid>) -> Vec<&'s Index> {
    let is_there = |index: &&Index| index.is_usable() && !gone.contains(&index.oid);
    let mut indexes: Vec<&Index> = relation.indexes.iter().filter(is_there).collect();
    indexes.sort_by_key(|index| {
        let definition = &index.definition;
        Reverse((definition.key_columns.len() + definition.included_columns.len(), index.oid))
    });
    indexes
}

fn overlap_kind(wide: &IndexDefinition, narrow: &IndexDefinition) -> Option<OverlapKind> {
    if is_duplicate(wide, narrow) {
        return Some(OverlapKind::Duplicate);
    }
    makes_redundant(wide, narrow).then(|| {
        let has_same_columns = wide.key_columns.len() == narrow.key_columns.len()
            && wide.included_columns.len() == narrow.included_columns.len();
        if has_same_columns { OverlapKind::Duplicate } else { OverlapKind::Prefix }
    })
}
