//! Which indexes nothing uses, and whether that is proved: by every node's counters over a window that is long enough, and
//! by the plans of the workload. Judges no overlap.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::pg::Oid;
use crate::snapshot::keep::must_keep;
use crate::snapshot::overlap::NewIndex;
use crate::snapshot::{Catalog, Index, Relation, Snapshot};

use super::super::AdviseOptions;

/// An index that was not scanned as long as the counters reach.
pub struct Unused<'s> {
    /// The index.
    pub index: &'s Index,
    /// Why it may go, or what is missing before that can be said.
    pub evidence: Result<String, String>,
}

/// What is known before a relation is looked at.
pub struct Evidence<'e> {
    snapshot: &'e Snapshot,
    /// Days that the counters of all nodes cover, if that is long enough.
    n_days: Option<f64>,
    n_bytes_min: u64,
    unread_nodes: Option<String>,
    /// The existing indexes in some plan of the workload.
    planned: &'e BTreeSet<Oid>,
}

impl<'e> Evidence<'e> {
    /// What the counters of `snapshot` are worth.
    pub fn new(snapshot: &'e Snapshot, options: &AdviseOptions, planned: &'e BTreeSet<Oid>) -> Self {
        Self {
            snapshot,
            n_days: snapshot.usage_days().filter(|n_days| *n_days >= options.unused_days_min),
            n_bytes_min: options.unused_bytes_min,
            unread_nodes: snapshot.unread_nodes(),
            planned,
        }
    }

    /// The unused indexes of `relation`, the largest first; of two that serve the same foreign key one is not among them.
    /// None where the counters are too young to say anything.
    pub fn unused<'s>(
        &self,
        catalog: &Catalog<'s>,
        relation: &'s Relation,
        gone: &BTreeSet<Oid>,
        coming: &[NewIndex],
    ) -> Vec<Unused<'s>> {
        let Some(n_days) = self.n_days else { return Vec::new() };
        let mut gone = gone.clone();
        let mut unused = Vec::new();
        let mut largest_first: Vec<&Index> = relation.indexes.iter().filter(|index| self.is_unscanned(index)).collect();
        largest_first.sort_by_key(|index| Reverse((index.n_pages, index.oid)));
        for index in largest_first {
            if !must_keep(catalog, relation, index, &gone, coming).is_empty() {
                continue;
            }
            let evidence = self.evidence(index, n_days);
            if evidence.is_ok() {
                gone.insert(index.oid);
            }
            unused.push(Unused { index, evidence });
        }
        unused
    }

    fn is_unscanned(&self, index: &Index) -> bool {
        index.is_usable() && index.bytes().0 >= self.n_bytes_min && self.snapshot.n_scans(index) == Some(0)
    }

    fn evidence(&self, index: &Index, n_days: f64) -> Result<String, String> {
        let unscanned = format!("it was not scanned in {n_days:.0} days {}", self.snapshot.counting_nodes());
        if self.planned.contains(&index.oid) {
            return Err(format!("{unscanned}, but a statement of the workload would use it now"));
        }
        match &self.unread_nodes {
            Some(missing) => Err(format!("{unscanned}, but {missing}")),
            None => Ok(format!(
                "{unscanned}; no catalog tells when an index was created: see that this one is older than that"
            )),
        }
    }
}
