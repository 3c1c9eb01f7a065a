//! How many rows of each relation are written over the workload's window, by which statements, and from which source.
//! Prices nothing.
//!
//! The window is that of the read side, or gain and cost could not be compared: what pg_stat_statements counted of
//! INSERT, UPDATE, DELETE and MERGE, with their rows; the calls of workload files, with the rows that are planned.
//! A relation that no statement of the workload writes has the counters of `pg_stat_all_tables`, scaled from the time
//! since the statistics' reset to that since pg_stat_statements', where both are known. Counters of an unknown time are
//! not used: most of what they hold is how the relation was filled.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::pg::Oid;
use crate::snapshot::{Catalog, Relation, RelationActivity, RelationKind};
use crate::sql::{Scan, StatementKind};
use crate::workload::{Origin, Statement, Workload};

/// The share of a relation's rows that a statement which ran once wrote, from which it filled the relation (or changed
/// all of it) once and for all and says nothing of what is to come.
const FILL_SHARE: f64 = 0.1;

/// Where the figures come from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum WriteSource {
    /// Nothing is known to write the relation.
    #[default]
    Nothing,
    /// Calls and rows of the statements in pg_stat_statements.
    Statements,
    /// Calls in workload files, and the rows that are planned.
    Files,
    /// The relation's counters, `scale` times what they say.
    Counters {
        /// Seconds of the workload's window / seconds since the statistics' reset.
        scale: f64,
    },
}

/// Updates of one statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Update {
    /// The columns that it sets.
    pub columns: BTreeSet<String>,
    /// How many rows, over the window.
    pub n_rows: f64,
}

/// What is written of one relation (partitions are counted at their root) over the window.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Writes {
    pub n_inserted: f64,
    pub n_deleted: f64,
    pub updates: Vec<Update>,
    pub source: WriteSource,
    /// Of all updates that the server counted, those that were HOT, 0 to 1; `None` where it counted none.
    pub hot_counted: Option<f64>,
}

impl Writes {
    pub fn n_updated(&self) -> f64 {
        self.updates.iter().map(|update| update.n_rows).sum()
    }
}

/// The writes of every relation that is written, by the oid of the relation or its partition root.
pub(super) fn by_relation(catalog: &Catalog<'_>, workload: &Workload) -> BTreeMap<Oid, Writes> {
    let mut writes: BTreeMap<Oid, Writes> = BTreeMap::new();
    for statement in &workload.statements {
        add_statement(catalog, statement, &mut writes);
    }
    let scale = scale(workload);
    for relation in catalog.snapshot().relations.iter().filter(|relation| !relation.is_partition) {
        let Some(activity) = activity(catalog, relation) else { continue };
        if let (false, Some(scale)) = (writes.contains_key(&relation.oid), scale) {
            writes.insert(relation.oid, from_counters(&activity, scale));
        }
        if let Some(known) = writes.get_mut(&relation.oid) {
            let n_updated = activity.n_rows_updated as f64;
            known.hot_counted = (n_updated > 0.0).then(|| (activity.n_rows_hot_updated as f64 / n_updated).min(1.0));
        }
    }
    writes
}

/// The seconds that the workload's counts were gathered over; `None` where that is not known, and for files.
pub(super) fn window_seconds(workload: &Workload) -> Option<f64> {
    let since = workload.snapshot.statements.as_ref()?.source.stats_reset?;
    let is_counted = workload.statements.iter().any(|statement| statement.origin == Origin::PgStatStatements);
    seconds(since, workload.snapshot.taken_at).filter(|_| is_counted)
}

