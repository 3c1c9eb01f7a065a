//! The ways to scan one relation with the indexes that are there: sequential, by an index, by an index alone, by
//! bitmaps and their AND and OR. Knows nothing of what stands above the scan.

use std::collections::BTreeSet;

use super::cost::{self, ScanUse};
use super::index::{Match, Usable, Which};
use super::path::{Order, Path};
use super::settings::Settings;
use super::table::Scanned;

/// What a bitmap costs for each row it is made of, in operators (`cost_bitmap_tree_node`, `costsize.c`).
const BITMAP_ROW: f64 = 0.1;
/// What combining a bitmap with another costs, in operators (`cost_bitmap_and_node`, `cost_bitmap_or_node`).
const BITMAP_COMBINE: f64 = 100.0;

/// A bitmap of one or several indexes.
#[derive(Debug, Clone)]
struct Bitmap {
    cost: f64,
    selectivity: f64,
    pages: f64,
    settled: BTreeSet<usize>,
    indexes: BTreeSet<Which>,
}

/// Every way to scan, by the indexes in `usable` and without any.
pub(super) fn paths(settings: &Settings, scan: &Scanned<'_>, usable: &[Usable<'_>]) -> Vec<Path> {
    let mut paths = vec![sequential(settings, scan)];
    let mut bitmaps = Vec::new();
    for index in usable {
        for way in index.matches(scan, settings.major) {
            paths.extend(index_scans(settings, scan, index, &way));
            bitmaps.extend(bitmap(settings, scan, index, &way));
        }
    }
    if settings.allows("enable_bitmapscan") {
        let combined = conjunctions(settings, &bitmaps);
        bitmaps.extend(combined);
        bitmaps.extend(disjunctions(settings, scan, usable));
        paths.extend(bitmaps.iter().map(|bitmap| heap_scan(settings, scan, bitmap)));
    }
    paths
}

fn sequential(settings: &Settings, scan: &Scanned<'_>) -> Path {
    let total = cost::seq_scan(settings, scan.table, Scanned::qual_cost(settings, &scan.clauses));
    // `disable_cost`, `costsize.c`.
    let total = if settings.allows("enable_seqscan") { total } else { total + 1e10 };
    Path {
        startup: 0.0,
        total,
        n_rows: scan.n_rows,
        order: Order::default(),
        used: BTreeSet::new(),
        used_existing: BTreeSet::new(),
    }
}

fn path(n_rows: f64, indexes: &BTreeSet<Which>, order: Order, (startup, total): (f64, f64)) -> Path {
    let mut path = Path { startup, total, n_rows, order, used: BTreeSet::new(), used_existing: BTreeSet::new() };
    for index in indexes {
        match index {
            Which::Candidate(id) => drop(path.used.insert(*id)),
            Which::Existing(oid) => drop(path.used_existing.insert(*oid)),
        }
    }
    path
}

/// An index scan, and one of the index alone where that has all columns. Without a clause for it, an index is read for
/// its order, its predicate, or because it has all columns and is smaller.
fn index_scans(settings: &Settings, scan: &Scanned<'_>, index: &Usable<'_>, way: &Match) -> Vec<Path> {
    let cost = cost::btree(settings, scan.table, &way.descent, scan.n_loops);
    let others = scan.clauses.iter().enumerate().filter(|(at, _)| !way.settled.contains(at)).map(|(_, clause)| clause);
    let qual_cost = Scanned::qual_cost(settings, others);
    let mut paths = Vec::new();
    for (is_index_only, switch) in [(false, "enable_indexscan"), (true, "enable_indexonlyscan")] {
        if !settings.allows(switch) || is_index_only && !way.covers {
            continue;
        }
        let scan_use = ScanUse { n_loops: scan.n_loops, is_index_only, qual_cost };
        let costs = cost::index_scan(settings, scan.table, &way.descent, cost, &scan_use);
        paths.push(path(scan.n_rows, &BTreeSet::from([index.which]), way.order.clone(), costs));
    }
    paths
}

fn bitmap(settings: &Settings, scan: &Scanned<'_>, index: &Usable<'_>, way: &Match) -> Option<Bitmap> {
    if way.answered.is_empty() && index.definition.predicate.is_none() {
        return None;
    }
    let cost = cost::btree(settings, scan.table, &way.descent, scan.n_loops);
    Some(Bitmap {
        cost: cost.total + BITMAP_ROW * settings.cpu_operator * cost::whole_rows(scan.n_rows),
        selectivity: way.descent.selectivity,
        pages: way.descent.pages,
        settled: way.settled.clone(),
        indexes: BTreeSet::from([index.which]),
    })
}

/// Pairs of bitmaps that answer different clauses (`choose_bitmap_and`, `indxpath.c`).
fn conjunctions(settings: &Settings, bitmaps: &[Bitmap]) -> Vec<Bitmap> {
    let mut pairs = Vec::new();
    for (at, one) in bitmaps.iter().enumerate() {
        for other in &bitmaps[at + 1..] {
            if one.settled.is_disjoint(&other.settled) && one.indexes.is_disjoint(&other.indexes) {
                pairs.push(Bitmap {
                    cost: one.cost + other.cost + BITMAP_COMBINE * settings.cpu_operator,
                    selectivity: one.selectivity * other.selectivity,
                    pages: one.pages + other.pages,
                    settled: one.settled.union(&other.settled).copied().collect(),
                    indexes: one.indexes.union(&other.indexes).copied().collect(),
                });
            }
        }
    }
    pairs
}

/// For every disjunction with an index for each of its arms, the OR of the arms' cheapest bitmaps
/// (`generate_bitmap_or_paths`, `indxpath.c`).
fn disjunctions(settings: &Settings, scan: &Scanned<'_>, usable: &[Usable<'_>]) -> Vec<Bitmap> {
    let mut bitmaps = Vec::new();
    for (_, arms) in scan.disjunctions() {
        let parts: Option<Vec<Bitmap>> = arms
            .iter()
            .map(|arm| {
                let in_arm = scan.with_arm(arm);
                let own = scan.clauses.len()..in_arm.clauses.len();
                let ways = usable
                    .iter()
                    .flat_map(|index| index.matches(&in_arm, settings.major).into_iter().map(move |way| (index, way)));
                ways.filter(|(_, way)| own.clone().any(|at| way.answered.contains(&at)))
                    .filter_map(|(index, way)| bitmap(settings, &in_arm, index, &way))
                    .min_by(|a, b| a.cost.total_cmp(&b.cost))
            })
            .collect();
        let Some(parts) = parts else { continue };
        let first =
            Bitmap { cost: 0.0, selectivity: 0.0, pages: 0.0, settled: BTreeSet::new(), indexes: BTreeSet::new() };
        bitmaps.push(parts.into_iter().fold(first, |all, part| Bitmap {
            cost: all.cost + part.cost,
            selectivity: (all.selectivity + part.selectivity).min(1.0),
            pages: all.pages + part.pages,
            settled: all.settled,
            indexes: all.indexes.union(&part.indexes).copied().collect(),
        }));
    }
    bitmaps
}

fn heap_scan(settings: &Settings, scan: &Scanned<'_>, bitmap: &Bitmap) -> Path {
    let costs = cost::bitmap_heap_scan(
        settings,
        scan.table,
        bitmap.selectivity,
        bitmap.cost,
        bitmap.pages,
        scan.n_loops,
        Scanned::qual_cost(settings, &scan.clauses),
    );
    path(scan.n_rows, &bitmap.indexes, Order::default(), costs)
}
