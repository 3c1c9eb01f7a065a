//! What maintaining indexes costs those who write, over the workload's window, and which HOT updates they end. Decides
//! nothing.
//!
//! The cost of a *set* of indexes of one relation is what is modelled; an index costs what the set costs with it less
//! what it costs without. So what one index takes from another (HOT updates that either would end) is counted once, and
//! what a drop gives back is what a create would take.

mod cache;
mod calibration;
mod columns;
mod entry;
#[cfg(test)]
mod tests;
mod writes;

pub use calibration::Calibration;
pub use columns::indexed_columns;
pub use writes::WriteSource;

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::{Bytes, IndexDefinition, Oid};
use crate::snapshot::{Catalog, Index, Relation};
use crate::whatif::size;
use crate::workload::{Weigh, Workload};

use cache::Cache;
use entry::Entry;
use writes::Writes;

/// Microseconds that an UPDATE costs beyond its index entries when it is no longer HOT.
const NOT_HOT_US: f64 = 2.0;

/// Seconds between checkpoints where the snapshot does not say (`checkpoint_timeout`).
const CHECKPOINT_SECONDS: f64 = 300.0;

/// Bytes of the image of a page that is changed first after a checkpoint: 70 % of it is filled, and the hole between is
/// left out.
const PAGE_IMAGE_BYTES: f64 = 0.7 * 8192.0;

/// The price of an index for those who write.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteCost {
    /// Planner cost units over the workload's window.
    pub units: f64,
    /// Microseconds over the window, of CPU and of waiting for pages.
    pub us: f64,
    /// The part of `units` that VACUUM takes, in the background.
    pub vacuum_units: f64,
    /// Microseconds for each row that is inserted, updated or deleted; 0 where none is.
    pub us_per_write: f64,
    /// Bytes of WAL for each such row.
    pub wal_bytes_per_write: f64,
    /// Bytes of WAL over the window; full-page images are among them where the window's length is known.
    pub wal_bytes: f64,
    /// The HOT updates that it ends; `None` when there are none.
    pub hot_loss: Option<HotLoss>,
    /// Where the number of writes comes from.
    pub source: WriteSource,
}

/// HOT updates that an index would end.
#[derive(Debug, Clone, PartialEq)]
pub struct HotLoss {
    /// How many, over the window.
    pub n_updates: f64,
    /// The indexed columns that UPDATEs set, sorted.
    pub columns: Vec<String>,
    /// The share of the relation's updates that set one of them, 0 to 1.
    pub share: f64,
    /// Whether the server counted HOT updates; otherwise they are inferred from the statements.
    pub is_counted: bool,
}

/// One index as those who write see it, existing or not: made once, asked often.
#[derive(Debug, Clone)]
pub struct Maintenance {
    entry: Entry,
    columns: BTreeSet<String>,
    ends_hot: bool,
    bytes: f64,
}

/// What is written of one relation, and the indexes that it has.
struct Maintained {
    writes: Writes,
    /// Of the updates that touch no index, the share that is HOT.
    hot_share: f64,
    existing: BTreeMap<Oid, Maintenance>,
    heap_bytes: f64,
    index_bytes: f64,
}

/// Answers what indexes cost. Made once for a workload; every answer is arithmetic.
pub struct WriteCosts<'w> {
    catalog: &'w Catalog<'w>,
    major: u32,
    calibration: Calibration,
    cache: Cache,
    /// How many checkpoints the window has; `None` where its length is not known.
    n_checkpoints: Option<f64>,
    relations: BTreeMap<Oid, Maintained>,
    /// What one planner unit counts in the search's objective.
    objective_per_unit: f64,
}

/// What a set of indexes costs over the window.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    us: f64,
    vacuum_us: f64,
    wal_bytes: f64,
    n_missed_pages: f64,
    n_hot: f64,
}

impl<'w> WriteCosts<'w> {
    /// The writes of `workload`, and what a microsecond is in planner units.
    pub fn new(catalog: &'w Catalog<'w>, workload: &Workload) -> Self {
        let major = workload.snapshot.server.version.major();
        let calibration = Calibration::of(workload);
        let mut relations = BTreeMap::new();
        for (oid, writes) in writes::by_relation(catalog, workload) {
            let Some(relation) = catalog.relation(oid) else { continue };
            let existing = relation.indexes.iter().filter(|index| index.is_ready && index.is_live);
            let existing = existing.map(|index| (index.oid, of_existing(catalog, major, relation, index))).collect();
            let hot_share = hot_share(&writes, &existing);
            let heap_bytes = cache::heap_bytes_with_partitions(catalog, relation);
            let index_bytes = cache::index_bytes_with_partitions(catalog, relation);
            relations.insert(oid, Maintained { writes, hot_share, existing, heap_bytes, index_bytes });
        }
        Self {
            catalog,
            major,
            calibration,
            cache: Cache::of(&workload.snapshot),
            n_checkpoints: n_checkpoints(workload),
            relations,
            objective_per_unit: objective_per_unit(workload, calibration),
        }
    }

    /// How many planner units a microsecond is, and what that was fitted to.
    pub fn calibration(&self) -> Calibration {
        self.calibration
    }