fn seconds(from: Timestamp, to: Timestamp) -> Option<f64> {
    Some((to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0).filter(|seconds| *seconds > 0.0)
}

/// What lifetime counters are multiplied by.
fn scale(workload: &Workload) -> Option<f64> {
    let counters = seconds(workload.snapshot.server.stats_reset?, workload.snapshot.taken_at)?;
    Some(window_seconds(workload)? / counters)
}

fn from_counters(activity: &RelationActivity, scale: f64) -> Writes {
    // As many rows as there are now were inserted once, and nothing tells when.
    let n_inserted = (activity.n_rows_inserted - activity.n_live_rows).max(0) as f64;
    let update = Update { columns: BTreeSet::new(), n_rows: activity.n_rows_updated as f64 * scale };
    Writes {
        n_inserted: n_inserted * scale,
        n_deleted: activity.n_rows_deleted as f64 * scale,
        updates: vec![update],
        source: WriteSource::Counters { scale },
        hot_counted: None,
    }
}

/// The counters of a relation; of a partitioned table, those of its partitions added up.
pub(super) fn activity(catalog: &Catalog<'_>, relation: &Relation) -> Option<RelationActivity> {
    if relation.kind != RelationKind::PartitionedTable {
        return relation.activity.clone();
    }
    let mut sum = RelationActivity::default();
    let mut open = catalog.children(relation.oid).to_vec();
    while let Some(child) = open.pop().and_then(|oid| catalog.relation(oid)) {
        open.extend(catalog.children(child.oid));
        let Some(one) = &child.activity else { continue };
        sum.n_rows_inserted += one.n_rows_inserted;
        sum.n_rows_updated += one.n_rows_updated;
        sum.n_rows_hot_updated += one.n_rows_hot_updated;
        sum.n_rows_deleted += one.n_rows_deleted;
        sum.n_live_rows += one.n_live_rows;
    }
    Some(sum)
}

/// Adds what one statement writes, relation by relation.
fn add_statement(catalog: &Catalog<'_>, statement: &Statement, writes: &mut BTreeMap<Oid, Writes>) {
    let Some(shape) = &statement.shape else { return };
    let mut has_main = shape.kind == StatementKind::Select;
    for scan in shape.scans.iter().filter(|scan| scan.is_target) {
        let is_main = !has_main && scan.block == 0;
        has_main |= is_main;
        let Some(relation) = catalog.relation(catalog.partition_root(scan.relation)) else { continue };
        let n_rows = n_rows(statement);
        if is_fill(catalog, statement, relation, n_rows) {
            continue;
        }
        let kind = if is_main { shape.kind } else { kind_of_inner(scan) };
        let of_relation = writes.entry(relation.oid).or_default();
        match (kind, scan.columns_set.is_empty()) {
            (StatementKind::Insert | StatementKind::Merge, true) => of_relation.n_inserted += n_rows,
            (StatementKind::Insert | StatementKind::Merge, false) => {
                // Nothing tells the rows that were there from those that were not.
                of_relation.n_inserted += n_rows / 2.0;
                of_relation.updates.push(Update { columns: scan.columns_set.clone(), n_rows: n_rows / 2.0 });
            }
            (StatementKind::Delete, _) => of_relation.n_deleted += n_rows,
            (StatementKind::Update | StatementKind::Select, _) => {
                of_relation.updates.push(Update { columns: scan.columns_set.clone(), n_rows });
            }
        }
        of_relation.source = match (&statement.origin, of_relation.source) {
            (Origin::PgStatStatements, _) | (_, WriteSource::Statements) => WriteSource::Statements,
            _ => WriteSource::Files,
        };
    }
}

/// What a data-modifying WITH query does to its target.
fn kind_of_inner(scan: &Scan) -> StatementKind {
    if !scan.columns_set.is_empty() {
        StatementKind::Update
    } else if scan.quals.is_empty() && scan.or_groups.is_empty() {
        StatementKind::Insert
    } else {
        StatementKind::Delete
    }
}

/// The rows that a statement wrote over all calls: counted, or as planned.
fn n_rows(statement: &Statement) -> f64 {
    let planned = statement.planned.as_ref().map(|planned| &planned.plan.root).map(|root| {
        let source = if root.node_type == "ModifyTable" { root.children.first() } else { Some(root) };
        source.map_or(1.0, |node| node.plan_rows.max(1.0))
    });
    statement.n_rows.unwrap_or_else(|| statement.n_calls * planned.unwrap_or(1.0))
}

/// Whether a statement only filled the relation.
fn is_fill(catalog: &Catalog<'_>, statement: &Statement, relation: &Relation, n_rows: f64) -> bool {
    let n_stored = super::super::scope::Extent::of(catalog, relation).n_rows.unwrap_or(0.0);
    statement.origin == Origin::PgStatStatements
        && statement.n_calls <= 1.0
        && n_rows > 1.0
        && n_rows >= FILL_SHARE * n_stored
}