    /// What an index with `definition` on `relation` would cost beside the existing ones.
    pub fn of(&self, relation: &Relation, definition: &IndexDefinition) -> WriteCost {
        self.of_set(relation.oid, &[&self.maintenance(relation, definition, None)], &BTreeSet::new())
    }

    /// What goes when an existing index goes: its costs are negative.
    pub fn of_drop(&self, relation: &Relation, index: Oid) -> WriteCost {
        self.of_set(relation.oid, &[], &BTreeSet::from([index]))
    }

    /// What there is to know of an index to price it in sets; `bytes` is its size where the caller knows it.
    pub fn maintenance(&self, relation: &Relation, definition: &IndexDefinition, bytes: Option<Bytes>) -> Maintenance {
        let modelled = || size::estimate(self.catalog, relation, definition).map(size::IndexSize::bytes).ok();
        let bytes = bytes.or_else(modelled).unwrap_or_default();
        maintenance(self.catalog, self.major, relation, definition, &[], bytes.0 as f64)
    }

    /// What the indexes `added` cost together, and with the existing ones `dropped` gone, compared with the relation
    /// as it is. Negative where less is to be maintained.
    pub fn of_set(&self, relation: Oid, added: &[&Maintenance], dropped: &BTreeSet<Oid>) -> WriteCost {
        let root = self.catalog.partition_root(relation);
        let Some(maintained) = self.relations.get(&root) else { return WriteCost::default() };
        let now: Vec<&Maintenance> = maintained.existing.values().collect();
        let kept = maintained.existing.iter().filter(|(oid, _)| !dropped.contains(oid)).map(|(_, index)| index);
        let then: Vec<&Maintenance> = kept.chain(added.iter().copied()).collect();
        let (before, after) = (self.total(maintained, &now), self.total(maintained, &then));
        // Of one partition, its part of what is written to all.
        let part = self.part_of_root(relation, root);
        let cpu = (after.us - before.us) * part;
        let pages = (after.n_missed_pages - before.n_missed_pages) * part * self.cache.random_page_cost;
        let units = cpu * self.calibration.units_per_us + pages;
        let us = units / self.calibration.units_per_us;
        let writes = &maintained.writes;
        let n_writes = (writes.n_inserted + writes.n_updated() + writes.n_deleted) * part;
        let wal_bytes = (after.wal_bytes - before.wal_bytes) * part;
        let per_write = |sum: f64| if n_writes > 0.0 { sum / n_writes } else { 0.0 };
        WriteCost {
            units,
            us,
            vacuum_units: (after.vacuum_us - before.vacuum_us) * part * self.calibration.units_per_us,
            us_per_write: per_write(us),
            wal_bytes_per_write: per_write(wal_bytes),
            wal_bytes,
            hot_loss: hot_loss(maintained, added, (before.n_hot - after.n_hot) * part),
            source: writes.source,
        }
    }

    /// A cost as the search's objective counts it, where a statement's planner cost counts its weight
    /// ([`Workload::weights`]): milliseconds where time is weighed, planner units where cost is, calls at the
    /// workload's mean cost of a call where calls are. What VACUUM takes is left out: it is shown, but nobody waits for it,
    /// and its cost delay keeps it out of the way of those who do.
    pub fn in_objective(&self, cost: &WriteCost) -> f64 {
        (cost.units - cost.vacuum_units) * self.objective_per_unit
    }

    fn total(&self, maintained: &Maintained, indexes: &[&Maintenance]) -> Total {
        let writes = &maintained.writes;
        let n_updated = writes.n_updated();
        let stays_hot = |update: &&writes::Update| is_untouched(&update.columns, indexes.iter().copied());
        let n_eligible: f64 = writes.updates.iter().filter(stays_hot).map(|update| update.n_rows).sum();
        let n_hot = n_eligible * maintained.hot_share;
        let n_not_hot = n_updated - n_hot;
        let n_entries = writes.n_inserted + n_not_hot;
        let index_bytes = self.bytes_of(maintained, indexes);
        let miss_share = self.cache.miss_share(maintained.heap_bytes, index_bytes, maintained.index_bytes);
        let mut total = Total { n_hot, us: NOT_HOT_US * n_not_hot, ..Total::default() };
        for index in indexes {
            let entry = &index.entry;
            let n_own = entry.share * n_entries;
            let vacuum_us = entry.vacuum_us * entry.share * (writes.n_deleted + n_not_hot);
            total.us += entry.us * n_own + vacuum_us;
            total.vacuum_us += vacuum_us;
            total.n_missed_pages += entry.n_random_pages * n_own * miss_share;
            total.wal_bytes += entry.wal_bytes * n_own + self.page_images(entry.n_random_pages * n_own, index.bytes);
        }
        total
    }

    /// What the indexes have in all. The existing ones are counted by their own sizes, partitions included.
    fn bytes_of(&self, maintained: &Maintained, indexes: &[&Maintenance]) -> f64 {
        let modelled: f64 = indexes.iter().map(|index| index.bytes).sum();
        let existing: f64 = maintained.existing.values().map(|index| index.bytes).sum();
        (maintained.index_bytes + modelled - existing).max(0.0)
    }

    /// Bytes of full-page images when so many changes go to random pages of an index: one for each page that is
    /// changed between two checkpoints.
    fn page_images(&self, n_changes: f64, bytes: f64) -> f64 {
        let Some(n_checkpoints) = self.n_checkpoints else { return 0.0 };
        let n_pages = (bytes / 8192.0).max(1.0);
        // Pages that are hit at least once by n changes at random.
        let n_hit = n_pages * (1.0 - (-n_changes / n_checkpoints / n_pages).exp());
        PAGE_IMAGE_BYTES * n_hit * n_checkpoints
    }

    fn part_of_root(&self, relation: Oid, root: Oid) -> f64 {
        if relation == root {
            return 1.0;
        }
        let bytes = |oid: Oid| {
            self.catalog.relation(oid).map_or(0.0, |relation| cache::heap_bytes_with_partitions(self.catalog, relation))
        };
        let whole = bytes(root);
        if whole > 0.0 { (bytes(relation) / whole).min(1.0) } else { 1.0 }
    }
}

fn of_existing(catalog: &Catalog<'_>, major: u32, relation: &Relation, index: &Index) -> Maintenance {
    let bytes = Bytes::of_blocks(index.n_blocks.unwrap_or(index.n_pages));
    maintenance(catalog, major, relation, &index.definition, &index.options, bytes.0 as f64)
}

fn maintenance(
    catalog: &Catalog<'_>,
    major: u32,
    relation: &Relation,
    definition: &IndexDefinition,
    options: &[String],
    bytes: f64,
) -> Maintenance {
    Maintenance {
        entry: entry::entry(catalog, relation, definition, options),
        columns: indexed_columns(relation, definition),
        ends_hot: columns::ends_hot(definition, major),
        bytes,
    }
}

/// Whether an update of these columns leaves every index alone.
fn is_untouched<'i>(columns: &BTreeSet<String>, mut indexes: impl Iterator<Item = &'i Maintenance>) -> bool {
    indexes.all(|index| !index.ends_hot || index.columns.is_disjoint(columns))
}

/// Of the updates that touch no existing index, the share that is HOT: what the server counted, spread over them; all
/// where it counted none.
fn hot_share(writes: &Writes, existing: &BTreeMap<Oid, Maintenance>) -> f64 {
    let n_updated = writes.n_updated();
    let eligible = writes.updates.iter().filter(|update| is_untouched(&update.columns, existing.values()));
    let n_eligible: f64 = eligible.map(|update| update.n_rows).sum();
    match writes.hot_counted {
        Some(share) if n_eligible > 0.0 => (share * n_updated / n_eligible).min(1.0),
        _ => 1.0,
    }
}

fn hot_loss(maintained: &Maintained, added: &[&Maintenance], n_updates: f64) -> Option<HotLoss> {
    let n_updated = maintained.writes.n_updated();
    let mut columns = BTreeSet::new();
    let mut n_touching = 0.0;
    for update in &maintained.writes.updates {
        let touches = |index: &&&Maintenance| index.ends_hot && !index.columns.is_disjoint(&update.columns);
        if !is_untouched(&update.columns, maintained.existing.values()) || !added.iter().any(|index| touches(&index)) {
            continue;
        }
        n_touching += update.n_rows;
        let indexed = added.iter().flat_map(|index| index.columns.intersection(&update.columns));
        columns.extend(indexed.cloned());
    }
    // Less than one update in a window is the rest of a subtraction.
    (n_updates >= 1.0 && n_updated > 0.0).then(|| HotLoss {
        n_updates,
        columns: columns.into_iter().collect(),
        share: n_touching / n_updated,
        is_counted: maintained.writes.hot_counted.is_some(),
    })
}

fn n_checkpoints(workload: &Workload) -> Option<f64> {
    let setting = |name: &str| workload.snapshot.settings.iter().find(|setting| setting.name == name);
    let seconds = setting("checkpoint_timeout").and_then(|timeout| timeout.value.parse().ok());
    let are_written = setting("full_page_writes").is_none_or(|setting| setting.value != "off");
    let window = writes::window_seconds(workload).filter(|_| are_written)?;
    Some((window / seconds.filter(|seconds: &f64| *seconds > 0.0).unwrap_or(CHECKPOINT_SECONDS)).max(1.0))
}

fn objective_per_unit(workload: &Workload, calibration: Calibration) -> f64 {
    let is_measured = workload.statements.iter().any(|statement| statement.exec_ms_total.is_some());
    match workload.weigh {
        // Without any measurement, `Workload::weights` counts a unit as one.
        Weigh::Time if is_measured => 1.0 / (1000.0 * calibration.units_per_us),
        Weigh::Time | Weigh::Cost => 1.0,
        Weigh::Calls => {
            let (n_calls, cost) = workload.statements.iter().fold((0.0, 0.0), |(calls, cost), statement| {
                let one = statement.cost_before().unwrap_or(0.0);
                (calls + statement.n_calls, cost + one * statement.n_calls)
            });
            if cost > 0.0 { n_calls / cost } else { 0.0 }
        }
    }
}
